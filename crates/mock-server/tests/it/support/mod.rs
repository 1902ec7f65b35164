//! Shared test code: a sandbox in virtual time, clients of both vendors, raw calls, and receivers of webhooks.

mod arrivals;
pub(crate) mod door;
pub(crate) mod net;
pub(crate) mod prelude;
pub(crate) mod receiver;

pub(crate) use arrivals::Receiver;
pub(crate) use door::Door;
pub(crate) use identkit_testkit::{body_bytes, eventually, pause, within};
pub(crate) use net::{any, plain, served_clients, trusting};
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

/// Returns the parameters of a world with this id.
pub(crate) fn named(id: &str) -> NewWorld {
    let mut wanted = NewWorld::default();
    wanted.id = Some(id.to_owned());
    wanted
}

/// Returns the result of a transition of a case that exists.
pub(crate) fn known(result: Result<(), TransitionError>) -> Result<(), Rejection> {
    result.map_err(|error| match error {
        TransitionError::Rejected(rejection) => rejection,
        error => panic!("{error}"),
    })
}

/// Reads the cases of a test from a file in `tests/fixtures`.
pub(crate) fn table<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn start_time() -> Timestamp {
    "2020-09-10T12:00:00Z".parse().unwrap()
}

/// Whether a rule has this id in the contract.
pub(crate) fn knows_rule(contract_id: &str) -> bool {
    identkit_mock_server::vendors::rules().iter().any(|rule| rule.contract_id() == contract_id)
}

/// The sandbox of every test here, without the rule that the environment names: so `cargo xtask campaign rules` finds
/// out which rules no test would miss.
pub(crate) fn sandbox() -> SandboxBuilder {
    match std::env::var("IDENTKIT_WITHOUT_RULE") {
        Ok(rule) => Sandbox::builder().without_rule(&rule).unwrap(),
        Err(_) => Sandbox::builder(),
    }
}

/// A sandbox with a stopped clock.
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
        // A long guard: receivers in this process must not be cut off on a busy machine.
        let builder = sandbox().clock(clock.clone()).seed(4711).receiver_guard(10 * SECOND);
        Self { sandbox: more(builder).start(), clock }
    }

    /// Creates a sandbox that lists the example orders.
    pub(crate) fn listing_examples() -> Self {
        let bench = Self::new();
        bench.set_up(|settings| settings.examples_in_lists = true);
        bench
    }

    /// Creates a sandbox with its admin API.
    pub(crate) async fn with_door() -> (Self, Door) {
        let bench = Self::new();
        let door = Door::of(&bench.sandbox).await;
        (bench, door)
    }

    /// Creates a sandbox that calls this receiver, which records times of the sandbox's clock.
    pub(crate) fn receiving(receiver: &Receiver) -> Self {
        let bench = Self::with(|builder| builder.webhook_transport(Arc::new(receiver.clone())));
        receiver.by(&bench.clock);
        bench
    }

    /// Like [`Self::receiving`], but also returns the receiver.
    pub(crate) fn with_receiver(receiver: Receiver) -> (Self, Receiver) {
        (Self::receiving(&receiver), receiver)
    }

    /// Like [`Self::with_receiver`], with a receiver that responds when its gate is notified.
    pub(crate) fn gated() -> (Self, Receiver, Arc<Notify>) {
        let (receiver, gate) = Receiver::gated();
        (Self::receiving(&receiver), receiver, gate)
    }

    /// Places an order with these webhooks, and plays its story up to the first one.
    pub(crate) async fn under_way(&self, receiver: &Receiver, events: &[&str]) -> OrderId {
        let (id, before) = (self.place(order_with(events)).await, receiver.count());
        assert_eq!(self.begin(id.expose(), "positive"), Ok(()));
        receiver.until(before + 1).await;
        id
    }

    /// Returns a client of identity.TM that allows everything the document allows.
    pub(crate) fn tm(&self) -> IdentityTm {
        let mut dialect = Dialect::default();
        dialect.any_reference = true;
        let transport = Arc::new(InProcess(self.sandbox.clone()));
        tm_builder().dialect(dialect).transport(transport).clock(Arc::new(self.clock.clone())).build().unwrap()
    }

    /// Returns a client of identify24 with this clock.
    pub(crate) fn identify24(&self, clock: &VirtualClock) -> Identify24 {
        let transport = Arc::new(InProcess(self.sandbox.clone()));
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

    pub(crate) async fn outcome(&self, id: &OrderId, flavor: OrderFlavor) -> Outcome {
        self.tm().status(id, &options()).await.unwrap().value.finality(flavor).outcome
    }

    pub(crate) async fn create(&self, ident: &Value) -> Answer {
        let token = self.token().await;
        self.i24_call(&token, "POST", "/ident/create", ident.to_string()).await
    }

    /// Creates the ident of the document's example and returns its id.
    pub(crate) async fn create_ident(&self) -> String {
        let answer = self.create(&sample_ident()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["ident_id"].as_str().unwrap().to_owned()
    }

    /// Sets the URL of identify24's webhook.
    pub(crate) fn set_portal_url(&self) {
        let url = Secret::new("https://hooks.example/identify24/t0ken/status");
        self.sandbox.with_world(|world| identify24::set_webhook(world, Some(url)));
    }

    /// Places an order with these webhooks and plays it to its end.
    pub(crate) async fn hooked(&self, events: &[&str]) -> String {
        self.ended(order_with(events), "positive").await.expose().to_owned()
    }

    /// Plays a story, and waits until everything that is due now is over.
    pub(crate) async fn play(&self, case: &str, story: &str) {
        assert_eq!(self.begin(case, story), Ok(()), "{story}");
        self.clock.settle().await;
    }

    pub(crate) fn begin(&self, case: &str, story: &str) -> Result<(), Rejection> {
        known(self.sandbox.play(case, story))
    }

    /// Returns the TAN that was sent to the person.
    pub(crate) fn tan(&self, id: &str) -> String {
        self.sandbox.tan(id).unwrap().expose().to_owned()
    }

    pub(crate) fn wrong_tan(&self, id: &str) -> Secret {
        Secret::new(if self.tan(id) == "000000" { "111111" } else { "000000" })
    }

    /// Returns the codes of an order's status.
    pub(crate) async fn codes(&self, id: &OrderId) -> Vec<u32> {
        self.tm().status(id, &options()).await.unwrap().value.kinds().map(|kind| kind.0).collect()
    }

    /// Returns every order of the day, listed by the client with this page size.
    pub(crate) async fn list_day(&self, elements: u32) -> Vec<ListedOrder> {
        let begin = start_time() - SignedDuration::from_hours(1);
        let window = Window { begin, end: begin + SignedDuration::from_hours(24) };
        let mut feed = self.tm().status_feed(window, &options()).elements(elements);
        let mut all = Vec::new();
        while let Some(orders) = feed.next().await.unwrap() {
            all.extend(orders);
        }
        all
    }

    /// Makes a raw call of identity.TM with the account's credentials.
    pub(crate) async fn tm_call(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = tm_request(method, path).header(CONTENT_TYPE, "application/json");
        self.raw(request.body(body.into()).unwrap()).await
    }

    /// Makes a raw call of identity.TM that must succeed.
    pub(crate) async fn good(&self, method: &str, path: &str, body: String) -> Answer {
        let answer = self.tm_call(method, path, body).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
        answer
    }

    /// Places [`order`] with these additional fields and returns its id.
    pub(crate) async fn ordered(&self, more: Value) -> String {
        let mut order = serde_json::to_value(order()).unwrap();
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.good("PUT", "/putOrder", order.to_string()).await;
        answer.json()["OrderID"].as_str().unwrap().to_owned()
    }

    /// Makes a raw call of identify24 with this token.
    pub(crate) async fn i24_call(&self, token: &str, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("X-API-PARTNER", "911-internet")
            .header("X-API-TOKEN", token)
            .header(CONTENT_TYPE, "application/json");
        self.raw(request.body(body.into()).unwrap()).await
    }

    /// Returns a token from a raw login.
    pub(crate) async fn token(&self) -> String {
        let answer = self.log_in(r#"{"PARTNER":"911-internet","APIKEY":"sandbox-api-key"}"#).await;
        assert_eq!(answer.status, 200);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn log_in(&self, body: &str) -> Answer {
        let request = Request::builder().method("POST").uri("/auth").header(CONTENT_TYPE, "application/json");
        self.raw(request.body(body.to_owned().into()).unwrap()).await
    }

    /// Makes a raw call with only these headers and without a body.
    pub(crate) async fn bare(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        self.raw(request.body(Bytes::new()).unwrap()).await
    }

    pub(crate) async fn raw(&self, request: Request<Bytes>) -> Answer {
        let (head, body) = self.sandbox.handle(request).await.into_parts();
        let body = body.collect(u64::MAX).await.unwrap();
        let answer = Answer { status: head.status.as_u16(), headers: head.headers, body };
        answer.names_rules_of_the_table();
        answer
    }
}

/// A raw response.
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

    /// Checks that a rejection names rules of the table.
    #[track_caller]
    fn names_rules_of_the_table(&self) {
        let rules = self.rules();
        assert!(rules.iter().all(|rule| knows_rule(rule)), "{rules:?} in {}", self.text());
        let ours = self.text().starts_with(r#"{"Error""#) || self.text().starts_with(r#"{"messages""#);
        assert!(!rules.is_empty() || self.status < 400 || !ours, "{}", self.text());
    }

    /// Returns the rules of a rejection, from identity.TM's `Faults` or identify24's text.
    pub(crate) fn rules(&self) -> Vec<String> {
        let Ok(output) = serde_json::from_slice::<Value>(&self.body) else { return Vec::new() };
        if let Some(faults) = output["Faults"].as_array() {
            return faults.iter().map(|fault| fault["rule"].as_str().unwrap().to_owned()).collect();
        }
        let text =
            output["messages"][0].as_str().filter(|_| output["result"] == Value::Bool(false)).unwrap_or_default();
        let rule = |fault: &str| Some(fault.rsplit_once(" (")?.1.split_once(", ")?.0.to_owned());
        text.split("; ").filter_map(rule).collect()
    }

    /// Returns the only rule of a rejection.
    #[track_caller]
    pub(crate) fn rule(&self) -> String {
        let [rule] = &self.rules()[..] else { panic!("not one rule: {}", self.text()) };
        rule.clone()
    }

    /// Checks that this is a rejection with status, field, rule and section.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, field: &str, rule: &str, section: &str) {
        let text = self.text();
        assert_eq!(self.status, status, "{text}");
        for part in [field, rule, section] {
            assert!(text.contains(part), "{part} is not in {text}");
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

/// Returns order id and code of every listed status.
pub(crate) fn listed_codes(orders: &[ListedOrder]) -> Vec<(String, u32)> {
    let of = |order: &ListedOrder| {
        let id = order.order_id.as_ref().unwrap().expose().to_owned();
        order.kinds().map(|kind| (id.clone(), kind.0)).collect::<Vec<_>>()
    };
    orders.iter().flat_map(of).collect()
}

/// The ident of the document's example.
pub(crate) fn sample_ident() -> Value {
    json_fixture("identify24", "S-012-ident-create-curl-body.json")
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
        .mobile_phone("+491701234567")
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
    order_calling(events, hook)
}

/// The order with webhooks of these events, each with its URL.
pub(crate) fn order_calling(events: &[&str], url: impl Fn(&str) -> String) -> PutOrder {
    let call = |urls: WebhookUrl, event: &&str| match *event {
        "AfterVideo" => urls.after_video(url(event)),
        "AfterIdent" => urls.after_ident(url(event)),
        _ => urls.on_final(url(event)),
    };
    order().webhook_url(events.iter().fold(WebhookUrl::default(), call))
}

/// A contract to sign.
pub(crate) fn contract() -> SignPdf {
    SignPdf::default().data(Blob::from_bytes(sample_contract())).filename("contract.pdf")
}

/// The order with the contract to sign.
pub(crate) fn to_sign(order: PutOrder) -> PutOrder {
    order.product(15_u32).sign_pdf(OneOrMany::One(contract()))
}

/// The order with the contract, and a webhook for its end.
pub(crate) fn contract_order() -> PutOrder {
    to_sign(order_with(&["OnFinal"]))
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
