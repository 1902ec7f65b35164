//! How an account is set up: what at the vendor its support does, and what the document leaves open.

use std::collections::BTreeSet;

use http::Method;
use identkit_identity_tm::{OrderCallback, StatusKind};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::vendors::settings::{positive, refusal, seconds, some, user};

/// The codes that the default variant of `getStatus` returns. Which ones is lost in the document (AT-13): all final
/// ones and these, assumed.
const GENERAL: [u32; 12] = [6, 17, 22, 84, 89, 99, 100, 25, 75, 23, 63, 21];

/// What is counted: pages (AT-05), or what was reported (AT-06).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
pub enum Unit {
    /// Each status by itself.
    #[default]
    Statuses,
    /// Whole orders.
    Orders,
}

/// The shape of a list of orders (AT-03).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
pub enum GiroKey {
    /// `TargetURL`; `GiroURL` when the order asks for the landing page as well, which would otherwise be lost.
    #[default]
    TargetUrl,
    /// `GiroURL`, an element that the document does not list.
    GiroUrl,
}

/// What `serverStatus` says (AT-80).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
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

/// How the account is set up; see [`configure`](super::configure). The defaults are the contract's decisions.
///
/// From outside they are set by these names: spans of time in seconds, webhooks and the words of the other types as they
/// are written here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema), schemars(rename = "IdentityTmSettings"))]
pub struct Settings {
    /// User name of HTTP Basic authentication (T-003).
    #[serde(deserialize_with = "user")]
    #[cfg_attr(feature = "server", schemars(length(min = 1)))]
    pub customer_id: String,
    /// Its password (T-003).
    #[serde(deserialize_with = "some")]
    #[cfg_attr(feature = "server", schemars(length(min = 1)))]
    pub customer_code: String,
    /// Products that `putOrder` refuses with 400 because they are not enabled (T-006).
    pub products_not_enabled: BTreeSet<u32>,
    /// What else is not enabled: its calls answer 400 (T-006).
    pub not_enabled: BTreeSet<Feature>,
    /// Orders without `Address` are taken, as long as no courier and no shop is wanted (AT-43).
    pub address_optional: bool,
    /// The person is mailed (status 7) although the order asks for the link (AT-84).
    pub mail_beside_link: bool,
    /// Where the link of `getGiroLink` is told (AT-41).
    pub giro_key: GiroKey,
    /// Method of webhooks: GET, POST or PUT (T-032).
    #[serde(with = "method")]
    #[cfg_attr(feature = "server", schemars(with = "String", extend("enum" = ["GET", "POST", "PUT"])))]
    pub webhook_method: Method,
    /// `[Ref]` and `[OrderID]` go into webhook URLs as they are; only what no request line can hold is encoded (AT-20).
    pub raw_placeholders: bool,
    /// After how long an unfinished order times out, [T 4.1].
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "server", schemars(with = "u32"))]
    pub time_out: SignedDuration,
    /// A time-out deletes the order altogether: its status is 404 as well (AT-59).
    pub purge_on_time_out: bool,
    /// The webhook that is called when an order times out (AT-60).
    #[serde(with = "callback")]
    #[cfg_attr(feature = "server", schemars(with = "Option<String>", extend("enum" = ["AfterVideo", "AfterIdent", "OnFinal", null])))]
    pub webhook_on_time_out: Option<OrderCallback>,
    /// The webhook that is called when an order is cancelled by `cancelOrder` (AT-60).
    #[serde(with = "callback")]
    #[cfg_attr(feature = "server", schemars(with = "Option<String>", extend("enum" = ["AfterVideo", "AfterIdent", "OnFinal", null])))]
    pub webhook_on_cancel: Option<OrderCallback>,
    /// The webhook that is called when too many wrong TANs cancel an order (AT-60).
    #[serde(with = "callback")]
    #[cfg_attr(feature = "server", schemars(with = "Option<String>", extend("enum" = ["AfterVideo", "AfterIdent", "OnFinal", null])))]
    pub webhook_on_tan_limit: Option<OrderCallback>,
    /// The statuses that cancelling sets (AT-61). Without a final one among them the order stays open.
    #[cfg_attr(feature = "server", schemars(with = "Vec<u32>"))]
    pub cancelled_by: Vec<StatusKind>,
    /// With how many wrong TANs an order is cancelled; the document says "too many" (AT-54).
    #[serde(deserialize_with = "positive")]
    #[cfg_attr(feature = "server", schemars(range(min = 1)))]
    pub tan_tries: u32,
    /// The status of a single wrong TAN: 400 assumed, 409 in a later version (AT-54).
    #[serde(deserialize_with = "refusal")]
    #[cfg_attr(feature = "server", schemars(range(min = 400, max = 599)))]
    pub wrong_tan_status: u16,
    /// The status of data that is asked for before the order is final: 400 assumed, or 404 (AT-62).
    #[serde(deserialize_with = "refusal")]
    #[cfg_attr(feature = "server", schemars(range(min = 400, max = 599)))]
    pub early_data_status: u16,
    /// The status of an order stays readable after `delIdentdata` (AT-09); otherwise it is 404, and not listed.
    pub status_after_deletion: bool,
    /// Paths are compared letter by letter, so that `delIdentData` is 404 (AT-09). The profile `strict` always does.
    pub exact_paths: bool,
    /// Any version in the path is answered, as the document's own examples need (AT-11); otherwise 2.10 alone.
    pub any_version: bool,
    /// The codes that the default variants of `getStatus` and `getAllStatus` return (AT-13).
    pub general: BTreeSet<u32>,
    /// The key of the time of identification, which the document says to be misspelt (AT-01).
    #[serde(deserialize_with = "some")]
    #[cfg_attr(feature = "server", schemars(length(min = 1)))]
    pub identified_key: String,
    /// Results tell the person's address on the network, [T 3.3.4]: always one of the documentation block 192.0.2.0/24.
    pub user_ip: bool,
    /// The JSON results hold images (AT-28), [T 3.3.4]: drawings, or what a point of sale gave with the order.
    pub images: bool,
    /// The JSON results come in a form that is not described (AT-70): see [`unseal`](super::unseal).
    pub encrypted_results: bool,
    /// The shape of signed hashes (AT-36).
    pub hash_shape: HashShape,
    /// `getAllStatus` tells `Delivered`, the key of its table, besides the `Executed` of its example (AT-02).
    pub delivered_besides: bool,
    /// The shape of the list of `getAllStatus` (AT-03).
    pub list_shape: ListShape,
    /// `ExtendedList` in the body of `getAllStatus` counts, as in the document's example (AT-04).
    pub extended_list_in_body: bool,
    /// The number of the first page, 0 or 1 (AT-05). With 1, page 0 answers like page 1; the profile `strict` refuses it.
    #[serde(deserialize_with = "zero_or_one")]
    #[cfg_attr(feature = "server", schemars(range(max = 1)))]
    pub first_page: u32,
    /// What pages count (AT-05).
    pub page_unit: Unit,
    /// What counts as reported once it was told without a period (AT-06). By orders, one told at status 25 never
    /// comes again.
    pub reported_unit: Unit,
    /// What `serverStatus` says (AT-80).
    pub service: Service,
    /// Every video is recorded, also without Add 131072, [T 3.8.1].
    pub record_video: bool,
    /// How long it takes until a recording that was asked for is ready (T-038); nothing is documented.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "server", schemars(with = "u32"))]
    pub video_provisioning: SignedDuration,
    /// The call that says so is tried again like a webhook; otherwise it is made once (AT-39).
    pub video_callback_retries: bool,
    /// `[OrderID]` and `[Ref]` are filled in in its URL (AT-39).
    pub video_callback_placeholders: bool,
    /// Identifications are recorded as sound (T-006), [T 3.9].
    pub voice_files: bool,
    /// A slash in the answer with the sound is written as `\/` (AT-40).
    pub escape_slashes: bool,
    /// Identifications can be used again (AT-72), [T 6]: `getIdentData/…/Signed` is answered, `IdentDataSigned` read.
    pub reuse: bool,
    /// The signed form comes as the literal of a JSON string; otherwise as plain text (AT-71).
    pub signed_as_json_string: bool,
}

/// The method of webhooks, by its name.
mod method {
    use http::Method;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    const METHODS: [Method; 3] = [Method::GET, Method::POST, Method::PUT];

    pub(super) fn serialize<S: Serializer>(method: &Method, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(method.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Method, D::Error> {
        let told = String::deserialize(from).ok();
        let known = METHODS.into_iter().find(|method| told.as_deref() == Some(method.as_str()));
        known.ok_or_else(|| D::Error::custom("expected GET, POST or PUT"))
    }
}

/// One of the webhooks of an order by its name, or none of them.
mod callback {
    use identkit_identity_tm::OrderCallback;
    use identkit_wire::Callback as _;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    const ALL: [OrderCallback; 3] = [OrderCallback::AfterVideo, OrderCallback::AfterIdent, OrderCallback::OnFinal];

    pub(super) fn serialize<S: Serializer>(callback: &Option<OrderCallback>, to: S) -> Result<S::Ok, S::Error> {
        callback.map(|callback| callback.name()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<OrderCallback>, D::Error> {
        let right = || D::Error::custom("expected AfterVideo, AfterIdent, OnFinal, or null");
        let Some(told) = Option::<String>::deserialize(from).map_err(|_| right())? else { return Ok(None) };
        ALL.into_iter().find(|callback| callback.name() == told).map(Some).ok_or_else(right)
    }
}

fn zero_or_one<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let told = u32::deserialize(from).ok().filter(|number| *number < 2);
    told.ok_or_else(|| serde::de::Error::custom("expected 0 or 1"))
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            customer_id: "sandbox-customer".into(),
            customer_code: "sandbox-code".into(),
            products_not_enabled: BTreeSet::new(),
            not_enabled: BTreeSet::new(),
            address_optional: false,
            mail_beside_link: false,
            giro_key: GiroKey::default(),
            webhook_method: Method::GET,
            raw_placeholders: false,
            time_out: SignedDuration::from_hours(30 * 24),
            purge_on_time_out: false,
            webhook_on_time_out: Some(OrderCallback::OnFinal),
            webhook_on_cancel: Some(OrderCallback::OnFinal),
            webhook_on_tan_limit: Some(OrderCallback::OnFinal),
            cancelled_by: vec![StatusKind::CANCELLATION, StatusKind::TERMINATED],
            tan_tries: 3,
            wrong_tan_status: 400,
            early_data_status: 400,
            status_after_deletion: true,
            exact_paths: false,
            any_version: true,
            general: GENERAL.into(),
            identified_key: "Identified".into(),
            user_ip: false,
            images: false,
            encrypted_results: false,
            hash_shape: HashShape::default(),
            delivered_besides: false,
            list_shape: ListShape::default(),
            extended_list_in_body: true,
            first_page: 1,
            page_unit: Unit::default(),
            reported_unit: Unit::default(),
            service: Service::default(),
            record_video: false,
            video_provisioning: SignedDuration::from_secs(60),
            video_callback_retries: false,
            video_callback_placeholders: false,
            voice_files: false,
            escape_slashes: false,
            reuse: true,
            signed_as_json_string: false,
        }
    }
}
