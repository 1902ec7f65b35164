//! What a request may name. A parameter or an element that is misspelt would be passed over, and another world be meant,
//! or all orders in place of one; so whatever is not known is refused, and so is what is named twice.

use std::collections::HashSet;
use std::fmt;

use identkit_wire::json;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Problem, decoded};

/// The names that a query or the object of a body may have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Names {
    /// No others than these.
    These(&'static [&'static str]),
    /// Whoever reads them knows.
    Judged,
}

impl Names {
    /// The parameters of a query, decoded.
    pub(super) fn of_query(self, query: &str) -> Result<Vec<(String, String)>, Problem> {
        let refuse = |what: &str| {
            let detail = self.told("parameter", what);
            Err(Problem::new(400, "the query cannot be read", detail, "admin-query"))
        };
        let text = |part: &str| decoded(&part.replace('+', " "));
        let mut read: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value)));
            let name = text(name);
            if self.lacks(&name) {
                return refuse("there is a parameter that is not known");
            }
            let Some(value) = value else { return refuse("there is a parameter without a value") };
            if read.iter().any(|(known, _)| *known == name) {
                return refuse("there is a parameter twice");
            }
            read.push((name, text(value)));
        }
        Ok(read)
    }

    /// Looks at the names of a body, if it is an object. Whether it has to be one is judged where it is read, but for a
    /// call that reads none.
    pub(super) fn check_body(self, body: &[u8]) -> Result<(), Problem> {
        let refuse = |what: &str| {
            let detail = self.told("element", what);
            Err(Problem::new(400, "the body cannot be read", detail, "admin-body"))
        };
        if body.is_empty() {
            return Ok(());
        }
        match json::read::<Map<String, Value>>(body) {
            Ok(object) if object.keys().any(|name| self.lacks(name)) => {
                return refuse("there is an element that is not known");
            }
            Ok(_) => {}
            Err(_) if matches!(self, Self::These([])) => return refuse("the body is no empty object"),
            Err(_) => return Ok(()),
        }
        match json::read::<Once>(body) {
            Ok(_) => Ok(()),
            Err(_) => refuse("there is an element twice"),
        }
    }

    fn lacks(self, name: &str) -> bool {
        matches!(self, Self::These(known) if !known.contains(&name))
    }

    /// What is wrong, without the name itself, which may be anything, and what there is.
    fn told(self, kind: &str, what: &str) -> String {
        match self {
            Self::These([]) => format!("{what}; this call has no {kind}s"),
            Self::These(known) => format!("{what}; this call has the {kind}s {}", known.join(", ")),
            Self::Judged => what.to_owned(),
        }
    }
}

/// A JSON text in which no object has a name twice.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Once)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects with each name once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = object.next_key::<String>()? {
            object.next_value::<Self>()?;
            if !names.insert(name) {
                return Err(A::Error::custom("a name twice"));
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}
