//! The mock vendor identify24, based on the VideoIdent API document 1.0.1.

mod checks;
mod facts;
mod idents;
mod partner;
mod person;
mod rules;
mod settings;
mod shapes;

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Method, Request, Response};
use identkit_core::{Content, Location};
use identkit_identify24::PROVIDER;
use identkit_identify24::messages::{CreateIdent, Envelope, Project};
use identkit_identify24::operations::{GetAllProjects, GetIdent, GetProject, Login};
use identkit_wire::{Operation as _, json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::partner::{configure, set_webhook};
pub use self::settings::{GetBodies, Rate, Refusals, Scenario, Settings};

use self::facts::{EXPIRY, FACTS, LOGIN};
use self::idents::{Idents, StoredIdent};
use self::partner::{Account, authenticate, check_service, log_in, retry_after};
#[cfg(feature = "server")]
use crate::vendors::schemas::VendorSchemas;
use crate::vendors::success::replace_status;
use crate::world::error::{read, to_value};
use crate::world::text;
use crate::{
    AccountOf, AccountState, CallOutcome, CaseDetails, CaseKeys, CaseOrder, KnownStatus, MockVendor, PersonRequest,
    PersonView, Profile, Rejection, Route, SavedError, StateReader, Target, Timer, Transition, VendorFacts, World,
    account,
};

/// The vendor identify24.
#[derive(Debug)]
pub struct Identify24 {
    routes: Vec<Route>,
}

impl Default for Identify24 {
    fn default() -> Self {
        Self::new()
    }
}

impl Identify24 {
    /// Creates the vendor with all its calls.
    pub fn new() -> Self {
        let routes = vec![
            Route::new::<Login>(&FACTS, |_| None, log_in),
            Route::new::<CreateIdent>(&FACTS, |_| None, idents::create),
            Route::new::<GetIdent>(
                &FACTS,
                |op| Some(op.ident_id.expose().to_owned()),
                |world, op| idents::read(world, op.ident_id.expose()).map(Envelope::ident),
            ),
            Route::new::<GetAllProjects>(
                &FACTS,
                |_| None,
                |world, _| Ok(Envelope::projects(world.state::<Account>().projects.clone())),
            ),
            Route::new::<GetProject>(&FACTS, |_| None, project),
        ];
        Self { routes }
    }
}

fn project(world: &mut World, op: GetProject) -> Result<Envelope<Project>, Rejection> {
    let Some(wanted) = op.0.project_id.map(|id| id.0).filter(|id| !id.as_str().is_empty()) else {
        if !world.enforces(&rules::AI_07) {
            return Err(unknown_project());
        }
        return Err(rules::AI_07.reject(400, "project_id", "is required", "[I] project/get"));
    };
    let found = world.state::<Account>().projects.iter().find(|project| project.id.as_ref() == Some(&wanted)).cloned();
    found.map(Envelope::project).ok_or_else(unknown_project)
}

fn unknown_project() -> Rejection {
    rules::I_050.reject(404, "project_id", "the account has no such project", "[I] project/get")
}

impl AccountState for Account {
    type Settings = Settings;

    const BASE_PATH: &'static str = "";

    fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    fn credentials(settings: &mut Settings) -> [(&'static str, &mut String); 2] {
        [("partner", &mut settings.partner), ("api_key", &mut settings.api_key)]
    }

    fn cases(world: &mut World) -> Vec<String> {
        idents::cases(world)
    }

    fn created(world: &mut World) -> &CaseOrder {
        &world.state::<Idents>().created
    }
}

impl MockVendor for Identify24 {
    fn facts(&self) -> &'static VendorFacts {
        &FACTS
    }

    fn routes(&self) -> &[Route] {
        &self.routes
    }

    fn account(&self) -> Option<&dyn account::Account> {
        Some(&AccountOf::<Account>::NEW)
    }

    fn seed(&self, world: &mut World) {
        partner::place_examples(world);
        idents::place_examples(world);
    }

    fn handle(&self, world: &mut World, request: &Request<Bytes>, target: Option<&Target<'_>>) -> CallOutcome {
        let outcome = self.answer(world, request, target);
        let is_login = target.is_some_and(|target| target.meta().name == Login::META.name);
        let outcome = outcome.unwrap_or_else(|rejection| CallOutcome::Ready(respond(world, &rejection, is_login)));
        replace_status(outcome, world.state::<Account>().settings.success_status)
    }

    fn on_timer(&self, world: &mut World, timer: &Timer) {
        if timer.what == EXPIRY {
            idents::forget(world, &timer.subject);
        }
    }

    fn on_first_attempt(&self, world: &mut World, case: &str) {
        world.unblock(case);
    }

    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Rejection>> {
        idents::transition(world, case, transition)
    }

    fn inspect(&self, world: &mut World, case: &str) -> Option<Value> {
        let ident = idents::read(world, case).ok()?;
        let view = CaseView {
            vendor: PROVIDER,
            id: case.to_owned(),
            reference: ident.custom_id.as_ref().map(|id| id.expose().to_owned()),
            latest_status: ident.status.as_ref().map(|status| status.as_str().to_owned()),
            created_at: idents::created_at(&ident).as_ref().map(Timestamp::to_string),
            ident: serde_json::to_value(ident).unwrap_or_default(),
        };
        serde_json::to_value(view).ok()
    }

    fn landing_case(&self, world: &mut World, link: &str) -> Option<String> {
        world.state::<Idents>().by_id.contains_key(link).then(|| link.to_owned())
    }

    fn person(&self, world: &mut World, case: &str) -> Option<PersonView> {
        person::view(world, case)
    }

    fn act(&self, world: &mut World, case: &str, request: &PersonRequest) -> Option<Result<(), Rejection>> {
        person::view(world, case).map(|view| person::act(world, case, &view, request))
    }

    fn keys(&self, world: &mut World, case: &str) -> Option<CaseKeys> {
        idents::keys(world, case)
    }

    fn describe(&self, world: &mut World, case: &str) -> Option<CaseDetails> {
        idents::describe(world, case)
    }

    fn statuses(&self, world: &mut World) -> Option<Vec<KnownStatus>> {
        let stories = world.state::<Account>().settings.stories.values();
        let all: BTreeSet<String> = stories.map(|story| story.status.clone()).collect();
        Some(all.into_iter().map(|status| KnownStatus::new(status, None)).collect())
    }

    fn save(&self, states: &mut StateReader<'_>) -> Result<Value, SavedError> {
        // A state that was never used is its default.
        let Account { settings, projects, sessions, swept: _, counted } = states.get().cloned().unwrap_or_default();
        let Idents { by_id, created } = states.get().cloned().unwrap_or_default();
        let saved = Saved {
            settings: account::save_settings(&settings)?,
            projects,
            sessions: sessions.into_iter().map(|(token, used)| Session { token, used }).collect(),
            counted: counted.map(|(since, requests)| Counted { since, requests }),
            idents: by_id.into_values().map(|stored| *stored).collect(),
            created,
        };
        to_value(&saved, "an ident")
    }

    fn load(&self, world: &mut World, saved: &Value) -> Result<(), SavedError> {
        let saved: Saved = read(saved)?;
        let mut account = Account { projects: saved.projects, ..Account::default() };
        account.settings = account::load_settings(&saved.settings, "/settings")?;
        account.counted = saved.counted.map(|counted| (counted.since, counted.requests));
        for (index, Session { token, used }) in saved.sessions.into_iter().enumerate() {
            if account.sessions.insert(token, used).is_some() {
                return Err(SavedError::damaged(format!("/sessions/{index}/token"), "expected a unique token"));
            }
        }
        let mut idents = Idents::default();
        for (index, stored) in saved.idents.into_iter().enumerate() {
            let id = stored.ident.id.as_ref().map(|id| id.expose().to_owned());
            let Some(id) = id.filter(|id| !idents.by_id.contains_key(id)) else {
                return Err(SavedError::damaged(
                    format!("/idents/{index}/ident"),
                    "expected an ident with a unique id",
                ));
            };
            idents.by_id.insert(id, Box::new(stored));
        }
        idents.created = saved.created.validate("/created", |id| idents.by_id.contains_key(id))?;
        *world.state() = account;
        *world.state() = idents;
        Ok(())
    }
}

impl Identify24 {
    fn answer(
        &self,
        world: &mut World,
        request: &Request<Bytes>,
        target: Option<&Target<'_>>,
    ) -> Result<CallOutcome, Rejection> {
        let path = request.uri().path();
        check_service(world)?;
        let arrived = apply_proxy(world, request)?;
        let request = arrived.as_ref().unwrap_or(request);
        if path != LOGIN {
            authenticate(world, request.headers())?;
        }
        if world.profile == Profile::Strict {
            checks::strict(request, &world.rules)?;
        }
        match target {
            Some(target) => target.handle(world, request),
            None => Err(self.unknown_call(request.method(), path)),
        }
    }

    fn unknown_call(&self, method: &Method, path: &str) -> Rejection {
        let known = self.routes.iter().find(|route| route.meta().match_path(path, false).is_some());
        let (status, message) = match known {
            Some(route) if route.meta().method != method => {
                (405, format!("{} must be called with {}", route.meta().name, route.meta().method))
            }
            _ => (404, "the vendor has no such call".to_owned()),
        };
        let rejection = rules::I_001.reject(status, "path", message, "[I] Methods").at(Location::Path);
        match known {
            Some(route) => rejection.allow(&route.meta().method),
            None => rejection,
        }
    }
}

/// Simulates a proxy that receives a GET with a body (AI-07). Returns the changed request, if it changes.
fn apply_proxy(world: &mut World, request: &Request<Bytes>) -> Result<Option<Request<Bytes>>, Rejection> {
    if !world.enforces(&rules::AI_07_PROXY) || request.method() != Method::GET || request.body().is_empty() {
        return Ok(None);
    }
    match world.state::<Account>().settings.get_bodies {
        GetBodies::Read => Ok(None),
        GetBodies::Stripped => Ok(Some(request.clone().map(|_| Bytes::new()))),
        GetBodies::Refused(status) => {
            let message = "the simulated proxy rejects a GET with a body (setting get_bodies)";
            Err(rules::AI_07.reject(status, "body", message, "[I] project/get"))
        }
    }
}

/// Returns an error in the shape of the vendor's responses: the document shows no error (AI-03).
fn respond(world: &mut World, refused: &Rejection, is_login: bool) -> Response<Content> {
    let refused = refused.bounded();
    let mut body = json!({ "result": false, "messages": [refused.text()], "response_status": refused.status });
    // An invalid token keeps its status; a rejected login has no token.
    let keeps_401 = world.enforces(&rules::AI_02) && !is_login;
    let status = match world.state::<Account>().settings.refusals {
        Refusals::ByResult if refused.status != 401 || !keeps_401 => {
            if let Some(body) = body.as_object_mut() {
                body.remove("response_status");
            }
            200
        }
        Refusals::ByResponseStatus => 200,
        _ => refused.status,
    };
    let mut response = json::response(status, &body).unwrap_or_else(|_| Response::new(Content::empty()));
    // For the journal.
    response.extensions_mut().insert(refused);
    if status == 429
        && let Some(seconds) = retry_after(world)
    {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

#[cfg(feature = "server")]
pub(super) fn schemas() -> VendorSchemas {
    VendorSchemas::new::<Account, CaseView>(PROVIDER)
}

/// An ident of identify24.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Ident")]
struct CaseView {
    #[schemars(extend("const" = "identify24"))]
    vendor: &'static str,
    /// Id of the ident.
    id: String,
    /// Reference of the ident, its `custom_id`.
    reference: Option<String>,
    /// The status.
    latest_status: Option<String>,
    /// When the ident was created.
    #[schemars(extend("format" = "date-time"))]
    created_at: Option<String>,
    /// The response of ident/get, as the vendor writes it.
    #[schemars(extend("type" = "object"))]
    ident: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Value,
    projects: Vec<Project>,
    sessions: Vec<Session>,
    #[serde(deserialize_with = "Option::deserialize")]
    counted: Option<Counted>,
    idents: Vec<StoredIdent>,
    created: CaseOrder,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    token: String,
    #[serde(with = "text")]
    used: Timestamp,
}

/// The requests of the current period of the rate.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    #[serde(with = "text")]
    since: Timestamp,
    requests: u32,
}
