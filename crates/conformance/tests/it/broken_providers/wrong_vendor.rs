//! A mock vendor and a webhook that do one thing wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, Uri, request};
use identkit_conformance::mock_server::vendors::identity_tm::IdentityTm;
use identkit_conformance::mock_server::{
    Account, CallOutcome, MockVendor, Rejection, Route, SavedError, StateReader, Target, Timer, Transition,
    VendorFacts, World,
};
use identkit_core::{Error, Event, Secret};
use identkit_identity_tm::{DelIdentData, OrderCallback};
use identkit_wire::{Callback, Operation};
use serde_json::Value;

/// The mock vendor of identity.TM, which deletes nothing or saves nothing.
#[derive(Debug)]
pub(super) struct WrongVendor {
    pub(super) inner: IdentityTm,
    pub(super) deletes: bool,
    pub(super) saves: bool,
}

impl MockVendor for WrongVendor {
    fn facts(&self) -> &'static VendorFacts {
        self.inner.facts()
    }
    fn routes(&self) -> &[Route] {
        self.inner.routes()
    }
    fn account(&self) -> Option<&dyn Account> {
        self.inner.account()
    }
    fn seed(&self, world: &mut World) {
        self.inner.seed(world);
    }
    fn route(&self, world: &World, request: &Request<Bytes>) -> Option<Target<'_>> {
        self.inner.route(world, request)
    }
    fn handle(&self, world: &mut World, request: &Request<Bytes>, target: Option<&Target<'_>>) -> CallOutcome {
        let deletes = target.is_some_and(|target| target.meta().name == DelIdentData::META.name);
        let mut copy = world.clone();
        let world = if deletes && !self.deletes { &mut copy } else { world };
        self.inner.handle(world, request, target)
    }
    fn on_timer(&self, world: &mut World, timer: &Timer) {
        self.inner.on_timer(world, timer);
    }
    fn on_first_attempt(&self, world: &mut World, case: &str) {
        self.inner.on_first_attempt(world, case);
    }
    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Rejection>> {
        self.inner.transition(world, case, transition)
    }
    fn inspect(&self, world: &mut World, case: &str) -> Option<Value> {
        self.inner.inspect(world, case)
    }
    fn save(&self, states: &mut StateReader<'_>) -> Result<Value, SavedError> {
        let saved = self.inner.save(states)?;
        Ok(if self.saves { saved } else { Value::Null })
    }
    fn load(&self, world: &mut World, saved: &Value) -> Result<(), SavedError> {
        if self.saves { self.inner.load(world, saved) } else { Ok(()) }
    }
}

/// What a webhook does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrongEvent {
    WithoutCase,
    ConstantKey,
    NewKey,
    InventsCase,
    Foreign,
}

#[derive(Debug)]
pub(super) struct WrongCallback {
    wrong: WrongEvent,
    /// Number of parsed requests.
    parsed: AtomicUsize,
}

impl WrongCallback {
    pub(super) fn new(wrong: WrongEvent) -> Self {
        Self { wrong, parsed: AtomicUsize::new(0) }
    }
}

const INNER: OrderCallback = OrderCallback::OnFinal;

impl Callback for WrongCallback {
    fn provider(&self) -> &'static str {
        if self.wrong == WrongEvent::Foreign { "another" } else { INNER.provider() }
    }
    fn name(&self) -> &'static str {
        INNER.name()
    }
    fn url_template(&self, base: &Uri, token: &Secret) -> Result<Secret, Error> {
        let url = INNER.url_template(base, token)?;
        let foreign = self.wrong == WrongEvent::Foreign;
        Ok(if foreign { url.expose().replace("/identity-tm/", "/another/").into() } else { url })
    }
    fn recognize(&self, head: &request::Parts) -> bool {
        INNER.recognize(head)
    }
    fn parse(&self, request: &Request<Bytes>) -> Result<Event, Error> {
        let count = self.parsed.fetch_add(1, Ordering::Relaxed);
        let mut event = match INNER.parse(request) {
            Err(_) if self.wrong == WrongEvent::InventsCase => {
                let mut event = Event::new(INNER.provider(), INNER.name(), "key");
                event.case_id = Some("9992INVENTED".into());
                return Ok(event);
            }
            parsed => parsed?,
        };
        match self.wrong {
            WrongEvent::WithoutCase => (event.case_id, event.reference) = (None, None),
            WrongEvent::ConstantKey => event.key = "final".into(),
            WrongEvent::NewKey => event.key = count.to_string().into(),
            WrongEvent::InventsCase if event.case_id.is_none() => event.case_id = Some("9992INVENTED".into()),
            WrongEvent::InventsCase | WrongEvent::Foreign => {}
        }
        Ok(event)
    }
    fn emit(&self, template: &str, method: &Method, event: &Event) -> Result<Request<Bytes>, Error> {
        INNER.emit(template, method, event)
    }
}
