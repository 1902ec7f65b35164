//! Calls of the admin API, in the same process.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use identkit_core::Content;
use identkit_mock_server::server::AdminApi;
use serde_json::Value;

/// A refused call: its status, and the problem document.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) problem: Value,
}

impl Refused {
    fn new(status: u16) -> Self {
        Self { status, problem: Value::Null }
    }
}

/// A file with its media type.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// Calls the admin API with a path below `/_sandbox/v1/`, e.g. `orders?limit=50`, and a body unless it is null.
pub(crate) async fn call(admin: &AdminApi, method: Method, path: &str, body: &Value) -> Result<Value, Refused> {
    let response = send(admin, method, path, body).await?;
    Ok(json(&response))
}

/// Reads a file with a path below `/_sandbox/v1/`.
pub(crate) async fn file(admin: &AdminApi, path: &str) -> Result<File, Refused> {
    let response = send(admin, Method::GET, path, &Value::Null).await?;
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
    Ok(File { media_type, bytes: response.body().as_bytes().cloned().unwrap_or_default() })
}

async fn send(admin: &AdminApi, method: Method, path: &str, body: &Value) -> Result<Response<Content>, Refused> {
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder().method(method).uri(format!("/_sandbox/v1/{path}"));
    let request = request.body(bytes).map_err(|_| Refused::new(400))?;
    let response = admin.handle(&request).await;
    let status = response.status();
    if status.is_success() { Ok(response) } else { Err(Refused { status: status.as_u16(), problem: json(&response) }) }
}

fn json(response: &Response<Content>) -> Value {
    response.body().as_bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}
