//! The attempts of one call. This code does not depend on the type of an operation, so it is compiled once.
//!
//! Invariants:
//! - A request that may have been sent is repeated only if [`decide`] allows it. Otherwise the error of an operation
//!   that changes something at the vendor is [`Kind::OutcomeUnknown`].
//! - After a 401 the credentials are renewed once; the second 401 is final.
//! - One deadline covers queueing, all attempts, the waits between them and reading a body that is not streamed.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use ::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, USER_AGENT};
use ::http::{Request, StatusCode, response};
use futures_util::future::{Either, select};
use identkit_core::{CallOptions, Clock, Content, Delivery, Error, Instant, Kind};
use identkit_wire::{AmbiguityPolicy, Answer, Body, BodyMode, Encoded, Meta, Received, RetrySafety, Warning};
use tokio::sync::Semaphore;

use super::coding;
use super::deadline::Deadline;
use super::decide::decide;
use super::limits::{RetryBucket, Slot};
use super::observed_call::ObservedCall;
use super::outcome::{
    Failed, Seen, Shown, Verdict, after_ambiguous_attempt, after_status_line, can_succeed, conclude, is_ambiguous,
    is_final, is_refusal, judge, unknown,
};
use super::receive::{ArrivingResponse, retry_after};
use super::stream::Guard;
use super::{Policy, Response};
use crate::observer::{CallInfo, CallObserver, Observer};
use crate::transport::ends_connection;
use crate::{AttemptContext, Authenticator, BaseUrl, Generation, Transport};

/// The `User-Agent` of every request.
static AGENT: HeaderValue = HeaderValue::from_static(concat!("identkit/", env!("CARGO_PKG_VERSION")));

/// Bodies up to this length are not checked for a stall: the deadline suffices.
const STALL_CHECK_FROM: u64 = 64 * 1024;

/// The part of a call that depends on its operation.
pub(super) trait Codec: Send {
    fn meta(&self) -> &'static Meta;

    /// Encodes the request: its path and the rest. Called once per attempt.
    fn encode(&self) -> Result<(String, Encoded), Error>;

    /// Decodes an expected response and stores its value.
    fn decode(&mut self, head: &response::Parts, body: Received) -> Result<Vec<Warning>, Error>;
}

pub(super) struct Engine {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) auth: Arc<dyn Authenticator>,
    pub(super) base: BaseUrl,
    pub(super) policy: Policy,
    pub(super) observer: Option<Arc<dyn Observer>>,
    /// One permit for each concurrent call.
    pub(super) slots: Arc<Semaphore>,
    pub(super) bucket: RetryBucket,
    /// Scope of the connections, see [`AttemptContext::scope`].
    pub(super) scope: u64,
}

impl Engine {
    pub(super) async fn call(&self, codec: &mut dyn Codec, options: &CallOptions) -> Result<Response<()>, Error> {
        let meta = codec.meta();
        let info = CallInfo { provider: meta.provider, operation: meta.name, tag: options.tag };
        let observer = self.observer.as_ref().map(|observer| observer.begin(&info));
        let mut observed = ObservedCall::begin(observer, &*self.clock);
        let called = self.repeat(codec, options, &mut observed).await.map_err(|error| {
            let error = error.with_operation(meta.name);
            if observed.ambiguous { after_ambiguous_attempt(meta, error) } else { error }
        });
        observed.end(&called);
        called
    }

    async fn repeat(
        &self,
        codec: &mut dyn Codec,
        options: &CallOptions,
        observed: &mut ObservedCall<'_>,
    ) -> Result<Response<()>, Error> {
        let meta = codec.meta();
        let began = observed.began;
        let allowed = options.attempts.unwrap_or(self.policy.attempts).max(1);
        let mut first = Some(codec.encode()?);
        let bytes = first.as_ref().map_or(0, |(_, encoded)| encoded.body.len());
        let deadline = began.plus(options.timeout.unwrap_or_else(|| self.policy.deadline_for(bytes)));

        let mut renewed = false;
        let mut made = 0;
        let mut tokens = 0;
        // Held from the end of a wait until the end of the next attempt, so that virtual time does not advance.
        let mut _work = None;
        loop {
            made += 1;
            let (path, Encoded { headers, body, warnings, .. }) = match first.take() {
                Some(first) => first,
                None => codec.encode()?,
            };
            let uri = self.base.join(&path)?;
            let slot = self.wait_for_slot(deadline).await?;
            let mut request = Request::new(body);
            *request.method_mut() = meta.method.clone();
            *request.uri_mut() = uri;
            *request.headers_mut() = headers;
            request.headers_mut().insert(USER_AGENT, AGENT.clone());
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let generation = self.authenticate(request.headers_mut(), deadline).await?;

            // A stale connection would make the outcome ambiguous.
            let repeatable = matches!(meta.ambiguity, AmbiguityPolicy::Retry(_));
            let fresh = self.policy.fresh_connections && meta.safety != RetrySafety::Safe && !repeatable;
            let ends = self.policy.fresh_connections && ends_connection(meta);
            let context = AttemptContext::new(fresh || ends, deadline).ending_connection(ends);
            let context = context.with_operation(meta).with_scope(self.scope);
            observed.attempt(made, &context);
            let mut failed = match self.attempt(codec, request, &context, slot, observed.observer.clone()).await {
                Ok(mut response) => {
                    observed.attempted(bytes, Ok(response.status.as_u16()), None);
                    self.bucket.succeeded(tokens);
                    response.attempts = made;
                    response.elapsed = self.clock.now().since(began);
                    response.warnings.splice(0..0, warnings);
                    return Ok(response);
                }
                Err(failed) => failed,
            };
            failed.error = conclude(meta, failed.error.with_operation(meta.name));
            // By the status, or by the body of a successful response (AI-30).
            if failed.error.kind() == Kind::Authentication && failed.error.delivery() == Some(Delivery::Answered) {
                observed.attempted(bytes, Err(&failed.error), None);
                let helps = generation.is_some_and(|generation| self.auth.rejected(generation));
                // A status and a body that disagree are not a sure refusal (AI-31).
                let sure = !meta.safety.forbids_repeat() || failed.status == Some(StatusCode::UNAUTHORIZED);
                let helps = helps && sure;
                if !helps || renewed {
                    return Err(failed.error);
                }
                renewed = true;
                mark_refused(&context, &failed);
                // Does not count as an attempt: the vendor refused before it did anything.
                made -= 1;
                self.before(deadline, self.auth.renew(generation)).await??;
                continue;
            }
            observed.ambiguous |= is_ambiguous(&failed.error);
            // After one ambiguous attempt, the limit of such attempts applies to all.
            let allowed = match meta.ambiguity {
                AmbiguityPolicy::Retry(at_most) if observed.ambiguous && meta.safety != RetrySafety::Safe => {
                    allowed.min(at_most)
                }
                _ => allowed,
            };
            let wait = decide(meta, &failed, made, allowed, &self.policy, fastrand::f64());
            if wait.is_some() && meta.safety.forbids_repeat() {
                mark_refused(&context, &failed);
            }
            let error = failed.error;
            let retry = wait.map(|wait| (wait, self.clock.now().plus(wait))).filter(|(_, until)| *until < deadline);
            // The bucket comes last: a call that ends anyway must not take tokens.
            let paid = retry.and_then(|(wait, until)| Some((wait, until, self.bucket.take(error.kind())?)));
            let Some((wait, until, cost)) = paid else {
                observed.attempted(bytes, Err(&error), None);
                return Err(error);
            };
            tokens += cost;
            observed.attempted(bytes, Err(&error), Some(wait));
            _work = None;
            _work = Some(self.clock.sleep_until(until).await);
        }
    }

    async fn wait_for_slot(&self, deadline: Instant) -> Result<Option<Slot>, Error> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(Some(slot));
        }
        // Boxed, so that the future of a call that need not wait stays small.
        match self.before(deadline, Box::pin(Arc::clone(&self.slots).acquire_owned())).await {
            // At the deadline a slot is useless: the request would be cut off. The semaphore is never closed.
            Ok(slot) if self.clock.now() < deadline => Ok(slot.ok()),
            _ => {
                let detail = "timed out waiting for a free slot: too many concurrent calls (the setting `concurrency` is the limit)";
                Err(Error::new(Kind::Timeout, detail).with_delivery(Delivery::NotSent))
            }
        }
    }

    async fn authenticate(&self, headers: &mut HeaderMap, deadline: Instant) -> Result<Option<Generation>, Error> {
        // Another call may get a 401 for the new credentials before they are applied here.
        for _ in 0..3 {
            if let Some(generation) = self.auth.apply(headers) {
                return Ok(Some(generation));
            }
            self.before(deadline, self.auth.renew(None)).await??;
        }
        let none =
            || Error::new(Kind::Authentication, "the authenticator provides no credentials, even after renewing them");
        self.auth.apply(headers).map(Some).ok_or_else(none)
    }

    async fn attempt(
        &self,
        codec: &mut dyn Codec,
        request: Request<Body>,
        context: &AttemptContext,
        slot: Option<Slot>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<Response<()>, Failed> {
        let meta = codec.meta();
        let bytes = request.body().len();
        let mut deadline = Deadline::of_attempt(&*self.clock, context);
        // Without the `&*`, the `Arc` would be the transport and box its future as well.
        let sending = Transport::send(&*self.transport, request, context);
        let response = match self.sending(context, bytes, &mut deadline, sending).await {
            Ok(sent) => sent.map_err(|failure| {
                let failed = Failed::from(failure);
                Failed { error: after_status_line(meta, failed.error), ..failed }
            })?,
            Err(timeout) => {
                let partial = context.partial_answer();
                let timeout = match partial {
                    Some(_) => {
                        timeout.with_kind(Kind::Timeout, "the head of the response was not complete within the timeout")
                    }
                    None => timeout,
                };
                let timeout = timeout.with_delivery(context.delivery()).with_answer(partial);
                return Err(Failed::timed_out(after_status_line(meta, timeout)));
            }
        };
        let status = response.status();
        let retry_after = retry_after(response.headers(), &*self.clock);
        let mut incoming = ArrivingResponse::new(meta, coding::decode(response)).early(context.is_early());
        match deadline.run(self.receive(codec, &mut incoming, slot, observer)).await {
            Ok(Ok(warnings)) => Ok(Response::new(status, warnings, incoming.into_unrepeatable())),
            Ok(Err(error)) => {
                let error = error.with_url(self.url(meta)).with_answer(incoming.into_raw());
                Err(Failed { error, status: Some(status), retry_after, permanent: false })
            }
            // The response is incomplete: only its head arrived in time.
            Err(timeout) => {
                let detail =
                    format!("the response with status {} was not complete within the timeout", status.as_u16());
                let timeout = timeout.with_kind(Kind::Timeout, detail).with_delivery(Delivery::MaybeSent);
                let timeout = if is_final(meta, status.as_u16()) { unknown(timeout) } else { timeout };
                Err(Failed::timed_out(timeout.with_answer(incoming.into_raw())))
            }
        }
    }

    async fn receive(
        &self,
        codec: &mut dyn Codec,
        incoming: &mut ArrivingResponse,
        slot: Option<Slot>,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Result<Vec<Warning>, Error> {
        let meta = codec.meta();
        let status = incoming.head.status.as_u16();
        let incomplete = |error: Error| {
            let error = error.with_status(status).with_delivery(Delivery::MaybeSent);
            if is_final(meta, status) { unknown(error) } else { error }
        };
        if !can_succeed(meta, status) {
            let (error, whole) = incoming.refusal().await;
            return Err(if whole {
                let shown = if incoming.shows_gateway() { Shown::Gateway } else { Shown::Other };
                self.settle(incoming, shown, error)
            } else {
                // Only a complete response counts as answered, even if it is a refusal.
                let detail = "the vendor refused, but its response may be incomplete: it ended too early, is too long, or has no length";
                incomplete(error.with_kind(Kind::Integrity, detail))
            });
        }
        if let Some(error) = coding::unsupported(&incoming.head.headers) {
            // The error retains the bytes.
            let _ = incoming.refusal().await;
            return Err(incomplete(error));
        }
        if incoming.content.len().is_none_or(|len| len > STALL_CHECK_FROM) {
            let content = std::mem::replace(&mut incoming.content, Content::empty());
            incoming.content = self.guard(Instant::NEVER, u64::MAX).wrap(content);
        }
        let mut body = incoming.body().await.map_err(incomplete)?;
        let mut stream = None;
        if let (Received::Stream { head: first, rest }, BodyMode::Stream { cap } | BodyMode::Sniff { cap, .. }) =
            (&mut body, meta.body_mode)
        {
            let deadline = self.clock.now().plus(self.policy.stream_timeout);
            let content = std::mem::replace(rest, Content::empty());
            let len = content.len();
            let shared = self.guard(deadline, cap).share(content, first.len() as u64, slot, observer);
            *rest = Content::new(len, shared.clone());
            stream = Some(shared);
        }
        // A body that the document does not describe can contradict the status.
        let shown = if meta.answer == Answer::Empty { incoming.shown() } else { Shown::Result };
        let seen = Seen { status, shown, shows_success: false, early: incoming.early };
        let verdict = judge(meta, seen);
        if !matches!(verdict, Verdict::Success | Verdict::UnlistedSuccess) {
            let detail = match shown {
                _ if incoming.early && verdict == Verdict::Unknown => {
                    "the response arrived before the whole request was sent"
                }
                Shown::Other => "the response has a body in which an error cannot be excluded",
                _ => "the response contradicts its status",
            };
            let error = Error::new(Kind::Protocol, detail).with_status(status).with_delivery(Delivery::Answered);
            return Err(self.settle(incoming, shown, error));
        }
        match codec.decode(&incoming.head, body) {
            Ok(mut warnings) => {
                if verdict == Verdict::UnlistedSuccess {
                    let message = format!("the document does not list status {status} for this call");
                    warnings.push(Warning::new(message, "AT-89"));
                }
                Ok(warnings)
            }
            Err(error) => {
                if let Some(stream) = stream {
                    // It has its length inside, which counts the bytes that were read before.
                    incoming.content = Content::new(None, stream);
                    let _ = incoming.fill().await;
                }
                // The status in the body counts if it is worse (AI-30).
                let shown = match error.kind() {
                    kind if is_refusal(kind) => Shown::Refusal,
                    // A body that the document does not describe contradicts the status.
                    _ if incoming.error_text().is_some() || meta.answer == Answer::Empty => Shown::Error,
                    _ => Shown::Other,
                };
                let worse = error.status().unwrap_or(status).max(status);
                Err(self.settle(incoming, shown, error.with_status(worse).with_delivery(Delivery::Answered)))
            }
        }
    }

    /// Applies the verdict on a complete response that is not a success to its error.
    fn settle(&self, incoming: &ArrivingResponse, shown: Shown, error: Error) -> Error {
        let meta = incoming.meta;
        let ids = incoming.find_ids();
        let status = match error.status() {
            Some(worse) if shown == Shown::Refusal => worse,
            // A body that contradicts itself does not change the status.
            _ => incoming.head.status.as_u16(),
        };
        let error = match (shown, incoming.error_text()) {
            (Shown::Error, Some(text)) => {
                let detail = "the vendor reports an error in a response with a success status";
                error.with_kind(Kind::Rejected, detail).with_vendor_text(text)
            }
            _ => error,
        };
        let shows_success = !ids.is_empty()
            || match shown {
                Shown::Other | Shown::Gateway => incoming.contradicts(),
                // The operation has read the body.
                Shown::Refusal => incoming.contradicts_by_headers(),
                _ => false,
            };
        match judge(meta, Seen { status, shown, shows_success, early: incoming.early }) {
            Verdict::Unknown => {
                let Some(id) = ids.first() else { return unknown(error) };
                // The response can be the only copy of the id.
                let detail = format!("{}; the response contains the element {}", error.detail(), id.name);
                let kind = error.kind();
                unknown(error.with_kind(kind, detail)).with_vendor_text(incoming.text())
            }
            Verdict::Refusal => {
                let documented = meta.refusals.iter().any(|refusal| refusal.status == status);
                let misled = matches!(status, 404 | 405) || (matches!(status, 400..=499) && !documented);
                if !misled {
                    return error;
                }
                // A forgotten path prefix is a likely cause.
                let detail = format!("{}; the URL called was {}", error.detail(), self.url(meta));
                let kind = error.kind();
                error.with_kind(kind, detail)
            }
            Verdict::Unreadable | Verdict::Success | Verdict::UnlistedSuccess => error,
        }
    }

    /// The URL of an operation, without ids.
    fn url(&self, meta: &Meta) -> String {
        let root = self.base.join("/").map(|root| root.to_string()).unwrap_or_default();
        format!("{}{}", root.trim_end_matches('/'), meta.path)
    }

    fn guard(&self, deadline: Instant, cap: u64) -> Guard {
        Guard { clock: Arc::clone(&self.clock), stall: self.policy.stall, deadline, cap }
    }

    async fn before<T>(&self, deadline: Instant, work: impl Future<Output = T>) -> Result<T, Error> {
        Deadline::new(&*self.clock, deadline).run(work).await
    }

    /// Runs the sending until the deadline; a long body also until it stalls.
    async fn sending<T>(
        &self,
        context: &AttemptContext,
        bytes: u64,
        deadline: &mut Deadline<'_>,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        if bytes <= STALL_CHECK_FROM {
            return deadline.run(work).await;
        }
        match select(pin!(deadline.run(work)), pin!(self.stalls(context, bytes))).await {
            Either::Left((done, _)) => done,
            Either::Right((error, _)) => Err(error),
        }
    }

    /// Ends when no byte of the body was sent for a while. If the transport does not report its progress, only the deadline
    /// applies.
    async fn stalls(&self, context: &AttemptContext, bytes: u64) -> Error {
        let mut before = 0;
        loop {
            let now = self.clock.now();
            if now >= context.deadline() {
                return std::future::pending().await;
            }
            self.clock.sleep_until(now.plus(self.policy.stall).min(context.deadline())).await;
            let sent = context.body_sent();
            if sent > 0 && sent < bytes && sent == before {
                let seconds = self.policy.stall.as_secs();
                let detail = format!("the upload stalled: no byte was sent for {seconds} s");
                return Error::new(Kind::Timeout, detail).with_delivery(Delivery::MaybeSent);
            }
            before = sent;
        }
    }
}

/// Notes on an attempt that is repeated that the vendor surely refused it.
fn mark_refused(context: &AttemptContext, failed: &Failed) {
    let status = failed.error.status().or_else(|| failed.status.map(|status| status.as_u16()));
    if let Some(status) = status.filter(|_| failed.error.delivery() == Some(Delivery::Answered)) {
        context.mark_refused(status);
    }
}
