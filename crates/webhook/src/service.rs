//! The receiver as a service of hyper and of tower.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use identkit_core::{BoxFuture, Instant};

use crate::allow::Peer;
use crate::framing;
use crate::receiver::{Admission, BODY_LIMIT, RESPONSE_LIMIT, Receiver, empty};
use crate::time::within;

/// A [`Receiver`] as a `hyper::service::Service` and a `tower_service::Service`, for requests with any body.
///
/// It does not read the body of a request without a valid token, and it limits the size of a body and the time in which it
/// must arrive.
#[derive(Clone, Debug)]
pub struct ReceiverService {
    receiver: Arc<Receiver>,
    peer: Option<Peer>,
    /// The outcome and the deadline of the response, if the server has checked the token already.
    admission: Option<(Admission, Instant)>,
}

impl ReceiverService {
    /// Creates a service.
    pub fn new(receiver: Arc<Receiver>) -> Self {
        Self { receiver, peer: None, admission: None }
    }

    /// Sets the peer of all requests, for a service that serves one connection. Otherwise, [`Receiver::allow_only`] reads
    /// the extension [`Peer`] of each request.
    #[must_use]
    pub fn peer(mut self, peer: Peer) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Sets the outcome of the check of the token and the deadline of the response, for a service that serves one request.
    #[cfg(feature = "listener")]
    pub(crate) fn admission(mut self, admission: Admission, deadline: Instant) -> Self {
        self.admission = Some((admission, deadline));
        self
    }

    /// Handles one request. In addition to the statuses of [`Receiver::handle`], the response is:
    /// - 400 if `Host` or the framing of the request is ambiguous, as far as the server has not hidden it;
    /// - 400 if the body cannot be read;
    /// - 408 if the body is not complete within [`RESPONSE_LIMIT`].
    ///
    /// # Panics
    /// See [`Receiver::handle`].
    pub async fn respond<B: Body>(&self, request: Request<B>) -> Response<Full<Bytes>> {
        let clock = self.receiver.clock();
        let deadline = self.admission.map_or_else(|| clock.now().plus(RESPONSE_LIMIT), |(_, deadline)| deadline);
        let (mut head, body) = request.into_parts();
        if let Some(peer) = self.peer {
            head.extensions.insert(peer);
        }
        let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let read = if !framing::is_sound(head.version, headers) {
            Err(StatusCode::BAD_REQUEST)
        } else {
            let admission = match self.admission {
                Some((admission, _)) => admission,
                None => self.receiver.admission(head.uri.path(), deadline).await,
            };
            if let Some(status) = admission.status() {
                Err(status)
            } else if !self.receiver.admits_origin(&head) {
                Err(StatusCode::NOT_FOUND)
            } else {
                within(clock, deadline, read(body)).await.unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
            }
        };
        match read {
            Ok(bytes) => self.receiver.handle_admitted(Request::from_parts(head, bytes), deadline).await,
            Err(status) => empty(status),
        }
        .map(Full::new)
    }

    fn future<B>(&self, request: Request<B>) -> BoxFuture<'static, Result<Response<Full<Bytes>>, Infallible>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let service = self.clone();
        Box::pin(async move { Ok(service.respond(request).await) })
    }
}

/// Reads a body, but not the rest of one that is too large.
async fn read<B: Body>(body: B) -> Result<Bytes, StatusCode> {
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut body = pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(StatusCode::BAD_REQUEST) };
        if let Ok(data) = frame.into_data() {
            bytes.put(data);
        }
        if bytes.len() > BODY_LIMIT {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
    }
    Ok(bytes.freeze())
}

impl<B> hyper::service::Service<Request<B>> for ReceiverService
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        self.future(request)
    }
}

impl<B> tower_service::Service<Request<B>> for ReceiverService
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.future(request)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::IpAddr;
    use std::pin::Pin;
    use std::task::Waker;
    use std::time::Duration;

    use http_body::{Frame, SizeHint};
    use identkit_core::{Inbox, MemoryInbox, Secret};
    use identkit_testkit::TestClock;

    use super::*;
    use crate::AllowList;
    use crate::receiver::tests::{OnFinal, Slow};

    fn service(clock: &TestClock) -> (ReceiverService, Arc<MemoryInbox>) {
        let inbox = Arc::new(MemoryInbox::new());
        (service_into(Arc::<MemoryInbox>::clone(&inbox), clock), inbox)
    }

    fn service_into(inbox: Arc<dyn Inbox>, clock: &TestClock) -> ReceiverService {
        let receiver = Receiver::new(vec![Arc::new(OnFinal)], inbox, Arc::new(clock.clone()));
        receiver.accept_token("identity-tm", Secret::new("good"));
        let list = AllowList::parse(["192.0.2.0/24"]).unwrap();
        let peer = Peer(IpAddr::from([192, 0, 2, 1]));
        ReceiverService::new(Arc::new(receiver.allow_only("identity-tm", list))).peer(peer)
    }

    /// The status of a response, if there is one at the first poll.
    fn status(answer: impl Future<Output = Response<Full<Bytes>>>) -> Option<u16> {
        match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer.status().as_u16()),
            Poll::Pending => None,
        }
    }

    /// A body of these pieces. Time passes with each. Afterwards it fails.
    struct Pieces {
        clock: TestClock,
        passes: Duration,
        left: Vec<&'static [u8]>,
        announced: u64,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
            self.clock.advance(self.passes);
            match self.left.pop() {
                Some(b"") => Poll::Pending,
                piece => Poll::Ready(Some(
                    piece.map(|piece| Frame::data(piece.into())).ok_or_else(|| io::ErrorKind::BrokenPipe.into()),
                )),
            }
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.announced)
        }
    }

    fn request<B>(path: &str, headers: &[(&'static str, &'static str)], body: B) -> Request<B> {
        let builder =
            headers.iter().fold(Request::builder().uri(path), |builder, (name, value)| builder.header(*name, *value));
        builder.body(body).unwrap()
    }

    const PATH: &str = "/any/identity-tm/good/OnFinal?orderId=1";
    const HOST: (&str, &str) = ("host", "x");

    #[tokio::test]
    async fn hyper_and_tower_call_the_same_service() {
        let (mut service, inbox) = service(&TestClock::default());
        let body = || Full::new(Bytes::from_static(b"{}"));
        let answer = hyper::service::Service::call(&service, request(PATH, &[HOST], body())).await.unwrap();
        assert_eq!((answer.status(), inbox.events().len()), (StatusCode::ACCEPTED, 1));
        assert!(inbox.events().iter().all(|event| event.payload == Some("{}".into())));
        let second = request("/identity-tm/good/OnFinal?orderId=2", &[HOST], body());
        let answer = tower_service::Service::call(&mut service, second).await.unwrap();
        assert_eq!((answer.status(), inbox.events().len()), (StatusCode::ACCEPTED, 2));
    }

    #[tokio::test]
    async fn the_service_rejects_ambiguous_requests() {
        let (service, inbox) = service(&TestClock::default());
        let both = [HOST, ("content-length", "0"), ("transfer-encoding", "chunked")];
        let coded = [HOST, ("transfer-encoding", "gzip, chunked")];
        for headers in [&[][..], &[HOST, HOST], &both, &coded] {
            let answer = service.respond(request(PATH, headers, Full::new(Bytes::new()))).await;
            assert_eq!(answer.status(), 400, "{headers:?}");
        }
        assert!(inbox.events().is_empty());
        // HTTP/2 has `:authority` instead of `Host`.
        let mut second = request(PATH, &[], Full::new(Bytes::new()));
        *second.version_mut() = http::Version::HTTP_2;
        assert_eq!(service.respond(second).await.status(), 202);
    }

    #[test]
    fn at_68_the_service_limits_size_and_time_of_a_body() {
        const ALMOST: Duration = Duration::from_millis(1_999);
        let limit = BODY_LIMIT as u64;
        let never = [&b""[..]];
        for (path, left, passes, announced, status) in [
            ("/identity-tm/bad/OnFinal", &never[..], Duration::ZERO, 0, Some(404)),
            (PATH, &never, Duration::ZERO, limit + 1, Some(413)),
            (PATH, &never, Duration::ZERO, limit, None),
            (PATH, &[], Duration::ZERO, 0, Some(400)),
            // One time for the whole body, not for each piece.
            (PATH, &[b"", b"x"], ALMOST, 2, None),
            (PATH, &[b"", b"x"], RESPONSE_LIMIT / 2, 2, Some(408)),
        ] {
            let clock = TestClock::default();
            let (service, inbox) = service(&clock);
            let body = Pieces { clock, passes, left: left.to_vec(), announced };
            let found = self::status(service.respond(request(path, &[HOST], body)));
            assert_eq!(found, status, "{left:?} {passes:?} {announced}");
            assert!(inbox.events().is_empty());
        }
    }

    #[test]
    fn t_033_body_and_inbox_share_the_time_limit() {
        for (reading, accepting, expected) in [(1_000, 3_000, Some(503)), (1_000, 2_999, None)] {
            let clock = TestClock::default();
            let inbox = Slow { clock: clock.clone(), passes: Duration::from_millis(accepting), accepts: false };
            let service = service_into(Arc::new(inbox), &clock);
            let body = Full::new(Bytes::from_static(b"{}")).map_frame(move |frame| {
                clock.advance(Duration::from_millis(reading));
                frame
            });
            assert_eq!(status(service.respond(request(PATH, &[HOST], body))), expected, "{reading} {accepting}");
        }
    }
}
