//! Injects faults into calls of a sandbox.

use super::Sandbox;
use crate::faults::{Fault, InjectedRule, Rule, names};
use crate::journal::EntryKind;
use crate::vendor::names_of;
use crate::{MockVendor, Rejection};

impl Sandbox {
    /// Injects a fault into the next call, or a [`Rule`].
    ///
    /// # Errors
    /// If the rule can never apply to a call (the error lists the valid values), or there are a thousand rules.
    pub fn inject(&self, rule: impl Into<Rule>) -> Result<InjectedRule, Rejection> {
        let rule = rule.into();
        validate(&rule, &self.runner.plan.vendors)?;
        self.with_world(|world| {
            if world.faults.is_full() {
                let message = "has a thousand rules, the maximum; remove some";
                return Err(Rejection::by_sandbox(409, "faults", message, "docs/sandbox-control.md"));
            }
            let injected = world.faults.add(rule);
            world.note(EntryKind::Changed { what: "faults", how: format!("{} injected", injected.rule.fault.name()) });
            Ok(injected)
        })
    }

    /// The rules, oldest first, including exhausted ones.
    pub fn faults(&self) -> Vec<InjectedRule> {
        self.runner.world().faults.rules().to_vec()
    }

    /// Removes a rule. Returns whether it existed.
    pub fn clear_fault(&self, id: u64) -> bool {
        self.with_world(|world| {
            let removed = world.faults.remove(id);
            if removed {
                world.note(EntryKind::Changed { what: "faults", how: "one removed".to_owned() });
            }
            removed
        })
    }

    /// Removes all rules.
    pub fn clear_faults(&self) {
        self.with_world(|world| {
            world.faults.clear();
            world.note(EntryKind::Changed { what: "faults", how: "all removed".to_owned() });
        });
    }

    /// Whether a fault resets the connection before the body of this request is read.
    #[cfg(feature = "server")]
    pub(crate) fn interrupts(&self, request: &http::Request<bytes::Bytes>) -> bool {
        let runner = &self.runner;
        let vendor = runner.plan.owner_of(request.uri().path());
        let interrupted = {
            let mut world = runner.world();
            if world.faults.rules().is_empty() {
                return false;
            }
            let target = vendor.and_then(|vendor| vendor.route(&world, request));
            let operation = target.map(|target| target.meta().name);
            let by_result = vendor.is_some_and(|vendor| vendor.facts().rejects_by_result);
            let interrupted = world.faults.interrupt(vendor.map(|vendor| vendor.name()), operation, by_result);
            if interrupted {
                world.take_request_case();
                self.note(&mut world, vendor, operation, request, None, Some("reset-in-commit"));
            }
            interrupted
        };
        if interrupted {
            runner.settle();
        }
        interrupted
    }
}

/// Rejects a rule that can never apply at these vendors.
fn validate(rule: &Rule, vendors: &[Box<dyn MockVendor>]) -> Result<(), Rejection> {
    let refuse = |field: &'static str, message: String| {
        Err(Rejection::by_sandbox(400, field, message, "docs/sandbox-control.md"))
    };
    let of_vendor = vendors.iter().filter(|vendor| rule.vendor.as_deref().is_none_or(|name| name == vendor.name()));
    let of_vendor: Vec<_> = of_vendor.collect();
    if of_vendor.is_empty() {
        return refuse("vendor", format!("is not a vendor of this sandbox; the vendors are {}", names_of(vendors)));
    }
    let calls = |vendor: &dyn MockVendor| vendor.routes().iter().map(|route| route.meta().name).collect::<Vec<_>>();
    let matches = |name: &str| rule.operation.as_deref().is_none_or(|wanted| names(wanted, name));
    let mut concerned = of_vendor.clone();
    concerned.retain(|vendor| rule.operation.is_none() || calls(&***vendor).into_iter().any(matches));
    if concerned.is_empty() {
        let known: Vec<_> = of_vendor.iter().flat_map(|vendor| calls(&***vendor)).collect();
        return refuse("operation", format!("is not a call; the calls are {}", known.join(", ")));
    }
    match &rule.fault {
        Fault::ResultFalse if !concerned.iter().any(|vendor| vendor.facts().rejects_by_result) => {
            let able = vendors.iter().filter(|vendor| vendor.facts().rejects_by_result);
            let able = Some(names_of(able)).filter(|able| !able.is_empty());
            refuse("fault", format!("result-false applies only to {}", able.as_deref().unwrap_or("other vendors")))
        }
        Fault::ShapeVariant { variant: Some(wanted) } => {
            let known: Vec<_> =
                concerned.iter().flat_map(|vendor| vendor.facts().shapes).map(|shape| shape.name).collect();
            match known.contains(&wanted.as_str()) {
                true => Ok(()),
                false => refuse("variant", format!("is not a shape of these calls; these are: {}", known.join(", "))),
            }
        }
        _ => Ok(()),
    }
}
