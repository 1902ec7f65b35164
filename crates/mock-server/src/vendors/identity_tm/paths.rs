//! Which call a path means, and whether the account may call it.

use std::borrow::Cow;

use http::Method;
use identkit_core::Location;

use super::IdentityTm;
use super::orders::Orders;
use super::rejections::not_enabled;
use super::rules;
use super::settings::Feature;
use crate::rejection::Rejection;
use crate::rules::Rule;
use crate::{Profile, World};

impl IdentityTm {
    /// Whether the account may call this path, as it is set up.
    pub(super) fn check_access(&self, world: &mut World, whole: &str, path: &str) -> Result<(), Rejection> {
        let rules = world.rules.clone();
        let settings = &world.state::<Orders>().settings;
        let nowhere = |message: &'static str, rule: &Rule, section: &'static str| {
            Err(rule.reject(404, "path", message, section).at(Location::Path))
        };
        if rules.enforce(&rules::AT_11) && !settings.any_version && !whole.starts_with("/api/2.10/") {
            return nowhere("the version of the document is /api/2.10/", &rules::AT_11, "[T] 2.6");
        }
        let fits = |ignore| self.routes.iter().any(|route| route.meta().match_path(path, ignore).is_some());
        if rules.enforce(&rules::AT_09_CASE) && settings.exact_paths && !fits(false) && fits(true) {
            return nowhere("the call is written with other capital letters", &rules::AT_09, "[T] 3-8");
        }
        let call = path.split('/').nth(1).unwrap_or_default();
        match Feature::of(call) {
            Some(feature) if rules.enforce(&rules::T_006_CALLS) && settings.not_enabled.contains(&feature) => {
                Err(not_enabled("path").at(Location::Path))
            }
            _ => Ok(()),
        }
    }

    /// Why nothing answers here: another method, a call of a later version, or nothing at all.
    pub(super) fn unknown_call(&self, method: &Method, path: &str) -> Rejection {
        let name = path.split('/').nth(1).unwrap_or_default().to_ascii_lowercase();
        let known = self.routes.iter().find(|route| {
            route.meta().path.split('/').nth(1).is_some_and(|segment| segment.eq_ignore_ascii_case(&name))
        });
        let (status, message, section) = match known {
            Some(route) if route.meta().method != method => {
                (405, format!("{} is called with {}", route.meta().name, route.meta().method), route.meta().section)
            }
            Some(route) => {
                (404, format!("{} has the path {}", route.meta().name, route.meta().path), route.meta().section)
            }
            None => (404, "the vendor has no such call".to_owned(), "[T] 3-8"),
        };
        rules::T_001.reject(status, "path", message, section).at(Location::Path)
    }
}

/// The path of the call that is meant: the example of [T 5.2.5] calls confirmSign in another way (AT-10).
pub(super) fn resolve_alias<'a>(world: &World, path: &'a str) -> Cow<'a, str> {
    match path.strip_prefix("/confirm/") {
        Some(rest) if world.profile != Profile::Strict && world.enforces(&rules::AT_10) => {
            format!("/confirmSign/{rest}").into()
        }
        _ => path.into(),
    }
}
