//! Makes a call of an operation: authentication, one deadline, repeats.
//!
//! Invariants:
//! - A request that may have been sent is repeated only by [`AmbiguityPolicy::Retry`]; otherwise the error says
//!   [`Kind::OutcomeUnknown`] for whatever changes something at the vendor.
//! - A 401 is answered by new credentials once; the second is final.
//! - One deadline covers queueing, every attempt, the waits between them and the body of a whole answer.

mod deadline;
mod kept;
mod limits;
mod outcome;
mod policy;
mod receive;
mod stream;
#[cfg(test)]
mod tests;
mod watch;

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue, USER_AGENT};
use ::http::{Request, StatusCode};
use futures_util::future::{Either, select};
use identkit_core::{Advice, CallOptions, Clock, Content, Delivery, Error, Instant, Kind};
use identkit_wire::{AmbiguityPolicy, Body, BodyMode, Operation, Received, RetrySafety, Warning, refusal};

pub use self::policy::Policy;

use self::deadline::{Deadline, too_late};
use self::kept::Kept;
use self::limits::{Jitter, Place, Places, RetryBucket};
use self::outcome::{conclude, error_of, in_doubt};
use self::receive::{beginning, body_of, retry_after};
use self::stream::Guard;
use self::watch::Watch;
use crate::observer::{CallInfo, CallObserver, Observer};
use crate::{AttemptContext, Authenticator, BaseUrl, Generation, Transport};

/// An answer or a request body below this is not watched for a stall: it comes in one piece, and the deadline holds.
const WATCHED: u64 = 64 * 1024;

/// A good answer and how it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response<T> {
    /// What it is worth.
    pub value: T,
    /// The HTTP status.
    pub status: StatusCode,
    /// Attempts that were made, 1 at the least.
    pub attempts: u32,
    /// From the call to the answer, waits included.
    pub elapsed: Duration,
    /// What writer and reader noticed.
    pub warnings: Vec<Warning>,
}

impl<T> Response<T> {
    /// The same answer with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Response<U> {
        let Self { value, status, attempts, elapsed, warnings } = self;
        Response { value: f(value), status, attempts, elapsed, warnings }
    }
}

/// Makes calls to one vendor account.
pub struct Driver<D> {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    auth: Arc<dyn Authenticator>,
    base: BaseUrl,
    dialect: D,
    policy: Policy,
    agent: HeaderValue,
    observer: Option<Arc<dyn Observer>>,
    jitter: Jitter,
    places: Places,
    bucket: RetryBucket,
    /// Of its connections, see [`AttemptContext::scope`].
    scope: u64,
}

impl<D> fmt::Debug for Driver<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("base", &self.base).field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// What one attempt came to.
enum Attempt<T> {
    Done(Response<T>),
    /// The vendor does not accept this generation of credentials.
    Unauthorized(Error, Option<Generation>),
    Failed(Failed),
}

/// An attempt that failed.
struct Failed {
    error: Error,
    /// The HTTP status of the answer, whatever its body says.
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    /// Whether another attempt would end the same.
    permanent: bool,
}

impl<D: Send + Sync> Driver<D> {
    /// A driver for the API at `base`, speaking this dialect of it.
    pub fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        auth: Arc<dyn Authenticator>,
        base: BaseUrl,
        dialect: D,
    ) -> Self {
        let policy = Policy::default();
        let (places, bucket) = (Places::new(policy.concurrency), RetryBucket::new(policy.retry_tokens));
        Self {
            transport,
            clock,
            auth,
            base,
            dialect,
            policy,
            agent: HeaderValue::from_static(OURS),
            observer: None,
            jitter: Jitter::new(),
            places,
            bucket,
            scope: fastrand::Rng::new().u64(..),
        }
    }

    /// Lets it use the connections of another driver of the same account.
    #[must_use]
    pub fn sharing_connections(mut self, other: &Self) -> Self {
        self.scope = other.scope;
        self
    }

    /// Changes how calls are repeated.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.places = Places::new(policy.concurrency);
        self.bucket = RetryBucket::new(policy.retry_tokens);
        self.policy = policy;
        self
    }

    /// Tells every call to an observer.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Puts a product before ours in the `User-Agent`, e.g. `onboarding/3.1`.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] for what a header cannot hold.
    pub fn with_user_agent(mut self, product: &str) -> Result<Self, Error> {
        self.agent = HeaderValue::from_str(&format!("{} {OURS}", product.trim()))
            .map_err(|_| Error::new(Kind::InvalidInput, "the product cannot be written into the User-Agent header"))?;
        Ok(self)
    }

    /// The switches that every call is encoded and decoded with.
    pub fn dialect(&self) -> &D {
        &self.dialect
    }

    /// Where time comes from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Makes the call. A call that is dropped tells the observer how far it got.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] before anything is sent; [`Kind::OutcomeUnknown`] when it changes something and may have
    /// been carried out; [`Kind::Timeout`] and [`Kind::Unreachable`] when no answer came and nothing can have changed;
    /// the vendor's refusals by [`refusal`]; [`Kind::Protocol`] for an answer that cannot be read.
    pub async fn call<Op>(&self, operation: &Op, options: &CallOptions) -> Result<Response<Op::Output>, Error>
    where
        Op: Operation<Dialect = D>,
    {
        let info = CallInfo { provider: Op::META.provider, operation: Op::META.name, tag: options.tag };
        let observer = self.observer.as_ref().map(|observer| observer.begin(&info));
        let mut watch = Watch::begin(observer, &*self.clock);
        let called = self.repeat(operation, options, &mut watch).await;
        let called = called.map_err(|error| {
            let error = error.with_operation(Op::META.name);
            if watch.doubtful { in_doubt(Op::META, error) } else { error }
        });
        watch.end(&called);
        called
    }

    /// The attempts of one call.
    async fn repeat<Op>(
        &self,
        operation: &Op,
        options: &CallOptions,
        watch: &mut Watch<'_>,
    ) -> Result<Response<Op::Output>, Error>
    where
        Op: Operation<Dialect = D>,
    {
        let meta = Op::META;
        let began = watch.began();
        let attempts = options.attempts.unwrap_or(self.policy.attempts).max(1);
        let encoded = operation.encode(&self.dialect)?;
        let path = meta.path(&operation.path_params())?;
        let mut first = Some((self.base.join(&path)?, encoded.headers));
        // What a further attempt begins with.
        let headers = first.as_ref().map(|(_, headers)| Kept::new(headers)).unwrap_or_default();
        let bytes = encoded.body.len();
        let deadline = began.plus(options.timeout.unwrap_or_else(|| self.policy.deadline_for(bytes)));

        let mut renewed = false;
        let mut made = 0;
        let mut tokens = 0;
        // Held from a waking until the attempt that it began is over, so that virtual time stands still meanwhile.
        let mut _awake = None;
        loop {
            made += 1;
            let place = self.place(deadline).await?;
            let mut request = Request::new(encoded.body.clone());
            *request.method_mut() = meta.method.clone();
            (*request.uri_mut(), *request.headers_mut()) = match first.take() {
                Some(first) => first,
                None => (self.base.join(&path)?, headers.again()),
            };
            request.headers_mut().insert(USER_AGENT, self.agent.clone());
            let generation = self.authenticate(request.headers_mut(), deadline).await?;

            // A stale connection would make the outcome ambiguous where it matters.
            let repeatable = matches!(meta.ambiguity, AmbiguityPolicy::Retry(_));
            let fresh = self.policy.fresh_connections && meta.safety != RetrySafety::Safe && !repeatable;
            let context = AttemptContext::new(fresh, deadline).of(meta).scope(self.scope);
            watch.attempt(made, &context);
            let Failed { error, status, retry_after, permanent } =
                match self.attempt(operation, request, generation, &context, place, watch.observer()).await {
                    Attempt::Done(mut answered) => {
                        watch.attempted(bytes, Ok(answered.status.as_u16()), None);
                        self.bucket.succeeded(tokens);
                        answered.attempts = made;
                        answered.elapsed = self.clock.now().since(began);
                        answered.warnings.splice(0..0, encoded.warnings);
                        return Ok(answered);
                    }
                    Attempt::Unauthorized(error, generation) => {
                        watch.attempted(bytes, Err(&error), None);
                        let helps = generation.is_some_and(|generation| self.auth.rejected(generation));
                        if !helps || renewed {
                            return Err(error);
                        }
                        renewed = true;
                        // Not an attempt that failed: the vendor answered, and refused before doing anything.
                        made -= 1;
                        self.within(deadline, self.auth.renew(generation)).await??;
                        continue;
                    }
                    Attempt::Failed(failed) => failed,
                };
            let error = conclude(meta, error.with_operation(meta.name), status);
            let ambiguous = error.delivery() == Some(Delivery::MaybeSent) || error.kind() == Kind::Unavailable;
            watch.doubtful |= ambiguous;
            let limit = if ambiguous {
                match meta.ambiguity {
                    AmbiguityPolicy::Retry(at_most) => attempts.min(at_most),
                    AmbiguityPolicy::Never | AmbiguityPolicy::Probe => 1,
                }
            } else if meta.safety == RetrySafety::SideEffect && error.delivery() != Some(Delivery::NotSent) {
                // Each costs money, texts a person or burns a try: never repeated once it was answered.
                1
            } else if meta.safety == RetrySafety::Creating
                && error.delivery() == Some(Delivery::Answered)
                && !meta.refusals.iter().any(|documented| status.is_some_and(|status| status == documented.status))
            {
                // A 429 that the vendor does not document may come from anybody on the way, who need not have kept the
                // request from the vendor; and one in the body of an answer of success contradicts itself.
                1
            } else {
                attempts
            };
            let worth = matches!(
                error.kind(),
                Kind::Unreachable | Kind::Timeout | Kind::Unavailable | Kind::RateLimited | Kind::Integrity
            );
            let wait = retry_after.unwrap_or_else(|| self.backoff(made));
            let until = self.clock.now().plus(wait);
            let hopeless = permanent || !worth || made >= limit || wait > self.longest_wait(retry_after);
            // Asked last: what is not repeated anyway must not take tokens.
            let paid = if hopeless || until >= deadline { None } else { self.bucket.take(error.kind()) };
            let Some(paid) = paid else {
                watch.attempted(bytes, Err(&error), None);
                return Err(error);
            };
            tokens += paid;
            watch.attempted(bytes, Err(&error), Some(wait));
            _awake = None;
            _awake = Some(self.clock.sleep_until(until).await);
        }
    }

    /// A wait that the vendor asked for has a cap; one of ours keeps its own.
    fn longest_wait(&self, retry_after: Option<Duration>) -> Duration {
        if retry_after.is_some() { self.policy.retry_after_cap } else { Duration::MAX }
    }

    /// Waits for a place among the calls under way.
    async fn place(&self, deadline: Instant) -> Result<Option<Place>, Error> {
        if let Some(place) = self.places.try_take() {
            return Ok(Some(place));
        }
        match self.within(deadline, self.places.take()).await {
            // A place that comes free at the last moment is of no use: what is sent then is sure to be cut off.
            Ok(place) if self.clock.now() < deadline => Ok(place),
            _ => {
                Err(Error::new(Kind::Timeout, "too many calls were under way for this one to begin in the time given")
                    .with_delivery(Delivery::NotSent))
            }
        }
    }

    async fn authenticate(&self, headers: &mut HeaderMap, deadline: Instant) -> Result<Option<Generation>, Error> {
        // Between renewing and using them another call may have had the new credentials refused: then once more.
        for _ in 0..3 {
            if let Some(generation) = self.auth.apply(headers) {
                return Ok(Some(generation));
            }
            self.within(deadline, self.auth.renew(None)).await??;
        }
        self.auth.apply(headers).map(Some).ok_or_else(|| {
            Error::new(Kind::Authentication, "there are no credentials to send").with_advice(Advice::CheckCredentials)
        })
    }

    async fn attempt<Op>(
        &self,
        operation: &Op,
        request: Request<Body>,
        generation: Option<Generation>,
        context: &AttemptContext,
        place: Option<Place>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Attempt<Op::Output>
    where
        Op: Operation<Dialect = D>,
    {
        let bytes = request.body().len();
        let mut deadline = Deadline::new(&*self.clock, context.deadline);
        // Sent by what is inside the `Arc`, which is a transport too, in a box of its own.
        let sending = Transport::send(&*self.transport, request, context);
        let response = match self.sending(context, bytes, &mut deadline, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => {
                let permanent = failure.permanent;
                return Attempt::Failed(Failed {
                    error: error_of(failure),
                    status: None,
                    retry_after: None,
                    permanent,
                });
            }
            Err(timeout) => {
                let error = timeout.with_delivery(context.delivery());
                return Attempt::Failed(Failed { error, status: None, retry_after: None, permanent: true });
            }
        };
        let status = response.status();
        let retry_after = retry_after(response.headers(), &*self.clock);
        match deadline.over(self.receive(operation, response, place, observer)).await {
            Ok(Ok((value, warnings))) => {
                Attempt::Done(Response { value, status, attempts: 0, elapsed: Duration::ZERO, warnings })
            }
            // Told by the status, or by the body of an answer of success (AI-30).
            Ok(Err(error)) if error.kind() == Kind::Authentication && error.delivery() == Some(Delivery::Answered) => {
                Attempt::Unauthorized(error, generation)
            }
            Ok(Err(error)) => Attempt::Failed(Failed { error, status: Some(status), retry_after, permanent: false }),
            // The head came, the rest did not: not a complete answer.
            Err(timeout) => {
                let error = timeout.with_delivery(Delivery::MaybeSent);
                Attempt::Failed(Failed { error, status: None, retry_after: None, permanent: true })
            }
        }
    }

    async fn receive<Op>(
        &self,
        operation: &Op,
        response: ::http::Response<Content>,
        place: Option<Place>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<(Op::Output, Vec<Warning>), Error>
    where
        Op: Operation<Dialect = D>,
    {
        let meta = Op::META;
        let (head, content) = response.into_parts();
        let status = head.status.as_u16();
        let incomplete = |error: Error| error.with_status(status).with_delivery(Delivery::MaybeSent);
        if !meta.expect.contains(&status) {
            let (told, whole) = beginning(content).await;
            let error = refusal(meta, head.status, &told);
            return Err(if whole {
                error
            } else {
                // Only a complete response counts as an answer, a refusal too.
                incomplete(error.with_kind(Kind::Integrity, "the vendor refused, and its answer broke off"))
            });
        }
        let mut encodings = head.headers.get_all(CONTENT_ENCODING).iter();
        if encodings.any(|encoding| !encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity")) {
            return Err(incomplete(Error::new(Kind::Protocol, "the answer is compressed, which was not asked for")));
        }
        let content = match content.len() {
            Some(len) if len <= WATCHED => content,
            _ => self.guard(Instant::NEVER, u64::MAX).watch(content),
        };
        let mut body = body_of(meta, &head, content).await.map_err(incomplete)?;
        if let (Received::Stream { head: first, rest }, BodyMode::Stream { cap } | BodyMode::Sniff { cap, .. }) =
            (&mut body, meta.body_mode)
        {
            let deadline = self.clock.now().plus(self.policy.stream_timeout);
            let content = std::mem::replace(rest, Content::empty());
            let left = cap.saturating_sub(first.len() as u64);
            *rest = self.guard(deadline, left).hand_out(content, place, observer);
        }
        let decoded = operation.decode(&head, body, &self.dialect);
        decoded.map(|decoded| (decoded.value, decoded.warnings)).map_err(|error| {
            // What the body says of itself counts where it is worse (AI-30).
            let worse = error.status().unwrap_or(status).max(status);
            error.with_status(worse).with_delivery(Delivery::Answered)
        })
    }

    fn guard(&self, deadline: Instant, cap: u64) -> Guard {
        Guard { clock: Arc::clone(&self.clock), stall: self.policy.stall, deadline, cap }
    }

    /// Races a future against the deadline.
    async fn within<T>(&self, deadline: Instant, work: impl Future<Output = T>) -> Result<T, Error> {
        Deadline::new(&*self.clock, deadline).over(work).await
    }

    /// Races the sending against the deadline, and a long body against a stall.
    async fn sending<T>(
        &self,
        context: &AttemptContext,
        bytes: u64,
        deadline: &mut Deadline<'_>,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        if bytes <= WATCHED {
            return deadline.over(work).await;
        }
        match select(pin!(work), pin!(self.stalls(context, bytes))).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right((error, _)) => Err(error),
        }
    }

    /// Ends when the deadline strikes, or when nothing of a body left for a while. A transport that does not tell how
    /// much has left is given the whole time.
    async fn stalls(&self, context: &AttemptContext, bytes: u64) -> Error {
        let mut before = 0;
        loop {
            let now = self.clock.now();
            if now >= context.deadline {
                return too_late();
            }
            self.clock.sleep_until(now.plus(self.policy.stall).min(context.deadline)).await;
            let moved = context.moved();
            if moved > 0 && moved < bytes && moved == before {
                let seconds = self.policy.stall.as_secs();
                let detail = format!("the upload stalled: nothing left for {seconds} s");
                return Error::new(Kind::Timeout, detail).with_delivery(Delivery::MaybeSent);
            }
            before = moved;
        }
    }

    /// Full jitter: anything from no wait to the doubled limit, so that callers do not come back together.
    fn backoff(&self, made: u32) -> Duration {
        let doublings = made.saturating_sub(1).min(16);
        let limit = self.policy.backoff.saturating_mul(1 << doublings).min(self.policy.backoff_cap);
        limit.mul_f64(self.jitter.draw())
    }
}

/// What every request says it comes from.
const OURS: &str = concat!("identkit/", env!("CARGO_PKG_VERSION"));
