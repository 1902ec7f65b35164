//! A response as received.

use std::collections::HashSet;
use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, StatusCode};

use crate::salvage::{FoundId, find_ids};

/// A response as received: of every failed call, and of a successful one that the vendor will not repeat. It can contain
/// personal data; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RawResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    complete: bool,
    ids: &'static [&'static str],
    id_urls: &'static [(&'static str, &'static str)],
    /// The ids in the whole body, if more was read than is retained.
    found: Option<Vec<FoundId>>,
}

impl RawResponse {
    /// Maximum size of a retained body in bytes.
    pub const LIMIT: usize = 1024 * 1024;

    /// Creates a response from the part of its body that was read. Only the first MiB is retained.
    pub fn new(status: StatusCode, headers: HeaderMap, mut body: Bytes, complete: bool) -> Self {
        let complete = complete && body.len() <= Self::LIMIT;
        if body.len() > Self::LIMIT {
            // A copy, so that the rest of a large body is freed.
            body = Bytes::copy_from_slice(body.get(..Self::LIMIT).unwrap_or_default());
        }
        Self { status, headers, body, complete, ids: &[], id_urls: &[], found: None }
    }

    /// Sets the vendor's names of the elements that [`ids`](Self::ids) looks for.
    #[must_use]
    pub fn with_id_names(mut self, names: &'static [&'static str]) -> Self {
        self.ids = names;
        self
    }

    /// Sets the vendor's names of the URLs that [`ids`](Self::ids) looks for, each with a part of its path.
    #[must_use]
    pub fn with_id_urls(mut self, urls: &'static [(&'static str, &'static str)]) -> Self {
        self.id_urls = urls;
        self
    }

    /// Finds the ids in a body of which only the beginning is retained. `complete` is whether it is the whole body.
    #[must_use]
    pub fn with_ids_in(mut self, body: &[u8], complete: bool) -> Self {
        self.found = Some(find_ids(body, self.ids, self.id_urls, complete));
        self
    }

    /// Finds ids in the body, even if it cannot be parsed (AT-97), and in the header `Location`: the order or ident that
    /// the call created, and the person's URL. Empty if the operation creates nothing.
    pub fn ids(&self) -> Vec<FoundId> {
        let retained = || find_ids(&self.body, self.ids, self.id_urls, self.complete);
        let mut found = self.found.clone().unwrap_or_else(retained);
        let location = self.headers.get(LOCATION).map_or(&b""[..], |location| location.as_bytes());
        let named = find_ids(location, &[], self.id_urls, true);
        let known: HashSet<(&str, &str)> = found.iter().map(|id| (id.name, id.value.expose())).collect();
        let is_new = |id: &FoundId| !known.contains(&(id.name, id.value.expose()));
        let more: Vec<FoundId> = named.into_iter().filter(is_new).collect();
        found.extend(more);
        found
    }

    /// As [`ids`](Self::ids). If there are none, the headers `Location` and `Content-Location`, which can name what the
    /// call created in another form.
    pub(crate) fn ids_or_location(&self) -> Vec<FoundId> {
        let found = self.ids();
        if !found.is_empty() || self.ids.is_empty() {
            return found;
        }
        let locations = [(LOCATION, "Location"), (CONTENT_LOCATION, "Content-Location")].into_iter();
        let values = locations.filter_map(|(header, name)| Some((name, self.headers.get(header)?)));
        values
            .map(|(name, value)| FoundId { name, value: String::from_utf8_lossy(value.as_bytes()).into_owned().into() })
            .collect()
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Start of the body, at most 1 MiB.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether [`body`](Self::body) is complete.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn at_97_a_location_counts_if_there_is_no_other_id() {
        let found = |body: &'static str, names: &'static [&'static str]| {
            let headers = [(LOCATION, "/ident/get/a-b"), (CONTENT_LOCATION, "/c")];
            let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
            let answer = RawResponse::new(StatusCode::CREATED, headers.into_iter().collect(), body.into(), true);
            let found = answer.with_id_names(names).ids_or_location();
            found.iter().map(|id| format!("{}={}", id.name, id.value.expose())).collect::<Vec<_>>()
        };
        assert_eq!(found("", &["ident_id"]), ["Location=/ident/get/a-b", "Content-Location=/c"]);
        assert_eq!(found(r#"{"ident_id":"x"}"#, &["ident_id"]), ["ident_id=x"]);
        assert!(found("", &[]).is_empty(), "the call creates nothing");
    }

    #[test]
    fn at_97_an_id_behind_the_retained_part_is_found() {
        let body = format!("{{\"a\":\"{}\",\"id\":\"x-1\"}}", "y".repeat(RawResponse::LIMIT));
        let raw = RawResponse::new(StatusCode::OK, HeaderMap::new(), body.clone().into(), true).with_id_names(&["id"]);
        assert!(raw.ids().is_empty());
        let found = raw.with_ids_in(body.as_bytes(), true).ids();
        assert_eq!(found.iter().map(|id| id.value.expose()).collect::<Vec<_>>(), ["x-1"]);
    }

    #[test]
    fn at_97_ids_are_found_in_the_body_and_in_location_once() {
        for (location, expected) in [
            ("https://x/apply/1", &["https://x/apply/1"][..]),
            ("https://x/apply/2", &["https://x/apply/1", "https://x/apply/2"]),
            ("https://x/other/2", &["https://x/apply/1"]),
        ] {
            let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
            let raw = RawResponse::new(StatusCode::CREATED, headers, "<https://x/apply/1>".into(), true)
                .with_id_urls(&[("url", "/apply/")]);
            let found = raw.ids();
            let values: Vec<_> = found.iter().map(|id| id.value.expose()).collect();
            assert_eq!(values, expected, "{location}");
            assert_eq!(format!("{raw:?}"), "RawResponse { status: 201, .. }");
        }
    }
}
