//! Parses queries and bodies into the input types of the calls.
//!
//! Unknown and duplicate names are rejected. If a misspelled name were ignored, the call would affect another world, or
//! all orders instead of one.

use identkit_wire::json;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::problem::{Problem, ProblemKind};
use crate::journal::{Secrets, is_redacted};
use crate::nesting;

/// Maximum length of a parameter name that a problem quotes, in bytes.
const LONGEST_NAME: usize = 32;

/// Decoded parameters of a query. The value of a parameter without `=` is `None`.
pub(super) type Pairs = [(String, Option<String>)];

pub(super) trait Input: DeserializeOwned + JsonSchema + Send + 'static {
    /// Problem for a member with an invalid value.
    const INVALID: ProblemKind;
    /// Problem for an unknown member. The default is that of the query or the body.
    const UNKNOWN: Option<ProblemKind> = None;
    /// Whether the body is optional.
    const OPTIONAL: bool = false;

    fn read(members: Map<String, Value>, form: &Form) -> Result<Self, Problem> {
        form.check_names::<Self>(&members)?;
        form.value(members, Self::INVALID)
    }
}

/// Implements `Input`: the problem for an invalid member, and whether the body is optional.
macro_rules! input {
    ($type:ty, $invalid:ident, $optional:literal) => {
        impl $crate::server::admin::input::Input for $type {
            const INVALID: ProblemKind = ProblemKind::$invalid;
            const OPTIONAL: bool = $optional;
        }
    };
}
pub(super) use input;

/// The empty query or body.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoMembers {}

input!(NoMembers, InvalidBody, true);

/// The query of a call whose response can contain secrets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevealQuery {
    #[serde(default)]
    reveal: Reveal,
}

input!(RevealQuery, InvalidReveal, false);

impl RevealQuery {
    pub(super) fn secrets(&self) -> Result<Secrets, Problem> {
        self.reveal.secrets(ProblemKind::InvalidReveal)
    }
}

/// Whether the response contains secrets: credentials, tokens, TANs and cookies. By default they are masked; in orders
/// (but not in their details), settings and faults only those in URLs.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Reveal(#[schemars(with = "bool")] Option<String>);

impl Reveal {
    pub(super) fn secrets(&self, invalid: ProblemKind) -> Result<Secrets, Problem> {
        match self.0.as_deref() {
            None | Some("false") => Ok(Secrets::Masked),
            Some("true") => Ok(Secrets::Revealed),
            Some(_) => Err(Problem::new(invalid, "reveal must be true or false")),
        }
    }
}

/// Reads an enum value from a string only. Without this, serde would also accept it as the only key of an object.
pub(super) fn word<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Option::<String>::deserialize(from)?.map(|word| T::deserialize(word.into_deserializer())).transpose()
}

/// Reads an optional member that must not be null.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// The names and examples in the schema of a query or a body.
pub(super) struct Form {
    is_query: bool,
    names: Vec<String>,
    example: String,
}

impl Form {
    /// Returns the form of a query. `has_world` adds the parameter `world`.
    pub(super) fn query<Q: Input>(has_world: bool) -> Self {
        let mut form = Self { is_query: true, ..Self::body::<Q>() };
        form.names.extend(has_world.then(|| "world".to_owned()));
        form
    }

    pub(super) fn body<B: Input>() -> Self {
        let schema = SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<B>();
        let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
        let example = examples.map(Value::to_string).collect::<Vec<_>>().join(" or ");
        let mut names = Vec::new();
        list_names(schema.as_value(), &mut names);
        Self { is_query: false, names, example }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    pub(super) fn read_query<Q: Input>(&self, query: &Pairs) -> Result<Q, Problem> {
        let mut members = Map::new();
        let refuse = |what: &str| Err(Problem::new(ProblemKind::InvalidQuery, self.detail(what)));
        for (at, (name, value)) in query.iter().enumerate() {
            let element = match (name.strip_prefix("header/"), name.strip_prefix("body")) {
                (Some(header), _) if self.has("headers") => Some(("headers", header)),
                (_, Some(pointer)) if pointer.starts_with('/') && self.has("body") => Some(("body", pointer)),
                _ => None,
            };
            let Some(value) = value else { return refuse("a parameter has no value") };
            if element.is_none() {
                self.check_name::<Q>(name)?;
            }
            if query.iter().take(at).any(|(other, _)| other == name) {
                return refuse("a parameter occurs twice");
            }
            match element {
                None if name == "world" => {}
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

    pub(super) fn read_body<B: Input>(&self, body: &[u8]) -> Result<B, Problem> {
        let refuse = |detail: String| Err(Problem::new(ProblemKind::InvalidBody, detail));
        if body.is_empty() {
            return match B::OPTIONAL {
                true => B::read(Map::new(), self),
                false if self.example.is_empty() => refuse(self.detail("the body is missing")),
                false => refuse(format!("send a body, e.g. {}", self.example)),
            };
        }
        if nesting::is_too_deep(body) {
            return refuse(format!("the body {}", nesting::MESSAGE));
        }
        // The reader of messages also takes an empty array or null for an object (AT-92).
        if !body.trim_ascii_start().starts_with(b"{") {
            return refuse(self.detail("the body must be an object"));
        }
        let members: Map<String, Value> = match json::read(body) {
            Ok(members) => members,
            Err(fault) => return refuse(self.detail(&format!("the body must be an object: {fault}"))),
        };
        if nesting::has_duplicate_name(body, &members) {
            return refuse(self.detail("there is an element twice"));
        }
        // The only other reason: a number would be returned with another value, e.g. one in a setting of any form.
        if json::read_input::<Map<String, Value>>(body).is_err() {
            let what = "a number has more digits than the sandbox keeps: write fewer digits, or a text";
            return refuse(self.detail(what));
        }
        B::read(members, self)
    }

    pub(super) fn check_names<I: Input>(&self, members: &Map<String, Value>) -> Result<(), Problem> {
        members.keys().try_for_each(|name| self.check_name::<I>(name))
    }

    fn check_name<I: Input>(&self, name: &str) -> Result<(), Problem> {
        if self.has(name) {
            return Ok(());
        }
        let kind = if self.is_query { ProblemKind::InvalidQuery } else { ProblemKind::InvalidBody };
        // A name in a body can be personal data and is never quoted. A parameter is quoted if it looks like one.
        let is_word = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
        };
        let what = match self.is_query && name.len() <= LONGEST_NAME && is_word(name) {
            true => format!("unknown {} `{name}`", self.noun()),
            false => format!("unknown {} of {} letters", self.noun(), name.chars().count()),
        };
        Err(Problem::new(I::UNKNOWN.unwrap_or(kind), self.detail(&what)))
    }

    /// Deserializes the members.
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

    /// Adds the valid names and an example to the description of an error.
    pub(super) fn detail(&self, what: &str) -> String {
        let written = |name: &String| match name.as_str() {
            "headers" if self.is_query => "header/NAME".to_owned(),
            "body" if self.is_query => "body/POINTER".to_owned(),
            name => name.to_owned(),
        };
        let names = match self.names.iter().map(written).collect::<Vec<_>>().join(", ") {
            names if names.is_empty() => format!("no {}s", self.noun()),
            names => format!("the {}s {names}", self.noun()),
        };
        let example = if self.example.is_empty() { String::new() } else { format!("; send {}", self.example) };
        format!("{what}; this call has {names}{example}")
    }

    fn noun(&self) -> &'static str {
        if self.is_query { "parameter" } else { "element" }
    }
}

/// Rejects a body with a masked secret: the mask would replace the secret.
pub(super) fn check_masks(members: &Map<String, Value>) -> Result<(), Problem> {
    let detail = "a value contains (masked), the placeholder of a secret; ?reveal=true returns secrets unmasked";
    match members.values().any(is_redacted) {
        true => Err(Problem::new(ProblemKind::MaskedSecret, detail)),
        false => Ok(()),
    }
}

/// Lists the names of a schema's members, including those of its alternatives.
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
