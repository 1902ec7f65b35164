//! Which call a path means, and whether the account may call it.

use std::borrow::Cow;

use http::Method;
use identkit_core::Violation;

use super::IdentityTm;
use super::orders::Orders;
use super::refusals::not_enabled;
use super::settings::Feature;
use crate::vendor::Refused;
use crate::{Profile, World};

impl IdentityTm {
    /// Whether the account may call this path, as it is set up.
    pub(super) fn reachable(&self, world: &mut World, whole: &str, path: &str) -> Result<(), Refused> {
        let rules = world.rules.clone();
        let settings = &world.part::<Orders>().settings;
        let nowhere = |message: &'static str, rule: &'static str, section: &'static str| {
            Err(Refused::new(404, Violation::new("path", message, rule, section)))
        };
        if rules.enforce("AT-11") && !settings.any_version && !whole.starts_with("/api/2.10/") {
            return nowhere("the version of the document is /api/2.10/", "AT-11", "[T] 2.6");
        }
        let fits = |ignore| self.routes.iter().any(|route| route.meta().match_path(path, ignore).is_some());
        if rules.enforce("AT-09/case") && settings.exact_paths && !fits(false) && fits(true) {
            return nowhere("the call is written with other capital letters", "AT-09", "[T] 3-8");
        }
        let call = path.split('/').nth(1).unwrap_or_default();
        match Feature::of(call) {
            Some(feature) if rules.enforce("T-006/calls") && settings.not_enabled.contains(&feature) => {
                Err(not_enabled("path"))
            }
            _ => Ok(()),
        }
    }

    /// Why nothing answers here: another method, a call of a later version, or nothing at all.
    pub(super) fn nowhere(&self, method: &Method, path: &str) -> Refused {
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
        Refused::new(status, Violation::new("path", message, "T-001", section))
    }
}

/// The path below `/api/{version}`, whatever the version (AT-11).
pub(super) fn below_version(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/api/")?;
    let slash = rest.find('/')?;
    rest.get(slash..)
}

/// The path of the call that is meant: the example of [T 5.2.5] calls confirmSign in another way (AT-10).
pub(super) fn as_printed<'a>(world: &World, path: &'a str) -> Cow<'a, str> {
    match path.strip_prefix("/confirm/") {
        Some(rest) if world.profile != Profile::Strict && world.enforces("AT-10") => {
            format!("/confirmSign/{rest}").into()
        }
        _ => path.into(),
    }
}
