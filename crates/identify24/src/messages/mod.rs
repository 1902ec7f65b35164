//! The vendor's JSON, both directions. Names of fields are the vendor's; all of them are optional, because reading
//! never fails for what is missing, and what a call cannot do without is checked where the call is made.
//!
//! Invariants: unknown fields are passed over; an unknown value of a list survives a round trip; nothing personal and
//! nothing that lets a bearer act is printed by `Debug`.

mod auth;
mod create;
mod envelope;
mod ident;
mod lenient;
mod local_time;
mod pdf;
mod project;
mod values;
mod webhook;

use identkit_wire::json::{self, JsonFault};
use serde::de::DeserializeOwned;

pub use auth::{AuthRequest, AuthResponse};
pub use create::{CreateIdent, CreateIdentResponse};
pub use envelope::{Envelope, Messages};
pub use ident::Ident;
pub use local_time::LocalDateTime;
pub use pdf::PdfContent;
pub use project::{Project, ProjectRequest};
pub use values::{Gender, IdentId, IdentStatus, ProjectId, TypeOfId};
pub use webhook::IdentWebhook;

/// Reads a JSON object. serde's structs would also accept an array and take its values by position.
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonFault> {
    let read = json::read(bytes)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if text.first() == Some(&b'{') {
        return Ok(read);
    }
    let expected = "expected an object".to_owned();
    Err(JsonFault { path: String::new(), expected, line: 1, column: 1, well_formed: true })
}
