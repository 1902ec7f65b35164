//! The accounts of a sandbox and how they are set up.

use identkit_core::Violation;
use serde_json::{Map, Value};

use super::Sandbox;
use crate::journal::What;
use crate::rejection::Rejection;

impl Sandbox {
    /// The accounts by vendor, as the ready line of `identkit sandbox` tells them.
    pub fn accounts(&self) -> Vec<(&'static str, Value)> {
        let mut world = self.runner.world();
        let vendors = self.runner.plan.vendors.iter();
        vendors.filter_map(|vendor| Some((vendor.name(), vendor.account()?.summary(&mut world)))).collect()
    }

    /// How the accounts are set up: their settings by name, under the vendors' names as the ready line writes them.
    pub fn settings(&self) -> Value {
        let mut world = self.runner.world();
        let vendors = self.runner.plan.vendors.iter();
        vendors.filter_map(|vendor| Some((in_json(vendor.name()), vendor.account()?.settings(&mut world)))).collect()
    }

    /// Sets accounts up, each as the object under its vendor's name says. Nothing is changed when anything cannot be.
    ///
    /// # Errors
    /// All that cannot be set, and what would be valid.
    pub fn set_up(&self, wanted: &Map<String, Value>) -> Result<(), Rejection> {
        const SOURCE: &str = "docs/sandbox-reference.md";
        let vendors = &self.runner.plan.vendors;
        self.with_world(|world| {
            let (mut changes, mut faults) = (Vec::new(), Vec::new());
            for (name, settings) in wanted {
                let Some(vendor) = vendors.iter().find(|vendor| in_json(vendor.name()) == *name) else {
                    let known = vendors.iter().map(|vendor| in_json(vendor.name())).collect::<Vec<_>>().join(", ");
                    let message = format!("is no vendor of this sandbox, which has {known}");
                    faults.push(Violation::new(name.clone(), message, "sandbox", SOURCE));
                    continue;
                };
                let Value::Object(settings) = settings else {
                    faults.push(Violation::new(name.clone(), "must be an object of settings", "sandbox", SOURCE));
                    continue;
                };
                let no_settings = || Rejection::by_sandbox(400, vendor.name(), "has no settings", "docs/sandbox.md");
                match vendor.account().ok_or_else(no_settings).and_then(|account| account.set_up(world, settings)) {
                    Ok(change) => changes.push(change),
                    Err(refused) => faults.extend(refused.violations.into_iter().map(|mut fault| {
                        fault.field = format!("{name}.{}", fault.field).into();
                        fault
                    })),
                }
            }
            if !faults.is_empty() {
                return Err(Rejection::invalid(faults));
            }
            changes.into_iter().for_each(|change| change(world));
            // The names only: among the values are secrets.
            let names = wanted.iter().flat_map(|(vendor, settings)| {
                settings.as_object().into_iter().flatten().map(move |(name, _)| format!("{vendor}.{name}"))
            });
            let how = names.collect::<Vec<_>>().join(", ");
            if !how.is_empty() {
                world.note(What::Changed { what: "settings", how });
            }
            Ok(())
        })
    }
}

/// A vendor's name as a key of JSON.
pub(crate) fn in_json(name: &str) -> String {
    name.replace('-', "_")
}
