//! What goes wrong with calls of a sandbox, on purpose.

use super::Sandbox;
use crate::faults::{Fault, InjectedRule, Rule, names};
use crate::journal::What;
use crate::vendor::names_of;
use crate::{MockVendor, Rejection};

impl Sandbox {
    /// Lets something go wrong: a fault with the next call, or a rule.
    ///
    /// # Errors
    /// A rule that no call can ever meet, with what there is.
    pub fn inject(&self, rule: impl Into<Rule>) -> Result<InjectedRule, Rejection> {
        let rule = rule.into();
        validate(&rule, &self.runner.plan.vendors)?;
        self.with_world(|world| {
            if world.faults.is_full() {
                let message = "has a thousand rules already; take some away";
                return Err(Rejection::by_sandbox(409, "faults", message, "docs/sandbox-control.md"));
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
            let target = vendor.and_then(|vendor| vendor.route(&world, request));
            let operation = target.map(|target| target.meta().name);
            let struck = world.faults.interrupt(vendor.map(|vendor| vendor.name()), operation);
            if struck {
                world.take_concerned();
                self.note(&mut world, vendor, operation, request, None, Some("reset-in-commit"));
            }
            struck
        };
        if struck {
            runner.settle();
        }
        struck
    }
}

/// Why a rule can never strike at these vendors, and what there is.
fn validate(rule: &Rule, vendors: &[Box<dyn MockVendor>]) -> Result<(), Rejection> {
    let refuse = |field: &'static str, message: String| {
        Err(Rejection::by_sandbox(400, field, message, "docs/sandbox-control.md"))
    };
    let of_vendor = vendors.iter().filter(|vendor| rule.vendor.as_deref().is_none_or(|name| name == vendor.name()));
    let of_vendor: Vec<_> = of_vendor.collect();
    if of_vendor.is_empty() {
        return refuse("vendor", format!("is no vendor of this sandbox, which has {}", names_of(vendors)));
    }
    let calls = |vendor: &dyn MockVendor| vendor.routes().iter().map(|route| route.meta().name).collect::<Vec<_>>();
    let fits = |name: &str| rule.operation.as_deref().is_none_or(|wanted| names(wanted, name));
    let mut concerned = of_vendor.clone();
    concerned.retain(|vendor| rule.operation.is_none() || calls(&***vendor).into_iter().any(fits));
    if concerned.is_empty() {
        let there: Vec<_> = of_vendor.iter().flat_map(|vendor| calls(&***vendor)).collect();
        return refuse("operation", format!("is no call; there is {}", there.join(", ")));
    }
    match &rule.fault {
        Fault::ResultFalse if !concerned.iter().any(|vendor| vendor.facts().rejects_by_result) => {
            let able = vendors.iter().filter(|vendor| vendor.facts().rejects_by_result);
            let able = Some(names_of(able)).filter(|able| !able.is_empty());
            refuse("fault", format!("result-false is an answer of {} only", able.as_deref().unwrap_or("other vendors")))
        }
        Fault::ShapeVariant { variant: Some(wanted) } => {
            let there: Vec<_> =
                concerned.iter().flat_map(|vendor| vendor.facts().shapes).map(|shape| shape.name).collect();
            match there.contains(&wanted.as_str()) {
                true => Ok(()),
                false => refuse("variant", format!("is no shape of these calls; there is {}", there.join(", "))),
            }
        }
        _ => Ok(()),
    }
}
