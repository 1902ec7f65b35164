//! Tests of the traps in the vendor's document (AT-xx of the contract) that this crate handles.
//!
//! Calls run over a scripted transport, which also checks the number of requests.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::support::*;

mod answers;
mod changes;
mod documents;
mod encrypted;
mod feed;
mod ids;
mod list;
mod matrix;
mod media;
mod misc;
mod outcomes;
mod port;
mod reading;
mod results;
mod shapes;
mod signing;
mod spelling;
mod texts;
mod unreported;
mod writer;

fn options() -> CallOptions {
    CallOptions::new()
}

/// Decodes a response of getIdentData.
fn ident_data(text: &Value) -> IdentDataAnswer {
    ident_data_answer(text).unwrap_or_else(|error| panic!("{text}: {error}")).0
}

fn ident_data_answer(text: &Value) -> Result<(IdentDataAnswer, Vec<Warning>), Error> {
    let decoded = decode(&GetIdentData::new(id()), &json_answer(200, text.to_string()))?;
    Ok((decoded.value, decoded.warnings))
}

fn rules(warnings: &[Warning]) -> Vec<&'static str> {
    warnings.iter().map(|warning| warning.rule).collect()
}

fn rejects(order: &PutOrder, field: &str, rule: &'static str) {
    assert_eq!(violations_of(order, &Dialect::default()), [(field.to_owned(), rule)]);
}

fn accepts(order: &PutOrder) {
    assert_eq!(violations_of(order, &Dialect::default()), []);
}

fn warnings(order: &PutOrder) -> Vec<&'static str> {
    rules(&order.check(&Dialect::default()).unwrap())
}

fn order_of(value: &Value) -> PutOrder {
    PutOrder::from_json(value.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn pdf(name: &str) -> SignPdf {
    SignPdf::default().data(Blob::from_bytes(PDF)).filename(name)
}

fn hash(name: &str) -> SignHash {
    SignHash::default().hash("c2hhMjU2").filename(name)
}

fn dialect() -> Dialect {
    Dialect::default()
}

fn allowing(change: impl FnOnce(&mut Dialect)) -> Dialect {
    let mut dialect = Dialect::default();
    change(&mut dialect);
    dialect
}

fn callback() -> Secret {
    Secret::new("https://www.example.com/identity-tm/t0ken/Video?orderId=99921269855041")
}

/// Returns the body that an operation sends.
fn body_of<Op: Operation<Dialect = Dialect>>(operation: &Op, dialect: &Dialect) -> Vec<u8> {
    body_bytes(&operation.encode(dialect).unwrap_or_else(|error| panic!("{error}")).body)
}

/// Returns field and rule of every violation of a request.
fn violations_of<Op: Operation<Dialect = Dialect>>(operation: &Op, dialect: &Dialect) -> Vec<(String, &'static str)> {
    let Err(error) = operation.encode(dialect) else { return Vec::new() };
    assert_eq!((error.kind(), error.delivery()), (Kind::InvalidInput, Some(Delivery::NotSent)));
    let section = if Op::META.name == "putOrder" { "[T] 3.1.3" } else { Op::META.section };
    assert!(error.violations().iter().all(|fault| fault.section == section), "{error}");
    error.violations().iter().map(|fault| (fault.field.clone().into_owned(), fault.rule)).collect()
}
