//! The vendors' names for secrets. Every sandbox redacts them, whichever vendors it serves.

/// Suffixes of such names, in lower case and without separators.
pub(crate) const NAME_ENDS: [&str; 2] = ["apikey", "customercode"];
