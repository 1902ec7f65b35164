//! What goes wrong with calls of a sandbox, on purpose.

use identkit_core::Violation;

use super::Sandbox;
use crate::faults::{Fault, InjectedRule, Rule, names};
use crate::journal::What;
use crate::vendor::{MockVendor, Refused};

impl Sandbox {
    /// Lets something go wrong: a fault with the next call, or a rule.
    ///
    /// # Errors
    /// A rule that no call can ever meet, with what there is.
    pub fn inject(&self, rule: impl Into<Rule>) -> Result<InjectedRule, Refused> {
        let rule = rule.into();
        can_strike(&rule, &self.runner.plan.vendors)?;
        self.with_world(|world| {
            if world.faults.is_full() {
                let message = "has a thousand rules already; take some away";
                return Err(Refused::new(409, Violation::new("faults", message, "sandbox", "docs/sandbox-control.md")));
            }
            let injected = world.faults.add(rule);
            world.note(What::Changed { what: "faults", how: format!("{} injected", injected.rule.fault.name()) });
            Ok(injected)
        })
    }

    /// The rules, oldest first; those that are used up too.
    pub fn faults(&self) -> Vec<InjectedRule> {
        self.runner.world().faults.rules().to_vec()
    }

    /// Takes a rule away, and says whether it was there.
    pub fn clear_fault(&self, id: u64) -> bool {
        self.with_world(|world| {
            let found = world.faults.remove(id);
            if found {
                world.note(What::Changed { what: "faults", how: "one taken away".to_owned() });
            }
            found
        })
    }

    /// Takes all rules away.
    pub fn clear_faults(&self) {
        self.with_world(|world| {
            world.faults.clear();
            world.note(What::Changed { what: "faults", how: "all taken away".to_owned() });
        });
    }

    /// Whether this request, of which the body was not read, is to be broken off now.
    #[cfg(feature = "server")]
    pub(crate) fn interrupts(&self, request: &http::Request<bytes::Bytes>) -> bool {
        let runner = &self.runner;
        let vendor = runner.plan.owner_of(request.uri().path());
        let struck = {
            let mut world = runner.world();
            if world.faults.rules().is_empty() {
                return false;
            }
            let operation = vendor.and_then(|vendor| vendor.operation(&world, request)).map(|meta| meta.name);
            let struck = world.faults.interrupt(vendor.map(MockVendor::name), operation);
            if struck {
                world.take_concerned();
                self.note(&mut world, vendor, request, None, Some("reset-in-commit"));
            }
            struck
        };
        if struck {
            runner.settle();
        }
        struck
    }
}

/// Whether a rule can ever strike at these vendors.
///
/// # Errors
/// Why not, and what there is.
fn can_strike(rule: &Rule, vendors: &[Box<dyn MockVendor>]) -> Result<(), Refused> {
    let refuse = |field: &'static str, message: String| {
        Err(Refused::new(400, Violation::new(field, message, "sandbox", "docs/sandbox-control.md")))
    };
    let concerned: Vec<_> =
        vendors.iter().filter(|vendor| rule.vendor.as_deref().is_none_or(|name| name == vendor.name())).collect();
    if concerned.is_empty() {
        let there = vendors.iter().map(|vendor| vendor.name()).collect::<Vec<_>>().join(", ");
        return refuse("vendor", format!("is no vendor of this sandbox, which has {there}"));
    }
    if let Some(wanted) = &rule.operation {
        let there: Vec<_> =
            concerned.iter().flat_map(|vendor| vendor.routes().iter().map(|route| route.meta().name)).collect();
        if !there.iter().any(|name| names(wanted, name)) {
            return refuse("operation", format!("is no call; there is {}", there.join(", ")));
        }
    }
    let names_of = |rule: &Rule, vendor: &dyn MockVendor| {
        rule.operation
            .as_deref()
            .is_none_or(|wanted| vendor.routes().iter().any(|route| names(wanted, route.meta().name)))
    };
    let concerned: Vec<_> = concerned.into_iter().filter(|vendor| names_of(rule, &***vendor)).collect();
    match &rule.fault {
        Fault::ResultFalse if !concerned.iter().any(|vendor| vendor.refuses_by_result()) => {
            refuse("fault", "result-false is an answer of identify24 only".to_owned())
        }
        Fault::ShapeVariant { variant: Some(wanted) } => {
            let there: Vec<_> = concerned.iter().flat_map(|vendor| vendor.shapes()).map(|shape| shape.name).collect();
            match there.contains(&wanted.as_str()) {
                true => Ok(()),
                false => refuse("variant", format!("is no shape of these calls; there is {}", there.join(", "))),
            }
        }
        _ => Ok(()),
    }
}
