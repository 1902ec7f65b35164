//! Faults: intentional failures between a vendor and its client, stored as data in the world.
//!
//! A [`Rule`] says which fault occurs with which calls and how often; [`Faults`] are the rules of a world. They are
//! independent of vendors: a fault prevents a request from being processed, or damages the response afterwards. Responses
//! that violate HTTP are marked with [`Wire`]. A listener sends them as bytes and resets; the in-process transport returns
//! the failure that a transport over sockets would report.
//!
//! Invariants:
//! - The same seed, rules and calls give the same faults. Faults do not change other random values of the world.
//! - A call meets at most one fault: that of the oldest rule that applies.
//! - If a fault prevents the processing of a call, the vendor's state is unchanged ([`Fault::commits`]).

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
