//! The request of a webhook, and its saved form.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use serde::{Deserialize, Serialize};

use crate::world::text::{self, AsText, Binary};

/// A request that can be sent more than once.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "SavedRequest", into = "SavedRequest")]
pub struct RequestCopy(pub Request<Bytes>);

impl std::fmt::Debug for RequestCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL carries a token, the body a person's data.
        f.write_str("RequestCopy")
    }
}

/// A request with everything that is sent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedRequest {
    #[serde(with = "text")]
    method: Method,
    #[serde(with = "text")]
    url: Uri,
    #[serde(with = "text")]
    version: Version,
    headers: Vec<SavedHeader>,
    #[serde(with = "text")]
    body: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedHeader {
    #[serde(with = "text")]
    name: HeaderName,
    value: SavedValue,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sensitive: bool,
}

/// A header's value: text, unless it holds what no text may.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedValue {
    Text(#[serde(with = "text")] HeaderValue),
    Base64(AsText<Binary>),
}

impl From<RequestCopy> for SavedRequest {
    fn from(request: RequestCopy) -> Self {
        let (head, body) = request.0.into_parts();
        let headers = head.headers.iter().map(|(name, value)| SavedHeader {
            name: name.clone(),
            value: match value.to_str() {
                Ok(_) => SavedValue::Text(value.clone()),
                Err(_) => SavedValue::Base64(AsText(Binary(value.clone()))),
            },
            sensitive: value.is_sensitive(),
        });
        Self { headers: headers.collect(), method: head.method, url: head.uri, version: head.version, body }
    }
}

impl From<SavedRequest> for RequestCopy {
    fn from(saved: SavedRequest) -> Self {
        let mut request = Request::new(saved.body);
        for SavedHeader { name, value, sensitive } in saved.headers {
            let (SavedValue::Text(mut value) | SavedValue::Base64(AsText(Binary(mut value)))) = value;
            value.set_sensitive(sensitive);
            request.headers_mut().append(name, value);
        }
        *request.method_mut() = saved.method;
        *request.uri_mut() = saved.url;
        *request.version_mut() = saved.version;
        Self(request)
    }
}
