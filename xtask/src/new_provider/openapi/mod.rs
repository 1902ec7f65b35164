//! Messages and operations from an OpenAPI 3 document in JSON, as a start to edit.
//!
//! Objects become `message!`, paths become `operation!`. What cannot be expressed is left out and named.

mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};

use words::{about, camel, plain, snake};

/// The source of a module, and the parts of the document that it does not contain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Generated {
    pub(super) source: String,
    pub(super) unsupported: Vec<String>,
}

/// Methods of a path item.
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// Names that the module imports or that the prelude has.
const TYPES: [&str; 26] = [
    "Advice",
    "AmbiguityPolicy",
    "BodyMode",
    "Box",
    "Content",
    "Default",
    "Dialect",
    "Encoded",
    "Err",
    "Error",
    "Fn",
    "Kind",
    "Loose",
    "Meta",
    "Method",
    "None",
    "Ok",
    "Option",
    "Pii",
    "Refusal",
    "RetrySafety",
    "Secret",
    "Self",
    "Some",
    "String",
    "Vec",
];

/// Generates the module from the text of a document.
pub(super) fn generate(text: &str) -> Result<Generated, String> {
    let document: Value = serde_json::from_str(text)
        .map_err(|error| format!("not valid JSON at line {}, column {}", error.line(), error.column()))?;
    let version = document.get("openapi").and_then(Value::as_str).unwrap_or_default();
    if !version.starts_with("3.") {
        return Err("not an OpenAPI 3 document: the member `openapi` must begin with `3.`".to_owned());
    }
    let mut module = Module { document: &document, ..Module::default() };
    module.reserve();
    for (name, schema) in members(document.pointer("/components/schemas")) {
        let type_name = module.schemas.get(name).cloned().unwrap_or_default();
        module.message(&type_name, schema, name);
    }
    for (path, item) in members(document.get("paths")) {
        module.path(path, item);
    }
    for (name, _) in members(document.pointer("/components/securitySchemes")) {
        module.leave_out(format!("security scheme {name}: the login is in auth.rs"));
    }
    if document.get("webhooks").is_some() {
        module.leave_out("webhooks: write a `Callback` for each, as in callback.rs".to_owned());
    }
    Ok(module.finish())
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

static NULL: Value = Value::Null;

struct Module<'a> {
    document: &'a Value,
    /// Type names of the schemas, by their names.
    schemas: BTreeMap<String, String>,
    /// Type names in use.
    names: BTreeSet<String>,
    messages: String,
    operations: String,
    unsupported: Vec<String>,
}

impl Default for Module<'_> {
    fn default() -> Self {
        Self {
            document: &NULL,
            schemas: BTreeMap::new(),
            names: TYPES.iter().map(|&name| name.to_owned()).collect(),
            messages: String::new(),
            operations: String::new(),
            unsupported: Vec::new(),
        }
    }
}

impl Module<'_> {
    /// Gives each schema that becomes a message its type name.
    fn reserve(&mut self) {
        for (name, schema) in members(self.document.pointer("/components/schemas")) {
            if is_object(schema) {
                let type_name = self.free(&camel(name));
                self.schemas.insert(name.clone(), type_name);
            }
        }
    }

    /// Returns a type name that is not in use.
    fn free(&mut self, wanted: &str) -> String {
        let mut name = if wanted.is_empty() { "Unnamed".to_owned() } else { wanted.to_owned() };
        while !self.names.insert(name.clone()) {
            name.push_str("Item");
        }
        name
    }

    fn leave_out(&mut self, what: String) {
        self.unsupported.push(what);
    }

    fn message(&mut self, type_name: &str, schema: &Value, place: &str) {
        if type_name.is_empty() {
            let combined = ["allOf", "oneOf", "anyOf"].into_iter().find(|key| schema.get(key).is_some());
            let why = combined.map_or("not an object with properties".to_owned(), |key| format!("`{key}`"));
            self.leave_out(format!("schema {place}: {why}"));
            return;
        }
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut fields = String::new();
        let mut known = BTreeSet::new();
        for (key, property) in members(schema.get("properties")) {
            let at = format!("{place}.{key}");
            let Some(form) = self.form(type_name, property, &at) else { continue };
            let mut field = snake(key);
            while !known.insert(field.clone()) {
                field.push('_');
            }
            let about = about(property).unwrap_or_else(|| format!("The element `{}`.", plain(key)));
            let needed = if required.contains(&key.as_str()) { " Required." } else { "" };
            let _ = writeln!(fields, "        /// {about}{needed}\n        {key:?} => {field}: {form},");
        }
        let about = about(schema).unwrap_or_else(|| format!("The object `{}`.", plain(place)));
        let _ = writeln!(
            self.messages,
            "\nmessage! {{\n    /// {about}\n    pub struct {type_name} {{\n{fields}    }}\n}}"
        );
    }

    /// Returns type and reader of a property.
    fn form(&mut self, owner: &str, property: &Value, at: &str) -> Option<String> {
        let loose = |name: &str| Some(format!("{name} as Loose<{name}>"));
        match self.kind(owner, property, at)? {
            Type::Text(name) => loose(name),
            Type::Bool => loose("bool"),
            Type::Plain(name) => Some(name),
        }
    }

    fn kind(&mut self, owner: &str, property: &Value, at: &str) -> Option<Type> {
        if let Some(name) = reference(property) {
            let known = self.schemas.get(name).cloned();
            return match known {
                Some(known) if known != owner && !self.reaches(name, owner, &mut BTreeSet::new()) => {
                    Some(Type::Plain(known))
                }
                Some(_) => {
                    self.leave_out(format!("{at}: recursive"));
                    None
                }
                None => {
                    // A reference to a text or a number.
                    let target = self.document.pointer("/components/schemas").and_then(|all| all.get(name)).cloned();
                    let simple = target.filter(|target| reference(target).is_none());
                    match simple {
                        Some(target) => self.kind(owner, &target, at),
                        None => {
                            self.leave_out(format!("{at}: the reference to {name} cannot be resolved"));
                            None
                        }
                    }
                }
            };
        }
        let types: Vec<&str> = match property.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).filter(|one| *one != "null").collect(),
            _ if property.get("const").or_else(|| property.get("enum")).is_some() => vec!["string"],
            _ => Vec::new(),
        };
        match types.as_slice() {
            ["string"] => Some(Type::Text(text_type(property, at))),
            ["boolean"] => Some(Type::Bool),
            ["integer"] => Some(Type::Plain("i64".to_owned())),
            ["number"] => Some(Type::Plain("f64".to_owned())),
            ["array"] => {
                let item = self.kind(owner, property.get("items").unwrap_or(&NULL), &format!("{at}[]"))?;
                Some(Type::Plain(format!("Vec<{}>", item.name())))
            }
            ["object"] if is_object(property) => {
                let wanted = camel(&at.replace("[]", "").replace('.', "_"));
                let name = self.free(&wanted);
                self.message(&name, property, at);
                Some(Type::Plain(name))
            }
            _ => {
                self.leave_out(format!("{at}: its type cannot be expressed; `extra` retains it"));
                None
            }
        }
    }

    /// Whether a schema contains the type `owner`, which would then contain itself.
    fn reaches(&self, from: &str, owner: &str, seen: &mut BTreeSet<String>) -> bool {
        if !seen.insert(from.to_owned()) {
            return false;
        }
        let schema = self.document.pointer("/components/schemas").and_then(|all| all.get(from));
        let Some(schema) = schema else { return false };
        let direct = members(schema.get("properties")).filter_map(|(_, property)| reference(property));
        direct
            .into_iter()
            .any(|next| self.schemas.get(next).is_some_and(|name| name == owner) || self.reaches(next, owner, seen))
    }

    fn path(&mut self, path: &str, item: &Value) {
        for (method, operation) in members(Some(item)).filter(|(key, _)| METHODS.contains(&key.as_str())) {
            self.operation(path, method, item, operation);
        }
        for (key, _) in members(Some(item)) {
            if matches!(key.as_str(), "head" | "options" | "trace" | "$ref") {
                self.leave_out(format!("{path}: `{key}`"));
            }
        }
    }

    fn operation(&mut self, path: &str, method: &str, item: &Value, operation: &Value) {
        let id =
            operation.get("operationId").and_then(Value::as_str).map_or_else(|| format!("{method} {path}"), Into::into);
        let mut params = Vec::new();
        for parameter in [item, operation].iter().filter_map(|of| of.get("parameters")?.as_array()).flatten() {
            let text = |key: &str| parameter.get(key).and_then(Value::as_str).unwrap_or_default();
            match (text("in"), text("name")) {
                ("path", name) if path.contains(&format!("/{{{name}}}")) => params.push(name.to_owned()),
                (place, name) => self.leave_out(format!("{id}: the parameter {name} in {place}")),
            }
        }
        let segments = || path.split('/').filter(|segment| segment.contains('{'));
        if segments().any(|segment| !params.iter().any(|name| *segment == format!("{{{name}}}"))) {
            self.leave_out(format!(
                "{id}: the path {path} has a parameter that is not declared or is a part of a segment"
            ));
            return;
        }
        params.sort();
        params.dedup();
        let body = match self.body(&id, operation.get("requestBody")) {
            Ok(body) => body,
            Err(why) => return self.leave_out(format!("{id}: {why}")),
        };
        let Some((status, output)) = self.output(&id, operation.get("responses").unwrap_or(&NULL)) else { return };
        for (name, _) in members(operation.get("callbacks")) {
            self.leave_out(format!("{id}: the callback {name}; write a `Callback`, as in callback.rs"));
        }
        let ids = self.ids(operation.get("responses").and_then(|all| all.get(status.to_string())));
        let name = self.free(&camel(&id));
        let refusals = self.refusals(&id, operation.get("responses").unwrap_or(&NULL));
        self.write_operation(
            &Operation { id, name, method, path, params, body, status, output, ids, refusals },
            operation,
        );
    }

    /// Returns the type of a JSON request body.
    fn body(&mut self, id: &str, body: Option<&Value>) -> Result<Option<String>, String> {
        let Some(body) = body else { return Ok(None) };
        let Some(schema) = json_schema(body) else {
            let kinds: Vec<_> = members(body.get("content")).map(|(kind, _)| kind.as_str()).collect();
            return Err(format!("its request body is {}, not JSON", kinds.join(", ")));
        };
        let typed = self.top(schema, &format!("{id}Request"));
        typed.map(Some).ok_or_else(|| "its request body is not an object".to_owned())
    }

    /// Returns the type of a schema at the top of a body.
    fn top(&mut self, schema: &Value, name: &str) -> Option<String> {
        if let Some(known) = reference(schema).and_then(|name| self.schemas.get(name)) {
            return Some(known.clone());
        }
        if !is_object(schema) {
            return None;
        }
        let type_name = self.free(&camel(name));
        self.message(&type_name, schema, name);
        Some(type_name)
    }

    /// Returns the status and the output of the success.
    fn output(&mut self, id: &str, responses: &Value) -> Option<(u16, Output)> {
        let success = members(Some(responses)).find_map(|(status, response)| {
            status.parse::<u16>().ok().filter(|status| (200..300).contains(status)).map(|status| (status, response))
        });
        let Some((status, response)) = success else {
            self.leave_out(format!("{id}: no response with a status from 200 to 299"));
            return None;
        };
        let content = response.get("content").and_then(Value::as_object).filter(|content| !content.is_empty());
        if content.is_none() {
            return Some((status, Output::Nothing));
        }
        match json_schema(response) {
            None => Some((status, Output::File)),
            Some(schema) => match self.top(schema, &format!("{id}Response")) {
                Some(name) => Some((status, Output::Json(name))),
                None => {
                    self.leave_out(format!("{id}: its response is not an object"));
                    None
                }
            },
        }
    }

    /// Returns the names of the ids in a response: they prove that a call created something.
    fn ids(&self, response: Option<&Value>) -> Vec<String> {
        let Some(schema) = response.and_then(json_schema) else { return Vec::new() };
        let all = self.document.pointer("/components/schemas");
        let target = reference(schema).and_then(|name| all?.get(name)).unwrap_or(schema);
        let keys = members(target.get("properties")).map(|(key, _)| key);
        keys.filter(|key| key.to_lowercase().ends_with("id")).cloned().collect()
    }

    fn refusals(&mut self, id: &str, responses: &Value) -> String {
        let mut text = String::new();
        for (status, response) in members(Some(responses)) {
            let (kind, advice) = match status.as_str() {
                "400" | "422" => ("Rejected", "FixInput"),
                "401" => ("Authentication", "CheckCredentials"),
                "403" => ("Forbidden", "DoNotRetry"),
                "404" | "410" => ("NotFound", "DoNotRetry"),
                "409" => ("Conflict", "DoNotRetry"),
                "429" => ("RateLimited", "RetryLater"),
                success if success.starts_with('2') => continue,
                other => {
                    self.leave_out(format!("{id}: the status {other}"));
                    continue;
                }
            };
            let about = response.get("description").and_then(Value::as_str).map(plain).unwrap_or_default();
            let about = if about.is_empty() { format!("the vendor answered with {status}") } else { about };
            let _ = write!(text, "Refusal::new({status}, Kind::{kind}, {about:?}, Advice::{advice}), ");
        }
        text
    }

    fn write_operation(&mut self, of: &Operation<'_>, operation: &Value) {
        let Operation { id, name, method, path, params, body, status, output, ids, refusals } = of;
        let (safety, ambiguity) = match *method {
            "get" => ("Safe", "Retry(4)"),
            // The strictest: relax it where the document says that a repeat is harmless.
            "put" | "delete" => ("IdempotentByEffect", "Never"),
            _ => ("Creating", "Never"),
        };
        let about = about(operation).unwrap_or_else(|| format!("The call `{}`.", plain(id)));
        let mode = match output {
            Output::File => "\n    .body_mode(BodyMode::Stream { cap: 256 * 1024 * 1024 })",
            Output::Nothing => "\n    .answer(Answer::Empty)",
            Output::Json(_) => "",
        };
        let proof = match (safety, ids.as_slice()) {
            ("Creating", [_, ..]) => format!("\n    .ids(&{ids:?})"),
            _ => String::new(),
        };
        let method = method.to_uppercase();
        let meta = format!(
            "meta: Meta::new(crate::PROVIDER, {id:?}, Method::{method}, {path:?}, RetrySafety::{safety}, AmbiguityPolicy::{ambiguity})\n    .section({id:?})\n    .expect(&[{status}]){mode}{proof}\n    .refusals(&[{refusals}]),"
        );
        let (kind, decode) = match output {
            Output::Json(name) => (name.as_str(), ""),
            Output::Nothing => ("()", "    decode: |_, _, _, _| Ok(().into()),\n"),
            Output::File => ("Content", "    decode: |_, _, body, _| Ok(body.into_content().1.into()),\n"),
        };
        let tail = format!("    {meta}\n    output: {kind}, dialect: Dialect,\n");
        let fields: Vec<(String, &String)> = params.iter().map(|key| (snake(key), key)).collect();
        let _ = match (body, fields.is_empty()) {
            (None, true) => {
                writeln!(self.operations, "\noperation! {{\n    /// {about}\n    pub struct {name};\n{tail}{decode}}}")
            }
            (None, false) => {
                let fields: String = fields
                    .iter()
                    .map(|(field, key)| format!("        /// The element `{}`.\n        {key:?} => {field}: Secret as (Secret::expose, Secret::new),\n", plain(key)))
                    .collect();
                writeln!(
                    self.operations,
                    "\noperation! {{\n    /// {about}\n    pub struct {name} {{\n{fields}    }}\n{tail}{decode}}}"
                )
            }
            (Some(body), _) => {
                let parts: String = fields
                    .iter()
                    .map(|(field, key)| format!("    /// The element `{}`.\n    pub {field}: Secret,\n", plain(key)))
                    .collect();
                let arguments: String = fields.iter().map(|(field, _)| format!("{field}: Secret, ")).collect();
                let names: String = fields.iter().map(|(field, _)| format!("{field}, ")).collect();
                let pairs: String =
                    fields.iter().map(|(field, key)| format!("({key:?}, this.{field}.expose()), ")).collect();
                let list =
                    if fields.is_empty() { String::new() } else { format!("    params: |this| vec![{pairs}],\n") };
                writeln!(
                    self.operations,
                    "\n/// {about}\n#[non_exhaustive]\n#[derive(Clone, Debug, PartialEq)]\npub struct {name} {{\n{parts}    /// The body.\n    pub body: {body},\n}}\n\nimpl {name} {{\n    /// Creates the call.\n    pub fn new({arguments}body: {body}) -> Self {{\n        Self {{ {names}body }}\n    }}\n}}\n\noperation! {{\n    impl {name};\n{tail}{list}    encode: |this, _| Encoded::json(&this.body),\n{decode}}}"
                )
            }
        };
    }

    fn finish(self) -> Generated {
        let code = format!("{}{}", self.messages, self.operations);
        let used = |name: &str| code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
        let pick = |names: &[&'static str]| -> String {
            names.iter().filter(|name| used(name)).copied().collect::<Vec<_>>().join(", ")
        };
        let mut source = String::from(
            "//! Messages and operations from the vendor's OpenAPI document, as a start to edit.\n//!\n//! Each text is taken for personal data, and each id, URL and token for a secret. Check the send-safety of each\n//! operation, and what decides a result: it must be there, or decoding fails.\n\n",
        );
        let wire = [
            "AmbiguityPolicy",
            "Answer",
            "BodyMode",
            "Encoded",
            "Loose",
            "Meta",
            "Refusal",
            "RetrySafety",
            "message",
            "operation",
        ];
        for (path, names) in [
            ("http", &["Method"][..]),
            ("identkit_core", &["Advice", "Content", "Kind", "Pii", "Secret"]),
            ("identkit_wire", &wire),
            ("crate", &["Dialect"]),
        ] {
            let names = pick(names);
            if !names.is_empty() {
                let blank = if path == "crate" { "\n" } else { "" };
                let _ = writeln!(source, "{blank}use {path}::{{{names}}};");
            }
        }
        Generated { source: source + &code, unsupported: self.unsupported }
    }
}

/// An operation to write.
struct Operation<'a> {
    id: String,
    name: String,
    method: &'a str,
    path: &'a str,
    params: Vec<String>,
    /// Type of the request body.
    body: Option<String>,
    status: u16,
    output: Output,
    /// Names of the elements of the response that are ids.
    ids: Vec<String>,
    refusals: String,
}

enum Output {
    Json(String),
    Nothing,
    File,
}

enum Type {
    Text(&'static str),
    Bool,
    Plain(String),
}

impl Type {
    fn name(&self) -> &str {
        match self {
            Self::Text(name) => name,
            Self::Bool => "bool",
            Self::Plain(name) => name,
        }
    }
}

/// The type of a text: a secret if its form or name says so, or a documented word; otherwise personal data.
fn text_type(property: &Value, at: &str) -> &'static str {
    let format = property.get("format").and_then(Value::as_str).unwrap_or_default();
    let name = at.rsplit('.').next().unwrap_or_default().to_lowercase();
    let secret = ["token", "secret", "password", "key"].iter().any(|word| name.contains(word));
    if matches!(format, "uri" | "url" | "uuid" | "password") || secret {
        "Secret"
    } else if property.get("const").or_else(|| property.get("enum")).is_some() {
        "String"
    } else {
        "Pii<String>"
    }
}

fn is_object(schema: &Value) -> bool {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .is_some_and(|properties: &Map<String, Value>| !properties.is_empty())
        && ["allOf", "oneOf", "anyOf"].iter().all(|key| schema.get(key).is_none())
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")
}

fn json_schema(body: &Value) -> Option<&Value> {
    let content = members(body.get("content")).find(|(kind, _)| kind.split(';').next() == Some("application/json"));
    content?.1.get("schema")
}
