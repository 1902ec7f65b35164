//! The vendor's webhook. It has no signature, number or time (I-084): it is a hint, so read the ident before you act.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Uri, request};
use identkit_core::{Error, Event, Kind, Secret};
use identkit_wire::{Callback, CallbackPath, json, url};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::value::{Error as ValueError, MapDeserializer};

use crate::PROVIDER;
use crate::messages::IdentWebhook;

/// The status webhook (`[I] Webhook`). Its URL is set once in the partner portal, not per ident (I-080).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdentStatusCallback;

impl IdentStatusCallback {
    /// Reads the payload as JSON, or as a form with the same keys, and ignores `Content-Type` (AI-13). If `ident_id` or
    /// `status` occurs more than once with different values, it is `None` (AT-95).
    ///
    /// # Errors
    /// [`Kind::Protocol`] if the body is neither, or if the id or the status cannot be read.
    pub fn payload(body: &[u8]) -> Result<IdentWebhook, Error> {
        let fault = match json::read_answer::<IdentWebhook>(body) {
            Ok((_, notes)) if ["ident_id", "status"].iter().any(|name| notes.is_ignored(name)) => {
                return Err(Error::new(Kind::Protocol, "the ident_id or the status of the webhook is not a text"));
            }
            Ok((mut payload, notes)) => {
                // Nothing shows which of them is right (AT-95).
                payload.ident_id.take_if(|_| notes.has_different("ident_id"));
                payload.status.take_if(|_| notes.has_different("status"));
                return Ok(payload);
            }
            Err(fault) => fault,
        };
        if fault.well_formed {
            return Err(fault.answer());
        }
        form(body).ok_or_else(|| Error::new(Kind::Protocol, "the webhook's body is neither JSON nor a form"))
    }
}

impl Callback for IdentStatusCallback {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn name(&self) -> &'static str {
        "status"
    }

    fn url_template(&self, base: &Uri, token: &Secret) -> Result<Secret, Error> {
        CallbackPath::url(base, PROVIDER, token, self.name()).map(Secret::new)
    }

    fn recognize(&self, head: &request::Parts) -> bool {
        head.method == Method::POST
    }

    fn parse(&self, request: &Request<Bytes>) -> Result<Event, Error> {
        let body = request.body();
        let payload = Self::payload(body)?;
        let text =
            std::str::from_utf8(body).map_err(|_| Error::new(Kind::Protocol, "the webhook's body is not UTF-8"))?;
        let ident_id = payload.ident_id.filter(|id| !id.is_empty());
        let part = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let key = format!(
            "{}/{}/{:032x}",
            part(ident_id.as_ref().map(crate::messages::IdentId::expose)),
            part(payload.status_id.as_ref().map(|id| id.expose().as_str())),
            fnv1a(body)
        );
        let mut event = Event::new(PROVIDER, self.name(), key);
        event.case_id = ident_id.map(crate::messages::IdentId::into_secret);
        event.reference = payload.custom_id.filter(|id| !id.expose().is_empty());
        event.payload = Some(text.into());
        Ok(event)
    }

    fn emit(&self, template: &str, method: &Method, event: &Event) -> Result<Request<Bytes>, Error> {
        if *method != Method::POST {
            return Err(Error::new(Kind::InvalidInput, "identify24 delivers webhooks by POST only"));
        }
        let body = match &event.payload {
            Some(payload) => payload.expose().clone().into_bytes(),
            None => json::write(&IdentWebhook {
                ident_id: event.case_id.as_ref().map(|id| id.expose().into()),
                custom_id: event.reference.clone(),
                ..IdentWebhook::default()
            })?,
        };
        let mut request = url::request(template, method, "the webhook URL")?.map(|_| body.into());
        request.headers_mut().insert(CONTENT_TYPE, json::MEDIA_TYPE);
        Ok(request)
    }
}

/// Reads `key=value&…`. Returns `None` if the body is not UTF-8 or has none of the documented keys. If a key occurs
/// twice, the last value wins, except for an id or a status.
fn form(body: &[u8]) -> Option<IdentWebhook> {
    let text = std::str::from_utf8(body).ok()?;
    let mut pairs = BTreeMap::new();
    for pair in text.trim().split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (unescape(key)?, unescape(value)?);
        let is_decisive = matches!(key.as_str(), "ident_id" | "status");
        match pairs.get_mut(&key) {
            Some(before) if is_decisive && *before != value => String::clear(before),
            _ => drop(pairs.insert(key, value)),
        }
    }
    if !pairs.keys().any(|key| IdentWebhook::KEYS.contains(&key.as_str())) {
        return None;
    }
    IdentWebhook::deserialize(MapDeserializer::<_, ValueError>::new(pairs.into_iter())).ok()
}

fn unescape(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
}

/// FNV-1a with 128 bits. It must never change, because keys outlive the process. It recognizes repeated deliveries and
/// is not a protection against forged ones.
fn fnv1a(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_unescaped_and_need_a_known_key() {
        let read =
            form("ident_id=a%2Fb&agent_notes=K%C3%B6ln+am+Rhein&status_id=5&unknown=x&custom1".as_bytes()).unwrap();
        assert_eq!(read.ident_id.unwrap().expose(), "a/b");
        assert_eq!(read.agent_notes.unwrap().expose(), "Köln am Rhein");
        assert_eq!(read.custom1.unwrap().expose(), "");
        for other in ["", "hello", "<xml>", "a=b", "ident_id=%ff"] {
            assert!(form(other.as_bytes()).is_none(), "{other}");
        }
    }
}
