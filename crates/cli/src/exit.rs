//! What a failure is worth: an exit code and a sentence.

use std::sync::Arc;

use identkit_core::{Advice, Error, Kind};
use identkit_transport::http::{ConnectError, ConnectFault};

use crate::text::plain;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    cause: Cause,
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
    /// It is shown.
    Always,
    /// It is not shown: it is somewhere else, or holds a secret.
    Never,
}

#[derive(Debug)]
enum Cause {
    /// A call, or what was given for one.
    Call(Error),
    /// Something on this machine, told in one sentence.
    Local(String),
    /// What was typed or given cannot be used, told in one sentence.
    Usage(String),
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { cause, notes: Vec::new(), vendor_text: VendorText::default() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Cause::Call(error).into()
    }
}

impl Failure {
    pub(crate) fn local(told: impl Into<String>) -> Self {
        Cause::Local(told.into()).into()
    }

    pub(crate) fn usage(told: impl Into<String>) -> Self {
        Cause::Usage(told.into()).into()
    }

    /// What an option or its variable holds cannot be used.
    pub(crate) fn setting(flag: &str, variable: &str, error: &Error) -> Self {
        Self::usage(format!("{flag} or {variable} cannot be used: {}", error.detail()))
    }

    /// Something more to know, on a line of its own.
    #[must_use]
    pub(crate) fn note(mut self, told: impl Into<String>) -> Self {
        self.notes.push(told.into());
        self
    }

    /// Sets what is done with what the vendor wrote.
    #[must_use]
    pub(crate) fn vendor_text(mut self, vendor_text: VendorText) -> Self {
        self.vendor_text = vendor_text;
        self
    }

    /// The same, where the vendor answered with this HTTP status.
    #[must_use]
    pub(crate) fn note_on(self, status: u16, told: impl Into<String>) -> Self {
        match &self.cause {
            Cause::Call(error) if error.status() == Some(status) => self.note(told),
            _ => self,
        }
    }

    /// Adds where the API was called, if that may be the cause.
    #[must_use]
    pub(crate) fn base_url(self, base_url: &str, variable: &str) -> Self {
        match self.kind() {
            Some(Kind::Unreachable | Kind::Timeout | Kind::Unavailable | Kind::Protocol | Kind::OutcomeUnknown) => {
                self.note(format!("the API was called at {base_url} (--base-url or {variable})"))
            }
            _ => self,
        }
    }

    /// What went wrong, when it was a call.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match &self.cause {
            Cause::Call(error) => Some(error.kind()),
            Cause::Local(_) | Cause::Usage(_) => None,
        }
    }

    /// Whether this rule of the contract is among those that the request breaks.
    pub(crate) fn breaks(&self, rule: &str) -> bool {
        matches!(&self.cause, Cause::Call(error) if error.violations().iter().any(|fault| fault.rule == rule))
    }

    pub(crate) fn code(&self) -> u8 {
        match &self.cause {
            Cause::Call(error) => code(error.kind()),
            Cause::Local(_) => 1,
            Cause::Usage(_) => 2,
        }
    }

    /// The failure in one sentence; the rules that a request breaks follow one a line when there are several.
    pub(crate) fn sentence(&self) -> String {
        match &self.cause {
            Cause::Call(error) => sentence(error),
            Cause::Local(told) | Cause::Usage(told) => told.clone(),
        }
    }

    /// The lines for standard error.
    pub(crate) fn lines(&self, show_vendor_text: bool) -> Vec<String> {
        let mut lines = vec![format!("error: {}", self.sentence())];
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        let Cause::Call(error) = &self.cause else { return lines };
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
            told.push_str(&format!("the request breaks {} rules and was not sent:", faults.len()));
            for fault in faults {
                told.push_str(&format!("\n  {fault}"));
            }
            return told;
        }
    }
    if let Some(status) = error.status() {
        told.push_str(&format!(" (HTTP {status})"));
    }
    let cause = cause(error);
    if let Some(cause) = &cause {
        told.push_str(&format!(": {cause}"));
    }
    let advice = match error.kind() {
        Kind::InvalidInput if error.violations().is_empty() => "nothing was sent",
        Kind::InvalidInput => Advice::FixInput.text(),
        _ => fault(error).and_then(remedy).unwrap_or_else(|| error.advice().text()),
    };
    format!("{told}; {advice}")
}

/// Why no connection came about, where that is what failed.
fn fault(error: &Error) -> Option<ConnectFault> {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(found) = inner.downcast_ref::<ConnectError>() {
            return Some(found.fault());
        }
        source = inner.source();
    }
    None
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
    if !matches!(error.kind(), Kind::Unreachable | Kind::OutcomeUnknown) {
        return None;
    }
    let mut source = std::error::Error::source(error)?;
    while let Some(inner) = source.source() {
        source = inner;
    }
    // An error of ours has been told already, by the one that it caused.
    (!source.is::<Error>() && !source.is::<Arc<Error>>()).then(|| source.to_string())
}

#[cfg(test)]
mod tests {
    use identkit_core::Violation;

    use super::*;

    #[test]
    fn every_documented_code_is_reached() {
        for (kind, expected) in [
            (Kind::InvalidInput, 2),
            (Kind::Authentication, 3),
            (Kind::NotFound, 4),
            (Kind::Rejected, 5),
            (Kind::SigningCanceled, 5),
            (Kind::OutcomeUnknown, 6),
            (Kind::Unreachable, 7),
            (Kind::Timeout, 7),
            (Kind::Protocol, 1),
            (Kind::Integrity, 1),
        ] {
            assert_eq!(Failure::from(Error::new(kind, "")).code(), expected, "{kind:?}");
        }
    }

    #[test]
    fn one_fault_is_a_sentence_and_several_are_a_list() {
        let fault = |field: &'static str| Violation::new(field, "is required", "T-056", "[T] 3.1.3");
        let one = Failure::from(Error::invalid(vec![fault("Email")]).with_operation("putOrder"));
        assert_eq!(
            one.sentence(),
            "putOrder: the request breaks a rule and was not sent: Email: is required (T-056, [T] 3.1.3); \
             correct the request"
        );
        let two = Failure::from(Error::invalid(vec![fault("Email"), fault("Address")]).with_operation("putOrder"));
        assert_eq!(
            two.sentence(),
            "putOrder: the request breaks 2 rules and was not sent:\n  Email: is required (T-056, [T] 3.1.3)\n  \
             Address: is required (T-056, [T] 3.1.3)"
        );
    }

    #[test]
    fn an_error_of_ours_is_not_told_twice() {
        let inner = Error::new(Kind::Unreachable, "no connection could be made");
        let outer = Error::new(Kind::Unreachable, "logging in failed: no connection could be made");
        let told = Failure::from(outer.with_source(Arc::new(inner))).sentence();
        assert_eq!(told, "logging in failed: no connection could be made; try again later");
    }
}
