//! The static description of a vendor call.

#[cfg(feature = "server")]
use std::collections::BTreeMap;

use http::{HeaderMap, Method, StatusCode};
use identkit_core::{Advice, Error, Kind};
#[cfg(feature = "server")]
use percent_encoding::percent_decode_str;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Effect of repeating an operation (contract, chapter 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetrySafety {
    /// S: reads only.
    Safe,
    /// D: reading changes what the next read returns.
    DestructiveRead,
    /// I: a repeat has no further effect.
    IdempotentByEffect,
    /// C: creates something; a repeat creates another one.
    Creating,
    /// M: costs money, sends a text message or uses up an attempt of the person.
    SideEffect,
}

impl RetrySafety {
    /// Whether a call must not be repeated: it creates something, has a side effect, or reads destructively.
    pub fn forbids_repeat(self) -> bool {
        matches!(self, Self::Creating | Self::DestructiveRead | Self::SideEffect)
    }
}

/// What the client does if the request may have been sent and no complete response arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AmbiguityPolicy {
    /// Sends it again, up to this total number of attempts.
    Retry(u32),
    /// Never sends it again.
    Never,
    /// Never sends it again. Another call can show whether it was executed.
    Probe,
}

/// How the body of a response with an expected status is read.
#[derive(Clone, Copy, Debug)]
pub enum BodyMode {
    /// It is read into memory.
    Whole {
        /// Maximum size in bytes.
        cap: u64,
    },
    /// It is a stream.
    Stream {
        /// Maximum size in bytes.
        cap: u64,
    },
    /// `stream` decides by headers and first bytes: a stream if it returns true, otherwise in memory.
    Sniff {
        /// Maximum size in bytes.
        cap: u64,
        /// Whether the body is a stream.
        stream: fn(&HeaderMap, &[u8]) -> bool,
    },
}

/// What a response says in addition to its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The document describes a body. Without it the call did not succeed.
    Body,
    /// The document describes no body. A body can contradict the status (AT-89, AT-94).
    Empty,
    /// Only the status counts, and only a listed one is a success.
    Status,
}

/// The meaning of a documented error status of an operation.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Kind of the error.
    pub kind: Kind,
    /// Text of the error, in identkit's own words.
    pub meaning: &'static str,
    /// What to do.
    pub advice: Advice,
    /// Whether the status proves that the vendor did nothing, even if in general it does not, e.g. 409 (AT-54, AT-97).
    pub certain: bool,
}

impl Refusal {
    /// Creates the meaning of a status.
    pub const fn new(status: u16, kind: Kind, meaning: &'static str, advice: Advice) -> Self {
        Self { status, kind, meaning, advice, certain: false }
    }

    /// Says that the status proves that the vendor did nothing.
    #[must_use]
    pub const fn certain(mut self) -> Self {
        self.certain = true;
        self
    }
}

/// Whether a refusal of this status, with these headers and this body, contradicts its status.
pub type Contradicts = fn(StatusCode, &HeaderMap, &[u8]) -> bool;

/// The static description of an operation.
#[non_exhaustive]
#[derive(Debug)]
pub struct Meta {
    /// The vendor's name of the operation, e.g. `putOrder`.
    pub name: &'static str,
    /// Name of the provider, e.g. `identity-tm`.
    pub provider: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// Path below the base URL, with placeholders, e.g. `/getStatus/{OrderID}`.
    pub path: &'static str,
    /// Section of the vendor's document, e.g. `[T] 3.1`.
    pub section: &'static str,
    /// Effect of repeating it.
    pub safety: RetrySafety,
    /// What the client does if the outcome is unknown.
    pub ambiguity: AmbiguityPolicy,
    /// Documented success statuses. The driver also decodes other statuses from 200 to 204 (AT-89).
    pub expect: &'static [u16],
    /// What a response says in addition to its status.
    pub answer: Answer,
    /// Whether another 2xx status than the documented ones needs a proof that the vendor executed the call (AT-89).
    pub listed_only: bool,
    /// Names of the elements that show that the call created or took something, e.g. `OrderID` (AT-97).
    pub ids: &'static [&'static str],
    /// Names of the elements whose URLs show the same, each with a part of the path of such a URL, e.g. `/apply/`.
    pub id_urls: &'static [(&'static str, &'static str)],
    /// Whether headers and body of a refusal contradict its status, or cannot be checked (AI-30, AI-31).
    pub contradicts: Option<Contradicts>,
    /// Name of the element that reports an error in a successful response, if the vendor has one (AT-94).
    pub error_member: Option<&'static str>,
    /// How the body of an expected response is read.
    pub body_mode: BodyMode,
    /// Documented error statuses.
    pub refusals: &'static [Refusal],
}

/// RFC 3986: all characters but unreserved ones are escaped in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Meta {
    /// Creates a description with status 200, at most 64 KiB in memory, and no documented error status.
    pub const fn new(
        provider: &'static str,
        name: &'static str,
        method: Method,
        path: &'static str,
        safety: RetrySafety,
        ambiguity: AmbiguityPolicy,
    ) -> Self {
        let body_mode = BodyMode::Whole { cap: 64 * 1024 };
        Self {
            name,
            provider,
            method,
            path,
            section: "",
            safety,
            ambiguity,
            expect: &[200],
            answer: Answer::Body,
            listed_only: false,
            ids: &[],
            id_urls: &[],
            contradicts: None,
            error_member: None,
            body_mode,
            refusals: &[],
        }
    }

    /// Sets the section of the vendor's document.
    #[must_use]
    pub const fn section(mut self, section: &'static str) -> Self {
        self.section = section;
        self
    }

    /// Sets the expected statuses. Default: 200.
    #[must_use]
    pub const fn expect(mut self, statuses: &'static [u16]) -> Self {
        self.expect = statuses;
        self
    }

    /// Sets what a response says in addition to its status. Default: a documented body.
    #[must_use]
    pub const fn answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// Says that another 2xx status than the documented ones needs a proof that the vendor executed the call.
    #[must_use]
    pub const fn listed_only(mut self) -> Self {
        self.listed_only = true;
        self
    }

    /// Sets the names of the elements that show that the call created or took something. Default: none.
    #[must_use]
    pub const fn ids(mut self, names: &'static [&'static str]) -> Self {
        self.ids = names;
        self
    }

    /// Sets whether a refusal contradicts its status. Default: only the [`ids`](Self::ids) do.
    #[must_use]
    pub const fn contradicts(mut self, contradicts: Contradicts) -> Self {
        self.contradicts = Some(contradicts);
        self
    }

    /// Sets the elements whose URLs show that the call created something, and a part of their paths. Default: none.
    #[must_use]
    pub const fn id_urls(mut self, urls: &'static [(&'static str, &'static str)]) -> Self {
        self.id_urls = urls;
        self
    }

    /// Sets the name of the element that reports an error in a successful response. Default: none.
    #[must_use]
    pub const fn error_member(mut self, name: &'static str) -> Self {
        self.error_member = Some(name);
        self
    }

    /// Sets how the body of an expected response is read. Default: into memory, at most 64 KiB.
    #[must_use]
    pub const fn body_mode(mut self, mode: BodyMode) -> Self {
        self.body_mode = mode;
        self
    }

    /// Sets the documented error statuses. Default: none.
    #[must_use]
    pub const fn refusals(mut self, refusals: &'static [Refusal]) -> Self {
        self.refusals = refusals;
        self
    }

    /// Returns the path with its parameters, each percent-encoded as one segment.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] if a parameter of the template is missing, empty, `.` or `..`.
    pub fn path(&self, params: &[(&'static str, &str)]) -> Result<String, Error> {
        let mut path = String::with_capacity(self.path.len() + 24);
        for segment in self.path.split('/').skip(1) {
            path.push('/');
            let Some(name) = parameter(segment) else {
                path.push_str(segment);
                continue;
            };
            let value = params.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
            // Normalizing the URL would remove a dot segment, and the URL would address another resource.
            if value.is_empty() || value == "." || value == ".." {
                let detail = format!("{name} must not be empty, `.` or `..`");
                return Err(Error::new(Kind::InvalidInput, detail).with_operation(self.name));
            }
            path.extend(utf8_percent_encode(value, SEGMENT));
        }
        Ok(path)
    }

    /// Returns the parameters of a path; `None` if it does not match the template. If `ignore_case`, the case of
    /// literal segments is ignored (AT-09).
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
                    // A value that is not UTF-8 names nothing; the handler says so.
                    params.0.insert(name, percent_decode_str(part).decode_utf8_lossy().into_owned());
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
    /// Returns the decoded value, or an empty text if the path does not have the parameter.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

#[cfg(feature = "server")]
impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The values are ids that authorize anyone who has them.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;

    const PATH: &str = "/getStatus/{OrderID}/ExtendedList";
    static META: Meta = Meta::new("test", "getStatus", Method::GET, PATH, RetrySafety::Safe, AmbiguityPolicy::Never);

    #[test]
    fn only_reads_and_idempotent_calls_may_be_repeated() {
        use RetrySafety::{Creating, DestructiveRead, IdempotentByEffect, Safe, SideEffect};
        assert!([DestructiveRead, Creating, SideEffect].into_iter().all(RetrySafety::forbids_repeat));
        assert!(![Safe, IdempotentByEffect].into_iter().any(RetrySafety::forbids_repeat));
    }

    #[test]
    fn a_parameter_is_encoded_as_one_segment() {
        let path = META.path(&[("OrderID", "a/b ?#ü%")]).unwrap();
        assert_eq!(path, "/getStatus/a%2Fb%20%3F%23%C3%BC%25/ExtendedList");
        assert_eq!(META.match_path(&path, false).unwrap().get("OrderID"), "a/b ?#ü%");
    }

    #[test]
    fn parameters_that_would_change_the_path_are_rejected() {
        for odd in ["", ".", ".."] {
            assert_eq!(META.path(&[("OrderID", odd)]).unwrap_err().kind(), Kind::InvalidInput);
        }
        assert!(META.path(&[]).is_err());
    }

    #[test]
    fn paths_match_completely_and_ignore_case_on_request() {
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
