//! The vendor's JSON as structs.
//!
//! Client and sandbox use the same structs to read and to write. Every element is optional; required elements are checked
//! when a request is written. Elements that the document does not list are in `extra`.

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
pub(crate) use ident_data::has_different_times;
pub use ident_data::*;
pub use order::*;
pub use order_list::OrderList;
pub(crate) use order_list::has_list;
pub use results::*;
pub(crate) use status::General;
pub use status::{OrderStatus, StatusEntry};
