//! Whether a rule can strike at all.

use super::rule::names;
use super::{Fault, Rule};
use crate::rejection::Rejection;
use crate::vendor::MockVendor;

/// Whether a rule can ever strike at these vendors.
///
/// # Errors
/// Why not, and what there is.
pub(crate) fn validate(rule: &Rule, vendors: &[Box<dyn MockVendor>]) -> Result<(), Rejection> {
    let refuse = |field: &'static str, message: String| {
        Err(Rejection::by_sandbox(400, field, message, "docs/sandbox-control.md"))
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
        Fault::ResultFalse if !concerned.iter().any(|vendor| vendor.facts().rejects_by_result) => {
            let able = vendors.iter().filter(|vendor| vendor.facts().rejects_by_result);
            let able: Vec<_> = able.map(|vendor| vendor.name()).collect();
            let able = if able.is_empty() { "other vendors".to_owned() } else { able.join(", ") };
            refuse("fault", format!("result-false is an answer of {able} only"))
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
