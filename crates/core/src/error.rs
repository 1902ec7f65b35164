//! The one public error type of identkit.
//!
//! Invariants:
//! - `Display` and `Debug` contain only identkit's own words, names of operations, fields and rules, and numbers. They
//!   never contain a body, a value of a person, or the text of a source error (serde's quotes values).
//! - The vendor's text is separate ([`Error::vendor_text`]) and counts as personal data.

use std::borrow::Cow;
use std::fmt;

use crate::{FoundId, Pii, RawResponse};

/// A boxed error of any type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Kind of an error, to match on.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request breaks a rule and was not sent; see [`Error::violations`].
    InvalidInput,
    /// The vendor rejected the credentials.
    Authentication,
    /// The credentials are valid but lack the permission.
    Forbidden,
    /// The vendor does not know the resource, or has deleted it.
    NotFound,
    /// The state of the order does not allow the operation.
    InvalidState,
    /// The vendor rejected the request.
    Rejected,
    /// The request conflicts with another one.
    Conflict,
    /// Too many requests.
    RateLimited,
    /// The one-time code was probably wrong.
    TanRejected,
    /// Too many wrong codes: the vendor canceled the order.
    SigningCanceled,
    /// It is unknown whether the vendor executed the request.
    OutcomeUnknown,
    /// No connection could be established.
    Unreachable,
    /// The deadline expired.
    Timeout,
    /// The vendor cannot serve the request now (HTTP 5xx or 408).
    Unavailable,
    /// The response does not match the vendor's document.
    Protocol,
    /// The data is incomplete or does not match its declared length or digest.
    Integrity,
    /// The provider does not support the operation.
    Unsupported,
    /// A local file or store failed.
    Storage,
}

/// Whether a request reached the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Proved: no byte of the request was passed to the connection.
    NotSent,
    /// A part of the request may have arrived; what the vendor did is unknown.
    MaybeSent,
    /// The vendor responded.
    Answered,
}

/// What to do about an error.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Advice {
    /// Another attempt would fail the same way.
    DoNotRetry,
    /// Correct the request.
    FixInput,
    /// Check the customer id and password, or the partner and API key.
    CheckCredentials,
    /// The same call may succeed later.
    RetryLater,
    /// Do not retry before you know what the vendor did.
    Reconcile,
    /// Read the status of the order first.
    ReadStatus,
    /// Check host, port, network and trusted certificates. Another attempt would fail the same way.
    CheckConnection,
    /// Check the proxy: address, certificate, user, password, permissions. Another attempt would fail the same way.
    CheckProxy,
}

impl Advice {
    /// Returns the advice as half a sentence.
    pub fn text(self) -> &'static str {
        match self {
            Self::DoNotRetry => "do not retry: it would fail the same way",
            Self::FixInput => "correct the request",
            Self::CheckCredentials => "check the credentials",
            Self::RetryLater => "try again later",
            Self::Reconcile => "do not repeat it before you know what the vendor did",
            Self::ReadStatus => "read the status of the order first",
            Self::CheckConnection => "check the host, the port and the trusted certificates",
            Self::CheckProxy => "check the proxy's address, its user and password, and what it allows",
        }
    }
}

/// Part of a request that a [`Violation`] concerns.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Location {
    /// The field of the body that [`Violation::field`] names.
    #[default]
    Body,
    /// The header that [`Violation::field`] names.
    Header,
    /// The path.
    Path,
    /// Not a part of the request: the account or the service.
    Account,
}

/// One broken rule of a request.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field. For a call of a vendor's client in the vendor's spelling, e.g. `Address.ZipCode`. For
    /// [`IdentityProvider::open`](crate::IdentityProvider::open) in terms of [`NewCase`](crate::NewCase), e.g.
    /// `person.address.postal_code` or `documents[0].pdf`.
    pub field: Cow<'static, str>,
    /// Path of the vendor's field, if [`field`](Self::field) is that of a case.
    pub vendor_field: Option<Cow<'static, str>>,
    /// What is wrong and what is allowed, without the value.
    pub message: Cow<'static, str>,
    /// Requirement or trap of the contract in `docs/contract/`, e.g. `T-050`.
    pub rule: &'static str,
    /// Section of the vendor's document, e.g. `[T] 3.1.3`.
    pub section: &'static str,
    /// Part of the request that holds the field.
    pub location: Location,
}

impl Violation {
    /// Creates a violation in the body. `message` says what is wrong and what is allowed.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        rule: &'static str,
        section: &'static str,
    ) -> Self {
        Self {
            field: field.into(),
            vendor_field: None,
            message: message.into(),
            rule,
            section,
            location: Location::Body,
        }
    }

    /// Sets the path of the field in terms of [`NewCase`](crate::NewCase). The path so far becomes
    /// [`vendor_field`](Self::vendor_field).
    #[must_use]
    pub fn for_case(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.vendor_field = Some(std::mem::replace(&mut self.field, field.into()));
        self
    }

    /// Sets the part of the request that holds the field. Default: the body.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = location;
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)?;
        if let Some(field) = &self.vendor_field {
            write!(f, " ({field})")?;
        }
        write!(f, ": {} ({}, {})", self.message, self.rule, self.section)
    }
}

/// Why a call failed, whether the request was sent, and what to do.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    operation: Option<&'static str>,
    delivery: Option<Delivery>,
    advice: Option<Advice>,
    status: Option<u16>,
    url: Option<Box<str>>,
    detail: Cow<'static, str>,
    violations: Vec<Violation>,
    vendor_text: Option<Pii<String>>,
    answer: Option<RawResponse>,
    source: Option<BoxError>,
}

impl Error {
    /// Creates an error. `detail` must not contain values of a person or a vendor.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            delivery: None,
            advice: None,
            status: None,
            url: None,
            detail: detail.into(),
            violations: Vec::new(),
            vendor_text: None,
            answer: None,
            source: None,
        }))
    }

    /// Creates the error of a request that breaks rules and was not sent.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let mut error = Self::new(Kind::InvalidInput, "the request breaks a rule and was not sent");
        error.0.violations = violations;
        error.with_delivery(Delivery::NotSent)
    }

    /// Creates the error of an operation that the provider does not support.
    pub fn unsupported(operation: &'static str) -> Self {
        Self::new(Kind::Unsupported, "this provider does not support the operation").with_operation(operation)
    }

    /// Replaces the broken rules, for a caller that words them in other terms.
    #[must_use]
    pub fn with_violations(mut self, violations: Vec<Violation>) -> Self {
        self.0.violations = violations;
        self
    }

    /// Sets the vendor's name of the operation.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Sets whether the request reached the vendor.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.0.delivery = Some(delivery);
        self
    }

    /// Sets what to do, in place of the default for the kind.
    #[must_use]
    pub fn with_advice(mut self, advice: Advice) -> Self {
        self.0.advice = Some(advice);
        self
    }

    /// Sets the HTTP status of the response.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Sets the URL that was called. It must not contain ids or credentials.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<Box<str>>) -> Self {
        self.0.url = Some(url.into());
        self
    }

    /// Sets the vendor's text, which is never printed.
    #[must_use]
    pub fn with_vendor_text(mut self, text: impl Into<Pii<String>>) -> Self {
        self.0.vendor_text = Some(text.into());
        self
    }

    /// Sets the response as received; `None` changes nothing.
    #[must_use]
    pub fn with_answer(mut self, answer: impl Into<Option<RawResponse>>) -> Self {
        self.0.answer = answer.into().or(self.0.answer);
        self
    }

    /// Sets the cause, which [`std::error::Error::source`] returns. Never pass an error that quotes values (serde's).
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Replaces kind and detail, for a caller that knows better what the response means.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.kind = kind;
        self.0.detail = detail.into();
        self
    }

    /// Kind of the error.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The vendor's name of the operation, if the error belongs to one.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Whether the request reached the vendor, if there was a request.
    pub fn delivery(&self) -> Option<Delivery> {
        self.0.delivery
    }

    /// What to do.
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

    /// HTTP status of the response, if there was one. If its body contains a worse status, that one (AI-30).
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// URL that was called, if the vendor responded. Ids in its path are replaced by their names, e.g.
    /// `https://customer.identity.tm/api/2.10/getStatus/{OrderID}`.
    pub fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// What failed, in identkit's own words.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// All broken rules of an invalid request.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The vendor's text about the error. It can contain personal data: do not log it.
    pub fn vendor_text(&self) -> Option<&Pii<String>> {
        self.0.vendor_text.as_ref()
    }

    /// The response as received, complete or not; its body at most 1 MiB. If its head is not valid HTTP, the body begins
    /// with the status line, and the headers are empty. Without a status line, the status is 600. It can contain personal
    /// data: do not log it.
    pub fn answer(&self) -> Option<&RawResponse> {
        self.0.answer.as_ref()
    }

    /// Ids of what the call may have created, found in the bytes of [`answer`](Self::answer) also if they cannot be
    /// parsed: `OrderID`, `ident_id`, `conference_url`; without any of them, the headers `Location` and `Content-Location`.
    /// Store them: the vendor may not repeat them.
    pub fn salvaged_ids(&self) -> Vec<FoundId> {
        self.answer().map(RawResponse::ids_or_location).unwrap_or_default()
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
        for (index, violation) in inner.violations.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { "; " })?;
            violation.fmt(f)?;
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
    fn display_contains_no_vendor_text_and_no_source() {
        let answer = RawResponse::new(http::StatusCode::BAD_REQUEST, http::HeaderMap::new(), "Erika".into(), true);
        let error = Error::new(Kind::Rejected, "the vendor refused the request")
            .with_operation("putOrder")
            .with_status(400)
            .with_answer(Some(answer.clone()))
            .with_vendor_text("Mustermann is not allowed")
            .with_source("Erika");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("Mustermann") && !shown.contains("Erika"), "{shown}");
        assert!(shown.starts_with("putOrder: the vendor refused the request (HTTP 400)"), "{shown}");
        assert!(shown.contains("kind: Rejected") && shown.contains("status: Some(400)"), "{shown}");
        assert_eq!(error.vendor_text().unwrap().expose(), "Mustermann is not allowed");
        assert_eq!((error.operation(), error.status()), (Some("putOrder"), Some(400)));
        assert_eq!((error.detail(), error.answer()), ("the vendor refused the request", Some(&answer)));
    }

    #[test]
    fn all_violations_are_reported_at_once() {
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
