//! `getVoiceFiles`, [T 3.9]: audio recordings, where the account is set up for them.

use identkit_wire::{AmbiguityPolicy, BodyMode, RetrySafety, json};

use super::{JSON_CAP, READ, order_operation, read_json};
use crate::messages::VoiceFiles;

order_operation! {
    /// The recordings, Base64 in JSON.
    GetVoiceFiles, GET "/getVoiceFiles/{OrderID}", name: "getVoiceFiles", section: "[T] 3.9",
    safety: RetrySafety::Safe, ambiguous: AmbiguityPolicy::Retry(4), expect: &[200], reply: BodyMode::Whole { cap: JSON_CAP },
    refusals: READ, output: VoiceFiles,
    decode: |_: &Self, head, body| read_json::<VoiceFiles>(head, body).map(Into::into),
    encode: |output| json::response(200, &output)
}
