//! The transport seam, the call driver, and HTTP over TLS behind a feature.
