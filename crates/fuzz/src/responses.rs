//! Responses to every call of a client.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use identkit_core::{BoxFuture, CallOptions, Clock, Content, Instant, WorkGuard};
use identkit_transport::{AttemptContext, Failure, Transport};
use identkit_wire::{Body, Meta, ServedOperation};
use tokio::runtime::{Builder, Runtime};

/// Statuses that the first byte of an input selects.
const STATUSES: [u16; 16] = [200, 202, 201, 204, 206, 226, 301, 400, 401, 404, 406, 409, 429, 500, 503, 600];

/// Media types of responses.
const TYPES: [&str; 4] = ["application/json", "application/pdf", "text/plain; charset=utf-8", "video/mp4"];

/// A transport with the same response to every request.
#[derive(Debug)]
struct Canned {
    status: StatusCode,
    media_type: &'static str,
    body: Bytes,
    sent: AtomicU32,
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, _: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        context.mark_sent();
        self.sent.fetch_add(1, Ordering::SeqCst);
        let mut response = Response::new(Content::from_bytes(self.body.clone()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(self.media_type));
        Ok(response)
    }
}

/// A clock on which every wait is over at once.
#[derive(Debug)]
struct NoWaiting;

impl Clock for NoWaiting {
    fn wall(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn now(&self) -> Instant {
        Instant(Duration::ZERO)
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<'static, WorkGuard> {
        Box::pin(std::future::ready(WorkGuard::idle()))
    }

    fn hold(&self) -> WorkGuard {
        WorkGuard::idle()
    }
}

thread_local! {
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| {
        let runtime = runtime.get_or_init(|| match Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime,
            Err(_) => std::process::abort(),
        });
        runtime.block_on(work)
    })
}

impl Canned {
    fn parse(input: &[u8]) -> Option<Arc<Self>> {
        let (selector, body) = input.split_first()?;
        let status = *STATUSES.get(usize::from(selector & 15))?;
        let media_type = TYPES.get(usize::from(selector >> 4 & 3))?;
        let status = StatusCode::from_u16(status).ok()?;
        Some(Arc::new(Self { status, media_type, body: Bytes::copy_from_slice(body), sent: AtomicU32::new(0) }))
    }

    /// Checks how often the request of a call was sent.
    fn check(&self, meta: &Meta) {
        let sent = self.sent.swap(0, Ordering::SeqCst);
        let may_repeat = !meta.safety.forbids_repeat() || !self.status.is_success();
        assert!(may_repeat || sent <= 1, "{} was sent {sent} times", meta.name);
    }
}

/// Returns an operation with an id in its path. `None` if its request needs more than an empty object.
fn operation<Op: ServedOperation>() -> Option<Op> {
    let path = Op::META.path.replace("{OrderID}", "99921269855041").replace("{ident_id}", "1");
    let params = Op::META.match_path(&path, false)?;
    Op::decode_request(&params, &Request::new(Bytes::from_static(b"{}"))).ok()
}

/// Calls each operation of a client.
macro_rules! call_each {
    ($client:expr, $canned:expr; $($operation:ty),* $(,)?) => {$(
        if let Some(operation) = operation::<$operation>() {
            let result = block_on($client.call(&operation, &CallOptions::default()));
            let _ = result.map(drop).map_err(|error| (format!("{error:?}"), error.to_string(), error.salvaged_ids()));
            $canned.check(<$operation as identkit_wire::Operation>::META);
        }
    )*};
}

pub(crate) fn identity_tm(input: &[u8]) {
    use identkit_identity_tm::messages::Address;
    use identkit_identity_tm::*;
    let Some(canned) = Canned::parse(input) else { return };
    let builder = IdentityTm::builder(Credentials::new("4711", "secret")).transport(Arc::clone(&canned) as _);
    let Ok(client) = builder.clock(Arc::new(NoWaiting)).build() else { return };
    call_each!(client, canned;
        GetStatus, GetStatusExtended, GetIdentData, GetIdentDataInitial, GetIdentDataMethod, GetIdentDataPdf, GetESignPdf,
        GetESignHash, GetVoiceFiles, GetAllStatus, GetAllStatusExtended, DrainUnreported, DrainUnreportedExtended,
        GetBankList, CheckSignmeUser, ConfirmSign, DelIdentData, CancelOrder, ServerStatus,
        MaybeEncrypted<GetIdentData>, Unread<GetAllStatus>, Streamed<GetESignPdf>,
    );
    let address = Address::default().firstname("Erika").surname("Mustermann").country("DE");
    let order =
        PutOrder::default().reference("case-4711").product(12_u32).add(0_u64).email("e@example.com").address(address);
    let placed = block_on(client.put_order(&order, &CallOptions::default()));
    let sent = canned.sent.swap(0, Ordering::SeqCst);
    assert!(sent <= 1 || !canned.status.is_success(), "an order was sent {sent} times");
    if let Err(error) = placed {
        assert!(sent <= 1 || error.salvaged_ids().is_empty(), "an order was sent {sent} times beside an id");
    }
}

pub(crate) fn identify24(input: &[u8]) {
    use identkit_identify24::operations::{GetAllProjects, GetIdent, GetProject, Login};
    use identkit_identify24::{Credentials, Identify24};
    let Some(canned) = Canned::parse(input) else { return };
    let builder = Identify24::builder(Credentials::new("key", "secret")).transport(Arc::clone(&canned) as _);
    let Ok(client) = builder.clock(Arc::new(NoWaiting)).build() else { return };
    call_each!(client, canned; Login, GetIdent, GetAllProjects, GetProject);
}
