//! The sandbox's clock: frozen until it is advanced, in real time, or faster.
//!
//! `advance` moves time to the earliest sleeper, wakes it, and waits until no token for work in flight exists. Then it
//! continues with the next sleeper. Sleepers with the same time wake in the order of registration. A dropped sleeper is
//! removed at once, so that deadlines of finished calls do not accumulate.
//!
//! Invariants:
//! - Time only moves forward, in every mode and across changes of the mode.
//! - Frozen time is moved only by `advance`, and does not move while a token exists.
//! - In the other modes, tokens have no effect.
//! - Callers move time one after the other, each from the time that the previous one reached.

mod state;
mod virtual_clock;

pub use self::state::Mode;
pub use self::virtual_clock::VirtualClock;
