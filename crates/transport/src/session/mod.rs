//! A token session: all clones of a client share one token, and concurrent callers share one login.
//!
//! Invariants:
//! - At most one login runs at a time. All waiting callers poll its shared future, without a background task, and a
//!   dropped caller does not affect the others.
//! - Only the vendor's 401 invalidates a token. Logging in ahead of time is an optimization.
//! - A 401 to a login is final: nothing more is sent until there are new credentials.
//! - No lock is held while a request is sent.
//! - A store shared with other processes only saves logins. If it fails, panics or takes too long, this session logs in.
//!   It uses none of the last eight refused tokens of the store again, and logs in after two refused ones in a row.

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
use crate::driver::NOT_KNOWN;
use crate::{Authenticator, Generation};

/// Number of refused tokens that are remembered, because a store may return them again.
const REFUSED_TOKENS: usize = 8;

/// Number of refused tokens of the store in a row after which the session logs in.
const STORE_REFUSALS: u32 = 2;

/// A vendor's login with one set of credentials.
#[async_trait]
pub trait Login: Send + Sync {
    /// The key of the account's token in a [`TokenStore`].
    fn key(&self) -> TokenKey;

    /// Sends the login.
    ///
    /// # Errors
    /// If the login fails. An error with status 401 is final: nothing more is sent with these credentials.
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
    /// Creates it from a token and the response that contained it, of any type.
    ///
    /// # Errors
    /// [`Kind::Protocol`] if the token cannot be encoded as a header.
    pub fn new(token: Secret, response: impl Any + Send + Sync) -> Result<Self, Error> {
        Ok(Self { header: header(&token)?, token, response: Box::new(response) })
    }
}

/// A completed login of a [`TokenSession`].
pub struct LoggedIn {
    generation: Generation,
    response: Option<Box<dyn Any + Send + Sync>>,
}

impl LoggedIn {
    /// The response that contained the token. `None` if another process obtained the token, or if `T` is another type.
    pub fn response<T: Any>(&self) -> Option<&T> {
        self.response.as_deref()?.downcast_ref()
    }
}

type Outcome = Result<Arc<LoggedIn>, Arc<Error>>;
type SharedLogin = Shared<BoxFuture<'static, Outcome>>;

/// A running login. Each waiting caller has a clone of the future.
struct RunningLogin {
    future: SharedLogin,
    /// Whether there was a time without waiting callers, in which it was not polled.
    abandoned: bool,
}

struct Token {
    header: HeaderValue,
    last_used: Instant,
    login: Arc<LoggedIn>,
    /// Whether the token is from the store and not from a login of this session.
    from_store: bool,
}

/// A token that was obtained but is not yet the session's.
struct NewToken {
    header: HeaderValue,
    response: Option<Box<dyn Any + Send + Sync>>,
    from_store: bool,
}

struct State {
    login: Arc<dyn Login>,
    /// Number of credential changes. A login with former credentials is discarded.
    epoch: u64,
    issued: u64,
    /// Whether the vendor refused the credentials.
    refused: bool,
    token: Option<Token>,
    running: Option<RunningLogin>,
    /// The tokens that the vendor refused, newest first. They are not taken from the store again.
    refused_tokens: Vec<HeaderValue>,
    /// Number of refused tokens of the store since the session's last own login.
    store_refusals: u32,
    /// Whether tokens of the store are ignored: the credentials were replaced and no login has succeeded since.
    ignore_store: bool,
}

struct Inner {
    clock: Arc<dyn Clock>,
    idle: Duration,
    store: Option<Arc<dyn TokenStore>>,
    state: Mutex<State>,
}

/// Adds the token of a [`Login`] to requests, and logs in if necessary. Clones share the token.
#[derive(Clone)]
pub struct TokenSession {
    inner: Arc<Inner>,
}

impl TokenSession {
    /// Creates a session that obtains tokens by `login`. If a token was not used for `idle`, the session obtains a new one
    /// before the next call. A `store` shares the token with other processes.
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
            running: None,
            refused_tokens: Vec::new(),
            store_refusals: 0,
            ignore_store: false,
        });
        Self { inner: Arc::new(Inner { clock, idle, store, state }) }
    }

    /// Replaces the credentials. The current token and a running login are discarded, and a refusal of the former
    /// credentials no longer applies.
    pub fn set_login(&self, login: Arc<dyn Login>) {
        let mut state = self.inner.lock();
        state.login = login;
        state.epoch += 1;
        state.refused = false;
        state.token = None;
        state.refused_tokens.clear();
        state.store_refusals = 0;
        state.ignore_store = true;
        let former = state.running.take();
        drop(state);
        drop(former);
    }

    fn generation(&self) -> Option<Generation> {
        self.inner.lock().token.as_ref().map(|token| token.login.generation)
    }

    /// Logs in even if there is a token, or joins a running login. The result always has a
    /// [response](LoggedIn::response).
    ///
    /// # Errors
    /// [`Kind::Authentication`] if the vendor refuses the credentials, now or earlier; otherwise the error of the login.
    pub async fn log_in(&self) -> Result<Arc<LoggedIn>, Error> {
        let mut former = self.generation();
        loop {
            let login = self.obtain(former, true).await?;
            if login.response.is_some() {
                return Ok(login);
            }
            // It joined a login that used a token of the store.
            former = Some(login.generation);
        }
    }

    async fn obtain(&self, former: Option<Generation>, force: bool) -> Result<Arc<LoggedIn>, Error> {
        let mut again = true;
        loop {
            let (future, epoch, abandoned) = self.join(former, force)?;
            let error = match future.await {
                Ok(login) => return Ok(login),
                Err(error) => error,
            };
            if self.inner.lock().epoch != epoch {
                continue;
            }
            // The login was not polled for a while: its timeout says nothing about the vendor.
            if abandoned && again && error.kind() != Kind::Authentication {
                again = false;
                continue;
            }
            return Err(before_the_call(error));
        }
    }

    /// Joins or starts a login. Returns its future, the epoch of its credentials, and whether it was abandoned.
    fn join(&self, former: Option<Generation>, force: bool) -> Result<(SharedLogin, u64, bool), Error> {
        let mut state = self.inner.lock();
        if state.refused {
            return Err(refused_before());
        }
        if let Some(token) = &state.token {
            if former.is_none_or(|former| token.login.generation > former) {
                return Ok((ready(Ok(Arc::clone(&token.login))).boxed().shared(), state.epoch, false));
            }
            state.token = None;
        }
        let epoch = state.epoch;
        if let Some(running) = &mut state.running {
            // Remains set for later callers: the timeout may expire once the login is polled again.
            running.abandoned |= running.future.strong_count() == Some(1);
            return Ok((running.future.clone(), epoch, running.abandoned));
        }
        let force = force || state.ignore_store || state.store_refusals >= STORE_REFUSALS;
        let (login, refused) = (Arc::clone(&state.login), state.refused_tokens.clone());
        let future = self.inner.log_in(epoch, login, refused, force).boxed().shared();
        state.running = Some(RunningLogin { future: future.clone(), abandoned: false });
        Ok((future, epoch, false))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The future of a login. It holds the session weakly, because the session holds it. `refused` tokens of the store are
    /// not used, and none at all if `force`.
    fn log_in(
        self: &Arc<Self>,
        epoch: u64,
        login: Arc<dyn Login>,
        refused: Vec<HeaderValue>,
        force: bool,
    ) -> impl Future<Output = Outcome> + use<> {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let session = Arc::downgrade(self);
        async move {
            match AssertUnwindSafe(Self::obtain_token(store.as_deref(), &*clock, &*login, &refused, force))
                .catch_unwind()
                .await
            {
                Ok(new) => Self::settle(&session, epoch, new),
                Err(panic) => {
                    // The shared future would panic again for every caller, so the next one needs a new future.
                    Self::discard(&session, epoch);
                    resume_unwind(panic)
                }
            }
        }
    }

    /// Discards a login that panicked, if it is still the current one.
    fn discard(session: &Weak<Self>, epoch: u64) {
        let Some(session) = session.upgrade() else { return };
        let mut state = session.lock();
        let former = if state.epoch == epoch { state.running.take() } else { None };
        drop(state);
        drop(former);
    }

    /// Obtains a token from the store or by a login.
    async fn obtain_token(
        mut store: Option<&dyn TokenStore>,
        clock: &dyn Clock,
        login: &dyn Login,
        refused: &[HeaderValue],
        force: bool,
    ) -> Result<NewToken, Error> {
        let key = login.key();
        // A store that fails to load is not used to save: that could take another timeout.
        let mut stored = None;
        if let Some(shared) = store {
            match within(clock, async { shared.load(&key).await }).await {
                Some(loaded) => stored = loaded,
                None => store = None,
            }
        }
        let usable =
            |stored: &StoredToken| header(&stored.token).ok().filter(|header| !force && !refused.contains(header));
        if let Some(header) = stored.as_ref().and_then(usable) {
            return Ok(NewToken { header, response: None, from_store: true });
        }
        let IssuedToken { token, header, response } = login.log_in().await?;
        let mut new = NewToken { header, response: Some(response), from_store: false };
        if let Some(shared) = store {
            let version = stored.map(|stored| stored.version);
            let stored = within(clock, async { shared.store(&key, &token, version).await }).await;
            // If another process was faster, its token is stored and all processes use it.
            if let Some(header) = stored.as_ref().and_then(usable).filter(|header| *header != new.header) {
                (new.header, new.from_store) = (header, true);
            }
        }
        Ok(new)
    }

    /// Stores the result in the session, unless the credentials were replaced.
    fn settle(session: &Weak<Self>, epoch: u64, new: Result<NewToken, Error>) -> Outcome {
        let Some(session) = session.upgrade() else {
            return Err(Arc::new(Error::new(Kind::Authentication, "the session was dropped")));
        };
        let mut state = session.lock();
        if state.epoch != epoch {
            return Err(Arc::new(Error::new(Kind::Authentication, "the credentials were replaced during the login")));
        }
        let finished = state.running.take();
        let outcome = match new {
            Ok(NewToken { header, response, from_store }) => {
                state.issued += 1;
                state.ignore_store = false;
                if !from_store {
                    state.store_refusals = 0;
                }
                let login = Arc::new(LoggedIn { generation: Generation(state.issued), response });
                let last_used = session.clock.now();
                state.token = Some(Token { header, last_used, login: Arc::clone(&login), from_store });
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

/// The token as a header, marked as sensitive.
fn header(token: &Secret) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::from_bytes(token.expose().as_bytes())
        .map_err(|_| Error::new(Kind::Protocol, "the vendor's token cannot be encoded as a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The error of a call that was not sent because its login failed. The call's delivery is `NotSent` even if the login was
/// sent, and an unknown outcome of the login needs no reconciliation.
fn before_the_call(error: Arc<Error>) -> Error {
    let kind = match error.kind() {
        Kind::OutcomeUnknown => Kind::Protocol,
        kind => kind,
    };
    // A login has no effect that the caller must find out about.
    let detail = error.detail().strip_suffix(NOT_KNOWN).unwrap_or_else(|| error.detail());
    let mut failed = Error::new(kind, format!("logging in failed: {detail}")).with_delivery(Delivery::NotSent);
    if let Some(status) = error.status() {
        failed = failed.with_status(status);
    }
    if let Some(text) = error.vendor_text() {
        failed = failed.with_vendor_text(text.clone());
    }
    failed.with_source(error)
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
            state.store_refusals = state.store_refusals.saturating_add(u32::from(token.from_store));
            state.refused_tokens.insert(0, token.header);
            state.refused_tokens.truncate(REFUSED_TOKENS);
        }
        !state.refused
    }

    async fn renew(&self, former: Option<Generation>) -> Result<Generation, Error> {
        self.obtain(former, false).await.map(|login| login.generation)
    }
}

impl fmt::Debug for TokenSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.lock();
        f.debug_struct("TokenSession")
            .field("generation", &state.token.as_ref().map(|token| token.login.generation))
            .field("logging_in", &state.running.is_some())
            .field("refused", &state.refused)
            .finish_non_exhaustive()
    }
}
