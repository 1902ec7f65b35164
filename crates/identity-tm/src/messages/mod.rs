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

pub use all_status::*;
pub use details::{DetailName, Details};
pub use ident_data::*;
pub use order::*;
pub use order_list::OrderList;
pub use results::*;
pub use status::{OrderStatus, StatusEntry};
