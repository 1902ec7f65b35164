//! The list of `getAllStatus`, [T 4.2], in any of the shapes that table and example show (AT-03): read into memory, or
//! order by order.

use std::fmt;

use identkit_wire::{Extra, Fill, Message, json};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::ListedOrder;

/// The list: a root array by the example, read also under `Order` and as a single object (AT-03). Written as an array.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OrderList(pub Vec<ListedOrder>);

/// Where the orders of a list go while it is read.
trait Taker {
    fn take(&mut self, order: ListedOrder);

    /// The last so many do not count, their wrapper's element being there once more: `false` when it is too late.
    fn forget(&mut self, last: usize) -> bool;
}

impl Taker for Vec<ListedOrder> {
    fn take(&mut self, order: ListedOrder) {
        self.push(order);
    }

    fn forget(&mut self, last: usize) -> bool {
        self.truncate(self.len().saturating_sub(last));
        true
    }
}

/// Hands each order on at once.
struct Each<F>(F);

impl<F: FnMut(ListedOrder)> Taker for Each<F> {
    fn take(&mut self, order: ListedOrder) {
        (self.0)(order);
    }

    fn forget(&mut self, last: usize) -> bool {
        last == 0
    }
}

/// Reads a list, in any shape, into a taker.
struct List<'a, T>(&'a mut T);

/// Reads an element of the list: an order, or a wrapper round one or several.
struct Element<'a, T>(&'a mut T);

/// Reads what is wrapped, and says how many orders it was; `None` for `null`.
struct Wrapped<'a, T> {
    taker: &'a mut T,
    /// So many came under the same key before: the last of several counts, as with any other key.
    before: usize,
}

impl<T: Taker> Wrapped<'_, T> {
    fn begin<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.taker.forget(self.before) { Ok(()) } else { Err(E::duplicate_field("Order")) }
    }
}

/// The keys of an element, for the path of a fault.
const ELEMENT: &[&str] = &["Order", "OrderID", "Ref", "Executed", "Delivered", "Status", "TVSlot"];

impl<'de, T: Taker> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Taker> Visitor<'de> for List<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of orders")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Element(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        Element(self.0).visit_map(map)
    }
}

impl<'de, T: Taker> DeserializeSeed<'de> for Element<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_struct("Element", ELEMENT, self)
    }
}

impl<'de, T: Taker> Visitor<'de> for Element<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let mut read = Unwrapping { order: ListedOrder::default(), taker: &mut *self.0, wrapped: None };
        Fill(&mut read).visit_map(map)?;
        let Unwrapping { order, wrapped, .. } = read;
        // An object that says nothing is how some say "none": no order is made of it.
        if wrapped.is_none() && (order.order_id.is_some() || order != ListedOrder::default()) {
            self.0.take(order);
        }
        Ok(())
    }
}

/// An element while it is read: an order, of which what it wraps goes to the taker.
struct Unwrapping<'a, T> {
    order: ListedOrder,
    taker: &'a mut T,
    /// How many orders it wraps.
    wrapped: Option<usize>,
}

impl<T: Taker> Message for Unwrapping<'_, T> {
    const SPELLINGS: &'static [&'static str] = ListedOrder::SPELLINGS;

    #[inline]
    fn find_spelling(key: &str) -> Option<usize> {
        ListedOrder::find_spelling(key)
    }

    #[inline]
    fn read_field<'de, A: MapAccess<'de>>(&mut self, spelling: usize, map: &mut A) -> Result<(), A::Error> {
        self.order.read_field(spelling, map)
    }

    fn extra(&mut self) -> &mut Extra {
        self.order.extra()
    }

    fn read_unlisted<'de, A: MapAccess<'de>>(&mut self, key: String, map: &mut A) -> Result<(), A::Error> {
        if key != "Order" {
            return self.order.read_unlisted(key, map);
        }
        let before = self.wrapped.unwrap_or(0);
        let count = map.next_value_seed(Wrapped { taker: &mut *self.taker, before })?;
        self.wrapped = count.or(self.wrapped);
        Ok(())
    }
}

impl<'de, T: Taker> DeserializeSeed<'de> for Wrapped<'_, T> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Taker> Visitor<'de> for Wrapped<'_, T> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array of objects")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Option<usize>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Option<usize>, A::Error> {
        self.begin()?;
        let mut count = 0;
        while let Some(order) = seq.next_element()? {
            self.taker.take(order);
            count += 1;
        }
        Ok(Some(count))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<Option<usize>, A::Error> {
        self.begin()?;
        self.taker.take(ListedOrder::deserialize(MapAccessDeserializer::new(map))?);
        Ok(Some(1))
    }
}

impl OrderList {
    /// Reads a list order by order and keeps none: beside the text it takes the memory of one order. An order is handed
    /// out before what follows it was looked at; only `Ok` says that the text was whole.
    ///
    /// # Errors
    /// [`json::JsonFault`] as for the list itself, and when a wrapper holds `Order` twice.
    pub fn for_each(text: &[u8], each: impl FnMut(ListedOrder)) -> Result<(), json::JsonFault> {
        json::read_with::<Self, _>(text, List(&mut Each(each)))
    }
}

impl<'de> Deserialize<'de> for OrderList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut orders = Vec::new();
        List(&mut orders).deserialize(deserializer)?;
        Ok(Self(orders))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_03_order_by_order_the_list_is_read_in_every_shape() {
        for (text, ids) in [
            (r#"[{"OrderID":"1"},{"OrderID":"2"}]"#, "12"),
            (r#"{"Order":[{"OrderID":"1"},{"OrderID":"2"}]}"#, "12"),
            (r#"[{"Order":{"OrderID":"1"}},{"Order":null},{"OrderID":"2"},{}]"#, "12"),
            (r#"{"OrderID":"1"}"#, "1"),
            ("{}", ""),
            (r#"{"OrderID":"1","Order":{"OrderID":"2"}}"#, "2"),
            (r#"{"OrderID":"1","Order":[]}"#, ""),
            (r#"{"OrderID":"1","Order":null}"#, "1"),
        ] {
            let mut told = Vec::new();
            OrderList::for_each(text.as_bytes(), |order| told.push(order)).unwrap();
            assert_eq!(json::read::<OrderList>(text.as_bytes()).unwrap().0, told, "{text}");
            let told: String = told.iter().map(|order| order.order_id.as_ref().unwrap().expose()).collect();
            assert_eq!(told, ids, "{text}");
        }
    }

    #[test]
    fn order_by_order_a_fault_is_told_with_its_place_and_what_came_before_was_handed_out() {
        let text = br#"[{"OrderID":"1"},{"OrderID":"2","Status":[{"Kind":"Mustermann"}]}]"#;
        let mut count = 0;
        let fault = OrderList::for_each(text, |_| count += 1).unwrap_err();
        assert_eq!((count, fault.path.as_str()), (1, "[1].Status[0].Kind"));
        assert_eq!(fault, json::read::<OrderList>(text).unwrap_err());
        assert!(OrderList::for_each(br#"[{"OrderID":"1"}"#, |_| ()).is_err(), "cut short");
        assert!(OrderList::for_each(br#"[{"OrderID":"1"}] x"#, |_| ()).is_err(), "more than a list");
        // What was handed out cannot be taken back; read at once, the last one counts.
        let twice =
            br#"[{"OrderID":"9"},{"Order":[{"OrderID":"1"},{"OrderID":"2"}],"Order":{"OrderID":"3"},"Order":null}]"#;
        assert!(OrderList::for_each(twice, |_| ()).is_err());
        let last = json::read(br#"[{"OrderID":"9"},{"OrderID":"3"}]"#).unwrap();
        assert_eq!(json::read::<OrderList>(twice).unwrap(), last);
    }
}
