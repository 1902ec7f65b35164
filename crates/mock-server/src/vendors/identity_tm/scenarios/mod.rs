//! Plays stories: scripted actions of the person and the agent.
//!
//! A webhook pauses the story until its first attempt is over, because the vendor blocks the order for this time (T-033).

mod course;
mod scripts;

use std::collections::VecDeque;

use bytes::Bytes;
use http::{Method, Request};
use identkit_core::{Error, Event, Secret};
use identkit_identity_tm::messages::{StatusEntry, TvSlot};
use identkit_identity_tm::{OrderCallback, OrderFlavor, PROVIDER, StatusKind, VideoCallback};
use identkit_wire::Callback as _;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

pub use self::scripts::SCENARIOS;

pub(super) use self::course::Course;
pub(super) use self::scripts::Stage;

use self::scripts::Account;
use super::facts::{FACTS, PURGE, TIME_OUT};
use super::lookup::account_of;
use super::orders::{Orders, Step, Word, dts};
use super::{outbox, rules};
use crate::webhooks::Delivery;
use crate::world::text::TextForm as _;
use crate::{Rejection, StoryOption, Timer, Transition, World};

fn refuse<T>(status: u16, field: &'static str, message: &'static str) -> Result<T, Rejection> {
    Err(crate::rules::M_04.reject(status, field, message, "sandbox"))
}

/// Calls a function with an order, and with what decides which stories it allows. Returns `None` if the order does not exist.
pub(super) fn with_stage<T>(world: &mut World, id: &str, read: impl FnOnce(&Stage<'_>) -> T) -> Option<T> {
    // A search over all orders, therefore only if needed.
    let flavor = world.state::<Orders>().by_id.get(id).map(|order| order.flavor);
    let account_only = flavor == Some(OrderFlavor::SignAccountOnly);
    let (exists, verified) = if account_only { account_of(world, id) } else { (false, false) };
    let rules = world.rules.clone();
    let orders = world.state::<Orders>();
    let order = orders.by_id.get(id)?;
    Some(read(&Stage { order, settings: &orders.settings, account: Account { exists, verified }, rules: &rules }))
}

pub(super) fn play(world: &mut World, id: &str, transition: &Transition) -> Result<(), Rejection> {
    let Some(steps) = with_stage(world, id, |stage| steps(stage, transition)) else { return Ok(()) };
    let steps = steps?;
    if let Some(order) = world.state::<Orders>().by_id.get_mut(id) {
        order.script = VecDeque::from(steps);
        if matches!(transition, Transition::Scenario(_)) {
            // The story decides what the person has done.
            order.visit = None;
        }
    }
    resume(world, id);
    Ok(())
}

/// Plays these steps after those of the running story.
pub(super) fn add(world: &mut World, id: &str, steps: impl IntoIterator<Item = Step>) {
    if let Some(order) = world.state::<Orders>().by_id.get_mut(id) {
        order.script.extend(steps);
    }
    resume(world, id);
}

/// Returns the steps of a transition, if the order allows it now.
fn steps(stage: &Stage<'_>, transition: &Transition) -> Result<Vec<Step>, Rejection> {
    if !stage.order.script.is_empty() {
        return refuse(
            409,
            "order",
            "a story of the order is running: wait until the first attempt of its webhook is over",
        );
    }
    match transition {
        Transition::Scenario(_) if stage.rules.enforce(&rules::M_04_FINAL) && stage.order.finality().is_final() => {
            refuse(
                409,
                "order",
                "the order is final: place another order, or set a single status that does not end the order",
            )
        }
        Transition::Scenario(name) => stage.scenario(name),
        Transition::Status(code) => {
            let code = code.as_u64().and_then(|code| u32::try_from(code).ok()).map(StatusKind);
            let Some(code) = code else { return refuse(400, "status", "must be a number, the status code") };
            single(stage, code)
        }
    }
}

/// Returns all stories, and whether the order allows each of them now.
pub(super) fn options(world: &mut World, id: &str) -> Vec<StoryOption> {
    let options = with_stage(world, id, |stage| {
        let option = |name: &str| {
            let refused = steps(stage, &Transition::Scenario(name.to_owned())).err();
            let why = |refused: Rejection| refused.violations.first().map(|fault| fault.message.to_string());
            StoryOption::new(name, refused.and_then(why))
        };
        SCENARIOS.into_iter().map(option).collect()
    });
    options.unwrap_or_default()
}

/// Returns the steps for a single status, with the webhook if it ends the order. A status that does not end the order is
/// also possible after its end (T-061).
fn single(stage: &Stage<'_>, code: StatusKind) -> Result<Vec<Step>, Rejection> {
    let order = stage.order;
    let ends = code.is_final(order.flavor);
    if stage.rules.enforce(&rules::M_04_FINAL) && order.finality().is_final() && ends {
        return refuse(409, "order", "the order is final and cannot end twice: place another order");
    }
    Ok(match code {
        StatusKind::TIMED_OUT | StatusKind::TIMED_OUT_AFTER_IDENT if ends => {
            scripts::time_out_steps(code, stage.settings)
        }
        _ if ends => vec![Step::Status(code, None), Step::Call(OrderCallback::OnFinal)],
        _ => vec![Step::Status(code, None)],
    })
}

pub(super) fn cancel(world: &mut World, id: &str, callback: Option<OrderCallback>) {
    let orders = world.state::<Orders>();
    if let Some(order) = orders.by_id.get_mut(id) {
        let steps = scripts::cancel_steps(order, &orders.settings, callback);
        order.script.extend(steps);
    }
    resume(world, id);
}

pub(super) fn time_out(world: &mut World, id: &str) {
    if !world.enforces(&rules::T_023) {
        return;
    }
    let refused = play(world, id, &Transition::Scenario("timeout".into())).is_err();
    let open = world.state::<Orders>().by_id.get(id).is_some_and(|order| !order.finality().is_final());
    // A story is running and waits for a webhook, and its remaining steps may not end the order.
    if refused
        && open
        && let Ok(at) = world.now.checked_add(SignedDuration::from_mins(1))
    {
        world.set_timer(at, Timer { vendor: PROVIDER, what: TIME_OUT, subject: id.to_owned() });
    }
}

/// Executes the next steps, up to the next webhook.
pub(super) fn resume(world: &mut World, id: &str) {
    let now = world.now;
    while !world.is_blocked(id) {
        let Some(order) = world.state::<Orders>().by_id.get_mut(id) else { return };
        let Some(step) = order.script.pop_front() else { return };
        match step {
            Step::Executed => order.executed = Some(dts(now)),
            Step::BySmartId => order.by_smart_id = true,
            Step::Status(kind, text) => set(world, id, kind, text),
            Step::Call(callback) => call(world, id, callback),
        }
    }
}

fn set(world: &mut World, id: &str, kind: StatusKind, text: Option<Word>) {
    outbox::status_changes(world, id, kind, text);
    let (now, time_out_deletes) = (world.now, world.enforces(&rules::T_023_DELETES));
    let orders = world.state::<Orders>();
    let purge = orders.settings.purge_on_time_out;
    let Some(order) = orders.by_id.get_mut(id) else { return };
    let before = order.finality().is_final();
    let mut entry = StatusEntry::default().kind(kind).time(dts(now));
    entry.text = text.map(|word| word.write().into());
    order.status.push(entry);
    if kind == APPOINTMENT {
        order.appointment = Some(slot(now));
    }
    if before || !kind.is_final(order.flavor) {
        return;
    }
    order.decided = now;
    if time_out_deletes && matches!(kind, StatusKind::TIMED_OUT | StatusKind::TIMED_OUT_AFTER_IDENT) {
        // A time-out deletes the order (T-023); whether its status stays readable is open (AT-59).
        order.delete_data();
        order.gone = purge;
    }
    world.remove_timers(|timer| timer.what == TIME_OUT && timer.subject == id);
    // [T 3.10]: results are deleted 7 days after fulfilment.
    if let Ok(at) = now.checked_add(SignedDuration::from_hours(7 * 24)) {
        world.set_timer(at, Timer { vendor: PROVIDER, what: PURGE, subject: id.to_owned() });
    }
}

const APPOINTMENT: StatusKind = StatusKind(19);

/// Returns a slot of two hours that includes this time: stories play at once, so the courier comes within it.
fn slot(now: Timestamp) -> TvSlot {
    let hour = Timestamp::from_second(now.as_second().div_euclid(3_600) * 3_600).unwrap_or(now);
    let end = hour.checked_add(SignedDuration::from_hours(2)).unwrap_or(now);
    TvSlot::default().slot_begin(dts(hour)).slot_end(dts(end))
}

/// Characters that a request line cannot contain.
const NOT_IN_REQUEST_LINE: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'|').add(b'}');

/// Calls this webhook, if the order has its URL. The order is blocked until the first attempt is over.
pub(super) fn call(world: &mut World, id: &str, callback: OrderCallback) {
    if !world.enforces(&rules::T_037) {
        return;
    }
    let Some((request, event)) = request(world, id, callback) else { return };
    let request = match request {
        Ok(request) => request,
        // The URL cannot be called: the story continues, and the delivery records the reason.
        Err((error, method, url)) => {
            let delivery = Delivery::with_invalid_url(&FACTS, id, event, &method, &url);
            world.cannot_deliver(delivery, error.detail().to_owned());
            return;
        }
    };
    if world.enforces(&rules::T_033) {
        world.block(id);
    }
    world.deliver(Delivery::new(&FACTS, id, event, request));
}

/// The request, or why there is none, with method and URL.
type WebhookRequest = (Result<Request<Bytes>, (Error, Method, Secret)>, Event);

fn request(world: &mut World, id: &str, callback: OrderCallback) -> Option<WebhookRequest> {
    let (fills_in, encodes) = (world.enforces(&rules::T_031), world.enforces(&rules::AT_20));
    let orders = world.state::<Orders>();
    let (method, raw) = (orders.settings.webhook_method.clone(), orders.settings.raw_placeholders || !encodes);
    let order = orders.by_id.get(id)?;
    let template = orders.settings.webhook_url(order, callback)?.clone();
    let mut event = Event::new(PROVIDER, callback.name(), format!("{id}/{}", callback.name()));
    event.case_id = Some(id.into());
    event.reference.clone_from(&order.request.reference);
    let mut url = template.expose().to_owned();
    if raw {
        // Otherwise the placeholders are replaced and encoded below (AT-20).
        let reference = event.reference.as_ref().map_or("", |reference| reference.expose());
        let reference = utf8_percent_encode(reference, NOT_IN_REQUEST_LINE).to_string();
        url = url.replace("[OrderID]", id).replace("[Ref]", &reference);
    }
    let request = match fills_in {
        true => callback.emit(&url, &method, &event),
        false => VideoCallback.emit(&url, &method, &event),
    };
    Some((request.map_err(|error| (error, method, template)), event))
}
