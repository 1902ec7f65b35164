//! Recordings: ask, wait for the callback, fetch.

use std::fmt;

use bytes::Bytes;
use http::{Method, Request, Uri, request};
use identkit_core::{CallOptions, Error, Event, Kind, Secret};
use identkit_transport::Response;
use identkit_wire::{Callback, CallbackPath};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::IdentityTm;
use crate::messages::VoiceFiles;
use crate::operations::{GetVideo, GetVoiceFiles, RequestVideo, Video};
use crate::{OrderId, PROVIDER};

/// That the vendor has called back: without it a download may be a placeholder under 200 (AT-38).
#[derive(Clone, PartialEq, Eq)]
pub struct VideoReady {
    order_id: OrderId,
    heard: bool,
}

impl fmt::Debug for VideoReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoReady").field("heard", &self.heard).finish_non_exhaustive()
    }
}

impl VideoReady {
    /// From the callback's event.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when the event is another one.
    pub fn heard(event: &Event) -> Result<Self, Error> {
        match &event.case_id {
            Some(id) if event.provider == PROVIDER && event.name == VideoCallback.name() => {
                Ok(Self { order_id: OrderId::received(id.expose()), heard: true })
            }
            _ => Err(Error::new(Kind::InvalidInput, "the event is not the callback of a video")),
        }
    }

    /// Without a callback, on one's own responsibility: what comes may be a placeholder, and never counts as evidence
    /// before its digest was compared.
    pub fn force(order_id: OrderId) -> Self {
        Self { order_id, heard: false }
    }

    /// The order.
    pub fn order_id(&self) -> &OrderId {
        &self.order_id
    }

    /// Whether the vendor has called back.
    pub fn was_heard(&self) -> bool {
        self.heard
    }
}

/// The callback of [T 3.7]: GET when the video is available. Whether placeholders are filled in is not documented
/// (AT-39), so that the order stands in the URL itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoCallback;

impl VideoCallback {
    /// The URL for the recording of this order.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when the base or the token cannot be used.
    pub fn url(self, base: &Uri, token: &Secret, order_id: &OrderId) -> Result<Secret, Error> {
        let url = CallbackPath::url(base, PROVIDER, token, self.name())?;
        let id = utf8_percent_encode(order_id.expose(), NON_ALPHANUMERIC);
        Ok(Secret::new(format!("{url}?orderId={id}")))
    }
}

impl Callback for VideoCallback {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn name(&self) -> &'static str {
        "Video"
    }

    fn url_template(&self, base: &Uri, token: &Secret) -> Result<Secret, Error> {
        let url = CallbackPath::url(base, PROVIDER, token, self.name())?;
        Ok(Secret::new(format!("{url}?orderId=[OrderID]")))
    }

    fn recognize(&self, head: &request::Parts) -> bool {
        head.method == Method::GET && CallbackPath::of(head.uri.path()).is_some_and(|path| path.event == self.name())
    }

    fn parse(&self, request: &Request<Bytes>) -> Result<Event, Error> {
        let query = request.uri().query().unwrap_or_default();
        let id = query.split('&').find_map(|pair| pair.strip_prefix("orderId=")).unwrap_or_default();
        let id = percent_decode_str(id).decode_utf8_lossy().into_owned();
        // Nothing says that the vendor fills placeholders in here (AT-39).
        if id.is_empty() || id == "[OrderID]" {
            return Err(Error::new(Kind::Protocol, "the callback names no order: its URL lacks orderId"));
        }
        let mut event = Event::new(PROVIDER, self.name(), format!("{id}/{}", self.name()));
        event.case_id = Some(Secret::new(id));
        Ok(event)
    }

    fn emit(&self, template: &str, _: &Method, _: &Event) -> Result<Request<Bytes>, Error> {
        let uri: Uri = template.parse().map_err(|_| Error::new(Kind::InvalidInput, "the callback URL is no URL"))?;
        if uri.host().is_none() {
            return Err(Error::new(Kind::InvalidInput, "the callback URL needs a host"));
        }
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri;
        Ok(request)
    }
}

impl IdentityTm {
    /// Asks for the recording of an order; the vendor calls the URL when it is ready, [T 3.7]. Sent twice at most.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when the URL is not `https` (`http` to this machine is accepted); else as any call.
    pub async fn request_video(
        &self,
        order: &OrderId,
        callback_url: &Secret,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        self.call(&RequestVideo::new(order.clone(), callback_url.clone()), options).await
    }

    /// The recording as a stream, [T 3.8].
    ///
    /// # Errors
    /// As any call; the stream itself fails rather than end short.
    pub async fn video(&self, ready: &VideoReady, options: &CallOptions) -> Result<Response<Video>, Error> {
        self.call(&GetVideo::new(ready.order_id.clone()), options).await
    }

    /// Audio recordings, where the account is set up for them, [T 3.9].
    ///
    /// # Errors
    /// As any call.
    pub async fn voice_files(&self, order: &OrderId, options: &CallOptions) -> Result<Response<VoiceFiles>, Error> {
        self.call(&GetVoiceFiles::new(order.clone()), options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_39_the_order_stands_in_the_url_itself() {
        let base = Uri::from_static("https://www.example.com");
        let url = VideoCallback.url(&base, &Secret::new("t0ken"), &OrderId::received("9992")).unwrap();
        assert_eq!(url.expose(), "https://www.example.com/identity-tm/t0ken/Video?orderId=9992");
        let event = Event::new(PROVIDER, "Video", "");
        let request = VideoCallback.emit(url.expose(), &Method::GET, &event).unwrap();
        let parsed = VideoCallback.parse(&request).unwrap();
        let ready = VideoReady::heard(&parsed).unwrap();
        assert_eq!((ready.order_id().expose(), ready.was_heard()), ("9992", true));
    }

    #[test]
    fn at_38_another_event_is_no_permission() {
        assert!(VideoReady::heard(&Event::new(PROVIDER, "OnFinal", "k")).is_err());
        assert!(VideoReady::heard(&Event::new("identify24", "Video", "k")).is_err());
        assert!(!VideoReady::force(OrderId::received("9992")).was_heard());
    }
}
