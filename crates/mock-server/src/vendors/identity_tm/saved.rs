//! The vendor's share of a saved world. Orders are saved in the vendor's own JSON, through the messages themselves.

use std::collections::BTreeMap;

use identkit_identity_tm::OrderCallback;
use identkit_identity_tm::messages::{CheckedIdCard, IdentDataAnswer};
use identkit_wire::{Callback as _, OneOrMany};
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};
use serde_json::Value;

use super::orders::{Order, Orders};
use super::reuse::Key;
use crate::vendors::settings as by_name;
use crate::world::read::{Fields, items, read, written};
use crate::world::text::Written;
use crate::{Opened, SavedError, Shares, World};

const KEYS: [&str; 5] = ["settings", "seal_key", "orders", "reported", "opened"];

pub(super) fn save(shares: &mut Shares<'_>) -> Result<Value, SavedError> {
    // A share that nobody has asked for yet is as good as its default.
    let (no_orders, no_key) = (Orders::default(), Key::default());
    let Orders { settings, by_id, reported, opened } = shares.get().unwrap_or(&no_orders);
    let key: &Key = shares.get().unwrap_or(&no_key);
    let mut orders = Vec::with_capacity(by_id.len());
    for order in by_id.values() {
        orders.push(written(order, "an order")?);
    }
    Ok(Value::from_iter([
        ("settings", by_name::saved(settings)?),
        ("seal_key", written(key, "the key of the seals")?),
        ("orders", orders.into()),
        ("reported", written(reported, "what was reported")?),
        ("opened", opened.save()),
    ]))
}

pub(super) fn load(world: &mut World, saved: &Value) -> Result<(), SavedError> {
    let fields = Fields::of(saved, "", &KEYS)?;
    let settings = by_name::load(fields.get("settings")?, &fields.at("settings"))?;
    let key: Key = fields.read("seal_key")?;
    let mut by_id = BTreeMap::new();
    let place = fields.at("orders");
    for (item, at) in items(fields.get("orders")?, &place)? {
        let order: Order = read(item, &at)?;
        if by_id.insert(order.id.expose().to_owned(), Box::new(order)).is_some() {
            return Err(SavedError::damaged(format!("{at}/id"), "expected an id of its own"));
        }
    }
    let reported = fields.list("reported")?.into_iter().collect();
    let opened = Opened::load(fields.list("opened")?, &fields.at("opened"), |id| by_id.contains_key(id))?;
    *world.part() = Orders { settings, by_id, reported, opened };
    *world.part() = key;
    Ok(())
}

impl Written for OrderCallback {
    const FORM: &'static str = "AfterVideo, AfterIdent or OnFinal";

    fn write(&self) -> String {
        self.name().to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        [Self::AfterVideo, Self::AfterIdent, Self::OnFinal].into_iter().find(|callback| callback.name() == text)
    }
}

/// The texts of statuses that stories set.
pub(super) mod word {
    use serde::de::{Error as _, Unexpected};
    use serde::ser::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    const KNOWN: [&str; 2] = ["TAN", "signme Passwort"];

    #[allow(clippy::ref_option, reason = "the shape that serde asks for")]
    pub(in super::super) fn serialize<S: Serializer>(word: &Option<&'static str>, to: S) -> Result<S::Ok, S::Error> {
        match word.is_none_or(|word| KNOWN.contains(&word)) {
            true => word.serialize(to),
            false => Err(S::Error::custom("a text of a status that could not be read back")),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'static str>, D::Error> {
        let Some(told) = Option::<String>::deserialize(from)? else { return Ok(None) };
        let known = KNOWN.into_iter().find(|known| *known == told);
        let right = || D::Error::invalid_value(Unexpected::Other("a text"), &"TAN, signme Passwort, or null");
        known.map(Some).ok_or_else(right)
    }
}

/// Reads a result with the nulls of its cards: the document's example has them (AT-25), and a message's own reader takes
/// null for what is not there.
pub(super) fn with_nulls<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<IdentDataAnswer>>, D::Error> {
    let Some(told) = Option::<Value>::deserialize(from)? else { return Ok(None) };
    // serde's own text may quote a value.
    let wrong = |_| D::Error::custom("a result that cannot be read");
    let mut answer = IdentDataAnswer::deserialize(&told).map_err(wrong)?;
    let persons = told.get("IdentData").map_or(&[][..], |told| match told {
        Value::Array(several) => several,
        one => std::slice::from_ref(one),
    });
    let read = answer.ident_data.iter_mut().flat_map(OneOrMany::as_mut_slice);
    for (card, told) in read.zip(persons).filter_map(|(data, told)| Some((data.id_card.as_mut()?, told.get("IDCard")?)))
    {
        for key in CheckedIdCard::KEYS.iter().filter(|key| told.get(key) == Some(&Value::Null)) {
            card.extra.insert((*key).to_owned(), Value::Null);
        }
    }
    Ok(Some(Box::new(answer)))
}
