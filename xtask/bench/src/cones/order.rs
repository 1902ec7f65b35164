//! The order of the programs without identkit.
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub struct Order {
    #[serde(rename = "Ref")]
    pub reference: String,
}

#[derive(Deserialize)]
pub struct Answer {
    #[serde(rename = "OrderID")]
    pub order_id: String,
}
