//! The mock vendor: the server side of the API over a world of the sandbox.
//!
//! Invariant: all of its state is in the world, and [`save`](MockVendor::save) writes all of it.

mod cases;
mod facts;
mod login;
mod report;
mod rules;
mod settings;

use bytes::Bytes;
use http::{Request, Response};
use identkit_core::{Content, Location};
use identkit_mock_server::{
    AccountOf, AccountState, CallOutcome, CaseOrder, MockVendor, Rejection, Route, SavedError, StateReader, Target,
    Timer, Transition, VendorFacts, World,
};
use identkit_wire::json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::settings::Settings;

use self::cases::{Cases, StoredCase};
use self::facts::{EXPIRY, FACTS};
use self::login::Tokens;
use self::settings::Account;
use crate::messages::{CaseId, CreateCase, Problem};
use crate::operations::{CaseResponse, DeleteCase, GetCase, GetReport};

/// The mock vendor of the Acme Ident API.
#[derive(Debug)]
pub struct AcmeVendor {
    routes: Vec<Route>,
}

impl Default for AcmeVendor {
    fn default() -> Self {
        Self::new()
    }
}

impl AcmeVendor {
    /// Creates the vendor with all its calls.
    pub fn new() -> Self {
        let mut routes = login::routes(&FACTS);
        routes.extend([
            Route::new::<CreateCase>(&FACTS, |_| None, cases::create),
            Route::new::<GetCase>(
                &FACTS,
                |op| id(&op.case_id),
                |world, op| cases::read(world, &op.case_id).map(|case| CaseResponse::new(case, Bytes::new())),
            ),
            Route::new::<GetReport>(&FACTS, |op| id(&op.case_id), |world, op| cases::report(world, &op.case_id)),
            Route::new::<DeleteCase>(&FACTS, |op| id(&op.case_id), |world, op| cases::delete(world, &op.case_id)),
        ]);
        Self { routes }
    }

    fn answer(
        &self,
        world: &mut World,
        request: &Request<Bytes>,
        target: Option<&Target<'_>>,
    ) -> Result<CallOutcome, Rejection> {
        if !login::is_login(request.uri().path()) {
            login::authenticate(world, request)?;
        }
        match target {
            Some(target) => target.handle(world, request),
            None => {
                let rejection = rules::ACME_02.reject(404, "path", "the vendor has no such call", "paths");
                Err(rejection.at(Location::Path))
            }
        }
    }
}

fn id(id: &CaseId) -> Option<String> {
    Some(id.expose().to_owned())
}

impl AccountState for Account {
    type Settings = Settings;

    const BASE_PATH: &'static str = "";

    fn settings(&mut self) -> &mut Settings {
        &mut self.0
    }

    fn credentials(settings: &mut Settings) -> [(&'static str, &mut String); 2] {
        [("client_id", &mut settings.client_id), ("client_secret", &mut settings.client_secret)]
    }

    fn cases(world: &mut World) -> Vec<String> {
        world.state::<Cases>().by_id.keys().cloned().collect()
    }

    fn created(world: &mut World) -> &CaseOrder {
        &world.state::<Cases>().created
    }
}

/// State of the vendor in a saved world.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Value,
    tokens: Tokens,
    cases: Vec<StoredCase>,
    created: CaseOrder,
}

impl MockVendor for AcmeVendor {
    fn facts(&self) -> &'static VendorFacts {
        &FACTS
    }

    fn routes(&self) -> &[Route] {
        &self.routes
    }

    fn account(&self) -> Option<&dyn identkit_mock_server::Account> {
        Some(&AccountOf::<Account>::NEW)
    }

    fn seed(&self, world: &mut World) {
        world.state::<Account>();
    }

    fn handle(&self, world: &mut World, request: &Request<Bytes>, target: Option<&Target<'_>>) -> CallOutcome {
        let outcome = self.answer(world, request, target);
        outcome.unwrap_or_else(|rejection| CallOutcome::Ready(respond(&rejection)))
    }

    fn on_timer(&self, world: &mut World, timer: &Timer) {
        if timer.what == EXPIRY && world.enforces(&rules::ACME_09) {
            cases::remove(world, &timer.subject);
        }
    }

    fn on_first_attempt(&self, world: &mut World, case: &str) {
        world.unblock(case);
    }

    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Rejection>> {
        cases::transition(world, case, transition)
    }

    fn inspect(&self, world: &mut World, case: &str) -> Option<Value> {
        serde_json::to_value(world.state::<Cases>().by_id.get(case)?).ok()
    }

    fn save(&self, states: &mut StateReader<'_>) -> Result<Value, SavedError> {
        // A state that was never used is its default.
        let Account(settings) = states.get().cloned().unwrap_or_default();
        let Cases { by_id, created } = states.get().cloned().unwrap_or_default();
        let saved = Saved {
            settings: identkit_mock_server::save_settings(&settings)?,
            tokens: states.get().cloned().unwrap_or_default(),
            cases: by_id.into_values().collect(),
            created,
        };
        serde_json::to_value(saved).map_err(|_| SavedError::not_saved("a case cannot be written as JSON"))
    }

    fn load(&self, world: &mut World, saved: &Value) -> Result<(), SavedError> {
        let Saved { settings, tokens, cases, created } = json::from_value(saved).map_err(|fault| {
            let pointer = fault.path.replace(['.', '['], "/").replace(']', "");
            SavedError::damaged(format!("/{pointer}"), fault.expected)
        })?;
        let settings = identkit_mock_server::load_settings(&settings, "/settings")?;
        let by_id = cases::by_id(cases)?;
        let created = created.validate("/created", |id| by_id.contains_key(id))?;
        *world.state() = Account(settings);
        *world.state() = Cases { by_id, created };
        *world.state() = tokens;
        Ok(())
    }
}

/// Returns an error in the shape of the vendor's responses.
fn respond(rejection: &Rejection) -> Response<Content> {
    let rejection = rejection.bounded();
    let code = if rejection.status == 400 { "invalid" } else { "rejected" };
    let problem = Problem::default().code(code).message(rejection.text());
    let mut response = json::response(rejection.status, &problem).unwrap_or_else(|_| Response::new(Content::empty()));
    // For the journal.
    response.extensions_mut().insert(rejection);
    response
}
