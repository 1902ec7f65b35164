//! The vendor's JSON, mirrored: its spelling outside, readable names inside.
//!
//! One struct serves both directions and both sides, client and sandbox. Every element is optional here; what a
//! request must have is checked by the writer, all faults at once.

mod ident_data;
mod order;
mod results;
mod status;

pub use ident_data::{
    AdditionalValue, CheckedDriverLicence, CheckedIdCard, IdentData, IdentDataAnswer, IdentifyMethod, Image,
};
pub use order::{
    Additional, Address, Documents, DriverLicence, EidSettings, EmailNotifications, IdCard, IdCardImages,
    LegitimationDocument, MultiSignOptions, OrderIdentData, PutOrder, PutOrderAnswer, RedirectUrl, SignHash,
    SignParameters, SignPdf, VideoHashes, WebhookUrl,
};
pub use results::{ErrorAnswer, SignedPdf, SignedPdfList};
pub use status::{OrderStatus, StatusEntry};
