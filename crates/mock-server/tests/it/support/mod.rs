//! What the tests share: a sandbox in virtual time, clients of both vendors, raw calls, and a receiver of webhooks.

pub(crate) mod door;
pub(crate) mod net;
pub(crate) mod prelude;
pub(crate) mod receiver;

use std::collections::VecDeque;

pub(crate) use door::Door;
pub(crate) use identkit_testkit::{body_bytes, eventually, pause, within};
pub(crate) use net::{any, plain, trusting};
pub(crate) use prelude::*;
pub(crate) use receiver::{Does, Hook};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) const TM: &str = "/api/2.10";
pub(crate) const EXAMPLE_ORDER: &str = "99921269855041";
pub(crate) const OTHER_EXAMPLE_ORDER: &str = "99920006C38842";
pub(crate) const EXAMPLE_IDENT: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// A sample of the vendors' documents, byte for byte.
pub(crate) fn fixture(vendor: &str, name: &str) -> Bytes {
    identkit_testkit::fixture(vendor, name).into()
}

pub(crate) fn json_fixture(vendor: &str, name: &str) -> Value {
    serde_json::from_slice(&fixture(vendor, name)).unwrap()
}

pub(crate) fn start_time() -> Timestamp {
    "2020-09-10T12:00:00Z".parse().unwrap()
}

/// Whether a rule has this id in the contract.
pub(crate) fn knows_rule(contract_id: &str) -> bool {
    identkit_mock_server::vendors::rules().iter().any(|rule| rule.contract_id() == contract_id)
}

/// The sandbox of every test here, without the rule that the environment names: so `cargo xtask campaign rules` finds out
/// which rules no test would miss.
pub(crate) fn sandbox() -> SandboxBuilder {
    match std::env::var("IDENTKIT_WITHOUT_RULE") {
        Ok(rule) => Sandbox::builder().without_rule(&rule).unwrap(),
        Err(_) => Sandbox::builder(),
    }
}

/// A sandbox whose time stands still until it is advanced.
pub(crate) struct Harness {
    pub(crate) clock: VirtualClock,
    pub(crate) sandbox: Sandbox,
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn strict() -> Self {
        Self::with(|builder| builder.profile(Profile::Strict))
    }

    pub(crate) fn with(more: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Self {
        Self::since(start_time(), more)
    }

    pub(crate) fn since(start: Timestamp, more: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Self {
        let clock = VirtualClock::new(start);
        // A receiver in this process is never given up on because the machine is busy.
        let builder = sandbox().clock(clock.clone()).seed(4711).receiver_guard(10 * SECOND);
        Self { sandbox: more(builder).start(), clock }
    }

    /// Calls this receiver, which notes times by the sandbox's clock.
    pub(crate) fn receiving(receiver: &Receiver) -> Self {
        let bench = Self::with(|builder| builder.webhooks_through(Arc::new(receiver.clone())));
        receiver.by(&bench.clock);
        bench
    }

    /// As [`Self::receiving`], with the receiver.
    pub(crate) fn with_receiver(receiver: Receiver) -> (Self, Receiver) {
        (Self::receiving(&receiver), receiver)
    }

    /// The client of identity.TM, which also accepts what only the document allows.
    pub(crate) fn tm(&self) -> IdentityTm {
        let mut dialect = Dialect::default();
        dialect.any_reference = true;
        let transport = Arc::new(InProcess(self.sandbox.clone()));
        tm_builder().dialect(dialect).transport(transport).clock(Arc::new(self.clock.clone())).build().unwrap()
    }

    /// The client of identify24 over this transport.
    pub(crate) fn identify24(&self, transport: Arc<dyn Transport>, clock: &VirtualClock) -> Identify24 {
        let _ = self;
        Identify24::builder(identkit_identify24::Credentials::new("911-internet", "sandbox-api-key"))
            .transport(transport)
            .clock(Arc::new(clock.clone()))
            .build()
            .unwrap()
    }

    /// Places the order and returns its id.
    pub(crate) async fn place(&self, order: PutOrder) -> OrderId {
        self.tm().put_order(&order, &options()).await.unwrap().value.order_id
    }

    /// Places an order and plays a story with it.
    pub(crate) async fn ended(&self, order: PutOrder, story: &str) -> OrderId {
        let id = self.place(order).await;
        self.play(id.expose(), story).await;
        id
    }

    /// Changes the settings of identity.TM's account.
    pub(crate) fn set_up(&self, change: impl FnOnce(&mut Settings)) {
        self.sandbox.with_world(|world| configure(world, change));
    }

    pub(crate) async fn outcome(&self, id: &OrderId, flavour: OrderFlavor) -> Outcome {
        self.tm().status(id, &options()).await.unwrap().value.finality(flavour).outcome
    }

    pub(crate) async fn create(&self, ident: &Value) -> Answer {
        let token = self.token().await;
        self.i24_call(&token, "POST", "/ident/create", ident.to_string()).await
    }

    /// Plays a story and waits until all that follows from it at this time has happened.
    pub(crate) async fn play(&self, case: &str, story: &str) {
        assert_eq!(self.begin(case, story), Some(Ok(())), "{story}");
        self.clock.settle().await;
    }

    pub(crate) fn begin(&self, case: &str, story: &str) -> Option<Result<(), identkit_mock_server::Rejection>> {
        self.sandbox.transition(case, &Transition::Scenario(story.to_owned()))
    }

    /// A raw call of identity.TM with the account's credentials.
    pub(crate) async fn tm_call(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = tm_request(method, path).header(CONTENT_TYPE, "application/json");
        self.raw(request.body(body.into()).unwrap()).await
    }

    /// A raw call of identity.TM that succeeds.
    pub(crate) async fn good(&self, method: &str, path: &str, body: String) -> Answer {
        let answer = self.tm_call(method, path, body).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
        answer
    }

    /// Places [`order`] with these fields more and returns its id.
    pub(crate) async fn ordered(&self, more: Value) -> String {
        let mut order = serde_json::to_value(order()).unwrap();
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.good("PUT", "/putOrder", order.to_string()).await;
        answer.json()["OrderID"].as_str().unwrap().to_owned()
    }

    /// An order with a contract to sign that has come so far.
    pub(crate) async fn to_sign(&self, story: &str) -> String {
        let pdf = json!({ "Data": encode_base64(&sample_contract()), "Filename": "contract.pdf" });
        let id = self.ordered(json!({ "Product": 15, "eSignPDF": pdf })).await;
        self.play(&id, story).await;
        id
    }

    /// A raw call of identify24 with this token.
    pub(crate) async fn i24_call(&self, token: &str, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("X-API-PARTNER", "911-internet")
            .header("X-API-TOKEN", token)
            .header(CONTENT_TYPE, "application/json");
        self.raw(request.body(body.into()).unwrap()).await
    }

    /// A token got by a raw login.
    pub(crate) async fn token(&self) -> String {
        let answer = self.log_in(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key"}"#).await;
        assert_eq!(answer.status, 200);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn log_in(&self, body: &str) -> Answer {
        let request = Request::builder().method("POST").uri("/auth").header(CONTENT_TYPE, "application/json");
        self.raw(request.body(body.to_owned().into()).unwrap()).await
    }

    pub(crate) async fn raw(&self, request: Request<Bytes>) -> Answer {
        let (head, body) = self.sandbox.handle(request).await.into_parts();
        let body = body.collect(u64::MAX).await.unwrap();
        let answer = Answer { status: head.status.as_u16(), headers: head.headers, body };
        answer.names_rules_of_the_table();
        answer
    }
}

/// A raw answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap())
    }

    /// Whatever the sandbox refuses, it says by which rules.
    #[track_caller]
    fn names_rules_of_the_table(&self) {
        let rules = self.rules();
        assert!(rules.iter().all(|rule| knows_rule(rule)), "{rules:?} in {}", self.text());
        let ours = self.text().starts_with(r#"{"Error""#) || self.text().starts_with(r#"{"messages""#);
        assert!(!rules.is_empty() || self.status < 400 || !ours, "{}", self.text());
    }

    /// The rules that a refusal names: in identity.TM's list of faults, or in the text of identify24.
    fn rules(&self) -> Vec<String> {
        let Ok(told) = serde_json::from_slice::<Value>(&self.body) else { return Vec::new() };
        if let Some(faults) = told["Faults"].as_array() {
            return faults.iter().map(|fault| fault["rule"].as_str().unwrap().to_owned()).collect();
        }
        let text = told["messages"][0].as_str().filter(|_| told["result"] == Value::Bool(false)).unwrap_or_default();
        let rule = |fault: &str| Some(fault.rsplit_once(" (")?.1.split_once(", ")?.0.to_owned());
        text.split("; ").filter_map(rule).collect()
    }

    /// The rule of a refusal that has one.
    #[track_caller]
    pub(crate) fn rule(&self) -> String {
        let [rule] = &self.rules()[..] else { panic!("not one rule: {}", self.text()) };
        rule.clone()
    }

    /// A refusal with this status that tells field, rule and section.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, field: &str, rule: &str, section: &str) {
        let text = self.text();
        assert_eq!(self.status, status, "{text}");
        for part in [field, rule, section] {
            assert!(text.contains(part), "{part} is not told in {text}");
        }
    }
}

pub(crate) fn options() -> CallOptions {
    CallOptions::new()
}

/// An identification by video (Product 12).
pub(crate) fn order() -> PutOrder {
    let person = Address::default().firstname("Erika").surname("Mustermann").country("DE").city("Köln");
    PutOrder::default().reference("ref-1").product(12_u32).add(0_u64).email("e.mustermann@example.com").address(person)
}

/// An ident of the example's project.
pub(crate) fn ident() -> CreateIdent {
    CreateIdent::default()
        .project_id("6")
        .gender(Gender::Female)
        .birthday("1964-08-12")
        .nationality("DE")
        .person_first_name("Erika")
        .person_last_name("Mustermann")
        .birth_place("Berlin")
        .email("erika@example.com")
        .mobile_phone("+49 170 1234567")
        .zip_code("51147")
        .city("Köln")
        .country("DE")
}

/// The URL template of an order webhook.
pub(crate) fn hook(event: &str) -> String {
    format!("https://hooks.example/identity-tm/t0ken/{event}?orderId=[OrderID]&ref=[Ref]")
}

/// The order with these webhooks.
pub(crate) fn order_with(events: &[&str]) -> PutOrder {
    let mut urls = WebhookUrl::default();
    for event in events {
        urls = match *event {
            "AfterVideo" => urls.after_video(hook(event)),
            "AfterIdent" => urls.after_ident(hook(event)),
            _ => urls.on_final(hook(event)),
        };
    }
    order().webhook_url(urls)
}

/// A contract to sign.
pub(crate) fn contract() -> SignPdf {
    SignPdf::default().data(Blob::from_bytes(sample_contract())).filename("contract.pdf")
}

/// The order with the contract, and a webhook for its end.
pub(crate) fn contract_order() -> PutOrder {
    order_with(&["OnFinal"]).product(15_u32).sign_pdf(OneOrMany::One(contract()))
}

/// A request of identity.TM with the account's credentials.
pub(crate) fn tm_request(method: &str, path: &str) -> http::request::Builder {
    let code = format!("Basic {}", encode_base64(b"sandbox-customer:sandbox-code"));
    Request::builder().method(method).uri(format!("{TM}{path}")).header(AUTHORIZATION, code)
}

/// The client of identity.TM with the account's credentials.
pub(crate) fn tm_client(transport: Arc<dyn Transport>, clock: impl Clock + 'static) -> IdentityTm {
    tm_builder().transport(transport).clock(Arc::new(clock)).build().unwrap()
}

pub(crate) fn tm_builder() -> identkit_identity_tm::Builder {
    IdentityTm::builder(identkit_identity_tm::Credentials::new("sandbox-customer", Secret::new("sandbox-code")))
}

/// A webhook as it arrived.
#[derive(Clone)]
pub(crate) struct Arrived {
    pub(crate) at: Instant,
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    /// The last segment of the path: what happened.
    pub(crate) fn event(&self) -> &str {
        let path = self.uri.split('?').next().unwrap();
        path.rsplit('/').next().unwrap()
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.at.0.as_secs_f64()
    }
}

type Behaviour = dyn Fn(Arrived) -> BoxFuture<'static, Option<u16>> + Send + Sync;

/// Somebody's receiver of webhooks, in this process: `None` is a connection that is refused.
#[derive(Clone)]
pub(crate) struct Receiver {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    clock: Arc<Mutex<Option<VirtualClock>>>,
    behaviour: Arc<Behaviour>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver")
    }
}

impl Receiver {
    pub(crate) fn doing(
        behaviour: impl Fn(Arrived) -> BoxFuture<'static, Option<u16>> + Send + Sync + 'static,
    ) -> Self {
        Self { arrived: Arc::default(), clock: Arc::default(), behaviour: Arc::new(behaviour) }
    }

    /// Always answers so.
    pub(crate) fn answering(status: Option<u16>) -> Self {
        Self::doing(move |_| Box::pin(async move { status }))
    }

    /// Answers each call when it is let go.
    pub(crate) fn gated() -> (Self, Arc<Notify>) {
        let gate = Arc::new(Notify::new());
        let inside = Arc::clone(&gate);
        let receiver = Self::doing(move |_| {
            let gate = Arc::clone(&inside);
            Box::pin(async move {
                gate.notified().await;
                Some(200)
            })
        });
        (receiver, gate)
    }

    /// Answers one after the other, and then always 200.
    pub(crate) fn script(statuses: &[Option<u16>]) -> Self {
        let script = Mutex::new(VecDeque::from(statuses.to_vec()));
        Self::doing(move |_| {
            let status = script.lock().unwrap().pop_front().unwrap_or(Some(200));
            Box::pin(async move { status })
        })
    }

    /// Notes times by this clock.
    pub(crate) fn by(&self, clock: &VirtualClock) {
        *self.clock.lock().unwrap() = Some(clock.clone());
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.arrived().iter().map(|call| call.event().to_owned()).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }

    pub(crate) async fn until(&self, count: usize) {
        eventually("the receiver is called", || self.count() >= count).await;
    }
}

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, request: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
        let at = self.clock.lock().unwrap().as_ref().map(Clock::now).unwrap_or_default();
        let (head, body) = request.into_parts();
        let body = body_bytes(&body).into();
        let call = Arrived { at, method: head.method, uri: head.uri.to_string(), headers: head.headers, body };
        self.arrived.lock().unwrap().push(call.clone());
        // A real receiver is never done at once.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let refused = || Failure::new(Delivery::NotSent, Kind::Unreachable, "the connection is refused");
        let status = (self.behaviour)(call).await.ok_or_else(refused)?;
        let mut response = Response::new(Content::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert("location", "https://hooks.example/elsewhere".parse().unwrap());
        Ok(response)
    }
}

/// A transport that notes each call and its status.
#[derive(Clone, Debug)]
pub(crate) struct Noting {
    inner: InProcess,
    log: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Noting {
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        Self { inner: InProcess(sandbox.clone()), log: Arc::default() }
    }

    /// What was called since this was last asked.
    pub(crate) fn take(&self) -> Vec<(String, u16)> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

#[async_trait]
impl Transport for Noting {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let path = request.uri().path().split('/').take(3).collect::<Vec<_>>().join("/");
        let answer = self.inner.send(request, context).await?;
        self.log.lock().unwrap().push((path, answer.status().as_u16()));
        Ok(answer)
    }
}
