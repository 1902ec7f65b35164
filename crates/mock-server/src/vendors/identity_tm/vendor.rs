//! The vendor as the sandbox asks it: responses, timers, scenarios, and what is saved.

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use identkit_core::Location;
use identkit_identity_tm::{PROVIDER, StatusKind};
use identkit_wire::encode_base64;
use serde_json::Value;

use super::facts::{BASE_PATH, FACTS, PURGE, TIME_OUT, VIDEO, below_version};
use super::orders::{Orders, Reuse};
use super::paths::resolve_alias;
use super::rejections::respond;
use super::settings::Settings;
use super::views::CaseView;
use super::{IdentityTm, configure, examples, media, methods, reuse, rules, saved, scenarios};
use crate::account::{Account, AccountOf, AccountState};
use crate::facts::VendorFacts;
use crate::rejection::Rejection;
use crate::vendor::{CallOutcome, MockVendor, Route, Target, Transition};
use crate::{Profile, SavedError, StateReader, Timer, World};

impl AccountState for Orders {
    type Settings = Settings;

    const BASE_PATH: &'static str = BASE_PATH;

    fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    fn credentials(settings: &mut Settings) -> [(&'static str, &mut String); 2] {
        [("customer_id", &mut settings.customer_id), ("customer_code", &mut settings.customer_code)]
    }

    fn cases(world: &mut World) -> Vec<String> {
        world.state::<Self>().by_id.keys().cloned().collect()
    }
}

impl MockVendor for IdentityTm {
    fn facts(&self) -> &'static VendorFacts {
        &FACTS
    }

    fn routes(&self) -> &[Route] {
        &self.routes
    }

    fn account(&self) -> Option<&dyn Account> {
        Some(&AccountOf::<Orders>::NEW)
    }

    fn seed(&self, world: &mut World) {
        reuse::seed(world);
        examples::place(world);
        if world.profile == Profile::Chaos {
            // A suspicion of fraud that the default list hides (AT-13).
            configure(world, |settings| {
                settings.general.remove(&StatusKind::FRAUD.0);
            });
        }
    }

    fn route(&self, world: &World, request: &Request<Bytes>) -> Option<Target<'_>> {
        let path = resolve_alias(world, below_version(request.uri().path())?);
        // Without regard to case: the document itself spells delIdentdata in two methods (AT-09).
        let ignore_case = world.profile != Profile::Strict || !world.enforces(&rules::AT_09_CASE);
        Target::find(&self.routes, request.method(), &path, ignore_case)
    }

    fn handle(&self, world: &mut World, request: &Request<Bytes>, target: Option<&Target<'_>>) -> CallOutcome {
        self.answer(world, request, target).unwrap_or_else(|rejection| CallOutcome::Ready(respond(&rejection)))
    }

    fn on_timer(&self, world: &mut World, timer: &Timer) {
        match timer.what {
            TIME_OUT => scenarios::time_out(world, &timer.subject),
            PURGE if world.enforces(&rules::T_024) => {
                if let Some(order) = world.state::<Orders>().by_id.get_mut(&timer.subject) {
                    order.delete_data();
                }
            }
            VIDEO => media::finish_recording(world, &timer.subject),
            _ => {}
        }
    }

    fn delivered(&self, world: &mut World, case: &str) {
        world.unblock(case);
        scenarios::go_on(world, case);
    }

    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Rejection>> {
        world.state::<Orders>().by_id.get(case)?;
        Some(scenarios::play(world, case, transition))
    }

    fn inspect(&self, world: &mut World, case: &str) -> Option<Value> {
        let blocked = world.is_blocked(case);
        let order = world.state::<Orders>().by_id.get(case)?;
        let view = CaseView {
            vendor: PROVIDER,
            id: case.to_owned(),
            data_deleted: order.deleted,
            blocked,
            method: methods::name(order.method()),
            tan: order.tan.as_ref().map(|tan| tan.code.expose().to_owned()),
            recording: order.recording.name(),
            reuse: order.reuse.as_ref().map(Reuse::name),
            status: serde_json::to_value(order.status_answer(None)).unwrap_or_default(),
        };
        serde_json::to_value(view).ok()
    }

    fn save(&self, states: &mut StateReader<'_>) -> Result<Value, SavedError> {
        saved::save(states)
    }

    fn load(&self, world: &mut World, saved: &Value) -> Result<(), SavedError> {
        saved::load(world, saved)
    }
}

impl IdentityTm {
    fn answer(
        &self,
        world: &mut World,
        request: &Request<Bytes>,
        target: Option<&Target<'_>>,
    ) -> Result<CallOutcome, Rejection> {
        let path = below_version(request.uri().path()).unwrap_or_default();
        let open = path.eq_ignore_ascii_case("/serverStatus");
        if !open && world.enforces(&rules::T_003) && !is_authenticated(world, request) {
            let message = "customer id or customer code is wrong or missing (HTTP Basic)";
            let rejection = rules::T_003.reject(401, "Authorization", message, "[T] 2.6");
            return Err(rejection.at(Location::Header));
        }
        let path = resolve_alias(world, path);
        self.check_access(world, request.uri().path(), &path)?;
        match target {
            Some(target) => target.handle(world, request),
            None => Err(self.unknown_call(request.method(), &path)),
        }
    }
}

fn is_authenticated(world: &mut World, request: &Request<Bytes>) -> bool {
    let settings = &world.state::<Orders>().settings;
    let expected = encode_base64(format!("{}:{}", settings.customer_id, settings.customer_code).as_bytes());
    let given = request.headers().get(AUTHORIZATION).and_then(|given| given.to_str().ok()?.split_once(' '));
    // RFC 9110: the name of the scheme is case-insensitive.
    given.is_some_and(|(scheme, code)| scheme.eq_ignore_ascii_case("basic") && code.trim() == expected)
}
