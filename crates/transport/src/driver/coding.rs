//! Content codings (RFC 9110, section 8.4). No request asks for one, but a gateway can apply gzip anyway (AT-90).
//!
//! `Content-Length` counts the coded bytes, and the transport checks it. Limits on a body count the decoded bytes.

#[cfg(feature = "http-custom-tls")]
mod gzip;
mod undecoded;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::http::header::{CONTENT_ENCODING, HeaderMap};
use ::http::{Response, response};
use identkit_core::{Content, Error, Kind};
use identkit_wire::Warning;

use self::undecoded::Undecoded;
pub use self::undecoded::is_undecoded;

/// Marker in the extensions of a response: its body was decoded. The flag is whether the body has an end of its own: it
/// had a length, or turned out to be in gzip.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "http-custom-tls"), allow(dead_code))]
struct Decoded(Arc<AtomicBool>);

/// Decodes a body in gzip, and removes the headers that describe the coded body. Without HTTP of its own, the crate leaves
/// codings to the transport.
pub(super) fn decode(response: Response<Content>) -> Response<Content> {
    #[cfg(feature = "http-custom-tls")]
    let response = decode_gzip(response);
    response
}

#[cfg(feature = "http-custom-tls")]
fn decode_gzip(mut response: Response<Content>) -> Response<Content> {
    use ::http::header::CONTENT_LENGTH;

    let codings = codings(response.headers());
    if !matches!(codings.as_slice(), [only] if ["gzip", "x-gzip"].iter().any(|gzip| only.eq_ignore_ascii_case(gzip))) {
        return response;
    }
    let has_length = response.body().len().is_some() || response.headers().contains_key(CONTENT_LENGTH);
    let has_end = Arc::new(AtomicBool::new(has_length));
    let headers = response.headers_mut();
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    response.extensions_mut().insert(Decoded(Arc::clone(&has_end)));
    response.map(|coded| gzip::decoded(coded, has_end))
}

/// Whether the body was decoded.
fn is_decoded(head: &response::Parts) -> bool {
    head.extensions.get::<Decoded>().is_some()
}

/// Whether a decoded body has an end of its own, as far as it was read.
pub(super) fn has_end(head: &response::Parts) -> bool {
    head.extensions.get::<Decoded>().is_some_and(|Decoded(has_end)| has_end.load(Ordering::Relaxed))
}

/// The warning about a decoded body.
pub(super) fn warning(head: &response::Parts) -> Option<Warning> {
    let message = "the response has the content coding gzip, which the client did not ask for; it was decoded";
    is_decoded(head).then(|| Warning::new(message, "AT-90"))
}

/// The error of a body in another coding.
pub(super) fn unsupported(headers: &HeaderMap) -> Option<Error> {
    let detail = "the response has a content coding that the client did not ask for (Content-Encoding)";
    (!codings(headers).is_empty()).then(|| Error::new(Kind::Protocol, detail).with_source(Undecoded))
}

/// The codings of a body, except `identity`. An empty element of a list does not count (RFC 9110, section 5.6.1). A value
/// that is not ASCII is an unknown coding.
fn codings(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(CONTENT_ENCODING).into_iter().map(|value| value.to_str().unwrap_or("not ASCII"));
    let codings = values.flat_map(|value| value.split(',')).map(str::trim);
    codings.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(codings: &[&'static str], body: Content) -> Response<Content> {
        let mut response = Response::builder();
        for coding in codings {
            response = response.header(CONTENT_ENCODING, *coding);
        }
        response.body(body).unwrap()
    }

    #[test]
    fn at_90_other_codings_are_not_decoded() {
        for (codings, error) in [
            (&[][..], false),
            (&["identity"], false),
            (&["br"], true),
            (&["deflate"], true),
            (&["gzip, br"], true),
            (&["gzip", "gzip"], true),
            (&["\u{e4}"], true),
            (&[""], false),
            (&[" , identity,"], false),
        ] {
            let response = decode(response(codings, Content::from_bytes("body")));
            let unsupported = unsupported(response.headers());
            assert!(unsupported.as_ref().is_none_or(is_undecoded), "{codings:?}");
            assert_eq!(unsupported.is_some(), error, "{codings:?}");
        }
    }

    #[cfg(all(feature = "http-custom-tls", feature = "save"))]
    #[tokio::test]
    async fn at_90_a_damaged_download_is_kept_as_damaged() {
        use std::io::Write as _;

        use crate::save::Save;

        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"%PDF-1.7 a report").unwrap();
        let whole = encoder.finish().unwrap();
        let cut = |by: usize| Content::from_bytes(whole[..whole.len() - by].to_vec());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.pdf");
        let error = Save::new(&path).run(decode(response(&["gzip"], cut(5))).into_body()).await.unwrap_err();
        assert!(error.kind() == Kind::Integrity && error.detail().contains("content coding"), "{error}");
        assert!(!path.exists(), "it has no final name");
        assert_eq!(std::fs::read(folder.path().join("r.pdf.damaged")).unwrap(), b"%PDF-1.7 a report");
        // Nothing could be decoded.
        let other = folder.path().join("s.pdf");
        let error =
            Save::new(&other).run(decode(response(&["gzip"], cut(whole.len() - 3))).into_body()).await.unwrap_err();
        assert!(is_undecoded(&error), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        Save::new(&path).run(decode(response(&["gzip"], cut(0))).into_body()).await.unwrap();
    }

    #[cfg(feature = "http-custom-tls")]
    #[test]
    fn at_90_headers_of_a_decoded_body_are_removed() {
        for codings in [&["gzip"][..], &["X-GZIP"], &["", "gzip,"], &["identity, gzip"], &["identity", "gzip"]] {
            let mut coded = response(codings, Content::empty());
            coded.headers_mut().insert(::http::header::CONTENT_LENGTH, 20.into());
            let (head, _) = decode(coded).into_parts();
            assert!(head.headers.is_empty() && is_decoded(&head), "{codings:?}: {head:?}");
            assert_eq!(warning(&head).unwrap().rule, "AT-90");
        }
        let (head, _) = decode(response(&[], Content::empty())).into_parts();
        assert!(!is_decoded(&head) && warning(&head).is_none());
    }
}
