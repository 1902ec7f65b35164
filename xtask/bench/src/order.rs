//! An order of 2 KB, and hand-written types for exactly this order and its response.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The order of the document's sample, with further elements.
pub const ORDER: &str = include_str!("order.json");

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Order {
    #[serde(rename = "Ref")]
    reference: String,
    product: u32,
    add: u64,
    #[serde(rename = "getTargetLink")]
    get_target_link: bool,
    #[serde(rename = "getVideoHashes")]
    get_video_hashes: bool,
    #[serde(rename = "RedirectURL")]
    redirect_url: Redirect,
    #[serde(rename = "WebhookURL")]
    webhook_url: Webhook,
    phone: String,
    mobile: String,
    email: String,
    address: Address,
    ident_data: IdentData,
    email_notifications: Notifications,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Redirect {
    success: String,
    abort: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Webhook {
    after_video: String,
    on_final: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Address {
    firstname: String,
    surname: String,
    company_name: String,
    street: String,
    zip_code: String,
    city: String,
    country: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdentData {
    firstname: String,
    surname: String,
    street: String,
    zip_code: String,
    city: String,
    country: String,
    birthdate: String,
    birthplace: String,
    birthname: String,
    nationality: String,
    title: String,
    gender: String,
    email: String,
    mobile: String,
    #[serde(rename = "IDCard")]
    id_card: IdCard,
    additional: BTreeMap<String, Additional>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdCard {
    card_no: String,
    place_of_issue: String,
    date_of_issue: String,
    valid_until: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Additional {
    r#type: u32,
    label: String,
    value: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notifications {
    on_positive_ident: String,
    on_negative_ident: String,
    on_time_out: String,
    on_leave: String,
}

#[derive(Serialize, Deserialize)]
pub struct Answer {
    #[serde(rename = "OrderID")]
    pub order_id: String,
    #[serde(rename = "Ref")]
    pub reference: String,
    #[serde(rename = "TargetURL")]
    target_url: String,
    #[serde(rename = "VideoHashes")]
    video_hashes: Hashes,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Hashes {
    short_code: String,
    long_code: String,
}
