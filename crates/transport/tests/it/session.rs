//! What a token session remembers, what ends a token, and how callers share a login.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue};
use identkit_core::{Delivery, Error, Kind, Secret, async_trait};
use identkit_testkit::TestClock;
use identkit_transport::{
    Authenticator, Generation, IssuedToken, Login, MemoryTokenStore, TokenKey, TokenSession, TokenStore,
};
use tokio::sync::Semaphore;

/// Time after which the sessions of these tests no longer use an idle token.
const IDLE: u64 = 100;

#[derive(Clone, Copy, Debug)]
enum Answer {
    Token(&'static str),
    Status(u16),
    Panic,
}
use Answer::{Panic, Status, Token};

/// A vendor's login that gives the listed answers, one per login.
struct Account {
    name: &'static str,
    answers: Mutex<VecDeque<Answer>>,
    logins: Mutex<usize>,
    /// Each login needs a permit.
    gate: Semaphore,
}

impl Account {
    fn new(name: &'static str, answers: &[Answer]) -> Arc<Self> {
        Arc::new(Self { gate: Semaphore::new(usize::MAX >> 3), ..Self::closed(name, answers) })
    }

    /// Creates an account whose logins wait until the gate opens.
    fn closed(name: &'static str, answers: &[Answer]) -> Self {
        let answers = Mutex::new(answers.iter().copied().collect());
        Self { name, answers, logins: Mutex::default(), gate: Semaphore::new(0) }
    }

    fn logins(&self) -> usize {
        *self.logins.lock().unwrap()
    }
}

#[async_trait]
impl Login for Account {
    fn key(&self) -> TokenKey {
        TokenKey::new("https://example.com", self.name)
    }

    async fn log_in(&self) -> Result<IssuedToken, Error> {
        *self.logins.lock().unwrap() += 1;
        self.gate.acquire().await.unwrap().forget();
        let answer = self.answers.lock().unwrap().pop_front().expect("one login more than expected");
        match answer {
            Token(token) => IssuedToken::new(Secret::new(token), token),
            Status(status) => Err(Error::new(Kind::Unavailable, "no token").with_status(status)),
            Panic => panic!("the login panics"),
        }
    }

    fn authorize(&self, token: &HeaderValue, headers: &mut HeaderMap) {
        headers.insert("x-token", token.clone());
    }
}

fn session(account: &Arc<Account>, clock: &TestClock, store: Option<&MemoryTokenStore>) -> TokenSession {
    let (login, clock): (Arc<dyn Login>, _) = (Arc::<Account>::clone(account), Arc::new(clock.clone()));
    let store = store.map(|store| Arc::new(store.clone()) as Arc<dyn TokenStore>);
    TokenSession::new(login, clock, Duration::from_secs(IDLE), store)
}

/// Obtains the token for a request, like the driver.
async fn token_of(session: &TokenSession) -> Result<(String, Generation), Error> {
    let mut headers = HeaderMap::new();
    loop {
        if let Some(generation) = session.apply(&mut headers) {
            return Ok((headers["x-token"].to_str().unwrap().to_owned(), generation));
        }
        session.renew(None).await?;
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A request. The expectation is its token, or the status of the failed login.
    Call(&'static str),
    /// The vendor answers 401 to the token with this number, from 1. Whether a new login can help.
    Refuse(u64, bool),
    /// A caller renews the token with the first number and gets the one with the second.
    Renew(u64, u64),
    /// Seconds pass.
    Pass(u64),
    /// An explicit login. The expectation is the token in its response.
    LogIn(&'static str),
    /// The credentials are replaced by those of an account that issues these tokens.
    Replace(&'static [Answer]),
    /// Another process stores this token.
    Store(&'static str),
}
use Step::{Call, LogIn, Pass, Refuse, Renew, Replace, Store};

#[tokio::test]
async fn a_token_is_kept_until_idle_refused_or_replaced() {
    const A_B: &[Answer] = &[Token("a"), Token("b")];
    let rows: &[(&str, &[Answer], &[Step], usize)] = &[
        ("remembered", &[Token("a")], &[Call("a"), Call("a"), Call("a")], 1),
        ("each use renews it", &[Token("a")], &[Call("a"), Pass(IDLE - 1), Call("a"), Pass(IDLE - 1), Call("a")], 1),
        ("idle", A_B, &[Call("a"), Pass(IDLE), Call("b")], 2),
        ("refused", A_B, &[Call("a"), Refuse(1, true), Call("b")], 2),
        (
            "late refusal of the former",
            A_B,
            &[Call("a"), Refuse(1, true), Call("b"), Refuse(1, true), Renew(1, 2), Call("b")],
            2,
        ),
        ("explicit login", A_B, &[Call("a"), LogIn("b"), Call("b")], 2),
        ("credentials replaced", &[Token("a")], &[Call("a"), Replace(&[Token("n")]), Call("n"), Call("n")], 1),
        (
            "refusal of a token of former credentials",
            &[Token("a")],
            &[Call("a"), Replace(&[Token("n")]), Call("n"), Refuse(1, true), Call("n")],
            1,
        ),
        ("credentials refused", &[Status(401)], &[Call("401"), Call("401"), LogIn("401")], 1),
        ("refused credentials replaced", &[Status(401)], &[Call("401"), Replace(&[Token("n")]), Call("n")], 1),
        (
            "no new login after a refusal",
            &[Token("a"), Status(401)],
            &[Call("a"), Refuse(1, true), Call("401"), Refuse(1, false)],
            2,
        ),
        ("failure not remembered", &[Status(503), Token("a")], &[Call("503"), Call("a")], 2),
        ("stored by another process", &[], &[Store("s"), Call("s"), Call("s")], 0),
        ("stored and refused", &[Token("a")], &[Store("s"), Call("s"), Refuse(1, true), Call("a")], 1),
        ("newer one stored after a refusal", &[], &[Store("s"), Call("s"), Refuse(1, true), Store("t"), Call("t")], 0),
        (
            "two stored ones refused",
            &[Token("a")],
            &[Store("s"), Call("s"), Refuse(1, true), Store("t"), Call("t"), Refuse(2, true), Store("u"), Call("a")],
            1,
        ),
        (
            "stored one refused earlier",
            &[Token("a")],
            &[Store("s"), Call("s"), Refuse(1, true), Store("t"), Store("s"), Call("a")],
            1,
        ),
        ("explicit login in spite of a stored one", &[Token("a")], &[Store("s"), LogIn("a"), Call("a")], 1),
        ("idle, but another process may have used it", &[], &[Store("s"), Call("s"), Pass(IDLE), Call("s")], 0),
        ("idle, and a newer one stored", &[Token("a")], &[Call("a"), Store("s"), Pass(IDLE), Call("s")], 1),
    ];
    for (name, answers, steps, logins) in rows {
        let (account, clock, store) = (Account::new("one", answers), TestClock::default(), MemoryTokenStore::default());
        let shared = steps.iter().any(|step| matches!(step, Store(_)));
        let session = session(&account, &clock, shared.then_some(&store));
        for step in *steps {
            let at = format!("{name}: {step:?}");
            match *step {
                Call(expected) => match token_of(&session).await {
                    Ok((token, _)) => assert_eq!(token, expected, "{at}"),
                    Err(error) => {
                        assert_eq!(error.status().unwrap_or(401).to_string(), expected, "{at}");
                        assert_eq!(error.delivery(), Some(Delivery::NotSent), "{at}");
                    }
                },
                Refuse(number, helps) => assert_eq!(session.rejected(Generation(number)), helps, "{at}"),
                Renew(former, new) => {
                    assert_eq!(session.renew(Some(Generation(former))).await.unwrap(), Generation(new), "{at}");
                }
                Pass(seconds) => clock.advance(Duration::from_secs(seconds)),
                LogIn(expected) => match session.log_in().await {
                    Ok(login) => assert_eq!(login.response::<&str>(), Some(&expected), "{at}"),
                    Err(error) => assert_eq!((error.kind(), expected), (Kind::Authentication, "401"), "{at}"),
                },
                Replace(answers) => session.set_login(Account::new("two", answers)),
                Store(token) => {
                    let version = store.load(&account.key()).await.unwrap().map(|stored| stored.version);
                    store.store(&account.key(), &Secret::new(token), version).await.unwrap();
                }
            }
        }
        assert_eq!(account.logins(), *logins, "{name}");
        assert!(account.answers.lock().unwrap().is_empty(), "{name}: fewer logins than expected");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_callers_share_one_login() {
    let account = Arc::new(Account::closed("one", &[Token("a"), Token("b")]));
    let session = session(&account, &TestClock::default(), None);
    let callers = || {
        let call = |_| {
            let session = session.clone();
            tokio::spawn(async move { token_of(&session).await.unwrap() })
        };
        (0..64).map(call).collect::<Vec<_>>()
    };
    let first = callers();
    account.gate.add_permits(1);
    let first: Vec<_> = join_all(first).await.into_iter().map(Result::unwrap).collect();
    assert!(first.iter().all(|token| *token == ("a".to_owned(), Generation(1))), "{first:?}");
    assert_eq!(account.logins(), 1);

    // All of them get a 401 for the same token.
    assert!(first.iter().all(|(_, generation)| session.rejected(*generation)));
    let second = callers();
    account.gate.add_permits(1);
    for token in join_all(second).await {
        assert_eq!(token.unwrap(), ("b".to_owned(), Generation(2)));
    }
    assert_eq!(account.logins(), 2);
}

#[tokio::test]
async fn a_dropped_caller_does_not_cancel_the_shared_login() {
    let account = Arc::new(Account::closed("one", &[Token("a")]));
    let session = session(&account, &TestClock::default(), None);
    let (mut first, mut second) = (Box::pin(token_of(&session)), Box::pin(token_of(&session)));
    assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
    drop(first);
    assert!((&mut second).now_or_never().is_none());
    account.gate.add_permits(1);
    assert_eq!(second.await.unwrap().0, "a");
    assert_eq!(account.logins(), 1);
}

#[tokio::test]
async fn an_abandoned_login_that_fails_is_repeated_once() {
    for (second, expected) in [(Token("a"), Ok("a")), (Status(503), Err(Some(503)))] {
        let account = Arc::new(Account::closed("one", &[Status(503), second]));
        let session = session(&account, &TestClock::default(), None);
        // Its only caller is dropped, so the login is not polled until the next one.
        assert!(token_of(&session).now_or_never().is_none());
        account.gate.add_permits(2);
        let called = token_of(&session).await;
        assert_eq!(called.as_ref().map(|(token, _)| &**token).map_err(Error::status), expected);
        assert_eq!(account.logins(), 2);
    }
}

#[tokio::test]
async fn each_token_in_a_memory_store_has_a_higher_version() {
    let (store, one, two) = (MemoryTokenStore::default(), TokenKey::new("base", "one"), TokenKey::new("base", "two"));
    for (key, token, instead_of, expected) in [
        (&one, "a", None, (1, "a")),
        (&one, "b", None, (1, "a")),
        (&one, "b", Some(1), (2, "b")),
        (&one, "c", Some(1), (2, "b")),
        (&two, "d", Some(5), (6, "d")),
    ] {
        let stored = store.store(key, &Secret::new(token), instead_of).await.unwrap();
        assert_eq!((stored.version, stored.token.expose()), expected);
        assert_eq!(store.load(key).await.unwrap(), Some(stored));
    }
}

#[tokio::test]
async fn of_two_concurrent_logins_the_token_stored_first_counts() {
    let account = Arc::new(Account::closed("one", &[Token("a")]));
    let store = MemoryTokenStore::default();
    let session = session(&account, &TestClock::default(), Some(&store));
    let mut caller = Box::pin(token_of(&session));
    assert!((&mut caller).now_or_never().is_none());
    store.store(&account.key(), &Secret::new("s"), None).await.unwrap();
    account.gate.add_permits(1);
    assert_eq!(caller.await.unwrap().0, "s", "the login found no token, but another process was faster");
}

#[tokio::test]
async fn a_failed_login_fails_all_waiting_callers_once() {
    let account = Arc::new(Account::closed("one", &[Status(503), Token("a")]));
    let session = session(&account, &TestClock::default(), None);
    let mut callers: Vec<_> = (0..8).map(|_| Box::pin(token_of(&session))).collect();
    for caller in &mut callers {
        assert!(caller.now_or_never().is_none());
    }
    account.gate.add_permits(2);
    for outcome in join_all(callers).await {
        assert_eq!(outcome.unwrap_err().status(), Some(503));
    }
    assert_eq!(account.logins(), 1);
    assert_eq!(token_of(&session).await.unwrap().0, "a");
}

#[tokio::test]
async fn replaced_credentials_discard_a_running_login() {
    let account = Arc::new(Account::closed("one", &[Token("a")]));
    let session = session(&account, &TestClock::default(), None);
    let mut waiting = Box::pin(token_of(&session));
    assert!((&mut waiting).now_or_never().is_none());
    session.set_login(Account::new("two", &[Token("n")]));
    account.gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().0, "n", "the waiting caller gets the token of the new credentials");
    assert_eq!(token_of(&session).await.unwrap().0, "n");
}

#[tokio::test]
async fn a_panicking_login_does_not_block_the_next_one() {
    let account = Account::new("one", &[Panic, Token("a")]);
    let session = session(&account, &TestClock::default(), None);
    let panicked = std::panic::AssertUnwindSafe(token_of(&session)).catch_unwind().await;
    assert!(panicked.is_err());
    assert_eq!(token_of(&session).await.unwrap().0, "a");
}

#[tokio::test]
async fn debug_output_contains_no_token() {
    let session = session(&Account::new("one", &[Token("geheim")]), &TestClock::default(), None);
    assert_eq!(token_of(&session).await.unwrap().0, "geheim");
    let output = format!("{session:?}");
    assert!(output.contains("generation: Some(Generation(1))") && !output.contains("geheim"), "{output}");
    assert!(!format!("{:?}", session.apply(&mut HeaderMap::new())).contains("geheim"));
    let mut headers = HeaderMap::new();
    session.apply(&mut headers);
    assert!(!format!("{headers:?}").contains("geheim"), "the header is marked as sensitive");
}
