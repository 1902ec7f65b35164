//! A successful response.

use std::time::Duration;

use ::http::StatusCode;
use identkit_core::{Error, RawResponse};
use identkit_wire::Warning;

/// A successful response with its metadata.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response<T> {
    /// The decoded value.
    pub value: T,
    /// The HTTP status.
    pub status: StatusCode,
    /// Number of attempts, at least 1.
    pub attempts: u32,
    /// Time from the call to the response, waits included.
    pub elapsed: Duration,
    /// Warnings from encoding the request and decoding the response.
    pub warnings: Vec<Warning>,
    raw: Option<RawResponse>,
}

impl Response<()> {
    /// A response without a value, of the first attempt.
    pub(super) fn new(status: StatusCode, warnings: Vec<Warning>, raw: Option<RawResponse>) -> Self {
        Self { value: (), status, attempts: 1, elapsed: Duration::ZERO, warnings, raw }
    }
}

impl Response<()> {
    /// Creates the response of a call whose success another call proved, from its error. `warning` says so.
    pub fn from_proof(error: &Error, warning: Warning) -> Self {
        let status = error.status().and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default();
        Self::new(status, vec![warning], error.answer().cloned())
    }
}

impl<T> Response<T> {
    /// The response as received, if the operation must not be repeated: it creates something, has a side effect, or
    /// reads destructively. `None` for all other operations.
    pub fn raw(&self) -> Option<&RawResponse> {
        self.raw.as_ref()
    }

    /// Separates the value from its metadata.
    pub fn split(self) -> (T, Response<()>) {
        let Self { value, status, attempts, elapsed, warnings, raw } = self;
        (value, Response { value: (), status, attempts, elapsed, warnings, raw })
    }

    /// Replaces the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Response<U> {
        let Self { value, status, attempts, elapsed, warnings, raw } = self;
        Response { value: f(value), status, attempts, elapsed, warnings, raw }
    }

    /// Replaces the value with the result of `f`.
    ///
    /// # Errors
    /// The error of `f`. Its [`answer`](Error::answer) is the [raw](Self::raw) response.
    pub fn try_map<U>(self, f: impl FnOnce(T) -> Result<U, Error>) -> Result<Response<U>, Error> {
        let (value, response) = self.split();
        match f(value) {
            Ok(value) => Ok(response.map(|()| value)),
            Err(error) => Err(error.with_answer(response.raw)),
        }
    }
}

#[cfg(test)]
mod tests {
    use ::http::HeaderMap;
    use identkit_core::Kind;

    use super::*;

    #[test]
    fn a_changed_value_keeps_its_metadata() {
        let raw = RawResponse::new(StatusCode::CREATED, HeaderMap::new(), "body".into(), true);
        let error = Error::new(Kind::OutcomeUnknown, "unknown").with_status(201).with_answer(Some(raw.clone()));
        let proof = Response::from_proof(&error, Warning::new("proved", "AT-97"));
        let (value, rest) = proof.map(|()| 7).try_map(|seven| Ok::<_, Error>(seven + 1)).unwrap().split();
        assert_eq!((value, rest.status.as_u16(), rest.attempts), (8, 201, 1));
        assert_eq!((rest.warnings.len(), rest.raw()), (1, Some(&raw)));
        let failed = rest.try_map(|()| Err::<(), _>(Error::new(Kind::Protocol, "odd"))).unwrap_err();
        assert_eq!((failed.kind(), failed.answer()), (Kind::Protocol, Some(&raw)));
    }
}
