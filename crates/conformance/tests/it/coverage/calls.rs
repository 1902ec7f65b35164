//! Every call of identity.TM that carries JSON, as functions from JSON to JSON.

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::Error;
use identkit_identity_tm::messages::PutOrderAnswer;
use identkit_identity_tm::{
    CheckSignmeUser, ConfirmSign, Dialect, DrainUnreported, DrainUnreportedExtended, GetAllStatus,
    GetAllStatusExtended, GetBankList, GetESignHash, GetESignPdf, GetIdentData, GetIdentDataInitial,
    GetIdentDataMethod, GetStatus, GetStatusExtended, GetVoiceFiles, PutOrder, RequestVideo,
};
use identkit_wire::{Meta, Received, ServedOperation, json};
use serde_json::Value;

use crate::coverage::document::ORDER;
use crate::coverage::harness::{block_on, bytes};

pub(crate) type Through = fn(&Value) -> Result<Value, Error>;

/// A call.
pub(crate) struct Call {
    pub(crate) meta: &'static Meta,
    /// Reads a request's body into the type, and sends it from there.
    pub(crate) request: Through,
    /// Reads an answer's body into the type, and answers it from there.
    pub(crate) answer: Through,
}

/// The calls that send JSON.
pub(crate) fn with_request() -> Vec<Call> {
    vec![
        call::<PutOrder>(),
        call::<RequestVideo>(),
        call::<GetAllStatus>(),
        call::<GetAllStatusExtended>(),
        call::<ConfirmSign>(),
        call::<CheckSignmeUser>(),
    ]
}

/// The calls that are answered with JSON.
pub(crate) fn with_answer() -> Vec<Call> {
    vec![
        Call { answer: order_answer, ..call::<PutOrder>() },
        call::<GetStatus>(),
        call::<GetStatusExtended>(),
        call::<GetIdentData>(),
        call::<GetIdentDataInitial>(),
        call::<GetIdentDataMethod>(),
        call::<GetESignPdf>(),
        call::<GetESignHash>(),
        call::<GetVoiceFiles>(),
        call::<GetAllStatus>(),
        call::<GetAllStatusExtended>(),
        call::<DrainUnreported>(),
        call::<DrainUnreportedExtended>(),
        call::<GetBankList>(),
        call::<CheckSignmeUser>(),
    ]
}

fn call<Op: ServedOperation<Dialect = Dialect>>() -> Call {
    let request: Through = |text| {
        let mut dialect = Dialect::default();
        // A generated order has every element of the table.
        dialect.pdf_and_hash_together = true;
        request::<Op>(text, &dialect)
    };
    Call { meta: Op::META, request, answer: |text| answer::<Op>(text, &Dialect::default()) }
}

/// Whether the endpoint of a row, `GET /getStatus/{OrderID}[/ExtendedList]` for one, is this call's.
pub(crate) fn is_of(endpoint: &str, meta: &Meta) -> bool {
    let (method, path) = endpoint.split_once(' ').unwrap();
    let (base, variants) = path.split_once('[').map_or((path, false), |(base, _)| (base, true));
    let same =
        meta.path == base || (variants && meta.path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/')));
    meta.method == method && same
}

/// putOrder keeps an element of another form rather than lose the order (AT-22), so that its type is asked first.
fn order_answer(text: &Value) -> Result<Value, Error> {
    json::read::<PutOrderAnswer>(text.to_string().as_bytes()).map_err(json::JsonFault::answer)?;
    answer::<PutOrder>(text, &Dialect::default())
}

fn read<Op: ServedOperation>(body: &str) -> Result<Op, Error> {
    let path = Op::META.path.replace("{OrderID}", ORDER).replace("{ident_id}", "x");
    let params = Op::META.match_path(&path, false).expect("the path fits its own template");
    Op::decode_request(&params, &Request::new(Bytes::from(body.to_owned())))
}

/// Reads a request's body into the call's type, and sends it from there.
pub(crate) fn request<Op: ServedOperation>(text: &Value, dialect: &Op::Dialect) -> Result<Value, Error> {
    let encoded = read::<Op>(&text.to_string())?.encode(dialect)?;
    Ok(serde_json::from_slice(&bytes(&encoded.body)).expect("the writer writes JSON"))
}

/// Reads an answer's body into the call's type, and answers it from there.
pub(crate) fn answer<Op: ServedOperation>(text: &Value, dialect: &Op::Dialect) -> Result<Value, Error> {
    let asked = read::<Op>("{}")?;
    let mut head = Response::new(()).into_parts().0;
    head.status = http::StatusCode::from_u16(Op::META.expect[0]).unwrap();
    let decoded = asked.decode(&head, Received::Whole(text.to_string().into()), dialect)?;
    let body = block_on(Op::encode_response(decoded.value)?.into_body().collect(u64::MAX))?;
    Ok(serde_json::from_slice(&body).expect("the sandbox's side writes JSON"))
}
