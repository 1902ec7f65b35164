//! Every call of identify24 and its webhook, as functions from JSON to JSON.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use identkit_core::Error;
use identkit_identify24::messages::CreateIdent;
use identkit_identify24::operations::{GetAllProjects, GetIdent, GetProject, Login};
use identkit_identify24::{Dialect, IdentStatusCallback};
use identkit_wire::{Meta, Received, ServedOperation};
use serde_json::Value;

use crate::coverage::harness::block_on;
use crate::coverage::rows::Row;

type Through = fn(&Value) -> Result<Value, Error>;

/// Reads a message of the row's endpoint and direction into its type, and writes it from there.
pub(super) fn through(row: &Row) -> Option<Through> {
    if row.endpoint == "WEBHOOK POST" {
        return Some(webhook);
    }
    let (_, request, answer) = calls().into_iter().find(|(meta, ..)| is_of(&row.endpoint, meta))?;
    Some(if row.request { request } else { answer })
}

/// What the vendor's calls are, as their types say it.
pub(super) fn metas() -> Vec<&'static Meta> {
    calls().into_iter().map(|(meta, ..)| meta).collect()
}

/// Whether an endpoint as it is printed, `GET /ident/get/{ident_id}`, is this call's.
pub(super) fn is_of(endpoint: &str, meta: &Meta) -> bool {
    endpoint.split_once(' ').is_some_and(|(method, path)| meta.method == method && meta.path == path)
}

fn calls() -> Vec<(&'static Meta, Through, Through)> {
    vec![call::<Login>(), call::<CreateIdent>(), call::<GetIdent>(), call::<GetAllProjects>(), call::<GetProject>()]
}

fn call<Op: ServedOperation<Dialect = Dialect>>() -> (&'static Meta, Through, Through) {
    (Op::META, request::<Op>, answer::<Op>)
}

fn read<Op: ServedOperation>(body: &str) -> Result<Op, Error> {
    let path = Op::META.path.replace("{ident_id}", "x");
    let params = Op::META.match_path(&path, false).expect("the path fits its own template");
    Op::decode_request(&params, &Request::new(Bytes::from(body.to_owned())))
}

fn request<Op: ServedOperation<Dialect = Dialect>>(text: &Value) -> Result<Value, Error> {
    let encoded = read::<Op>(&text.to_string())?.encode(&Dialect::new())?;
    let body = encoded.body.read().map(|chunk| chunk.expect("memory can be read")).collect::<Vec<_>>().concat();
    Ok(serde_json::from_slice(&body).expect("the writer writes JSON"))
}

fn answer<Op: ServedOperation<Dialect = Dialect>>(text: &Value) -> Result<Value, Error> {
    let asked = read::<Op>("{}")?;
    let mut head = Response::new(()).into_parts().0;
    head.status = StatusCode::OK;
    let decoded = asked.decode(&head, Received::Whole(text.to_string().into()), &Dialect::new())?;
    let body = block_on(Op::encode_response(decoded.value)?.into_body().collect(u64::MAX))?;
    Ok(serde_json::from_slice(&body).expect("the sandbox's side writes JSON"))
}

fn webhook(text: &Value) -> Result<Value, Error> {
    let payload = IdentStatusCallback::payload(text.to_string().as_bytes())?;
    Ok(serde_json::to_value(&payload).expect("a payload has a JSON form"))
}
