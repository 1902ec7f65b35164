//! Makes a call of an operation: authentication, one deadline, repeats.
//!
//! Invariants:
//! - A request that may have been sent is repeated only by [`OnAmbiguous::Retry`]; otherwise the error says
//!   [`Kind::OutcomeUnknown`] for whatever changes something at the vendor.
//! - A 401 is answered by new credentials once; the second is final.
//! - One deadline covers queueing, every attempt, the waits between them and the body of a whole answer.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING, USER_AGENT};
use ::http::{Request, Response, StatusCode, response};
use bytes::Bytes;
use futures_util::future::{Either, select};
use identkit_core::{Advice, CallOptions, Clock, Content, Delivery, Error, Kind, Mono};
use identkit_wire::{Body, Meta, OnAmbiguous, Operation, Received, Reply, Safety, Warning, refusal};

use crate::{Authenticator, BaseUrl, Failure, Generation, Hop, Transport};

/// How many bytes are looked at to tell a binary from JSON, if there are so many.
const SNIFF: usize = 16;

/// The most that is read of an error's body, in bytes.
const ERROR_BODY: usize = 64 * 1024;

/// How calls are repeated and how long they may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Attempts at the most.
    pub attempts: u32,
    /// The first wait is drawn from zero to this; each further one from zero to twice the one before.
    pub backoff: Duration,
    /// No wait is drawn from more than this.
    pub backoff_cap: Duration,
    /// A longer `Retry-After` is an error instead of a wait.
    pub retry_after_cap: Duration,
    /// One deadline over the whole call, unless the call brings its own.
    pub timeout: Duration,
}

impl Default for Policy {
    /// 4 attempts, 1 s doubling to 30 s, `Retry-After` up to 120 s, 60 s over all.
    fn default() -> Self {
        Self {
            attempts: 4,
            backoff: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(30),
            retry_after_cap: Duration::from_secs(120),
            timeout: Duration::from_secs(60),
        }
    }
}

/// A good answer and how it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered<T> {
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

impl<T> Answered<T> {
    /// The same answer with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Answered<U> {
        let Self { value, status, attempts, elapsed, warnings } = self;
        Answered { value: f(value), status, attempts, elapsed, warnings }
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
    jitter: Mutex<fastrand::Rng>,
    /// Of its connections, see [`Hop::scope`].
    scope: u64,
}

impl<D> fmt::Debug for Driver<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("base", &self.base).field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// What one attempt came to.
enum Attempt<T> {
    Done(Answered<T>),
    /// The vendor does not accept this generation of credentials.
    Unauthorized(Error, Option<Generation>),
    Failed {
        error: Error,
        retry_after: Option<Duration>,
        lasting: bool,
    },
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
        let mut random = fastrand::Rng::new();
        let scope = random.u64(..);
        Self { transport, clock, auth, base, dialect, policy: Policy::default(), jitter: Mutex::new(random), scope }
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
        self.policy = policy;
        self
    }

    /// The switches that every call is encoded and decoded with.
    pub fn dialect(&self) -> &D {
        &self.dialect
    }

    /// Where time comes from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`] before anything is sent; [`Kind::OutcomeUnknown`] when it changes something and may have
    /// been carried out; [`Kind::Timeout`] and [`Kind::Unreachable`] when no answer came and nothing can have changed;
    /// the vendor's refusals by [`refusal`]; [`Kind::Protocol`] for an answer that cannot be read.
    pub async fn call<Op>(&self, operation: &Op, options: &CallOptions) -> Result<Answered<Op::Output>, Error>
    where
        Op: Operation<Dialect = D>,
    {
        let mut doubtful = false;
        let called = self.repeat(operation, options, &mut doubtful).await;
        called.map_err(|error| if doubtful { in_doubt(Op::META, error) } else { error })
    }

    /// The attempts of one call; `doubtful` says whether one of them may have arrived without a complete answer.
    async fn repeat<Op>(
        &self,
        operation: &Op,
        options: &CallOptions,
        doubtful: &mut bool,
    ) -> Result<Answered<Op::Output>, Error>
    where
        Op: Operation<Dialect = D>,
    {
        let meta = Op::META;
        let named = |error: Error| error.with_operation(meta.name);
        let began = self.clock.mono();
        let deadline = began.plus(options.timeout.unwrap_or(self.policy.timeout));
        let attempts = options.attempts.unwrap_or(self.policy.attempts).max(1);
        let encoded = operation.encode(&self.dialect).map_err(named)?;
        let uri = self.base.join(&meta.path(&operation.path_params())?).map_err(named)?;

        let mut renewed = false;
        let mut made = 0;
        // Held from a waking until the attempt that it began is over, so that virtual time stands still meanwhile.
        let mut _awake = None;
        loop {
            made += 1;
            let mut request = Request::new(encoded.body.clone());
            *request.method_mut() = meta.method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = encoded.headers.clone();
            request.headers_mut().insert(USER_AGENT, AGENT);
            let generation = self.authenticate(request.headers_mut(), deadline).await.map_err(named)?;

            let (error, wait) = match self.attempt(operation, request, generation, deadline).await {
                Attempt::Done(mut answered) => {
                    answered.attempts = made;
                    answered.elapsed = self.clock.mono().since(began);
                    answered.warnings.splice(0..0, encoded.warnings);
                    return Ok(answered);
                }
                Attempt::Unauthorized(error, generation) => {
                    let helps = generation.is_some_and(|generation| self.auth.rejected(generation));
                    if !helps || renewed {
                        return Err(named(error));
                    }
                    renewed = true;
                    // Not an attempt that failed: the vendor answered, and refused before doing anything.
                    made -= 1;
                    self.within(deadline, self.auth.renew(generation)).await.map_err(named)?.map_err(named)?;
                    continue;
                }
                Attempt::Failed { error, retry_after, lasting } => {
                    let error = conclude(meta, named(error));
                    *doubtful |= error.delivery() == Some(Delivery::MaybeSent) || error.kind() == Kind::Unavailable;
                    let limit = if error.delivery() == Some(Delivery::MaybeSent) || error.kind() == Kind::Unavailable {
                        match meta.on_ambiguous {
                            OnAmbiguous::Retry(at_most) => attempts.min(at_most),
                            OnAmbiguous::Never | OnAmbiguous::Probe => 1,
                        }
                    } else if meta.safety == Safety::SideEffect && error.delivery() != Some(Delivery::NotSent) {
                        // Each costs money, texts a person or burns a try: never repeated once it was answered.
                        1
                    } else {
                        attempts
                    };
                    let worth = matches!(
                        error.kind(),
                        Kind::Unreachable | Kind::Timeout | Kind::Unavailable | Kind::RateLimited | Kind::Integrity
                    );
                    if lasting || !worth || made >= limit || retry_after > Some(self.policy.retry_after_cap) {
                        return Err(error);
                    }
                    (error, retry_after.unwrap_or_else(|| self.backoff(made)))
                }
            };
            let until = self.clock.mono().plus(wait);
            if until >= deadline {
                return Err(error);
            }
            _awake = None;
            _awake = Some(self.clock.sleep_until(until).await);
        }
    }

    async fn authenticate(&self, headers: &mut HeaderMap, deadline: Mono) -> Result<Option<Generation>, Error> {
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
        deadline: Mono,
    ) -> Attempt<Op::Output>
    where
        Op: Operation<Dialect = D>,
    {
        let meta = Op::META;
        // A stale connection would make the outcome ambiguous where it matters.
        let repeatable = matches!(meta.on_ambiguous, OnAmbiguous::Retry(_));
        let hop = Hop::new(meta.safety != Safety::Safe && !repeatable, deadline).scope(self.scope);
        let sent = self.within(deadline, self.transport.send(request, &hop)).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => return failed(failure),
            Err(timeout) => {
                return Attempt::Failed {
                    error: timeout.with_delivery(hop.delivery()),
                    retry_after: None,
                    lasting: true,
                };
            }
        };
        let status = response.status();
        let retry_after = retry_after(response.headers());
        match self.within(deadline, self.receive(operation, response)).await {
            Ok(Ok((value, warnings))) => {
                Attempt::Done(Answered { value, status, attempts: 0, elapsed: Duration::ZERO, warnings })
            }
            // Told by the status, or by the body of an answer of success (AI-30).
            Ok(Err(error)) if error.kind() == Kind::Authentication && error.delivery() == Some(Delivery::Answered) => {
                Attempt::Unauthorized(error, generation)
            }
            Ok(Err(error)) => Attempt::Failed { error, retry_after, lasting: false },
            // The head came, the rest did not: not a complete answer.
            Err(timeout) => {
                Attempt::Failed { error: timeout.with_delivery(Delivery::MaybeSent), retry_after: None, lasting: true }
            }
        }
    }

    async fn receive<Op>(
        &self,
        operation: &Op,
        response: Response<Content>,
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
        if head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(incomplete(Error::new(Kind::Protocol, "the answer is compressed, which was not asked for")));
        }
        let body = body_of(meta, &head, content).await.map_err(incomplete)?;
        let decoded = operation.decode(&head, body, &self.dialect);
        decoded
            .map(|decoded| (decoded.value, decoded.warnings))
            .map_err(|error| error.with_status(status).with_delivery(Delivery::Answered))
    }

    /// Races a future against the deadline.
    async fn within<T>(&self, deadline: Mono, work: impl Future<Output = T>) -> Result<T, Error> {
        match select(pin!(work), self.clock.sleep_until(deadline)).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => {
                Err(Error::new(Kind::Timeout, "no answer came in the time given").with_delivery(Delivery::NotSent))
            }
        }
    }

    /// Full jitter: anything from no wait to the doubled limit, so that callers do not come back together.
    fn backoff(&self, made: u32) -> Duration {
        let doublings = made.saturating_sub(1).min(16);
        let limit = self.policy.backoff.saturating_mul(1 << doublings).min(self.policy.backoff_cap);
        limit.mul_f64(self.jitter.lock().unwrap_or_else(PoisonError::into_inner).f64())
    }
}

const AGENT: HeaderValue = HeaderValue::from_static(concat!("identkit/", env!("CARGO_PKG_VERSION")));

fn failed<T>(failure: Failure) -> Attempt<T> {
    let Failure { delivery, kind, detail, lasting, source } = failure;
    let mut error = Error::new(kind, detail).with_delivery(delivery);
    if let Some(source) = source {
        error = error.with_source(source);
    }
    if lasting && kind == Kind::Unreachable {
        error = error.with_advice(Advice::CheckConnection);
    }
    Attempt::Failed { error, retry_after: None, lasting }
}

/// What a failed attempt means for this operation: where something may have changed, the outcome is unknown.
fn conclude(meta: &Meta, error: Error) -> Error {
    let changes = !matches!(meta.safety, Safety::Safe);
    let repeatable = matches!(meta.on_ambiguous, OnAmbiguous::Retry(_));
    // A success around an answer that cannot be read, and not around a complete refusal (`result: false`, AI-02).
    let refused = matches!(
        error.kind(),
        Kind::Rejected | Kind::Authentication | Kind::Forbidden | Kind::NotFound | Kind::Conflict | Kind::RateLimited
    );
    // 200 to 299 whether the operation reads it or not: a success that nobody expected is one all the same.
    let broken_success = !refused && error.status().is_some_and(|status| (200..300).contains(&status));
    let ambiguous =
        error.delivery() == Some(Delivery::MaybeSent) || error.kind() == Kind::Unavailable || broken_success;
    if !changes || !ambiguous || (repeatable && !broken_success) {
        return error;
    }
    let detail = format!("{}; whether the vendor carried it out is not known", error.detail());
    error.with_kind(Kind::OutcomeUnknown, detail).with_delivery(Delivery::MaybeSent)
}

/// The last error of a call of which an earlier attempt may have arrived: what the last one knows is not the whole.
fn in_doubt(meta: &Meta, error: Error) -> Error {
    if meta.safety == Safety::Safe || error.kind() == Kind::OutcomeUnknown {
        return error;
    }
    match (error.delivery(), error.kind()) {
        // A repeat is told that it is done already, perhaps by the first try: a 404 to a deletion, a 406.
        (Some(Delivery::Answered), kind @ (Kind::NotFound | Kind::InvalidState)) => {
            let detail = format!("{}; an earlier try of this call may have been carried out", error.detail());
            // What the operation itself advises for this status is kept, unless it is to do nothing.
            let advice = match error.advice() {
                Advice::DoNotRetry => Advice::Reconcile,
                own => own,
            };
            error.with_kind(kind, detail).with_advice(advice)
        }
        (Some(Delivery::NotSent) | None, _) => error.with_delivery(Delivery::MaybeSent),
        _ => error,
    }
}

async fn body_of(meta: &Meta, head: &response::Parts, mut content: Content) -> Result<Received, Error> {
    let (cap, sniff) = match meta.reply {
        Reply::Whole { cap } => return content.collect(cap).await.map(Received::Whole),
        Reply::Stream { cap } => (cap, None),
        Reply::Sniff { cap, stream } => (cap, Some(stream)),
    };
    if content.len().is_some_and(|len| len > cap) {
        return Err(Error::new(Kind::Protocol, format!("the answer is longer than the {cap} bytes allowed")));
    }
    let mut first = content.next().await.transpose()?.unwrap_or_default();
    while sniff.is_some() && first.len() < SNIFF {
        let Some(more) = content.next().await.transpose()? else { break };
        first = Bytes::from([first, more].concat());
    }
    if sniff.is_some_and(|streams| !streams(&head.headers, &first)) {
        let rest = content.collect(cap).await?;
        return Ok(Received::Whole(if rest.is_empty() { first } else { Bytes::from([first, rest].concat()) }));
    }
    // A connection that merely closes looks like an end: without a length nobody can tell whether it is whole.
    if content.len().is_none() && !is_chunked(&head.headers) {
        return Err(Error::new(Kind::Integrity, "the answer has no length, so that nothing shows whether it is whole"));
    }
    Ok(Received::Stream { head: first, rest: content })
}

/// The beginning of an error's body, which explains and is cut rather than lost; and whether it came without a break.
async fn beginning(mut content: Content) -> (Vec<u8>, bool) {
    let mut read = Vec::new();
    while read.len() < ERROR_BODY {
        match content.next().await {
            Some(Ok(chunk)) => {
                let room = ERROR_BODY.saturating_sub(read.len());
                read.extend(chunk.iter().take(room));
            }
            Some(Err(_)) => return (read, false),
            None => break,
        }
    }
    (read, true)
}

/// Whether the head says where the body ends: by chunks, since a length is known to the content already.
fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).iter().next_back().and_then(|value| value.to_str().ok());
    last.and_then(|value| value.rsplit(',').next()).is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

/// `Retry-After` in seconds; its date form is not used by any vendor here and is left to the back-off.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
