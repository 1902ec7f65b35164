//! The vendor as the sandbox asks it: answers, timers, stories, and what is saved.

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use identkit_core::Violation;
use identkit_identity_tm::{PROVIDER, StatusKind};
use identkit_wire::{Meta, decode_base64, encode_base64};
use serde_json::{Map, Value};

use super::orders::{self, Orders};
use super::paths::{as_printed, below_version};
use super::refusals::refuse;
use super::views::{AccountView, CaseView};
use super::{IdentityTm, configure, examples, media, reuse, saved, shapes, stories, ways};
use crate::faults::Shape;
use crate::vendor::{Change, Handled, MockVendor, Refused, Route, Transition};
use crate::vendors::settings as by_name;
use crate::{Profile, SavedError, Shares, Timer, World};

impl MockVendor for IdentityTm {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn routes(&self) -> &[Route] {
        &self.routes
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

    fn owns(&self, path: &str) -> bool {
        below_version(path).is_some()
    }

    fn handle(&self, world: &mut World, request: &Request<Bytes>) -> Handled {
        let path = below_version(request.uri().path()).unwrap_or_default().to_owned();
        let open = path.eq_ignore_ascii_case("/serverStatus");
        if !open && world.enforces("T-003") && !authenticated(world, request) {
            let fault = Violation::new(
                "Authorization",
                "customer id or customer code is wrong or missing (HTTP Basic)",
                "T-003",
                "[T] 2.6",
            );
            return Handled::Ready(refuse(&Refused::new(401, fault)));
        }
        let path = as_printed(world, &path).into_owned();
        if let Err(refused) = self.reachable(world, request.uri().path(), &path) {
            return Handled::Ready(refuse(&refused));
        }
        for route in &self.routes {
            match route.handle(world, &path, request) {
                Some(Ok(handled)) => return handled,
                Some(Err(refused)) => return Handled::Ready(refuse(&refused)),
                None => {}
            }
        }
        Handled::Ready(refuse(&self.nowhere(request.method(), &path)))
    }

    fn operation(&self, world: &World, request: &Request<Bytes>) -> Option<&'static Meta> {
        let path = &*as_printed(world, below_version(request.uri().path())?);
        let ignore_case = world.profile != Profile::Strict;
        self.routes.iter().find(|route| route.fits(path, request, ignore_case)).map(Route::meta)
    }

    fn claims(&self, request: &Request<Bytes>) -> Option<String> {
        let given = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, code) = given.split_once(' ')?;
        let code = scheme.eq_ignore_ascii_case("basic").then_some(code.trim())?;
        let pair = String::from_utf8(decode_base64(code).ok()?).ok()?;
        pair.split_once(':').map(|(customer, _)| customer.to_owned())
    }

    fn identity(&self, world: &mut World) -> Option<String> {
        Some(world.part::<Orders>().settings.customer_id.clone())
    }

    fn secret(&self, world: &mut World) -> Option<String> {
        Some(world.part::<Orders>().settings.customer_code.clone())
    }

    fn set_credentials(&self, world: &mut World, identity: &str, secret: &str) {
        configure(world, |settings| {
            settings.customer_id = identity.into();
            settings.customer_code = secret.into();
        });
    }

    fn cases(&self, world: &mut World) -> Vec<String> {
        world.part::<Orders>().by_id.keys().cloned().collect()
    }

    fn shapes(&self) -> &'static [Shape] {
        shapes::SHAPES
    }

    fn on_timer(&self, world: &mut World, timer: &Timer) {
        match timer.what {
            orders::TIME_OUT => stories::time_out(world, &timer.subject),
            orders::PURGE if world.enforces("T-024") => {
                if let Some(order) = world.part::<Orders>().by_id.get_mut(&timer.subject) {
                    order.delete_data();
                }
            }
            media::VIDEO => media::provisioned(world, &timer.subject),
            _ => {}
        }
    }

    fn delivered(&self, world: &mut World, case: &str) {
        world.unblock(case);
        stories::go_on(world, case);
    }

    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Refused>> {
        world.part::<Orders>().by_id.get(case)?;
        Some(stories::play(world, case, transition))
    }

    fn inspect(&self, world: &mut World, case: &str) -> Option<Value> {
        let order = world.part::<Orders>().by_id.get(case)?;
        let deleted = order.deleted;
        let (recording, reuse) = (order.recording.told(), order.reuse.as_ref().map(reuse::Reuse::told));
        let blocked = world.is_blocked(case);
        let status = world.part::<Orders>().by_id.get(case)?.status_answer(None);
        let status = serde_json::to_value(&status).unwrap_or(Value::Null);
        let method = ways::name(world.part::<Orders>().by_id.get(case)?.method());
        let tan = world.part::<Orders>().by_id.get(case)?.tan.as_ref().map(|tan| tan.code.expose().to_owned());
        let vendor = PROVIDER;
        let view = CaseView {
            vendor,
            id: case.to_owned(),
            data_deleted: deleted,
            blocked,
            method,
            tan,
            recording,
            reuse,
            status,
        };
        serde_json::to_value(view).ok()
    }

    fn account(&self, world: &mut World) -> Value {
        let settings = &world.part::<Orders>().settings;
        let (customer_id, customer_code) = (settings.customer_id.clone(), settings.customer_code.clone());
        by_name::told(&AccountView { base_path: "/api/2.10", customer_id, customer_code })
    }

    fn settings(&self, world: &mut World) -> Value {
        by_name::told(&world.part::<Orders>().settings)
    }

    fn set_up(&self, world: &mut World, changes: &Map<String, Value>) -> Result<Change, Refused> {
        let settings = by_name::changed(&world.part::<Orders>().settings, changes)?;
        Ok(Box::new(|world| world.part::<Orders>().settings = settings))
    }

    fn timers(&self) -> &'static [&'static str] {
        &[orders::TIME_OUT, orders::PURGE, media::VIDEO]
    }

    fn save(&self, shares: &mut Shares<'_>) -> Result<Value, SavedError> {
        saved::save(shares)
    }

    fn load(&self, world: &mut World, saved: &Value) -> Result<(), SavedError> {
        saved::load(world, saved)
    }
}

fn authenticated(world: &mut World, request: &Request<Bytes>) -> bool {
    let settings = &world.part::<Orders>().settings;
    let expected = encode_base64(format!("{}:{}", settings.customer_id, settings.customer_code).as_bytes());
    let given = request.headers().get(AUTHORIZATION).and_then(|given| given.to_str().ok()?.split_once(' '));
    // RFC 9110: the name of the scheme is case-insensitive.
    given.is_some_and(|(scheme, code)| scheme.eq_ignore_ascii_case("basic") && code.trim() == expected)
}
