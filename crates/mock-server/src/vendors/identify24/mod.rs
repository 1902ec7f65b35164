//! identify24's server side, after the VideoIdent API document 1.0.1.

mod account;
mod checks;
mod idents;
mod saved;
mod settings;
mod shapes;
mod views;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Method, Request, Response};
use identkit_core::{Content, Violation};
use identkit_identify24::PROVIDER;
use identkit_identify24::messages::{CreateIdent, Envelope, Project};
use identkit_identify24::operations::{GetAllProjects, GetIdent, GetProject, Login};
use identkit_wire::json;
use serde_json::{Map, Value, json};

pub use self::account::{configure, set_webhook};
pub use self::settings::{GetBodies, Rate, Refusals, Settings, Story};
#[cfg(feature = "server")]
pub(crate) use self::views::{AccountView, CaseView};

use self::account::{Account, authenticated, log_in, retry_after, served};
use crate::faults::Shape;
use crate::vendor::{Change, Handled, MockVendor, Refused, Route, Transition};
use crate::vendors::settings as by_name;
use crate::{Profile, SavedError, Shares, Timer, World};

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
            Route::of::<Login>(false, |_| None, log_in),
            Route::of::<CreateIdent>(false, |_| None, idents::create),
            Route::of::<GetIdent>(
                false,
                |op| Some(op.ident_id.expose().to_owned()),
                |world, op| idents::read(world, op.ident_id.expose()).map(Envelope::ident),
            ),
            Route::of::<GetAllProjects>(
                false,
                |_| None,
                |world, _| Ok(Envelope::projects(world.part::<Account>().projects.clone())),
            ),
            Route::of::<GetProject>(false, |_| None, project),
        ];
        Self { routes }
    }
}

fn project(world: &mut World, op: GetProject) -> Result<Envelope<Project>, Refused> {
    let Some(wanted) = op.0.project_id.map(|id| id.0).filter(|id| !id.as_str().is_empty()) else {
        if !world.enforces("AI-07") {
            return Err(unknown_project());
        }
        return Err(Refused::new(400, Violation::new("project_id", "is required", "AI-07", "[I] project/get")));
    };
    let found = world.part::<Account>().projects.iter().find(|project| project.id.as_ref() == Some(&wanted)).cloned();
    found.map(Envelope::project).ok_or_else(unknown_project)
}

fn unknown_project() -> Refused {
    Refused::new(404, Violation::new("project_id", "the account has no such project", "I-050", "[I] project/get"))
}

impl MockVendor for Identify24 {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn routes(&self) -> &[Route] {
        &self.routes
    }

    fn seed(&self, world: &mut World) {
        account::place_examples(world);
        idents::place_examples(world);
    }

    fn owns(&self, path: &str) -> bool {
        matches!(path.split('/').nth(1), Some("auth" | "ident" | "project"))
    }

    fn handle(&self, world: &mut World, request: &Request<Bytes>) -> Handled {
        match self.answer(world, request) {
            Ok(handled) => handled,
            Err(refused) => Handled::Ready(refuse(world, &refused)),
        }
    }

    fn claims(&self, request: &Request<Bytes>) -> Option<String> {
        if request.uri().path() == "/auth" {
            let login: Map<String, Value> = serde_json::from_slice(request.body()).ok()?;
            return login.get("PARTNER")?.as_str().map(str::to_owned);
        }
        Some(request.headers().get("x-api-partner")?.to_str().ok()?.to_owned())
    }

    fn identity(&self, world: &mut World) -> Option<String> {
        Some(world.part::<Account>().settings.partner.clone())
    }

    fn secret(&self, world: &mut World) -> Option<String> {
        Some(world.part::<Account>().settings.api_key.clone())
    }

    fn set_credentials(&self, world: &mut World, identity: &str, secret: &str) {
        configure(world, |settings| {
            settings.partner = identity.into();
            settings.api_key = secret.into();
        });
    }

    fn cases(&self, world: &mut World) -> Vec<String> {
        idents::cases(world)
    }

    fn shapes(&self) -> &'static [Shape] {
        shapes::SHAPES
    }

    fn refuses_by_result(&self) -> bool {
        true
    }

    fn on_timer(&self, world: &mut World, timer: &Timer) {
        if timer.what == idents::EXPIRY {
            idents::forget(world, &timer.subject);
        }
    }

    fn delivered(&self, world: &mut World, case: &str) {
        world.unblock(case);
    }

    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Refused>> {
        idents::transition(world, case, transition)
    }

    fn inspect(&self, world: &mut World, case: &str) -> Option<Value> {
        let ident = idents::read(world, case).ok()?;
        Some(by_name::told(&views::CaseView { vendor: PROVIDER, id: case.to_owned(), ident: by_name::told(&ident) }))
    }

    fn account(&self, world: &mut World) -> Value {
        let settings = &world.part::<Account>().settings;
        let (partner, api_key) = (settings.partner.clone(), settings.api_key.clone());
        by_name::told(&views::AccountView { base_path: "", partner, api_key })
    }

    fn settings(&self, world: &mut World) -> Value {
        by_name::told(&world.part::<Account>().settings)
    }

    fn set_up(&self, world: &mut World, changes: &Map<String, Value>) -> Result<Change, Refused> {
        let settings = by_name::changed(&world.part::<Account>().settings, changes)?;
        Ok(Box::new(|world| world.part::<Account>().settings = settings))
    }

    fn timers(&self) -> &'static [&'static str] {
        &[idents::EXPIRY]
    }

    fn save(&self, shares: &mut Shares<'_>) -> Result<Value, SavedError> {
        saved::save(shares)
    }

    fn load(&self, world: &mut World, saved: &Value) -> Result<(), SavedError> {
        saved::load(world, saved)
    }
}

impl Identify24 {
    fn answer(&self, world: &mut World, request: &Request<Bytes>) -> Result<Handled, Refused> {
        let path = request.uri().path();
        served(world)?;
        let arrived = on_the_way(world, request)?;
        let request = arrived.as_ref().unwrap_or(request);
        if path != "/auth" {
            authenticated(world, request.headers())?;
        }
        if world.profile == Profile::Strict {
            checks::strict(request, &world.rules)?;
        }
        for route in &self.routes {
            if let Some(answer) = route.handle(world, path, request) {
                return answer;
            }
        }
        Err(self.nowhere(request.method(), path))
    }

    fn nowhere(&self, method: &Method, path: &str) -> Refused {
        let known = self.routes.iter().find(|route| route.meta().match_path(path, false).is_some());
        let (status, message) = match known {
            Some(route) if route.meta().method != method => {
                (405, format!("{} is called with {}", route.meta().name, route.meta().method))
            }
            _ => (404, "the vendor has no such call".to_owned()),
        };
        Refused::new(status, Violation::new("path", message, "I-001", "[I] Methods"))
    }
}

/// What a proxy makes of a GET with a body (AI-07): another request, a refusal, or nothing.
fn on_the_way(world: &mut World, request: &Request<Bytes>) -> Result<Option<Request<Bytes>>, Refused> {
    if !world.enforces("AI-07/proxy") || request.method() != Method::GET || request.body().is_empty() {
        return Ok(None);
    }
    match world.part::<Account>().settings.get_bodies {
        GetBodies::Read => Ok(None),
        GetBodies::Stripped => Ok(Some(request.clone().map(|_| Bytes::new()))),
        GetBodies::Refused(status) => {
            let message = "a proxy on the way does not pass the body of a GET";
            Err(Refused::new(status, Violation::new("body", message, "AI-07", "[I] project/get")))
        }
    }
}

/// An error in the shape of the vendor's answers: the document shows none (AI-03).
fn refuse(world: &mut World, refused: &Refused) -> Response<Content> {
    let refused = refused.bounded();
    let mut body = json!({ "result": false, "messages": [refused.text()], "response_status": refused.status });
    let token_apart = world.enforces("AI-02");
    let status = match world.part::<Account>().settings.refusals {
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
