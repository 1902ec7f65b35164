//! A vendor's account: its settings by name, and its credentials.

use std::marker::PhantomData;

use identkit_core::Violation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Rejection, SavedError, VendorState, World};

/// Source of the rules for settings: no vendor's document.
const SOURCE: &str = "docs/sandbox-reference.md";

/// A validated change of a world.
pub type Change = Box<dyn FnOnce(&mut World)>;

/// A vendor's state that holds its account.
pub trait AccountState: VendorState + Default {
    /// How the account is set up.
    type Settings: Serialize + DeserializeOwned + Default + PartialEq + Send + 'static;

    /// Path of the API below the vendor's host.
    const BASE_PATH: &'static str;

    /// The settings.
    fn settings(&mut self) -> &mut Self::Settings;

    /// The public half of the credentials and the secret one, each with the name of its setting.
    fn credentials(settings: &mut Self::Settings) -> [(&'static str, &mut String); 2];

    /// Ids of all cases.
    fn cases(world: &mut World) -> Vec<String>;
}

/// A vendor's account in a world.
pub trait Account {
    /// Ids of all cases, however they were opened.
    fn cases(&self, world: &mut World) -> Vec<String>;

    /// The public half of the credentials and the secret one.
    fn credentials(&self, world: &mut World) -> [String; 2];

    /// Replaces both halves of the credentials.
    fn set_credentials(&self, world: &mut World, identity: &str, secret: &str);

    /// Credentials and base path, for the ready line.
    fn summary(&self, world: &mut World) -> Value;

    /// The settings by name.
    fn settings(&self, world: &mut World) -> Value;

    /// Validates changes of settings: all of them apply, or none.
    ///
    /// # Errors
    /// Each setting that cannot be set, and what would be valid.
    fn set_up(&self, world: &mut World, changes: &Map<String, Value>) -> Result<Change, Rejection>;
}

/// The account in the state `S`.
#[derive(Debug)]
pub struct AccountOf<S>(PhantomData<fn() -> S>);

impl<S> AccountOf<S> {
    /// The account.
    pub const NEW: Self = Self(PhantomData);
}

impl<S: AccountState> Account for AccountOf<S> {
    fn cases(&self, world: &mut World) -> Vec<String> {
        S::cases(world)
    }

    fn credentials(&self, world: &mut World) -> [String; 2] {
        S::credentials(world.state::<S>().settings()).map(|(_, text)| text.clone())
    }

    fn set_credentials(&self, world: &mut World, identity: &str, secret: &str) {
        let own = S::credentials(world.state::<S>().settings());
        own.into_iter().zip([identity, secret]).for_each(|((_, text), new)| new.clone_into(text));
    }

    fn summary(&self, world: &mut World) -> Value {
        let own = S::credentials(world.state::<S>().settings()).map(|(name, text)| (name, text.clone()));
        own.into_iter().chain([("base_path", S::BASE_PATH.to_owned())]).collect()
    }

    fn settings(&self, world: &mut World) -> Value {
        by_name(world.state::<S>().settings())
    }

    fn set_up(&self, world: &mut World, changes: &Map<String, Value>) -> Result<Change, Rejection> {
        let settings = changed(world.state::<S>().settings(), changes)?;
        Ok(Box::new(|world| *world.state::<S>().settings() = settings))
    }
}

fn by_name<S: Serialize>(settings: &S) -> Value {
    serde_json::to_value(settings).unwrap_or(Value::Null)
}

/// The settings with these changes. Each change is tried by itself, so that its violation has its name.
fn changed<S: Serialize + DeserializeOwned>(settings: &S, changes: &Map<String, Value>) -> Result<S, Rejection> {
    let Value::Object(mut all) = by_name(settings) else { return Err(Rejection::invalid(Vec::new())) };
    let names = || all.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let violation = |name: &String, message| Violation::new(name.clone(), message, "sandbox", SOURCE);
    let unknown = changes.keys().filter(|name| !all.contains_key(*name));
    let mut violations: Vec<_> =
        unknown.map(|name| violation(name, format!("is no setting of this vendor, which has {}", names()))).collect();
    for (name, value) in changes {
        let Some(before) = all.get(name).cloned() else { continue };
        all.insert(name.clone(), value.clone());
        if let Err(error) = S::deserialize(&Value::Object(all.clone())) {
            violations.push(violation(name, reason(&error.to_string())));
            all.insert(name.clone(), before);
        }
    }
    Rejection::invalid(violations).or_ok()?;
    S::deserialize(Value::Object(all)).map_err(|_| Rejection::invalid(Vec::new()))
}

/// All settings by name, for a saved world.
///
/// # Errors
/// If a setting was made in Rust with a value that its name does not say, or not to the letter.
pub fn save_settings<S>(settings: &S) -> Result<Value, SavedError>
where
    S: Serialize + DeserializeOwned + Default + PartialEq,
{
    let all = by_name(settings);
    let what = match changed(&S::default(), all.as_object().unwrap_or(&Map::new())) {
        Ok(same) if same == *settings => return Ok(all),
        Ok(_) => "a setting is finer than it is told: spans of time are whole seconds".to_owned(),
        Err(rejection) => {
            let names: Vec<&str> = rejection.violations.iter().map(|violation| &*violation.field).collect();
            format!("no saved form has the value of: {}", names.join(", "))
        }
    };
    Err(SavedError::not_saved(what))
}

/// Reads the settings of a saved world, which stand at this pointer; those that are missing have their defaults.
///
/// # Errors
/// The first one that cannot be set; one that is not known is `*`.
pub fn load_settings<S: Serialize + DeserializeOwned + Default>(saved: &Value, at: &str) -> Result<S, SavedError> {
    let Value::Object(named) = saved else { return Err(SavedError::damaged(at, "expected an object of settings")) };
    changed(&S::default(), named).map_err(|rejection| {
        let Some(violation) = rejection.violations.first() else {
            return SavedError::damaged(at, "expected settings that go together");
        };
        let known = by_name(&S::default()).get(&*violation.field).is_some();
        let name = if known { &*violation.field } else { "*" };
        SavedError::damaged(format!("{at}/{name}"), violation.message.clone())
    })
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
