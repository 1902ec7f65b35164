//! The tokens that the vendor refused: a store of tokens may hand them out again.

use std::collections::VecDeque;

use ::http::header::HeaderValue;

/// So many are remembered; more would have to come from a store that makes them up.
const REMEMBERED: usize = 8;

/// After so many of a store's tokens in a row none of them is tried any more.
const PATIENCE: u32 = 2;

/// What a session knows of dead tokens.
#[derive(Default)]
pub(super) struct Refused {
    tokens: VecDeque<HeaderValue>,
    /// Tokens of the store that were refused since the last login of the session's own.
    lent: u32,
}

impl Refused {
    /// The vendor refused this token, which came from a store if it was `lent`.
    pub(super) fn note(&mut self, token: HeaderValue, lent: bool) {
        if lent {
            self.lent = self.lent.saturating_add(1);
        }
        if self.tokens.len() == REMEMBERED {
            self.tokens.pop_front();
        }
        self.tokens.push_back(token);
    }

    /// A login of the session's own went well.
    pub(super) fn logged_in(&mut self) {
        self.lent = 0;
    }

    /// Whether the vendor refused so many of the store's tokens that only a login helps.
    pub(super) fn too_many(&self) -> bool {
        self.lent >= PATIENCE
    }

    /// The tokens themselves.
    pub(super) fn tokens(&self) -> Vec<HeaderValue> {
        self.tokens.iter().cloned().collect()
    }
}
