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
    /// What writer and reader noticed.
    pub warnings: Vec<Warning>,
    raw: Option<RawResponse>,
}

impl Response<()> {
    /// A response of the first attempt whose value is read elsewhere.
    pub(super) fn new(status: StatusCode, warnings: Vec<Warning>, raw: Option<RawResponse>) -> Self {
        Self { value: (), status, attempts: 1, elapsed: Duration::ZERO, warnings, raw }
    }
}

impl<T> Response<T> {
    /// The response as it was received, for an operation that must not be repeated: one that creates something, has a
    /// side effect, or reads what the vendor reports only once. `None` for every other operation.
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

    /// Replaces the value, or fails.
    ///
    /// # Errors
    /// The error of `f`, with the [raw](Self::raw) response as its [`answer`](Error::answer).
    pub fn try_map<U>(self, f: impl FnOnce(T) -> Result<U, Error>) -> Result<Response<U>, Error> {
        let (value, response) = self.split();
        match f(value) {
            Ok(value) => Ok(response.map(|()| value)),
            Err(error) => Err(error.with_answer(response.raw)),
        }
    }
}
