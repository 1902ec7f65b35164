//! The receiver: a function from request to response, for any server.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, request};
use identkit_core::{Clock, Error, Event, Inbox, Instant, Secret, Tokens, WebhookDelivery};
use identkit_wire::{Callback, CallbackPath};

use crate::allow::{AllowList, Peer};
use crate::raw;
use crate::time::within;

/// Maximum size of a webhook's body in bytes. The documented webhooks are below 4 KiB.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Maximum time from a request's arrival to its response: 80 % of the 5 seconds that identity.TM allows (T-033).
pub const RESPONSE_LIMIT: Duration = Duration::from_secs(4);

/// Receives the webhooks of several providers into one inbox.
pub struct Receiver {
    callbacks: Vec<Arc<dyn Callback>>,
    inbox: Arc<dyn Inbox>,
    clock: Arc<dyn Clock>,
    tokens: Mutex<Vec<(String, Secret)>>,
    stored_tokens: Option<Arc<dyn Tokens>>,
    allowed: HashMap<String, AllowList>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("callbacks", &self.callbacks).finish_non_exhaustive()
    }
}

impl Receiver {
    /// Creates a receiver of these callbacks. It accepts nothing without [`tokens`](Self::tokens) or
    /// [`accept_token`](Self::accept_token). Times are those of `clock`.
    pub fn new(callbacks: Vec<Arc<dyn Callback>>, inbox: Arc<dyn Inbox>, clock: Arc<dyn Clock>) -> Self {
        Self { callbacks, inbox, clock, tokens: Mutex::default(), stored_tokens: None, allowed: HashMap::new() }
    }

    /// Accepts the tokens that a store knows, in addition to those of [`accept_token`](Self::accept_token).
    #[must_use]
    pub fn tokens(mut self, tokens: Arc<dyn Tokens>) -> Self {
        self.stored_tokens = Some(tokens);
        self
    }

    /// Accepts webhooks of this provider from these addresses only, in addition to checking the token. Off by default: no
    /// vendor documents the addresses of its webhooks (AT-69). Requests without a [`Peer`] extension, which `listen` sets,
    /// are rejected.
    #[must_use]
    pub fn allow_only(mut self, provider: &str, list: AllowList) -> Self {
        self.allowed.insert(provider.to_owned(), list);
        self
    }

    /// Accepts a token of this provider from now on. Several can be valid at once, so that a token can be replaced without
    /// a gap. Use at least 128 bits of randomness.
    pub fn accept_token(&self, provider: &str, token: Secret) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).push((provider.to_owned(), token));
    }

    /// Rejects a token from now on, e.g. because it leaked or was replaced.
    pub fn withdraw_token(&self, provider: &str, token: &Secret) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|(of, known)| of != provider || known != token);
    }

    /// Whether a path contains a valid token of its provider. If not, a server need not read the body.
    ///
    /// # Errors
    /// If the tokens cannot be read.
    pub async fn admits(&self, path: &str) -> Result<bool, Error> {
        let Some(path) = CallbackPath::parse(path) else { return Ok(false) };
        if self.knows(&path) {
            return Ok(true);
        }
        match &self.stored_tokens {
            Some(tokens) => tokens.is_valid(path.provider, path.event, &path.token, self.clock.wall()).await,
            None => Ok(false),
        }
    }

    /// Like [`admits`](Self::admits), with a deadline.
    pub(crate) async fn admission(&self, path: &str, deadline: Instant) -> Admission {
        match within(&*self.clock, deadline, self.admits(path)).await {
            Some(Ok(true)) => Admission::Granted,
            Some(Ok(false)) => Admission::Denied,
            Some(Err(_)) | None => Admission::Undecided,
        }
    }

    /// Whether a request comes from an address that its provider's webhooks may come from: by default, any address.
    pub fn admits_origin(&self, head: &request::Parts) -> bool {
        let Some(path) = CallbackPath::parse(head.uri.path()) else { return false };
        let Some(list) = self.allowed.get(path.provider) else { return true };
        head.extensions.get::<Peer>().is_some_and(|peer| list.admits(peer.0, &head.headers))
    }

    fn knows(&self, path: &CallbackPath<'_>) -> bool {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        // Every token is compared, so that the duration does not depend on which one matches.
        tokens
            .iter()
            .fold(false, |known, (provider, token)| known | ((*token == path.token) & (provider == path.provider)))
    }

    /// Whether the token in a path can announce something of the event's case. A token of one case must not be used for others.
    async fn is_for_case(&self, path: &str, event: &Event) -> Result<bool, Error> {
        let (Some(path), Some(case)) = (CallbackPath::parse(path), &event.case_id) else { return Ok(true) };
        match &self.stored_tokens {
            Some(tokens) if !self.knows(&path) => {
                tokens.is_for_case(path.provider, path.event, &path.token, case).await
            }
            _ => Ok(true),
        }
    }

    /// Handles one webhook and returns the response:
    /// - 202 if the event is durable;
    /// - 404 if path, provider, event, token or address is not accepted, or if the token is that of another case;
    /// - 405 if the vendor does not use the method;
    /// - 400 if the request cannot be parsed;
    /// - 413 if the body is larger than [`BODY_LIMIT`];
    /// - 503 if tokens or inbox failed or need longer than [`RESPONSE_LIMIT`], so that the vendor tries again. The inbox may
    ///   still make the event durable: the vendor then delivers it twice.
    ///
    /// # Panics
    /// If the inbox or the clock needs a tokio runtime and there is none.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let deadline = self.clock.now().plus(RESPONSE_LIMIT);
        match self.admission(request.uri().path(), deadline).await.status() {
            None => self.handle_admitted(request, deadline).await,
            Some(status) => empty(status),
        }
    }

    /// Handles a request with a valid token.
    pub(crate) async fn handle_admitted(&self, request: Request<Bytes>, deadline: Instant) -> Response<Bytes> {
        empty(self.status(request, deadline).await)
    }

    #[cfg(feature = "service")]
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    async fn status(&self, request: Request<Bytes>, deadline: Instant) -> StatusCode {
        let received = self.clock.wall();
        let Some(path) = CallbackPath::parse(request.uri().path()) else { return StatusCode::NOT_FOUND };
        let callback = self
            .callbacks
            .iter()
            .find(|callback| callback.provider() == path.provider && callback.name() == path.event);
        let Some(callback) = callback else { return StatusCode::NOT_FOUND };
        let (head, body) = request.into_parts();
        if !self.admits_origin(&head) {
            return StatusCode::NOT_FOUND;
        }
        if body.len() > BODY_LIMIT {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        if !callback.recognize(&head) {
            return StatusCode::METHOD_NOT_ALLOWED;
        }
        let request = Request::from_parts(head, body);
        let Ok(event) = callback.parse(&request) else { return StatusCode::BAD_REQUEST };
        match within(&*self.clock, deadline, self.is_for_case(request.uri().path(), &event)).await {
            Some(Ok(true)) => {}
            Some(Ok(false)) => return StatusCode::NOT_FOUND,
            Some(Err(_)) | None => return StatusCode::SERVICE_UNAVAILABLE,
        }
        let delivery = WebhookDelivery::new(event, received).with_request(raw::without_token(&request));
        match within(&*self.clock, deadline, self.inbox.accept(delivery)).await {
            Some(Ok(())) => StatusCode::ACCEPTED,
            Some(Err(_)) | None => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Outcome of the check of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Granted,
    Denied,
    /// The tokens could not be read in time.
    Undecided,
}

impl Admission {
    /// The status of the response, unless the token is valid.
    pub(crate) fn status(self) -> Option<StatusCode> {
        match self {
            Self::Granted => None,
            Self::Denied => Some(StatusCode::NOT_FOUND),
            Self::Undecided => Some(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
pub(crate) mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use http::{Method, Uri};
    use identkit_core::{Kind, MemoryInbox, async_trait};
    use identkit_testkit::TestClock;
    use jiff::Timestamp;

    /// A callback like identity.TM's: GET, with the key in the query.
    #[derive(Debug)]
    pub(crate) struct OnFinal;

    impl Callback for OnFinal {
        fn provider(&self) -> &'static str {
            "identity-tm"
        }
        fn name(&self) -> &'static str {
            "OnFinal"
        }
        fn url_template(&self, base: &Uri, token: &Secret) -> Result<Secret, Error> {
            CallbackPath::url(base, self.provider(), token, self.name()).map(Secret::new)
        }
        fn recognize(&self, head: &request::Parts) -> bool {
            head.method == Method::GET
        }
        fn parse(&self, request: &Request<Bytes>) -> Result<Event, Error> {
            let query = request.uri().query().unwrap_or_default();
            let id = query.strip_prefix("orderId=").ok_or_else(|| Error::new(Kind::Protocol, "no order"))?;
            let mut event = Event::new(self.provider(), self.name(), id);
            event.case_id = Some(id.into());
            event.payload = Some(String::from_utf8_lossy(request.body()).into_owned().into());
            Ok(event)
        }
        fn emit(&self, _: &str, _: &Method, _: &Event) -> Result<Request<Bytes>, Error> {
            Err(Error::unsupported("emit"))
        }
    }

    fn get(path: &str) -> Request<Bytes> {
        Request::builder().uri(path).body(Bytes::new()).unwrap()
    }

    fn receiver(inbox: Arc<dyn Inbox>) -> Receiver {
        let receiver = Receiver::new(vec![Arc::new(OnFinal)], inbox, Arc::new(TestClock::default()));
        receiver.accept_token("identity-tm", Secret::new("good"));
        receiver
    }

    #[tokio::test]
    async fn at_65_a_durable_webhook_is_acknowledged_with_202() {
        let inbox = Arc::new(MemoryInbox::new());
        let receiver = receiver(Arc::clone(&inbox) as Arc<dyn Inbox>);
        for _ in 0..2 {
            let answer = receiver.handle(get("/identity-tm/good/OnFinal?orderId=9992")).await;
            assert_eq!(answer.status(), 202);
        }
        let events = inbox.events();
        assert_eq!(events.len(), 2, "a repeated delivery and a second event look the same");
        assert_eq!(events[0].key.expose(), "9992");
    }

    #[tokio::test]
    async fn everything_unknown_gets_the_same_404() {
        let inbox = Arc::new(MemoryInbox::new());
        let receiver = receiver(Arc::clone(&inbox) as Arc<dyn Inbox>);
        receiver.accept_token("identify24", Secret::new("other"));
        for path in [
            "/",
            "/OnFinal",
            "/identity-tm/wrong/OnFinal?orderId=1",
            "/identity-tm/other/OnFinal?orderId=1",
            "/identity-tm/goo/OnFinal?orderId=1",
            "/identity-tm/good/Strange?orderId=1",
            "/identify24/good/OnFinal?orderId=1",
        ] {
            let answer = receiver.handle(get(path)).await;
            assert_eq!((answer.status(), answer.body().len()), (StatusCode::NOT_FOUND, 0), "{path}");
        }
        assert!(inbox.events().is_empty());
    }

    #[tokio::test]
    async fn at_68_invalid_requests_are_405_400_or_413() {
        let receiver = receiver(Arc::new(MemoryInbox::new()));
        let mut head = get("/identity-tm/good/OnFinal?orderId=1");
        *head.method_mut() = http::Method::HEAD;
        assert_eq!(receiver.handle(head).await.status(), 405);
        assert_eq!(receiver.handle(get("/identity-tm/good/OnFinal")).await.status(), 400);
        let mut large = get("/identity-tm/good/OnFinal?orderId=1");
        *large.body_mut() = vec![0; BODY_LIMIT + 1].into();
        assert_eq!(receiver.handle(large).await.status(), 413);
        let mut largest = get("/identity-tm/good/OnFinal?orderId=1");
        *largest.body_mut() = vec![0; 1_048_576].into();
        assert_eq!(receiver.handle(largest).await.status(), 202);
    }

    #[tokio::test]
    async fn a_withdrawn_token_is_rejected() {
        let receiver = receiver(Arc::new(MemoryInbox::new()));
        assert!(receiver.admits("/identity-tm/good/OnFinal").await.unwrap());
        receiver.withdraw_token("identity-tm", &Secret::new("good"));
        assert!(!receiver.admits("/identity-tm/good/OnFinal").await.unwrap());
        assert_eq!(receiver.handle(get("/identity-tm/good/OnFinal?orderId=1")).await.status(), 404);
    }

    #[tokio::test]
    async fn a_withdrawal_concerns_one_token_of_one_provider() {
        let receiver = receiver(Arc::new(MemoryInbox::new()));
        receiver.accept_token("identity-tm", Secret::new("second"));
        receiver.accept_token("identify24", Secret::new("good"));
        receiver.withdraw_token("identity-tm", &Secret::new("good"));
        assert!(receiver.admits("/identity-tm/second/OnFinal").await.unwrap());
        assert!(receiver.admits("/identify24/good/status").await.unwrap());
    }

    #[tokio::test]
    async fn a_token_that_is_accepted_twice_is_valid() {
        let receiver = receiver(Arc::new(MemoryInbox::new()));
        receiver.accept_token("identity-tm", Secret::new("good"));
        assert!(receiver.admits("/identity-tm/good/OnFinal").await.unwrap());
    }

    /// Knows one token, or fails, or needs some time.
    struct Stored {
        clock: TestClock,
        passes: Duration,
        fails: bool,
    }

    #[async_trait]
    impl Tokens for Stored {
        async fn is_valid(&self, provider: &str, event: &str, token: &Secret, now: Timestamp) -> Result<bool, Error> {
            assert_eq!(now, self.clock.wall());
            self.clock.advance(self.passes);
            std::future::ready(()).await;
            match self.fails {
                true => Err(Error::new(Kind::Storage, "broken")),
                false => Ok((provider, event, token.expose()) == ("identity-tm", "OnFinal", "stored")),
            }
        }
    }

    #[tokio::test]
    async fn stored_tokens_are_valid_for_their_event_only() {
        for (path, fails, milliseconds, status) in [
            ("/identity-tm/stored/OnFinal?orderId=1", false, 0, 202),
            ("/identity-tm/stored/OnFinal?orderId=1", false, 3_999, 202),
            ("/identity-tm/good/OnFinal?orderId=1", true, 0, 202),
            ("/identity-tm/other/OnFinal?orderId=1", false, 0, 404),
            ("/identity-tm/stored/AfterVideo?orderId=1", false, 0, 404),
            ("/identify24/stored/OnFinal?orderId=1", false, 0, 404),
            // Nobody knows whether the token is valid: the vendor must deliver again.
            ("/identity-tm/stored/OnFinal?orderId=1", true, 0, 503),
        ] {
            let clock = TestClock::default();
            let tokens = Stored { clock: clock.clone(), passes: Duration::from_millis(milliseconds), fails };
            let inbox = Arc::new(MemoryInbox::new());
            let receiver = Receiver::new(vec![Arc::new(OnFinal)], Arc::<MemoryInbox>::clone(&inbox), Arc::new(clock));
            receiver.accept_token("identity-tm", Secret::new("good"));
            let answer = receiver.tokens(Arc::new(tokens)).handle(get(path)).await;
            assert_eq!(answer.status(), status, "{path} {fails} {milliseconds}");
            assert_eq!(inbox.events().len(), usize::from(status == 202));
        }
    }

    /// Knows a token of the case `9992`. Fails for the case `broken`, and does not return for `slow`.
    struct OfCase(TestClock);

    #[async_trait]
    impl Tokens for OfCase {
        async fn is_valid(&self, _: &str, _: &str, token: &Secret, _: Timestamp) -> Result<bool, Error> {
            Ok(token.expose() == "stored")
        }

        async fn is_for_case(&self, provider: &str, event: &str, token: &Secret, case: &Secret) -> Result<bool, Error> {
            assert_eq!((provider, event, token.expose()), ("identity-tm", "OnFinal", "stored"));
            match case.expose() {
                "broken" => Err(Error::new(Kind::Storage, "broken")),
                "slow" => {
                    self.0.advance(RESPONSE_LIMIT);
                    std::future::pending().await
                }
                id => Ok(id == "9992"),
            }
        }
    }

    #[tokio::test]
    async fn at_38_a_token_of_another_case_is_unknown() {
        let inbox = Arc::new(MemoryInbox::new());
        let clock = TestClock::default();
        let receiver = self::receiver(Arc::clone(&inbox) as Arc<dyn Inbox>).tokens(Arc::new(OfCase(clock.clone())));
        let receiver = Receiver { clock: Arc::new(clock), ..receiver };
        for (path, status) in [
            ("/identity-tm/stored/OnFinal?orderId=9992", 202),
            ("/identity-tm/stored/OnFinal?orderId=9993", 404),
            ("/identity-tm/stored/OnFinal?orderId=broken", 503),
            ("/identity-tm/stored/OnFinal?orderId=slow", 503),
            // A token of the configuration is for all cases.
            ("/identity-tm/good/OnFinal?orderId=9993", 202),
        ] {
            let before = inbox.events().len();
            let answer = receiver.handle(get(path)).await;
            assert_eq!((answer.status().as_u16(), answer.body().len()), (status, 0), "{path}");
            assert_eq!(inbox.events().len() - before, usize::from(status == 202), "{path}");
        }
    }

    struct Stuck(TestClock);

    #[async_trait]
    impl Tokens for Stuck {
        async fn is_valid(&self, _: &str, _: &str, _: &Secret, _: Timestamp) -> Result<bool, Error> {
            self.0.advance(RESPONSE_LIMIT);
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn t_033_late_tokens_mean_503_after_four_seconds() {
        let clock = TestClock::default();
        let inbox = Arc::new(MemoryInbox::new());
        let receiver = Receiver::new(vec![Arc::new(OnFinal)], inbox, Arc::new(clock.clone()));
        let receiver = receiver.tokens(Arc::new(Stuck(clock)));
        assert_eq!(receiver.handle(get("/identity-tm/stored/OnFinal?orderId=1")).await.status(), 503);
    }

    #[tokio::test]
    async fn a_delivery_has_its_time_and_its_request_without_the_token() {
        let clock = TestClock::default();
        clock.advance(Duration::from_secs(5));
        let inbox = Arc::new(MemoryInbox::new());
        let receiver =
            Receiver::new(vec![Arc::new(OnFinal)], Arc::<MemoryInbox>::clone(&inbox), Arc::new(clock.clone()));
        receiver.accept_token("identity-tm", Secret::new("good"));
        receiver.handle(get("/identity-tm/good/OnFinal?orderId=1")).await;
        let [delivery] = &inbox.deliveries()[..] else { panic!("one delivery") };
        assert_eq!(delivery.received, clock.wall());
        assert_eq!(delivery.request.expose(), b"GET /identity-tm/[token]/OnFinal?orderId=1 HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn debug_shows_callbacks_and_no_tokens() {
        let printed = format!("{:?}", receiver(Arc::new(MemoryInbox::new())));
        assert!(printed.contains("OnFinal") && !printed.contains("good"), "{printed}");
    }

    #[tokio::test]
    async fn at_69_addresses_are_checked_only_with_a_list() {
        let inbox = Arc::new(MemoryInbox::new());
        let list = AllowList::parse(["212.211.189.136/29"]).unwrap();
        let receiver = receiver(Arc::clone(&inbox) as Arc<dyn Inbox>).allow_only("identity-tm", list.clone());
        let from = |peer: Option<&str>| {
            let mut request = get("/identity-tm/good/OnFinal?orderId=9992");
            if let Some(peer) = peer {
                request.extensions_mut().insert(Peer(peer.parse().unwrap()));
            }
            request
        };
        for peer in [None, Some("192.0.2.1"), Some("212.211.189.144")] {
            assert_eq!(receiver.handle(from(peer)).await.status(), 404, "{peer:?}");
        }
        assert!(inbox.events().is_empty());
        assert_eq!(receiver.handle(from(Some("212.211.189.143"))).await.status(), 202);
        let mut guess = from(Some("212.211.189.143"));
        *guess.uri_mut() = "/identity-tm/wrong/OnFinal?orderId=9992".parse().unwrap();
        assert_eq!(receiver.handle(guess).await.status(), 404, "an allowed address does not replace the token");
        // A list applies to its provider only.
        let other = self::receiver(Arc::clone(&inbox) as Arc<dyn Inbox>).allow_only("identify24", list);
        assert_eq!(other.handle(from(None)).await.status(), 202);
    }

    struct Full;

    #[async_trait]
    impl Inbox for Full {
        async fn accept(&self, _: WebhookDelivery) -> Result<(), Error> {
            Err(Error::new(Kind::Storage, "full"))
        }
    }

    #[tokio::test]
    async fn a_webhook_is_not_acknowledged_if_the_inbox_fails() {
        let answer = receiver(Arc::new(Full)).handle(get("/identity-tm/good/OnFinal?orderId=1")).await;
        assert_eq!(answer.status(), 503);
    }

    /// Lets time pass, and accepts an event only if `accepts`.
    pub(crate) struct Slow {
        pub(crate) clock: TestClock,
        pub(crate) passes: Duration,
        pub(crate) accepts: bool,
    }

    #[async_trait]
    impl Inbox for Slow {
        async fn accept(&self, _: WebhookDelivery) -> Result<(), Error> {
            self.clock.advance(self.passes);
            if self.accepts { Ok(()) } else { std::future::pending().await }
        }
    }

    #[tokio::test]
    async fn t_033_a_late_inbox_means_503_after_four_seconds() {
        const LIMIT: Duration = Duration::from_millis(4_000);
        for (passes, accepts, status) in [
            (LIMIT, false, Some(503)),
            (LIMIT - Duration::from_millis(1), false, None),
            // The event is durable, so the vendor need not repeat it.
            (LIMIT, true, Some(202)),
        ] {
            let clock = TestClock::default();
            clock.advance(Duration::from_secs(60));
            let inbox = Arc::new(Slow { clock: clock.clone(), passes, accepts });
            let receiver = Receiver::new(vec![Arc::new(OnFinal)], inbox, Arc::new(clock));
            receiver.accept_token("identity-tm", Secret::new("good"));
            let mut answer = Box::pin(receiver.handle(get("/identity-tm/good/OnFinal?orderId=1")));
            let found = match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(answer) => Some(answer.status().as_u16()),
                Poll::Pending => None,
            };
            assert_eq!(found, status, "{passes:?}");
        }
    }
}
