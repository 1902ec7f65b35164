//! Re-use of an identification, [T 6]: the signed form of its data, and how a new order uses it.
//!
//! The form is text: a title, the data in Base64, and a seal over both with a key of the world. The vendor's form is also
//! encrypted; this one contains only synthetic data and is readable.

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use identkit_identity_tm::messages::{IdentDataAnswer, StatusEntry};
use identkit_identity_tm::{GetIdentDataSigned, OrderFlavor, OrderId, SignedIdentData, StatusKind};
use identkit_wire::{decode_base64, encode_base64, json};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

use super::documents::IdentVariant;
use super::{FACTS, Orders, Reason, Reuse, dts, find_final, of_order, rules};
use crate::rules::Rules;
use crate::vendors::berlin;
use crate::world::text;
use crate::{Rejection, World};

/// The first line: the form must not be mistaken for evidence.
const TITLE: &str = "identkit sandbox: a synthetic identification, worth nothing outside of it\n";
const SEAL: &str = "HMAC-SHA256 ";
const LINE: usize = 76;

/// The key of a world's seals. It is derived from the seed, so a restarted sandbox with the same seed accepts earlier
/// seals.
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

/// Sets the key of a new world, without using its random generator.
pub(super) fn seed(world: &mut World) {
    let seed = world.random.get_seed().to_le_bytes();
    let digest = Sha512::new().chain_update(b"identity.TM: seals").chain_update(seed).finalize();
    *world.state::<Key>() = Key(digest.into());
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    /// Whether the identification was positive. An order can also end with a suspicion of fraud.
    positive: bool,
    data: IdentDataAnswer,
}

pub(super) fn signed(world: &mut World, op: GetIdentDataSigned) -> Result<SignedIdentData, Rejection> {
    let rules = world.rules.clone();
    let settings = world.state::<Orders>().settings.clone();
    let (enabled, quoted) = (settings.reuse || !rules.enforce(&rules::T_006_REUSE), settings.signed_as_json_string);
    let order = find_final(world, &op.order_id)?;
    if !enabled {
        return Err(of_order(400, "the account is not enabled for re-using identifications", &rules::T_006_REUSE));
    }
    let data = order.ident_data(IdentVariant::IdentifyMethod, &settings, &rules);
    let sealed = Sealed { positive: order.has(StatusKind::POSITIVE), data };
    let form = write(world.state::<Key>(), &FACTS.or_reject(json::write(&sealed), "[T] 3.3")?);
    let bytes = if quoted { FACTS.or_reject(json::write(&form), "[T] 3.3")? } else { form.into_bytes() };
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

/// Returns the sealed data if the form is unchanged.
fn read(key: &Key, form: &str, rules: &Rules) -> Option<Sealed> {
    let at = form.rfind(SEAL)?;
    let (signed, seal) = form.split_at_checked(at)?;
    let seal = decode_base64(seal.strip_prefix(SEAL)?.strip_suffix('\n')?).ok()?;
    if rules.enforce(&rules::AT_72_SEAL) {
        key.seal(signed).verify_slice(&seal).ok()?;
    }
    let data: String = signed.strip_prefix(TITLE)?.lines().collect();
    json::read(&decode_base64(&data).ok()?).ok()
}

/// Applies the three checks of [T 6], on the day of the order.
fn judge(key: &Key, form: &str, now: Timestamp, rules: &Rules) -> Reuse {
    let Some(Sealed { positive, data }) = read(key, form, rules) else {
        return Reuse::Refused(Reason::Tampered);
    };
    let (valid_until, complete) = data.checked().map_or((None, false), |person| {
        let valid_until = person.id_card.as_ref().and_then(|card| card.valid_until.as_ref()?.expose().parse().ok());
        let suffices = !rules.enforce(&rules::AT_72_DATA);
        (valid_until, suffices || person.firstname.is_some() && person.surname.is_some() && person.birthdate.is_some())
    });
    // Which data is sufficient is not documented; this is assumed.
    let Some(valid_until) = valid_until.filter(|_: &Date| complete && (positive || !rules.enforce(&rules::AT_72_DATA)))
    else {
        return Reuse::Refused(Reason::Insufficient);
    };
    if rules.enforce(&rules::AT_72_VALID) && valid_until < berlin::local(now).date() {
        return Reuse::Refused(Reason::Expired);
    }
    Reuse::Accepted(Box::new(data))
}

/// Applies the IdentDataSigned of a new order. Only orders with something to sign use it.
pub(super) fn apply(world: &mut World, id: &OrderId) {
    let (now, key, rules) = (world.now, world.state::<Key>().clone(), world.rules.clone());
    let orders = world.state::<Orders>();
    let enabled = orders.settings.reuse || !rules.enforce(&rules::T_006_REUSE);
    let Some(order) = orders.by_id.get_mut(id.expose()) else { return };
    let Some(form) = order.request.ident_data_signed.take().filter(|form| !form.expose().is_empty()) else { return };
    let reuse = match order.flavor {
        _ if !enabled => Reuse::Refused(Reason::NotEnabled),
        other if other != OrderFlavor::Qes && rules.enforce(&rules::AT_72_SIGNING) => {
            Reuse::Refused(Reason::NothingToSign)
        }
        _ => judge(&key, form.expose(), now, &rules),
    };
    if matches!(reuse, Reuse::Accepted(_)) {
        // There are no statuses of a video, unlike in other identifications (AT-72). That 6 is set, and at once, is
        // assumed.
        order.executed = Some(dts(now));
        order.status.push(StatusEntry::default().kind(StatusKind::POSITIVE).time(dts(now)));
    }
    order.reuse = Some(reuse);
}
