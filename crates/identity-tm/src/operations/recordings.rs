//! `getVideoFileBinaryAsync` [T 3.7] requests the video recording, `getVideoFileBinary` [T 3.8] downloads it.
//! `getVoiceFiles` [T 3.9] reads audio recordings.
//!
//! Before the vendor's callback, the download returns status 200 with a placeholder video (AT-38).

use http::header::CONTENT_TYPE;
use http::{Method, response};
use identkit_core::{Content, Error, Kind, Secret, Violation};
use identkit_wire::url::{UrlFault, WebUrl};
use identkit_wire::{
    AmbiguityPolicy, Answer, BodyMode, Decoded, Encoded, Meta, Received, RetrySafety, Warning, is_json_object,
    operation,
};

use super::{ERROR, READ, read, require};
use crate::messages::{VideoRequest, VoiceFiles};
use crate::validate::check_extra;
use crate::{Dialect, OrderId, PROVIDER};

const VIDEO_CAP: u64 = 16 * 1024 * 1024 * 1024;

/// Requests the recording of an order. The vendor calls the URL when it is ready.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct RequestVideo {
    /// Id of the order.
    pub order_id: OrderId,
    /// Request body.
    pub request: VideoRequest,
}

impl RequestVideo {
    /// Creates a call with this callback URL.
    pub fn new(order_id: OrderId, callback_url: Secret) -> Self {
        Self { order_id, request: VideoRequest::default().callback_url(callback_url) }
    }

    fn write(&self) -> Result<Encoded, Error> {
        let url = self.request.callback_url.as_ref().map_or("", Secret::expose);
        let section = <Self as identkit_wire::Operation>::META.section;
        let wrong = match WebUrl::parse(url).as_ref().map(WebUrl::uri) {
            Err(UrlFault::Port) => Some((UrlFault::Port.text(), "AT-99")),
            Err(UrlFault::Syntax) => Some((UrlFault::Syntax.text(), "AT-39")),
            Err(_) => Some(("is required and must be a valid https:// URL", "AT-39")),
            Ok(uri) => {
                let loopback = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
                let right = uri.scheme_str() == Some("https") || loopback;
                (!right).then_some(("must start with https:// (http:// is valid for this machine only)", "AT-39"))
            }
        };
        let fault = wrong.map(|(message, rule)| Violation::new("callbackUrl", message, rule, section));
        check_extra(&self.request.extra, VideoRequest::KEYS, section, fault)?;
        let message = "callbackUrl has more than 150 characters; the document states no limit";
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
    .answer(Answer::Empty)
    .error_member(ERROR)
    .refusals(READ),
    output: (), dialect: Dialect,
    params: |this| vec![("OrderID", this.order_id.expose())],
    encode: |this, _| this.write(),
    decode: |this, _, body, _| super::decode_done(&this.order_id, body),
    request: |params, request| {
        let request = identkit_wire::json::decode_request(request)?;
        Ok(Self { order_id: OrderId::new(params.get("OrderID")), request })
    },
    respond: super::respond::empty,
}

/// A recording or its placeholder.
#[non_exhaustive]
#[derive(Debug)]
pub struct Video {
    /// Media type of the response: `video/mp4` or `video/webm`.
    pub media_type: String,
    /// Content of the video.
    pub content: Content,
}

impl Video {
    /// Creates a recording of this media type.
    pub fn new(media_type: impl Into<String>, content: Content) -> Self {
        Self { media_type: media_type.into(), content }
    }
}

order_calls! {
    /// Downloads the recording. Before the callback it may be a placeholder.
    GetVideo: read("getVideoFileBinary", "/getVideoFileBinary/{OrderID}", "[T] 3.8")
        .body_mode(BodyMode::Stream { cap: VIDEO_CAP })
        => Video,
    decode: |_, head, body, _| decode(head, body),
    respond: |output| {
        let default = http::HeaderValue::from_static("video/mp4");
        super::respond::content(output.content, output.media_type.parse().unwrap_or(default))
    };

    /// Reads the audio recordings, Base64 in JSON, [T 3.9]. The account must be enabled for them.
    GetVoiceFiles: read("getVoiceFiles", "/getVoiceFiles/{OrderID}", "[T] 3.9") => VoiceFiles,
    decode: |this, _, body, _| {
        let answer: Decoded<VoiceFiles> = super::decode_of_order(&this.order_id, body, &["Voicefiles"])?;
        // An empty list means that there is no recording.
        let files = require(answer.value.voicefiles.as_ref(), "Voicefiles")?;
        super::refuse_default(files.is_empty(), &answer.value.extra)?;
        files.iter().try_for_each(|file| super::check_named_order(&this.order_id, &file.extra))?;
        Ok(answer)
    };
}

fn decode(head: &response::Parts, body: Received) -> Result<Decoded<Video>, Error> {
    let (first, content) = body.into_content();
    super::refuse_no_result(head, &first, "a video")?;
    if is_json_object(&first) {
        return Err(Error::new(Kind::Protocol, "the response is not a video: it is JSON"));
    }
    let header = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // An error page with status 200 must not become evidence.
    if media_type.starts_with("text/") || media_type.ends_with("json") {
        return Err(Error::new(Kind::Protocol, "the response is not a video: its Content-Type is text or JSON"));
    }
    Ok(Video { media_type, content }.into())
}
