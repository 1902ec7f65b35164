//! What a failure is worth: an exit code and a sentence.

use std::fmt::Display;
use std::sync::Arc;

use identkit_core::{Advice, Error, Kind};
use identkit_transport::http::{ConnectError, ConnectFault};

use crate::text::plain;

/// A command that did not do what it was asked.
#[derive(Debug)]
#[must_use]
pub(crate) struct Failure {
    pub(crate) code: u8,
    /// The failure in one sentence; the rules that a request breaks follow one a line when there are several.
    pub(crate) sentence: String,
    /// What went wrong with a call, or with what was given for one.
    error: Option<Error>,
    notes: Vec<String>,
    vendor_text: VendorText,
}

/// What is done with what the vendor wrote about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum VendorText {
    /// `--show-vendor-text` shows it, and without that option a note advises it.
    #[default]
    OnAdvice,
    /// `--show-vendor-text` shows it; no note advises it, since the call must not be made again.
    OnRequest,
    Always,
    /// It is not shown: it is somewhere else, or holds a secret.
    Never,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self::new(code(error.kind()), sentence(&error));
        Self { error: Some(error), ..failure }
    }
}

impl Failure {
    fn new(code: u8, sentence: String) -> Self {
        Self { code, sentence, error: None, notes: Vec::new(), vendor_text: VendorText::default() }
    }

    /// Something on this machine, told in one sentence.
    pub(crate) fn local(told: impl Into<String>) -> Self {
        Self::new(1, told.into())
    }

    /// What was typed or given cannot be used, told in one sentence.
    pub(crate) fn usage(told: impl Into<String>) -> Self {
        Self::new(2, told.into())
    }

    /// The same, with the word that nothing was sent.
    pub(crate) fn unsent(told: impl Display) -> Self {
        Self::usage(format!("{told}; nothing was sent"))
    }

    pub(crate) fn note(mut self, told: impl Into<String>) -> Self {
        self.notes.push(told.into());
        self
    }

    pub(crate) fn vendor_text(mut self, vendor_text: VendorText) -> Self {
        self.vendor_text = vendor_text;
        self
    }

    /// A note where the vendor answered with this HTTP status.
    pub(crate) fn note_on(self, status: u16, told: impl Into<String>) -> Self {
        let answered = self.error.as_ref().and_then(Error::status) == Some(status);
        if answered { self.note(told) } else { self }
    }

    /// Adds where the API was called, if that may be the cause.
    pub(crate) fn base_url(self, base_url: &str, variable: &str) -> Self {
        use Kind::{OutcomeUnknown, Protocol, Timeout, Unavailable, Unreachable};
        match self.kind() {
            Some(Unreachable | Timeout | Unavailable | Protocol | OutcomeUnknown) => {
                self.note(format!("the API was called at {base_url} (--base-url or {variable})"))
            }
            _ => self,
        }
    }

    /// What went wrong, when it was a call.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.error.as_ref().map(Error::kind)
    }

    /// Whether this rule of the contract is among those that the request breaks.
    pub(crate) fn breaks(&self, rule: &str) -> bool {
        self.error.iter().flat_map(Error::violations).any(|fault| fault.rule == rule)
    }

    /// The lines for standard error.
    pub(crate) fn lines(&self, show_vendor_text: bool) -> Vec<String> {
        let mut lines = vec![format!("error: {}", self.sentence)];
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        let Some(error) = &self.error else { return lines };
        if let Some(fault) = error.violations().first() {
            let document = fault.section.split(' ').next().unwrap_or_default();
            lines.push(format!(
                "note: {} and the like are rules of docs/contract/contract.md, {document} is the vendor's document",
                fault.rule,
            ));
        }
        let show = match self.vendor_text {
            VendorText::OnAdvice | VendorText::OnRequest => show_vendor_text,
            VendorText::Always => true,
            VendorText::Never => false,
        };
        match error.vendor_text() {
            Some(text) if show => lines.push(format!("the vendor wrote: {}", plain(text.expose()))),
            Some(_) if self.vendor_text == VendorText::OnAdvice => lines.push(
                "note: the vendor wrote more about it, perhaps with personal data: --show-vendor-text shows it".into(),
            ),
            _ => {}
        }
        lines
    }
}

fn code(kind: Kind) -> u8 {
    match kind {
        Kind::InvalidInput => 2,
        Kind::Authentication => 3,
        Kind::NotFound => 4,
        Kind::Forbidden
        | Kind::InvalidState
        | Kind::Rejected
        | Kind::Conflict
        | Kind::RateLimited
        | Kind::TanRejected
        | Kind::SigningCanceled => 5,
        Kind::OutcomeUnknown => 6,
        Kind::Unreachable | Kind::Timeout | Kind::Unavailable => 7,
        _ => 1,
    }
}

fn sentence(error: &Error) -> String {
    let mut told = error.operation().map_or_else(String::new, |operation| format!("{operation}: "));
    match error.violations() {
        [] => told.push_str(error.detail()),
        [fault] => told.push_str(&format!("{}: {fault}", error.detail())),
        faults => {
            let list: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
            return format!("{told}the request breaks {} rules and was not sent:{list}", faults.len());
        }
    }
    if let Some(status) = error.status() {
        told.push_str(&format!(" (HTTP {status})"));
    }
    if let Some(cause) = cause(error) {
        told.push_str(&format!(": {cause}"));
    }
    let advice = match error.kind() {
        Kind::InvalidInput if error.violations().is_empty() => "nothing was sent",
        Kind::InvalidInput => Advice::FixInput.text(),
        _ => fault(error).and_then(remedy).unwrap_or_else(|| error.advice().text()),
    };
    format!("{told}; {advice}")
}

/// What caused an error, one after the other.
fn sources(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |inner| inner.source())
}

/// Why no connection came about, where that is what failed.
fn fault(error: &Error) -> Option<ConnectFault> {
    sources(error).find_map(|inner| inner.downcast_ref::<ConnectError>()).map(ConnectError::fault)
}

/// What can be done about it here, where waiting does not help.
fn remedy(fault: ConnectFault) -> Option<&'static str> {
    Some(match fault {
        ConnectFault::UnknownAuthority => {
            "if it is the right server, name its certificate authority by --ca-file or IDENTKIT_CA_FILE"
        }
        ConnectFault::CertificateExpired | ConnectFault::CertificateNotYetValid => {
            "check the clock of this machine; else it is the server's to mend"
        }
        ConnectFault::WrongHost => "check the base URL",
        ConnectFault::PinMismatch => {
            "if the vendor says, in another way than this one, that it has a new key, give that by --pin"
        }
        ConnectFault::ClientCertificate => "give the one that it accepts by --client-cert and --client-key",
        ConnectFault::ProxyUnreachable | ConnectFault::ProxyProtocol => {
            "check --proxy, IDENTKIT_PROXY or https_proxy, whichever is set"
        }
        ConnectFault::ProxyCredentials => "give them by --proxy-auth-file or in IDENTKIT_PROXY",
        ConnectFault::ProxyForbids => "ask whoever runs the proxy, or see --no-proxy",
        _ => return None,
    })
}

/// The innermost cause of a network failure, which is made of addresses and certificates, never of a body.
fn cause(error: &Error) -> Option<String> {
    let of_the_network = matches!(error.kind(), Kind::Unreachable | Kind::OutcomeUnknown);
    // An error of ours has been told already, by the one that it caused.
    let is_ours = |source: &(dyn std::error::Error + 'static)| source.is::<Error>() || source.is::<Arc<Error>>();
    let innermost = sources(error).last().filter(|source| of_the_network && !is_ours(*source));
    innermost.map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use identkit_core::Violation;

    use super::*;

    #[test]
    fn one_fault_is_a_sentence_and_several_are_a_list() {
        let fault = |field: &'static str| Violation::new(field, "is required", "T-056", "[T] 3.1.3");
        let one = Failure::from(Error::invalid(vec![fault("Email")]).with_operation("putOrder"));
        assert_eq!(
            one.sentence,
            "putOrder: the request breaks a rule and was not sent: Email: is required (T-056, [T] 3.1.3); \
             correct the request"
        );
        let two = Failure::from(Error::invalid(vec![fault("Email"), fault("Address")]).with_operation("putOrder"));
        assert_eq!(
            two.sentence,
            "putOrder: the request breaks 2 rules and was not sent:\n  Email: is required (T-056, [T] 3.1.3)\n  \
             Address: is required (T-056, [T] 3.1.3)"
        );
    }

    #[test]
    fn an_error_of_ours_is_not_told_twice() {
        let inner = Error::new(Kind::Unreachable, "no connection could be made");
        let outer = Error::new(Kind::Unreachable, "logging in failed: no connection could be made");
        let told = Failure::from(outer.with_source(Arc::new(inner))).sentence;
        assert_eq!(told, "logging in failed: no connection could be made; try again later");
    }
}
