//! The vendor's JSON, mirrored: its spelling outside, readable names inside.
//!
//! One struct serves both directions and both sides, client and sandbox. Every element is optional here; what a
//! request must have is checked by the writer, all faults at once.

mod all_status;
mod details;
mod ident_data;
pub(crate) mod mend;
mod order;
mod order_list;
mod results;
mod status;

pub use all_status::{AllStatusRequest, ListedOrder, Paging, Period, TvSlot};
pub use details::{DetailName, Details};
pub use ident_data::{
    AdditionalValue, CheckedDriverLicense, CheckedIdCard, IdentData, IdentDataAnswer, IdentifyMethod, Image,
};
pub use order::{
    Additional, Address, Documents, DriverLicense, EidSettings, EmailNotifications, IdCard, IdCardImages,
    LegitimationDocument, LegitimationDocuments, MultiSignOptions, OrderIdentData, PutOrder, PutOrderAnswer,
    RedirectUrl, SignHash, SignParameters, SignPdf, VideoHashes, WebhookUrl,
};
pub use order_list::OrderList;
pub use results::{
    Bank, BankCode, ErrorAnswer, NamedHashes, SignedHashes, SignedPdf, SignedPdfList, SignmeUser, SignmeUserRequest,
    Tan, VideoRequest, VoiceFile, VoiceFiles,
};
pub use status::{OrderStatus, StatusEntry};
