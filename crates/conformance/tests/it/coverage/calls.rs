//! Every call with JSON bodies, and identify24's webhook, as functions from JSON to JSON.

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::Error;
use identkit_identify24 as identify24;
use identkit_identify24::IdentStatusCallback;
use identkit_identify24::messages::CreateIdent;
use identkit_identify24::operations::{GetAllProjects, GetIdent, GetProject, Login};
use identkit_identity_tm::messages::PutOrderAnswer;
use identkit_identity_tm::{
    CheckSignmeUser, ConfirmSign, Dialect, DrainUnreported, DrainUnreportedExtended, GetAllStatus,
    GetAllStatusExtended, GetBankList, GetESignHash, GetESignPdf, GetIdentData, GetIdentDataInitial,
    GetIdentDataMethod, GetStatus, GetStatusExtended, GetVoiceFiles, PutOrder, RequestVideo,
};
use identkit_testkit::{block_on, body_bytes};
use identkit_wire::{Meta, Received, ServedOperation, json};
use serde_json::Value;

use crate::coverage::document::ORDER;
use crate::coverage::rows::{IDENTITY_TM, Row};

/// Reads a JSON body into its type and writes it again.
pub(crate) type Through = fn(&Value) -> Result<Value, Error>;

/// A call of a vendor.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    method: &'static str,
    path: &'static str,
    /// Round trip of a request body. `None` if the call has none.
    request: Option<Through>,
    /// Round trip of a response body.
    answer: Through,
}

/// The calls of the row's endpoint that have a body in its direction.
pub(crate) fn calls_of(row: &Row) -> Vec<(&'static str, Through)> {
    let calls = if row.vendor == IDENTITY_TM { identity_tm() } else { identify24() };
    let through = |call: &Call| if row.request { call.request } else { Some(call.answer) };
    let calls = calls.iter().filter(|call| is_of(&row.endpoint, call.method, call.path));
    calls.filter_map(|call| through(call).map(|through| (call.name, through))).collect()
}

fn identity_tm() -> Vec<Call> {
    vec![
        Call { answer: order_answer, ..tm::<PutOrder>() },
        tm::<GetStatus>(),
        tm::<GetStatusExtended>(),
        tm::<GetIdentData>(),
        tm::<GetIdentDataInitial>(),
        tm::<GetIdentDataMethod>(),
        tm::<GetESignPdf>(),
        tm::<GetESignHash>(),
        tm::<RequestVideo>(),
        tm::<GetVoiceFiles>(),
        tm::<GetAllStatus>(),
        tm::<GetAllStatusExtended>(),
        Call { request: None, ..tm::<DrainUnreported>() },
        Call { request: None, ..tm::<DrainUnreportedExtended>() },
        tm::<ConfirmSign>(),
        tm::<GetBankList>(),
        tm::<CheckSignmeUser>(),
    ]
}

fn identify24() -> Vec<Call> {
    let webhook: Through = |text| {
        let payload = IdentStatusCallback::payload(text.to_string().as_bytes())?;
        Ok(serde_json::to_value(&payload).expect("a payload has a JSON form"))
    };
    vec![
        i24::<Login>(),
        i24::<CreateIdent>(),
        i24::<GetIdent>(),
        i24::<GetAllProjects>(),
        i24::<GetProject>(),
        Call { name: "the webhook", method: "WEBHOOK", path: "POST", request: None, answer: webhook },
    ]
}

/// Whether identify24 has this call.
pub(crate) fn is_known(method: &str, path: &str) -> bool {
    identify24().iter().any(|call| (call.method, call.path) == (method, path))
}

fn tm<Op: ServedOperation<Dialect = Dialect>>() -> Call {
    let request: Through = |text| {
        let mut dialect = Dialect::default();
        // A generated order has every element of the table, also PDFs together with hashes.
        dialect.pdf_and_hash_together = true;
        request::<Op>(text, &dialect)
    };
    call::<Op>(request, |text| answer::<Op>(text, &Dialect::default()))
}

fn i24<Op: ServedOperation<Dialect = identify24::Dialect>>() -> Call {
    call::<Op>(
        |text| request::<Op>(text, &identify24::Dialect::new()),
        |text| answer::<Op>(text, &identify24::Dialect::new()),
    )
}

fn call<Op: ServedOperation>(request: Through, answer: Through) -> Call {
    let Meta { name, method, path, .. } = Op::META;
    Call { name, method: method.as_str(), path, request: Some(request), answer }
}

/// Whether the endpoint of a row, e.g. `GET /getStatus/{OrderID}[/ExtendedList]`, is the one of this call.
pub(crate) fn is_of(endpoint: &str, method: &str, path: &str) -> bool {
    let (of, base) = endpoint.split_once(' ').unwrap();
    let same = match base.split_once('[') {
        Some((base, _)) => path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        None => path == base,
    };
    of == method && same
}

/// putOrder ignores unreadable elements rather than lose the order (AT-22), so the type is checked separately.
fn order_answer(text: &Value) -> Result<Value, Error> {
    json::read::<PutOrderAnswer>(text.to_string().as_bytes()).map_err(json::JsonFault::answer)?;
    answer::<PutOrder>(text, &Dialect::default())
}

fn read<Op: ServedOperation>(body: &str) -> Result<Op, Error> {
    let path = Op::META.path.replace("{OrderID}", ORDER).replace("{ident_id}", "x");
    let params = Op::META.match_path(&path, false).expect("the path matches its template");
    Op::decode_request(&params, &Request::new(Bytes::from(body.to_owned())))
}

/// Decodes a request body as the sandbox and encodes it as the client.
fn request<Op: ServedOperation>(text: &Value, dialect: &Op::Dialect) -> Result<Value, Error> {
    let encoded = read::<Op>(&text.to_string())?.encode(dialect)?;
    Ok(serde_json::from_slice(&body_bytes(&encoded.body)).expect("the writer writes JSON"))
}

/// Decodes a response body as the client and encodes it as the sandbox.
fn answer<Op: ServedOperation>(text: &Value, dialect: &Op::Dialect) -> Result<Value, Error> {
    let operation = read::<Op>("{}")?;
    let mut head = Response::new(()).into_parts().0;
    head.status = http::StatusCode::from_u16(Op::META.expect[0]).unwrap();
    let decoded = operation.decode(&head, Received::Whole(text.to_string().into()), dialect)?;
    let body = block_on(Op::encode_response(decoded.value)?.into_body().collect(u64::MAX))?;
    Ok(serde_json::from_slice(&body).expect("the sandbox's side writes JSON"))
}
