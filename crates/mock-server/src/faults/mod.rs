//! What goes wrong between a vendor and its client, on purpose: faults as data in the world.
//!
//! A [`Rule`] says what goes wrong with which calls and how often; [`Faults`] are the rules of a world. They know no
//! vendor: a fault keeps a request from being carried out, or damages the answer after it was. What HTTP itself forbids
//! is marked on the answer ([`Wire`]), and written by the doors: with sockets as bytes and resets, in this process as
//! the failure that a transport would report.
//!
//! Invariants:
//! - The same seed, rules and calls give the same faults, and no fault changes what the vendor's own randomness gives.
//! - A call meets one fault at most: that of the oldest rule that strikes.
//! - What a fault keeps from being carried out changes nothing in the world ([`Fault::commits`]).

mod answer;
mod fault;
mod list;
mod rule;
mod shapes;
mod wire;

pub use self::fault::{Fault, Middle};
#[cfg(feature = "server")]
pub(crate) use self::list::InjectedView;
pub use self::list::{Faults, InjectedRule};
pub use self::rule::Rule;
pub(crate) use self::rule::names;
pub use self::shapes::{Reshape, Shape, as_item, as_list, each_object, put, rename};
#[cfg(feature = "server")]
pub(crate) use self::wire::{INTERIM, MISSING, bodiless, claimed_length};
pub use self::wire::{Pace, Wire};
pub(crate) use self::wire::{as_received, pass};
