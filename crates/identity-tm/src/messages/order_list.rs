//! The list of `getAllStatus`, [T 4.2], in any shape that the document's table and example show (AT-03), and in any other.
//!
//! A list as documented is read into memory or order by order. Any other list is read as a tree, entry by entry: an entry
//! that cannot be read is kept, and affects no other one. Every element of an array becomes at least one order.

use std::borrow::Cow;
use std::fmt;

use identkit_wire::json::{self, JsonFault, Node, Notes};
use identkit_wire::{Extra, Fill, Message, is_same_name};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::mend::{self, AS_IT_CAME};
use super::{ListedOrder, StatusEntry, TvSlot};

/// A list of orders. Written as an array, as in the document's example; also read under `Order` and as a single object
/// (AT-03).
///
/// An entry that is not an order is in the list too: [`ListedOrder::is_whole`] is `false` for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OrderList(pub Vec<ListedOrder>);

/// The key of the orders in a wrapper.
const ORDER: &str = "Order";

/// Receives the orders of a list while it is read.
trait Sink {
    fn push(&mut self, order: ListedOrder);

    /// Receives what an object with the key `Order` has beside it.
    fn beside(&mut self, _: &Extra) {}
}

impl Sink for Vec<ListedOrder> {
    fn push(&mut self, order: ListedOrder) {
        self.push(order);
    }
}

/// Passes each order to a function, and what a wrapper has beside its orders to another one.
struct Each<F, B>(F, B);

impl<F: FnMut(ListedOrder), B: FnMut(&Extra)> Sink for Each<F, B> {
    fn push(&mut self, order: ListedOrder) {
        (self.0)(order);
    }

    fn beside(&mut self, extra: &Extra) {
        (self.1)(extra);
    }
}

/// Reads a list of a documented shape into a sink.
struct List<'a, T>(&'a mut T);

/// Reads an element of the list: an order, or a wrapper of one or several.
struct Element<'a, T> {
    sink: &'a mut T,
    /// Whether it is the whole list, so that it can have no orders.
    root: bool,
}

/// Reads the value of `Order` and returns the number of its orders.
struct Wrapped<'a, T>(&'a mut T);

/// Keys of an element, for the path of a fault.
const ELEMENT: &[&str] = &[ORDER, "OrderID", "Ref", "Executed", "Delivered", "Status", "TVSlot"];

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
        while seq.next_element_seed(Element { sink: self.0, root: false })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        Element { sink: self.0, root: true }.visit_map(map)
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
        let mut read = Unwrapping { order: ListedOrder::default(), sink: &mut *self.sink, wrapped: None };
        Fill(&mut read).visit_map(map)?;
        let Unwrapping { order, wrapped, .. } = read;
        match wrapped {
            None => push(self.sink, order),
            Some(orders) if (orders > 0 || self.root) && is_beside(&order) => {
                self.sink.beside(&order.extra);
                Ok(())
            }
            Some(_) => Err(A::Error::custom("an order beside the element Order")),
        }
    }
}

/// Whether an object with the key `Order` has neither an element of an order nor other orders beside it.
fn is_beside(order: &ListedOrder) -> bool {
    let listed_nothing = ListedOrder { extra: order.extra.clone(), ..ListedOrder::default() };
    *order == listed_nothing && !has_orders(&order.extra)
}

/// Whether elements that the document does not list can have orders.
fn has_orders(extra: &Extra) -> bool {
    extra.keys().any(|name| has_list(name))
}

fn push<T: Sink, E: serde::de::Error>(sink: &mut T, order: ListedOrder) -> Result<(), E> {
    if !order.has_id() {
        return Err(E::missing_field("OrderID"));
    }
    if has_orders(&order.extra) {
        return Err(E::custom("orders in an order"));
    }
    sink.push(order);
    Ok(())
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
        if key != ORDER {
            return self.order.read_unlisted(key, map);
        }
        let count = map.next_value_seed(Wrapped(&mut *self.sink))?;
        match self.wrapped.replace(count) {
            None => Ok(()),
            Some(_) => Err(A::Error::duplicate_field(ORDER)),
        }
    }
}

impl<'de, T: Sink> DeserializeSeed<'de> for Wrapped<'_, T> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Sink> Visitor<'de> for Wrapped<'_, T> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(order) = seq.next_element()? {
            push(self.0, order)?;
            count += 1;
        }
        Ok(count)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<usize, A::Error> {
        push(self.0, ListedOrder::deserialize(MapAccessDeserializer::new(map))?)?;
        Ok(1)
    }
}

impl OrderList {
    /// Calls `each` for every order of an encoded list of a documented shape. In addition to the text, only one order is
    /// in memory. `each` is called before the rest of the text is read: only `Ok` means that the text was complete and
    /// valid.
    ///
    /// # Errors
    /// [`json::JsonFault`] if the text is not a list, or has another shape.
    pub fn for_each(text: &[u8], each: impl FnMut(ListedOrder)) -> Result<(), JsonFault> {
        Self::for_each_and_beside(text, each, |_| ())
    }

    /// As [`for_each`](Self::for_each). `beside` is called for the elements beside `Order`.
    pub(crate) fn for_each_and_beside(
        text: &[u8],
        each: impl FnMut(ListedOrder),
        beside: impl FnMut(&Extra),
    ) -> Result<(), JsonFault> {
        json::read_with::<Self, _>(text, List(&mut Each(each, beside)))
    }

    /// Reads a list of any shape. The notes say what differs from the document.
    ///
    /// # Errors
    /// [`JsonFault`] if the text is not valid JSON.
    pub(crate) fn read(text: &[u8]) -> Result<(Self, Notes), JsonFault> {
        let mut orders = Vec::new();
        if Self::for_each(text, |order| orders.push(order)).is_ok() {
            return Ok((Self(orders), Notes::default()));
        }
        let mut entries = Entries::default();
        match &json::parse(text)? {
            Node::Map(members) => entries.add_object(members),
            other => entries.add_all(other),
        }
        Ok((Self(entries.orders), entries.notes))
    }
}

/// The orders of a list of any shape.
#[derive(Default)]
struct Entries {
    orders: Vec<ListedOrder>,
    notes: Notes,
}

type Members<'de> = [(Cow<'de, str>, Node<'de>)];

impl Entries {
    /// Adds the elements of a list, or a single entry. `null` is none.
    fn add_all(&mut self, node: &Node<'_>) {
        match node {
            Node::Null => {}
            Node::List(many) => many.iter().for_each(|one| self.add(one)),
            Node::Repeated(many) => {
                self.notes.keep_all(ORDER);
                many.iter().for_each(|one| self.add_all(one));
            }
            one => self.add(one),
        }
    }

    /// Adds an entry: at least one order.
    fn add(&mut self, node: &Node<'_>) {
        let before = self.orders.len();
        match node {
            Node::List(_) | Node::Repeated(_) => self.add_all(node),
            Node::Map(members) => self.add_object(members),
            _ => {}
        }
        if self.orders.len() == before {
            let mut order = ListedOrder::default();
            let value = node.read(&mut Notes::default()).unwrap_or_default();
            order.extra.insert(format!("Entry{AS_IT_CAME}"), value);
            self.orders.push(order);
        }
    }

    /// Adds the orders of a wrapper, and the object itself if it is an order too.
    fn add_object(&mut self, members: &Members<'_>) {
        let (wrapped, own): (Vec<_>, Vec<_>) = members.iter().partition(|(name, _)| has_list(name));
        for (name, value) in &wrapped {
            if is_wrapper(name) { self.add_all(value) } else { self.add(value) }
        }
        let is_order = own.iter().any(|(name, _)| mend::is_spelling(name, ListedOrder::SPELLINGS));
        if is_order || (wrapped.is_empty() && !own.is_empty()) {
            self.add_order(own.into_iter().cloned().collect());
        }
    }

    /// Adds an order. An element that cannot be read is in `extra`.
    fn add_order(&mut self, mut members: Vec<(Cow<'_, str>, Node<'_>)>) {
        for (name, value) in &mut members {
            match (&**name, &mut *value) {
                ("Status", Node::List(entries)) => {
                    entries.iter_mut().for_each(|entry| set_apart::<StatusEntry>(entry, &mut self.notes));
                }
                ("TVSlot", slot) => set_apart::<TvSlot>(slot, &mut self.notes),
                _ => {}
            }
            let Some(listed) = ListedOrder::SPELLINGS.iter().find(|listed| *name == **listed) else { continue };
            let repeated = match value {
                // The last value is read, but `null` is no other id.
                Node::Repeated(many) if *listed == "OrderID" => {
                    many.sort_by_key(|one| *one != Node::Null);
                    let mut ids = many.iter().filter(|one| **one != Node::Null);
                    let first = ids.next();
                    ids.any(|id| Some(id) != first)
                }
                Node::Repeated(_) => *listed == "Status",
                _ => false,
            };
            if let (true, Node::Repeated(many)) = (repeated, &mut *value) {
                *value = Node::List(std::mem::take(many));
            } else {
                let mut alone = Node::Map(vec![(name.clone(), value.clone())]);
                mend::mend(&mut alone, &mut Notes::default());
                if alone.read::<ListedOrder>(&mut Notes::default()).is_ok() {
                    continue;
                }
            }
            self.notes.ignore(listed, repeated);
            *name = format!("{listed}{AS_IT_CAME}").into();
        }
        let mut node = Node::Map(members);
        mend::mend(&mut node, &mut self.notes);
        self.orders.extend(node.read::<ListedOrder>(&mut self.notes).ok());
    }
}

/// Renames the elements of an object that cannot be read, so that the others can.
fn set_apart<T: Message + DeserializeOwned>(node: &mut Node<'_>, notes: &mut Notes) {
    for (name, value) in node.members().into_iter().flatten() {
        let Some(listed) = T::SPELLINGS.iter().find(|listed| *name == **listed) else { continue };
        let alone = Node::Map(vec![(name.clone(), value.clone())]);
        if alone.read::<T>(&mut Notes::default()).is_err() {
            notes.ignore(listed, false);
            *name = format!("{listed}{AS_IT_CAME}").into();
        }
    }
}

/// Whether a name is that of the orders in a wrapper, in any spelling, e.g. `Orders`.
fn is_wrapper(name: &str) -> bool {
    mend::is_spelling(name, &[ORDER])
}

/// Whether a name is an index, as PHP writes a list with gaps.
fn is_index(name: &str) -> bool {
    (1..=4).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the orders of a list are read from an element with this name.
pub(crate) fn has_list(name: &str) -> bool {
    is_wrapper(name) || is_index(name)
}

impl ListedOrder {
    /// Whether the entry of the list was understood: it has an `OrderID`, each of its elements can be read, and its
    /// status entries name no order, which may be another one (AT-24). If not, what cannot be read is in
    /// [`extra`](#structfield.extra).
    pub fn is_whole(&self) -> bool {
        let is_odd = |name: &String| name.ends_with(AS_IT_CAME) || mend::is_spelling(name, &["OrderID", "Status"]);
        let inner =
            self.status.iter().flatten().map(|entry| &entry.extra).chain(self.tv_slot.iter().map(|slot| &slot.extra));
        let is_kept =
            |name: &String| (name.ends_with(AS_IT_CAME) && name != mend::ODD) || is_same_name(name, "OrderID");
        self.has_id() && !self.extra.keys().any(is_odd) && !inner.flat_map(|extra| extra.keys()).any(is_kept)
    }

    fn has_id(&self) -> bool {
        self.order_id.as_ref().is_some_and(|id| !id.expose().is_empty())
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
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn ids(orders: &[ListedOrder]) -> String {
        orders.iter().map(|order| order.order_id.as_ref().map_or("-", |id| id.expose())).collect()
    }

    #[test]
    fn at_03_for_each_reads_every_documented_shape() {
        for (text, expected) in [
            (r#"[{"OrderID":"1"},{"OrderID":"2"}]"#, "12"),
            (r#"{"Order":[{"OrderID":"1"},{"OrderID":"2"}]}"#, "12"),
            (r#"[{"Order":{"OrderID":"1"}},{"OrderID":"2"}]"#, "12"),
            (r#"{"OrderID":"1"}"#, "1"),
            (r#"{"Order":[],"Error":"x"}"#, ""),
            ("[]", ""),
        ] {
            let mut orders = Vec::new();
            OrderList::for_each(text.as_bytes(), |order| orders.push(order)).unwrap();
            assert_eq!(ids(&orders), expected, "{text}");
            let (read, notes) = OrderList::read(text.as_bytes()).unwrap();
            assert_eq!((read.0, notes), (orders, Notes::default()), "{text}");
        }
    }

    #[test]
    fn at_03_an_entry_that_is_not_understood_is_never_dropped() {
        // "-" is an entry without an id, "!" an order with an element that cannot be read.
        for (text, expected) in [
            (r#"[{"Order":{"OrderID":"1"}},{"Order":null},{"OrderID":"2"},{}]"#, "1-2-"),
            (r#"{"OrderID":"1","Order":{"OrderID":"2"}}"#, "21"),
            (r#"{"OrderID":"1","Order":[]}"#, "1"),
            (r#"{"OrderID":"1","Order":null}"#, "1"),
            (r#"[{"Order":{"OrderID":"1"},"Order":{"OrderID":"2"}},{"OrderID":"3"}]"#, "123"),
            (r#"[{"Order":[{"OrderID":"1"}],"Order":null,"Order":[{"OrderID":"2"},5]}]"#, "12-"),
            (r#"{"0":{"OrderID":"1"},"1":{"OrderID":"2"},"Error":"x"}"#, "12"),
            (r#"{"0":{"OrderID":"1"},"5":[{"OrderID":"2"}],"6":{}}"#, "12-"),
            (r#"[{"OrderID":"1"},[{"OrderID":"2"},[]],null,true,5,"x",{"order":{"OrderID":"3"}}]"#, "12-----3"),
            (r#"[{"OrderID":"1","Status":"x"},{"OrderID":"2"}]"#, "1!2"),
            (r#"[{"OrderID":"1","Status":[{"Kind":6}],"status":[{"Kind":89}]}]"#, "1!"),
            (r#"[{"OrderID":"1","Status":[],"Status":[{"Kind":6}]},{"OrderID":"2"}]"#, "1!2"),
            (r#"[{"OrderID":"1","OrderID":"2"},{"OrderID":"3","OrderID":"3"}]"#, "-3"),
            (r#"[{"OrderID":["1"]},{"OrderID":7,"Executed":{}},{"OrderID":""},{"orderid":"9"}]"#, "-7!--"),
            (r#"[{"OrderID":null,"OrderID":"1"},{"OrderID":"2","OrderID":null}]"#, "12"),
            (r#"{"Order":[null,{"OrderID":"1"}]}"#, "-1"),
            (r#"{"Ref":"a","Order":{"OrderID":"1"}}"#, "1-"),
            (r#"[{"OrderID":"1","order":[{"OrderID":"2"}]}]"#, "21"),
            (r#"{"Order":[{"OrderID":"1","0":{"OrderID":"2"}}],"order":{"OrderID":"3"}}"#, "213"),
            ("{}", ""),
        ] {
            let (read, _) = OrderList::read(text.as_bytes()).unwrap();
            let id = |order: &ListedOrder| match order.order_id.as_ref().map_or("", |id| id.expose()) {
                "" => "-".to_owned(),
                id if order.is_whole() => id.to_owned(),
                id => format!("{id}!"),
            };
            assert_eq!(read.0.iter().map(id).collect::<String>(), expected, "{text}");
        }
        // Other elements of the same object are read.
        let (read, _) =
            OrderList::read(br#"[{"OrderID":"1","Status":[{"Kind":89,"Time":{}}],"TVSlot":{"SlotBegin":{}}}]"#)
                .unwrap();
        assert_eq!(read.0[0].kinds().map(|kind| kind.0).collect::<Vec<_>>(), [89]);
        assert_eq!(json::write(&read.0[0].tv_slot).unwrap(), br#"{"SlotBeginAsItCame":{}}"#);
        // Nothing of an odd entry is lost.
        let (read, _) = OrderList::read(br#"[{"OrderID":"1","Status":7},8]"#).unwrap();
        let shown = serde_json::to_value(&read).unwrap();
        assert_eq!(shown, json!([{ "OrderID": "1", "StatusAsItCame": 7 }, { "EntryAsItCame": 8 }]));
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
    }

    /// An entry, with the ids of its orders and the number of its entries that are none.
    fn entry() -> impl Strategy<Value = (Value, Vec<u32>, usize)> {
        let order = (any::<u32>(), 0..6_usize).prop_map(|(id, shape)| {
            let order = json!({ "OrderID": id.to_string(), "Status": [{ "Kind": 25 }] });
            let whole = match shape {
                0 => json!({ "Order": order }),
                1 => json!({ "Order": [order] }),
                2 => json!([order]),
                3 => json!({ "order": order, "Count": 1 }),
                4 => json!({ "0": order }),
                _ => order,
            };
            (whole, vec![id], 0)
        });
        let odd = [
            json!(null),
            json!(true),
            json!(5),
            json!("x"),
            json!({}),
            json!([]),
            json!({ "Order": null }),
            json!({ "Order": [] }),
            json!({ "Order": [{}] }),
            json!({ "Ref": "a" }),
            json!({ "OrderID": {} }),
            json!({ "OrderID": "" }),
        ];
        let odd = prop::sample::select(odd.to_vec()).prop_map(|value| (value, Vec::new(), 1));
        let elements =
            vec![("Status", json!(7)), ("Executed", json!({ "a": 1 })), ("TVSlot", json!("x")), ("Ref", json!([1]))];
        let broken = (any::<u32>(), prop::sample::select(elements))
            .prop_map(|(id, (name, value))| (json!({ "OrderID": id.to_string(), name: value }), vec![id], 1));
        let both = any::<u32>().prop_map(|id| {
            let value = json!({ "OrderID": id.to_string(), "Order": [null, { "OrderID": "7" }] });
            (value, vec![7, id], 1)
        });
        prop_oneof![3 => order, 2 => odd, 1 => broken, 1 => both]
    }

    proptest! {
        #[test]
        fn at_03_entries_are_orders_or_reported(entries in prop::collection::vec(entry(), 0..8), shape in 0..3_usize) {
            let values: Vec<&Value> = entries.iter().map(|(value, ..)| value).collect();
            let numbered: serde_json::Map<String, Value> =
                values.iter().enumerate().map(|(at, value)| (at.to_string(), (*value).clone())).collect();
            let text = match shape {
                0 => json!(values),
                1 => json!({ "Order": values }),
                _ => json!(numbered),
            };
            let (read, _) = OrderList::read(text.to_string().as_bytes()).unwrap();
            let mut found: Vec<u32> = read.0.iter().filter_map(|order| order.order_id.as_ref()?.expose().parse().ok()).collect();
            let mut expected: Vec<u32> = entries.iter().flat_map(|(_, ids, _)| ids.clone()).collect();
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected, "{}", text);
            let unreadable = read.0.iter().filter(|order| !order.is_whole()).count();
            prop_assert_eq!(unreadable, entries.iter().map(|(.., odd)| odd).sum::<usize>(), "{}", text);
        }
    }
}
