//! `getAllStatus`, [T 4.2]: many orders at once, in any of the shapes that table and example show (AT-03).

use std::fmt;

use identkit_core::Pii;
use identkit_wire::{Dts, OneOrMany, message};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};

use super::StatusEntry;
use crate::{Finality, OrderFlavour, OrderId, StatusKind};

message! {
    /// The optional request.
    pub struct AllStatusRequest {
        /// With a period nothing is marked as already queried; without one the read is destructive (T-100).
        "Period" => period: Period,
        /// Not in the table, only in the example (AT-04): the URL says it instead.
        "ExtendedList" => extended_list: bool,
    }
}

message! {
    /// From when until when.
    pub struct Period {
        /// From.
        "Begin" => begin: Dts,
        /// Until.
        "End" => end: Dts,
        /// In pages.
        "Paging" => paging: Paging,
    }
}

message! {
    /// A page.
    pub struct Paging {
        /// Entries of a page, at most 1000.
        "Elements" => elements: u32,
        /// Which page; whether the first is 0 or 1 is not documented (AT-05).
        "Page" => page: u32,
    }
}

message! {
    /// One order of the list.
    pub struct ListedOrder {
        /// The vendor's id.
        "OrderID" => order_id: OrderId,
        /// The integrator's reference.
        "Ref" => reference: Pii<String>,
        /// When the order was executed; the table calls it `Delivered`, the example `Executed` (AT-02).
        "Executed" | "Delivered" => executed: Dts,
        /// The entries; absent in the document's example though marked as always there (AT-03).
        "Status" => status: Vec<StatusEntry>,
        /// The appointment, with status 19 only.
        "TVSlot" => tv_slot: TvSlot,
    }
}

message! {
    /// An appointment.
    pub struct TvSlot {
        /// Its begin.
        "SlotBegin" => slot_begin: Dts,
        /// Its end.
        "SlotEnd" => slot_end: Dts,
    }
}

impl ListedOrder {
    /// The codes, as they came.
    pub fn kinds(&self) -> impl Iterator<Item = StatusKind> + '_ {
        self.status.iter().flatten().filter_map(|entry| entry.kind)
    }

    /// The verdict for an order of this flavour.
    pub fn finality(&self, flavour: OrderFlavour) -> Finality {
        Finality::judge(flavour, self.kinds())
    }
}

/// The list: a root array by the example, read also under `Order` and as a single object (AT-03). Written as an array.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OrderList(pub Vec<ListedOrder>);

message! {
    /// An element of the list: an order, or a wrapper round one or several.
    pub struct Element {
        "Order" => order: OneOrMany<ListedOrder>,
        "OrderID" => order_id: OrderId,
        "Ref" => reference: Pii<String>,
        "Executed" | "Delivered" => executed: Dts,
        "Status" => status: Vec<StatusEntry>,
        "TVSlot" => tv_slot: TvSlot,
    }
}

impl Element {
    fn into_orders(self, all: &mut Vec<ListedOrder>) {
        let Self { order, order_id, reference, executed, status, tv_slot, extra } = self;
        match order {
            Some(OneOrMany::One(one)) => all.push(one),
            Some(OneOrMany::Many(many)) => all.extend(many),
            None => {
                let order = ListedOrder { order_id, reference, executed, status, tv_slot, extra };
                // An object that says nothing is how some say "none": no order is made of it.
                if order != ListedOrder::default() {
                    all.push(order);
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for OrderList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes;

        impl<'de> Visitor<'de> for Shapes {
            type Value = OrderList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of orders")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OrderList, A::Error> {
                let mut all = Vec::new();
                while let Some(element) = seq.next_element::<Element>()? {
                    element.into_orders(&mut all);
                }
                Ok(OrderList(all))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OrderList, A::Error> {
                let mut all = Vec::new();
                Element::deserialize(MapAccessDeserializer::new(map))?.into_orders(&mut all);
                Ok(OrderList(all))
            }
        }

        deserializer.deserialize_any(Shapes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identkit_wire::json;

    #[test]
    fn at_03_the_list_is_read_in_every_shape() {
        for (text, ids) in [
            (r#"[{"OrderID":"1"},{"OrderID":"2"}]"#, "12"),
            (r#"{"Order":[{"OrderID":"1"},{"OrderID":"2"}]}"#, "12"),
            (r#"{"Order":{"OrderID":"1"}}"#, "1"),
            (r#"[{"Order":{"OrderID":"1"}},{"Order":{"OrderID":"2"}}]"#, "12"),
            (r#"{"OrderID":"1"}"#, "1"),
            ("[]", ""),
            ("{}", ""),
            (r#"{"Order":[]}"#, ""),
            (r#"{"Order":null}"#, ""),
            (r#"[{"Order":null},{"OrderID":"1"},{}]"#, "1"),
        ] {
            let read: OrderList = json::read(text.as_bytes()).unwrap();
            let told: String = read.0.iter().map(|order| order.order_id.as_ref().unwrap().expose()).collect();
            assert_eq!(told, ids, "{text}");
        }
    }

    #[test]
    fn the_documents_example_lacks_status_and_is_read() {
        let text = include_str!("../../fixtures/S-062-get-all-status-response.json");
        let read: OrderList = json::read(text.as_bytes()).unwrap();
        assert_eq!(read.0.len(), 5);
        assert!(read.0.iter().all(|order| order.kinds().count() == 0));
        assert!(read.0[0].executed.is_none() && read.0[1].executed.is_some());
        let again: serde_json::Value = serde_json::to_value(&read).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
    }

    #[test]
    fn the_documents_request_is_read_and_written() {
        let text = include_str!("../../fixtures/S-061-get-all-status-request.json");
        let read: AllStatusRequest = json::read(text.as_bytes()).unwrap();
        let paging = read.period.as_ref().unwrap().paging.as_ref().unwrap();
        assert_eq!((paging.elements, paging.page), (Some(200), Some(2)));
        let again: serde_json::Value = serde_json::to_value(&read).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
    }
}
