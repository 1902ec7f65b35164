//! The receiver as a function from request to response, for any server.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request};
use identkit_core::{Inbox, Secret};
use identkit_wire::{Callback, CallbackPath};

use crate::allow::{AllowList, Peer};

/// The most that a webhook's body may take, in bytes: the documented ones are below 4 KiB.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Receives webhooks of any number of providers into one inbox.
pub struct Receiver {
    callbacks: Vec<Arc<dyn Callback>>,
    inbox: Arc<dyn Inbox>,
    tokens: Mutex<Vec<(String, Secret)>>,
    allowed: HashMap<String, AllowList>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("callbacks", &self.callbacks).finish_non_exhaustive()
    }
}

impl Receiver {
    /// A receiver of these callbacks. It knows no token yet, so that it accepts nothing.
    pub fn new(callbacks: Vec<Arc<dyn Callback>>, inbox: Arc<dyn Inbox>) -> Self {
        Self { callbacks, inbox, tokens: Mutex::default(), allowed: HashMap::new() }
    }

    /// Accepts webhooks of this provider from these addresses only, besides asking for the token. Off unless called:
    /// no vendor promises where its webhooks come from (AT-69). The request must tell its [`Peer`], as those of
    /// [`listen`](crate::listen) do; all others are refused.
    #[must_use]
    pub fn allow_only(mut self, provider: &str, list: AllowList) -> Self {
        self.allowed.insert(provider.to_owned(), list);
        self
    }

    /// Accepts webhooks of this provider under this token from now on; several may be valid at once, so that they can
    /// be exchanged without a gap. At least 128 bits of randomness.
    pub fn accept_token(&self, provider: &str, token: Secret) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).push((provider.to_owned(), token));
    }

    /// Accepts webhooks under this token no longer: it leaked, was replaced, or its case is over.
    pub fn withdraw_token(&self, provider: &str, token: &Secret) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|(known, kept)| known != provider || kept != token);
    }

    /// Whether a path is one of a provider under a token of its own: what is not needs no reading.
    pub fn admits(&self, path: &str) -> bool {
        CallbackPath::parse(path).is_some_and(|path| self.knows(&path))
    }

    /// Whether a request comes from where its provider's webhooks may come from; where nothing is said, from anywhere.
    pub fn admits_origin(&self, head: &request::Parts) -> bool {
        let Some(path) = CallbackPath::parse(head.uri.path()) else { return false };
        let Some(list) = self.allowed.get(path.provider) else { return true };
        head.extensions.get::<Peer>().is_some_and(|peer| list.admits(peer.0, &head.headers))
    }

    fn knows(&self, path: &CallbackPath<'_>) -> bool {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        // Every token is compared, so that the time tells nothing of which one fits.
        tokens
            .iter()
            .fold(false, |known, (provider, token)| known | ((*token == path.token) & (provider == path.provider)))
    }

    /// Answers one webhook: 202 when it is durable, 404 for everything unknown, 405 for a method that the vendor does
    /// not use, 400 for one that cannot be read, 413 for a body over [`BODY_LIMIT`], 503 when it could not be made
    /// durable, so that the vendor tries again.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let status = self.status(request).await;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        response
    }

    async fn status(&self, request: Request<Bytes>) -> StatusCode {
        let Some(path) = CallbackPath::parse(request.uri().path()) else { return StatusCode::NOT_FOUND };
        let known = self.knows(&path);
        let callback = self
            .callbacks
            .iter()
            .find(|callback| callback.provider() == path.provider && callback.name() == path.event);
        let (Some(callback), true) = (callback, known) else { return StatusCode::NOT_FOUND };
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
        let Ok(event) = callback.parse(&Request::from_parts(head, body)) else { return StatusCode::BAD_REQUEST };
        match self.inbox.accept(event).await {
            Ok(_) => StatusCode::ACCEPTED,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use http::{Method, Uri};
    use identkit_core::{Acceptance, Error, Event, Kind, MemoryInbox, async_trait};

    /// A vendor like identity.TM: GET, and everything in the query.
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
            Ok(Event::new(self.provider(), self.name(), id))
        }
        fn emit(&self, _: &str, _: &Method, _: &Event) -> Result<Request<Bytes>, Error> {
            Err(Error::unsupported("emit"))
        }
    }

    fn get(path: &str) -> Request<Bytes> {
        Request::builder().uri(path).body(Bytes::new()).unwrap()
    }

    fn receiver(inbox: Arc<dyn Inbox>) -> Receiver {
        let receiver = Receiver::new(vec![Arc::new(OnFinal)], inbox);
        receiver.accept_token("identity-tm", Secret::new("good"));
        receiver
    }

    #[tokio::test]
    async fn at_65_a_webhook_is_acknowledged_with_202_once_it_is_in_the_inbox() {
        let inbox = Arc::new(MemoryInbox::new());
        let receiver = receiver(Arc::clone(&inbox) as Arc<dyn Inbox>);
        for _ in 0..2 {
            let answer = receiver.handle(get("/identity-tm/good/OnFinal?orderId=9992")).await;
            assert_eq!(answer.status(), 202);
        }
        let events = inbox.events();
        assert_eq!(events.len(), 1, "the same delivery twice is one event");
        assert_eq!(events[0].key.expose(), "9992");
    }

    #[tokio::test]
    async fn everything_unknown_is_the_same_404() {
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
    async fn at_68_methods_other_than_the_vendors_are_405_and_an_order_must_be_named() {
        let receiver = receiver(Arc::new(MemoryInbox::new()));
        let mut head = get("/identity-tm/good/OnFinal?orderId=1");
        *head.method_mut() = http::Method::HEAD;
        assert_eq!(receiver.handle(head).await.status(), 405);
        assert_eq!(receiver.handle(get("/identity-tm/good/OnFinal")).await.status(), 400);
        let mut large = get("/identity-tm/good/OnFinal?orderId=1");
        *large.body_mut() = vec![0; BODY_LIMIT + 1].into();
        assert_eq!(receiver.handle(large).await.status(), 413);
    }

    #[tokio::test]
    async fn a_withdrawn_token_is_unknown() {
        let receiver = receiver(Arc::new(MemoryInbox::new()));
        assert!(receiver.admits("/identity-tm/good/OnFinal"));
        receiver.withdraw_token("identity-tm", &Secret::new("good"));
        assert!(!receiver.admits("/identity-tm/good/OnFinal"));
        assert_eq!(receiver.handle(get("/identity-tm/good/OnFinal?orderId=1")).await.status(), 404);
    }

    #[tokio::test]
    async fn at_69_addresses_are_checked_only_where_that_was_chosen_and_then_must_be_told() {
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
        assert_eq!(receiver.handle(guess).await.status(), 404, "an address is no token");
        // Another provider's addresses are its own.
        let other = self::receiver(Arc::clone(&inbox) as Arc<dyn Inbox>).allow_only("identify24", list);
        assert_eq!(other.handle(from(None)).await.status(), 202);
    }

    struct Full;

    #[async_trait]
    impl Inbox for Full {
        async fn accept(&self, _: Event) -> Result<Acceptance, Error> {
            Err(Error::new(Kind::Storage, "full"))
        }
    }

    #[tokio::test]
    async fn what_is_not_durable_is_not_acknowledged() {
        let answer = receiver(Arc::new(Full)).handle(get("/identity-tm/good/OnFinal?orderId=1")).await;
        assert_eq!(answer.status(), 503);
    }
}
