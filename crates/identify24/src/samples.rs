//! Samples of the document itself, byte for byte: examples to start from, and the ground truth of the tests.

/// `ident/create`, request, with the document's placeholders as they are printed (`[I] ident/create`).
pub const CREATE_IDENT_REQUEST: &str = include_str!("../fixtures/S-011-ident-create-request.json");
