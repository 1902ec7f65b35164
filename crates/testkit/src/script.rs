use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, response};
use identkit_core::{Content, Delivery, Kind};
use identkit_transport::{AttemptContext, Failure, Transport};
use identkit_wire::Body;

use crate::body_bytes;

/// A request as a transport received it.
#[derive(Clone, Debug)]
pub struct SentRequest {
    /// Method.
    pub method: Method,
    /// Full URI.
    pub uri: Uri,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl SentRequest {
    /// Reads a request with its body.
    ///
    /// # Panics
    /// If a source of the body cannot be read.
    pub fn read(request: Request<Body>) -> Self {
        let (head, body) = request.into_parts();
        Self { method: head.method, uri: head.uri, headers: head.headers, body: body_bytes(&body) }
    }

    /// Path of the URI.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// Value of a header, or an empty string.
    ///
    /// # Panics
    /// If the value is not visible ASCII.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A response of a script.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Bytes,
    length: Option<u64>,
    /// Whether the end of the connection is the end of the body.
    until_closed: bool,
}

impl Reply {
    /// Creates a response without headers.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), length: None, until_closed: false }
    }

    /// Creates a JSON response.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, body).header("content-type", "application/json")
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Announces another length than that of the body, so the body ends too early.
    #[must_use]
    pub fn length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    /// Sends the body without its length: the end of the connection ends it.
    #[must_use]
    pub fn without_length(mut self) -> Self {
        self.until_closed = true;
        self
    }

    /// Returns status and headers.
    ///
    /// # Panics
    /// If the status or a header is invalid.
    pub fn head(&self) -> response::Parts {
        let mut head = Response::new(()).into_parts().0;
        head.status = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in &self.headers {
            head.headers.insert(*name, value.parse().unwrap());
        }
        head
    }

    /// Returns the bytes of the body.
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// Returns the body as a stream with its announced length, like a download.
    pub fn content(&self) -> Content {
        let length = self.length.or_else(|| u64::try_from(self.body.len()).ok());
        Content::new(length.filter(|_| !self.until_closed), Content::from_bytes(self.body.clone()))
    }
}

/// The transport's reaction to a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Returns this response.
    Answer(Reply),
    /// Fails to connect: nothing was sent.
    NotSent,
    /// Resets the connection after the request was sent.
    Reset,
    /// Never responds after the request was sent.
    Hang,
    /// Panics.
    Panic,
}

impl Step {
    /// Executes the step.
    ///
    /// # Errors
    /// The failure of a step without a response.
    ///
    /// # Panics
    /// For [`Step::Panic`], or if the status or a header is invalid.
    pub async fn play(self, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        if matches!(self, Self::NotSent) {
            return Err(Failure::new(Delivery::NotSent, Kind::Unreachable, "refused"));
        }
        context.mark_sent();
        match self {
            Self::Answer(reply) => Ok(Response::from_parts(reply.head(), reply.content())),
            Self::Hang => std::future::pending().await,
            Self::Panic => panic!("a transport with a bug"),
            Self::NotSent | Self::Reset => Err(Failure::new(Delivery::MaybeSent, Kind::Unreachable, "reset")),
        }
    }
}

/// A transport that executes its steps in order and records the requests.
///
/// Sending panics if no step is left.
#[derive(Default)]
pub struct Script {
    steps: Mutex<VecDeque<Step>>,
    requests: Mutex<Vec<SentRequest>>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    /// Creates a transport with these steps.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: Mutex::new(steps.into_iter().collect()), ..Self::default() }
    }

    /// Returns all requests that were sent.
    ///
    /// # Panics
    /// If a step was not executed.
    pub fn sent(&self) -> Vec<SentRequest> {
        let left = self.steps.lock().unwrap().len();
        assert_eq!(left, 0, "fewer requests than the script has steps");
        self.requests.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let step = self.steps.lock().unwrap().pop_front().expect("more requests than the script has steps");
        if !matches!(step, Step::NotSent) {
            self.requests.lock().unwrap().push(SentRequest::read(request));
        }
        step.play(context).await
    }
}
