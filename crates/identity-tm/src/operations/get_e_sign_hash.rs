//! `getESignHash`, [T 3.6]: the signed hashes, by the names that putOrder gave.

use identkit_core::{Error, Kind};
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Received, RetrySafety, json};

use super::{JSON_CAP, READ, order_operation, read_json};
use crate::messages::SignedHashes;

order_operation! {
    /// The signed hashes. The order needs `eSignHash` and final status 84.
    GetESignHash, GET "/getESignHash/{OrderID}", name: "getESignHash", section: "[T] 3.6",
    safety: RetrySafety::Safe, ambiguous: AmbiguityPolicy::Retry(4), expect: &[200], reply: BodyMode::Whole { cap: JSON_CAP },
    refusals: READ, output: SignedHashes, decode: decode, encode: |output| json::response(200, &output)
}

fn decode(_: &GetESignHash, head: &http::response::Parts, body: Received) -> Result<Decoded<SignedHashes>, Error> {
    let answer: SignedHashes = read_json(head, body)?;
    if answer.hashes.as_ref().is_none_or(|hashes| hashes.0.is_empty()) {
        return Err(Error::new(Kind::Protocol, "the answer holds no signed hash"));
    }
    Ok(answer.into())
}
