//! Idents: creation, reading, status changes, deletion after 90 days.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::Method;
use identkit_core::{Event, Location};
use identkit_identify24::messages::{CreateIdent, CreateIdentResponse, Ident, IdentWebhook, LocalDateTime};
use identkit_identify24::{CasePolicy, Dialect, IdentStatusCallback, PROVIDER, samples};
use identkit_wire::{Callback as _, Operation as _, json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::{EXPIRY, FACTS, LANDING_HOST, LANDING_PATH};
use super::partner::{Account, accepts_examples};
use super::settings::Scenario;
use super::{checks, rules};
use crate::rules::Rule;
use crate::vendors::berlin;
use crate::vendors::short::short_texts;
use crate::vendors::unlisted::misspelled;
use crate::webhooks::Delivery;
use crate::{
    CaseDetails, CaseKeys, CaseOrder, KnownStatus, PastStatus, PersonStep, Profile, Rejection, StoryOption, Timer,
    Transition, World,
};

const EXAMPLE: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// The project in the document's table of `ident/create`.
const EXAMPLE_PROJECT: &str = "xxx";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredIdent {
    pub(super) ident: Ident,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    company_name: Option<identkit_core::Pii<String>>,
    /// What the landing page shows, as far as the status does not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) step: Option<PersonStep>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Idents {
    // Boxed: a map allocates eleven entries at once.
    pub(super) by_id: BTreeMap<String, Box<StoredIdent>>,
    pub(super) created: CaseOrder,
}

pub(super) fn cases(world: &mut World) -> Vec<String> {
    world.state::<Idents>().by_id.keys().cloned().collect()
}

fn unknown() -> Rejection {
    rules::I_050
        .reject(404, "ident_id", "the sandbox has no such ident, or has deleted it", "[I] ident/get")
        .at(Location::Path)
}

fn store(world: &mut World, id: &str, request: &CreateIdent) {
    // The zone is not documented (AI-11); the vendor's own is likely.
    let local = berlin::local(world.now);
    let mut ident = Ident::default();
    ident.id = Some(id.into());
    copy!(ident, request; project_id, person_first_name, person_last_name, custom_id, custom1, custom2, custom3, custom4);
    ident.status = Some("Unidentified".into());
    ident.created_at = Some(LocalDateTime::created(local));
    let kept = StoredIdent { ident, company_name: request.company_name.clone(), step: None };
    world.state::<Idents>().by_id.insert(id.to_owned(), Box::new(kept));
    let life = world.state::<Account>().settings.life;
    if let Ok(at) = world.now.checked_add(life) {
        world.set_timer(at, Timer { vendor: PROVIDER, what: EXPIRY, subject: id.to_owned() });
    }
}

/// Handles `ident/create`. The client's validation applies to the values as they arrive, except for rules that the
/// document's own example violates: upper case (AI-04), and both PDF fields at once (AI-19). The profile `strict` makes
/// no exceptions.
pub(super) fn create(world: &mut World, request: CreateIdent) -> Result<CreateIdentResponse, Rejection> {
    let (strict, rules) = (world.profile == Profile::Strict, world.rules.clone());
    if rules.enforce(&rules::M_08_NEAR_NAMES) {
        let part = ("", &request.extra, CreateIdent::KEYS);
        misspelled([part], &rules::M_08_NEAR_NAMES).into_iter().for_each(|warning| world.warn(warning));
    }
    let dialect = Dialect::new().case(CasePolicy::Preserve).allow_both_pdf_sources(!strict);
    if strict {
        checks::ident(&request, &rules)?;
    }
    let mut rejection = match request.encode(&dialect) {
        Ok(_) => Rejection::invalid(Vec::new()),
        Err(error) => FACTS.reject(&error, CreateIdent::META.section),
    };
    let corrected = checks::corrected(&request, &request.normalized(&dialect), &rejection.violations);
    rejection.violations.extend(corrected);
    rules.uphold(rejection)?;
    check_project(world, &request)?;
    allowed(world, &request)?;
    let groups = [8, 4, 4, 4, 12].map(|length| world.random_text(b"0123456789abcdef", length));
    let id = groups.join("-");
    world.set_request_case(&id);
    store(world, &id, &request);
    world.state::<Idents>().created.push(id.clone());
    keep_bound(world);
    let pages = world.state::<Account>().settings.landing_pages;
    let url = pages.url(world, &format!("{LANDING_PATH}{id}"), LANDING_HOST);
    Ok(CreateIdentResponse::created(&*id, url))
}

/// Checks that the account has the project. The document's example `xxx` has none; only `strict` rejects it.
fn check_project(world: &mut World, request: &CreateIdent) -> Result<(), Rejection> {
    let (enforced, example) = (world.enforces(&rules::I_050_PROJECT), accepts_examples(world));
    let given = request.project_id.as_ref();
    let projects = &world.state::<Account>().projects;
    let known = !enforced || given.is_none() || projects.iter().any(|project| project.id.as_ref() == given);
    if known || (example && given.is_some_and(|id| id.as_str() == EXAMPLE_PROJECT)) {
        return Ok(());
    }
    let message = "the account has no such project: project/getAll lists the projects";
    Err(rules::I_050_PROJECT.reject(404, "project_id", message, CreateIdent::META.section))
}

fn keep_bound(world: &mut World) {
    let mut created = std::mem::take(&mut world.state::<Idents>().created);
    let oldest = world.evict_oldest(PROVIDER, &mut created);
    let idents = world.state::<Idents>();
    idents.created = created;
    oldest.iter().for_each(|id| drop(idents.by_id.remove(id)));
}

/// Whether the account's settings allow a valid request (1.9).
fn allowed(world: &mut World, request: &CreateIdent) -> Result<(), Rejection> {
    let refuse = |status, field: &'static str, message: &'static str, rule: &Rule| {
        Err(rule.reject(status, field, message, CreateIdent::META.section))
    };
    let rules = world.rules.clone();
    // An empty text is not an id: it counts as absent.
    let unique = rules.enforce(&rules::AI_16)
        && world.state::<Account>().settings.unique_custom_ids
        && request.custom_id.as_ref().is_some_and(|id| !id.expose().is_empty());
    let taken = unique && world.state::<Idents>().by_id.values().any(|kept| kept.ident.custom_id == request.custom_id);
    let settings = &mut world.state::<Account>().settings;
    if rules.enforce(&rules::R_1_9_PERMISSION) && !settings.may_create {
        return refuse(403, "APIKEY", "lacks the permission to create idents", &rules::R_1_9_PERMISSION);
    }
    if taken {
        return refuse(
            409,
            "custom_id",
            "is already used by another ident; the account requires unique values",
            &rules::AI_16,
        );
    }
    match &mut settings.creates_left {
        Some(0) if rules.enforce(&rules::R_1_9_LEFT) => {
            refuse(402, "ident", "cannot be created: the account has no idents left (creates_left)", &rules::R_1_9_LEFT)
        }
        Some(left) => {
            *left = left.saturating_sub(1);
            Ok(())
        }
        None => Ok(()),
    }
}

pub(super) fn read(world: &mut World, id: &str) -> Result<Ident, Rejection> {
    world.state::<Idents>().by_id.get(id).map(|kept| kept.ident.clone()).ok_or_else(unknown)
}

pub(super) fn forget(world: &mut World, id: &str) {
    if world.enforces(&rules::I_020) {
        let idents = world.state::<Idents>();
        idents.by_id.remove(id);
        idents.created.remove(id);
    }
}

pub(super) fn place_examples(world: &mut World) {
    let request: CreateIdent = json::read(samples::CREATE_IDENT_REQUEST.as_bytes()).unwrap_or_default();
    store(world, EXAMPLE, &request.project_id("6"));
    if let Some(kept) = world.state::<Idents>().by_id.get_mut(EXAMPLE) {
        kept.ident.created_at = Some(LocalDateTime::parse("21-10-2019 09:57:51"));
        kept.ident.appointment_date = Some(LocalDateTime::parse("2019-10-24 11:11"));
    }
}

pub(super) fn keys(world: &mut World, id: &str) -> Option<CaseKeys> {
    let ident = &world.state::<Idents>().by_id.get(id)?.ident;
    let status = ident.status.as_ref().map(|status| status.as_str().to_owned());
    let names = [&ident.person_first_name, &ident.person_last_name].into_iter().flatten();
    let texts = names.map(|name| name.expose().to_owned());
    Some(CaseKeys::new(ident.custom_id.as_ref().map(|id| id.expose().to_owned()), status).texts(texts))
}

/// When an ident was created. The zone of its time is not documented (AI-11).
pub(super) fn created_at(ident: &Ident) -> Option<Timestamp> {
    berlin::timestamp(ident.created_at.as_ref()?.civil()?)
}

/// Returns the data of an ident, and the stories that its account has. An ident stores its current status only.
pub(super) fn describe(world: &mut World, id: &str) -> Option<CaseDetails> {
    let ident = world.state::<Idents>().by_id.get(id)?.ident.clone();
    let stories = &world.state::<Account>().settings.stories;
    let stories = stories.keys().map(|name| StoryOption::new(name.clone(), None)).collect();
    let status = ident.status.as_ref().map(|status| KnownStatus::new(status.as_str(), None));
    let timeline = status.map(|status| PastStatus::new(None, status, None)).into_iter().collect();
    let mut ordered = serde_json::to_value(&ident).unwrap_or_default();
    short_texts(&mut ordered);
    Some(CaseDetails::new(ordered, timeline, stories))
}

/// Sets a status and calls the partner's webhook. The vendor's statuses and ids are not documented (AI-12); those of the
/// stories are assumed.
pub(super) fn transition(world: &mut World, id: &str, transition: &Transition) -> Option<Result<(), Rejection>> {
    let mut kept = world.state::<Idents>().by_id.get(id)?.clone();
    let refuse = |message: Cow<'static, str>| Some(Err(rules::AI_12.reject(400, "story", message, "sandbox")));
    let story = match transition {
        Transition::Scenario(name) => {
            let stories = &world.state::<Account>().settings.stories;
            let Some(story) = stories.get(name) else {
                let names = stories.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                return refuse(format!("no such story; the setting stories has: {names}").into());
            };
            story.clone()
        }
        Transition::Status(serde_json::Value::String(word)) if !word.is_empty() => Scenario::new(word, "0"),
        Transition::Status(_) => return refuse("the status of an ident must be a string that is not empty".into()),
    };
    kept.ident.status = Some(story.status.clone().into());
    if let Some(at) = story.appointment.and_then(|after| world.now.checked_add(after).ok()) {
        kept.ident.appointment_date = Some(LocalDateTime::appointment(berlin::local(at)));
    }
    if let Transition::Scenario(_) = transition {
        // The story decides what the person has done.
        kept.step = story.appointment.map(|_| PersonStep::Appointment);
    }
    if let Err(refused) = deliver(world, id, payload(&kept, &story)) {
        return Some(Err(refused));
    }
    world.state::<Idents>().by_id.insert(id.to_owned(), kept);
    Some(Ok(()))
}

/// Returns the webhook's payload with all 16 keys, as in the document's example.
fn payload(kept: &StoredIdent, story: &Scenario) -> IdentWebhook {
    let ident = &kept.ident;
    let mut payload = IdentWebhook::default();
    payload.ident_id.clone_from(&ident.id);
    payload.status_id = Some(story.status_id.clone().into());
    payload.status.clone_from(&ident.status);
    payload.project_id.clone_from(&ident.project_id);
    payload.custom_id = ident.custom_id.clone().or_else(|| Some("".into()));
    payload.company_name = kept.company_name.clone().or_else(|| Some("".into()));
    payload.first_name.clone_from(&ident.person_first_name);
    payload.last_name.clone_from(&ident.person_last_name);
    payload.custom1 = ident.custom1.clone().or_else(|| Some("".into()));
    payload.custom2 = ident.custom2.clone().or_else(|| Some("".into()));
    payload.custom3 = ident.custom3.clone().or_else(|| Some("".into()));
    payload.custom4 = ident.custom4.clone().or_else(|| Some("".into()));
    payload.agent_notes = Some(story.agent_notes.clone().into());
    payload.reject_reason = Some(story.reject_reason.clone().into());
    payload.agent_name = Some("Sandbox".into());
    payload.appointment_date = ident.appointment_date.clone().or_else(|| Some(LocalDateTime::parse("")));
    payload
}

fn deliver(world: &mut World, id: &str, payload: IdentWebhook) -> Result<(), Rejection> {
    if !world.enforces(&rules::I_080) {
        return Ok(());
    }
    let Some(url) = world.state::<Account>().settings.webhook_url.clone() else { return Ok(()) };
    let broken = |error: identkit_core::Error| FACTS.reject(&error, "[I] Webhook");
    let text = json::write(&payload).map_err(broken)?;
    let mut event = Event::new(PROVIDER, IdentStatusCallback.name(), id);
    event.case_id = Some(id.into());
    event.payload = Some(String::from_utf8_lossy(&text).into_owned().into());
    let request = IdentStatusCallback.emit(url.expose(), &Method::POST, &event).map_err(broken)?;
    // The document does not say that calls about an ident wait for its webhook.
    let delivery = Delivery::new(&FACTS, id, event, request).without_blocking();
    world.deliver(if world.enforces(&rules::I_084) { delivery.once() } else { delivery });
    Ok(())
}
