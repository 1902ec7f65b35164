//! What `identkit listen` must know about a vendor.

use std::sync::Arc;

use identkit_wire::Callback;

/// The webhooks of one vendor.
pub(crate) struct Webhooks {
    /// The callbacks, all of one provider.
    pub(crate) callbacks: fn() -> Vec<Arc<dyn Callback>>,
    /// Member of the ready line with the URLs.
    pub(crate) member: &'static str,
    /// Whether that member is the URL of the only event. Otherwise it is an object with the URL of each event.
    pub(crate) is_single: bool,
    /// Member of a printed event with the vendor's id.
    pub(crate) id: &'static str,
    /// Where the user sets the URLs.
    pub(crate) place: &'static str,
}
