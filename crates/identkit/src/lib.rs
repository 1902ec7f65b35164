//! identkit: verify people and have documents signed through German identity-verification vendors.
