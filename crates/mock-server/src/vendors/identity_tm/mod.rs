//! The mock vendor identity.TM, based on the Customer Services API document 2.10c.

mod account_urls;
mod details;
mod documents;
mod examples;
mod facts;
mod feed;
mod lookup;
mod media;
mod methods;
mod multi_sign;
mod orders;
mod outbox;
mod person;
mod put_order;
mod reading;
mod reuse;
mod rules;
mod scenarios;
mod settings;
mod shapes;
mod signing;

use std::borrow::Cow;
use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Request};
use identkit_core::Location;
use identkit_identity_tm::{
    CancelOrder, CheckSignmeUser, ConfirmSign, DelIdentData, GetAllStatus, GetAllStatusExtended, GetBankList,
    GetESignHash, GetESignPdf, GetIdentData, GetIdentDataInitial, GetIdentDataMethod, GetIdentDataPdf,
    GetIdentDataSigned, GetStatus, GetStatusExtended, GetVideo, GetVoiceFiles, PROVIDER, PutOrder,
    RequestResendSignTan, RequestSign, RequestVideo, ServerStatus, StatusKind,
};
use identkit_wire::{encode_base64, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::account_urls::{RedirectUrls, WebhookUrls};
pub(super) use self::facts::BASE_PATH;
pub use self::reading::unseal;
pub use self::scenarios::SCENARIOS;
pub use self::settings::{Feature, GiroKey, HashShape, ListShape, Service, Settings, Unit, VideoFormat};

use self::account_urls::Redirects;
use self::documents::IdentVariant;
use self::facts::{FACTS, PURGE, TIME_OUT, VIDEO, basic_code, below_version};
use self::lookup::{account, deleted_order, find, find_final, not_enabled, of_order, respond};
use self::orders::{
    IssuedTan, MasterFiles, Order, Orders, Reason, Reuse, Step, Visit, Word, dts, own_hashes, own_pdfs,
};
use self::put_order::put_order;
use self::reading::{delete, ident_data, report, server_status, signed_pdfs, status};
use self::reuse::Key;
use crate::rules::Rule;
use crate::vendors::requests;
#[cfg(feature = "server")]
use crate::vendors::schemas::VendorSchemas;
use crate::vendors::success::replace_status;
use crate::world::error::{read, to_value};
use crate::{
    Account, AccountOf, AccountState, CallOutcome, CaseDetails, CaseKeys, CaseOrder, Evidence, KnownStatus, MockVendor,
    PersonRequest, PersonView, Profile, Rejection, Route, SavedError, StateReader, Target, Timer, Transition,
    VendorFacts, World, account,
};

/// The vendor identity.TM.
#[derive(Debug)]
pub struct IdentityTm {
    routes: Vec<Route>,
}

impl Default for IdentityTm {
    fn default() -> Self {
        Self::new()
    }
}

impl IdentityTm {
    /// Creates the vendor with all calls that the sandbox supports.
    pub fn new() -> Self {
        macro_rules! of_order {
            ($new:ident::<$operation:ty>, $handler:expr) => {
                Route::$new::<$operation>(&FACTS, |op| Some(op.order_id.expose().to_owned()), $handler)
            };
        }
        let routes = vec![
            Route::new::<PutOrder>(&FACTS, |_| None, put_order),
            of_order!(new::<GetStatusExtended>, |world, op| status(world, &op.order_id, true)),
            of_order!(new::<GetStatus>, |world, op| status(world, &op.order_id, false)),
            of_order!(responding::<GetIdentDataInitial>, |world, op| {
                ident_data(world, &op.order_id, IdentVariant::InitialData)
            }),
            of_order!(responding::<GetIdentDataMethod>, |world, op| {
                ident_data(world, &op.order_id, IdentVariant::IdentifyMethod)
            }),
            of_order!(new::<GetIdentDataSigned>, reuse::signed),
            of_order!(responding::<GetIdentData>, |world, op| ident_data(world, &op.order_id, IdentVariant::Default)),
            of_order!(new::<GetIdentDataPdf>, report),
            of_order!(new::<GetESignPdf>, signed_pdfs),
            of_order!(new::<RequestVideo>, media::request),
            of_order!(new::<GetVideo>, media::video),
            of_order!(responding::<GetVoiceFiles>, media::voice),
            of_order!(new::<DelIdentData>, delete),
            of_order!(responding::<GetESignHash>, signing::hashes),
            of_order!(new::<CancelOrder>, signing::cancel),
            of_order!(new::<RequestSign>, signing::request),
            of_order!(new::<ConfirmSign>, signing::confirm),
            of_order!(new::<RequestResendSignTan>, signing::resend),
            Route::new::<GetBankList>(&FACTS, |_| None, signing::banks),
            Route::new::<CheckSignmeUser>(&FACTS, |_| None, signing::signme_user),
            Route::responding::<GetAllStatusExtended>(
                &FACTS,
                |_| None,
                |world, op| feed::all_status(world, &op.request, true),
            ),
            Route::responding::<GetAllStatus>(
                &FACTS,
                |_| None,
                |world, op| feed::all_status(world, &op.request, false),
            ),
            Route::responding::<ServerStatus>(&FACTS, |_| None, |world, _| server_status(world)),
        ];
        Self { routes }
    }
}

/// Changes the account's settings, like the vendor's support.
pub fn configure(world: &mut World, change: impl FnOnce(&mut Settings)) {
    change(&mut world.state::<Orders>().settings);
}

#[cfg(feature = "server")]
pub(super) fn schemas() -> VendorSchemas {
    VendorSchemas::new::<Orders, CaseView>(identkit_identity_tm::PROVIDER)
}

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

    fn created(world: &mut World) -> &CaseOrder {
        &world.state::<Self>().opened
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
            // The default list hides a suspicion of fraud (AT-13).
            configure(world, |settings| {
                settings.general.remove(&StatusKind::FRAUD.0);
                // An order that was reported is never reported again (AT-06).
                settings.reported_unit = Unit::Orders;
            });
        }
    }

    fn route(&self, world: &World, request: &Request<Bytes>) -> Option<Target<'_>> {
        let path = resolve_alias(world, below_version(request.uri().path())?);
        // Ignore letter case: the document itself has both delIdentdata and delIdentData (AT-09).
        let ignore_case = world.profile != Profile::Strict || !world.enforces(&rules::AT_09_CASE);
        Target::find(&self.routes, request.method(), &path, ignore_case)
    }

    fn handle(&self, world: &mut World, request: &Request<Bytes>, target: Option<&Target<'_>>) -> CallOutcome {
        let outcome = self.answer(world, request, target);
        let outcome = outcome.unwrap_or_else(|rejection| CallOutcome::Ready(respond(&rejection)));
        replace_status(outcome, world.state::<Orders>().settings.success_status)
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

    fn on_first_attempt(&self, world: &mut World, case: &str) {
        world.unblock(case);
        scenarios::resume(world, case);
    }

    fn transition(&self, world: &mut World, case: &str, transition: &Transition) -> Option<Result<(), Rejection>> {
        world.state::<Orders>().by_id.get(case)?;
        Some(scenarios::play(world, case, transition))
    }

    fn inspect(&self, world: &mut World, case: &str) -> Option<Value> {
        let blocked = world.is_blocked(case);
        let orders = world.state::<Orders>();
        let order = orders.by_id.get(case)?;
        let view = CaseView {
            vendor: PROVIDER,
            id: case.to_owned(),
            reference: order.request.reference.as_ref().map(|reference| reference.expose().clone()),
            latest_status: order.status.last().and_then(|entry| entry.kind).map(|kind| kind.0.to_string()),
            status_name: order.status.last().and_then(|entry| details::name(entry.kind?)),
            result: details::result(&order.finality()),
            created_at: details::time(order.status.first()),
            changed_at: details::time(order.status.last()),
            data_deleted: order.deleted,
            blocked,
            method: methods::name(order.method()),
            tan: order.latest_tan().map(|tan| tan.expose().to_owned()),
            recording: order.recording.name(),
            reuse: order.reuse.as_ref().map(Reuse::name),
            redirects: orders.settings.redirects(order),
            status: serde_json::to_value(order.status_answer(None, &orders.settings)).unwrap_or_default(),
        };
        serde_json::to_value(view).ok()
    }

    fn landing_case(&self, world: &mut World, link: &str) -> Option<String> {
        let orders = &world.state::<Orders>().by_id;
        let has_link = |order: &Order| order.link.as_ref().is_some_and(|known| known.expose() == link);
        orders.iter().find(|(_, order)| has_link(order)).map(|(id, _)| id.clone())
    }

    fn person(&self, world: &mut World, case: &str) -> Option<PersonView> {
        person::view(world, case)
    }

    fn act(&self, world: &mut World, case: &str, request: &PersonRequest) -> Option<Result<(), Rejection>> {
        person::view(world, case).map(|view| person::act(world, case, &view, request))
    }

    fn keys(&self, world: &mut World, case: &str) -> Option<CaseKeys> {
        details::keys(world, case)
    }

    fn describe(&self, world: &mut World, case: &str) -> Option<CaseDetails> {
        details::describe(world, case)
    }

    fn evidence(&self, world: &mut World, case: &str, name: &str) -> Option<Result<Evidence, Rejection>> {
        details::evidence(world, case, name)
    }

    fn statuses(&self, _: &mut World) -> Option<Vec<KnownStatus>> {
        Some(details::statuses())
    }

    fn save(&self, states: &mut StateReader<'_>) -> Result<Value, SavedError> {
        // A state that was never used is its default.
        let Orders { settings, by_id, reported, opened } = states.get().cloned().unwrap_or_default();
        let settings = account::save_settings(&settings)?;
        let seal_key = states.get().cloned().unwrap_or_default();
        to_value(
            &Saved { settings, seal_key, orders: by_id.into_values().map(|order| *order).collect(), reported, opened },
            "an order",
        )
    }

    fn load(&self, world: &mut World, saved: &Value) -> Result<(), SavedError> {
        let Saved { settings, seal_key, orders, reported, opened } = read(saved)?;
        let mut state =
            Orders { settings: account::load_settings(&settings, "/settings")?, reported, ..Orders::default() };
        for (index, order) in orders.into_iter().enumerate() {
            if state.by_id.insert(order.id.expose().to_owned(), Box::new(order)).is_some() {
                return Err(SavedError::damaged(format!("/orders/{index}/id"), "expected a unique id"));
            }
        }
        state.opened = opened.validate("/opened", |id| state.by_id.contains_key(id))?;
        *world.state() = state;
        *world.state() = seal_key;
        Ok(())
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
            let message = "must have the account's customer id and customer code (HTTP Basic)";
            let rejection = rules::T_003.reject(401, "Authorization", message, "[T] 2.6");
            return Err(rejection.at(Location::Header));
        }
        let resolved = resolve_alias(world, path);
        self.check_access(world, request.uri().path(), &resolved)?;
        warn_about_path(world, request.uri().path(), resolved != path);
        let path = resolved;
        if world.profile == Profile::Strict && !request.body().is_empty() {
            if world.enforces(&rules::T_002_TYPE) {
                requests::check_media_type(
                    request,
                    &rules::T_002_TYPE,
                    "must be application/json for JSON in the body",
                )?;
            }
            if world.enforces(&rules::AT_95) {
                requests::check_names(request.body(), &rules::AT_95)?;
            }
        }
        match target {
            Some(target) => target.handle(world, request),
            None => match &world.state::<Orders>().settings.availability {
                Some(availability) if request.method() == Method::GET && path.eq_ignore_ascii_case(AVAILABILITY) => {
                    FACTS.or_reject(json::response(200, availability), "[T] 8.2").map(CallOutcome::Ready)
                }
                _ => Err(self.unknown_call(request.method(), &path)),
            },
        }
    }
}

/// Path of the stub for the availability of video agents. The vendor documents neither path nor response, [T 8.2].
const AVAILABILITY: &str = "/availability";

fn is_authenticated(world: &mut World, request: &Request<Bytes>) -> bool {
    let settings = &world.state::<Orders>().settings;
    let expected = encode_base64(format!("{}:{}", settings.customer_id, settings.customer_code).as_bytes());
    basic_code(request) == Some(&expected)
}

/// An order of identity.TM.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Order")]
struct CaseView {
    #[schemars(extend("const" = "identity-tm"))]
    vendor: &'static str,
    /// OrderID.
    id: String,
    /// Reference of the order, its `Ref`.
    reference: Option<String>,
    /// Code of the latest status.
    latest_status: Option<String>,
    /// The document's text of the latest status; null if the document does not list it.
    status_name: Option<&'static str>,
    /// How the order ended, or that it is open.
    #[schemars(extend("enum" = ["open", "positive", "negative"]))]
    result: &'static str,
    /// Time of the first status.
    #[schemars(extend("format" = "date-time"))]
    created_at: Option<String>,
    /// Time of the latest status.
    #[schemars(extend("format" = "date-time"))]
    changed_at: Option<String>,
    /// Whether the person's data is deleted.
    data_deleted: bool,
    /// Whether calls about the order wait for a webhook.
    blocked: bool,
    /// Identification method.
    #[schemars(extend("enum" = ["Courier", "Shop", "eID", "Giro", "autoID", "SmartID", "Video"]))]
    method: &'static str,
    /// The TAN that was sent last.
    tan: Option<String>,
    /// State of the video's recording.
    #[schemars(extend("enum" = ["ready", "asked for", "not asked for"]))]
    recording: &'static str,
    /// Whether IdentDataSigned was used: `accepted`, or the reason why not; null without IdentDataSigned.
    reuse: Option<&'static str>,
    /// The redirects of the person.
    redirects: Redirects,
    /// The response of getStatus with all its codes, as the vendor writes it.
    #[schemars(extend("type" = "object"))]
    status: Value,
}

impl IdentityTm {
    /// Checks whether the account's settings allow this path.
    fn check_access(&self, world: &mut World, whole: &str, path: &str) -> Result<(), Rejection> {
        let rules = world.rules.clone();
        let settings = &world.state::<Orders>().settings;
        let not_found = |message: &'static str, rule: &Rule, section: &'static str| {
            Err(rule.reject(404, "path", message, section).at(Location::Path))
        };
        if rules.enforce(&rules::AT_11) && !settings.any_version && !whole.starts_with("/api/2.10/") {
            return not_found(
                "must start with /api/2.10/: this account accepts no other version",
                &rules::AT_11,
                "[T] 2.6",
            );
        }
        let fits = |ignore| self.routes.iter().any(|route| route.meta().match_path(path, ignore).is_some());
        if rules.enforce(&rules::AT_09_CASE) && settings.exact_paths && !fits(false) && fits(true) {
            return not_found(
                "must have the letter case of the document: this account compares paths exactly",
                &rules::AT_09,
                "[T] 3-8",
            );
        }
        let call = path.split('/').nth(1).unwrap_or_default();
        match Feature::for_call(call) {
            Some(feature) if rules.enforce(&rules::T_006_CALLS) && settings.not_enabled.contains(&feature) => {
                Err(not_enabled("path").at(Location::Path))
            }
            _ => Ok(()),
        }
    }

    /// Returns the rejection of an unknown call: wrong method, wrong path, or an unknown name.
    fn unknown_call(&self, method: &Method, path: &str) -> Rejection {
        let name = path.split('/').nth(1).unwrap_or_default().to_ascii_lowercase();
        let mut named: Vec<&Route> = self.routes.iter().collect();
        named.retain(|route| {
            route.meta().path.split('/').nth(1).is_some_and(|segment| segment.eq_ignore_ascii_case(&name))
        });
        // Several calls begin with the same name.
        let fits = |route: &&&Route| route.meta().match_path(path, true).is_some();
        let known = named.iter().find(fits).or_else(|| named.iter().min_by_key(|route| route.meta().path.len()));
        let (status, message, section) = match known {
            Some(route) if route.meta().method != method => (
                405,
                format!("{} must be called with {}", route.meta().name, route.meta().method),
                route.meta().section,
            ),
            Some(route) => {
                (404, format!("{} must be called at {}", route.meta().name, route.meta().path), route.meta().section)
            }
            None => (404, "the vendor has no such call".to_owned(), "[T] 3-8"),
        };
        let rejection = rules::T_001.reject(status, "path", message, section).at(Location::Path);
        match known {
            Some(route) => rejection.allow(&route.meta().method),
            None => rejection,
        }
    }
}

/// Adds warnings to the journal if a path is accepted only because the document's examples have it (AT-10, AT-11).
fn warn_about_path(world: &mut World, whole: &str, is_alias: bool) {
    let mut warn = |rule: &Rule, message: &'static str| {
        if world.enforces(rule) {
            world.warn(rule.violation("path", message, rule.section));
        }
    };
    if is_alias {
        warn(&rules::AT_10, "the documented path of the call is /confirmSign/{OrderID}, which the vendor may require");
    }
    if !whole.starts_with("/api/2.10/") {
        warn(&rules::AT_11, "the documented version is 2.10 (/api/2.10/), which the vendor may require");
    }
}

/// Replaces the alias of confirmSign in the example of [T 5.2.5] by its path (AT-10).
fn resolve_alias<'a>(world: &World, path: &'a str) -> Cow<'a, str> {
    match path.strip_prefix("/confirm/") {
        Some(rest) if world.profile != Profile::Strict && world.enforces(&rules::AT_10) => {
            format!("/confirmSign/{rest}").into()
        }
        _ => path.into(),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Value,
    seal_key: Key,
    orders: Vec<Order>,
    reported: BTreeSet<(String, usize)>,
    opened: CaseOrder,
}
