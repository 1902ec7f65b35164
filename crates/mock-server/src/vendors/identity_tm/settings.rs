//! Settings of an account, including the vendor's behavior where the document leaves it open.

use std::collections::BTreeSet;

use http::Method;
use identkit_core::{Pii, Secret};
use identkit_identity_tm::{OrderCallback, StatusKind};
use jiff::SignedDuration;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::account_urls::{RedirectUrls, WebhookUrls};
use crate::readers::value;
use crate::vendors::settings::{LandingPages, is_web_address, refusal, seconds, some, success};
use crate::world::text::{self, TextForm as _};

/// The codes that the default variant of `getStatus` returns. The document does not list them (AT-13); the final codes and
/// a few others are assumed.
const GENERAL: [u32; 12] = [6, 17, 22, 84, 89, 99, 100, 25, 75, 23, 63, 21];

/// Unit of pages (AT-05) and of reported entries (AT-06).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Unit {
    /// Single statuses.
    #[default]
    Statuses,
    /// Whole orders.
    Orders,
}

/// The shape of a list of orders (AT-03).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum ListShape {
    /// `[{…,"Status":[…]}]`: the document's example, with the element that its table requires.
    #[default]
    Array,
    /// `[{…}]`: the example as printed, without `Status`.
    Example,
    /// `{"Order":[…]}`, and `{"Order":{…}}` for a single order: a possible reading of the table.
    UnderOrder,
    /// `[{"Order":{…}}]`.
    EachUnderOrder,
    /// Like `Array`, but a single order is not in an array.
    BareWhenOne,
}

/// The shape of signed hashes (AT-36).
#[non_exhaustive]
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

/// Element of the response that contains the giro link (AT-41).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum GiroKey {
    /// `TargetURL`; but `GiroURL` if `TargetURL` is needed for the landing page.
    #[default]
    TargetUrl,
    /// `GiroURL`, an element that the document does not list.
    GiroUrl,
}

/// Format of videos, [T 3.8.3].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum VideoFormat {
    /// MP4 with H.264.
    #[default]
    Mp4,
    /// WebM with VP8.
    WebM,
}

/// Response of `serverStatus` (AT-80).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Service {
    /// Status 200.
    #[default]
    Up,
    /// Status 500.
    Down,
    /// The connection is closed without a response.
    Silent,
}

/// A feature that must be enabled for an account (T-006).
#[non_exhaustive]
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
    /// Returns the feature that a call needs, by the call's name in the path.
    pub(super) fn for_call(call: &str) -> Option<Self> {
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
/// Settings of an identity.TM account. The defaults are the contract's decisions.
///
/// In JSON, durations are numbers of seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "IdentityTmSettings")]
pub struct Settings {
    /// User name of HTTP Basic authentication (T-003).
    #[serde(deserialize_with = "user")]
    #[schemars(length(min = 1))]
    pub customer_id: String = "sandbox-customer".into(),
    /// Password of HTTP Basic authentication (T-003).
    #[serde(deserialize_with = "some")]
    #[schemars(length(min = 1))]
    pub customer_code: String = "sandbox-code".into(),
    /// Products that are not enabled: `putOrder` rejects them with 400 (T-006).
    pub products_not_enabled: BTreeSet<u32> = BTreeSet::new(),
    /// Features that are not enabled: their calls are rejected with 400 (T-006).
    pub not_enabled: BTreeSet<Feature> = BTreeSet::new(),
    /// Whether orders without `Address` are accepted. Courier and shop still need it (AT-43).
    pub address_optional: bool = false,
    /// Whether orders with `Add` 16 are accepted even if the person has no sign-me account that can sign. The document
    /// requires the account, but does not say how an order without it fails: 400 is assumed (T-051).
    pub sign_me_account_optional: bool = false,
    /// Whether the vendor sends an e-mail (status 7) even if the order requests the link (AT-84).
    pub mail_beside_link: bool = false,
    /// Element of the response that contains the link of `getGiroLink` (AT-41).
    pub giro_key: GiroKey = GiroKey::default(),
    /// Method of webhooks: GET, POST or PUT (T-032).
    #[serde(serialize_with = "text::serialize", deserialize_with = "method")]
    #[schemars(with = "String", extend("enum" = ["GET", "POST", "PUT"]))]
    pub webhook_method: Method = Method::GET,
    /// Whether `[Ref]` and `[OrderID]` are inserted into webhook URLs unencoded, except for characters that are invalid in a
    /// request line (AT-20).
    pub raw_placeholders: bool = false,
    /// URLs of webhooks for orders that set none (T-030). A change replaces all of them.
    #[serde(deserialize_with = "webhook_urls")]
    pub webhook_urls: WebhookUrls = WebhookUrls::default(),
    /// URLs of redirects for orders that set none (T-030). A change replaces all of them.
    #[serde(deserialize_with = "redirect_urls")]
    pub redirect_urls: RedirectUrls = RedirectUrls::default(),
    /// Host in `TargetURL` and in the mailed link to the landing page (M-15).
    pub landing_pages: LandingPages = LandingPages::default(),
    /// Whether the person waits on a page of the vendor until the order is final, and is redirected then; if not, as soon
    /// as the person's part is over, [T 2.4].
    pub spinner_page: bool = false,
    /// JSON that `GET /api/{version}/availability` returns, a stub for the availability of video agents, [T 8.2]. The
    /// vendor documents neither its path nor its response. If not set, the path is unknown.
    pub availability: Option<Value> = None,
    /// Time after which an unfinished order times out, [T 4.1].
    #[serde(with = "seconds")]
    #[schemars(with = "u32")]
    pub time_out: SignedDuration = SignedDuration::from_hours(30 * 24),
    /// Whether a time-out deletes the whole order, so that its status is 404 as well (AT-59).
    pub purge_on_time_out: bool = false,
    /// Webhook to call when an order times out (AT-60).
    #[serde(serialize_with = "text::optional::serialize", deserialize_with = "callback")]
    #[schemars(with = "Option<String>", extend("enum" = ["AfterVideo", "AfterIdent", "OnFinal", null]))]
    pub webhook_on_time_out: Option<OrderCallback> = Some(OrderCallback::OnFinal),
    /// Webhook to call when `cancelOrder` or the story `cancelled` cancels an order (AT-60).
    #[serde(serialize_with = "text::optional::serialize", deserialize_with = "callback")]
    #[schemars(with = "Option<String>", extend("enum" = ["AfterVideo", "AfterIdent", "OnFinal", null]))]
    pub webhook_on_cancel: Option<OrderCallback> = Some(OrderCallback::OnFinal),
    /// Webhook to call when too many wrong TANs cancel an order (AT-60).
    #[serde(serialize_with = "text::optional::serialize", deserialize_with = "callback")]
    #[schemars(with = "Option<String>", extend("enum" = ["AfterVideo", "AfterIdent", "OnFinal", null]))]
    pub webhook_on_tan_limit: Option<OrderCallback> = Some(OrderCallback::OnFinal),
    /// Statuses that a cancellation sets (AT-61). If none of them is final, the order stays open.
    #[schemars(with = "Vec<u32>")]
    pub cancelled_by: Vec<StatusKind> = vec![StatusKind::CANCELLATION, StatusKind::TERMINATED],
    /// Number of wrong TANs that cancels an order; the document says "too many" (AT-54).
    #[serde(deserialize_with = "positive")]
    #[schemars(range(min = 1))]
    pub tan_tries: u32 = 3,
    /// Response status for a wrong TAN: 400 is assumed; 409 in a later version (AT-54).
    #[serde(deserialize_with = "refusal")]
    #[schemars(range(min = 400, max = 599))]
    pub wrong_tan_status: u16 = 400,
    /// Response status for data that is requested before the order is final: 400 is assumed, 404 is possible (AT-62).
    #[serde(deserialize_with = "refusal")]
    #[schemars(range(min = 400, max = 599))]
    pub early_data_status: u16 = 400,
    /// Whether the status of an order stays readable after `delIdentdata`; if not, it is 404 and not listed (AT-09).
    pub status_after_deletion: bool = true,
    /// Whether paths are case-sensitive, so that `delIdentData` is 404 (AT-09). In the profile `strict` they always are.
    pub exact_paths: bool = false,
    /// Whether paths may have any version, which the document's examples need; if not, only 2.10 is accepted (AT-11).
    pub any_version: bool = true,
    /// Codes that the default variants of `getStatus` and `getAllStatus` return (AT-13).
    pub general: BTreeSet<u32> = GENERAL.into(),
    /// Key of the time of identification; the document says that it is misspelt (AT-01).
    #[serde(deserialize_with = "key")]
    #[schemars(length(min = 1))]
    pub identified_key: String = "Identified".into(),
    /// Whether results contain the person's IP address, [T 3.3.4]. It is always 192.0.2.1.
    pub user_ip: bool = false,
    /// Whether JSON results contain images (AT-28), [T 3.3.4]: those of the order, or drawings.
    pub images: bool = false,
    /// Whether JSON results are encrypted. The vendor's format is not described (AT-70); the sandbox uses its own.
    pub encrypted_results: bool = false,
    /// Shape of signed hashes (AT-36).
    pub hash_shape: HashShape = HashShape::default(),
    /// Whether `getAllStatus` returns `Delivered`, the key of its table, in addition to `Executed` (AT-02).
    pub delivered_besides: bool = false,
    /// Shape of the list of `getAllStatus` (AT-03).
    pub list_shape: ListShape = ListShape::default(),
    /// Whether `getAllStatus` accepts `ExtendedList` in the body, as in the document's example (AT-04).
    pub extended_list_in_body: bool = true,
    /// Number of the first page, 0 or 1 (AT-05). With 1, page 0 is the same as page 1; the profile `strict` rejects it.
    #[serde(deserialize_with = "zero_or_one")]
    #[schemars(range(max = 1))]
    pub first_page: u32 = 1,
    /// Unit of pages (AT-05).
    pub page_unit: Unit = Unit::default(),
    /// Unit of the entries that are reported once without a period (AT-06). With `Orders`, an order that was reported at
    /// status 25 is never reported again.
    pub reported_unit: Unit = Unit::default(),
    /// Status of all successful responses, from 200 to 299, instead of the documented ones, as from a gateway (AT-89). With
    /// 204 and 205 the responses have no body. If not set, the documented statuses.
    #[serde(deserialize_with = "success")]
    #[schemars(range(min = 200, max = 299))]
    pub success_status: Option<u16> = None,
    /// Whether responses have every element that the document requires, also without a value: `Ref` as an empty string,
    /// `Executed` as the time of the newest status until the order is executed, empty elements of the initial data
    /// (AT-93). If not, they are absent.
    pub required_elements: bool = true,
    /// Whether `getAllStatus` lists the orders of the document's examples, [T 4.2].
    pub examples_in_lists: bool = false,
    /// Response of `serverStatus` (AT-80).
    pub service: Service = Service::default(),
    /// Whether every video is recorded, even without Add 131072, [T 3.8.1].
    pub record_video: bool = false,
    /// Format of recordings and of the placeholder, [T 3.8.3].
    pub video_format: VideoFormat = VideoFormat::default(),
    /// Time until a requested recording is ready (T-038); it is not documented.
    #[serde(with = "seconds")]
    #[schemars(with = "u32")]
    pub video_provisioning: SignedDuration = SignedDuration::from_secs(60),
    /// Whether the callback for a ready recording is retried like a webhook; if not, it is called once (AT-39).
    pub video_callback_retries: bool = false,
    /// Whether `[OrderID]` and `[Ref]` are replaced in the URL of this callback (AT-39).
    pub video_callback_placeholders: bool = false,
    /// Whether identifications have audio recordings (T-006), [T 3.9].
    pub voice_files: bool = false,
    /// Whether a slash in the response with audio recordings is escaped as `\/` (AT-40).
    pub escape_slashes: bool = false,
    /// Whether identifications can be re-used with `getIdentData/…/Signed` and `IdentDataSigned` (AT-72), [T 6].
    pub reuse: bool = true,
    /// Whether the signed form is returned as a JSON string literal; if not, as plain text (AT-71).
    pub signed_as_json_string: bool = false,
}
}

impl Settings {
    /// Returns the text of an element that the document requires. Without a text it is empty, or absent (AT-93).
    pub(super) fn required(&self, text: Option<Pii<String>>) -> Option<Pii<String>> {
        text.or_else(|| self.required_elements.then(|| "".into()))
    }
}

readers! {
    positive: u32, "a whole number, 1 or more", |number| *number > 0;
    zero_or_one: u32, "0 or 1", |number| *number < 2;
    key: String, "a string that is not empty and not the name of another element",
        |name: &String| !["", "OrderID", "Ref", "IdentifyMethod", "UserIp", "IdentData"].contains(&name.as_str());
    // A colon ends a user name (RFC 7617, section 2).
    user: String, "a string that is not empty and has no colon",
        |text: &String| !text.is_empty() && !text.contains(':');
}

/// What error messages call an invalid value. The readers of settings do not print it.
const URLS: Unexpected<'static> = Unexpected::Other("other URLs");

fn is_valid<'a>(urls: impl IntoIterator<Item = &'a Option<Secret>>) -> bool {
    urls.into_iter().flatten().all(|url| is_web_address(url.expose()))
}

fn webhook_urls<'de, D: Deserializer<'de>>(from: D) -> Result<WebhookUrls, D::Error> {
    let urls = WebhookUrls::deserialize(from)?;
    let excludes = urls.after_video.is_some() && urls.after_ident.is_some();
    match is_valid([&urls.after_video, &urls.after_ident, &urls.on_final]) && !excludes {
        true => Ok(urls),
        false => Err(D::Error::invalid_value(
            URLS,
            &"URLs that begin with https:// or http://, AfterVideo without AfterIdent",
        )),
    }
}

fn redirect_urls<'de, D: Deserializer<'de>>(from: D) -> Result<RedirectUrls, D::Error> {
    let urls = RedirectUrls::deserialize(from)?;
    match is_valid([&urls.success, &urls.abort]) {
        true => Ok(urls),
        false => Err(D::Error::invalid_value(URLS, &"URLs that begin with https:// or http://")),
    }
}

fn method<'de, D: Deserializer<'de>>(from: D) -> Result<Method, D::Error> {
    let fits = |method: &String| ["GET", "POST", "PUT"].contains(&method.as_str());
    value(from, "GET, POST or PUT", fits)?.parse().map_err(D::Error::custom)
}

fn callback<'de, D: Deserializer<'de>>(from: D) -> Result<Option<OrderCallback>, D::Error> {
    let form = "AfterVideo, AfterIdent, OnFinal, or null";
    let fits = |name: &Option<String>| name.as_deref().is_none_or(|name| OrderCallback::read(name).is_some());
    Ok(value(from, form, fits)?.as_deref().and_then(OrderCallback::read))
}
