//! The simulation: time that passes when nothing runs, and operations that can be interrupted.

mod clock;
mod engine;
mod fuse;
mod sink;
mod vendor;
mod world;

pub(crate) use self::fuse::{Fuse, Moment};
pub(crate) use self::vendor::{Order, Reaction};
pub(crate) use self::world::{PROVIDER, Process, World, wishing};
