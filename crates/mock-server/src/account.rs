//! A vendor's account: its settings by name, and its credentials.

use std::marker::PhantomData;

use identkit_core::Violation;
use identkit_wire::json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::readers::requirement;
use crate::world::error::read;
use crate::{CaseOrder, Rejection, SavedError, VendorState, World};

/// Source that violations of settings name: the sandbox's own documentation.
const SOURCE: &str = "docs/sandbox-reference.md";

/// A validated change of a world.
pub type Change = Box<dyn FnOnce(&mut World)>;

/// A vendor's state that holds its account.
pub trait AccountState: VendorState + Default {
    /// The account's settings.
    type Settings: Serialize + DeserializeOwned + Default + PartialEq + Send + 'static;

    /// Path of the API below the vendor's host.
    const BASE_PATH: &'static str;

    /// Returns the settings.
    fn settings(&mut self) -> &mut Self::Settings;

    /// Returns the public and the secret half of the credentials, each with the name of its setting.
    fn credentials(settings: &mut Self::Settings) -> [(&'static str, &mut String); 2];

    /// Returns the ids of all cases.
    fn cases(world: &mut World) -> Vec<String>;

    /// Returns the cases in the order of creation, without the examples.
    fn created(world: &mut World) -> &CaseOrder;
}

/// A vendor's account in a world.
pub trait Account {
    /// Returns the ids of all cases, including the examples.
    fn cases(&self, world: &mut World) -> Vec<String>;

    /// Returns the ids of the cases in the order of creation, without the examples.
    fn created(&self, world: &mut World) -> Vec<String>;

    /// Returns the public and the secret half of the credentials.
    fn credentials(&self, world: &mut World) -> [String; 2];

    /// Replaces both halves of the credentials.
    fn set_credentials(&self, world: &mut World, identity: &str, secret: &str);

    /// Returns credentials and base path, for the ready line.
    fn summary(&self, world: &mut World) -> Value;

    /// Returns the settings by name.
    fn settings(&self, world: &mut World) -> Value;

    /// Validates changes of settings. Either all of them apply, or none.
    ///
    /// # Errors
    /// Names each setting that is unknown or has an invalid value, and what is valid.
    fn set_up(&self, world: &mut World, changes: &Map<String, Value>) -> Result<Change, Rejection>;
}

/// The [`Account`] that a vendor stores in its state `S`.
#[derive(Debug)]
pub struct AccountOf<S>(PhantomData<fn() -> S>);

impl<S> AccountOf<S> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

impl<S: AccountState> Account for AccountOf<S> {
    fn cases(&self, world: &mut World) -> Vec<String> {
        S::cases(world)
    }

    fn created(&self, world: &mut World) -> Vec<String> {
        S::created(world).ids().map(str::to_owned).collect()
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

/// Returns the settings with these changes. Each change is deserialized separately, so that a violation names its setting.
fn changed<S: Serialize + DeserializeOwned>(settings: &S, changes: &Map<String, Value>) -> Result<S, Rejection> {
    let Value::Object(mut all) = by_name(settings) else { return Err(Rejection::invalid(Vec::new())) };
    let names = || all.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let violation = |name: &String, message| Violation::new(name.clone(), message, "sandbox", SOURCE);
    let unknown = changes.keys().filter(|name| !all.contains_key(*name));
    let mut violations: Vec<_> = unknown
        .map(|name| violation(name, format!("is not a setting of this vendor; valid settings: {}", names())))
        .collect();
    for (name, value) in changes {
        let Some(before) = all.get(name).cloned() else { continue };
        all.insert(name.clone(), value.clone());
        if let Err(fault) = json::from_value::<S>(&Value::Object(all.clone())) {
            violations.push(violation(name, requirement(&fault)));
            all.insert(name.clone(), before);
        }
    }
    Rejection::invalid(violations).or_ok()?;
    json::from_value(&Value::Object(all)).map_err(|_| Rejection::invalid(Vec::new()))
}

/// Returns all settings by name, for a saved world.
///
/// # Errors
/// If a setting that was changed in Rust has a value that JSON cannot represent exactly.
pub fn save_settings<S>(settings: &S) -> Result<Value, SavedError>
where
    S: Serialize + DeserializeOwned + Default + PartialEq,
{
    let all = by_name(settings);
    let what = match changed(&S::default(), all.as_object().unwrap_or(&Map::new())) {
        Ok(same) if same == *settings => return Ok(all),
        Ok(_) => "a setting has a fraction of a second; only whole seconds can be saved".to_owned(),
        Err(rejection) => {
            let names: Vec<&str> = rejection.violations.iter().map(|violation| &*violation.field).collect();
            format!("these settings have values that cannot be saved: {}", names.join(", "))
        }
    };
    Err(SavedError::not_saved(what))
}

/// Reads the settings of a saved world. `at` is their JSON pointer; missing settings have their defaults.
///
/// # Errors
/// The pointer of the first invalid setting. Its last segment is `*` if the setting is unknown.
pub fn load_settings<S: Serialize + DeserializeOwned + Default>(saved: &Value, at: &str) -> Result<S, SavedError> {
    let Value::Object(named) = saved else { return Err(SavedError::damaged(at, "expected an object of settings")) };
    let Value::Object(mut all) = by_name(&S::default()) else { return read(saved) };
    if named.keys().any(|name| !all.contains_key(name)) {
        let known = all.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(SavedError::damaged(format!("{at}/*"), format!("unknown field; allowed: {known}")));
    }
    all.extend(named.clone());
    read(&Value::Object(all)).map_err(|error| error.below(at))
}
