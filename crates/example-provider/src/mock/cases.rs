//! Cases: creation, reading, the report, deletion, and what the person does.

use std::collections::BTreeMap;

use http::Method;
use identkit_core::{Content, Event, Location};
use identkit_mock_server::rules::Rule;
use identkit_mock_server::webhooks::Delivery;
use identkit_mock_server::{CaseOrder, Rejection, SavedError, Timer, Transition, World};
use identkit_wire::{Callback as _, Operation as _};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::facts::{EXPIRY, FACTS};
use super::report;
use super::rules;
use super::settings::Account;
use crate::PROVIDER;
use crate::callback::FinishedCallback;
use crate::messages::{Case, CaseId, CaseState, CreateCase, CreatedCase};

/// A case, and what its response does not contain.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredCase {
    case: Case,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    callback_url: Option<identkit_core::Secret>,
}

/// All cases of a world.
#[derive(Clone, Debug, Default)]
pub(super) struct Cases {
    pub(super) by_id: BTreeMap<String, StoredCase>,
    pub(super) created: CaseOrder,
}

/// Returns the cases of a saved world by their ids, which must be unique.
pub(super) fn by_id(cases: Vec<StoredCase>) -> Result<BTreeMap<String, StoredCase>, SavedError> {
    let mut by_id = BTreeMap::new();
    for (index, stored) in cases.into_iter().enumerate() {
        let id = stored.case.case_id.as_ref().map(|id| id.expose().to_owned());
        let Some(id) = id.filter(|id| !by_id.contains_key(id)) else {
            return Err(SavedError::damaged(format!("/cases/{index}"), "expected a case with a unique id"));
        };
        by_id.insert(id, stored);
    }
    Ok(by_id)
}

pub(super) fn create(world: &mut World, request: CreateCase) -> Result<CreatedCase, Rejection> {
    if let Err(error) = request.encode(&crate::Dialect::new()) {
        let rules = world.rules.clone();
        rules.uphold(Rejection::invalid(error.violations().to_vec()))?;
    }
    let groups = [8, 4, 4, 4, 12].map(|length| world.random_text(b"0123456789abcdef", length));
    let id = groups.join("-");
    world.set_request_case(&id);
    let mut case = Case::default().case_id(id.clone()).status(CaseState::Created);
    case.reference.clone_from(&request.reference);
    case.person.clone_from(&request.person);
    let days = i64::from(world.state::<Account>().0.life_in_days);
    if let Ok(at) = world.now.checked_add(SignedDuration::from_hours(24 * days)) {
        world.set_timer(at, Timer { vendor: PROVIDER, what: EXPIRY, subject: id.clone() });
    }
    let cases = world.state::<Cases>();
    cases.by_id.insert(id.clone(), StoredCase { case, callback_url: request.callback_url });
    cases.created.push(id.clone());
    let mut created = std::mem::take(&mut cases.created);
    let oldest = world.evict_oldest(PROVIDER, &mut created);
    let cases = world.state::<Cases>();
    cases.created = created;
    oldest.iter().for_each(|id| drop(cases.by_id.remove(id)));
    Ok(CreatedCase::default().start_url(format!("https://acme-ident.example/start/{id}")).case_id(id))
}

/// Returns a case.
pub(super) fn read(world: &mut World, id: &CaseId) -> Result<Case, Rejection> {
    let found = world.state::<Cases>().by_id.get(id.expose()).map(|stored| stored.case.clone());
    let unknown = || rules::ACME_05.reject(404, "caseId", "the vendor has no such case", "getCase").at(Location::Path);
    found.ok_or_else(unknown)
}

/// Checks that a case is finished.
fn check_finished(world: &mut World, id: &CaseId, rule: &Rule) -> Result<(), Rejection> {
    let case = read(world, id)?;
    match case.status.is_some_and(|status| status.is_finished()) || !world.enforces(rule) {
        true => Ok(()),
        false => Err(rule.reject(409, "caseId", "the case is not finished", rule.section).at(Location::Path)),
    }
}

pub(super) fn report(world: &mut World, id: &CaseId) -> Result<Content, Rejection> {
    check_finished(world, id, &rules::ACME_07)?;
    Ok(Content::from_bytes(report::report(id.expose())))
}

pub(super) fn delete(world: &mut World, id: &CaseId) -> Result<(), Rejection> {
    check_finished(world, id, &rules::ACME_08)?;
    remove(world, id.expose());
    Ok(())
}

/// Removes a case with its timer.
pub(super) fn remove(world: &mut World, id: &str) {
    world.remove_timers(|timer| timer.vendor == PROVIDER && timer.subject == id);
    let cases = world.state::<Cases>();
    cases.by_id.remove(id);
    cases.created.remove(id);
}

/// Sets the status of a case, and calls its webhook if it is finished.
pub(super) fn transition(world: &mut World, id: &str, transition: &Transition) -> Option<Result<(), Rejection>> {
    let status = match world.state::<Cases>().by_id.get(id)?.case.status.clone() {
        Some(status) if status.is_finished() && world.enforces(&rules::ACME_06) => Err("the case is finished"),
        _ => new_status(transition),
    };
    Some(match status {
        Ok(status) => set_status(world, id, status),
        Err(message) => Err(rules::ACME_06.reject(400, "story", message, "sandbox")),
    })
}

fn new_status(transition: &Transition) -> Result<CaseState, &'static str> {
    match transition {
        Transition::Scenario(name) => match &**name {
            "started" => Ok(CaseState::Started),
            "positive" => Ok(CaseState::Success),
            "negative" => Ok(CaseState::Failed),
            "aborted" => Ok(CaseState::Aborted),
            _ => Err("must be one of the stories started, positive, negative, aborted"),
        },
        Transition::Status(Value::String(word)) if !word.is_empty() => Ok(word.clone().into()),
        _ => Err("the status of a case must be a string that is not empty"),
    }
}

fn set_status(world: &mut World, id: &str, status: CaseState) -> Result<(), Rejection> {
    let (now, announces) = (world.now, status.is_finished() && world.enforces(&rules::ACME_10));
    let Some(stored) = world.state::<Cases>().by_id.get_mut(id) else { return Ok(()) };
    stored.case.status = Some(status.clone());
    if status.is_finished() {
        stored.case.finished_at = Some(now.to_string());
    }
    match stored.callback_url.clone().filter(|_| announces) {
        Some(url) => deliver(world, id, status, url.expose()),
        None => Ok(()),
    }
}

fn deliver(world: &mut World, id: &str, status: CaseState, url: &str) -> Result<(), Rejection> {
    let broken = |error: identkit_core::Error| Rejection::invalid(error.violations().to_vec());
    let mut event = Event::new(PROVIDER, FinishedCallback.name(), id);
    event.case_id = Some(id.into());
    event.payload = Some(FinishedCallback::body(id, status).map_err(broken)?.into());
    let request = FinishedCallback.emit(url, &Method::POST, &event).map_err(broken)?;
    // The document does not say that calls about a case wait for its webhook.
    world.deliver(Delivery::new(&FACTS, id, event, request).without_blocking());
    Ok(())
}
