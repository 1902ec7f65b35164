//! The response to a vendor call, received and decoded.

use bytes::Bytes;
use identkit_core::{Content, Error, Kind};

/// Marker in the extensions of a response: the body ended with the connection, so a truncated one could not be detected.
#[derive(Clone, Copy, Debug)]
pub struct UnknownEnd;

/// A remark on a request or a response that is not an error. Its text contains no values.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What the client noticed.
    pub message: std::borrow::Cow<'static, str>,
    /// Requirement or trap of the contract, e.g. `AT-21`.
    pub rule: &'static str,
}

impl Warning {
    /// Creates a warning under a rule of the contract.
    pub fn new(message: impl Into<std::borrow::Cow<'static, str>>, rule: &'static str) -> Self {
        Self { message: message.into(), rule }
    }

    /// Creates a warning if `condition` is true.
    pub fn when(condition: bool, message: &'static str, rule: &'static str) -> Option<Self> {
        condition.then(|| Self::new(message, rule))
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.rule)
    }
}

/// A decoded response.
#[non_exhaustive]
#[derive(Debug)]
pub struct Decoded<T> {
    /// The decoded value.
    pub value: T,
    /// Warnings of the decoder.
    pub warnings: Vec<Warning>,
}

impl<T> Decoded<T> {
    /// Creates a decoded response.
    pub fn new(value: T, warnings: Vec<Warning>) -> Self {
        Self { value, warnings }
    }
}

impl<T> From<T> for Decoded<T> {
    fn from(value: T) -> Self {
        Self::new(value, Vec::new())
    }
}

/// The body of a response, in the form that [`Meta::body_mode`](crate::Meta::body_mode) selects.
#[derive(Debug)]
pub enum Received {
    /// The complete body.
    Whole(Bytes),
    /// A stream.
    Stream {
        /// First bytes, read to select the form; can be empty.
        head: Bytes,
        /// The bytes after `head`.
        rest: Content,
    },
}

impl Received {
    /// Returns the first bytes, and the complete body including them.
    pub fn into_content(self) -> (Bytes, Content) {
        match self {
            Self::Whole(bytes) => (bytes.clone(), Content::from_bytes(bytes)),
            Self::Stream { head, rest } => (head.clone(), rest.preceded_by(head)),
        }
    }

    /// Returns the complete body.
    ///
    /// # Errors
    /// [`Kind::Protocol`] if it is a stream.
    pub fn whole(self) -> Result<Bytes, Error> {
        match self {
            Self::Whole(bytes) => Ok(bytes),
            Self::Stream { .. } => {
                Err(Error::new(Kind::Protocol, "expected a complete body, but the response is a stream"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn a_stream_is_not_a_whole_body() {
        assert_eq!(Received::Whole("body".into()).whole().unwrap(), "body");
        let stream = || Received::Stream { head: "bo".into(), rest: Content::new(Some(4), Content::from_bytes("dy")) };
        assert_eq!(stream().whole().unwrap_err().kind(), Kind::Protocol);
        for received in [Received::Whole("body".into()), stream()] {
            let (head, content) = received.into_content();
            assert!(head.starts_with(b"bo"));
            let read = pin!(content.collect(4)).poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(read, Poll::Ready(Ok(body)) if body == "body"));
        }
    }
}
