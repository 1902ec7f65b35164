//! Settings by their names, for whoever sets an account up from outside (the admin API): what cannot be set is refused
//! with the name of the setting and what it takes, all of it at once.

use identkit_core::Violation;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::SavedError;
use crate::vendor::Refused;

/// What is said to be the source of these rules: no vendor's document.
const SOURCE: &str = "docs/sandbox-reference.md";

/// All settings by their names.
pub(super) fn told<S: Serialize>(settings: &S) -> Value {
    serde_json::to_value(settings).unwrap_or(Value::Null)
}

/// The settings with these changes.
pub(super) fn changed<S: Serialize + DeserializeOwned>(
    settings: &S,
    changes: &Map<String, Value>,
) -> Result<S, Refused> {
    let Value::Object(mut all) = told(settings) else { return Err(refused(Vec::new())) };
    let names = || all.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let mut faults = Vec::new();
    for name in changes.keys().filter(|name| !all.contains_key(*name)) {
        let told = format!("is no setting of this vendor, which has {}", names());
        faults.push(Violation::new(name.clone(), told, "sandbox", SOURCE));
    }
    for (name, value) in changes {
        let Some(before) = all.get(name).cloned() else { continue };
        all.insert(name.clone(), value.clone());
        // Each by itself, so that whatever is wrong with it is told under its name.
        if let Err(error) = S::deserialize(&Value::Object(all.clone())) {
            faults.push(Violation::new(name.clone(), reason(&error.to_string()), "sandbox", SOURCE));
            all.insert(name.clone(), before);
        }
    }
    match faults.is_empty() {
        true => S::deserialize(Value::Object(all)).map_err(|_| refused(Vec::new())),
        false => Err(refused(faults)),
    }
}

/// All settings by their names, for a saved world.
///
/// # Errors
/// When a setting was made in Rust with a value that its name does not say, or not to the letter.
pub(super) fn saved<S>(settings: &S) -> Result<Value, SavedError>
where
    S: Serialize + DeserializeOwned + Default + PartialEq,
{
    let all = told(settings);
    let names =
        |faults: &[Violation]| faults.iter().map(|fault| fault.field.to_string()).collect::<Vec<_>>().join(", ");
    match restored::<S>(&all) {
        Ok(same) if same == *settings => Ok(all),
        Ok(_) => Err(SavedError::not_saved("a setting is finer than it is told: spans of time are whole seconds")),
        Err(refused) => {
            Err(SavedError::not_saved(format!("no saved form has the value of: {}", names(&refused.violations))))
        }
    }
}

/// The settings of a saved world; those that are not named have their defaults.
///
/// # Errors
/// What cannot be set, by name.
pub(super) fn restored<S: Serialize + DeserializeOwned + Default>(saved: &Value) -> Result<S, Refused> {
    match saved {
        Value::Object(named) => changed(&S::default(), named),
        _ => Err(Refused::new(400, Violation::new("", "expected an object of settings", "sandbox", SOURCE))),
    }
}

/// Reads the settings of a saved world, which stand at this pointer.
///
/// # Errors
/// The first one that cannot be set; one that is not known is `*`.
pub(super) fn load<S: Serialize + DeserializeOwned + Default>(saved: &Value, at: &str) -> Result<S, SavedError> {
    restored::<S>(saved).map_err(|refused| {
        let Some(fault) = refused.violations.first() else {
            return SavedError::damaged(at, "expected settings that go together");
        };
        let known = told(&S::default()).get(&*fault.field).is_some();
        let step = if fault.field.is_empty() || known { fault.field.to_string() } else { "*".to_owned() };
        SavedError::damaged(if step.is_empty() { at.to_owned() } else { format!("{at}/{step}") }, fault.message.clone())
    })
}

fn refused(faults: Vec<Violation>) -> Refused {
    Refused { status: 400, violations: faults }
}

/// What would be right, without the value that was wrong: serde tells it after the last `expected`.
fn reason(error: &str) -> String {
    match error.rsplit_once("expected ") {
        Some((_, right)) => match right {
            "u16" | "u32" | "i64" => "must be a whole number, and not negative".to_owned(),
            "a sequence" => "must be a list".to_owned(),
            "a map" => "must be an object".to_owned(),
            right => format!("must be {}", right.replace("struct ", "an object: ")),
        },
        None if error.starts_with("missing field") => format!("is incomplete: {error}"),
        None => "cannot be read".to_owned(),
    }
}

/// A span of time, in whole seconds.
pub(super) mod seconds {
    use jiff::SignedDuration;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in crate::vendors) fn serialize<S: Serializer>(span: &SignedDuration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(span.as_secs())
    }

    pub(in crate::vendors) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SignedDuration, D::Error> {
        let told =
            u32::deserialize(from).map_err(|_| serde::de::Error::custom("expected a number of whole seconds"))?;
        Ok(SignedDuration::from_secs(told.into()))
    }
}

/// The status of a refusal.
pub(super) fn refusal<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let told = u16::deserialize(from).ok().filter(|status| (400..=599).contains(status));
    told.ok_or_else(|| serde::de::Error::custom("expected a status from 400 to 599"))
}

/// The status of a failure, if there is one.
#[cfg(feature = "identify24")]
pub(super) fn failure<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    match Option::<u16>::deserialize(from) {
        Ok(told) if told.is_none_or(|status| (500..=599).contains(&status)) => Ok(told),
        _ => Err(serde::de::Error::custom("expected a status from 500 to 599, or null")),
    }
}

/// A number that is not 0.
pub(super) fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let told = u32::deserialize(from).ok().filter(|number| *number > 0);
    told.ok_or_else(|| serde::de::Error::custom("expected a whole number, 1 or more"))
}

/// A text that is not empty.
pub(super) fn some<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let told = String::deserialize(from).ok().filter(|text| !text.is_empty());
    told.ok_or_else(|| serde::de::Error::custom("expected a text that is not empty"))
}

/// A user name of HTTP Basic authentication: the first colon ends it (RFC 7617, section 2).
#[cfg(feature = "identity-tm")]
pub(super) fn user<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let told = String::deserialize(from).ok().filter(|text| !text.is_empty() && !text.contains(':'));
    told.ok_or_else(|| serde::de::Error::custom("expected a text that is not empty and has no colon"))
}

/// What a header can carry to the letter: its reader takes blanks away at both ends (RFC 9110, section 5.5).
#[cfg(feature = "identify24")]
pub(super) fn in_header<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let fits = |text: &String| {
        !text.is_empty() && text.trim() == *text && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    };
    let right = "expected a text of printable ASCII that is not empty and has no blank at its ends";
    String::deserialize(from).ok().filter(fits).ok_or_else(|| serde::de::Error::custom(right))
}

/// A span of time that is not 0, in whole seconds.
#[cfg(feature = "identify24")]
pub(super) fn some_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<jiff::SignedDuration, D::Error> {
    let told = positive(from).map_err(|_| serde::de::Error::custom("expected a number of whole seconds, 1 or more"))?;
    Ok(jiff::SignedDuration::from_secs(told.into()))
}
