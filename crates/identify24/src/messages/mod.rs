//! The vendor's JSON messages, for both directions. Fields have the vendor's names. All fields are optional, because
//! reading never fails on a missing field; each call checks the fields that it requires.
//!
//! Invariants: `extra` retains unknown fields; an unknown value of an enum survives a round trip; `Debug` prints no
//! personal data and no secrets.

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
