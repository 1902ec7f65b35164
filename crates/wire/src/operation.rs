//! What a vendor call is.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, response};
use identkit_core::{Advice, Content, Error, Kind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::Body;

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

/// The static description of an operation.
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
    pub on_ambiguous: AmbiguityPolicy,
    /// The statuses that [`Operation::decode`] reads; all others become an error by [`refusal`](crate::refusal).
    pub expect: &'static [u16],
    /// How an expected answer is read.
    pub reply: BodyMode,
    /// The documented error statuses.
    pub refusals: &'static [Refusal],
}

/// RFC 3986: everything that is not unreserved is escaped in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Meta {
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
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<&'static str, String>);

impl Params {
    /// The decoded value, empty when there is no such parameter.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The values are ids that let a bearer act.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Something worth knowing about a request or an answer that is no error. Its text holds no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub message: std::borrow::Cow<'static, str>,
    /// Requirement or trap of the contract, e.g. `AT-21`.
    pub rule: &'static str,
}

impl Warning {
    /// A warning under a rule of the contract.
    pub fn new(message: impl Into<std::borrow::Cow<'static, str>>, rule: &'static str) -> Self {
        Self { message: message.into(), rule }
    }
}

/// An encoded request: what the driver adds is authentication, host and length.
#[derive(Debug)]
pub struct Encoded {
    /// Headers of this operation.
    pub headers: HeaderMap,
    /// The sized body.
    pub body: Body,
    /// What the writer noticed.
    pub warnings: Vec<Warning>,
}

/// A decoded answer.
#[derive(Debug)]
pub struct Decoded<T> {
    /// The value.
    pub value: T,
    /// What the reader noticed.
    pub warnings: Vec<Warning>,
}

impl<T> From<T> for Decoded<T> {
    fn from(value: T) -> Self {
        Self { value, warnings: Vec::new() }
    }
}

/// The body of an answer, as [`Meta::reply`] asked for it.
#[derive(Debug)]
pub enum Received {
    /// All of it.
    Whole(Bytes),
    /// The first bytes, and the rest as a stream.
    Stream {
        /// What was read to decide; may be empty.
        head: Bytes,
        /// What follows.
        rest: Content,
    },
}

impl Received {
    /// The bytes, when they are in memory.
    ///
    /// # Errors
    /// [`Kind::Protocol`] for a stream.
    pub fn whole(self) -> Result<Bytes, Error> {
        match self {
            Self::Whole(bytes) => Ok(bytes),
            Self::Stream { .. } => {
                Err(Error::new(Kind::Protocol, "the answer is a stream where a whole body was expected"))
            }
        }
    }
}

/// One vendor call. The client side encodes requests and decodes answers; its twin for the sandbox does the reverse.
///
/// No method has a default body: whoever adds a call decides all of it.
pub trait Operation: Send + Sync + Sized + 'static {
    /// Its static description.
    const META: &'static Meta;
    /// What a good answer is worth.
    type Output: Send;
    /// The provider's switches for the points on which its document is ambiguous.
    type Dialect: Send + Sync;

    /// The parameters of the path.
    fn path_params(&self) -> Vec<(&'static str, &str)>;

    /// Validates and writes the request.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] with every fault at once.
    fn encode(&self, dialect: &Self::Dialect) -> Result<Encoded, Error>;

    /// Reads an answer whose status is among [`Meta::expect`].
    ///
    /// # Errors
    /// [`Kind::Protocol`] when the answer is not what the document describes, in any of its readings.
    fn decode(
        &self,
        head: &response::Parts,
        body: Received,
        dialect: &Self::Dialect,
    ) -> Result<Decoded<Self::Output>, Error>;

    /// The sandbox's side: reads a request that fits the path.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] naming what cannot be read.
    fn decode_request(params: &Params, request: &Request<Bytes>) -> Result<Self, Error>;

    /// The sandbox's side: writes a good answer.
    ///
    /// # Errors
    /// When the value cannot be written.
    fn encode_response(output: Self::Output) -> Result<Response<Content>, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    static META: Meta = Meta {
        name: "getStatus",
        provider: "test",
        method: Method::GET,
        path: "/getStatus/{OrderID}/ExtendedList",
        section: "",
        safety: RetrySafety::Safe,
        on_ambiguous: AmbiguityPolicy::Never,
        expect: &[200],
        reply: BodyMode::Whole { cap: 1 },
        refusals: &[],
    };

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
        assert!(META.match_path("/getStatus/1", false).is_none());
        assert!(META.match_path("/getStatus/1/ExtendedList/x", false).is_none());
        assert!(META.match_path("/getStatus//ExtendedList", false).is_none());
        assert!(META.match_path("/getstatus/1/extendedlist", false).is_none());
        assert!(META.match_path("/getstatus/1/extendedlist", true).is_some());
    }

    #[test]
    fn parameters_print_their_names_only() {
        let params = META.match_path("/getStatus/99921269855041/ExtendedList", false).unwrap();
        assert_eq!(format!("{params:?}"), "{\"OrderID\"}");
    }
}
