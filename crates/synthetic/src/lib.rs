#![doc = include_str!("../README.md")]
//!
//! # Invariants
//! - Every function is pure: the same input gives the same bytes. Times are passed in as text; no function reads a
//!   clock, a file or the environment.
//! - Every file says that a sandbox made it: visibly in the report, on a signed contract, in the videos and images, and
//!   in the tag of the sound.
//! - [`sign`] does not change the given bytes: they are a prefix of the result, followed by an incremental update. Earlier
//!   signatures remain valid.
//! - A signature proves nothing: the private keys are a part of this crate.
//! - No input causes a panic, and no [`Error`] contains a part of the input.

mod canvas;
mod certificates;
mod contract;
mod detached;
mod error;
mod form;
mod images;
mod mark;
mod metrics;
mod pages;
mod photograph;
mod picture;
mod placement;
mod reading;
mod repair;
mod report;
mod signing;
#[cfg(test)]
mod tests;
mod text;
mod video;
mod voice;
mod webm;

pub use certificates::signing_authority;
pub use contract::sample_contract;
pub use error::Error;
pub use mark::SignatureMark;
pub use photograph::photograph;
pub use placement::Placement;
pub use reading::{is_encrypted, page_count};
pub use report::{REPORT_LABELS, Report, Row, report};
pub use signing::sign;
pub use video::{placeholder_video, recording};
pub use voice::voice;
pub use webm::{webm_placeholder, webm_recording};
