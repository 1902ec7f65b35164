//! The trailers of a response.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ::http::{Extensions, HeaderMap};

/// The trailers of a chunked response, an extension of it. Empty until the end of its body was read. No vendor documents
/// trailers, but they can name what a call created (AI-31, AT-97).
#[derive(Clone, Default)]
pub struct Trailers(Arc<Mutex<HeaderMap>>);

impl Trailers {
    /// The trailers of the response with these extensions, as far as it was read.
    pub fn of(extensions: &Extensions) -> HeaderMap {
        extensions.get::<Self>().map(Self::get).unwrap_or_default()
    }

    /// The trailers, as far as the response was read.
    pub fn get(&self) -> HeaderMap {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores them. A transport calls this at the end of the body.
    pub fn set(&self, trailers: HeaderMap) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trailers;
    }
}

impl fmt::Debug for Trailers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // They can contain personal data.
        f.debug_struct("Trailers").finish_non_exhaustive()
    }
}
