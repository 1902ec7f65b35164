//! Calls of the admin API, in the same process.

use bytes::Bytes;
use http::{Method, Request};
use identkit_mock_server::server::AdminApi;
use serde_json::Value;

/// A refused call: its status, and the problem document.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) problem: Value,
}

/// Calls the admin API with a path below `/_sandbox/v1/`, e.g. `orders?limit=50`, and a body unless it is null.
pub(crate) async fn call(admin: &AdminApi, method: Method, path: &str, body: &Value) -> Result<Value, Refused> {
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let failed = |status| Refused { status, problem: Value::Null };
    let request = Request::builder().method(method).uri(format!("/_sandbox/v1/{path}"));
    let request = request.body(bytes).map_err(|_| failed(400))?;
    let response = admin.handle(&request).await;
    let status = response.status();
    let read = response.body().as_bytes().and_then(|bytes| serde_json::from_slice(bytes).ok());
    let value: Value = read.unwrap_or_default();
    if status.is_success() { Ok(value) } else { Err(Refused { status: status.as_u16(), problem: value }) }
}
