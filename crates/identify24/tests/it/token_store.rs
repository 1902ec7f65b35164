//! One login for several processes. Each client in these tests represents a process (I-009).

use std::future::{Future, pending};

use crate::support::*;

const BASE: &str = "http://127.0.0.1:1";

fn projects() -> Step {
    ok(fixture("S-021-project-get-all-response.json"))
}

fn process(vendor: &Arc<Vendor>, store: &Arc<dyn TokenStore>, clock: &TestClock) -> Identify24 {
    client_by(vendor, |builder| builder.clock(Arc::new(clock.clone())).token_store(Arc::clone(store)))
}

/// A vendor that accepts only the newest token, a store, and a process that uses it.
fn setup() -> (Arc<Vendor>, Arc<dyn TokenStore>, Identify24) {
    let (vendor, store) = (Vendor::expiring(projects()), memory());
    let client = process(&vendor, &store, &TestClock::default());
    (vendor, store, client)
}

/// A vendor as in `setup`, and a process with a store that behaves like this.
fn with_store(load: Behavior, store: Behavior) -> (Arc<Vendor>, Arc<Fake>, TestClock, Identify24) {
    let (vendor, clock) = (Vendor::expiring(projects()), TestClock::default());
    let fake = Fake::new(load, store);
    let client = process(&vendor, &(Arc::clone(&fake) as _), &clock);
    (vendor, fake, clock, client)
}

fn memory() -> Arc<dyn TokenStore> {
    Arc::new(MemoryTokenStore::default())
}

fn key() -> TokenKey {
    TokenKey::new(BASE, PARTNER)
}

async fn call(client: &Identify24) -> Result<(), Error> {
    client.projects(&options()).await.map(drop)
}

/// Polls until the future is ready or makes no more progress.
fn poll_on<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let mut poll = || Pin::new(&mut *future).poll(&mut Context::from_waker(Waker::noop()));
    (0..30).map(|_| poll()).find(Poll::is_ready).unwrap_or(Poll::Pending)
}

#[tokio::test]
async fn i_009_two_processes_share_one_login() {
    let (vendor, store, one) = setup();
    let other = process(&vendor, &store, &TestClock::default());
    for client in [&one, &other, &one, &other] {
        call(client).await.unwrap();
        assert_eq!(vendor.last().header("x-api-token"), "token-1");
    }
    assert_eq!(vendor.logins(), 1);
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(1, "token-1")));
}

#[tokio::test]
async fn i_009_token_of_another_process_is_used_after_a_401() {
    let (vendor, store, one) = setup();
    let other = process(&vendor, &store, &TestClock::default());
    call(&one).await.unwrap();
    call(&other).await.unwrap();
    // The vendor invalidates the token. The first process that gets a 401 logs in for both.
    vendor.logins.fetch_add(1, Ordering::SeqCst);
    call(&one).await.unwrap();
    assert_eq!((vendor.logins(), vendor.last().header("x-api-token")), (3, "token-3"));
    vendor.arrived.lock().unwrap().clear();
    call(&other).await.unwrap();
    assert_eq!(vendor.paths(), ["/project/getAll", "/project/getAll"], "a 401, then the token of the other process");
    assert_eq!(vendor.last().header("x-api-token"), "token-3");
    assert_eq!(vendor.logins(), 3);
}

#[tokio::test]
async fn i_008_expired_stored_token_is_replaced() {
    let (vendor, store, client) = setup();
    store.store(&key(), &"long dead".into(), None).await.unwrap();
    call(&client).await.unwrap();
    assert_eq!(vendor.paths(), ["/project/getAll", "/auth", "/project/getAll"]);
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(2, "token-1")));
    // A token that is not a valid header value is ignored.
    store.store(&key(), &"a\nb".into(), Some(2)).await.unwrap();
    call(&process(&vendor, &store, &TestClock::default())).await.unwrap();
    assert_eq!(store.load(&key()).await.unwrap().unwrap().token.expose(), "token-2");
}

#[tokio::test]
async fn idle_session_uses_the_newer_stored_token() {
    let (vendor, clock) = (Vendor::expiring(projects()), TestClock::default());
    let client = process(&vendor, &memory(), &clock);
    call(&client).await.unwrap();
    clock.advance(Duration::from_secs(29 * 60));
    call(&client).await.unwrap();
    assert_eq!(vendor.logins(), 1, "the vendor still knew it, and only its 401 says that a token is dead");
}

#[tokio::test]
async fn explicit_login_ignores_the_store() {
    let (vendor, store, client) = setup();
    store.store(&key(), &"stored".into(), None).await.unwrap();
    let answered = client.login(&options()).await.unwrap();
    assert_eq!(answered.value.token().unwrap().expose(), "token-1");
    client.login(&options()).await.unwrap();
    assert_eq!(vendor.logins(), 2);
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(3, "token-2")));
}

#[tokio::test]
async fn new_credentials_do_not_reuse_the_token() {
    let (vendor, store, client) = setup();
    call(&client).await.unwrap();
    client.set_credentials(&Credentials::new(PARTNER, "new-key")).unwrap();
    call(&client).await.unwrap();
    assert_eq!(vendor.logins(), 2);
    assert_eq!(vendor.last().header("x-api-token"), "token-2");
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(2, "token-2")));
}

#[tokio::test]
async fn store_separates_partners_and_hosts() {
    let (vendor, store) = (Vendor::script(vec![projects()]), memory());
    for (partner, base, token) in
        [(PARTNER, BASE, "token-1"), ("other", BASE, "token-2"), (PARTNER, "http://127.0.0.1:2", "token-3")]
    {
        let builder = Identify24::builder(Credentials::new(partner, API_KEY)).transport(Arc::clone(&vendor) as _);
        let builder = builder.base_url(base).clock(Arc::new(TestClock::default())).policy(policy());
        call(&builder.token_store(Arc::clone(&store)).build().unwrap()).await.unwrap();
        assert_eq!((vendor.last().header("x-api-partner"), vendor.last().header("x-api-token")), (partner, token));
    }
}

/// Behavior of a store.
#[derive(Clone, Copy, Debug)]
enum Behavior {
    /// Is empty, and accepts each token.
    Empty,
    Fails,
    Hangs,
    Panics,
    /// Another process is always faster.
    Outruns,
    /// Each call returns another token.
    Alternates(&'static [&'static str]),
}

/// A store with a set behavior that counts its calls.
#[derive(Debug)]
struct Fake {
    behavior: [Behavior; 2],
    calls: [AtomicUsize; 2],
    returned: AtomicUsize,
}

impl Fake {
    fn new(load: Behavior, store: Behavior) -> Arc<Self> {
        Arc::new(Self { behavior: [load, store], calls: Default::default(), returned: AtomicUsize::new(0) })
    }

    fn calls(&self) -> (usize, usize) {
        (self.calls[0].load(Ordering::SeqCst), self.calls[1].load(Ordering::SeqCst))
    }

    async fn act(&self, call: usize, given: Option<&Secret>) -> Result<Option<StoredToken>, Error> {
        self.calls[call].fetch_add(1, Ordering::SeqCst);
        match self.behavior[call] {
            Behavior::Empty => Ok(given.map(|token| StoredToken::new(1, token.clone()))),
            Behavior::Fails => Err(Error::new(Kind::Storage, "the store is gone")),
            Behavior::Hangs => pending().await,
            Behavior::Panics => panic!("a store with a bug"),
            Behavior::Outruns => Ok(Some(StoredToken::new(7, "the faster token"))),
            Behavior::Alternates(tokens) => {
                let number = self.returned.fetch_add(1, Ordering::SeqCst);
                Ok(Some(StoredToken::new(number as u64 + 1, tokens[number % tokens.len()])))
            }
        }
    }
}

#[async_trait]
impl TokenStore for Fake {
    async fn load(&self, _: &TokenKey) -> Result<Option<StoredToken>, Error> {
        self.act(0, None).await
    }

    async fn store(&self, _: &TokenKey, token: &Secret, _: Option<u64>) -> Result<StoredToken, Error> {
        self.act(1, Some(token)).await.map(Option::unwrap)
    }
}

#[tokio::test]
async fn failing_store_costs_a_login_but_no_call() {
    for (load, store, asked) in [
        (Behavior::Fails, Behavior::Empty, (1, 0)),
        (Behavior::Empty, Behavior::Fails, (1, 1)),
        (Behavior::Panics, Behavior::Panics, (1, 0)),
        (Behavior::Empty, Behavior::Panics, (1, 1)),
    ] {
        let (vendor, fake, _, client) = with_store(load, store);
        for _ in 0..3 {
            call(&client).await.unwrap();
        }
        assert_eq!((vendor.logins(), fake.calls()), (1, asked), "{load:?} {store:?}");
    }
}

#[test]
fn hanging_store_is_abandoned_after_two_seconds() {
    for load in [Behavior::Hangs, Behavior::Empty] {
        let (vendor, _, clock, client) = with_store(load, Behavior::Hangs);
        let mut reading = Box::pin(call(&client));
        assert!(poll_on(&mut reading).is_pending());
        clock.advance(Duration::from_millis(1_999));
        assert!(poll_on(&mut reading).is_pending());
        clock.advance(Duration::from_millis(1));
        assert!(matches!(poll_on(&mut reading), Poll::Ready(Ok(()))), "{load:?}");
        assert_eq!(vendor.logins(), 1);
    }
    // The deadline of the call comes first.
    let (vendor, _, clock, client) = with_store(Behavior::Hangs, Behavior::Hangs);
    let hurried = CallOptions::new().timeout(Duration::from_secs(1));
    let mut reading = Box::pin(client.projects(&hurried));
    assert!(poll_on(&mut reading).is_pending());
    clock.advance(Duration::from_secs(1));
    let Poll::Ready(Err(error)) = poll_on(&mut reading) else { panic!("the timeout has expired") };
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)));
    assert!(vendor.paths().is_empty());
}

#[tokio::test]
async fn first_stored_token_is_used_until_a_401() {
    let (vendor, outrun, _, client) = with_store(Behavior::Empty, Behavior::Outruns);
    call(&client).await.unwrap();
    let tokens: Vec<_> =
        vendor.arrived.lock().unwrap().iter().map(|arrived| arrived.header("x-api-token").to_owned()).collect();
    assert_eq!(tokens, ["", "the faster token", "", "token-2"], "a rejected version is not used again");
    assert_eq!(outrun.calls().1, 2);
}

#[tokio::test]
async fn i_008_store_of_expired_tokens_costs_at_most_one_call() {
    for (tokens, failed) in [
        (&["dead"][..], 0),
        (&["dead", "as dead"], 1),
        (&["dead", "as dead", "dead too"], 1),
        // More tokens than the session remembers.
        (&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"], 1),
    ] {
        let (vendor, _, _, client) = with_store(Behavior::Alternates(tokens), Behavior::Alternates(tokens));
        let mut errors = Vec::new();
        for _ in 0..10 {
            errors.extend(call(&client).await.err().map(|error| error.kind()));
        }
        // The second 401 to one call is final.
        assert_eq!(errors, vec![Kind::Authentication; failed], "{tokens:?}");
        assert_eq!((vendor.logins(), vendor.last().header("x-api-token")), (1, "token-1"), "{tokens:?}");
    }
}

#[tokio::test]
async fn i_009_rejected_token_is_not_used_under_a_new_version() {
    let (vendor, store, client) = setup();
    call(&client).await.unwrap();
    // The vendor invalidates it, and another process stores the same token again.
    store.store(&key(), &"token-1".into(), Some(1)).await.unwrap();
    vendor.logins.fetch_add(1, Ordering::SeqCst);
    call(&client).await.unwrap();
    assert_eq!((vendor.logins(), vendor.last().header("x-api-token")), (3, "token-3"));
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_first_of_two_writers() {
    let store = MemoryTokenStore::default();
    assert_eq!(store.load(&key()).await.unwrap(), None);
    assert_eq!(store.store(&key(), &"a".into(), None).await.unwrap(), StoredToken::new(1, "a"));
    assert_eq!(store.store(&key(), &"b".into(), None).await.unwrap(), StoredToken::new(1, "a"));
    assert_eq!(store.store(&key(), &"b".into(), Some(1)).await.unwrap(), StoredToken::new(2, "b"));
    assert_eq!(store.store(&key(), &"c".into(), Some(1)).await.unwrap(), StoredToken::new(2, "b"));
    assert_eq!(store.clone().load(&key()).await.unwrap(), Some(StoredToken::new(2, "b")));
    let shown = format!("{store:?} {:?} {:?}", key(), StoredToken::new(1, "t0ken"));
    assert!(!shown.contains(PARTNER) && !shown.contains("t0ken"), "{shown}");
}
