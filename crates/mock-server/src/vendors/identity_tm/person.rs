//! The person of an order on the landing page ([T] 2.3 and 2.4, M-15).

use identkit_core::Outcome;
use identkit_identity_tm::messages::IdentifyMethod;
use identkit_identity_tm::{OrderId, StatusKind};

use super::facts::LANDING_PATH;
use super::scenarios::{self, Course, Stage};
use super::{Order, Orders, Step, Visit, Word, methods, signing};
use crate::rules::M_15;
use crate::vendors::settings::is_web_address;
use crate::{PersonAction, PersonRequest, PersonStep, PersonView, Rejection, World};

/// Returns what the person of an order sees and can do now.
pub(super) fn view(world: &mut World, id: &str) -> Option<PersonView> {
    let blocked = world.is_blocked(id);
    scenarios::with_stage(world, id, |stage| {
        let order = stage.order;
        let step = step(stage, blocked);
        let method = order.visit.as_ref().and_then(method_of).map(methods::scenario);
        let allowed: Vec<&'static str> = match order.finality().is_final() || order.deleted {
            true => Vec::new(),
            false => allowed_methods(stage).map(methods::scenario).collect(),
        };
        let mut view = PersonView::new(step, &[]);
        view.actions = actions(step, method, allowed.len());
        view.page = order.link.as_ref().map(|link| format!("{LANDING_PATH}{}", link.expose()));
        view.methods = allowed;
        view.method = method;
        if matches!(step, PersonStep::Sign | PersonStep::SignTan) {
            view.documents = documents(order);
        }
        let redirects = stage.settings.redirects(order);
        let redirect = match step {
            PersonStep::Done => redirects.success,
            PersonStep::Failed | PersonStep::Expired | PersonStep::Left => redirects.abort,
            _ => None,
        };
        view.redirect = redirect.filter(|url| is_web_address(url));
        view
    })
}

fn step(stage: &Stage<'_>, blocked: bool) -> PersonStep {
    let order = stage.order;
    let (finality, visit) = (order.finality(), order.visit.as_ref());
    // A story is running, and waits for a webhook.
    let runs = blocked || !order.script.is_empty();
    if finality.is_final() {
        return match finality.outcome {
            _ if stage.settings.spinner_page && runs => PersonStep::Processing,
            Outcome::Positive | Outcome::Signed => PersonStep::Done,
            Outcome::TimedOut | Outcome::TimedOutAfterIdent => PersonStep::Expired,
            _ => PersonStep::Failed,
        };
    }
    if order.gone || order.deleted {
        return PersonStep::Deleted;
    }
    match visit.map(|visit| visit.step) {
        Some(PersonStep::Left) => return PersonStep::Left,
        // The person's part is over, and the decision follows ([T] 2.4).
        Some(ended @ PersonStep::Failed) if !stage.settings.spinner_page => return ended,
        Some(ended @ PersonStep::Done) if !stage.signs() && !stage.settings.spinner_page => return ended,
        _ => {}
    }
    if runs {
        return PersonStep::Processing;
    }
    if stage.signs() && (stage.is_identified() || order.reused().is_some()) {
        return if order.tan.is_some() { PersonStep::SignTan } else { PersonStep::Sign };
    }
    match visit {
        Some(visit) if method_of(visit).is_some() => visit.step,
        _ => PersonStep::Choose,
    }
}

fn actions(step: PersonStep, method: Option<&str>, methods: usize) -> Vec<PersonAction> {
    use PersonAction::{
        Abort, Change, Choose, Consent, Enter, Fail, Fraud, Pass, Resend, Resume, Sign, Tan, Unreadable,
    };
    let mut actions = match step {
        PersonStep::Choose => vec![Choose, Abort],
        PersonStep::Consent => vec![Consent, Change, Abort],
        PersonStep::Waiting => vec![Enter, Change, Abort],
        PersonStep::Call => vec![Pass, Fail, Fraud, Abort],
        PersonStep::Identify => vec![Pass, Fail, Fraud, Unreadable, Change, Abort],
        PersonStep::Tan | PersonStep::SignTan => vec![Tan, Resend, Abort],
        PersonStep::Sign => vec![Sign, Abort],
        PersonStep::Left => vec![Resume],
        _ => Vec::new(),
    };
    actions.retain(|action| match action {
        Change => methods > 1,
        Unreadable => method == Some(methods::scenario(IdentifyMethod::Eid)),
        _ => true,
    });
    actions
}

fn allowed_methods(stage: &Stage<'_>) -> impl Iterator<Item = IdentifyMethod> {
    methods::all().filter(|method| stage.check_method(*method).is_ok())
}

fn method_of(visit: &Visit) -> Option<IdentifyMethod> {
    methods::of_scenario(visit.method.as_deref()?)
}

fn documents(order: &Order) -> Vec<String> {
    let pdfs = order.pdfs().map(|pdf| pdf.filename.as_ref());
    let names = pdfs.chain(order.hashes().map(|hash| hash.filename.as_ref()));
    names.map(|name| name.map_or_else(String::new, |name| name.expose().clone())).collect()
}

/// Lets the person act. `view` is what the person sees now.
pub(super) fn act(world: &mut World, id: &str, view: &PersonView, request: &PersonRequest) -> Result<(), Rejection> {
    view.check(request.action)?;
    match request.action {
        PersonAction::Choose => choose(world, id, view, request),
        PersonAction::Sign => {
            request_signature(world, id);
            Ok(())
        }
        PersonAction::Tan if view.step == PersonStep::SignTan => {
            signing::sign(world, &OrderId::new(id), request.tan.clone())
        }
        PersonAction::Resend if view.step == PersonStep::SignTan => {
            signing::send_tan(world, &OrderId::new(id));
            Ok(())
        }
        PersonAction::Change | PersonAction::Resume => {
            set_visit(world, id, None);
            Ok(())
        }
        PersonAction::Abort => {
            let video = view.method == Some(methods::scenario(IdentifyMethod::Video));
            let by_video = video && matches!(view.step, PersonStep::Waiting | PersonStep::Call | PersonStep::Tan);
            leave(world, id, |stage| stage.leave(by_video));
            Ok(())
        }
        _ => conduct(world, id, request),
    }
}

fn choose(world: &mut World, id: &str, view: &PersonView, request: &PersonRequest) -> Result<(), Rejection> {
    let wanted = request.method.as_deref().unwrap_or_default();
    let Some(method) = view.methods.iter().find(|method| **method == wanted) else {
        let message = format!("must be a method that the order allows: {}", view.methods.join(", "));
        return Err(M_15.reject(400, "method", message, "sandbox"));
    };
    let visit = Visit { method: Some((*method).to_owned()), ..Visit::new(PersonStep::Consent) };
    set_visit(world, id, Some(visit));
    Ok(())
}

/// Continues the identification by the chosen method.
fn conduct(world: &mut World, id: &str, request: &PersonRequest) -> Result<(), Rejection> {
    let visit = world.state::<Orders>().by_id.get(id).and_then(|order| order.visit.clone());
    let Some((visit, method)) = visit.and_then(|visit| method_of(&visit).map(|method| (visit, method))) else {
        return Ok(());
    };
    let Some(course) = scenarios::with_stage(world, id, |stage| stage.course(method)) else { return Ok(()) };
    let Course { begin, enter, before_tan, has_tan, end } = course;
    let accept = |world: &mut World| scenarios::with_stage(world, id, |stage| stage.accept(method)).unwrap_or_default();
    let next = if method == IdentifyMethod::Video { PersonStep::Waiting } else { PersonStep::Identify };
    let (step, steps) = match request.action {
        PersonAction::Consent => (next, begin),
        PersonAction::Enter => (PersonStep::Call, enter),
        PersonAction::Pass if has_tan => return send_tan(world, id, visit, before_tan),
        PersonAction::Pass => (PersonStep::Done, [end, accept(world)].concat()),
        PersonAction::Resend => return send_tan(world, id, visit, Vec::new()),
        PersonAction::Tan => {
            if request.tan.is_none() || request.tan != visit.tan {
                return Err(M_15.reject(400, "tan", "must be the TAN that was sent last", "sandbox"));
            }
            (PersonStep::Done, [end, accept(world)].concat())
        }
        PersonAction::Unreadable => return replace_eid(world, id),
        action => {
            let kind = if action == PersonAction::Fraud { StatusKind::FRAUD } else { StatusKind::NEGATIVE };
            let reject = scenarios::with_stage(world, id, |stage| stage.reject(kind)).unwrap_or_default();
            (PersonStep::Failed, [before_tan, end, reject].concat())
        }
    };
    set_visit(world, id, Some(Visit { step, tan: None, ..visit }));
    scenarios::add(world, id, steps);
    Ok(())
}

/// Sends the TAN of the identification.
fn send_tan(world: &mut World, id: &str, visit: Visit, before: Vec<Step>) -> Result<(), Rejection> {
    let tan = signing::new_tan(world);
    set_visit(world, id, Some(Visit { step: PersonStep::Tan, tan: Some(tan), ..visit }));
    let sent = Step::Status(StatusKind::SMS_SENT, Some(Word::Tan));
    scenarios::add(world, id, before.into_iter().chain([sent]));
    Ok(())
}

/// Continues by video after an eID that cannot be read, or lets the person leave.
fn replace_eid(world: &mut World, id: &str) -> Result<(), Rejection> {
    let video = scenarios::with_stage(world, id, |stage| {
        stage.offers_video_after_eid().then(|| stage.course(IdentifyMethod::Video).begin)
    });
    match video.flatten() {
        Some(steps) => {
            let method = Some(methods::scenario(IdentifyMethod::Video).to_owned());
            set_visit(world, id, Some(Visit { method, ..Visit::new(PersonStep::Waiting) }));
            scenarios::add(world, id, steps);
        }
        None => leave(world, id, |stage| stage.leave(false)),
    }
    Ok(())
}

fn leave(world: &mut World, id: &str, steps: impl FnOnce(&Stage<'_>) -> Vec<Step>) {
    let steps = scenarios::with_stage(world, id, steps).unwrap_or_default();
    set_visit(world, id, Some(Visit::new(PersonStep::Left)));
    scenarios::add(world, id, steps);
}

/// Shows the documents, and sends the TAN of the signature.
fn request_signature(world: &mut World, id: &str) {
    let requested = scenarios::with_stage(world, id, |stage| stage.order.has(StatusKind::SIGNATURE_REQUEST));
    let request = (requested != Some(true)).then_some(StatusKind::SIGNATURE_REQUEST);
    let shown = [StatusKind(102), StatusKind(101)].into_iter().chain(request);
    scenarios::add(world, id, shown.map(|kind| Step::Status(kind, None)));
    signing::send_tan(world, &OrderId::new(id));
}

fn set_visit(world: &mut World, id: &str, visit: Option<Visit>) {
    if let Some(order) = world.state::<Orders>().by_id.get_mut(id) {
        order.visit = visit;
    }
}
