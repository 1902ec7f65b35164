//! Queries and bodies as the types that the calls take.
//!
//! A member with a typo must not be passed over: the call would mean another world, or all orders in place of one.
//! Therefore every unknown name is refused, and so is a name that stands twice.

use std::fmt::Display;
use std::str::FromStr;

use identkit_wire::json;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::problem::{Problem, ProblemKind};
use super::unique::UniqueNames;
use crate::journal::{Secrets, is_redacted};
use crate::nesting;

/// The longest name of a query parameter that a problem repeats, in bytes.
const LONGEST_NAME: usize = 32;

/// The query or the body of a call.
pub(super) trait Input: DeserializeOwned + JsonSchema + Send + 'static {
    /// The problem of a member with an invalid value.
    const INVALID: ProblemKind;
    /// The problem of an unknown member; otherwise that of the query or the body.
    const UNKNOWN: Option<ProblemKind> = None;
    /// Whether the body can be left out.
    const OPTIONAL: bool = false;

    /// Reads the members.
    fn read(members: Map<String, Value>, form: &Form) -> Result<Self, Problem> {
        form.check_names::<Self>(&members)?;
        form.value(members, Self::INVALID)
    }
}

/// A call without members.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoMembers {}

impl Input for NoMembers {
    const INVALID: ProblemKind = ProblemKind::InvalidBody;
    const OPTIONAL: bool = true;
}

/// The query of a call about one world.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorldQuery {
    /// Id of the world. The default is `default`.
    #[serde(default, rename = "world")]
    #[schemars(example = &"default")]
    _world: Option<String>,
}

impl Input for WorldQuery {
    const INVALID: ProblemKind = ProblemKind::InvalidQuery;
}

/// The query of a call that masks secrets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevealQuery {
    #[serde(default, deserialize_with = "reveal")]
    #[schemars(with = "Reveal")]
    pub(super) reveal: Secrets,
    /// Id of the world. The default is `default`.
    #[serde(default, rename = "world")]
    #[schemars(example = &"default")]
    _world: Option<String>,
}

impl Input for RevealQuery {
    const INVALID: ProblemKind = ProblemKind::InvalidReveal;
}

/// Whether the response holds credentials, tokens, TANs and cookies. Otherwise they are masked; in orders, settings and
/// faults those in URLs.
#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "a schema alone")]
pub(super) struct Reveal(bool);

/// Reads `true` or `false`.
pub(super) fn reveal<'de, D: Deserializer<'de>>(from: D) -> Result<Secrets, D::Error> {
    match String::deserialize(from)?.as_str() {
        "true" => Ok(Secrets::Revealed),
        "false" => Ok(Secrets::Masked),
        _ => Err(D::Error::custom("expected true or false")),
    }
}

/// Reads a member that can be left out, but is not null.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Reads a text or a number from a text or a number: a query has texts alone.
pub(super) fn parsed<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    let text = match Value::deserialize(from)? {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => return Err(D::Error::custom("expected a text or a number")),
    };
    text.parse().map(Some).map_err(D::Error::custom)
}

/// What the schema of a query or a body says about it.
pub(super) struct Form {
    is_query: bool,
    names: Vec<String>,
    example: String,
}

impl Form {
    /// The form of a query.
    pub(super) fn query<Q: Input>() -> Self {
        Self::new::<Q>(true)
    }

    /// The form of a body.
    pub(super) fn body<B: Input>() -> Self {
        Self::new::<B>(false)
    }

    fn new<I: Input>(is_query: bool) -> Self {
        let schema = SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<I>();
        let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
        let example = examples.map(Value::to_string).collect::<Vec<_>>().join(" or ");
        let mut names = Vec::new();
        list_names(schema.as_value(), &mut names);
        Self { is_query, names, example }
    }

    /// Whether it has no members.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether it has a member.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Reads a query.
    pub(super) fn read_query<Q: Input>(&self, query: &[(String, Option<String>)]) -> Result<Q, Problem> {
        let mut members = Map::new();
        let refuse = |what: String| Err(Problem::new(ProblemKind::InvalidQuery, self.detail(&what)));
        for (at, (name, value)) in query.iter().enumerate() {
            // Elements of calls: `header/NAME` and `body/POINTER`.
            let element = match (name.strip_prefix("header/"), name.strip_prefix("body")) {
                (Some(header), _) => Some(("headers", header)),
                (_, Some(pointer)) if pointer.starts_with('/') => Some(("body", pointer)),
                _ => None,
            };
            let element = element.filter(|(group, _)| self.has(group));
            if element.is_none() {
                self.check_name::<Q>(name)?;
            }
            let Some(value) = value else { return refuse("there is a parameter without a value".to_owned()) };
            if query.iter().take(at).any(|(other, _)| other == name) {
                return refuse("there is a parameter twice".to_owned());
            }
            match element {
                None => drop(members.insert(name.clone(), value.clone().into())),
                Some((group, key)) => {
                    let group = members.entry(group).or_insert_with(|| Value::Array(Vec::new()));
                    if let Some(group) = group.as_array_mut() {
                        group.push(vec![key.to_owned(), value.clone()].into());
                    }
                }
            }
        }
        Q::read(members, self)
    }

    /// Reads a body.
    pub(super) fn read_body<B: Input>(&self, body: &[u8]) -> Result<B, Problem> {
        let refuse = |detail: String| Err(Problem::new(ProblemKind::InvalidBody, detail));
        if body.is_empty() {
            return match B::OPTIONAL {
                true => B::read(Map::new(), self),
                false => refuse(format!("send a body, e.g. {}", self.example)),
            };
        }
        if nesting::is_too_deep(body) {
            return refuse(format!("it {}", nesting::MESSAGE));
        }
        let members: Map<String, Value> = match json::read(body) {
            Ok(members) => members,
            Err(fault) => return refuse(self.detail(&format!("the body must be an object: {fault}"))),
        };
        if json::read::<UniqueNames>(body).is_err() {
            return refuse(self.detail("there is an element twice"));
        }
        B::read(members, self)
    }

    /// Refuses unknown names.
    pub(super) fn check_names<I: Input>(&self, members: &Map<String, Value>) -> Result<(), Problem> {
        members.keys().try_for_each(|name| self.check_name::<I>(name))
    }

    fn check_name<I: Input>(&self, name: &str) -> Result<(), Problem> {
        if self.has(name) {
            return Ok(());
        }
        let kind = if self.is_query { ProblemKind::InvalidQuery } else { ProblemKind::InvalidBody };
        // A parameter is named if it looks like one; a name in a body may be a person's and is never repeated.
        let is_word = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-".contains(&byte));
        let what = match self.is_query && name.len() <= LONGEST_NAME && is_word(name) {
            true => format!("unknown {} `{name}`", self.noun()),
            false => format!("unknown {} of {} letters", self.noun(), name.chars().count()),
        };
        Err(Problem::new(I::UNKNOWN.unwrap_or(kind), self.detail(&what)))
    }

    /// Reads members by their type.
    pub(super) fn value<T: DeserializeOwned>(
        &self,
        members: Map<String, Value>,
        invalid: ProblemKind,
    ) -> Result<T, Problem> {
        let text = Value::Object(members).to_string();
        json::read(text.as_bytes()).map_err(|fault| {
            let what = match fault.path.as_str() {
                "" | "*" => fault.expected,
                path => format!("{path}: {}", fault.expected),
            };
            Problem::new(invalid, self.detail(&what))
        })
    }

    /// What is wrong, and what would be valid.
    pub(super) fn detail(&self, what: &str) -> String {
        let names = match self.names.as_slice() {
            [] => format!("no {}s", self.noun()),
            names => format!("the {}s {}", self.noun(), names.join(", ")),
        };
        let example = if self.example.is_empty() { String::new() } else { format!("; send {}", self.example) };
        format!("{what}; this call has {names}{example}")
    }

    fn noun(&self) -> &'static str {
        if self.is_query { "parameter" } else { "element" }
    }
}

/// Refuses a body that holds a masked secret, which would be set as it is.
pub(super) fn check_masks(members: &Map<String, Value>) -> Result<(), Problem> {
    let detail = "there is a text with (masked) in it, which stands for a secret; ?reveal=true returns it unmasked";
    match members.values().any(is_redacted) {
        true => Err(Problem::new(ProblemKind::MaskedSecret, detail)),
        false => Ok(()),
    }
}

/// The names of a schema's members, its alternatives included.
fn list_names(schema: &Value, names: &mut Vec<String>) {
    for name in schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    for alternative in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        list_names(alternative, names);
    }
}
