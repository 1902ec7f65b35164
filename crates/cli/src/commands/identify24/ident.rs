//! `identify24 get`: reads an ident.

use std::collections::BTreeMap;
use std::path::Path;

use http::{HeaderMap, StatusCode};
use identkit_core::{Outcome, RawResponse, Secret};
use identkit_identify24::messages::{Ident, IdentId, LocalDateTime};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde_json::{Map, Value, json};

use super::arguments::{Interpretation, OutcomeArguments};
use super::client::Identify24;
use super::ids::IDENT_ID;
use crate::context::{document, warn};
use crate::exit::Failure;
use crate::input::{Input, Members, standard_text};
use crate::output::{say, text, to_json};
use crate::signals::run_on_thread;
use crate::state::Entry;
use crate::text::plain;
use crate::verdict::{self, description, word};

/// The order of the rows of an ident. Members that the vendor adds follow.
const ORDER: &str = "id status project_id person_first_name person_last_name created_at appointment_date custom_id \
                     custom1 custom2 custom3 custom4";

/// The id of the command line, of standard input (`-`), or of the file `from`. `any` accepts it in any form (AI-15).
pub(super) async fn id(
    identify24: &Identify24<'_>,
    argument: Option<&str>,
    from: Option<&Path>,
    any: bool,
) -> Result<IdentId, Failure> {
    let (id, is_vendors) = match (argument, from) {
        (Some("-"), _) => (run_on_thread(|| standard_text("IDENT_ID")).await??, false),
        (None, Some(path)) => read_file(path).await?,
        (id, _) => (Secret::new(id.unwrap_or_default()), false),
    };
    let id = id.expose();
    if any || is_vendors {
        return IDENT_ID.check_any(id).map(|()| IdentId::new(id));
    }
    IdentId::from_typed(id)
        .or_else(|refusal| IDENT_ID.check_known(id, identify24.state(), refusal).map(|()| IdentId::new(id)))
}

/// The only ident_id in a file, and whether create wrote the file, so that the id is the vendor's. The file can contain a
/// response that is not valid JSON, and it can be a record.
async fn read_file(path: &Path) -> Result<(Secret, bool), Failure> {
    let Input { name, bytes } = Input::read(path).await?;
    let saved: Map<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
    let record = Entry::read(path.to_owned()).ok().filter(|record| !record.provider.is_empty());
    let is_vendors = saved.contains_key("identkit") || record.is_some();
    let ids = match (record, of_unknown_outcome(&saved)) {
        (Some(record), _) => IDENT_ID.in_record(&record),
        (None, Some(ids)) => ids,
        (None, None) => (IDENT_ID.find)(&RawResponse::new(StatusCode::OK, HeaderMap::new(), bytes.into(), true)),
    };
    match ids.as_slice() {
        [id] => Ok((Secret::new(id.as_str()), is_vendors)),
        [] => Err(Failure::unsent(format!("{name} has no ident_id: pass a file that create wrote"))),
        ids => Err(Failure::unsent(format!(
            "{name} has {} different values of ident_id, and nothing shows which is right: pass each to identify24 get -",
            ids.len()
        ))),
    }
}

/// Each ident_id in the file of a create with an unknown outcome. The response in it can be cut, so create read it.
fn of_unknown_outcome(saved: &Map<String, Value>) -> Option<Vec<String>> {
    (saved.get("identkit")?.get("outcome")? == "unknown").then_some(())?;
    let several = saved.get("ident_ids").and_then(Value::as_array).into_iter().flatten();
    let ids = saved.get("ident_id").into_iter().chain(several);
    Some(ids.filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The outcomes of statuses: those of `--outcomes`, overridden by `--outcome`. The client knows the documented ones
/// (AI-12).
pub(super) async fn outcomes(interpretation: &OutcomeArguments) -> Result<BTreeMap<String, Outcome>, Failure> {
    let mut outcomes = BTreeMap::new();
    if let Some(path) = &interpretation.outcomes {
        let input = Input::read(path).await?;
        let unusable = |why: &str| Failure::unsent(format!("--outcomes {}: {why}", input.name));
        let form = r#"must be a JSON object of statuses and outcomes, e.g. {"Identified": "positive"}"#;
        let given: Members<String> = serde_json::from_slice(&input.bytes).map_err(|_| unusable(form))?;
        let pairs = given.0.into_iter().map(|(status, word)| Ok((status, verdict::outcome(&word)?)));
        let pairs = pairs.collect::<Result<Vec<_>, String>>().map_err(|why| unusable(&why))?;
        outcomes.extend(table(&pairs, &input.name)?);
    }
    outcomes.extend(table(&interpretation.outcome, "--outcome")?);
    Ok(outcomes)
}

/// A table of pairs. Fails if a status has two outcomes; `source` names where the pairs come from.
fn table(pairs: &[(String, Outcome)], source: &str) -> Result<BTreeMap<String, Outcome>, Failure> {
    let mut table = BTreeMap::new();
    for (status, outcome) in pairs {
        if status.trim().is_empty() {
            return Err(Failure::unsent(format!("{source} gives an empty status an outcome")));
        }
        if table.insert(status.trim().to_lowercase(), *outcome).is_some_and(|other| other != *outcome) {
            return Err(Failure::unsent(format!("{source} gives {} two outcomes", plain(status))));
        }
    }
    Ok(table)
}

pub(super) async fn get(
    identify24: &Identify24<'_>,
    id: &IdentId,
    interpretation: &Interpretation,
) -> Result<(), Failure> {
    let outcomes = outcomes(&interpretation.outcomes).await?;
    let client = identify24
        .client(|client| client.outcomes(outcomes.iter().map(|(status, outcome)| (status.as_str(), *outcome))))?;
    let response = warn(client.get_ident(id, &identify24.options).await)?;
    let ident = &response.value;
    let outcome = client.outcome_of(ident);
    let vendor = to_json(ident);
    let times = Times::new(ident, interpretation.zone.as_ref());
    let local = [("created_at", &ident.created_at), ("appointment_date", &ident.appointment_date)];
    for (name, why) in
        local.into_iter().filter_map(|(name, time)| Some((name, doubt(time.as_ref()?, interpretation.zone.as_ref()?)?)))
    {
        say(&format!("note: {name} {why}"));
    }
    let mut more = json!({
        "hidden": [], "outcome": word(outcome), "expires_estimate": times.expires,
    });
    if let (Some(_), Some(more)) = (&interpretation.zone, more.as_object_mut()) {
        more.insert("created_at".into(), times.created.clone().into());
        more.insert("appointment_date".into(), times.appointment.clone().into());
    }
    identify24.show(document(vendor.clone(), &response, more), |page| {
        let mut names: Vec<&String> = vendor.as_object().into_iter().flat_map(Map::keys).collect();
        names.sort_by_key(|name| ORDER.split(' ').position(|known| known == *name).unwrap_or(usize::MAX));
        let mut rows = Vec::new();
        for name in names {
            let text = text(&vendor, name);
            let time = match name.as_str() {
                "created_at" => &times.created,
                "appointment_date" => &times.appointment,
                _ => &None,
            };
            rows.push((plain(name), time.as_ref().map_or(text.clone(), |time| format!("{text} ({time})"))));
            if name == "status" {
                let meaning = description(outcome);
                let meaning = if meaning == "unknown" { "unknown: map the status with --outcome" } else { meaning };
                rows.push(("outcome".to_owned(), meaning.to_owned()));
            }
        }
        rows.extend(times.expires.clone().map(|expires| ("expires about".to_owned(), expires)));
        page.pairs(rows);
    })
}

/// Why a local time is not one point in time in this zone, and which one is shown.
fn doubt(time: &LocalDateTime, zone: &TimeZone) -> Option<&'static str> {
    if time.offset().is_some() {
        return None;
    }
    match zone.to_ambiguous_timestamp(time.civil()?).offset() {
        AmbiguousOffset::Unambiguous { .. } => None,
        AmbiguousOffset::Gap { .. } => Some(
            "does not exist in the zone, because the clocks were set forward: it is shown later by the length of the gap",
        ),
        AmbiguousOffset::Fold { .. } => {
            Some("occurs twice in the zone, because the clocks were set back: the first of both times is shown")
        }
    }
}

/// The vendor's local times, with an offset if their zone is given, and the estimated expiry (I-020, AI-11).
struct Times {
    created: Option<String>,
    appointment: Option<String>,
    expires: Option<String>,
}

impl Times {
    fn new(ident: &Ident, zone: Option<&TimeZone>) -> Self {
        let with_offset = |at: Timestamp, zone: &TimeZone| {
            at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
        };
        let zoned = |local: Option<&LocalDateTime>| Some(with_offset(local?.in_zone(zone?)?, zone?));
        // Without a zone, a time with an offset is shown with it.
        let own = ident.created_at.as_ref().and_then(LocalDateTime::offset).map(TimeZone::fixed);
        let expires = match zone.or(own.as_ref()) {
            Some(zone) => ident.expires_at(zone).map(|at| with_offset(at, zone)),
            None => ident.expires_estimate().map(|at| at.to_string()),
        };
        Self { created: zoned(ident.created_at.as_ref()), appointment: zoned(ident.appointment_date.as_ref()), expires }
    }
}
