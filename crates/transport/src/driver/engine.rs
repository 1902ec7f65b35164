//! The attempts of one call. Nothing here depends on the type of an operation, so it is compiled once.
//!
//! Invariants:
//! - A request that may have been sent is repeated only by [`decide`]; otherwise the error says
//!   [`Kind::OutcomeUnknown`] for an operation that changes something at the vendor.
//! - A 401 is answered by new credentials once; the second is final.
//! - One deadline covers queueing, every attempt, the waits between them and the body of a whole answer.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use ::http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue, USER_AGENT};
use ::http::{Request, response};
use futures_util::future::{Either, select};
use identkit_core::{CallOptions, Clock, Content, Delivery, Error, Instant, Kind};
use identkit_wire::{AmbiguityPolicy, Body, BodyMode, Encoded, Meta, Received, RetrySafety, Warning};
use tokio::sync::Semaphore;

use super::deadline::{Deadline, too_late};
use super::decide::decide;
use super::limits::{Place, RetryBucket};
use super::outcome::{Failed, conclude, in_doubt, is_ambiguous};
use super::receive::{Incoming, retry_after};
use super::stream::Guard;
use super::watch::Watch;
use super::{Policy, Response};
use crate::observer::{CallInfo, CallObserver, Observer};
use crate::{AttemptContext, Authenticator, BaseUrl, Generation, Transport};

/// What every request says it comes from.
static AGENT: HeaderValue = HeaderValue::from_static(concat!("identkit/", env!("CARGO_PKG_VERSION")));

/// An answer or a request body below this is not watched for a stall: it comes in one piece, and the deadline holds.
const WATCHED: u64 = 64 * 1024;

/// The part of a call that depends on its operation.
pub(super) trait Codec: Send {
    fn meta(&self) -> &'static Meta;

    /// Writes the request: its path and the rest. Called once per attempt.
    fn encode(&self) -> Result<(String, Encoded), Error>;

    /// Reads an expected response and stores its value.
    fn decode(&mut self, head: &response::Parts, body: Received) -> Result<Vec<Warning>, Error>;
}

pub(super) struct Engine {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) auth: Arc<dyn Authenticator>,
    pub(super) base: BaseUrl,
    pub(super) policy: Policy,
    pub(super) observer: Option<Arc<dyn Observer>>,
    /// One for each call that may be under way.
    pub(super) places: Arc<Semaphore>,
    pub(super) bucket: RetryBucket,
    /// Scope of the connections, see [`AttemptContext::scope`].
    pub(super) scope: u64,
}

impl Engine {
    pub(super) async fn call(&self, codec: &mut dyn Codec, options: &CallOptions) -> Result<Response<()>, Error> {
        let meta = codec.meta();
        let info = CallInfo { provider: meta.provider, operation: meta.name, tag: options.tag };
        let observer = self.observer.as_ref().map(|observer| observer.begin(&info));
        let mut watch = Watch::begin(observer, &*self.clock);
        let called = self.repeat(codec, options, &mut watch).await.map_err(|error| {
            let error = error.with_operation(meta.name);
            if watch.doubtful { in_doubt(meta, error) } else { error }
        });
        watch.end(&called);
        called
    }

    async fn repeat(
        &self,
        codec: &mut dyn Codec,
        options: &CallOptions,
        watch: &mut Watch<'_>,
    ) -> Result<Response<()>, Error> {
        let meta = codec.meta();
        let began = watch.began;
        let allowed = options.attempts.unwrap_or(self.policy.attempts).max(1);
        let mut first = Some(codec.encode()?);
        let bytes = first.as_ref().map_or(0, |(_, encoded)| encoded.body.len());
        let deadline = began.plus(options.timeout.unwrap_or_else(|| self.policy.deadline_for(bytes)));

        let mut renewed = false;
        let mut made = 0;
        let mut tokens = 0;
        // Held from a waking until the attempt that it began is over, so that virtual time stands still meanwhile.
        let mut _awake = None;
        loop {
            made += 1;
            let (path, Encoded { headers, body, warnings, .. }) = match first.take() {
                Some(first) => first,
                None => codec.encode()?,
            };
            let uri = self.base.join(&path)?;
            let place = self.place(deadline).await?;
            let mut request = Request::new(body);
            *request.method_mut() = meta.method.clone();
            *request.uri_mut() = uri;
            *request.headers_mut() = headers;
            request.headers_mut().insert(USER_AGENT, AGENT.clone());
            let generation = self.authenticate(request.headers_mut(), deadline).await?;

            // A stale connection would make the outcome ambiguous where it matters.
            let repeatable = matches!(meta.ambiguity, AmbiguityPolicy::Retry(_));
            let fresh = self.policy.fresh_connections && meta.safety != RetrySafety::Safe && !repeatable;
            let context = AttemptContext::new(fresh, deadline).with_operation(meta).with_scope(self.scope);
            watch.attempt(made, &context);
            let mut failed = match self.attempt(codec, request, &context, place, watch.observer.clone()).await {
                Ok(mut response) => {
                    watch.attempted(bytes, Ok(response.status.as_u16()), None);
                    self.bucket.succeeded(tokens);
                    response.attempts = made;
                    response.elapsed = self.clock.now().since(began);
                    response.warnings.splice(0..0, warnings);
                    return Ok(response);
                }
                Err(failed) => failed,
            };
            // By the status, or by the body of a successful response (AI-30).
            if failed.error.kind() == Kind::Authentication && failed.error.delivery() == Some(Delivery::Answered) {
                watch.attempted(bytes, Err(&failed.error), None);
                let helps = generation.is_some_and(|generation| self.auth.rejected(generation));
                if !helps || renewed {
                    return Err(failed.error);
                }
                renewed = true;
                // Not an attempt that failed: the vendor answered, and refused before doing anything.
                made -= 1;
                self.within(deadline, self.auth.renew(generation)).await??;
                continue;
            }
            failed.error = conclude(meta, failed.error.with_operation(meta.name), failed.status);
            watch.doubtful |= is_ambiguous(&failed.error);
            let wait = decide(meta, &failed, made, allowed, &self.policy, fastrand::f64());
            let error = failed.error;
            let retry = wait.map(|wait| (wait, self.clock.now().plus(wait))).filter(|(_, until)| *until < deadline);
            // The bucket is asked last: a call that ends anyway must not take tokens.
            let paid = retry.and_then(|(wait, until)| Some((wait, until, self.bucket.take(error.kind())?)));
            let Some((wait, until, cost)) = paid else {
                watch.attempted(bytes, Err(&error), None);
                return Err(error);
            };
            tokens += cost;
            watch.attempted(bytes, Err(&error), Some(wait));
            _awake = None;
            _awake = Some(self.clock.sleep_until(until).await);
        }
    }

    async fn place(&self, deadline: Instant) -> Result<Option<Place>, Error> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Some(place));
        }
        // First come, first served; in a box, which the common call is spared.
        match self.within(deadline, Box::pin(Arc::clone(&self.places).acquire_owned())).await {
            // A place that comes free at the last moment is of no use: what is sent then is sure to be cut off. The
            // semaphore is never closed, so that it never fails.
            Ok(place) if self.clock.now() < deadline => Ok(place.ok()),
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
        let none = || Error::new(Kind::Authentication, "there are no credentials to send");
        self.auth.apply(headers).map(Some).ok_or_else(none)
    }

    async fn attempt(
        &self,
        codec: &mut dyn Codec,
        request: Request<Body>,
        context: &AttemptContext,
        place: Option<Place>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<Response<()>, Failed> {
        let meta = codec.meta();
        let bytes = request.body().len();
        let mut deadline = Deadline::new(&*self.clock, context.deadline());
        // Sent by what is inside the `Arc`, which is a transport too, in a box of its own.
        let sending = Transport::send(&*self.transport, request, context);
        let response = match self.sending(context, bytes, &mut deadline, sending).await {
            Ok(sent) => sent.map_err(Failed::from)?,
            Err(timeout) => return Err(Failed::late(timeout.with_delivery(context.delivery()))),
        };
        let status = response.status();
        let retry_after = retry_after(response.headers(), &*self.clock);
        let mut incoming = Incoming::new(meta, response);
        match deadline.over(self.receive(codec, &mut incoming, place, observer)).await {
            Ok(Ok(warnings)) => Ok(Response::new(status, warnings, incoming.into_raw())),
            Ok(Err(error)) => {
                let error = error.with_answer(incoming.into_raw());
                Err(Failed { error, status: Some(status), retry_after, permanent: false })
            }
            // The head came, the rest did not: not a complete answer.
            Err(timeout) => {
                Err(Failed::late(timeout.with_delivery(Delivery::MaybeSent).with_answer(incoming.into_raw())))
            }
        }
    }

    async fn receive(
        &self,
        codec: &mut dyn Codec,
        incoming: &mut Incoming,
        place: Option<Place>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<Vec<Warning>, Error> {
        let meta = codec.meta();
        let status = incoming.head.status.as_u16();
        let incomplete = |error: Error| error.with_status(status).with_delivery(Delivery::MaybeSent);
        if !meta.expect.contains(&status) {
            let (error, whole) = incoming.refusal().await;
            return Err(if whole {
                error
            } else {
                // Only a complete response counts as an answer, a refusal too.
                incomplete(error.with_kind(Kind::Integrity, "the vendor refused, and its answer broke off"))
            });
        }
        let mut encodings = incoming.head.headers.get_all(CONTENT_ENCODING).iter();
        if encodings.any(|encoding| !encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity")) {
            return Err(incomplete(Error::new(Kind::Protocol, "the answer is compressed, which was not asked for")));
        }
        if incoming.content.len().is_none_or(|len| len > WATCHED) {
            let content = std::mem::replace(&mut incoming.content, Content::empty());
            incoming.content = self.guard(Instant::NEVER, u64::MAX).over(content, None, None);
        }
        let mut body = incoming.body().await.map_err(incomplete)?;
        if let (Received::Stream { head: first, rest }, BodyMode::Stream { cap } | BodyMode::Sniff { cap, .. }) =
            (&mut body, meta.body_mode)
        {
            let deadline = self.clock.now().plus(self.policy.stream_timeout);
            let content = std::mem::replace(rest, Content::empty());
            let left = cap.saturating_sub(first.len() as u64);
            *rest = self.guard(deadline, left).over(content, place, observer);
        }
        codec.decode(&incoming.head, body).map_err(|error| {
            // What the body says of itself counts where it is worse (AI-30).
            let worse = error.status().unwrap_or(status).max(status);
            error.with_status(worse).with_delivery(Delivery::Answered)
        })
    }

    fn guard(&self, deadline: Instant, cap: u64) -> Guard {
        Guard { clock: Arc::clone(&self.clock), stall: self.policy.stall, deadline, cap }
    }

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
            if now >= context.deadline() {
                return too_late();
            }
            self.clock.sleep_until(now.plus(self.policy.stall).min(context.deadline())).await;
            let moved = context.moved();
            if moved > 0 && moved < bytes && moved == before {
                let seconds = self.policy.stall.as_secs();
                let detail = format!("the upload stalled: nothing left for {seconds} s");
                return Error::new(Kind::Timeout, detail).with_delivery(Delivery::MaybeSent);
            }
            before = moved;
        }
    }
}
