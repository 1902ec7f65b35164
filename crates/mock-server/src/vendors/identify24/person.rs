//! The person of an ident on the landing page (M-15). The document describes no landing page and no status of a call, so
//! the steps of a video call are assumed, and only their end sets a status.

use super::facts::LANDING_PATH;
use super::idents::{self, Idents, StoredIdent};
use super::partner::Account;
use crate::{PersonAction, PersonRequest, PersonStep, PersonView, Rejection, Transition, World};

const POSITIVE: &str = "positive";
const NEGATIVE: &str = "negative";
const APPOINTMENT: &str = "appointment";

/// The only method.
const VIDEO: &str = "video";

/// Returns what the person of an ident sees and can do now.
pub(super) fn view(world: &mut World, id: &str) -> Option<PersonView> {
    let kept = world.state::<Idents>().by_id.get(id)?.clone();
    let step = step(world, &kept);
    let mut view = PersonView::new(step, &actions(world, step));
    view.page = Some(format!("{LANDING_PATH}{id}"));
    view.methods = vec![VIDEO];
    view.method = (!matches!(step, PersonStep::Choose | PersonStep::Left)).then_some(VIDEO);
    if step == PersonStep::Appointment {
        let at = kept.ident.appointment_date.as_ref();
        view.appointment = at.map(|at| at.as_str().to_owned()).filter(|at| !at.is_empty());
    }
    Some(view)
}

fn step(world: &mut World, kept: &StoredIdent) -> PersonStep {
    let status = kept.ident.status.as_ref().map(|status| status.as_str());
    let stories = &world.state::<Account>().settings.stories;
    // A story that makes an appointment has the status of an ident that is not decided.
    let open = stories.get(APPOINTMENT).map_or("Unidentified", |story| &story.status);
    let is = |name: &str| stories.get(name).is_some_and(|story| Some(story.status.as_str()) == status);
    match kept.step {
        _ if status == Some(open) => kept.step.unwrap_or(PersonStep::Choose),
        _ if is(POSITIVE) => PersonStep::Done,
        _ if is(NEGATIVE) => PersonStep::Failed,
        step => step.unwrap_or(PersonStep::Choose),
    }
}

fn actions(world: &mut World, step: PersonStep) -> Vec<PersonAction> {
    use PersonAction::{Abort, Choose, Consent, Enter, Fail, Pass, Postpone, Resume};
    let mut actions = match step {
        PersonStep::Choose => vec![Choose, Abort],
        PersonStep::Consent => vec![Consent, Abort],
        PersonStep::Waiting => vec![Enter, Abort],
        PersonStep::Call => vec![Pass, Fail, Postpone, Abort],
        PersonStep::Left | PersonStep::Appointment => vec![Resume],
        _ => Vec::new(),
    };
    // The stories are a setting of the account (AI-12).
    let stories = &world.state::<Account>().settings.stories;
    actions.retain(|action| story(*action).is_none_or(|story| stories.contains_key(story)));
    actions
}

/// Returns the story of an action that ends the call.
fn story(action: PersonAction) -> Option<&'static str> {
    match action {
        PersonAction::Pass => Some(POSITIVE),
        PersonAction::Fail => Some(NEGATIVE),
        PersonAction::Postpone => Some(APPOINTMENT),
        _ => None,
    }
}

/// Lets the person act. `view` is what the person sees now.
pub(super) fn act(world: &mut World, id: &str, view: &PersonView, request: &PersonRequest) -> Result<(), Rejection> {
    view.check(request.action)?;
    if let Some(story) = story(request.action) {
        return idents::transition(world, id, &Transition::Scenario(story.to_owned())).unwrap_or(Ok(()));
    }
    let step = match request.action {
        PersonAction::Choose if request.method.as_deref() != Some(VIDEO) => {
            let message = "must be a method that the ident allows: video";
            return Err(crate::rules::M_15.reject(400, "method", message, "sandbox"));
        }
        PersonAction::Choose => Some(PersonStep::Consent),
        PersonAction::Consent => Some(PersonStep::Waiting),
        PersonAction::Enter => Some(PersonStep::Call),
        PersonAction::Abort => Some(PersonStep::Left),
        _ => None,
    };
    if let Some(kept) = world.state::<Idents>().by_id.get_mut(id) {
        kept.step = step;
    }
    Ok(())
}
