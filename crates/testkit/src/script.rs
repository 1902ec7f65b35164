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
    /// The method.
    pub method: Method,
    /// The whole URI.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl SentRequest {
    /// Reads a request to its end.
    pub fn read(request: Request<Body>) -> Self {
        let (head, body) = request.into_parts();
        Self { method: head.method, uri: head.uri, headers: head.headers, body: body_bytes(&body) }
    }

    /// The path of the URI.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The value of a header, or an empty text.
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
}

impl Reply {
    /// A response without headers.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), length: None }
    }

    /// A response of JSON.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, body).header("content-type", "application/json")
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Announces another length than the body has, so that the body breaks off.
    #[must_use]
    pub fn length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    /// Status and headers.
    pub fn head(&self) -> response::Parts {
        let mut head = Response::new(()).into_parts().0;
        head.status = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in &self.headers {
            head.headers.insert(*name, value.parse().unwrap());
        }
        head
    }

    /// The bytes of the body.
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// The body as a stream with its announced length, like a download.
    pub fn content(&self) -> Content {
        let length = self.length.or_else(|| u64::try_from(self.body.len()).ok());
        Content::new(length, Content::from_bytes(self.body.clone()))
    }
}

/// What a transport does with a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Responds.
    Answer(Reply),
    /// Cannot connect: nothing was sent.
    NotSent,
    /// The connection is reset after the request was sent.
    Reset,
    /// Never responds, though the request was sent.
    Hang,
    /// Panics, as a transport with a bug does.
    Panic,
}

impl Step {
    /// Does it.
    ///
    /// # Errors
    ///
    /// The failure of a step that has no response.
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

/// A transport that plays its steps in order and keeps the requests that were sent.
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
    /// A transport with these steps.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: Mutex::new(steps.into_iter().collect()), ..Self::default() }
    }

    /// Every request that was sent. Panics if a step was not played.
    pub fn sent(&self) -> Vec<SentRequest> {
        let left = self.steps.lock().unwrap().len();
        assert_eq!(left, 0, "fewer requests than the script has steps");
        self.requests.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let step = self.steps.lock().unwrap().pop_front().expect("one request more than the script has steps");
        if !matches!(step, Step::NotSent) {
            self.requests.lock().unwrap().push(SentRequest::read(request));
        }
        step.play(context).await
    }
}
