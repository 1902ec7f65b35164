//! The sandbox's time: it stands still until it is advanced, or goes on like real time, or faster.
//!
//! `advance` takes the earliest sleeper, moves time there, wakes it, and waits until nobody holds a token for work in
//! flight; then the next. Ties are woken in the order in which they asked. A sleeper that is dropped is forgotten at
//! once, so that a clock does not fill up with deadlines of calls that have long ended.
//!
//! Invariants:
//! - Time goes forward only, in every mode and over every change of mode.
//! - While it stands still, it is moved by `advance` alone, and never past somebody who holds a token.
//! - While it goes on, tokens hold nothing: real time waits for nobody.
//! - Whoever moves it does so alone: of several at once each begins where the one before it has ended.

mod state;
mod virtual_clock;

pub use self::state::Mode;
pub use self::virtual_clock::VirtualClock;
