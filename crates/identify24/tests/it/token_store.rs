//! One login for several processes: each client here stands for a process of its own (I-009).

use std::future::{Future, pending};

use crate::support::*;

const BASE: &str = "http://127.0.0.1:1";

fn projects() -> Step {
    ok(fixture("S-021-project-get-all-response.json"))
}

fn process(vendor: &Arc<Vendor>, store: &Arc<dyn TokenStore>, clock: &TestClock) -> Identify24 {
    client_by(vendor, |builder| builder.clock(Arc::new(clock.clone())).token_store(Arc::clone(store)))
}

/// A vendor that knows only the newest token of all, a store, and a process that uses it.
fn one() -> (Arc<Vendor>, Arc<dyn TokenStore>, Identify24) {
    let (vendor, store) = (Vendor::expiring(projects()), memory());
    let client = process(&vendor, &store, &TestClock::default());
    (vendor, store, client)
}

/// A vendor as before, and a process with this store.
fn with_store(load: Does, store: Does) -> (Arc<Vendor>, Arc<Fake>, TestClock, Identify24) {
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

/// Polls until nothing but time can help.
fn poll_on<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let mut poll = || Pin::new(&mut *future).poll(&mut Context::from_waker(Waker::noop()));
    (0..30).map(|_| poll()).find(Poll::is_ready).unwrap_or(Poll::Pending)
}

#[tokio::test]
async fn i_009_two_processes_with_one_store_make_one_login() {
    let (vendor, store, one) = one();
    let other = process(&vendor, &store, &TestClock::default());
    for client in [&one, &other, &one, &other] {
        call(client).await.unwrap();
        assert_eq!(vendor.last().header("x-api-token"), "token-1");
    }
    assert_eq!(vendor.logins(), 1);
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(1, "token-1")));
}

#[tokio::test]
async fn i_009_a_token_that_another_process_renewed_is_taken_after_a_401() {
    let (vendor, store, one) = one();
    let other = process(&vendor, &store, &TestClock::default());
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
    let (vendor, store, client) = one();
    store.store(&key(), &"long dead".into(), None).await.unwrap();
    call(&client).await.unwrap();
    assert_eq!(vendor.paths(), ["/project/getAll", "/auth", "/project/getAll"]);
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(2, "token-1")));
    // One that no header can hold is none.
    store.store(&key(), &"a\nb".into(), Some(2)).await.unwrap();
    call(&process(&vendor, &store, &TestClock::default())).await.unwrap();
    assert_eq!(store.load(&key()).await.unwrap().unwrap().token.expose(), "token-2");
}

#[tokio::test]
async fn an_idle_session_takes_the_token_that_others_kept_alive() {
    let (vendor, clock) = (Vendor::expiring(projects()), TestClock::default());
    let client = process(&vendor, &memory(), &clock);
    call(&client).await.unwrap();
    clock.advance(Duration::from_secs(29 * 60));
    call(&client).await.unwrap();
    assert_eq!(vendor.logins(), 1, "the vendor still knew it, and only its 401 says that a token is dead");
}

#[tokio::test]
async fn an_explicit_login_is_one_whatever_is_stored() {
    let (vendor, store, client) = one();
    store.store(&key(), &"stored".into(), None).await.unwrap();
    let answered = client.login(&options()).await.unwrap();
    assert_eq!(answered.value.token().unwrap().expose(), "token-1");
    client.login(&options()).await.unwrap();
    assert_eq!(vendor.logins(), 2);
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(3, "token-2")));
}

#[tokio::test]
async fn new_credentials_take_no_token_of_the_former_ones() {
    let (vendor, store, client) = one();
    call(&client).await.unwrap();
    client.set_credentials(&Credentials::new(PARTNER, "new-key")).unwrap();
    call(&client).await.unwrap();
    assert_eq!(vendor.logins(), 2);
    assert_eq!(vendor.last().header("x-api-token"), "token-2");
    assert_eq!(store.load(&key()).await.unwrap(), Some(StoredToken::new(2, "token-2")));
}

#[tokio::test]
async fn neither_two_partners_nor_two_hosts_share_a_token_in_one_store() {
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

/// What a store does when it is asked.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// It holds nothing, and keeps what it is given.
    Nothing,
    Fails,
    Hangs,
    Panics,
    /// Another process was faster, always.
    Outruns,
    /// Processes that never agree: each time another token.
    Alternates(&'static [&'static str]),
}

/// A store that does as it is told, and counts.
#[derive(Debug)]
struct Fake {
    does: [Does; 2],
    asked: [AtomicUsize; 2],
    told: AtomicUsize,
}

impl Fake {
    fn new(load: Does, store: Does) -> Arc<Self> {
        Arc::new(Self { does: [load, store], asked: Default::default(), told: AtomicUsize::new(0) })
    }

    fn asked(&self) -> (usize, usize) {
        (self.asked[0].load(Ordering::SeqCst), self.asked[1].load(Ordering::SeqCst))
    }

    async fn act(&self, call: usize, given: Option<&Secret>) -> Result<Option<StoredToken>, Error> {
        self.asked[call].fetch_add(1, Ordering::SeqCst);
        match self.does[call] {
            Does::Nothing => Ok(given.map(|token| StoredToken::new(1, token.clone()))),
            Does::Fails => Err(Error::new(Kind::Storage, "the store is gone")),
            Does::Hangs => pending().await,
            Does::Panics => panic!("a store with a bug"),
            Does::Outruns => Ok(Some(StoredToken::new(7, "the faster one's"))),
            Does::Alternates(tokens) => {
                let told = self.told.fetch_add(1, Ordering::SeqCst);
                Ok(Some(StoredToken::new(told as u64 + 1, tokens[told % tokens.len()])))
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
async fn a_store_that_fails_or_panics_costs_a_login_and_no_call() {
    for (load, store, asked) in [
        (Does::Fails, Does::Nothing, (1, 0)),
        (Does::Nothing, Does::Fails, (1, 1)),
        (Does::Panics, Does::Panics, (1, 0)),
        (Does::Nothing, Does::Panics, (1, 1)),
    ] {
        let (vendor, fake, _, client) = with_store(load, store);
        for _ in 0..3 {
            call(&client).await.unwrap();
        }
        assert_eq!((vendor.logins(), fake.asked()), (1, asked), "{load:?} {store:?}");
    }
}

#[test]
fn a_store_that_hangs_is_left_after_two_seconds_and_the_call_goes_on() {
    for load in [Does::Hangs, Does::Nothing] {
        let (vendor, _, clock, client) = with_store(load, Does::Hangs);
        let mut reading = Box::pin(call(&client));
        assert!(poll_on(&mut reading).is_pending());
        clock.advance(Duration::from_millis(1_999));
        assert!(poll_on(&mut reading).is_pending());
        clock.advance(Duration::from_millis(1));
        assert!(matches!(poll_on(&mut reading), Poll::Ready(Ok(()))), "{load:?}");
        assert_eq!(vendor.logins(), 1);
    }
    // The deadline of the call comes first.
    let (vendor, _, clock, client) = with_store(Does::Hangs, Does::Hangs);
    let hurried = CallOptions::new().timeout(Duration::from_secs(1));
    let mut reading = Box::pin(client.projects(&hurried));
    assert!(poll_on(&mut reading).is_pending());
    clock.advance(Duration::from_secs(1));
    let Poll::Ready(Err(error)) = poll_on(&mut reading) else { panic!("its time is over") };
    assert_eq!((error.kind(), error.delivery()), (Kind::Timeout, Some(Delivery::NotSent)));
    assert!(vendor.paths().is_empty());
}

#[tokio::test]
async fn the_token_that_was_stored_first_is_everybodys_until_the_vendor_refuses_it() {
    let (vendor, outrun, _, client) = with_store(Does::Nothing, Does::Outruns);
    call(&client).await.unwrap();
    let tokens: Vec<_> =
        vendor.arrived.lock().unwrap().iter().map(|arrived| arrived.header("x-api-token").to_owned()).collect();
    assert_eq!(tokens, ["", "the faster one's", "", "token-2"], "a version that was refused is not taken again");
    assert_eq!(outrun.asked().1, 2);
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
        let (vendor, _, _, client) = with_store(Does::Alternates(tokens), Does::Alternates(tokens));
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
    let (vendor, store, client) = one();
    call(&client).await.unwrap();
    // The vendor forgets it, and another process stores the same once more.
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
