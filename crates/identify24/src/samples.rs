//! Samples of the document, byte for byte.

/// Request of `ident/create` with the document's placeholders (`[I] ident/create`).
pub const CREATE_IDENT_REQUEST: &str = include_str!("../fixtures/S-011-ident-create-request.json");
