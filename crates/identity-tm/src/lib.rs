//! Client for the identity Trust Management Customer API 2.10c.
