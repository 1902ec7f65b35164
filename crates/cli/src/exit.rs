//! Failures: exit codes and messages.

use std::fmt::Display;
use std::sync::Arc;

use identkit_core::{Advice, Delivery, Error, Kind, RawResponse};
use identkit_transport::http::{ConnectError, ConnectFault};
use serde_json::{Map, Value, json};

use crate::text::plain;

/// The end of a message about wrong usage of a call.
const UNSENT: &str = "; nothing was sent";

/// The exit code that shells use for SIGPIPE. A failure with it has no message.
pub(crate) const CLOSED_PIPE: u8 = 141;

/// The failure of a command.
#[derive(Debug)]
#[must_use]
pub(crate) struct Failure {
    pub(crate) code: u8,
    /// The message. If the request breaks several rules, they follow, one per line.
    pub(crate) sentence: String,
    /// The error of a call or of its input.
    error: Option<Error>,
    notes: Vec<String>,
    vendor_text: VendorText,
    /// Whether the vendor has confirmed the change before, so that the base URL is right.
    is_confirmed: bool,
}

/// When the vendor's own error text is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum VendorText {
    /// With `--show-vendor-text`. Without it, a note recommends the option.
    #[default]
    OnAdvice,
    /// With `--show-vendor-text`. No note recommends the option, because the call must not be repeated.
    OnRequest,
    Always,
    /// Never: it was saved elsewhere, or contains a secret.
    Never,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self::new(code(&error), sentence(&error));
        Self { error: Some(error), ..failure }
    }
}

impl Failure {
    fn new(code: u8, sentence: String) -> Self {
        Self { code, sentence, error: None, notes: Vec::new(), vendor_text: VendorText::default(), is_confirmed: false }
    }

    /// A failure on this machine.
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self::new(1, message.into())
    }

    /// Wrong usage or invalid input.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(2, message.into())
    }

    /// Wrong usage or invalid input of a call; the message adds that nothing was sent.
    pub(crate) fn unsent(message: impl Display) -> Self {
        Self::usage(format!("{message}{UNSENT}"))
    }

    /// The sentence, for a place where a request may have been sent.
    pub(crate) fn reason(&self) -> &str {
        self.sentence.strip_suffix(UNSENT).unwrap_or(&self.sentence)
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn notes(self, notes: impl IntoIterator<Item = String>) -> Self {
        notes.into_iter().fold(self, Self::note)
    }

    /// Names an option as this command has it: commands with several vendors add a prefix.
    pub(crate) fn rename_option(mut self, option: &str, renamed: &str) -> Self {
        let rename = |text: &str| text.replace(&format!("{option} "), &format!("{renamed} "));
        self.sentence = rename(&self.sentence);
        self.notes = self.notes.iter().map(|note| rename(note)).collect();
        self
    }

    pub(crate) fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Notes that the vendor has confirmed the change: a later 404 does not mean that the base URL is wrong.
    pub(crate) fn confirmed(self) -> Self {
        Self { is_confirmed: true, ..self }
    }

    /// Whether the vendor has confirmed the change.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// Replaces exit code and message, for a caller that knows better what the response means.
    pub(crate) fn reword(mut self, code: u8, message: &str) -> Self {
        let operation = self.error.as_ref().and_then(Error::operation);
        self.sentence = operation.map_or_else(String::new, |operation| format!("{operation}: ")) + message;
        self.with_code(code)
    }

    /// Turns the 404 of another server into an unknown outcome, because the vendor may have executed an earlier attempt.
    pub(crate) fn into_unknown(self) -> Self {
        let Self { error: Some(error), notes, vendor_text, .. } = self else { return self };
        let detail = "the response with status 404 does not come from the vendor's API (wrong base URL?), and the vendor \
                      may have executed an earlier attempt of this call";
        let unknown = error.with_kind(Kind::OutcomeUnknown, detail).with_delivery(Delivery::MaybeSent);
        Self { notes, vendor_text, ..Self::from(unknown) }
    }

    pub(crate) fn vendor_text(mut self, vendor_text: VendorText) -> Self {
        self.vendor_text = vendor_text;
        self
    }

    /// Does not recommend `--show-vendor-text`: the call must not be repeated, and its response is recorded or shown.
    pub(crate) fn without_advice(mut self) -> Self {
        if self.vendor_text == VendorText::OnAdvice {
            self.vendor_text = VendorText::OnRequest;
        }
        self
    }

    /// Adds a note if the vendor's response has this HTTP status.
    pub(crate) fn note_on(self, status: u16, note: impl Into<String>) -> Self {
        if self.status() == Some(status) { self.note(note) } else { self }
    }

    /// Adds the base URL, if it may have caused the failure.
    pub(crate) fn base_url(self, base_url: &str, variable: &str) -> Self {
        use Kind::{OutcomeUnknown, Protocol, Timeout, Unavailable, Unreachable};
        match self.kind() {
            Some(Unreachable | Timeout | Unavailable | Protocol | OutcomeUnknown) => {
                self.note(format!("the base URL is {base_url}; --base-url or {variable} changes it"))
            }
            _ => self,
        }
    }

    /// The kind of the call's error, if a call failed.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.error.as_ref().map(Error::kind)
    }

    /// Why the connection failed, if a call failed because of it.
    pub(crate) fn connect_fault(&self) -> Option<ConnectFault> {
        self.error.as_ref().and_then(fault)
    }

    /// How far the request of the call got, if a call failed.
    pub(crate) fn delivery(&self) -> Option<Delivery> {
        self.error.as_ref().and_then(Error::delivery)
    }

    /// The HTTP status of the vendor's response, if a call failed with one.
    pub(crate) fn status(&self) -> Option<u16> {
        self.error.as_ref().and_then(Error::status)
    }

    /// Whether the vendor may have executed an earlier attempt of the call.
    pub(crate) fn has_earlier_attempt(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.advice() == Advice::Reconcile)
    }

    /// The operation that failed, if it reached the vendor's client.
    pub(crate) fn operation(&self) -> Option<&'static str> {
        self.error.as_ref().and_then(Error::operation)
    }

    /// The vendor's response, if the error has it.
    pub(crate) fn answer(&self) -> Option<&RawResponse> {
        self.error.as_ref().and_then(Error::answer)
    }

    /// Ids in the vendor's response of a call whose outcome is unknown, by name.
    pub(crate) fn salvaged_ids(&self) -> Vec<(&'static str, String)> {
        let unknown = self.error.iter().filter(|error| error.kind() == Kind::OutcomeUnknown);
        unknown.flat_map(Error::salvaged_ids).map(|id| (id.name, id.value.expose().to_owned())).collect()
    }

    /// Whether the request breaks this rule of the contract.
    pub(crate) fn breaks(&self, rule: &str) -> bool {
        self.error.iter().flat_map(Error::violations).any(|fault| fault.rule == rule)
    }

    /// The lines for standard error.
    pub(crate) fn lines(&self, show_vendor_text: bool) -> Vec<String> {
        let mut lines = vec![format!("error: {}", self.sentence)];
        lines.extend(self.all_notes(show_vendor_text).map(|note| format!("note: {note}")));
        lines.extend(self.shown_text(show_vendor_text).map(|text| format!("the vendor wrote: {text}")));
        lines
    }

    /// The failure as one line of JSON for standard error.
    pub(crate) fn json(&self, show_vendor_text: bool) -> Value {
        let mut members = Map::new();
        members.insert("exit_code".into(), self.code.into());
        members.insert("message".into(), self.sentence.clone().into());
        if let Some(error) = &self.error {
            members.insert("kind".into(), words(&format!("{:?}", error.kind())).into());
            members.insert("operation".into(), error.operation().into());
            let http = http_status(error).or(error.status());
            members.insert("http_status".into(), http.into());
            if error.status() != http {
                members.insert("body_status".into(), error.status().into());
            }
            let delivery = error.delivery().map(|delivery| words(&format!("{delivery:?}")));
            members.insert("delivery".into(), delivery.into());
            let violations = error.violations().iter().map(|fault| {
                json!({
                    "field": fault.field, "message": with_options(&fault.message), "rule": fault.rule, "section": fault.section,
                })
            });
            members.insert("violations".into(), violations.collect());
        }
        members.insert("notes".into(), self.all_notes(show_vendor_text).collect());
        members.insert("vendor_text".into(), self.shown_text(show_vendor_text).into());
        json!({ "error": members })
    }

    fn all_notes(&self, show_vendor_text: bool) -> impl Iterator<Item = String> {
        let violation = self.error.iter().flat_map(Error::violations).next().map(|fault| {
            // A provider in a crate of its own has its contract elsewhere, and its document has no short name.
            match fault.section.split(' ').next().filter(|document| document.starts_with('[')) {
                Some(document) => format!(
                    "docs/contract/contract.md explains rules such as {}; {document} is the vendor's document",
                    fault.rule
                ),
                None => format!("the provider's page in docs/contract explains rules such as {}", fault.rule),
            }
        });
        let has_text = self.error.as_ref().is_some_and(|error| error.vendor_text().is_some());
        let hidden = has_text && self.vendor_text == VendorText::OnAdvice && !show_vendor_text;
        let advice = hidden
            .then(|| "add --show-vendor-text to see the vendor's own text, which may contain personal data".to_owned());
        self.notes.iter().cloned().chain(violation).chain(advice)
    }

    /// The vendor's own text, if it is to be shown.
    fn shown_text(&self, show_vendor_text: bool) -> Option<String> {
        let show = match self.vendor_text {
            VendorText::OnAdvice | VendorText::OnRequest => show_vendor_text,
            VendorText::Always => true,
            VendorText::Never => false,
        };
        let text = self.error.as_ref()?.vendor_text().filter(|_| show)?;
        Some(plain(text.expose()))
    }
}

/// The words of a Rust name, in lower case and joined by underscores.
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

fn code(error: &Error) -> u8 {
    match error.kind() {
        Kind::InvalidInput => 2,
        _ if is_unsent(error) => 2,
        // The store's: another process has written it meanwhile. The vendor's have an operation.
        Kind::Conflict if error.operation().is_none() && error.status().is_none() => 1,
        // The place for the record of the request is wrong.
        Kind::Storage if error.delivery() == Some(Delivery::NotSent) => 2,
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

/// Whether identkit itself has rejected the command, e.g. because of the state of the case.
fn is_unsent(error: &Error) -> bool {
    let is_rejection = matches!(error.kind(), Kind::InvalidState | Kind::Conflict | Kind::NotFound | Kind::Unsupported);
    is_rejection && error.delivery() == Some(Delivery::NotSent) && error.advice() == Advice::FixInput
}

fn sentence(error: &Error) -> String {
    let mut message = error.operation().map_or_else(String::new, |operation| format!("{operation}: "));
    match error.violations() {
        [] => message.push_str(error.detail()),
        [fault] => message.push_str(&format!("{}: {fault}", error.detail())),
        faults => {
            let list: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
            let rules = faults.len();
            return with_options(&format!("{message}the request breaks {rules} rules and was not sent:{list}"));
        }
    }
    message = with_options(&message);
    if let Some(status) = error.status() {
        message.push_str(&match http_status(error) {
            Some(http) if http != status => format!(" (HTTP {http}, with the status {status} in the body)"),
            _ => format!(" (HTTP {status})"),
        });
    }
    if let Some(cause) = cause(error) {
        message.push_str(&format!(": {cause}"));
    }
    let advice = match error.kind() {
        Kind::InvalidInput if error.violations().is_empty() => "nothing was sent",
        Kind::InvalidInput => Advice::FixInput.text(),
        Kind::Storage if error.delivery() == Some(Delivery::NotSent) => "nothing was sent",
        _ if is_unsent(error) => "nothing was sent",
        _ => fault(error).and_then(remedy).unwrap_or_else(|| error.advice().text()),
    };
    format!("{message}; {advice}")
}

/// The HTTP status of the response. The error has the status of the body if that is worse (AI-30).
fn http_status(error: &Error) -> Option<u16> {
    error.answer().map(|answer| answer.status().as_u16())
}

/// The text of a library with the options of this program in place of settings in code: a switch of a dialect is an
/// option, and a limit of the retry policy has none.
fn with_options(text: &str) -> String {
    const SETTING: &str = "the setting `";
    let Some((before, rest)) = text.split_once(SETTING) else { return text.to_owned() };
    let Some((name, after)) = rest.split_once('`') else { return text.to_owned() };
    match (before.strip_suffix(" ("), after.strip_prefix(" is the limit)")) {
        (Some(before), Some(after)) => format!("{before}{}", with_options(after)),
        _ => format!("{before}--dialect {}{}", name.replace('_', "-"), with_options(after)),
    }
}

/// The chain of an error's causes.
fn sources(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |inner| inner.source())
}

/// Why the connection failed, if it did.
fn fault(error: &Error) -> Option<ConnectFault> {
    sources(error).find_map(|inner| inner.downcast_ref::<ConnectError>()).map(ConnectError::fault)
}

/// How the user can fix a connection failure that a retry does not fix.
fn remedy(fault: ConnectFault) -> Option<&'static str> {
    Some(match fault {
        ConnectFault::UnknownAuthority => {
            "if this is the right server, trust its certificate authority with --ca-file or IDENTKIT_CA_FILE"
        }
        ConnectFault::CertificateExpired | ConnectFault::CertificateNotYetValid => {
            "check the clock of this machine; if it is right, the server needs a new certificate"
        }
        ConnectFault::WrongHost => "check the base URL",
        ConnectFault::CertificateOfAuthority => {
            "the server needs another certificate, e.g. by openssl req -x509 -newkey ec -pkeyopt \
             ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.pem -subj /CN=localhost -addext \
             subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE"
        }
        ConnectFault::PinMismatch => {
            "if the vendor confirms through another channel that its key is new, pass the new key with --pin"
        }
        ConnectFault::ClientCertificate => {
            "pass a certificate that the server accepts with --client-cert and --client-key"
        }
        ConnectFault::ProxyUnreachable | ConnectFault::ProxyProtocol => "check --proxy, IDENTKIT_PROXY or https_proxy",
        ConnectFault::ProxyCredentials => "set user and password with --proxy-auth-file or IDENTKIT_PROXY",
        ConnectFault::ProxyForbids => "ask the operator of the proxy, or bypass it with --no-proxy",
        _ => return None,
    })
}

/// The innermost cause of a network failure. It contains addresses and certificates, never a body.
fn cause(error: &Error) -> Option<String> {
    let is_network = matches!(error.kind(), Kind::Unreachable | Kind::OutcomeUnknown);
    // The message of an outer identkit error already contains that of the inner one.
    let is_identkit = |source: &(dyn std::error::Error + 'static)| source.is::<Error>() || source.is::<Arc<Error>>();
    let innermost = sources(error).last().filter(|source| is_network && !is_identkit(*source));
    innermost.map(|cause| plain(&cause.to_string()))
}

#[cfg(test)]
mod tests {
    use identkit_core::Violation;

    use super::*;

    #[test]
    fn one_violation_is_inline_and_several_are_a_list() {
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
    fn settings_become_options_of_the_program() {
        for (text, expected) in [
            (
                "too long (the setting `long_zip_codes` allows longer ones)",
                "too long (--dialect long-zip-codes allows longer ones)",
            ),
            ("the setting `a_b`, the setting `c`", "--dialect a-b, --dialect c"),
            ("not complete in time (the setting `stream_timeout` is the limit)", "not complete in time"),
            ("the setting `", "the setting `"),
        ] {
            assert_eq!(with_options(text), expected);
        }
    }

    #[test]
    fn a_nested_identkit_error_is_not_repeated() {
        let inner = Error::new(Kind::Unreachable, "no connection could be made");
        let outer = Error::new(Kind::Unreachable, "logging in failed: no connection could be made");
        let message = Failure::from(outer.with_source(Arc::new(inner))).sentence;
        assert_eq!(message, "logging in failed: no connection could be made; try again later");
    }
}
