//! A running sandbox: a world with its clock.
//!
//! One task waits for the next timer, and each webhook attempt has its own task. All tasks end with the [`Sandbox`].

mod builder;
mod calls;
mod delivery;
mod faults;
mod handle;
mod person;
mod runner;
#[cfg(feature = "server")]
mod test_sandbox;
mod time;

pub use self::builder::SandboxBuilder;
pub use self::handle::Sandbox;
pub(crate) use self::handle::json_key;
pub(crate) use self::runner::{Plan, Runner};
#[cfg(feature = "server")]
pub use self::test_sandbox::TestSandbox;
#[cfg(feature = "server")]
pub(crate) use self::time::Target;
pub use self::time::{Advanced, Progress};
