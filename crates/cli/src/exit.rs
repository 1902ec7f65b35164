//! What a failure is worth: an exit code and a sentence.

use std::process::ExitCode;

use identkit_core::{Error, Kind};

use crate::output;

/// A command that did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call, or what was given for one.
    Call(Error),
    /// Something on this machine, told in one sentence.
    Local(String),
    /// What was typed or given cannot be used, told in one sentence.
    Usage(String),
}

impl Failure {
    pub(crate) fn local(told: impl Into<String>) -> Self {
        Self::Local(told.into())
    }

    pub(crate) fn usage(told: impl Into<String>) -> Self {
        Self::Usage(told.into())
    }

    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Call(error) => code(error.kind()),
            Self::Local(_) => 1,
            Self::Usage(_) => 2,
        }
    }

    /// The failure in one sentence.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Call(error) => match chain(error) {
                Some(cause) => format!("{error} [{cause}]"),
                None => error.to_string(),
            },
            Self::Local(told) | Self::Usage(told) => told.clone(),
        }
    }

    /// Tells it on standard error and returns its exit code.
    pub(crate) fn report(&self, show_vendor_text: bool) -> ExitCode {
        output::say(&format!("error: {}", self.sentence()));
        if let Self::Call(error) = self
            && let Some(text) = error.vendor_text()
        {
            if show_vendor_text {
                output::say(&format!("the vendor wrote: {}", text.expose()));
            } else {
                output::say("the vendor gave its reasons; they may quote personal data: --show-vendor-text shows them");
            }
        }
        ExitCode::from(self.code())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(error)
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
        | Kind::SigningCancelled => 5,
        Kind::OutcomeUnknown => 6,
        Kind::Unreachable | Kind::Timeout | Kind::Unavailable => 7,
        _ => 1,
    }
}

/// The innermost cause of a network failure, which is made of addresses and certificates, never of a body.
fn chain(error: &Error) -> Option<String> {
    if !matches!(error.kind(), Kind::Unreachable | Kind::OutcomeUnknown) {
        return None;
    }
    let mut source = std::error::Error::source(error)?;
    while let Some(inner) = source.source() {
        source = inner;
    }
    Some(source.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_code_is_reached() {
        for (kind, expected) in [
            (Kind::InvalidInput, 2),
            (Kind::Authentication, 3),
            (Kind::NotFound, 4),
            (Kind::Rejected, 5),
            (Kind::SigningCancelled, 5),
            (Kind::OutcomeUnknown, 6),
            (Kind::Unreachable, 7),
            (Kind::Timeout, 7),
            (Kind::Protocol, 1),
            (Kind::Integrity, 1),
        ] {
            assert_eq!(Failure::from(Error::new(kind, "")).code(), expected, "{kind:?}");
        }
    }
}
