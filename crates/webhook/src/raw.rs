//! A request as text, to be kept with its event.

use bytes::Bytes;
use http::{HeaderValue, Request};
use identkit_wire::CallbackPath;

/// Stands where the token was.
const TOKEN: &str = "[token]";

/// The request as it was received, but with [`TOKEN`] in place of the token, so that a reader of the inbox cannot
/// deliver webhooks.
pub(crate) fn without_token(request: &Request<Bytes>) -> Vec<u8> {
    let uri = request.uri();
    let token = CallbackPath::parse(uri.path()).map(|path| path.token);
    // A proxy may repeat the URL in a header.
    let hidden = |value: &HeaderValue| {
        let (text, token) = (String::from_utf8_lossy(value.as_bytes()), token.as_ref()?.expose());
        text.contains(token).then(|| text.replace(token, TOKEN).into_bytes())
    };
    let mut raw = Vec::with_capacity(512 + request.body().len());
    let mut segments: Vec<&str> = uri.path().trim_end_matches('/').split('/').collect();
    if let Some(token) = segments.iter_mut().nth_back(1) {
        *token = TOKEN;
    }
    raw.extend_from_slice(format!("{} {}", request.method(), segments.join("/")).as_bytes());
    if let Some(query) = uri.query() {
        raw.push(b'?');
        raw.extend_from_slice(query.as_bytes());
    }
    raw.extend_from_slice(format!(" {:?}\r\n", request.version()).as_bytes());
    for (name, value) in request.headers() {
        raw.extend_from_slice(name.as_str().as_bytes());
        raw.extend_from_slice(b": ");
        raw.extend_from_slice(hidden(value).as_deref().unwrap_or(value.as_bytes()));
        raw.extend_from_slice(b"\r\n");
    }
    raw.extend_from_slice(b"\r\n");
    raw.extend_from_slice(request.body());
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_header_is_hidden_too() {
        let request =
            Request::get("/identity-tm/secret/OnFinal").header("x-original-uri", "/identity-tm/secret/OnFinal");
        let raw = without_token(&request.header("x-odd", &b"\xff"[..]).body(Bytes::new()).unwrap());
        let expected = b"GET /identity-tm/[token]/OnFinal HTTP/1.1\r\nx-original-uri: /identity-tm/[token]/OnFinal\r\n\
            x-odd: \xff\r\n\r\n";
        assert_eq!(raw, expected);
    }

    #[test]
    fn everything_but_the_token_is_kept() {
        for (uri, target) in [
            ("/kyc/identity-tm/secret/OnFinal?orderId=1&ref=%20", "/kyc/identity-tm/[token]/OnFinal?orderId=1&ref=%20"),
            ("/identify24/secret/status/", "/identify24/[token]/status"),
        ] {
            let request = Request::post(uri).header("x-a", "1").header("x-a", "2");
            let request = request.body(Bytes::from_static(b"{\"a\":\n1}\x00")).unwrap();
            let expected = format!("POST {target} HTTP/1.1\r\nx-a: 1\r\nx-a: 2\r\n\r\n{{\"a\":\n1}}\0");
            assert_eq!(String::from_utf8(without_token(&request)).unwrap(), expected);
        }
    }
}
