//! The rules that the sandbox enforces.

use http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Json, NoMembers, Problem, Route, route};
use crate::Profile;
use crate::rules::{Rule, Scope, Source, Switchable};
use crate::vendor::rules_of;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "rules", "listRules", "The rules of the vendors and of the sandbox", list)
            .describe("A violation names a rule by its `contract_id`. docs/rules.md lists the same rules."),
    ]
}

/// Rules.
#[derive(Serialize, JsonSchema)]
struct Rules {
    rules: Vec<RuleView>,
}

/// A rule.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RuleOfVendor")]
struct RuleView {
    /// Id of the rule.
    #[schemars(example = &"AT-09/twice")]
    id: &'static str,
    /// The id that violations name.
    #[schemars(example = &"AT-09")]
    contract_id: &'static str,
    /// The vendor whose document states the rule, or `sandbox`.
    source: &'static str,
    /// Section of the document.
    section: &'static str,
    /// The rule in one sentence.
    says: &'static str,
    /// The profiles that enforce the rule.
    profiles: &'static [Profile],
    /// Whether this world enforces the rule: its profile does, and the rule is not switched off.
    enforced: bool,
    /// Why the rule cannot be switched off; null if it can.
    permanent: Option<&'static str>,
}

impl RuleView {
    fn new(rule: &Rule, is_on: bool, profile: Profile) -> Self {
        let profiles: &'static [Profile] = match rule.profiles {
            Scope::Every => &Profile::ALL,
            Scope::Literal => &[Profile::Literal, Profile::Chaos],
            Scope::Strict => &[Profile::Strict],
        };
        let source = match rule.source {
            Source::Vendor(name) => name,
            Source::Sandbox => "sandbox",
        };
        let permanent = match rule.switch {
            Switchable::Yes => None,
            Switchable::No(because) => Some(because),
        };
        Self {
            id: rule.id,
            contract_id: rule.contract_id(),
            source,
            section: rule.section,
            says: rule.says,
            profiles,
            enforced: is_on && profiles.contains(&profile),
            permanent,
        }
    }
}

async fn list(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<Rules>, Problem> {
    let rules = context.sandbox()?.read(|world, vendors| {
        let view = |rule: &Rule| RuleView::new(rule, world.enforces(rule), world.profile);
        rules_of(vendors).map(view).collect()
    });
    Ok(Json(Rules { rules }))
}
