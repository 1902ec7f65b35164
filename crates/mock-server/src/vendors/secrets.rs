//! The vendors' own names for secrets. They are redacted in every sandbox, whichever vendors it serves.

/// How such names end, in small letters and without separators.
pub(crate) const NAME_ENDS: [&str; 2] = ["apikey", "customercode"];
