//! The one public error of identkit.
//!
//! Invariants:
//! - `Display` and `Debug` are made of words of ours: names of operations, fields, rules and numbers. Never a body,
//!   a value that a person gave, or the text of a source error (serde's, for one, quotes values).
//! - What the vendor wrote is kept apart as [`Error::vendor_text`], personal data until somebody decides otherwise.

use std::borrow::Cow;
use std::fmt;

use crate::{Pii, RawResponse};

/// An error of any cause, as the standard library boxes it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, coarse enough to match on.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request breaks a rule and was not sent; see [`Error::violations`].
    InvalidInput,
    /// The vendor does not accept the credentials.
    Authentication,
    /// The credentials are good but lack the permission.
    Forbidden,
    /// The vendor does not know it, or no longer.
    NotFound,
    /// The order is not in a state in which this can be done.
    InvalidState,
    /// The vendor refused the request.
    Rejected,
    /// The request conflicts with another one.
    Conflict,
    /// Too many requests; slow down.
    RateLimited,
    /// The one-time code was most likely wrong.
    TanRejected,
    /// Too many wrong codes: the vendor has cancelled the order.
    SigningCanceled,
    /// Whether the vendor carried it out is not known.
    OutcomeUnknown,
    /// No connection could be made.
    Unreachable,
    /// Time ran out.
    Timeout,
    /// The vendor answered that it is not able to serve now (5xx).
    Unavailable,
    /// The answer is not what the vendor's document describes.
    Protocol,
    /// Bytes are missing or are not the ones they should be.
    Integrity,
    /// The provider has no such function.
    Unsupported,
    /// The local disk or store failed.
    Storage,
}

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Proved: not a byte of it was handed to the connection.
    NotSent,
    /// Some of it may have arrived; what the vendor did is unknown.
    MaybeSent,
    /// A complete answer came back.
    Answered,
}

/// What to do about an error.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Advice {
    /// Repeating it changes nothing.
    DoNotRetry,
    /// Change the request first.
    FixInput,
    /// Check customer id and password, or partner and API key.
    CheckCredentials,
    /// The same call may succeed later.
    RetryLater,
    /// Never repeat it blindly: find out what the vendor did first.
    Reconcile,
    /// Read the status of the order before anything else.
    ReadStatus,
    /// Check host, port, network and trusted certificates: trying again ends the same.
    CheckConnection,
    /// Check the proxy: its address and certificate, its user and password, what it allows. Trying again ends the same.
    CheckProxy,
}

impl Advice {
    /// The advice as half a sentence.
    pub fn text(self) -> &'static str {
        match self {
            Self::DoNotRetry => "repeating it changes nothing",
            Self::FixInput => "correct the request",
            Self::CheckCredentials => "check the credentials",
            Self::RetryLater => "try again later",
            Self::Reconcile => "do not repeat it: find out first what the vendor did",
            Self::ReadStatus => "read the status of the order first",
            Self::CheckConnection => "check the host, the port and the certificates that are trusted",
            Self::CheckProxy => "check the proxy's address, its user and password, and what it allows",
        }
    }
}

/// One broken rule of a request.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the vendor's spelling, e.g. `Address.ZipCode`.
    pub field: Cow<'static, str>,
    /// What is wrong and what would be right, without the value.
    pub message: Cow<'static, str>,
    /// Requirement or trap of the contract in `docs/contract/`, e.g. `T-050`.
    pub rule: &'static str,
    /// Section of the vendor's document, e.g. `[T] 3.1.3`.
    pub section: &'static str,
}

impl Violation {
    /// A broken rule: the field, what is wrong and what would be right, the rule's id, the document's section.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        rule: &'static str,
        section: &'static str,
    ) -> Self {
        Self { field: field.into(), message: message.into(), rule, section }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}, {})", self.field, self.message, self.rule, self.section)
    }
}

/// Why a call failed, how far it got, and what to do.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    operation: Option<&'static str>,
    delivery: Option<Delivery>,
    advice: Option<Advice>,
    status: Option<u16>,
    detail: Cow<'static, str>,
    violations: Vec<Violation>,
    vendor_text: Option<Pii<String>>,
    answer: Option<RawResponse>,
    source: Option<BoxError>,
}

impl Error {
    /// An error of this kind. `detail` must be free of values that came from a person or a vendor.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            delivery: None,
            advice: None,
            status: None,
            detail: detail.into(),
            violations: Vec::new(),
            vendor_text: None,
            answer: None,
            source: None,
        }))
    }

    /// The error of a request that breaks rules.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let mut error = Self::new(Kind::InvalidInput, "the request breaks a rule and was not sent");
        error.0.violations = violations;
        error.with_delivery(Delivery::NotSent)
    }

    /// What the provider does not offer.
    pub fn unsupported(operation: &'static str) -> Self {
        Self::new(Kind::Unsupported, "this provider has no such function").with_operation(operation)
    }

    /// Names the vendor's operation.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Says how far the request got.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.0.delivery = Some(delivery);
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_advice(mut self, advice: Advice) -> Self {
        self.0.advice = Some(advice);
        self
    }

    /// Keeps the HTTP status of the answer.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Keeps what the vendor wrote, apart from what is printed.
    #[must_use]
    pub fn with_vendor_text(mut self, text: impl Into<Pii<String>>) -> Self {
        self.0.vendor_text = Some(text.into());
        self
    }

    /// Keeps the response as it was received, if there is one.
    #[must_use]
    pub fn with_answer(mut self, answer: impl Into<Option<RawResponse>>) -> Self {
        self.0.answer = answer.into().or(self.0.answer);
        self
    }

    /// Keeps the cause. It is reachable through [`std::error::Error::source`] only where it quotes no values:
    /// never pass an error of serde.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Changes the kind, when a caller knows better what an answer means.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.kind = kind;
        self.0.detail = detail.into();
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The vendor's name for the operation, when one was under way.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// How far the request got, where there was one.
    pub fn delivery(&self) -> Option<Delivery> {
        self.0.delivery
    }

    /// What to do about it.
    pub fn advice(&self) -> Advice {
        self.0.advice.unwrap_or(match self.0.kind {
            Kind::InvalidInput => Advice::FixInput,
            Kind::Authentication => Advice::CheckCredentials,
            Kind::RateLimited | Kind::Unreachable | Kind::Timeout | Kind::Unavailable => Advice::RetryLater,
            Kind::OutcomeUnknown => Advice::Reconcile,
            Kind::InvalidState | Kind::TanRejected => Advice::ReadStatus,
            _ => Advice::DoNotRetry,
        })
    }

    /// The HTTP status of the vendor's answer, if there was one; where its body tells a worse one, that (AI-30).
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// What happened, in words of ours.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Every broken rule of an invalid request, all at once.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// What the vendor wrote about it. It may quote the person's data: do not log it.
    pub fn vendor_text(&self) -> Option<&Pii<String>> {
        self.0.vendor_text.as_ref()
    }

    /// The vendor's response as it was received, as far as it was. Only for operations that must not be repeated, because
    /// it can hold the only copy of an id. It can hold personal data: do not log it.
    pub fn answer(&self) -> Option<&RawResponse> {
        self.0.answer.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let Some(operation) = inner.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&inner.detail)?;
        if let Some(status) = inner.status {
            write!(f, " (HTTP {status})")?;
        }
        for (index, fault) in inner.violations.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { "; " })?;
            fault.fmt(f)?;
        }
        write!(f, "; {}", self.advice().text())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("operation", &inner.operation)
            .field("delivery", &inner.delivery)
            .field("advice", &self.advice())
            .field("status", &inner.status)
            .field("detail", &inner.detail)
            .field("violations", &inner.violations)
            .field("vendor_text", &inner.vendor_text)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_holds_no_vendor_text_and_no_source() {
        let error = Error::new(Kind::Rejected, "the vendor refused the request")
            .with_operation("putOrder")
            .with_status(400)
            .with_vendor_text("Mustermann is not allowed")
            .with_source("Erika");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("Mustermann") && !shown.contains("Erika"), "{shown}");
        assert!(shown.starts_with("putOrder: the vendor refused the request (HTTP 400)"), "{shown}");
        assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann is not allowed");
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let error = Error::invalid(vec![
            Violation::new("Email", "is required", "T-056", "[T] 3.1.3"),
            Violation::new("Address.Country", "is required", "T-056", "[T] 3.1.3"),
        ]);
        let shown = error.to_string();
        assert!(shown.contains("Email: is required") && shown.contains("Address.Country: is required"), "{shown}");
        assert_eq!(error.delivery(), Some(Delivery::NotSent));
        assert_eq!(error.advice(), Advice::FixInput);
    }

    #[test]
    fn the_error_stays_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
