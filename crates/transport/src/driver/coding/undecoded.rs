//! The mark of a body that cannot be decoded (AT-90).

use std::fmt;

use identkit_core::Error;

/// Marker in an error: the body cannot be decoded.
#[derive(Debug)]
pub(super) struct Undecoded;

impl fmt::Display for Undecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the content coding of the response is damaged or not supported")
    }
}

impl std::error::Error for Undecoded {}

/// Whether the content coding of a response is damaged or not supported (AT-90). [`Error::answer`] then has what could be
/// decoded, or the bytes as received. If a stream ends with this error, its earlier pieces are what could be decoded.
pub fn is_undecoded(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<Undecoded>())
}
