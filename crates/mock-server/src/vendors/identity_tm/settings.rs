//! How an account is set up: what at the vendor its support does, and what the document leaves open.

use std::collections::BTreeSet;

use http::Method;
use identkit_identity_tm::{OrderCallback, StatusKind};
use jiff::SignedDuration;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::readers::value;
use crate::vendors::settings::{refusal, seconds, some};
use crate::world::text::{self, TextForm as _};

/// The codes that the default variant of `getStatus` returns. Which ones is lost in the document (AT-13): all final
/// ones and these, assumed.
const GENERAL: [u32; 12] = [6, 17, 22, 84, 89, 99, 100, 25, 75, 23, 63, 21];

/// What is counted: pages (AT-05), or what was reported (AT-06).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Unit {
    /// Each status by itself.
    #[default]
    Statuses,
    /// Whole orders.
    Orders,
}

/// The shape of a list of orders (AT-03).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum ListShape {
    /// `[{…,"Status":[…]}]`: the document's example, with what its table asks for.
    #[default]
    Array,
    /// `[{…}]` as the example is printed: without `Status`.
    Example,
    /// `{"Order":[…]}`, and `{"Order":{…}}` for a single order, as the table may be read.
    UnderOrder,
    /// `[{"Order":{…}}]`.
    EachUnderOrder,
    /// As `Array`, but a single order is the object itself.
    BareWhenOne,
}

/// The shape of signed hashes (AT-36).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum HashShape {
    /// `[{"a":"…"},{"b":"…"}]`.
    #[default]
    EachInAnObject,
    /// `[{"a":"…","b":"…"}]`.
    AllInOneObject,
    /// `{"a":"…","b":"…"}`.
    Object,
}

/// Where a giro link is told (AT-41).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum GiroKey {
    /// `TargetURL`; `GiroURL` when the order asks for the landing page as well, which would otherwise be lost.
    #[default]
    TargetUrl,
    /// `GiroURL`, an element that the document does not list.
    GiroUrl,
}

/// What `serverStatus` says (AT-80).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Service {
    /// 200.
    #[default]
    Up,
    /// 500.
    Down,
    /// The connection ends without an answer.
    Silent,
}

/// What has to be enabled for an account (T-006).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Feature {
    /// `getIdentDataPDF`, [T 3.4.1].
    Report,
    /// `requestSign`, `confirmSign` and `requestResendSignTan`, [T 5].
    CustomerSigning,
    /// `getVideoFileBinaryAsync`, [T 3.7.1].
    AsyncVideo,
    /// `checkSignmeUser`, [T 8.3].
    SignMe,
    /// identity Giro: `getBankList`, [T 8.1], and `getGiroLink`.
    Giro,
}

impl Feature {
    /// What a call needs, by its name in the path.
    pub(super) fn of(call: &str) -> Option<Self> {
        const CALLS: [(&str, Feature); 7] = [
            ("getIdentDataPDF", Feature::Report),
            ("requestSign", Feature::CustomerSigning),
            ("confirmSign", Feature::CustomerSigning),
            ("requestResendSignTan", Feature::CustomerSigning),
            ("getVideoFileBinaryAsync", Feature::AsyncVideo),
            ("checkSignmeUser", Feature::SignMe),
            ("getBankList", Feature::Giro),
        ];
        CALLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(call)).map(|(_, feature)| *feature)
    }
}

settings! {
/// How the account is set up; see [`configure`](super::configure). The defaults are the contract's decisions.
///
/// From outside they are set by these names: spans of time in seconds, webhooks and the words of the other types as
/// they are written here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "IdentityTmSettings")]
pub struct Settings {
    /// User name of HTTP Basic authentication (T-003).
    #[serde(deserialize_with = "user")]
    #[schemars(length(min = 1))]
    pub customer_id: String = "sandbox-customer".into(),
    /// Its password (T-003).
    #[serde(deserialize_with = "some")]
    #[schemars(length(min = 1))]
    pub customer_code: String = "sandbox-code".into(),
    /// Products that `putOrder` refuses with 400 because they are not enabled (T-006).
    pub products_not_enabled: BTreeSet<u32> = BTreeSet::new(),
    /// What else is not enabled: its calls answer 400 (T-006).
    pub not_enabled: BTreeSet<Feature> = BTreeSet::new(),
    /// Orders without `Address` are taken, as long as no courier and no shop is wanted (AT-43).
    pub address_optional: bool = false,
    /// The person is mailed (status 7) although the order asks for the link (AT-84).
    pub mail_beside_link: bool = false,
    /// Where the link of `getGiroLink` is told (AT-41).
    pub giro_key: GiroKey = GiroKey::default(),
    /// Method of webhooks: GET, POST or PUT (T-032).
    #[serde(serialize_with = "text::serialize", deserialize_with = "method")]
    #[schemars(with = "String", extend("enum" = ["GET", "POST", "PUT"]))]
    pub webhook_method: Method = Method::GET,
    /// `[Ref]` and `[OrderID]` go into webhook URLs as they are; only what no request line can hold is encoded (AT-20).
    pub raw_placeholders: bool = false,
    /// After how long an unfinished order times out, [T 4.1].
    #[serde(with = "seconds")]
    #[schemars(with = "u32")]
    pub time_out: SignedDuration = SignedDuration::from_hours(30 * 24),
    /// A time-out deletes the order altogether: its status is 404 as well (AT-59).
    pub purge_on_time_out: bool = false,
    /// The webhook that is called when an order times out (AT-60).
    #[serde(serialize_with = "text::optional::serialize", deserialize_with = "callback")]
    #[schemars(with = "Option<String>", extend("enum" = ["AfterVideo", "AfterIdent", "OnFinal", null]))]
    pub webhook_on_time_out: Option<OrderCallback> = Some(OrderCallback::OnFinal),
    /// The webhook that is called when an order is cancelled by `cancelOrder` (AT-60).
    #[serde(serialize_with = "text::optional::serialize", deserialize_with = "callback")]
    #[schemars(with = "Option<String>", extend("enum" = ["AfterVideo", "AfterIdent", "OnFinal", null]))]
    pub webhook_on_cancel: Option<OrderCallback> = Some(OrderCallback::OnFinal),
    /// The webhook that is called when too many wrong TANs cancel an order (AT-60).
    #[serde(serialize_with = "text::optional::serialize", deserialize_with = "callback")]
    #[schemars(with = "Option<String>", extend("enum" = ["AfterVideo", "AfterIdent", "OnFinal", null]))]
    pub webhook_on_tan_limit: Option<OrderCallback> = Some(OrderCallback::OnFinal),
    /// The statuses that cancelling sets (AT-61). Without a final one among them the order stays open.
    #[schemars(with = "Vec<u32>")]
    pub cancelled_by: Vec<StatusKind> = vec![StatusKind::CANCELLATION, StatusKind::TERMINATED],
    /// With how many wrong TANs an order is cancelled; the document says "too many" (AT-54).
    #[serde(deserialize_with = "positive")]
    #[schemars(range(min = 1))]
    pub tan_tries: u32 = 3,
    /// The status of a single wrong TAN: 400 assumed, 409 in a later version (AT-54).
    #[serde(deserialize_with = "refusal")]
    #[schemars(range(min = 400, max = 599))]
    pub wrong_tan_status: u16 = 400,
    /// The status of data that is asked for before the order is final: 400 assumed, or 404 (AT-62).
    #[serde(deserialize_with = "refusal")]
    #[schemars(range(min = 400, max = 599))]
    pub early_data_status: u16 = 400,
    /// The status of an order stays readable after `delIdentdata` (AT-09); otherwise it is 404, and not listed.
    pub status_after_deletion: bool = true,
    /// Paths are compared letter by letter, so that `delIdentData` is 404 (AT-09). The profile `strict` always does.
    pub exact_paths: bool = false,
    /// Any version in the path is answered, as the document's own examples need (AT-11); otherwise 2.10 alone.
    pub any_version: bool = true,
    /// The codes that the default variants of `getStatus` and `getAllStatus` return (AT-13).
    pub general: BTreeSet<u32> = GENERAL.into(),
    /// The key of the time of identification, which the document says to be misspelt (AT-01).
    #[serde(deserialize_with = "some")]
    #[schemars(length(min = 1))]
    pub identified_key: String = "Identified".into(),
    /// Results tell the person's address on the network, [T 3.3.4]: always one of the documentation block 192.0.2.0/24.
    pub user_ip: bool = false,
    /// The JSON results hold images (AT-28), [T 3.3.4]: drawings, or what a point of sale gave with the order.
    pub images: bool = false,
    /// The JSON results come in a form that is not described (AT-70): see [`unseal`](super::unseal).
    pub encrypted_results: bool = false,
    /// The shape of signed hashes (AT-36).
    pub hash_shape: HashShape = HashShape::default(),
    /// `getAllStatus` tells `Delivered`, the key of its table, besides the `Executed` of its example (AT-02).
    pub delivered_besides: bool = false,
    /// The shape of the list of `getAllStatus` (AT-03).
    pub list_shape: ListShape = ListShape::default(),
    /// `ExtendedList` in the body of `getAllStatus` counts, as in the document's example (AT-04).
    pub extended_list_in_body: bool = true,
    /// The number of the first page, 0 or 1 (AT-05). With 1, page 0 answers like page 1; the profile `strict` refuses
    /// it.
    #[serde(deserialize_with = "zero_or_one")]
    #[schemars(range(max = 1))]
    pub first_page: u32 = 1,
    /// What pages count (AT-05).
    pub page_unit: Unit = Unit::default(),
    /// What counts as reported once it was told without a period (AT-06). By orders, one told at status 25 never
    /// comes again.
    pub reported_unit: Unit = Unit::default(),
    /// What `serverStatus` says (AT-80).
    pub service: Service = Service::default(),
    /// Every video is recorded, also without Add 131072, [T 3.8.1].
    pub record_video: bool = false,
    /// How long it takes until a recording that was asked for is ready (T-038); nothing is documented.
    #[serde(with = "seconds")]
    #[schemars(with = "u32")]
    pub video_provisioning: SignedDuration = SignedDuration::from_secs(60),
    /// The call that says so is tried again like a webhook; otherwise it is made once (AT-39).
    pub video_callback_retries: bool = false,
    /// `[OrderID]` and `[Ref]` are filled in in its URL (AT-39).
    pub video_callback_placeholders: bool = false,
    /// Identifications are recorded as sound (T-006), [T 3.9].
    pub voice_files: bool = false,
    /// A slash in the answer with the sound is written as `\/` (AT-40).
    pub escape_slashes: bool = false,
    /// Identifications can be used again (AT-72), [T 6]: `getIdentData/…/Signed` is answered, `IdentDataSigned` read.
    pub reuse: bool = true,
    /// The signed form comes as the literal of a JSON string; otherwise as plain text (AT-71).
    pub signed_as_json_string: bool = false,
}
}

readers! {
    positive: u32, "expected a whole number, 1 or more", |number| *number > 0;
    zero_or_one: u32, "expected 0 or 1", |number| *number < 2;
    // The first colon ends a user name (RFC 7617, section 2).
    user: String, "expected a text that is not empty and has no colon",
        |text: &String| !text.is_empty() && !text.contains(':');
}

fn method<'de, D: Deserializer<'de>>(from: D) -> Result<Method, D::Error> {
    let fits = |method: &String| ["GET", "POST", "PUT"].contains(&method.as_str());
    value(from, "expected GET, POST or PUT", fits)?.parse().map_err(D::Error::custom)
}

fn callback<'de, D: Deserializer<'de>>(from: D) -> Result<Option<OrderCallback>, D::Error> {
    let right = "expected AfterVideo, AfterIdent, OnFinal, or null";
    let fits = |name: &Option<String>| name.as_deref().is_none_or(|name| OrderCallback::read(name).is_some());
    Ok(value(from, right, fits)?.as_deref().and_then(OrderCallback::read))
}
