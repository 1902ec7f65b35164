//! `docs/sandbox-settings.md`: settings and stories, generated from the OpenAPI document, a new sandbox and every story.

use crate::stories::kinds_of_orders;
use crate::support::*;
use identkit_mock_server::vendors::identity_tm::SCENARIOS;

/// The orders of [`kinds_of_orders`].
const KINDS: [&str; 5] = [
    "Product 12 (video)",
    "Product 0 (courier)",
    "Product 16 (autoID)",
    "Product 15 with a document to sign",
    "Product 15 with `Add` 8 (sign-me account only)",
];

/// What the person does in each story of an order.
const MEANINGS: [(&str, &str); 23] = [
    ("identified", "The person is identified by the usual method. The order has something to sign and stays open"),
    (
        "positive",
        "The person is identified by the usual method: by video for Product 12 and 15, a courier for 0, autoID for 16",
    ),
    ("signed", "The person is identified, if not identified yet, and signs with the TAN"),
    ("reuse", "The person signs at once, because an earlier identification was accepted (`IdentDataSigned`)"),
    (
        "account-only",
        "The person is identified, and a sign-me account is created. If the address has an account by another order, that one is used (AT-14)",
    ),
    ("negative", "The identification takes place and fails"),
    (
        "fraud",
        "The identification takes place, and fraud is suspected. A person who is identified can be suspected later",
    ),
    ("timeout", "The person does not finish in time"),
    ("timeout-after-ident", "The person is identified, if not identified yet, and never signs"),
    ("aborted", "The person leaves. The order stays open, and any other story can follow"),
    ("cancelled", "The order is canceled, as by `cancelOrder` (AT-61)"),
    ("video", "The person is identified by video"),
    ("courier", "The person is identified by a courier"),
    ("shop", "The person is identified in a shop"),
    ("eid", "The person is identified by eID"),
    ("giro", "The person is identified by a bank account"),
    ("autoid", "The person is identified by autoID"),
    ("smartid", "The person is identified by SmartID, which has no status (AT-82)"),
    (
        "eid-failed",
        "eID fails, and the person is identified by video. With `NoVideoFallback`, or without video in the Product, the person leaves",
    ),
    (
        "method-changes",
        "The person changes the method as often as the Product allows, and is identified by the last one",
    ),
    ("courier-missed", "The courier comes twice in vain"),
    ("refused", "The person refuses: at the door for Product 0, otherwise by phone"),
    ("unreachable", "Neither phone nor address works"),
];

const INTRODUCTION: &str = "\
# The settings and stories of the sandbox

This page lists every setting of an account and every story, with what it does. For example, this lets the vendor need two
seconds for a recording, and then identifies the person of an order:

```sh
curl -d '{\"identity_tm\":{\"video_provisioning\":2}}' http://127.0.0.1:8444/_sandbox/v1/settings
curl -d '{\"story\":\"positive\"}' http://127.0.0.1:8444/_sandbox/v1/orders/ORDER_ID/transition
```

[The sandbox: reference](sandbox-reference.md) explains how settings are changed and when stories are rejected.

A test creates this page from the sandbox itself. To write it again, run
`IDENTKIT_WRITE_REFERENCE=1 cargo test -p identkit-mock-server --test it reference::`.
";

/// The path of a page in docs/.
fn path(page: &str) -> String {
    format!("{}/../../docs/{page}.md", env!("CARGO_MANIFEST_DIR"))
}

fn read(page: &str) -> io::Result<String> {
    std::fs::read_to_string(path(page))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn joined(values: &[Value]) -> String {
    values.iter().map(|value| format!("`{}`", plain_text(value))).collect::<Vec<_>>().join(", ")
}

/// A value as it is written in a table: a string without quotes.
fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The settings of one vendor.
struct Reference<'a> {
    schemas: &'a Value,
    name: &'a str,
    defaults: &'a Value,
}

impl Reference<'_> {
    /// Replaces a reference by what it refers to, with its own description if it has one.
    fn resolve(&self, schema: &Value) -> Value {
        let reference = schema.get("$ref").or_else(|| {
            let options = schema["anyOf"].as_array()?;
            options.iter().find_map(|option| option.get("$ref"))
        });
        let named = reference.and_then(Value::as_str).and_then(|path| path.rsplit_once('/'));
        named.map_or_else(|| schema.clone(), |(_, name)| self.schemas[name].clone())
    }

    /// The allowed values, in words.
    fn values(&self, schema: &Value) -> String {
        let resolved = self.resolve(schema);
        if let Some(words) = resolved["enum"].as_array() {
            return joined(words);
        }
        let kinds: Vec<&str> = match &resolved["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            kind => kind.as_str().into_iter().collect(),
        };
        let optional = kinds.contains(&"null") || schema["anyOf"].as_array().is_some();
        let or_null = if optional { ", or `null`" } else { "" };
        let value = match kinds.iter().find(|kind| **kind != "null") {
            Some(&"boolean") => "`true`, `false`".to_owned(),
            Some(&"integer") => match (resolved["minimum"].as_u64(), resolved["maximum"].as_u64()) {
                (low, Some(high)) => format!("a number from {} to {high}", low.unwrap_or(0)),
                (Some(low), None) if low > 0 => format!("a number, {low} or more"),
                _ => "a number".to_owned(),
            },
            Some(&"string") => if resolved["format"] == "uri" { "a URL" } else { "a text" }.to_owned(),
            Some(&"array") => match self.resolve(&resolved["items"])["enum"].as_array() {
                Some(words) => format!("a list of {}", joined(words)),
                None => "a list of numbers".to_owned(),
            },
            _ if ["properties", "additionalProperties", "oneOf"].iter().all(|part| resolved.get(part).is_none()) => {
                "any JSON".to_owned()
            }
            _ => "see below".to_owned(),
        };
        format!("{value}{or_null}")
    }

    fn default(&self, name: &str, about: &str) -> String {
        match &self.defaults[name] {
            // A duration.
            Value::Number(seconds) if about.starts_with("Time ") => {
                let seconds = seconds.as_i64().unwrap();
                let (count, unit) = [(86_400, "d"), (3_600, "h"), (60, "min")]
                    .into_iter()
                    .find(|(size, _)| seconds % size == 0)
                    .map_or((seconds, "s"), |(size, unit)| (seconds / size, unit));
                format!("`{seconds}` ({count} {unit})")
            }
            value @ Value::Object(_) if value.to_string().len() > 80 => "see below".to_owned(),
            // Without code, so that a long list wraps.
            Value::Array(values) if values.is_empty() => "none".to_owned(),
            Value::Array(values) => values.iter().map(plain_text).collect::<Vec<_>>().join(", "),
            value => format!("`{}`", plain_text(value)),
        }
    }

    fn write(&self) -> String {
        let mut table = String::from("| setting | default | values | meaning |\n|---|---|---|---|\n");
        let mut words = String::new();
        for (name, schema) in self.schemas[self.name]["properties"].as_object().unwrap() {
            let about = text(schema, "description").replace('\n', " ");
            assert!(!about.is_empty(), "{name} has no documentation");
            let (default, values) = (self.default(name, &about), self.values(schema));
            table += &format!("| `{name}` | {default} | {values} | {} |\n", about.trim_end_matches('.'));
            // The description of an enumeration explains its values, one per line.
            let resolved = self.resolve(schema);
            let item = self.resolve(&resolved["items"]);
            let listed = [text(&resolved, "description"), text(&item, "description")];
            for line in listed.iter().flat_map(|about| about.lines()).filter_map(|line| line.strip_prefix("- `")) {
                let (word, meaning) = line.split_once("`: ").unwrap();
                words += &format!("| `{name}` | `{word}` | {} |\n", meaning.trim_end_matches('.'));
            }
            for (member, schema) in resolved["properties"].as_object().into_iter().flatten() {
                let about = text(schema, "description").replace('\n', " ");
                words +=
                    &format!("| `{name}` | `{member}`: {} | {} |\n", self.values(schema), about.trim_end_matches('.'));
            }
            for option in resolved["oneOf"].as_array().into_iter().flatten() {
                let word = match option["properties"].as_object().and_then(|members| members.iter().next()) {
                    Some((member, schema)) => format!("`{{\"{member}\":…}}`: {}", self.values(schema)),
                    None => joined(option["enum"].as_array().unwrap_or(&vec![option["const"].clone()])),
                };
                let about = text(option, "description");
                words += &format!("| `{name}` | {word} | {} |\n", about.replace('\n', " ").trim_end_matches('.'));
            }
        }
        format!("{table}\n| setting | value | meaning |\n|---|---|---|\n{words}")
    }
}

/// What a story does with a new order: its statuses, its webhooks, and the verdict. The text of the rejection otherwise.
async fn played(order: PutOrder, story: &str) -> Result<(Vec<u32>, Vec<String>, Outcome), String> {
    let flavor = order.flavor();
    let (bench, receiver) = Harness::with_receiver(Receiver::answering(Some(200)));
    let id = bench.place(order).await;
    let before = bench.codes(&id).await.len();
    bench.begin(id.expose(), story).map_err(|error| error.to_string())?;
    bench.clock.settle().await;
    let codes = bench.codes(&id).await.split_off(before);
    let events = receiver.events();
    Ok((codes, events, bench.outcome(&id, flavor).await))
}

async fn stories_of_orders() -> String {
    let mut text = String::from("| story | what the person does |\n|---|---|\n");
    for story in SCENARIOS {
        let (_, meaning) =
            MEANINGS.iter().find(|(name, _)| *name == story).unwrap_or_else(|| panic!("{story}: no meaning"));
        text += &format!("| `{story}` | {meaning} |\n");
    }
    for (number, kind) in KINDS.iter().enumerate() {
        text += &format!("\n### {kind}\n\n| story | statuses | webhooks | outcome |\n|---|---|---|---|\n",);
        let mut rejected = Vec::new();
        for story in SCENARIOS {
            let order = kinds_of_orders(&["AfterIdent", "OnFinal"])[number].clone();
            match played(order, story).await {
                Err(_) => rejected.push(format!("`{story}`")),
                Ok((codes, events, outcome)) => {
                    let codes: Vec<String> = codes.iter().map(u32::to_string).collect();
                    let end = if outcome.is_final() { "final" } else { "open" };
                    let (codes, events) = (codes.join(" "), events.join(", "));
                    text += &format!("| `{story}` | {codes} | {events} | `{outcome:?}`, {end} |\n");
                }
            }
        }
        text += &format!("\nRejected: {}.\n", rejected.join(", "));
    }
    text
}

fn stories_of_idents(defaults: &Value) -> String {
    let mut table = String::from(
        "| story | `status` | `status_id` | `reject_reason` | `agent_notes` | `appointment` |\n|---|---|---|---|---|---|\n",
    );
    for (name, story) in defaults["stories"].as_object().unwrap() {
        let cell = |member: &str| story.get(member).map(plain_text).unwrap_or_default();
        let cells = ["status", "status_id", "reject_reason", "agent_notes", "appointment"].map(cell);
        table += &format!("| `{name}` | {} |\n", cells.join(" | "));
    }
    table
}

async fn documented() -> String {
    let door = Door::of(&sandbox().start()).await;
    let (document, defaults) = (door.get("openapi.json").await, door.get("settings").await);
    let schemas = &document["components"]["schemas"];
    let vendor = |name, key: &str| Reference { schemas, name, defaults: &defaults[key] }.write();
    format!(
        "{INTRODUCTION}\n## Settings of identity.TM\n\nDurations are numbers of seconds.\n\n{}\n\
         ## Settings of identify24\n\nDurations are numbers of seconds.\n\n{}\n\
         ## Stories of an order\n\nThe tables below show what each story does with a new order that has the webhooks `AfterIdent` \
         and `OnFinal`: the statuses that it adds (after 25 and 7), the webhooks, and the outcome that the client reads.\n\n{}\n\
         ## Stories of an ident\n\nThe setting `stories` changes them and adds others. `appointment` is in seconds from the \
         moment when the story is played. The vendor's document names only the status `Unidentified` (AI-12).\n\n{}",
        vendor("IdentityTmSettings", "identity_tm"),
        vendor("Identify24Settings", "identify24"),
        stories_of_orders().await,
        stories_of_idents(&defaults["identify24"]),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn docs_sandbox_settings_md_matches_the_sandbox() {
    let expected = documented().await;
    if std::env::var_os("IDENTKIT_WRITE_REFERENCE").is_some() {
        std::fs::write(path("sandbox-settings"), &expected).unwrap();
    }
    let written = read("sandbox-settings").unwrap_or_default();
    assert_eq!(
        written, expected,
        "docs/sandbox-settings.md is outdated: run this test with IDENTKIT_WRITE_REFERENCE=1"
    );
}

#[test]
fn the_traps_name_only_existing_settings_stories_and_faults() {
    let [page, reference, faults] = ["traps", "sandbox-settings", "sandbox-control"].map(|name| read(name).unwrap());
    let mut checked = 0;
    for line in page.lines().filter_map(|line| line.strip_prefix("- **Try:** ")) {
        for part in line.split("; ") {
            let place = match part.split(' ').next().unwrap() {
                "Setting" | "Settings" | "Stories" | "story" => &reference,
                "Fault" | "The" | "Profile" => &faults,
                "Built" | "the" => continue,
                other => panic!("{other} in {line}"),
            };
            for name in part.split('`').skip(1).step_by(2) {
                assert!(place.contains(&format!("`{name}`")), "{name} of {line}");
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "{checked}");
}
