//! Using an identification again, [T 6]: the signed form of its data, and what a new order does with it.
//!
//! The form is text: a line that says what it is, the data in Base64, and a seal over all of it with a key of this
//! world. The vendor's is encrypted besides; this one holds nothing but made-up data, and can be read.

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use identkit_core::Violation;
use identkit_identity_tm::messages::{IdentDataAnswer, StatusEntry};
use identkit_identity_tm::{GetIdentDataSigned, OrderFlavor, OrderId, SignedIdentData, StatusKind};
use identkit_wire::{decode_base64, encode_base64, json};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

use super::documents::IdentVariant;
use super::lookup::finished;
use super::orders::{Order, Orders, dts};
use super::stories::Step;
use crate::World;
use crate::rules::Rules;
use crate::vendor::Refused;
use crate::world::text;

/// The first line: nobody shall take the form for evidence.
const TITLE: &str = "identkit sandbox: a synthetic identification, worth nothing outside of it\n";
/// What stands before the seal.
const SEAL: &str = "HMAC-SHA256 ";
/// Characters of Base64 in a line.
const LINE: usize = 76;

/// The key of a world's seals. It follows from the seed, so that a sandbox started again with the same seed knows what
/// it sealed before.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Key(#[serde(with = "text")] [u8; 64]);

impl Default for Key {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    fn seal(&self, text: &str) -> Hmac<Sha256> {
        let mut seal = Hmac::<Sha256>::new(&self.0.into());
        seal.update(text.as_bytes());
        seal
    }
}

/// Makes the key of a new world. Nothing is drawn from its randomness.
pub(super) fn seed(world: &mut World) {
    let seed = world.random.get_seed().to_le_bytes();
    let digest = Sha512::new().chain_update(b"identity.TM: seals").chain_update(seed).finalize();
    *world.part::<Key>() = Key(digest.into());
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    /// Whether the identification was positive: an order can also end with a suspicion of fraud.
    positive: bool,
    data: IdentDataAnswer,
}

/// What came of an `IdentDataSigned`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reuse {
    /// It is used: the person goes on to signing at once.
    Accepted(Box<IdentDataAnswer>),
    /// It is not, for this reason, and the person is identified again: no error (AT-72).
    Refused(Reason),
}

/// Why the person is identified again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// The seal does not hold.
    Tampered,
    /// Not positive, or without name or birthdate.
    Insufficient,
    /// The identity document.
    Expired,
    /// Support would have to.
    NotEnabled,
    /// The order.
    NothingToSign,
}

impl Reason {
    fn told(self) -> &'static str {
        match self {
            Self::Tampered => "tampered with, or not signed by this sandbox",
            Self::Insufficient => "not sufficient for signing",
            Self::Expired => "the identity document is no longer valid",
            Self::NotEnabled => "the account is not enabled for re-using identifications",
            Self::NothingToSign => "the order has nothing to sign",
        }
    }
}

impl Reuse {
    /// In words, for the admin API.
    pub(super) fn told(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Refused(reason) => reason.told(),
        }
    }
}

/// The signed form of the data of a final order.
pub(super) fn signed(world: &mut World, op: GetIdentDataSigned) -> Result<SignedIdentData, Refused> {
    let rules = world.rules.clone();
    let settings = &world.part::<Orders>().settings;
    let (enabled, quoted) = (settings.reuse || !rules.enforce("T-006/reuse"), settings.signed_as_json_string);
    let order = finished(world, &op.order_id)?;
    if !enabled {
        let fault =
            Violation::new("OrderID", "the account is not enabled for re-using identifications", "T-006", "[T] 6");
        return Err(Refused::new(400, fault));
    }
    let data = order.ident_data(IdentVariant::IdentifyMethod, &rules);
    let sealed = Sealed { positive: order.has(StatusKind::POSITIVE), data };
    let failed = |error| Refused { status: 500, ..Refused::invalid(&error, "[T] 3.3") };
    let form = write(world.part::<Key>(), &json::write(&sealed).map_err(failed)?);
    let bytes = if quoted { json::write(&form).map_err(failed)? } else { form.into_bytes() };
    Ok(SignedIdentData(Bytes::from(bytes)))
}

fn write(key: &Key, data: &[u8]) -> String {
    let mut form = TITLE.to_owned();
    for (index, letter) in encode_base64(data).chars().enumerate() {
        if index > 0 && index % LINE == 0 {
            form.push('\n');
        }
        form.push(letter);
    }
    form.push('\n');
    let seal = encode_base64(&key.seal(&form).finalize().into_bytes());
    form + SEAL + &seal + "\n"
}

/// The sealed data, unless a single character was changed, lost or added.
fn read(key: &Key, form: &str, rules: &Rules) -> Option<Sealed> {
    let at = form.rfind(SEAL)?;
    let (signed, seal) = form.split_at_checked(at)?;
    let seal = decode_base64(seal.strip_prefix(SEAL)?.strip_suffix('\n')?).ok()?;
    if rules.enforce("AT-72/seal") {
        key.seal(signed).verify_slice(&seal).ok()?;
    }
    let data: String = signed.strip_prefix(TITLE)?.lines().collect();
    json::read(&decode_base64(&data).ok()?).ok()
}

/// The three checks of [T 6], on the day of the order.
fn judge(key: &Key, form: &str, now: Timestamp, rules: &Rules) -> Reuse {
    let Some(Sealed { positive, data }) = read(key, form, rules) else {
        return Reuse::Refused(Reason::Tampered);
    };
    let (valid_until, complete) = data.checked().map_or((None, false), |person| {
        let valid_until = person.id_card.as_ref().and_then(|card| card.valid_until.as_ref()?.expose().parse().ok());
        let suffices = !rules.enforce("AT-72/data");
        (valid_until, suffices || person.firstname.is_some() && person.surname.is_some() && person.birthdate.is_some())
    });
    // Which data suffice is not documented: assumed.
    let Some(valid_until) = valid_until.filter(|_: &Date| complete && (positive || !rules.enforce("AT-72/data")))
    else {
        return Reuse::Refused(Reason::Insufficient);
    };
    if rules.enforce("AT-72/valid") && valid_until < Offset::constant(2).to_datetime(now).date() {
        return Reuse::Refused(Reason::Expired);
    }
    Reuse::Accepted(Box::new(data))
}

/// Has a new order use what it brought along. Only one with something to sign does.
pub(super) fn apply(world: &mut World, id: &OrderId) {
    let (now, key, rules) = (world.now, world.part::<Key>().clone(), world.rules.clone());
    let orders = world.part::<Orders>();
    let enabled = orders.settings.reuse || !rules.enforce("T-006/reuse");
    let Some(order) = orders.by_id.get_mut(id.expose()) else { return };
    let Some(form) = order.request.ident_data_signed.take().filter(|form| !form.expose().is_empty()) else { return };
    let reuse = match order.flavour {
        _ if !enabled => Reuse::Refused(Reason::NotEnabled),
        other if other != OrderFlavor::Qes && rules.enforce("AT-72/signing") => Reuse::Refused(Reason::NothingToSign),
        _ => judge(&key, form.expose(), now, &rules),
    };
    if matches!(reuse, Reuse::Accepted(_)) {
        // The statuses of a video are missing, which tells it from another identification (AT-72). That 6 is set at
        // all, and at once, is assumed.
        order.executed = Some(dts(now));
        order.status.push(StatusEntry::default().kind(StatusKind::POSITIVE).time(dts(now)));
    }
    order.reuse = Some(reuse);
}

impl Order {
    /// The data that is used again.
    pub(super) fn reused(&self) -> Option<&IdentDataAnswer> {
        match &self.reuse {
            Some(Reuse::Accepted(data)) => Some(data),
            _ => None,
        }
    }

    /// The story `reuse`: the person signs, and nobody identifies them.
    pub(super) fn reuse_story(&self, signing: &[Step], last: &[Step]) -> Result<Vec<Step>, &'static str> {
        match &self.reuse {
            Some(Reuse::Accepted(_)) => Ok([signing, last].concat()),
            Some(Reuse::Refused(_)) => Err("IdentDataSigned was not accepted: the person is identified again"),
            None => Err("this order has no IdentDataSigned"),
        }
    }
}
