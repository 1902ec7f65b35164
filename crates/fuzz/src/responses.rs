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
    /// Whether a login of identify24 succeeds, so that calls are sent.
    logs_in: bool,
    status: StatusCode,
    media_type: &'static str,
    body: Bytes,
    sent: AtomicU32,
}

/// A response to a login of identify24.
const TOKEN: &str = r#"{"result":true,"response_status":200,"token":"a.b.c"}"#;

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        context.mark_sent();
        if self.logs_in && request.uri().path() == "/auth" {
            return Ok(Response::new(Content::from_bytes(TOKEN)));
        }
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
    fn parse(input: &[u8], logs_in: bool) -> Option<Arc<Self>> {
        let (selector, body) = input.split_first()?;
        let status = *STATUSES.get(usize::from(selector & 15))?;
        let media_type = TYPES.get(usize::from(selector >> 4 & 3))?;
        let status = StatusCode::from_u16(status).ok()?;
        Some(Arc::new(Self {
            logs_in,
            status,
            media_type,
            body: Bytes::copy_from_slice(body),
            sent: AtomicU32::new(0),
        }))
    }

    /// Checks how often the request of a call was sent.
    fn check(&self, meta: &Meta) {
        let sent = self.sent.swap(0, Ordering::SeqCst);
        let may_repeat = !meta.safety.forbids_repeat() || !self.status.is_success();
        assert!(may_repeat || sent <= 1, "{} was sent {sent} times", meta.name);
    }

    /// Checks how often a request that places an order or creates a case was sent.
    fn check_creation<T>(&self, result: Result<T, identkit_core::Error>) {
        let sent = self.sent.swap(0, Ordering::SeqCst);
        assert!(sent <= 1 || !self.status.is_success(), "a creation was sent {sent} times");
        if let Err(error) = result {
            assert!(sent <= 1 || error.salvaged_ids().is_empty(), "a creation was sent {sent} times beside an id");
        }
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
    let Some(canned) = Canned::parse(input, false) else { return };
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
    canned.check_creation(block_on(client.put_order(&order, &CallOptions::default())));
}

pub(crate) fn identify24(input: &[u8]) {
    use identkit_identify24::messages::{CreateIdent, Gender};
    use identkit_identify24::operations::{GetAllProjects, GetIdent, GetProject};
    use identkit_identify24::{Credentials, Identify24};
    let client = |logs_in| {
        let canned = Canned::parse(input, logs_in)?;
        let builder = Identify24::builder(Credentials::new("key", "secret")).transport(Arc::clone(&canned) as _);
        Some((canned, builder.clock(Arc::new(NoWaiting)).build().ok()?))
    };
    let (Some((canned, client)), Some((_, stranger))) = (client(true), client(false)) else { return };
    call_each!(client, canned; GetIdent, GetAllProjects, GetProject);
    let person = CreateIdent::default().person_first_name("Erika").person_last_name("Mustermann").birth_place("Berlin");
    let ident = person.project_id("6").gender(Gender::Female).birthday("1964-08-12").nationality("DE");
    let ident = ident.email("erika@example.com").mobile_phone("+49 170 1234567");
    let ident = ident.zip_code("51147").city("Köln").country("DE");
    canned.check_creation(block_on(client.create_ident(&ident, &CallOptions::default())));
    let login = block_on(stranger.login(&CallOptions::default()));
    let _ = login.map(drop).map_err(|error| (format!("{error:?}"), error.to_string()));
}
