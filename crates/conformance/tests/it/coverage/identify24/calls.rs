//! Every call of identify24 and its webhook, as functions from JSON to JSON.

use identkit_core::Error;
use identkit_identify24::messages::CreateIdent;
use identkit_identify24::operations::{GetAllProjects, GetIdent, GetProject, Login};
use identkit_identify24::{Dialect, IdentStatusCallback};
use identkit_wire::{Meta, ServedOperation};
use serde_json::Value;

use crate::coverage::calls::{Through, answer, request};
use crate::coverage::rows::Row;

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
    (Op::META, |text| request::<Op>(text, &Dialect::new()), |text| answer::<Op>(text, &Dialect::new()))
}

fn webhook(text: &Value) -> Result<Value, Error> {
    let payload = IdentStatusCallback::payload(text.to_string().as_bytes())?;
    Ok(serde_json::to_value(&payload).expect("a payload has a JSON form"))
}
