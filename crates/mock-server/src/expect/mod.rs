//! The calls that a test expects its service to make.
//!
//! Each expectation counts by itself from the moment it is stated, also calls that the journal no longer keeps.

mod expectation;
mod expectations;
mod unmet;

pub use self::expectation::Expect;
pub(crate) use self::expectations::Expectations;
pub use self::unmet::UnmetExpectations;
