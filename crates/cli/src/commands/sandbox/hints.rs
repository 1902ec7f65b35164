//! What the guide of `identkit sandbox` prints about one vendor.

/// Facts of one vendor for the guide.
pub(crate) struct Hints {
    /// Environment variables of the vendor's commands, each with its JSON pointer in the ready line.
    pub(crate) variables: &'static [(&'static str, &'static str)],
    /// A command to try.
    pub(crate) example: &'static str,
}
