//! Receives the vendors' webhooks: authenticates by the token in the path, parses, makes durable, acknowledges.
//!
//! Neither vendor signs its webhooks, so each is a hint and no more: whoever acts on one reads the status first.
//!
//! Invariants:
//! - 202 is answered only after [`Inbox::accept`](identkit_core::Inbox::accept) has returned: acknowledged means durable.
//! - Everything unknown (path, provider, event, token) is answered by the same 404; tokens are compared in constant time.
//! - Where addresses are checked as well, a request whose origin is not told is refused.
//! - The vendor is never called from here: it blocks the order until the receiver has answered (T-040).

mod allow;
#[cfg(feature = "file-inbox")]
mod file_inbox;
#[cfg(feature = "listener")]
mod listener;
mod receiver;

pub use allow::{AllowList, Network, Peer};
#[cfg(feature = "file-inbox")]
pub use file_inbox::FileInbox;
#[cfg(feature = "listener")]
pub use listener::{Listener, listen};
pub use receiver::{BODY_LIMIT, Receiver};
