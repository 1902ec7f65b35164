//! One login for several processes: each client here stands for a process of its own (I-009).

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{API_KEY, Answer, PARTNER, TestClock, Vendor, fixture, ok, options, policy, status};
use identkit_core::{CallOptions, Delivery, Error, Kind, Secret, async_trait};
use identkit_identify24::{Credentials, Identify24, MemoryTokenStore, StoredToken, TokenKey, TokenStore};
use identkit_transport::Transport;

const BASE: &str = "http://127.0.0.1:1";

fn projects() -> Answer {
    ok(fixture("S-021-project-get-all-response.json"))
}

/// A vendor that knows only the newest token of all.
fn expiring() -> Arc<Vendor> {
    Arc::new_cyclic(|vendor: &std::sync::Weak<Vendor>| {
        let vendor = vendor.clone();
        Arc::into_inner(Vendor::new(move |arrived| {
            let newest = format!("token-{}", vendor.upgrade().unwrap().logins());
            if arrived.header("x-api-token") == newest { projects() } else { status(401) }
        }))
        .unwrap()
    })
}

fn process(vendor: &Arc<Vendor>, store: &Arc<dyn TokenStore>, clock: &TestClock) -> Identify24 {
    of_partner(vendor, store, clock, PARTNER, BASE)
}

fn of_partner(
    vendor: &Arc<Vendor>,
    store: &Arc<dyn TokenStore>,
    clock: &TestClock,
    partner: &str,
    base: &str,
) -> Identify24 {
    let transport: Arc<dyn Transport> = Arc::clone(vendor) as _;
    Identify24::builder(Credentials::new(partner, API_KEY))
        .transport(transport)
        .base_url(base)
        .clock(Arc::new(clock.clone()))
        .policy(policy())
        .token_store(Arc::clone(store))
        .build()
        .unwrap()
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

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls until nothing but time can help.
fn poll_on<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    for _ in 0..30 {
        if let Poll::Ready(done) = poll_once(future) {
            return Poll::Ready(done);
        }
    }
    Poll::Pending
}

#[tokio::test]
async fn i_009_two_processes_with_one_store_make_one_login() {
    let (vendor, store, clock) = (expiring(), memory(), TestClock::default());
    let (one, other) = (process(&vendor, &store, &clock), process(&vendor, &store, &clock));
    for client in [&one, &other, &one, &other] {
        call(client).await.unwrap();
        assert_eq!(vendor.last().header("x-api-token"), "token-1");
    }
    assert_eq!(vendor.logins(), 1);
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(1, "token-1")));
}

#[tokio::test]
async fn i_009_a_token_that_another_process_renewed_is_taken_after_a_401() {
    let (vendor, store, clock) = (expiring(), memory(), TestClock::default());
    let (one, other) = (process(&vendor, &store, &clock), process(&vendor, &store, &clock));
    call(&one).await.unwrap();
    call(&other).await.unwrap();
    // The vendor forgets the token of both; whoever notices first logs in for both.
    vendor.logins.fetch_add(1, Ordering::SeqCst);
    call(&one).await.unwrap();
    assert_eq!((vendor.logins(), vendor.last().header("x-api-token")), (3, "token-3"));
    vendor.arrived.lock().unwrap().clear();
    call(&other).await.unwrap();
    assert_eq!(vendor.paths(), ["/project/getAll", "/project/getAll"], "a 401, and then the other's token");
    assert_eq!(vendor.last().header("x-api-token"), "token-3");
    assert_eq!(vendor.logins(), 3);
}

#[tokio::test]
async fn i_008_a_stored_token_that_is_dead_costs_one_login_and_is_replaced() {
    let (vendor, store, clock) = (expiring(), memory(), TestClock::default());
    store.store(&key(), &"long dead".into(), None).await.unwrap();
    let client = process(&vendor, &store, &clock);
    call(&client).await.unwrap();
    assert_eq!(vendor.paths(), ["/project/getAll", "/auth", "/project/getAll"]);
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(2, "token-1")));
    // One that no header can hold is none.
    store.store(&key(), &"a\nb".into(), Some(2)).await.unwrap();
    let client = process(&vendor, &store, &clock);
    call(&client).await.unwrap();
    assert_eq!(store.load(&key()).await.unwrap().unwrap().token.expose(), "token-2");
}

#[tokio::test]
async fn an_idle_session_takes_the_token_that_others_kept_alive() {
    let (vendor, store, clock) = (expiring(), memory(), TestClock::default());
    let client = process(&vendor, &store, &clock);
    call(&client).await.unwrap();
    clock.advance(Duration::from_secs(29 * 60));
    call(&client).await.unwrap();
    assert_eq!(vendor.logins(), 1, "the vendor still knew it, and only its 401 says that a token is dead");
}

#[tokio::test]
async fn an_explicit_login_is_one_whatever_is_stored() {
    let (vendor, store, clock) = (expiring(), memory(), TestClock::default());
    store.store(&key(), &"stored".into(), None).await.unwrap();
    let client = process(&vendor, &store, &clock);
    let answered = client.login(&options()).await.unwrap();
    assert_eq!(answered.value.token().unwrap().expose(), "token-1");
    client.login(&options()).await.unwrap();
    assert_eq!(vendor.logins(), 2);
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(3, "token-2")));
}

#[tokio::test]
async fn new_credentials_take_no_token_of_the_former_ones() {
    let (vendor, store, clock) = (expiring(), memory(), TestClock::default());
    let client = process(&vendor, &store, &clock);
    call(&client).await.unwrap();
    client.set_credentials(&Credentials::new(PARTNER, "new-key")).unwrap();
    call(&client).await.unwrap();
    assert_eq!(vendor.logins(), 2);
    assert_eq!(vendor.last().header("x-api-token"), "token-2");
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(2, "token-2")));
}

#[tokio::test]
async fn neither_two_partners_nor_two_hosts_share_a_token_in_one_store() {
    let (vendor, store, clock) = (Vendor::script(vec![projects()]), memory(), TestClock::default());
    for (partner, base, token) in
        [(PARTNER, BASE, "token-1"), ("other", BASE, "token-2"), (PARTNER, "http://127.0.0.1:2", "token-3")]
    {
        call(&of_partner(&vendor, &store, &clock, partner, base)).await.unwrap();
        assert_eq!((vendor.last().header("x-api-partner"), vendor.last().header("x-api-token")), (partner, token));
    }
}

/// A store that does as it is told, and counts.
#[derive(Debug)]
struct Broken {
    load: Behaviour,
    store: Behaviour,
    loads: AtomicUsize,
    stores: AtomicUsize,
}

#[derive(Clone, Copy, Debug)]
enum Behaviour {
    Empty,
    Fails,
    Hangs,
}

impl Broken {
    fn new(load: Behaviour, store: Behaviour) -> Arc<Self> {
        Arc::new(Self { load, store, loads: AtomicUsize::new(0), stores: AtomicUsize::new(0) })
    }

    fn asked(&self) -> (usize, usize) {
        (self.loads.load(Ordering::SeqCst), self.stores.load(Ordering::SeqCst))
    }
}

async fn behave<T>(how: Behaviour, empty: T) -> Result<T, Error> {
    match how {
        Behaviour::Empty => Ok(empty),
        Behaviour::Fails => Err(Error::new(Kind::Storage, "the store is gone")),
        Behaviour::Hangs => pending().await,
    }
}

#[async_trait]
impl TokenStore for Broken {
    async fn load(&self, _: &TokenKey) -> Result<Option<StoredToken>, Error> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        behave(self.load, None).await
    }

    async fn store(&self, _: &TokenKey, token: &Secret, _: Option<u64>) -> Result<StoredToken, Error> {
        self.stores.fetch_add(1, Ordering::SeqCst);
        behave(self.store, StoredToken::new(1, token.clone())).await
    }
}

#[tokio::test]
async fn a_store_that_fails_costs_a_login_and_no_call() {
    for (load, store, asked) in
        [(Behaviour::Fails, Behaviour::Empty, (1, 0)), (Behaviour::Empty, Behaviour::Fails, (1, 1))]
    {
        let (vendor, clock, broken) = (expiring(), TestClock::default(), Broken::new(load, store));
        let shared: Arc<dyn TokenStore> = Arc::clone(&broken) as _;
        let client = process(&vendor, &shared, &clock);
        call(&client).await.unwrap();
        call(&client).await.unwrap();
        assert_eq!((vendor.logins(), broken.asked()), (1, asked), "{load:?} {store:?}");
    }
}

#[test]
fn a_store_that_hangs_is_left_after_two_seconds_and_the_call_goes_on() {
    for (load, store) in [(Behaviour::Hangs, Behaviour::Hangs), (Behaviour::Empty, Behaviour::Hangs)] {
        let (vendor, clock, broken) = (expiring(), TestClock::default(), Broken::new(load, store));
        let shared: Arc<dyn TokenStore> = Arc::clone(&broken) as _;
        let client = process(&vendor, &shared, &clock);
        let mut reading = Box::pin(call(&client));
        assert!(poll_on(&mut reading).is_pending());
        clock.advance(Duration::from_millis(1_999));
        assert!(poll_on(&mut reading).is_pending());
        clock.advance(Duration::from_millis(1));
        assert!(matches!(poll_on(&mut reading), Poll::Ready(Ok(()))), "{load:?}");
        assert_eq!(vendor.logins(), 1);
    }
}

#[test]
fn a_store_that_hangs_is_bounded_by_the_deadline_of_the_call() {
    let (vendor, clock) = (expiring(), TestClock::default());
    let shared: Arc<dyn TokenStore> = Broken::new(Behaviour::Hangs, Behaviour::Hangs);
    let client = process(&vendor, &shared, &clock);
    let hurried = CallOptions::new().timeout(Duration::from_secs(1));
    let mut reading = Box::pin(client.projects(&hurried));
    assert!(poll_on(&mut reading).is_pending());
    clock.advance(Duration::from_secs(1));
    let Poll::Ready(Err(error)) = poll_on(&mut reading) else { panic!("its time is over") };
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)));
    assert!(vendor.paths().is_empty());
}

/// Another process is always a little faster.
#[derive(Debug, Default)]
struct Outrun(Mutex<u64>);

#[async_trait]
impl TokenStore for Outrun {
    async fn load(&self, _: &TokenKey) -> Result<Option<StoredToken>, Error> {
        Ok(None)
    }

    async fn store(&self, _: &TokenKey, _: &Secret, _: Option<u64>) -> Result<StoredToken, Error> {
        *self.0.lock().unwrap() += 1;
        Ok(StoredToken::new(7, "the faster one's"))
    }
}

#[tokio::test]
async fn the_token_that_was_stored_first_is_everybodys_until_the_vendor_refuses_it() {
    let vendor =
        Vendor::new(
            |arrived| {
                if arrived.header("x-api-token") == "the faster one's" { status(401) } else { projects() }
            },
        );
    let (outrun, clock) = (Arc::new(Outrun::default()), TestClock::default());
    let shared: Arc<dyn TokenStore> = Arc::clone(&outrun) as _;
    let client = process(&vendor, &shared, &clock);
    call(&client).await.unwrap();
    let tokens: Vec<_> =
        vendor.arrived.lock().unwrap().iter().map(|arrived| arrived.header("x-api-token").to_owned()).collect();
    assert_eq!(tokens, ["", "the faster one's", "", "token-2"], "a version that was refused is not taken again");
    assert_eq!(*outrun.0.lock().unwrap(), 2);
}

/// Two processes that never agree: each call of the one or the other store is answered by another dead token.
#[derive(Debug)]
struct Alternating {
    tokens: &'static [&'static str],
    asked: AtomicUsize,
}

impl Alternating {
    fn next(&self) -> StoredToken {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        StoredToken::new(asked as u64 + 1, self.tokens[asked % self.tokens.len()])
    }
}

#[async_trait]
impl TokenStore for Alternating {
    async fn load(&self, _: &TokenKey) -> Result<Option<StoredToken>, Error> {
        Ok(Some(self.next()))
    }

    async fn store(&self, _: &TokenKey, _: &Secret, _: Option<u64>) -> Result<StoredToken, Error> {
        Ok(self.next())
    }
}

/// A vendor that knows the tokens that it gave out, and no other.
fn knowing_its_own() -> Arc<Vendor> {
    Vendor::new(|arrived| if arrived.header("x-api-token").starts_with("token-") { projects() } else { status(401) })
}

#[tokio::test]
async fn i_008_a_store_of_dead_tokens_costs_one_call_at_the_most_and_then_the_session_logs_in_by_itself() {
    for (tokens, failed) in [
        (&["dead"][..], 0),
        (&["dead", "as dead"], 1),
        (&["dead", "as dead", "dead too"], 1),
        // More than are remembered, and each of them new.
        (&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"], 1),
    ] {
        let (vendor, clock) = (knowing_its_own(), TestClock::default());
        let shared: Arc<dyn TokenStore> = Arc::new(Alternating { tokens, asked: AtomicUsize::new(0) });
        let client = process(&vendor, &shared, &clock);
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
async fn i_009_a_token_that_was_refused_is_not_taken_again_under_another_version() {
    let (vendor, store, clock) = (expiring(), memory(), TestClock::default());
    let client = process(&vendor, &store, &clock);
    call(&client).await.unwrap();
    // The vendor forgets it, and another process stores the same once more.
    store.store(&key(), &"token-1".into(), Some(1)).await.unwrap();
    vendor.logins.fetch_add(1, Ordering::SeqCst);
    call(&client).await.unwrap();
    assert_eq!((vendor.logins(), vendor.last().header("x-api-token")), (3, "token-3"));
}

/// A store with a bug.
#[derive(Debug)]
struct Panicking {
    load: bool,
}

#[async_trait]
impl TokenStore for Panicking {
    async fn load(&self, _: &TokenKey) -> Result<Option<StoredToken>, Error> {
        assert!(!self.load, "a store with a bug");
        Ok(None)
    }

    async fn store(&self, _: &TokenKey, _: &Secret, _: Option<u64>) -> Result<StoredToken, Error> {
        panic!("a store with a bug")
    }
}

#[tokio::test]
async fn a_store_that_panics_is_one_that_fails_and_costs_a_login_and_no_call() {
    for load in [true, false] {
        let (vendor, clock) = (expiring(), TestClock::default());
        let shared: Arc<dyn TokenStore> = Arc::new(Panicking { load });
        let client = process(&vendor, &shared, &clock);
        for _ in 0..3 {
            call(&client).await.unwrap();
        }
        assert_eq!(vendor.logins(), 1, "{load}");
    }
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
