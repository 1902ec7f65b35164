//! Timers: what is due at a time.

/// Whose the sandbox's own timers are: no vendor's.
pub(crate) const SANDBOX: &str = "sandbox";

/// What they are for: the next try of a webhook, by the id of the delivery.
pub(crate) const RETRY: &str = "retry";

/// And the end of its being held.
pub(crate) const RELEASE: &str = "release";

/// Something that is due at a time: data, never a waker, so that a world can be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Name of the vendor that set it.
    pub vendor: &'static str,
    /// What is due, in the vendor's own words.
    pub what: &'static str,
    /// What it is about: the id of a case or a delivery.
    pub subject: String,
}
