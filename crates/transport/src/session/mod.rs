//! A session by token: one token for all clones of a client, got by one login however many callers wait for it.
//!
//! Invariants:
//! - While a login is under way, nobody starts another. Its future stands in a shared slot and whoever waits polls it:
//!   there is no background task, and a waiter that is dropped takes nothing away from the others.
//! - Only the vendor's 401 says that a token is dead; logging in ahead of time is an optimization.
//! - A 401 to a login is final: nothing more is sent until there are new credentials.
//! - No lock is held while anything is sent.
//! - A store that is shared with other processes saves logins: where it fails, panics or takes too long, this session
//!   logs in by itself. A token of the store's that the vendor refused is never taken again, and after two of them in a
//!   row the session logs in by itself.

mod store;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ::http::header::{HeaderMap, HeaderValue};
use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{Shared, ready};
use identkit_core::{BoxFuture, Clock, Delivery, Error, Instant, Kind, Secret};

pub use self::store::{MemoryTokenStore, StoredToken, TokenKey, TokenStore};

use self::store::within;
use crate::auth::refused_before;
use crate::{Authenticator, Generation};

/// How many refused tokens are remembered, the latest first. A store may hand them out again; more would have to come from
/// a store that makes them up.
const REMEMBERED: usize = 8;

/// After this many refused tokens of a store in a row the session logs in by itself.
const PATIENCE: u32 = 2;

/// A vendor's login with one set of credentials.
#[async_trait]
pub trait Login: Send + Sync {
    /// The key of the account's token in a [`TokenStore`].
    fn key(&self) -> TokenKey;

    /// Sends the login.
    ///
    /// # Errors
    /// An error with status 401 is final: nothing more is sent with these credentials.
    async fn log_in(&self) -> Result<IssuedToken, Error>;

    /// Writes the token into the headers of a request.
    fn authorize(&self, token: &HeaderValue, headers: &mut HeaderMap);
}

/// The token that a login returned.
pub struct IssuedToken {
    token: Secret,
    header: HeaderValue,
    response: Box<dyn Any + Send + Sync>,
}

impl IssuedToken {
    /// A token and the response that it came in, of any type.
    ///
    /// # Errors
    /// [`Kind::Protocol`] if the token cannot be written into a header.
    pub fn new(token: Secret, response: impl Any + Send + Sync) -> Result<Self, Error> {
        Ok(Self { header: header(&token)?, token, response: Box::new(response) })
    }
}

/// A login of a [`TokenSession`].
pub struct LoggedIn {
    generation: Generation,
    response: Option<Box<dyn Any + Send + Sync>>,
}

impl LoggedIn {
    /// The response that the token came in. `None` if another process got the token, or if the type is another one.
    pub fn response<T: Any>(&self) -> Option<&T> {
        self.response.as_deref()?.downcast_ref()
    }
}

type Outcome = Result<Arc<LoggedIn>, Arc<Error>>;
type SharedLogin = Shared<BoxFuture<'static, Outcome>>;

/// A login under way. Each caller that waits has a clone of the future.
struct Slot {
    future: SharedLogin,
    /// Whether nobody waited for it for a while.
    abandoned: bool,
}

struct Token {
    header: HeaderValue,
    last_used: Instant,
    login: Arc<LoggedIn>,
    /// Whether it came from the store that is shared with other processes, and not from a login of this session.
    lent: bool,
}

/// A token that a login came to, before it is the session's.
struct Granted {
    header: HeaderValue,
    response: Option<Box<dyn Any + Send + Sync>>,
    lent: bool,
}

struct State {
    login: Arc<dyn Login>,
    /// How often there were new credentials; a login with older ones no longer counts.
    epoch: u64,
    issued: u64,
    /// Whether the vendor refused the credentials.
    refused: bool,
    token: Option<Token>,
    slot: Option<Slot>,
    /// The tokens that the vendor refused: not to be taken from the shared store again.
    dead: Vec<HeaderValue>,
    /// Tokens of the store that were refused since the last login of the session's own.
    lent_refused: u32,
    /// Whether no token of others will do: the credentials were replaced and nothing was got by them yet.
    distrust: bool,
}

struct Inner {
    clock: Arc<dyn Clock>,
    idle: Duration,
    store: Option<Arc<dyn TokenStore>>,
    state: Mutex<State>,
}

/// Puts the token of a [`Login`] on requests and logs in when that is needed. Clones share the token.
#[derive(Clone)]
pub struct TokenSession {
    inner: Arc<Inner>,
}

impl TokenSession {
    /// A session that gets its tokens by `login`, and a new one ahead of time when the token was not used for `idle`. A
    /// `store` shares the token with other processes.
    pub fn new(
        login: Arc<dyn Login>,
        clock: Arc<dyn Clock>,
        idle: Duration,
        store: Option<Arc<dyn TokenStore>>,
    ) -> Self {
        let state = Mutex::new(State {
            login,
            epoch: 0,
            issued: 0,
            refused: false,
            token: None,
            slot: None,
            dead: Vec::new(),
            lent_refused: 0,
            distrust: false,
        });
        Self { inner: Arc::new(Inner { clock, idle, store, state }) }
    }

    /// Replaces the credentials. The present token is dropped, a login under way no longer counts, and a refusal of
    /// the former credentials is forgotten.
    pub fn set_login(&self, login: Arc<dyn Login>) {
        let mut state = self.inner.lock();
        state.login = login;
        state.epoch += 1;
        state.refused = false;
        state.token = None;
        state.dead.clear();
        state.lent_refused = 0;
        state.distrust = true;
        let former = state.slot.take();
        drop(state);
        drop(former);
    }

    fn generation(&self) -> Option<Generation> {
        self.inner.lock().token.as_ref().map(|token| token.login.generation)
    }

    /// Logs in, whatever token there is, or joins a login under way. The login returned has its
    /// [response](LoggedIn::response).
    ///
    /// # Errors
    /// [`Kind::Authentication`] when the vendor refuses the credentials, now or before; else what the login met.
    pub async fn log_in(&self) -> Result<Arc<LoggedIn>, Error> {
        let mut seen = self.generation();
        loop {
            let login = self.obtain(seen, true).await?;
            if login.response.is_some() {
                return Ok(login);
            }
            // It joined somebody who made do with a token of another process.
            seen = Some(login.generation);
        }
    }

    async fn obtain(&self, seen: Option<Generation>, anew: bool) -> Result<Arc<LoggedIn>, Error> {
        let mut again = true;
        loop {
            let (future, epoch, abandoned) = self.join(seen, anew)?;
            let error = match future.await {
                Ok(login) => return Ok(login),
                Err(error) => error,
            };
            if self.inner.lock().epoch != epoch {
                continue;
            }
            // Nobody polled it for a while: that it ran out of time says nothing about the vendor.
            if abandoned && again && error.kind() != Kind::Authentication {
                again = false;
                continue;
            }
            return Err(before_the_call(error));
        }
    }

    /// The login that is under way now, the epoch of its credentials, and whether nobody waited for it for a while.
    fn join(&self, seen: Option<Generation>, anew: bool) -> Result<(SharedLogin, u64, bool), Error> {
        let mut state = self.inner.lock();
        if state.refused {
            return Err(refused_before());
        }
        if let Some(token) = &state.token {
            if seen.is_none_or(|seen| token.login.generation > seen) {
                return Ok((ready(Ok(Arc::clone(&token.login))).boxed().shared(), state.epoch, false));
            }
            state.token = None;
        }
        let epoch = state.epoch;
        if let Some(slot) = &mut state.slot {
            // Once it lay untouched its time may have run out, for whoever joins it later too.
            slot.abandoned |= slot.future.strong_count() == Some(1);
            return Ok((slot.future.clone(), epoch, slot.abandoned));
        }
        let anew = anew || state.distrust || state.lent_refused >= PATIENCE;
        let (login, dead) = (Arc::clone(&state.login), state.dead.clone());
        let future = self.inner.log_in(epoch, login, dead, anew).boxed().shared();
        state.slot = Some(Slot { future: future.clone(), abandoned: false });
        Ok((future, epoch, false))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The login itself. It holds the session weakly, because the session's slot holds it. None of the `dead` tokens is of
    /// use, and none of the store's if it is to be made `anew`.
    fn log_in(
        self: &Arc<Self>,
        epoch: u64,
        login: Arc<dyn Login>,
        dead: Vec<HeaderValue>,
        anew: bool,
    ) -> impl Future<Output = Outcome> + use<> {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let session = Arc::downgrade(self);
        async move {
            match AssertUnwindSafe(Self::grant(store.as_deref(), &*clock, &*login, &dead, anew)).catch_unwind().await {
                Ok(granted) => Self::settle(&session, epoch, granted),
                Err(panic) => {
                    // It panics again for everyone who polls it: make room for another.
                    Self::give_up(&session, epoch);
                    resume_unwind(panic)
                }
            }
        }
    }

    /// Forgets a login that came to nothing, if it still is the one under way.
    fn give_up(session: &Weak<Self>, epoch: u64) {
        let Some(session) = session.upgrade() else { return };
        let mut state = session.lock();
        let former = if state.epoch == epoch { state.slot.take() } else { None };
        drop(state);
        drop(former);
    }

    /// A token of another process, or one of a login.
    async fn grant(
        mut store: Option<&dyn TokenStore>,
        clock: &dyn Clock,
        login: &dyn Login,
        dead: &[HeaderValue],
        anew: bool,
    ) -> Result<Granted, Error> {
        let key = login.key();
        // A store that just failed is not asked a second time: its failing would be waited for again.
        let mut there = None;
        if let Some(asked) = store {
            match within(clock, async { asked.load(&key).await }).await {
                Some(found) => there = found,
                None => store = None,
            }
        }
        let usable = |stored: &StoredToken| header(&stored.token).ok().filter(|header| !anew && !dead.contains(header));
        if let Some(header) = there.as_ref().and_then(usable) {
            return Ok(Granted { header, response: None, lent: true });
        }
        let IssuedToken { token, header, response } = login.log_in().await?;
        let mut granted = Granted { header, response: Some(response), lent: false };
        if let Some(told) = store {
            let version = there.map(|stored| stored.version);
            let stored = within(clock, async { told.store(&key, &token, version).await }).await;
            // Perhaps not ours, when another process was faster: all take the token that all can see.
            if let Some(header) = stored.as_ref().and_then(usable).filter(|header| *header != granted.header) {
                (granted.header, granted.lent) = (header, true);
            }
        }
        Ok(granted)
    }

    fn settle(session: &Weak<Self>, epoch: u64, granted: Result<Granted, Error>) -> Outcome {
        let Some(session) = session.upgrade() else {
            return Err(Arc::new(Error::new(Kind::Authentication, "the session is gone")));
        };
        let mut state = session.lock();
        if state.epoch != epoch {
            return Err(Arc::new(Error::new(Kind::Authentication, "the credentials were replaced meanwhile")));
        }
        let finished = state.slot.take();
        let outcome = match granted {
            Ok(Granted { header, response, lent }) => {
                state.issued += 1;
                state.distrust = false;
                if !lent {
                    state.lent_refused = 0;
                }
                let login = Arc::new(LoggedIn { generation: Generation(state.issued), response });
                let last_used = session.clock.now();
                state.token = Some(Token { header, last_used, login: Arc::clone(&login), lent });
                Ok(login)
            }
            Err(error) => {
                state.refused = error.status() == Some(401);
                Err(Arc::new(error))
            }
        };
        drop(state);
        drop(finished);
        outcome
    }
}

/// The token as a header, never to be printed.
fn header(token: &Secret) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::from_bytes(token.expose().as_bytes())
        .map_err(|_| Error::new(Kind::Protocol, "the vendor's token cannot be written into a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The error of a call that was not sent because the login before it failed. How far the login got is not how far the
/// call got, and a login of unknown outcome leaves nothing to reconcile.
fn before_the_call(error: Arc<Error>) -> Error {
    let kind = match error.kind() {
        Kind::OutcomeUnknown => Kind::Protocol,
        kind => kind,
    };
    let mut told = Error::new(kind, format!("logging in failed: {}", error.detail())).with_delivery(Delivery::NotSent);
    if let Some(status) = error.status() {
        told = told.with_status(status);
    }
    if let Some(text) = error.vendor_text() {
        told = told.with_vendor_text(text.clone());
    }
    told.with_source(error)
}

#[async_trait]
impl Authenticator for TokenSession {
    fn apply(&self, headers: &mut HeaderMap) -> Option<Generation> {
        let now = self.inner.clock.now();
        let mut state = self.inner.lock();
        if state.token.as_ref()?.last_used.plus(self.inner.idle) <= now {
            state.token = None;
            return None;
        }
        let State { login, token, .. } = &mut *state;
        let token = token.as_mut()?;
        token.last_used = now;
        login.authorize(&token.header, headers);
        Some(token.login.generation)
    }

    fn rejected(&self, generation: Generation) -> bool {
        let mut state = self.inner.lock();
        if let Some(token) = state.token.take_if(|token| token.login.generation == generation) {
            state.lent_refused = state.lent_refused.saturating_add(u32::from(token.lent));
            state.dead.insert(0, token.header);
            state.dead.truncate(REMEMBERED);
        }
        !state.refused
    }

    async fn renew(&self, seen: Option<Generation>) -> Result<Generation, Error> {
        self.obtain(seen, false).await.map(|login| login.generation)
    }
}

impl fmt::Debug for TokenSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.lock();
        f.debug_struct("TokenSession")
            .field("generation", &state.token.as_ref().map(|token| token.login.generation))
            .field("logging_in", &state.slot.is_some())
            .field("refused", &state.refused)
            .finish_non_exhaustive()
    }
}
