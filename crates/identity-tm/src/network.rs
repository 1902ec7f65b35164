//! Where the vendor's requests come from.

/// The IP ranges "currently used" by the vendor, [T 9.1], as CIDR: ID8_NET, identity-NET, idvos_NET, ID8_NET.
///
/// Dated September 2020, and not said to be where webhooks come from (AT-69). Checking them is something to choose,
/// besides the token in the URL and never instead of it: ask the vendor first, and be ready to change them.
pub const DOCUMENTED_NETWORKS: [&str; 4] =
    ["212.211.189.136/29", "212.211.206.240/29", "212.211.181.64/29", "212.211.191.96/29"];
