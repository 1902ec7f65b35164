//! The vendor's webhooks, [T 2.5]. They have no body and no signature; all their data is in the URL (T-039).

use bytes::Bytes;
use http::{Method, Request, Uri, request};
use identkit_core::{Error, Event, Kind, Pii, Secret};
use identkit_wire::url::request;
use identkit_wire::{Callback, CallbackPath};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{OrderId, PROVIDER};

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The IP ranges "currently used" by the vendor, [T 9.1], as CIDR: ID8_NET, identity-NET, idvos_NET, ID8_NET.
///
/// The list is dated September 2020, and the document does not say that webhooks come from these ranges (AT-69). If you
/// check them, do it in addition to the token in the URL, never instead. Ask the vendor first; the ranges may change.
pub const DOCUMENTED_NETWORKS: [&str; 4] =
    ["212.211.189.136/29", "212.211.206.240/29", "212.211.181.64/29", "212.211.191.96/29"];

/// A webhook of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderCallback {
    /// The person left the video system. Not together with `AfterIdent`.
    AfterVideo,
    /// The identification was conducted. Not together with `AfterVideo`.
    AfterIdent,
    /// The order is final.
    OnFinal,
}

/// Returns every webhook of this provider.
pub fn callbacks() -> Vec<std::sync::Arc<dyn Callback>> {
    vec![
        std::sync::Arc::new(OrderCallback::AfterVideo),
        std::sync::Arc::new(OrderCallback::AfterIdent),
        std::sync::Arc::new(OrderCallback::OnFinal),
        std::sync::Arc::new(VideoCallback),
    ]
}

impl Callback for OrderCallback {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn name(&self) -> &'static str {
        match self {
            Self::AfterVideo => "AfterVideo",
            Self::AfterIdent => "AfterIdent",
            Self::OnFinal => "OnFinal",
        }
    }

    fn url_template(&self, base: &Uri, token: &Secret) -> Result<Secret, Error> {
        let url = CallbackPath::url(base, PROVIDER, token, self.name())?;
        let url = format!("{url}?orderId=[OrderID]&ref=[Ref]");
        if url.chars().count() > 150 {
            let detail = format!(
                "the webhook URL has {} characters; the vendor allows at most 150 (AT-21)",
                url.chars().count()
            );
            return Err(Error::new(Kind::InvalidInput, detail));
        }
        Ok(Secret::new(url))
    }

    /// The vendor sends GET by default, POST or PUT for some accounts (T-032), never HEAD or OPTIONS (AT-68).
    fn recognize(&self, head: &request::Parts) -> bool {
        matches!(head.method, Method::GET | Method::POST | Method::PUT) && is_at(head, self.name())
    }

    fn parse(&self, request: &Request<Bytes>) -> Result<Event, Error> {
        let missing = "the webhook does not name an order: its URL lacks orderId=[OrderID]";
        let mut event = event(request, self.name(), missing)?;
        // If the order has no Ref, the vendor cannot replace the placeholder.
        let replaced = |reference: &String| !reference.is_empty() && reference != "[Ref]";
        event.reference = parameter(request, "ref").filter(replaced).map(Pii::new);
        Ok(event)
    }

    fn emit(&self, template: &str, method: &Method, event: &Event) -> Result<Request<Bytes>, Error> {
        let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let order_id = event.case_id.as_ref().map_or_else(String::new, |id| encoded(id.expose()));
        let reference = event.reference.as_ref().map_or_else(String::new, |reference| encoded(reference.expose()));
        let url = template.replace("[OrderID]", &order_id).replace("[Ref]", &reference);
        request(url.trim(), method, "the webhook URL")
    }
}

/// The callback of [T 3.7]: a GET when the video is available. Whether the vendor replaces placeholders is not
/// documented (AT-39), so the URL contains the order's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoCallback;

impl VideoCallback {
    /// Returns the callback URL for the recording of an order.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if the base URL or the token is not valid.
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
        head.method == Method::GET && is_at(head, self.name())
    }

    fn parse(&self, request: &Request<Bytes>) -> Result<Event, Error> {
        event(request, self.name(), "the callback does not name an order: its URL lacks orderId")
    }

    fn emit(&self, template: &str, _: &Method, _: &Event) -> Result<Request<Bytes>, Error> {
        request(template, &Method::GET, "the callback URL")
    }
}

fn is_at(head: &request::Parts, name: &str) -> bool {
    CallbackPath::parse(head.uri.path()).is_some_and(|path| path.event == name)
}

/// Returns the event of the order that the URL names. If it names none or a placeholder, the error is `missing` (AT-39).
fn event(request: &Request<Bytes>, name: &str, missing: &'static str) -> Result<Event, Error> {
    let order_id = parameter(request, "orderId").filter(|id| !id.is_empty() && id != "[OrderID]");
    let order_id = order_id.ok_or_else(|| Error::new(Kind::Protocol, missing))?;
    let mut event = Event::new(PROVIDER, name, format!("{order_id}/{name}"));
    event.case_id = Some(Secret::new(order_id));
    Ok(event)
}

/// Returns a query parameter, decoded once (AT-20).
fn parameter(request: &Request<Bytes>, name: &str) -> Option<String> {
    let pairs = request.uri().query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn base() -> Uri {
        Uri::from_static("https://www.example.com/identity")
    }

    #[test]
    fn at_21_a_webhook_url_has_at_most_150_characters() {
        let url = OrderCallback::OnFinal.url_template(&base(), &Secret::new("t0ken")).unwrap();
        assert_eq!(
            url.expose(),
            "https://www.example.com/identity/identity-tm/t0ken/OnFinal?orderId=[OrderID]&ref=[Ref]"
        );
        let long = Secret::new("t".repeat(100));
        assert_eq!(OrderCallback::OnFinal.url_template(&base(), &long).unwrap_err().kind(), Kind::InvalidInput);
    }

    #[test]
    fn at_99_a_url_with_an_invalid_port_is_refused() {
        use crate::Dialect;
        use crate::messages::{PutOrder, RedirectUrl, WebhookUrl};
        use crate::operations::RequestVideo;
        use identkit_wire::Operation;

        let faults = |error: Error| -> Vec<String> {
            let ports = error.violations().iter().filter(|fault| fault.rule == "AT-99");
            ports.map(|fault| fault.to_string()).collect()
        };
        for (url, refused) in [
            ("https://user:password@example.com:8443/x?id=[OrderID]", false),
            ("app://done", false),
            ("https://example.com:99999/x", true),
            ("app://done:65536", true),
        ] {
            let redirect = RedirectUrl::default().success(url).abort(url);
            let webhook = WebhookUrl::default().after_video(url).on_final(url);
            let order = PutOrder::default().redirect_url(redirect).webhook_url(webhook);
            let found = faults(order.check(&Dialect::default()).unwrap_err());
            assert_eq!(found.len(), if refused { 4 } else { 0 }, "{url}: {found:?}");
            assert!(found.iter().all(|fault| fault.contains("must have a port from 1 to 65535")), "{found:?}");
        }
        let video = RequestVideo::new(OrderId::new("1"), Secret::new("https://example.com:99999/x"));
        assert_eq!(faults(video.encode(&Dialect::default()).unwrap_err()).len(), 1);
        for callback in [&OrderCallback::OnFinal as &dyn Callback, &VideoCallback] {
            let error = callback.emit("https://example.com:99999/x", &Method::GET, &Event::new(PROVIDER, "x", "x"));
            assert!(error.unwrap_err().detail().contains("must have a port from 1 to 65535"), "{callback:?}");
        }
    }

    #[test]
    fn at_68_get_post_and_put_are_recognized_and_others_not() {
        let known = [("GET", true), ("POST", true), ("PUT", true), ("HEAD", false), ("OPTIONS", false)];
        for (method, recognized) in known {
            let request = Request::builder().method(method).uri("/identity/identity-tm/t0ken/OnFinal?orderId=1");
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(OrderCallback::OnFinal.recognize(&head), recognized, "{method}");
            assert!(!OrderCallback::AfterIdent.recognize(&head));
        }
    }

    proptest! {
        #[test]
        fn at_20_replaced_placeholders_are_decoded_once(reference in "\\PC{1,40}", id in "[A-Za-z0-9]{1,20}") {
            let template = OrderCallback::OnFinal.url_template(&base(), &Secret::new("t")).unwrap();
            let mut event = Event::new(PROVIDER, "OnFinal", format!("{id}/OnFinal"));
            event.case_id = Some(id.as_str().into());
            event.reference = Some(reference.as_str().into());
            let request = OrderCallback::OnFinal.emit(template.expose(), &Method::GET, &event).unwrap();
            prop_assert_eq!(OrderCallback::OnFinal.parse(&request).unwrap(), event);
        }
    }

    #[test]
    fn at_20_a_placeholder_is_not_a_reference() {
        for (written, read) in [("[Ref]", None), ("%5BRef%5D", None), ("", None), ("a%2541", Some("a%41"))] {
            let uri = format!("/identity-tm/t/OnFinal?orderId=1&ref={written}");
            let request = Request::builder().uri(uri).body(Bytes::new()).unwrap();
            assert_eq!(OrderCallback::OnFinal.parse(&request).unwrap().reference, read.map(Pii::from), "{written}");
        }
    }
}
