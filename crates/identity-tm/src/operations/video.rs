//! `getVideoFileBinaryAsync` [T 3.7] and `getVideoFileBinary` [T 3.8]: ask for the recording, then fetch it.
//!
//! Until the vendor has called back, the second answers 200 with a placeholder video (AT-38).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, response};
use identkit_core::{Content, Error, Kind, Secret, Violation};
use identkit_wire::{
    AmbiguityPolicy, BodyMode, Decoded, Encoded, Meta, Operation, Params, Received, RetrySafety, Warning, json,
};

use super::{READ, order_id, order_operation};
use crate::messages::VideoRequest;
use crate::validate::listed_in_extra;
use crate::{Dialect, OrderId, PROVIDER};

/// The most that a video may take, in bytes.
const VIDEO_CAP: u64 = 16 * 1024 * 1024 * 1024;

/// Asks for the recording of an order; the vendor calls the URL when it is ready.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestVideo {
    /// The order.
    pub order_id: OrderId,
    /// The body.
    pub request: VideoRequest,
}

impl RequestVideo {
    /// Asks for the recording of this order.
    pub fn new(order_id: OrderId, callback_url: Secret) -> Self {
        Self { order_id, request: VideoRequest::default().callback_url(callback_url) }
    }
}

impl Operation for RequestVideo {
    const META: &'static Meta = &Meta {
        name: "getVideoFileBinaryAsync",
        provider: PROVIDER,
        method: Method::POST,
        path: "/getVideoFileBinaryAsync/{OrderID}",
        section: "[T] 3.7",
        safety: RetrySafety::IdempotentByEffect,
        on_ambiguous: AmbiguityPolicy::Retry(2),
        expect: &[200],
        reply: BodyMode::Whole { cap: 64 * 1024 },
        refusals: READ,
    };
    type Output = ();
    type Dialect = Dialect;

    fn path_params(&self) -> Vec<(&'static str, &str)> {
        vec![("OrderID", self.order_id.expose())]
    }

    fn encode(&self, _: &Dialect) -> Result<Encoded, Error> {
        let url = self.request.callback_url.as_ref().map_or("", Secret::expose);
        let section = Self::META.section;
        let mut faults: Vec<Violation> =
            listed_in_extra("", &self.request.extra, VideoRequest::KEYS, section).collect();
        let wrong = match url.parse::<http::Uri>() {
            Err(_) => Some("is required, and must be a URL"),
            Ok(uri) => {
                let loopback = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
                let right = uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && loopback);
                (!right).then_some("must begin with https:// (http:// is accepted for this machine only)")
            }
        };
        faults.extend(wrong.map(|message| Violation::new("callbackUrl", message, "AT-39", section)));
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let mut warnings = Vec::new();
        if url.chars().count() > 150 {
            warnings.push(Warning::new("callbackUrl has more than 150 characters; no length is documented", "AT-39"));
        }
        Ok(Encoded { headers: json::headers(), body: json::write(&self.request)?.into(), warnings })
    }

    fn decode(&self, _: &response::Parts, _: Received, _: &Dialect) -> Result<Decoded<()>, Error> {
        Ok(().into())
    }

    fn decode_request(params: &Params, request: &Request<Bytes>) -> Result<Self, Error> {
        let read = json::read(request.body()).map_err(json::JsonFault::input)?;
        Ok(Self { order_id: order_id(params), request: read })
    }

    fn encode_response((): ()) -> Result<Response<Content>, Error> {
        Ok(Response::new(Content::empty()))
    }
}

/// A recording, or the placeholder for one.
#[non_exhaustive]
#[derive(Debug)]
pub struct Video {
    /// `video/mp4` or `video/webm`, as the vendor says.
    pub media_type: String,
    /// Its bytes.
    pub content: Content,
}

impl Video {
    /// A recording of this media type.
    pub fn new(media_type: impl Into<String>, content: Content) -> Self {
        Self { media_type: media_type.into(), content }
    }
}

order_operation! {
    /// The recording. Without the callback it may be a placeholder.
    GetVideo, GET "/getVideoFileBinary/{OrderID}", name: "getVideoFileBinary", section: "[T] 3.8",
    safety: RetrySafety::Safe, ambiguous: AmbiguityPolicy::Retry(4), expect: &[200], reply: BodyMode::Stream { cap: VIDEO_CAP },
    refusals: READ, output: Video, decode: decode, encode: encode
}

fn decode(_: &GetVideo, head: &response::Parts, body: Received) -> Result<Decoded<Video>, Error> {
    let (first, content) = match body {
        Received::Whole(bytes) => (bytes.clone(), Content::from_bytes(bytes)),
        Received::Stream { head, rest } => (head.clone(), rest.preceded_by(head)),
    };
    if first.is_empty() {
        return Err(Error::new(Kind::Protocol, "the answer is empty where a video was expected"));
    }
    let told = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // An error page under 200 must not be kept as evidence.
    if media_type.starts_with("text/") || media_type.ends_with("json") {
        return Err(Error::new(Kind::Protocol, "the answer is no video: its Content-Type says so"));
    }
    Ok(Video { media_type, content }.into())
}

fn encode(output: Video) -> Result<Response<Content>, Error> {
    let mut response = Response::new(output.content);
    let media_type = HeaderValue::from_str(&output.media_type).unwrap_or(HeaderValue::from_static("video/mp4"));
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    Ok(response)
}
