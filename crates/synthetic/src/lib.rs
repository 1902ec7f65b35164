//! Synthetic files, which a sandbox gives out in place of real ones.
//!
//! Three PDF files: the identification report, a sample contract to put into an
//! order, and the "signed" form of whatever contract an order carried. Two videos
//! (MP4), the recording of an order and the placeholder for one; a sound (MP3); and
//! images (PNG).
//!
//! Invariants:
//!
//! - Every function is pure. The same input gives the same bytes; times come in as
//!   text and nothing is read from a clock, a file or the environment.
//! - No file claims more than it is. The report, the mark on a signed contract and
//!   both videos and every image say in plain sight that a sandbox made them; the sound
//!   in its tag.
//! - [`sign`] never touches the bytes that it was given. They are a prefix of the
//!   result, and the mark is an incremental update behind them.
//! - Input never causes a panic, and no [`Error`] repeats any of it.

mod canvas;
mod contract;
mod error;
mod images;
mod metrics;
mod photograph;
mod picture;
mod placement;
mod reading;
mod report;
mod signing;
#[cfg(test)]
mod tests;
mod text;
mod video;
mod voice;

pub use contract::sample_contract;
pub use error::Error;
pub use photograph::photograph;
pub use placement::Placement;
pub use reading::{is_encrypted, page_count};
pub use report::{REPORT_LABELS, Report, Row, report};
pub use signing::{SignatureMark, sign};
pub use video::{placeholder_video, recording};
pub use voice::voice;
