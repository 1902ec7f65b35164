//! The list of `getAllStatus`, [T 4.2], in any shape that the document's table and example show (AT-03). It is read into
//! memory or order by order.

use std::fmt;

use identkit_wire::{Extra, Fill, Message, json};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::ListedOrder;

/// A list of orders. Written as an array, as in the document's example; also read under `Order` and as a single object
/// (AT-03).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OrderList(pub Vec<ListedOrder>);

/// Receives the orders of a list while it is read.
trait Sink {
    fn push(&mut self, order: ListedOrder);

    /// Removes the last `count` orders, because their key `Order` occurs again. Returns `false` if that is not possible.
    fn remove_last(&mut self, count: usize) -> bool;

    /// Receives what an object with the key `Order` has beside it.
    fn beside(&mut self, _: &Extra) {}
}

impl Sink for Vec<ListedOrder> {
    fn push(&mut self, order: ListedOrder) {
        self.push(order);
    }

    fn remove_last(&mut self, count: usize) -> bool {
        self.truncate(self.len().saturating_sub(count));
        true
    }
}

/// Passes each order to a function, and what a wrapper has beside its orders to another one.
struct Each<F, B>(F, B);

impl<F: FnMut(ListedOrder), B: FnMut(&Extra)> Sink for Each<F, B> {
    fn push(&mut self, order: ListedOrder) {
        (self.0)(order);
    }

    fn remove_last(&mut self, count: usize) -> bool {
        count == 0
    }

    fn beside(&mut self, extra: &Extra) {
        (self.1)(extra);
    }
}

/// Reads a list in any shape into a sink.
struct List<'a, T>(&'a mut T);

/// Reads an element of the list: an order, or a wrapper of one or several.
struct Element<'a, T>(&'a mut T);

/// Reads the value of `Order` and returns the number of its orders; `None` for `null`.
struct Wrapped<'a, T> {
    sink: &'a mut T,
    /// Number of orders under an earlier `Order` of the same wrapper. The last one counts, as for any duplicate key.
    before: usize,
}

impl<T: Sink> Wrapped<'_, T> {
    fn begin<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.sink.remove_last(self.before) { Ok(()) } else { Err(E::duplicate_field("Order")) }
    }
}

/// Keys of an element, for the path of a fault.
const ELEMENT: &[&str] = &["Order", "OrderID", "Ref", "Executed", "Delivered", "Status", "TVSlot"];

impl<'de, T: Sink> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Sink> Visitor<'de> for List<'_, T> {
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

impl<'de, T: Sink> DeserializeSeed<'de> for Element<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_struct("Element", ELEMENT, self)
    }
}

impl<'de, T: Sink> Visitor<'de> for Element<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let mut read = Unwrapping { order: ListedOrder::default(), sink: &mut *self.0, wrapped: None };
        Fill(&mut read).visit_map(map)?;
        let Unwrapping { order, wrapped, .. } = read;
        if wrapped.is_some() {
            self.0.beside(&order.extra);
        }
        // An empty object is not an order.
        if wrapped.is_none() && (order.order_id.is_some() || order != ListedOrder::default()) {
            self.0.push(order);
        }
        Ok(())
    }
}

/// State of an element while it is read. Orders under its key `Order` go to the sink.
struct Unwrapping<'a, T> {
    order: ListedOrder,
    sink: &'a mut T,
    /// Number of orders under `Order`.
    wrapped: Option<usize>,
}

impl<T: Sink> Message for Unwrapping<'_, T> {
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
        let count = map.next_value_seed(Wrapped { sink: &mut *self.sink, before })?;
        self.wrapped = count.or(self.wrapped);
        Ok(())
    }
}

impl<'de, T: Sink> DeserializeSeed<'de> for Wrapped<'_, T> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Sink> Visitor<'de> for Wrapped<'_, T> {
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
            self.sink.push(order);
            count += 1;
        }
        Ok(Some(count))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<Option<usize>, A::Error> {
        self.begin()?;
        self.sink.push(ListedOrder::deserialize(MapAccessDeserializer::new(map))?);
        Ok(Some(1))
    }
}

impl OrderList {
    /// Calls `each` for every order of an encoded list. In addition to the text, only one order is in memory. `each` is
    /// called before the rest of the text is read: only `Ok` means that the text was complete and valid.
    ///
    /// # Errors
    /// [`json::JsonFault`] if the text is not a list, or if a wrapper contains `Order` twice.
    pub fn for_each(text: &[u8], each: impl FnMut(ListedOrder)) -> Result<(), json::JsonFault> {
        Self::for_each_and_beside(text, each, |_| ())
    }

    /// As [`for_each`](Self::for_each). `beside` is called for the elements beside `Order`.
    pub(crate) fn for_each_and_beside(
        text: &[u8],
        each: impl FnMut(ListedOrder),
        beside: impl FnMut(&Extra),
    ) -> Result<(), json::JsonFault> {
        json::read_with::<Self, _>(text, List(&mut Each(each, beside)))
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
    fn at_03_for_each_reads_every_shape_of_the_list() {
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
            let mut orders = Vec::new();
            OrderList::for_each(text.as_bytes(), |order| orders.push(order)).unwrap();
            assert_eq!(json::read::<OrderList>(text.as_bytes()).unwrap().0, orders, "{text}");
            let read: String = orders.iter().map(|order| order.order_id.as_ref().unwrap().expose()).collect();
            assert_eq!(read, ids, "{text}");
        }
    }

    #[test]
    fn for_each_passes_the_orders_before_a_fault_and_locates_it() {
        let text = br#"[{"OrderID":"1"},{"OrderID":"2","Status":[{"Kind":"Mustermann"}]}]"#;
        let mut count = 0;
        let fault = OrderList::for_each(text, |_| count += 1).unwrap_err();
        assert_eq!((count, fault.path.as_str()), (1, "[1].Status[0].Kind"));
        assert_eq!(fault, json::read::<OrderList>(text).unwrap_err());
        assert!(OrderList::for_each(br#"[{"OrderID":"1"}"#, |_| ()).is_err(), "truncated");
        assert!(OrderList::for_each(br#"[{"OrderID":"1"}] x"#, |_| ()).is_err(), "trailing text");
        // Orders that were passed to `each` cannot be removed. Read at once, the last `Order` counts.
        let twice =
            br#"[{"OrderID":"9"},{"Order":[{"OrderID":"1"},{"OrderID":"2"}],"Order":{"OrderID":"3"},"Order":null}]"#;
        assert!(OrderList::for_each(twice, |_| ()).is_err());
        let last = json::read(br#"[{"OrderID":"9"},{"OrderID":"3"}]"#).unwrap();
        assert_eq!(json::read::<OrderList>(twice).unwrap(), last);
    }
}
