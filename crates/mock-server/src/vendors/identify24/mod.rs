//! identify24's server side, after the VideoIdent API document 1.0.1.

mod checks;
mod facts;
mod idents;
mod partner;
mod rules;
mod saved;
mod settings;
mod shapes;
mod views;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Method, Request, Response};
use identkit_core::{Content, Location};
use identkit_identify24::PROVIDER;
use identkit_identify24::messages::{CreateIdent, Envelope, Project};
use identkit_identify24::operations::{GetAllProjects, GetIdent, GetProject, Login};
use identkit_wire::json;
use serde_json::{Value, json};

pub use self::partner::{configure, set_webhook};
pub use self::settings::{GetBodies, Rate, Refusals, Scenario, Settings};

use self::facts::{EXPIRY, FACTS, LOGIN};
use self::partner::{Account, authenticate, check_service, log_in, retry_after};
use crate::account::{self, AccountOf, AccountState};
use crate::facts::VendorFacts;
use crate::rejection::Rejection;
use crate::vendor::{CallOutcome, MockVendor, Route, Target, Transition};
#[cfg(feature = "server")]
use crate::vendors::schemas::VendorSchemas;
use crate::{Profile, SavedError, StateReader, Timer, World};

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
    /// The vendor with all its calls.
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
        self.answer(world, request, target).unwrap_or_else(|rejection| CallOutcome::Ready(respond(world, &rejection)))
    }

    fn on_timer(&self, world: &mut World, timer: &Timer) {
        if timer.what == EXPIRY {
            idents::forget(world, &timer.subject);
        }
    }

    fn delivered(&self, world: &mut World, case: &str) {
        world.unblock(case);
    }

    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Rejection>> {
        idents::transition(world, case, transition)
    }

    fn inspect(&self, world: &mut World, case: &str) -> Option<Value> {
        let ident = idents::read(world, case).ok()?;
        let ident = serde_json::to_value(ident).unwrap_or_default();
        serde_json::to_value(views::CaseView { vendor: PROVIDER, id: case.to_owned(), ident }).ok()
    }

    fn save(&self, states: &mut StateReader<'_>) -> Result<Value, SavedError> {
        saved::save(states)
    }

    fn load(&self, world: &mut World, saved: &Value) -> Result<(), SavedError> {
        saved::load(world, saved)
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
                (405, format!("{} is called with {}", route.meta().name, route.meta().method))
            }
            _ => (404, "the vendor has no such call".to_owned()),
        };
        rules::I_001.reject(status, "path", message, "[I] Methods").at(Location::Path)
    }
}

/// What a proxy makes of a GET with a body (AI-07): another request, a refusal, or nothing.
fn apply_proxy(world: &mut World, request: &Request<Bytes>) -> Result<Option<Request<Bytes>>, Rejection> {
    if !world.enforces(&rules::AI_07_PROXY) || request.method() != Method::GET || request.body().is_empty() {
        return Ok(None);
    }
    match world.state::<Account>().settings.get_bodies {
        GetBodies::Read => Ok(None),
        GetBodies::Stripped => Ok(Some(request.clone().map(|_| Bytes::new()))),
        GetBodies::Refused(status) => {
            let message = "a proxy on the way does not pass the body of a GET";
            Err(rules::AI_07.reject(status, "body", message, "[I] project/get"))
        }
    }
}

/// An error in the shape of the vendor's answers: the document shows none (AI-03).
fn respond(world: &mut World, refused: &Rejection) -> Response<Content> {
    let refused = refused.bounded();
    let mut body = json!({ "result": false, "messages": [refused.text()], "response_status": refused.status });
    let token_apart = world.enforces(&rules::AI_02);
    let status = match world.state::<Account>().settings.refusals {
        Refusals::ByResult if refused.status != 401 || !token_apart => {
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

/// The schemas of what the vendor writes into the admin API.
#[cfg(feature = "server")]
pub(super) fn schemas() -> VendorSchemas {
    VendorSchemas::new::<Account, views::CaseView>(PROVIDER)
}
