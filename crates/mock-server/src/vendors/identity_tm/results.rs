//! How a result leaves: under the account's key (AT-01), with the person's address, or in a form of its own (AT-70).

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use identkit_core::{Content, Error};
use identkit_identity_tm::messages::IdentDataAnswer;
use identkit_wire::json;
use serde_json::Value;

use super::settings::Settings;

/// What a sealed result begins with.
const SEAL: &[u8] = b"identkit sandbox, sealed: ";
/// What its bytes are turned by. No secret: it only keeps them from being read as JSON by chance.
const TURN: u8 = 0x5a;

/// The JSON of a result that came while [`Settings::encrypted_results`] is on, for tests of decryptors. The vendor's
/// own format is not described (AT-70); this one is the sandbox's and protects nothing. `None` for other bytes.
pub fn unseal(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes.strip_prefix(SEAL).map(|rest| rest.iter().map(|byte| byte ^ TURN).collect())
}

/// The answer as the account is set up to get it.
pub(super) fn respond(mut answer: IdentDataAnswer, settings: &Settings) -> Result<Response<Content>, Error> {
    if settings.user_ip {
        answer.user_ip = Some("192.0.2.1".into());
    }
    if settings.identified_key != "Identified"
        && let Some(identified) = answer.identified.take()
    {
        let told = Value::String(identified.as_str().to_owned());
        answer.extra.insert(settings.identified_key.clone(), told);
    }
    if !settings.encrypted_results {
        return json::response(200, &answer);
    }
    let mut sealed = SEAL.to_vec();
    sealed.extend(json::write(&answer)?.into_iter().map(|byte| byte ^ TURN));
    let mut response = Response::new(Content::from_bytes(sealed));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(response)
}
