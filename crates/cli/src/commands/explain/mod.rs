//! `identkit explain`: what an id in a message, a comment or a journal means.

mod contract;

use std::process::ExitCode;

use clap::Args;
use identkit_mock_server::rules::{Rule, Scope, Switchable};
use serde_json::{Value, json};

use self::contract::{Field, Row, Trap, fields, is_id, rows, traps};
use crate::exit::Failure;
use crate::output::{Format, Page};
use crate::providers::all_vendors;
use crate::text::plain;

/// Maximum number of similar ids in an error.
const MOST_SIMILAR: usize = 5;

/// Explains the id of a trap, a requirement, a field or a rule of the sandbox. Sends nothing.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The id in any letter case, e.g. AT-56, AI-12, T-033, M-15, F-010, or AT-54/limit.
    id: String,
}

pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    let rules = all_rules();
    let explanation = Explanation::find(arguments.id.trim(), &rules).ok_or_else(|| {
        let id = plain(&arguments.id);
        let similar = similar(&arguments.id, &rules);
        Failure::usage(match similar.as_slice() {
            [] => {
                format!("the id {id} does not exist; docs/traps.md and docs/contract/contract.md list them, e.g. AT-56")
            }
            similar => format!("the id {id} does not exist; similar ids: {}", similar.join(", ")),
        })
    })?;
    format.show(&explanation.json(), |page| explanation.show(page))?;
    Ok(ExitCode::SUCCESS)
}

/// The rules of all mock vendors, and those of the sandbox.
fn all_rules() -> Vec<&'static Rule> {
    let mut rules = identkit_mock_server::vendors::rules();
    for rule in all_vendors().iter().flat_map(|vendor| vendor.facts().rules) {
        if rules.iter().all(|known| known.id != rule.id) {
            rules.push(rule);
        }
    }
    rules
}

/// What is known about one id.
struct Explanation<'a> {
    id: &'a str,
    row: Option<Row>,
    trap: Option<Trap>,
    field: Option<Field>,
    rules: Vec<&'static Rule>,
    /// Ids in the texts.
    related: Vec<&'static str>,
}

impl<'a> Explanation<'a> {
    fn find(id: &'a str, rules: &[&'static Rule]) -> Option<Self> {
        // The id of a rule is that of its requirement, often with a suffix.
        let requirement = id.split_once('/').map_or(id, |(requirement, _)| requirement);
        let is_rule = |rule: &&&Rule| match id.contains('/') {
            true => rule.id.eq_ignore_ascii_case(id),
            false => rule.contract_id().eq_ignore_ascii_case(id),
        };
        let rules: Vec<_> = rules.iter().filter(is_rule).copied().collect();
        if id.contains('/') && rules.is_empty() {
            return None;
        }
        let all = rows();
        let row = all.iter().find(|row| row.id.eq_ignore_ascii_case(requirement)).cloned();
        let trap = traps().find(|trap| trap.id.eq_ignore_ascii_case(requirement));
        let field = fields().find(|field| field.id.eq_ignore_ascii_case(requirement));
        let own = row.as_ref().map(|row| row.id);
        let texts = row.iter().flat_map(|row| [row.problem, row.decision]).chain(field.map(|field| field.note));
        let words = texts.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
        let mut related: Vec<&str> =
            words.filter(|word| is_id(word) && Some(*word) != own && all.iter().any(|row| row.id == *word)).collect();
        related.sort_unstable();
        related.dedup();
        let is_found = row.is_some() || field.is_some() || !rules.is_empty();
        is_found.then_some(Self { id, row, trap, field, rules, related })
    }

    /// The id as it is written.
    fn name(&self) -> &str {
        let rule = self.rules.first().filter(|_| self.id.contains('/')).map(|rule| rule.id);
        let row = self.row.as_ref().map(|row| row.id);
        rule.or(row).or(self.field.map(|field| field.id)).unwrap_or(self.id)
    }

    fn json(&self) -> Value {
        json!({
            "id": self.name(),
            "requirement": self.row.as_ref().map(|row| json!({
                "id": row.id,
                "section": row.section,
                "basis": row.basis,
                "problem": Some(row.problem).filter(|problem| !problem.is_empty()),
                "text": row.decision,
            })),
            "trap": self.trap.map(|trap| json!({
                "title": trap.title,
                "document": trap.document,
                "identkit": trap.identkit,
                "sandbox": trap.sandbox,
                "question": trap.question,
            })),
            "field": self.field.map(|field| json!({
                "vendor": field.vendor,
                "call": field.call,
                "direction": field.direction,
                "path": field.path,
                "type": field.kind,
                "maximum_length": field.length,
                "required": field.required,
                "note": field.note,
            })),
            "rules": self.rules.iter().map(|rule| json!({
                "id": rule.id,
                "section": rule.section,
                "text": rule.says,
                "profile": profile(rule),
                "can_be_off": rule.switch == Switchable::Yes,
            })).collect::<Vec<_>>(),
            "related": self.related,
        })
    }

    fn show(&self, page: &mut Page) {
        let mut pairs = vec![("id".to_owned(), plain(self.name()))];
        let mut add = |name: &str, text: &str| {
            if !text.is_empty() {
                pairs.push((name.to_owned(), text.to_owned()));
            }
        };
        if let Some(trap) = &self.trap {
            add("trap", trap.title);
            add("the document", trap.document);
            add("identkit", trap.identkit);
            add("in the sandbox", trap.sandbox);
            add("ask the vendor", trap.question);
        }
        if let Some(field) = &self.field {
            add("field", &format!("{} of {} ({}, {})", field.path, field.call, field.vendor, field.direction));
            add("type", field.kind);
            add("maximum length", field.length);
            add("required", field.required);
            add("note", field.note);
        }
        if let Some(row) = &self.row {
            add("contract", &row.section);
            add("basis", row.basis.unwrap_or_default());
            add("problem", row.problem);
            add(if row.problem.is_empty() { "requirement" } else { "decision" }, row.decision);
        }
        for rule in &self.rules {
            let switch = match rule.switch {
                Switchable::Yes => "can be switched off".to_owned(),
                Switchable::No(why) => format!("cannot be switched off: {why}"),
            };
            let text = format!("{} ({}; profile {}; {switch})", rule.says, rule.section, profile(rule));
            add(&format!("rule {}", rule.id), &text);
        }
        add("related", &self.related.join(", "));
        page.pairs(pairs);
        if self.row.is_some() {
            page.note(
                "in the contract, D is documented, X derived and A chosen by identkit; R is the reader, W the writer, \
                 M the sandbox",
            );
        }
    }
}

/// The profiles that enforce a rule.
fn profile(rule: &Rule) -> &'static str {
    match rule.profiles {
        Scope::Every => "every",
        Scope::Literal => "literal",
        Scope::Strict => "strict",
    }
}

/// The ids that are most similar to one that does not exist.
fn similar(id: &str, rules: &[&'static Rule]) -> Vec<&'static str> {
    let wanted = id.trim().to_uppercase();
    let known = rows().into_iter().map(|row| row.id).chain(fields().map(|field| field.id));
    let known = known.chain(rules.iter().map(|rule| rule.id));
    let mut distances: Vec<(usize, &str)> = known
        .filter_map(|known| {
            let distance = strsim::damerau_levenshtein(&wanted, &known.to_uppercase());
            // Of a short id, nearly every other one would be similar.
            (distance <= 2 && distance < wanted.chars().count().min(known.len()) / 2).then_some((distance, known))
        })
        .collect();
    distances.sort_unstable();
    distances.dedup();
    let best = distances.first().map_or(0, |(distance, _)| *distance);
    distances.into_iter().filter(|(distance, _)| *distance == best).map(|(_, id)| id).take(MOST_SIMILAR).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_id_is_explained() {
        let rules = all_rules();
        let ids = rows().into_iter().map(|row| row.id).chain(fields().map(|field| field.id));
        let ids: Vec<_> = ids.chain(rules.iter().map(|rule| rule.id)).collect();
        assert!(ids.len() > 500, "{}", ids.len());
        for id in ids {
            let found = Explanation::find(id, &rules).unwrap_or_else(|| panic!("{id}"));
            assert_eq!(found.name(), id);
            assert!(!found.related.contains(&id), "{id}");
        }
    }

    #[test]
    fn an_unknown_id_has_similar_ones() {
        let rules = all_rules();
        for (id, expected) in [
            ("AT-156", Some("AT-56")),
            ("t-33", Some("T-033")),
            ("AT-54/limits", Some("AT-54/limit")),
            ("BLOCKED", None),
            ("", None),
        ] {
            let similar = similar(id, &rules);
            assert!(similar.len() <= MOST_SIMILAR);
            match expected {
                Some(expected) => assert!(similar.contains(&expected), "{id}: {similar:?}"),
                None => assert!(similar.is_empty(), "{id}: {similar:?}"),
            }
        }
    }
}
