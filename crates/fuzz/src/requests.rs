//! Request bodies of every call, as the sandbox reads them.

use bytes::Bytes;
use http::Request;
use identkit_wire::{Body, ServedOperation};

fn bytes(body: &Body) -> Vec<u8> {
    body.read().filter_map(Result::ok).collect::<Vec<_>>().concat()
}

/// Reads a body, writes it as the client does, and does both again.
fn check<Op: ServedOperation>(input: &[u8], dialect: &Op::Dialect) {
    let path = Op::META.path.replace("{OrderID}", "99921269855041").replace("{ident_id}", "1");
    let Some(params) = Op::META.match_path(&path, false) else { return };
    let read = |body: Vec<u8>| Op::decode_request(&params, &Request::new(Bytes::from(body)));
    let Ok(operation) = read(input.to_vec()) else { return };
    let Ok(encoded) = operation.encode(dialect) else { return };
    let written = bytes(&encoded.body);
    if written.is_empty() {
        return;
    }
    let again = read(written.clone()).and_then(|operation| operation.encode(dialect)).map(|again| bytes(&again.body));
    assert!(again.is_ok_and(|again| again == written), "{} is not read as it is written", Op::META.name);
}

pub(crate) fn identity_tm(input: &[u8]) {
    use identkit_identity_tm::*;
    let dialect = Dialect::default();
    check::<PutOrder>(input, &dialect);
    check::<GetAllStatus>(input, &dialect);
    check::<GetAllStatusExtended>(input, &dialect);
    check::<RequestVideo>(input, &dialect);
    check::<ConfirmSign>(input, &dialect);
    check::<CheckSignmeUser>(input, &dialect);
}

pub(crate) fn identify24(input: &[u8]) {
    use identkit_identify24::messages::CreateIdent;
    use identkit_identify24::operations::{GetProject, Login};
    let dialect = identkit_identify24::Dialect::new();
    check::<Login>(input, &dialect);
    check::<CreateIdent>(input, &dialect);
    check::<GetProject>(input, &dialect);
}
