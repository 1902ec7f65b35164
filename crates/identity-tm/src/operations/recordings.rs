//! `getVideoFileBinaryAsync` [T 3.7] and `getVideoFileBinary` [T 3.8]: ask for the recording, then fetch it.
//! `getVoiceFiles` [T 3.9]: recordings of sound.
//!
//! Until the vendor has called back, the second answers 200 with a placeholder video (AT-38).

use http::header::CONTENT_TYPE;
use http::{Method, response};
use identkit_core::{Content, Error, Kind, Secret, Violation};
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Encoded, Meta, Received, RetrySafety, Warning, operation};

use super::{READ, read};
use crate::messages::{VideoRequest, VoiceFiles};
use crate::validate::refuse;
use crate::{Dialect, OrderId, PROVIDER};

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

    fn write(&self) -> Result<Encoded, Error> {
        let url = self.request.callback_url.as_ref().map_or("", Secret::expose);
        let section = <Self as identkit_wire::Operation>::META.section;
        let wrong = match url.parse::<http::Uri>() {
            Err(_) => Some("is required, and must be a URL"),
            Ok(uri) => {
                let loopback = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
                let right = uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && loopback);
                (!right).then_some("must begin with https:// (http:// is accepted for this machine only)")
            }
        };
        let fault = wrong.map(|message| Violation::new("callbackUrl", message, "AT-39", section));
        refuse(&self.request.extra, VideoRequest::KEYS, section, fault)?;
        let message = "callbackUrl has more than 150 characters; no length is documented";
        let warnings = Warning::when(url.chars().count() > 150, message, "AT-39").into_iter().collect();
        Ok(Encoded::json(&self.request)?.with_warnings(warnings))
    }
}

operation! {
    impl RequestVideo;
    meta: Meta::new(
        PROVIDER,
        "getVideoFileBinaryAsync",
        Method::POST,
        "/getVideoFileBinaryAsync/{OrderID}",
        RetrySafety::IdempotentByEffect,
        AmbiguityPolicy::Retry(2),
    )
    .section("[T] 3.7")
    .refusals(READ),
    output: (), dialect: Dialect,
    params: |this| vec![("OrderID", this.order_id.expose())],
    encode: |this, _| this.write(),
    decode: |_, _, _, _| Ok(().into()),
    request: |params, request| {
        let request = identkit_wire::json::decode_request(request)?;
        Ok(Self { order_id: OrderId::received(params.get("OrderID")), request })
    },
    respond: super::respond::empty,
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

order_calls! {
    /// The recording. Without the callback it may be a placeholder.
    GetVideo: read("getVideoFileBinary", "/getVideoFileBinary/{OrderID}", "[T] 3.8")
        .body_mode(BodyMode::Stream { cap: VIDEO_CAP })
        => Video,
    decode: |_, head, body, _| decode(head, body),
    respond: |output| {
        let unusual = http::HeaderValue::from_static("video/mp4");
        super::respond::content(output.content, output.media_type.parse().unwrap_or(unusual))
    };

    /// The audio recordings, Base64 in JSON, [T 3.9]; where the account is set up for them.
    GetVoiceFiles: read("getVoiceFiles", "/getVoiceFiles/{OrderID}", "[T] 3.9") => VoiceFiles;
}

fn decode(head: &response::Parts, body: Received) -> Result<Decoded<Video>, Error> {
    let (first, content) = body.into_content();
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
