//! The identification methods: which ones an order allows, and which one its statuses indicate.

use identkit_identity_tm::messages::{IdentifyMethod, StatusEntry};
use identkit_identity_tm::{PutOrder, StatusKind};

/// Every method that a product names or excludes, with its name in `getIdentData` [T 3.3.4], its story, and the status of
/// a change to it. `SmartID` occurs in one list only, without explanation or status (AT-82).
const METHODS: [(IdentifyMethod, &str, &str, Option<u32>); 7] = [
    (IdentifyMethod::Courier, "Courier", "courier", Some(69)),
    (IdentifyMethod::Shop, "Shop", "shop", Some(68)),
    (IdentifyMethod::Video, "Video", "video", Some(73)),
    (IdentifyMethod::Eid, "eID", "eid", Some(74)),
    (IdentifyMethod::Giro, "Giro", "giro", Some(81)),
    (IdentifyMethod::AutoId, "autoID", "autoid", Some(98)),
    (IdentifyMethod::SmartId, "SmartID", "smartid", None),
];

pub(super) fn all() -> impl Iterator<Item = IdentifyMethod> {
    METHODS.into_iter().map(|(method, ..)| method)
}

fn row(method: IdentifyMethod) -> (IdentifyMethod, &'static str, &'static str, Option<u32>) {
    METHODS.into_iter().find(|(known, ..)| *known == method).unwrap_or(METHODS[2])
}

pub(super) fn name(method: IdentifyMethod) -> &'static str {
    row(method).1
}

pub(super) fn scenario(method: IdentifyMethod) -> &'static str {
    row(method).2
}

/// Returns the status of a change to a method, if it has one.
pub(super) fn change_to(method: IdentifyMethod) -> Option<StatusKind> {
    row(method).3.map(StatusKind)
}

fn method_of(kind: StatusKind) -> Option<IdentifyMethod> {
    Some(match kind.0 {
        3 | 9 | 10 | 15 | 19 | 57 | 64 | 69 => IdentifyMethod::Courier,
        68 => IdentifyMethod::Shop,
        73 | 75 | 77 | 78 | 79 | 97 => IdentifyMethod::Video,
        49 | 50 | 51 | 74 => IdentifyMethod::Eid,
        33 | 34 | 81 => IdentifyMethod::Giro,
        98 => IdentifyMethod::AutoId,
        _ => return None,
    })
}

/// Whether a product allows a method, [T 3.1.3]. 16 is read as autoID only; 15 excludes nothing.
pub(super) fn is_allowed(order: &PutOrder, method: IdentifyMethod) -> bool {
    match order.product {
        Some(0) => !matches!(method, IdentifyMethod::Video | IdentifyMethod::AutoId),
        Some(12) => method != IdentifyMethod::AutoId,
        Some(16) => method == IdentifyMethod::AutoId,
        _ => true,
    }
}

/// Returns the default method of an order.
pub(super) fn default_of(order: &PutOrder) -> IdentifyMethod {
    match order.product {
        // A courier needs an address.
        Some(0) if order.address.is_none() => IdentifyMethod::Eid,
        Some(0) => IdentifyMethod::Courier,
        Some(16) => IdentifyMethod::AutoId,
        _ => IdentifyMethod::Video,
    }
}

/// Returns the method with this story.
pub(super) fn of_scenario(name: &str) -> Option<IdentifyMethod> {
    all().find(|method| scenario(*method) == name)
}

/// Whether the person has begun with a method.
pub(super) fn has_begun(status: &[StatusEntry]) -> bool {
    status.iter().any(|entry| entry.kind.and_then(method_of).is_some())
}

/// Returns the current method of an order: that of its last status that belongs to a method.
pub(super) fn current(order: &PutOrder, status: &[StatusEntry]) -> IdentifyMethod {
    let last = status.iter().rev().find_map(|entry| method_of(entry.kind?));
    last.unwrap_or_else(|| default_of(order))
}
