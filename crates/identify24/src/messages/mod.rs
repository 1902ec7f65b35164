//! The vendor's JSON, both directions. Names of fields are the vendor's; all of them are optional, because reading
//! never fails for what is missing, and what a call cannot do without is checked where the call is made.
//!
//! Invariants: unknown fields are kept in `extra`; an unknown value of a list survives a round trip; nothing personal and
//! nothing that lets a bearer act is printed by `Debug`.

mod auth;
mod create;
mod envelope;
mod ident;
mod local_time;
mod pdf;
mod project;
mod values;
mod webhook;

pub use auth::{AuthRequest, AuthResponse};
pub use create::{CreateIdent, CreateIdentResponse};
pub(crate) use envelope::place_of;
pub use envelope::{Envelope, Messages};
pub use ident::Ident;
pub use local_time::{BERLIN, LocalDateTime};
pub use pdf::PdfContent;
pub use project::{Project, ProjectRequest};
pub use values::{Gender, IdentId, IdentStatus, ProjectId, ProjectNumber, TypeOfId};
pub use webhook::IdentWebhook;
