//! What happens to an order: the person's and the agent's moves, scripted.
//!
//! A webhook holds the story until its first try is over, because the vendor blocks the order so long (T-033).

use std::collections::VecDeque;

use identkit_core::{Event, Fault};
use identkit_identity_tm::messages::StatusEntry;
use identkit_identity_tm::{OrderCallback, OrderFlavour, PROVIDER, StatusKind};
use identkit_wire::Callback as _;
use jiff::SignedDuration;

use super::orders::{Order, Orders, PURGE, TIME_OUT, dts};
use crate::vendor::{Refused, Transition};
use crate::webhooks::{Delivery, Schedule};
use crate::{Timer, World};

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A status is set, perhaps with a text.
    Status(StatusKind, Option<&'static str>),
    /// The order is executed: the identification took place.
    Executed,
    /// A webhook is called, if the order has one of this name.
    Call(OrderCallback),
}

use Step::{Call, Executed, Status};

const VIDEO: [Step; 3] = [
    Status(StatusKind::VIDEO_WAITING, None),
    Status(StatusKind::VIDEO_CALL, None),
    Status(StatusKind::SMS_SENT, Some("TAN")),
];

/// The person leaves the video system, and the order is not decided yet: what comes after is not necessarily there
/// when these webhooks are called (T-037).
const CONDUCTED: [Step; 4] = [
    Executed,
    Status(StatusKind::VIDEO_CONDUCTED, None),
    Call(OrderCallback::AfterVideo),
    Call(OrderCallback::AfterIdent),
];

const IDENTIFIED: [Step; 2] = [Status(StatusKind::POSITIVE, None), Status(StatusKind::DOCUMENT_VERIFIED, None)];

const SIGNED: [Step; 3] = [
    Status(StatusKind::SIGNATURE_REQUEST, None),
    Status(StatusKind::SMS_SENT, Some("TAN")),
    Status(StatusKind::SIGNED, None),
];

/// The stories by name.
const STORIES: [&str; 7] = ["identified", "positive", "signed", "reuse", "negative", "fraud", "timeout"];

fn story(name: &str, order: &Order) -> Result<Vec<Step>, Refused> {
    let refuse = |message: String| Err(Refused::new(400, Fault::new("story", message, "M-04", "sandbox")));
    let started = order.has(StatusKind::POSITIVE);
    let identify = || if started { Vec::new() } else { [&VIDEO[..], &CONDUCTED, &IDENTIFIED].concat() };
    let final_call = [Call(OrderCallback::OnFinal)];
    let ends = |kind| [&VIDEO[..], &CONDUCTED, &[Status(kind, None)], &final_call].concat();
    let signs = order.flavour == OrderFlavour::Qes;
    Ok(match name {
        "identified" if signs => identify(),
        // Without its OnFinal an order would be final and nobody told.
        "identified" => return refuse("identification ends this order: play positive".into()),
        "positive" if signs => {
            return refuse("this order is to be signed: play identified, then signed".into());
        }
        "positive" => [&identify()[..], &final_call].concat(),
        "signed" if signs => [&identify()[..], &SIGNED, &final_call].concat(),
        "signed" => return refuse("this order has nothing to sign: play positive".into()),
        "reuse" => return order.reuse_story(&SIGNED, &final_call).or_else(|message| refuse(message.into())),
        "negative" => ends(StatusKind::NEGATIVE),
        "fraud" => ends(StatusKind::FRAUD),
        "timeout" if started && signs => {
            [&[Status(StatusKind::TIMED_OUT_AFTER_IDENT, None)][..], &final_call].concat()
        }
        "timeout" => [&[Status(StatusKind::TIMED_OUT, None)][..], &final_call].concat(),
        _ => return refuse(format!("there is no such story; there are: {}", STORIES.join(", "))),
    })
}

/// Begins a story, or sets one status.
pub(super) fn play(world: &mut World, id: &str, transition: &Transition) -> Result<(), Refused> {
    let Some(order) = world.part::<Orders>().by_id.get_mut(id) else { return Ok(()) };
    if order.finality().is_final() || !order.script.is_empty() {
        let fault = Fault::new("order", "the order is final, or in the middle of a story", "M-04", "sandbox");
        return Err(Refused::new(409, fault));
    }
    let steps = match transition {
        Transition::Story(name) => story(name, order)?,
        Transition::Status(code) => {
            let Some(code) = code.as_u64().and_then(|code| u32::try_from(code).ok()).map(StatusKind) else {
                let fault = Fault::new("status", "must be a status code, a number", "M-04", "sandbox");
                return Err(Refused::new(400, fault));
            };
            let mut steps = vec![Status(code, None)];
            if code.is_final(order.flavour) {
                steps.push(Call(OrderCallback::OnFinal));
            }
            steps
        }
    };
    order.script = VecDeque::from(steps);
    go_on(world, id);
    Ok(())
}

/// The person did not finish in time (T-023).
pub(super) fn time_out(world: &mut World, id: &str) {
    let refused = play(world, id, &Transition::Story("timeout".into())).is_err();
    let open = world.part::<Orders>().by_id.get(id).is_some_and(|order| !order.finality().is_final());
    // In the middle of a story: a webhook is under way, and what comes after it may not end the order.
    if refused
        && open
        && let Ok(at) = world.now.checked_add(SignedDuration::from_mins(1))
    {
        world.after(at, Timer { vendor: PROVIDER, what: TIME_OUT, subject: id.to_owned() });
    }
}

/// Does what comes next, up to the next webhook.
pub(super) fn go_on(world: &mut World, id: &str) {
    let now = world.now;
    while !world.is_blocked(id) {
        let Some(order) = world.part::<Orders>().by_id.get_mut(id) else { return };
        let Some(step) = order.script.pop_front() else { return };
        match step {
            Executed => order.executed = Some(dts(now)),
            Status(kind, text) => {
                let mut entry = StatusEntry::default().kind(kind).time(dts(now));
                entry.text = text.map(Into::into);
                order.status.push(entry);
                if matches!(kind, StatusKind::TIMED_OUT | StatusKind::TIMED_OUT_AFTER_IDENT) {
                    // A time-out deletes the order (T-023); the status stays readable (AT-59).
                    order.delete_data();
                }
                if kind.is_final(order.flavour) {
                    order.decided = now;
                    world.forget(|timer| timer.what == TIME_OUT && timer.subject == id);
                    // [T 3.10]: results are deleted 7 days after fulfilment.
                    if let Ok(at) = now.checked_add(SignedDuration::from_hours(7 * 24)) {
                        world.after(at, Timer { vendor: PROVIDER, what: PURGE, subject: id.to_owned() });
                    }
                }
            }
            Call(callback) => call(world, id, callback),
        }
    }
}

fn call(world: &mut World, id: &str, callback: OrderCallback) {
    // A URL that cannot be called is nobody's receiver; the story goes on as the vendor's would.
    let Some(Ok((request, event))) = request(world, id, callback) else { return };
    world.block(id);
    world.deliver(Delivery::new(PROVIDER, id, event, request, Schedule::IdentityTm));
}

type Made = Result<(http::Request<bytes::Bytes>, Event), identkit_core::Error>;

/// The webhook of this name, `None` when the order has none.
fn request(world: &mut World, id: &str, callback: OrderCallback) -> Option<Made> {
    let orders = world.part::<Orders>();
    let method = orders.settings.webhook_method.clone();
    let order = orders.by_id.get(id)?;
    let urls = order.request.webhook_url.as_ref()?;
    let template = match callback {
        OrderCallback::AfterVideo => urls.after_video.as_ref(),
        OrderCallback::AfterIdent => urls.after_ident.as_ref(),
        OrderCallback::OnFinal => urls.on_final.as_ref(),
    }?;
    let mut event = Event::new(PROVIDER, callback.name(), format!("{id}/{}", callback.name()));
    event.case_id = Some(id.into());
    event.reference.clone_from(&order.request.reference);
    Some(callback.emit(template.expose(), &method, &event).map(|request| (request, event)))
}
