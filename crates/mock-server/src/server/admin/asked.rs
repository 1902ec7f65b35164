//! What is asked of the admin API.

use bytes::Bytes;
use http::Request;
use identkit_wire::json;
use serde_json::{Map, Value};

use super::Problem;
use crate::journal::{Secrets, is_redacted};
use crate::{Sandbox, Worlds, nesting};

/// A request to the admin API.
pub(super) struct Asked<'a> {
    pub(super) worlds: &'a Worlds,
    pub(super) request: &'a Request<Bytes>,
    /// All parameters of the query, each once.
    pub(super) query: Vec<(String, String)>,
    /// What stands in the path for `{id}`.
    pub(super) id: String,
    /// The world that it is about, which need not exist.
    pub(super) world: String,
}

impl Asked<'_> {
    /// The world.
    pub(super) fn sandbox(&self) -> Result<Sandbox, Problem> {
        self.worlds.get(&self.world).ok_or_else(|| Problem::no_world(&self.worlds.ids()))
    }

    /// The value of a parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        self.query.iter().find(|(named, _)| named == name).map(|(_, value)| value.clone())
    }

    /// Whether secrets are to be told.
    pub(super) fn secrets(&self) -> Result<Secrets, Problem> {
        match self.query("reveal").as_deref() {
            None | Some("false") => Ok(Secrets::Masked),
            Some("true") => Ok(Secrets::Revealed),
            Some(_) => Err(Problem::new(400, "secrets or not", "reveal is true or false", "admin-reveal")),
        }
    }

    /// As [`object`](Self::object), of something that is kept as it is sent: what was told masked would be kept so.
    pub(super) fn whole(&self, example: &str) -> Result<Map<String, Value>, Problem> {
        let object = self.object(example)?;
        match object.values().any(is_redacted) {
            false => Ok(object),
            true => {
                let detail =
                    "there is a text with (masked) in it, which stands for a secret; ?reveal=true tells it whole";
                Err(Problem::new(400, "a secret that is masked", detail, "admin-reveal"))
            }
        }
    }

    /// The text that an [`optional`](Self::optional) body may hold, if it is there.
    pub(super) fn optional_text(
        &self,
        name: &str,
        example: &str,
        rule: &'static str,
    ) -> Result<Option<String>, Problem> {
        match self.optional(example)?.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => {
                let told = format!("{name} is a text; send {example}");
                Err(Problem::new(400, "the body cannot be read", told, rule))
            }
        }
    }

    /// As [`object`](Self::object), where an empty body is an empty object.
    pub(super) fn optional(&self, example: &str) -> Result<Map<String, Value>, Problem> {
        match self.request.body().is_empty() {
            true => Ok(Map::new()),
            false => self.object(example),
        }
    }

    /// The body, an object.
    pub(super) fn object(&self, example: &str) -> Result<Map<String, Value>, Problem> {
        let refuse = |detail| Problem::new(400, "the body cannot be read", detail, "admin-body");
        if self.request.body().is_empty() {
            return Err(refuse(format!("send a body, e.g. {example}")));
        }
        if nesting::is_too_deep(self.request.body()) {
            return Err(refuse(format!("it {}", nesting::MESSAGE)));
        }
        json::read(self.request.body()).map_err(|fault| refuse(format!("send {example}: {fault}")))
    }
}
