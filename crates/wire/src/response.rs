//! The response to a vendor call, as it was received and as it was decoded.

use bytes::Bytes;
use identkit_core::{Content, Error, Kind};

/// Something worth knowing about a request or an answer that is no error. Its text holds no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub message: std::borrow::Cow<'static, str>,
    /// Requirement or trap of the contract, e.g. `AT-21`.
    pub rule: &'static str,
}

impl Warning {
    /// A warning under a rule of the contract.
    pub fn new(message: impl Into<std::borrow::Cow<'static, str>>, rule: &'static str) -> Self {
        Self { message: message.into(), rule }
    }

    /// A warning, if something is odd.
    pub fn when(odd: bool, message: &'static str, rule: &'static str) -> Option<Self> {
        odd.then(|| Self::new(message, rule))
    }
}

/// A decoded answer.
#[non_exhaustive]
#[derive(Debug)]
pub struct Decoded<T> {
    /// The value.
    pub value: T,
    /// What the reader noticed.
    pub warnings: Vec<Warning>,
}

impl<T> Decoded<T> {
    /// A value, and what the reader noticed.
    pub fn new(value: T, warnings: Vec<Warning>) -> Self {
        Self { value, warnings }
    }
}

impl<T> From<T> for Decoded<T> {
    fn from(value: T) -> Self {
        Self::new(value, Vec::new())
    }
}

/// The body of an answer, as [`Meta::body_mode`](crate::Meta::body_mode) asked for it.
#[derive(Debug)]
pub enum Received {
    /// All of it.
    Whole(Bytes),
    /// The first bytes, and the rest as a stream.
    Stream {
        /// What was read to decide; may be empty.
        head: Bytes,
        /// What follows.
        rest: Content,
    },
}

impl Received {
    /// The first bytes and all of the body as content, however it came.
    pub fn into_content(self) -> (Bytes, Content) {
        match self {
            Self::Whole(bytes) => (bytes.clone(), Content::from_bytes(bytes)),
            Self::Stream { head, rest } => (head.clone(), rest.preceded_by(head)),
        }
    }

    /// The bytes, when they are in memory.
    ///
    /// # Errors
    /// [`Kind::Protocol`] for a stream.
    pub fn whole(self) -> Result<Bytes, Error> {
        match self {
            Self::Whole(bytes) => Ok(bytes),
            Self::Stream { .. } => {
                Err(Error::new(Kind::Protocol, "the answer is a stream where a whole body was expected"))
            }
        }
    }
}
