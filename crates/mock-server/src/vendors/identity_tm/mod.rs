//! identity.TM's server side, after the Customer Services API document 2.10c.

mod checks;
mod documents;
mod examples;
mod feed;
mod media;
mod multi_sign;
mod orders;
mod results;
mod reuse;
mod saved;
mod settings;
mod shapes;
mod signing;
mod stories;
mod ways;

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use identkit_core::{Content, Fault};
use identkit_identity_tm::messages::{OrderStatus, PutOrderAnswer};
use identkit_identity_tm::{
    CancelOrder, CheckSignmeUser, ConfirmSign, DelIdentData, Dialect, GetAllStatus, GetAllStatusExtended, GetBankList,
    GetESignHash, GetESignPdf, GetIdentData, GetIdentDataInitial, GetIdentDataMethod, GetIdentDataPdf,
    GetIdentDataSigned, GetStatus, GetStatusExtended, GetVideo, GetVoiceFiles, OrderId, PROVIDER, PutOrder,
    RequestResendSignTan, RequestSign, RequestVideo, ServerStatus, SignedPdfs, StatusKind,
};
use identkit_wire::{Meta, OneOrMany, decode_base64, encode_base64, json};
use serde_json::{Map, Value, json};

pub use self::results::unseal;
pub use self::settings::{Feature, GiroKey, HashShape, ListShape, Service, Settings, Unit};
pub use self::stories::STORIES;

use self::documents::IdentVariant;
use self::orders::{Order, Orders};
use crate::faults::Shape;
use crate::vendor::{Change, Handled, MockVendor, NoAnswer, Refused, Route, Transition, written};
use crate::vendors::settings as by_name;
use crate::{Profile, SavedError, Shares, Timer, World};

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
    /// The vendor with all calls that the sandbox answers.
    pub fn new() -> Self {
        fn id(order_id: &OrderId) -> Option<String> {
            Some(order_id.expose().to_owned())
        }
        // Paths without regard to case: the document itself spells delIdentdata in two ways (AT-09).
        let routes = vec![
            Route::of::<PutOrder>(true, |_| None, put_order),
            Route::of::<GetStatusExtended>(true, |op| id(&op.order_id), |world, op| status(world, &op.order_id, true)),
            Route::of::<GetStatus>(true, |op| id(&op.order_id), |world, op| status(world, &op.order_id, false)),
            Route::answering::<GetIdentDataInitial>(
                true,
                |op| id(&op.order_id),
                |world, op| ident_data(world, &op.order_id, IdentVariant::InitialData),
            ),
            Route::answering::<GetIdentDataMethod>(
                true,
                |op| id(&op.order_id),
                |world, op| ident_data(world, &op.order_id, IdentVariant::IdentifyMethod),
            ),
            Route::of::<GetIdentDataSigned>(true, |op| id(&op.order_id), reuse::signed),
            Route::answering::<GetIdentData>(
                true,
                |op| id(&op.order_id),
                |world, op| ident_data(world, &op.order_id, IdentVariant::Default),
            ),
            Route::of::<GetIdentDataPdf>(true, |op| id(&op.order_id), report),
            Route::of::<GetESignPdf>(true, |op| id(&op.order_id), signed_pdfs),
            Route::of::<RequestVideo>(true, |op| id(&op.order_id), media::request),
            Route::of::<GetVideo>(true, |op| id(&op.order_id), media::video),
            Route::answering::<GetVoiceFiles>(true, |op| id(&op.order_id), media::voice),
            Route::of::<DelIdentData>(true, |op| id(&op.order_id), delete),
            Route::answering::<GetESignHash>(true, |op| id(&op.order_id), signing::hashes),
            Route::of::<CancelOrder>(true, |op| id(&op.order_id), signing::cancel),
            Route::of::<RequestSign>(true, |op| id(&op.order_id), signing::request),
            Route::of::<ConfirmSign>(true, |op| id(&op.order_id), signing::confirm),
            Route::of::<RequestResendSignTan>(true, |op| id(&op.order_id), signing::resend),
            Route::of::<GetBankList>(true, |_| None, signing::banks),
            Route::of::<CheckSignmeUser>(true, |_| None, signing::signme_user),
            Route::answering::<GetAllStatusExtended>(
                true,
                |_| None,
                |world, op| feed::all_status(world, &op.request, true),
            ),
            Route::answering::<GetAllStatus>(true, |_| None, |world, op| feed::all_status(world, &op.request, false)),
            Route::answering::<ServerStatus>(true, |_| None, |world, _| server_status(world)),
        ];
        Self { routes }
    }

    fn authenticated(world: &mut World, request: &Request<Bytes>) -> bool {
        let settings = &world.part::<Orders>().settings;
        let expected = encode_base64(format!("{}:{}", settings.customer_id, settings.customer_code).as_bytes());
        let given = request.headers().get(AUTHORIZATION).and_then(|given| given.to_str().ok()?.split_once(' '));
        // RFC 9110: the name of the scheme is case-insensitive.
        given.is_some_and(|(scheme, code)| scheme.eq_ignore_ascii_case("basic") && code.trim() == expected)
    }
}

impl MockVendor for IdentityTm {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn routes(&self) -> &[Route] {
        &self.routes
    }

    fn found(&self, world: &mut World) {
        reuse::found(world);
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
        if !open && world.enforces("T-003") && !Self::authenticated(world, request) {
            let fault = Fault::new(
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

    fn mint(&self, world: &mut World, identity: &str, secret: &str) {
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

    fn fire(&self, world: &mut World, timer: &Timer) {
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

    fn peek(&self, world: &mut World, case: &str) -> Option<Value> {
        let order = world.part::<Orders>().by_id.get(case)?;
        let deleted = order.deleted;
        let (recording, reuse) = (order.recording.told(), order.reuse.as_ref().map(reuse::Reuse::told));
        let blocked = world.is_blocked(case);
        let status = world.part::<Orders>().by_id.get(case)?.status_answer(None);
        let status = serde_json::to_value(&status).unwrap_or(Value::Null);
        let method = ways::name(world.part::<Orders>().by_id.get(case)?.method());
        let tan = world.part::<Orders>().by_id.get(case)?.tan.as_ref().map(|tan| tan.code.expose().to_owned());
        Some(json!({
            "vendor": PROVIDER,
            "id": case,
            "data_deleted": deleted,
            "blocked": blocked,
            "method": method,
            "tan": tan,
            "recording": recording,
            "reuse": reuse,
            "status": status,
        }))
    }

    fn account(&self, world: &mut World) -> Value {
        let settings = &world.part::<Orders>().settings;
        json!({
            "base_path": "/api/2.10",
            "customer_id": settings.customer_id,
            "customer_code": settings.customer_code,
        })
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

impl IdentityTm {
    /// Whether the account may call this path, as it is set up.
    fn reachable(&self, world: &mut World, whole: &str, path: &str) -> Result<(), Refused> {
        let rules = world.rules.clone();
        let settings = &world.part::<Orders>().settings;
        let nowhere = |message: &'static str, rule: &'static str, section: &'static str| {
            Err(Refused::new(404, Fault::new("path", message, rule, section)))
        };
        if rules.enforce("AT-11") && !settings.any_version && !whole.starts_with("/api/2.10/") {
            return nowhere("the version of the document is /api/2.10/", "AT-11", "[T] 2.6");
        }
        let fits = |ignore| self.routes.iter().any(|route| route.meta().match_path(path, ignore).is_some());
        if rules.enforce("AT-09/case") && settings.exact_paths && !fits(false) && fits(true) {
            return nowhere("the call is written with other capital letters", "AT-09", "[T] 3-8");
        }
        let call = path.split('/').nth(1).unwrap_or_default();
        match Feature::of(call) {
            Some(feature) if rules.enforce("T-006/calls") && settings.not_enabled.contains(&feature) => {
                Err(not_enabled("path"))
            }
            _ => Ok(()),
        }
    }

    /// Why nothing answers here: another method, a call of a later version, or nothing at all.
    fn nowhere(&self, method: &Method, path: &str) -> Refused {
        let name = path.split('/').nth(1).unwrap_or_default().to_ascii_lowercase();
        let known = self.routes.iter().find(|route| {
            route.meta().path.split('/').nth(1).is_some_and(|segment| segment.eq_ignore_ascii_case(&name))
        });
        let (status, message, section) = match known {
            Some(route) if route.meta().method != method => {
                (405, format!("{} is called with {}", route.meta().name, route.meta().method), route.meta().section)
            }
            Some(route) => {
                (404, format!("{} has the path {}", route.meta().name, route.meta().path), route.meta().section)
            }
            None => (404, "the vendor has no such call".to_owned(), "[T] 3-8"),
        };
        Refused::new(status, Fault::new("path", message, "T-001", section))
    }
}

/// Changes how the account is set up, as the vendor's support does.
pub fn configure(world: &mut World, change: impl FnOnce(&mut Settings)) {
    change(&mut world.part::<Orders>().settings);
}

/// The path below `/api/{version}`, whatever the version (AT-11).
fn below_version(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/api/")?;
    let slash = rest.find('/')?;
    rest.get(slash..)
}

/// The path of the call that is meant: the example of [T 5.2.5] calls confirmSign in another way (AT-10).
fn as_printed<'a>(world: &World, path: &'a str) -> Cow<'a, str> {
    match path.strip_prefix("/confirm/") {
        Some(rest) if world.profile != Profile::Strict && world.enforces("AT-10") => {
            format!("/confirmSign/{rest}").into()
        }
        _ => path.into(),
    }
}

/// An error as the sandbox writes it: a text under `Error`, and what it is made of (AT-53).
fn refuse(refused: &Refused) -> Response<Content> {
    let refused = refused.bounded();
    let faults: Vec<Value> = refused
        .faults
        .iter()
        .map(|fault| {
            let mut told = json!({
                "field": fault.field, "message": fault.message, "rule": fault.rule, "section": fault.section,
            });
            if let (Some(told), Some(pointer)) = (told.as_object_mut(), Refused::pointer(fault)) {
                told.insert("pointer".to_owned(), pointer.into());
            }
            told
        })
        .collect();
    let body = json!({ "Error": refused.text(), "Faults": faults });
    let mut response = json::response(refused.status, &body).unwrap_or_else(|_| Response::new(Content::empty()));
    // For the journal.
    let status = refused.status;
    response.extensions_mut().insert(refused);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"identity.TM\", charset=\"UTF-8\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn unknown_order() -> Refused {
    Refused::new(404, Fault::new("OrderID", "the sandbox has no such order", "T-060", "[T] 3.2.5"))
}

fn deleted() -> Refused {
    Refused::new(404, Fault::new("OrderID", "the data of this order is deleted", "AT-09", "[T] 3.10"))
}

/// The order, if it is known. What cannot be an OrderID is a bad request; its length is all that is told of it.
fn find<'a>(world: &'a mut World, id: &OrderId) -> Result<&'a mut Order, Refused> {
    if world.enforces("AT-22/length") && id.expose().chars().count() > 20 {
        return Err(Refused::new(400, Fault::new("OrderID", "has more than 20 characters", "AT-22", "[T] 3.1.4")));
    }
    let order = world.part::<Orders>().by_id.get_mut(id.expose()).filter(|order| !order.gone);
    order.map(|order| &mut **order).ok_or_else(unknown_order)
}

/// The order, if its data can be read: final, and not deleted ([T 3.3.1]; AT-62).
fn finished<'a>(world: &'a mut World, id: &OrderId) -> Result<&'a mut Order, Refused> {
    let (early, rules) = (world.part::<Orders>().settings.early_data_status, world.rules.clone());
    let order = find(world, id)?;
    if order.deleted {
        return Err(deleted());
    }
    let finality = order.finality();
    if rules.enforce("AT-62") && !finality.is_final() {
        let fault = Fault::new("OrderID", "the order is not final yet: wait for OnFinal", "AT-62", "[T] 3.3.1");
        return Err(Refused::new(early, fault));
    }
    if rules.enforce("T-022") && finality.is_final() && !finality.data_expected() {
        let fault = Fault::new(
            "OrderID",
            "the order ended without data: neither positive nor suspicious of fraud",
            "T-022",
            "[T] 2.3",
        );
        return Err(Refused::new(404, fault));
    }
    Ok(order)
}

fn put_order(world: &mut World, order: PutOrder) -> Result<PutOrderAnswer, Refused> {
    let rules = world.rules.clone();
    if world.profile == Profile::Strict {
        if rules.enforce("M-08/elements") {
            checks::unlisted(&order)?;
        }
        if rules.enforce("AT-47/blanks") {
            checks::blanks(&order)?;
        }
    }
    let order = order.normalised();
    let settings = &world.part::<Orders>().settings;
    let enabled = |product: u32| !settings.products_not_enabled.contains(&product);
    if rules.enforce("T-006/products") && !order.product.is_none_or(enabled) {
        return Err(not_enabled("Product"));
    }
    if rules.enforce("T-006/giro") && order.get_giro_link.is_some() && settings.not_enabled.contains(&Feature::Giro) {
        return Err(not_enabled("getGiroLink"));
    }
    rules.uphold(check(&order, settings))?;
    if rules.enforce("T-006") && order.product.is_some_and(|product| !matches!(product, 0 | 12 | 15 | 16)) {
        // Our writer only warns: an account may have products of a later version.
        let fault = Fault::new("Product", "must be 0, 12, 15 or 16", "T-006", "[T] 3.1.3");
        return Err(Refused::new(400, fault));
    }
    if let Err(error) = documents::sign_all(&order, multi_sign::own_pdfs(&order), "", world.now) {
        rules.uphold(documents::not_signable(error))?;
    }
    let of_master = multi_sign::of_master(world, &order)?;
    let answer = orders::create(world, order)?;
    if let Some(id) = &answer.order_id {
        if let Some(order) = world.part::<Orders>().by_id.get_mut(id.expose()) {
            order.of_master = of_master;
        }
        reuse::apply(world, id);
    }
    Ok(answer)
}

fn not_enabled(what: &'static str) -> Refused {
    Refused::new(400, Fault::new(what, "is not enabled for this account: support would have to", "T-006", "[T] 3.1.1"))
}

/// All that the document itself forbids; no faults when that is nothing. Our writer is stricter by default, for the sake
/// of whoever uses it.
fn check(order: &PutOrder, settings: &Settings) -> Refused {
    let mut dialect = Dialect::default();
    // Any text of 100 characters; the report of [T 3.4.5] shows a Ref with a blank (AT-20).
    dialect.any_reference = true;
    // Not described, and so not refused (AT-34).
    dialect.pdf_and_hash_together = true;
    // `Filename` is optional. Of several hashes each needs one of its own, since nothing else tells the results apart.
    dialect.same_file_names = order.sign_hash.as_ref().is_none_or(|hashes| hashes.as_slice().len() < 2);
    // The length in the table (AT-44).
    dialect.three_letter_countries = true;
    let Err(error) = order.check(&dialect) else { return Refused { status: 400, faults: Vec::new() } };
    let mut refused = Refused::invalid(&error, "[T] 3.1.3");
    if settings.address_optional && order.address.is_none() {
        refused.faults.retain(|fault| fault.field != "Address");
    }
    refused
}

fn status(world: &mut World, id: &OrderId, extended: bool) -> Result<OrderStatus, Refused> {
    find(world, id)?;
    let general_only = !extended && world.enforces("AT-13");
    let Orders { settings, by_id, .. } = world.part::<Orders>();
    let general = general_only.then_some(&settings.general);
    let told = by_id.get(id.expose()).filter(|order| order.status_is_told(settings));
    told.map(|order| order.status_answer(general)).ok_or_else(deleted)
}

fn server_status(world: &mut World) -> Result<Response<Content>, Refused> {
    let service = world.part::<Orders>().settings.service;
    match service {
        Service::Silent => Ok(NoAnswer::response()),
        Service::Down if world.enforces("AT-80") => {
            Err(Refused::new(500, Fault::new("serverStatus", "the service is down", "AT-80", "[T] 7.1")))
        }
        _ => Ok(Response::new(Content::empty())),
    }
}

fn ident_data(world: &mut World, id: &OrderId, variant: IdentVariant) -> Result<Response<Content>, Refused> {
    let (images, rules) = (world.part::<Orders>().settings.images, world.rules.clone());
    let order = finished(world, id)?;
    let mut answer = order.ident_data(variant, &rules);
    if images {
        let pictures = order.pictures().map_err(documents::not_made)?;
        let checked = answer.ident_data.iter_mut().flat_map(OneOrMany::as_mut_slice).find(|data| data.kind != Some(2));
        if let Some(data) = checked {
            data.images = Some(pictures);
        }
    }
    written(results::respond(answer, &world.part::<Orders>().settings), "[T] 3.3")
}

fn report(world: &mut World, op: GetIdentDataPdf) -> Result<Content, Refused> {
    let (now, rules) = (world.now, world.rules.clone());
    let bytes = finished(world, &op.order_id)?.report(now, &rules).map_err(documents::not_made)?;
    Ok(Content::from_bytes(bytes))
}

fn signed_pdfs(world: &mut World, op: GetESignPdf) -> Result<SignedPdfs, Refused> {
    let only_signed = world.enforces("T-060/pdf");
    let order = find(world, &op.order_id)?;
    if order.deleted {
        return Err(deleted());
    }
    if only_signed && (order.pdfs().next().is_none() || !order.has(StatusKind::SIGNED)) {
        let message = "the order is not signed: it needs eSignPDF, or a master order with it, and status 84";
        let fault = Fault::new("OrderID", message, "T-060", "[T] 3.5.1");
        return Err(Refused::new(400, fault));
    }
    order.signed_pdfs().map_err(documents::not_made)
}

fn delete(world: &mut World, op: DelIdentData) -> Result<(), Refused> {
    let rules = world.rules.clone();
    let order = find(world, &op.order_id)?;
    if rules.enforce("AT-09/twice") && order.deleted {
        return Err(deleted());
    }
    if rules.enforce("T-025/delete") && !order.finality().is_final() {
        let fault = Fault::new("OrderID", "the order is not final: cancel it instead", "T-025", "[T] 3.10");
        return Err(Refused::new(406, fault));
    }
    order.delete_data();
    Ok(())
}
