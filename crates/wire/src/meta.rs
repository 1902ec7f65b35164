//! The static description of a vendor call.

#[cfg(feature = "server")]
use std::collections::BTreeMap;

use http::{HeaderMap, Method};
use identkit_core::{Advice, Error, Kind};
#[cfg(feature = "server")]
use percent_encoding::percent_decode_str;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The class of an operation as to repeating it (contract, chapter 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetrySafety {
    /// S: reads only.
    Safe,
    /// D: reading changes what the next read returns.
    DestructiveRead,
    /// I: doing it twice has the effect of doing it once.
    IdempotentByEffect,
    /// C: creates something; a repeat creates another.
    Creating,
    /// M: costs money, texts a person or burns a try.
    SideEffect,
}

/// What to do when the request may have been sent and no complete answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AmbiguityPolicy {
    /// Send it again, at most so many attempts in all.
    Retry(u32),
    /// Never send it again by itself.
    Never,
    /// Find out by another call whether it was done; never send it again by itself.
    Probe,
}

/// How an answer with an expected status is read. Caps are in bytes.
#[derive(Clone, Copy, Debug)]
pub enum BodyMode {
    /// Into memory.
    Whole {
        /// At most so many bytes.
        cap: u64,
    },
    /// As a stream.
    Stream {
        /// At most so many bytes.
        cap: u64,
    },
    /// As a stream when the function says so, by headers and first bytes; else into memory.
    Sniff {
        /// At most so many bytes.
        cap: u64,
        /// Whether to stream.
        stream: fn(&HeaderMap, &[u8]) -> bool,
    },
}

/// What a documented error status of an operation means.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Its kind.
    pub kind: Kind,
    /// What it means here, in words of ours.
    pub meaning: &'static str,
    /// What to do.
    pub advice: Advice,
}

impl Refusal {
    /// The meaning of a status, and the advice that its error gives.
    pub const fn new(status: u16, kind: Kind, meaning: &'static str, advice: Advice) -> Self {
        Self { status, kind, meaning, advice }
    }
}

/// The static description of an operation.
#[non_exhaustive]
#[derive(Debug)]
pub struct Meta {
    /// The vendor's name for it, e.g. `putOrder`.
    pub name: &'static str,
    /// Name of the provider, e.g. `identity-tm`.
    pub provider: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// Path below the base URL, with `{Name}` for each parameter, e.g. `/getStatus/{OrderID}`.
    pub path: &'static str,
    /// Section of the vendor's document, e.g. `[T] 3.1`.
    pub section: &'static str,
    /// Its class as to repeating.
    pub safety: RetrySafety,
    /// What to do when the outcome is ambiguous.
    pub ambiguity: AmbiguityPolicy,
    /// The statuses that [`Operation::decode`](crate::Operation::decode) reads; all others become an error by [`refusal`](crate::refusal).
    pub expect: &'static [u16],
    /// How an expected answer is read.
    pub body_mode: BodyMode,
    /// The documented error statuses.
    pub refusals: &'static [Refusal],
}

/// RFC 3986: everything that is not unreserved is escaped in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Meta {
    /// The description of an operation that answers 200 with at most 64 KiB and documents no error status.
    pub const fn new(
        provider: &'static str,
        name: &'static str,
        method: Method,
        path: &'static str,
        safety: RetrySafety,
        ambiguity: AmbiguityPolicy,
    ) -> Self {
        let body_mode = BodyMode::Whole { cap: 64 * 1024 };
        Self { name, provider, method, path, section: "", safety, ambiguity, expect: &[200], body_mode, refusals: &[] }
    }

    /// Sets the section of the vendor's document.
    #[must_use]
    pub const fn section(mut self, section: &'static str) -> Self {
        self.section = section;
        self
    }

    /// Sets the statuses that the operation reads.
    #[must_use]
    pub const fn expect(mut self, statuses: &'static [u16]) -> Self {
        self.expect = statuses;
        self
    }

    /// Sets how an expected answer is read.
    #[must_use]
    pub const fn body_mode(mut self, mode: BodyMode) -> Self {
        self.body_mode = mode;
        self
    }

    /// Sets the documented error statuses.
    #[must_use]
    pub const fn refusals(mut self, refusals: &'static [Refusal]) -> Self {
        self.refusals = refusals;
        self
    }

    /// The path with its parameters, each percent-encoded as one segment.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] when a parameter of the template is missing, empty, or a dot segment.
    pub fn path(&self, params: &[(&'static str, &str)]) -> Result<String, Error> {
        let mut path = String::with_capacity(self.path.len() + 24);
        for segment in self.path.split('/').skip(1) {
            path.push('/');
            let Some(name) = parameter(segment) else {
                path.push_str(segment);
                continue;
            };
            let value = params.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
            // A dot segment would be removed by whoever normalises the URL and address another resource.
            if value.is_empty() || value == "." || value == ".." {
                let detail = format!("{name} is empty or no identifier");
                return Err(Error::new(Kind::InvalidInput, detail).with_operation(self.name));
            }
            path.extend(utf8_percent_encode(value, SEGMENT));
        }
        Ok(path)
    }

    /// The parameters of a path that fits the template, `None` when it does not. Literal segments are compared
    /// without regard to case when `ignore_case` (AT-09).
    #[cfg(feature = "server")]
    pub fn match_path(&self, path: &str, ignore_case: bool) -> Option<Params> {
        let mut params = Params::default();
        let mut given = path.split('/').skip(1);
        for segment in self.path.split('/').skip(1) {
            let part = given.next()?;
            match parameter(segment) {
                Some(name) => {
                    if part.is_empty() {
                        return None;
                    }
                    params.0.insert(name, percent_decode_str(part).decode_utf8().ok()?.into_owned());
                }
                None if part == segment || (ignore_case && part.eq_ignore_ascii_case(segment)) => {}
                None => return None,
            }
        }
        given.next().is_none().then_some(params)
    }
}

fn parameter(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The parameters of a matched path.
#[cfg(feature = "server")]
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<&'static str, String>);

#[cfg(feature = "server")]
impl Params {
    /// The decoded value, empty when there is no such parameter.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

#[cfg(feature = "server")]
impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The values are ids that let a bearer act.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;

    const PATH: &str = "/getStatus/{OrderID}/ExtendedList";
    static META: Meta = Meta::new("test", "getStatus", Method::GET, PATH, RetrySafety::Safe, AmbiguityPolicy::Never);

    #[test]
    fn a_parameter_is_one_segment_whatever_it_holds() {
        let path = META.path(&[("OrderID", "a/b ?#ü%")]).unwrap();
        assert_eq!(path, "/getStatus/a%2Fb%20%3F%23%C3%BC%25/ExtendedList");
        assert_eq!(META.match_path(&path, false).unwrap().get("OrderID"), "a/b ?#ü%");
    }

    #[test]
    fn parameters_that_would_change_the_path_are_refused() {
        for odd in ["", ".", ".."] {
            assert_eq!(META.path(&[("OrderID", odd)]).unwrap_err().kind(), Kind::InvalidInput);
        }
        assert!(META.path(&[]).is_err());
    }

    #[test]
    fn paths_match_whole_and_by_case_as_asked() {
        for other in ["/getStatus/1", "/getStatus/1/ExtendedList/x", "/getStatus//ExtendedList"] {
            assert!(META.match_path(other, true).is_none() && META.match_path(other, false).is_none(), "{other}");
        }
        assert!(META.match_path("/getstatus/1/extendedlist", false).is_none());
        assert!(META.match_path("/getstatus/1/extendedlist", true).is_some());
    }

    #[test]
    fn parameters_print_their_names_only() {
        let params = META.match_path("/getStatus/99921269855041/ExtendedList", false).unwrap();
        assert_eq!(format!("{params:?}"), "{\"OrderID\"}");
    }
}
