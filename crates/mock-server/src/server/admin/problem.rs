//! Errors as problem+json (RFC 9457), with a machine-readable `rule`.

use http::Response;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use identkit_core::Content;
use identkit_wire::json;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::json;

use crate::Rejection;
use crate::journal::NearMissView;
use crate::worlds::WorldError;

/// Maximum length of an id that a problem quotes, in bytes.
const LONGEST_ID: usize = 64;

/// Declares the problems: meaning, name, status, title and rule.
macro_rules! problems {
    ($(#[doc = $meaning:literal] $kind:ident = $name:literal, $status:literal, $title:literal, $rule:literal;)*) => {
        /// A kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum ProblemKind { $(#[doc = $meaning] $kind,)* }

        impl ProblemKind {
            const ALL: &[Self] = &[$(Self::$kind),*];

            /// Type URI, status, title, rule and meaning.
            fn facts(self) -> (&'static str, u16, &'static str, &'static str, &'static str) {
                match self {
                    $(Self::$kind => (concat!("urn:identkit:problem:", $name), $status, $title, $rule, $meaning),)*
                }
            }
        }
    };
}

problems! {
    #[doc = "The query has an unknown parameter, a parameter without a value, or a parameter twice."]
    InvalidQuery = "invalid-query", 400, "Invalid query", "admin-query";
    #[doc = "The body is not the JSON that the call takes, or has an unknown member or a member twice."]
    InvalidBody = "invalid-body", 400, "Invalid body", "admin-body";
    #[doc = "`reveal` is neither `true` nor `false`."]
    InvalidReveal = "invalid-reveal", 400, "Invalid value of reveal", "admin-reveal";
    #[doc = "The body holds a masked secret, which cannot be set. `?reveal=true` returns secrets unmasked."]
    MaskedSecret = "masked-secret", 400, "Masked secret", "admin-reveal";
    #[doc = "The clock cannot be advanced by this time."]
    InvalidAdvance = "invalid-advance", 400, "Invalid time span", "admin-clock";
    #[doc = "The clock mode is unknown, or its factor is out of range."]
    UnknownClockMode = "unknown-clock-mode", 400, "Unknown clock mode", "admin-clock";
    #[doc = "The body names neither a story nor a status, or both."]
    InvalidTransition = "invalid-transition", 400, "Invalid transition", "M-04";
    #[doc = "The vendor's rules reject the transition. `rule` and `faults` state why."]
    RefusedTransition = "refused-transition", 400, "Rejected transition", "admin";
    #[doc = "The state of the order or ident does not allow the transition."]
    TransitionConflict = "transition-conflict", 409, "Conflict with the state of the order", "admin";
    #[doc = "The action of the person is unknown, or has an invalid value."]
    InvalidAction = "invalid-action", 400, "Invalid action", "M-15";
    #[doc = "The query does not name an order."]
    MissingOrder = "missing-order", 400, "Missing order", "M-10";
    #[doc = "No vendor of the world has an order or ident with this id."]
    UnknownOrder = "unknown-order", 404, "Unknown order", "admin-case";
    #[doc = "The list has no entry with the id in `before`."]
    UnknownCursor = "unknown-cursor", 400, "Unknown cursor", "admin-case";
    #[doc = "The order has no file of this name."]
    UnknownFile = "unknown-file", 404, "Unknown file", "admin-case";
    #[doc = "The file cannot be read now. `faults` states why."]
    RefusedFile = "refused-file", 400, "Unavailable file", "admin";
    #[doc = "The release order is unknown."]
    InvalidReleaseOrder = "invalid-release-order", 400, "Invalid release order", "admin-delivery";
    #[doc = "The world has no delivery with this id."]
    UnknownDelivery = "unknown-delivery", 404, "Unknown delivery", "admin-delivery";
    #[doc = "The state of the delivery does not allow the call."]
    DeliveryConflict = "delivery-conflict", 409, "Conflict with the state of the delivery", "admin-delivery";
    #[doc = "The webhook mode is unknown, or takes different members."]
    UnknownWebhookMode = "unknown-webhook-mode", 400, "Unknown webhook mode", "admin-webhooks";
    #[doc = "A setting is unknown or has an invalid value. `faults` lists all of them."]
    InvalidSettings = "invalid-settings", 400, "Invalid settings", "admin";
    #[doc = "Another world has the same credentials."]
    SettingsConflict = "settings-conflict", 409, "Duplicate credentials", "admin";
    #[doc = "A member of the fault is unknown or has an invalid value. `faults` lists all of them."]
    InvalidFault = "invalid-fault", 400, "Invalid fault", "admin";
    #[doc = "The world has no fault with this id."]
    UnknownFault = "unknown-fault", 404, "Unknown fault", "admin-faults";
    #[doc = "A member of the filter has an invalid value, or names something unknown."]
    InvalidFilter = "invalid-filter", 400, "Invalid filter", "admin-journal";
    #[doc = "`count` or `timeout` has an invalid value."]
    InvalidWait = "invalid-wait", 400, "Invalid wait", "admin-wait";
    #[doc = "The calls did not arrive in time. `count` and `near_misses` show what arrived."]
    WaitTimeout = "wait-timeout", 408, "Request timeout", "admin-wait";
    #[doc = "The world was reset, restored or deleted while the call waited."]
    WaitInterrupted = "wait-interrupted", 409, "Replaced world", "admin-wait";
    #[doc = "The journal has no entry with this number."]
    UnknownEntry = "unknown-entry", 404, "Unknown journal entry", "admin-explain";
    #[doc = "The journal entry is not a call, so it cannot be rejected."]
    NotACall = "not-a-call", 400, "Journal entry without a call", "admin-explain";
    #[doc = "The id of the last event is invalid."]
    InvalidEventId = "invalid-event-id", 400, "Invalid event id", "admin-events";
    #[doc = "A member of the new world has an invalid value."]
    InvalidWorld = "invalid-world", 400, "Invalid world", "admin-world";
    #[doc = "The id of the world or the name of the snapshot has invalid characters."]
    InvalidId = "invalid-id", 400, "Invalid id", "admin-world";
    #[doc = "No world has this id."]
    UnknownWorld = "unknown-world", 404, "Unknown world", "admin-world";
    #[doc = "The world was reset, restored or deleted during the call."]
    ReplacedWorld = "replaced-world", 404, "Replaced world", "admin-world";
    #[doc = "The world has no snapshot with this name."]
    UnknownSnapshot = "unknown-snapshot", 404, "Unknown snapshot", "admin-world";
    #[doc = "The world has the maximum number of snapshots."]
    SnapshotLimit = "snapshot-limit", 409, "Snapshot limit", "admin-world";
    #[doc = "Another world has this id."]
    DuplicateWorld = "duplicate-world", 409, "Duplicate world", "admin-world";
    #[doc = "Another world has these credentials."]
    DuplicateCredentials = "duplicate-credentials", 409, "Duplicate credentials", "admin-world";
    #[doc = "The default world cannot be deleted."]
    DefaultWorld = "default-world", 409, "Permanent default world", "admin-world";
    #[doc = "A web page sent the request, or the `Host` header names another host."]
    ForeignOrigin = "foreign-origin", 403, "Foreign origin", "admin-origin";
    #[doc = "No call of this API has this path."]
    UnknownPath = "unknown-path", 404, "Unknown path", "admin-path";
    #[doc = "No call has this path and method. The `Allow` header lists the methods."]
    MethodNotAllowed = "method-not-allowed", 405, "Method not allowed", "admin-method";
    #[doc = "The body is larger than 16 MiB."]
    BodyTooLarge = "body-too-large", 413, "Content too large", "admin-body";
    #[doc = "The response cannot be written."]
    Internal = "internal", 500, "Internal server error", "admin";
}

impl ProblemKind {
    pub(super) fn status(self) -> u16 {
        self.facts().1
    }

    pub(super) fn meaning(self) -> &'static str {
        self.facts().4
    }
}

#[derive(Debug)]
pub(super) struct Problem {
    document: Box<Document>,
    allow: Option<String>,
}

/// A problem (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Document {
    /// Kind of problem.
    #[schemars(transform = list_kinds)]
    r#type: &'static str,
    /// HTTP status.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// Summary of the kind of problem.
    title: &'static str,
    /// What is wrong with this request, and what would be valid.
    detail: String,
    /// Machine-readable rule: of this API (`admin-…`) or of the contract (`T-006`, `M-04`).
    #[schemars(example = &"admin-case")]
    rule: &'static str,
    /// The broken rules, if a vendor's rules reject the request: at most a hundred. If there are more, the last one
    /// states their number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
    /// Number of matching calls that arrived before the timeout.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    count: Option<u64>,
    /// The calls that came closest to matching.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<NearMissView>")]
    near_misses: Option<Vec<NearMissView>>,
}

/// A broken rule.
#[derive(Debug, Serialize, JsonSchema)]
struct Fault {
    /// Field that breaks the rule.
    field: String,
    /// What would be valid.
    message: String,
    /// The rule.
    rule: &'static str,
    /// Section of the document that states the rule.
    section: String,
}

fn list_kinds(schema: &mut Schema) {
    let kinds = ProblemKind::ALL.iter().map(|kind| {
        let (uri, status, title, _, meaning) = kind.facts();
        json!({ "const": uri, "title": format!("{status} {title}"), "description": meaning })
    });
    schema.insert("format".into(), "uri".into());
    schema.insert("oneOf".into(), kinds.collect());
}

impl Problem {
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let (r#type, status, title, rule, _) = kind.facts();
        let (detail, faults, count, near_misses) = (detail.into(), Vec::new(), None, None);
        let document = Document { r#type, status, title, detail, rule, faults, count, near_misses };
        Self { document: Box::new(document), allow: None }
    }

    pub(super) fn allow(mut self, methods: String) -> Self {
        self.allow = Some(methods);
        self
    }

    pub(super) fn calls(mut self, count: u64, near_misses: Vec<NearMissView>) -> Self {
        (self.document.count, self.document.near_misses) = (Some(count), Some(near_misses));
        self
    }

    pub(super) fn unknown_world(ids: &[String]) -> Self {
        let some = ids.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if ids.len() > 10 { format!(" and {} more", ids.len() - 10) } else { String::new() };
        Self::new(ProblemKind::UnknownWorld, format!("the worlds are: {some}{more}"))
    }

    pub(super) fn unknown_order(id: &str) -> Self {
        // Another text can be personal data.
        let is_id = id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let which = if is_id && !id.is_empty() { format!("the id {id}") } else { "this id".to_owned() };
        let detail =
            format!("no vendor of this world has an order or ident with {which}; GET orders and GET idents list them");
        Self::new(ProblemKind::UnknownOrder, detail)
    }

    /// Converts a rejection: to the second kind if it has the status of the rejection, otherwise to the first.
    pub(super) fn refused(kinds: [ProblemKind; 2], refused: &Rejection) -> Self {
        let refused = refused.bounded();
        let kind = if kinds[1].status() == refused.status { kinds[1] } else { kinds[0] };
        let mut problem = Self::new(kind, refused.text());
        problem.document.status = refused.status;
        problem.document.rule = refused.violations.first().map_or("admin", |fault| fault.rule);
        problem.document.faults = refused
            .violations
            .iter()
            .map(|fault| Fault {
                field: fault.field.to_string(),
                message: fault.message.to_string(),
                rule: fault.rule,
                section: fault.section.to_string(),
            })
            .collect();
        problem
    }

    pub(super) fn response(self) -> Response<Content> {
        let value = serde_json::to_value(&self.document).unwrap_or_default();
        let mut response =
            json::response(self.document.status, &value).unwrap_or_else(|_| Response::new(Content::empty()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

impl From<WorldError> for Problem {
    fn from(error: WorldError) -> Self {
        let kind = match error {
            WorldError::Unknown => ProblemKind::UnknownWorld,
            WorldError::UnknownSnapshot => ProblemKind::UnknownSnapshot,
            WorldError::TooManySnapshots => ProblemKind::SnapshotLimit,
            WorldError::DuplicateId => ProblemKind::DuplicateWorld,
            WorldError::Default => ProblemKind::DefaultWorld,
            WorldError::SameCredentials => ProblemKind::DuplicateCredentials,
            WorldError::InvalidId => ProblemKind::InvalidId,
        };
        Self::new(kind, error.to_string())
    }
}
