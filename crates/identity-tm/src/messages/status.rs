//! `getStatus`, [T 3.2.4].

use std::fmt;

use identkit_core::{Pii, ShortPii};
use identkit_wire::{Dts, FieldPlace, FieldReader, Fill, message};
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use crate::{Finality, OrderFlavor, OrderId, StatusKind};

message! {
    /// The status of an order.
    pub struct OrderStatus {
        /// The vendor's id.
        "OrderID" => order_id: OrderId,
        /// The integrator's reference.
        "Ref" => reference: Pii<String>,
        /// When the order was executed, not when it was asked (AT-02). `Delivered` is read as well.
        "Executed" | "Delivered" => executed: Dts,
        /// The entries as they came: not sorted, perhaps repeated (AT-17).
        "Status" => status: Vec<StatusEntry> as Entries,
    }
}

message! {
    /// One entry.
    pub struct StatusEntry {
        /// The code.
        "Kind" => kind: StatusKind,
        /// When it was set.
        "Time" => time: Dts,
        /// An explanation, e.g. `TAN` with 71.
        "Text" => text: ShortPii,
    }
}

/// Reads entries, with room for an order as in the document's example from the start: it has 11, and growing to that from
/// nothing takes three allocations.
pub(super) struct Entries;

impl FieldReader<Vec<StatusEntry>> for Entries {
    fn read<'de, D: Deserializer<'de>>(
        place: FieldPlace<'_, Vec<StatusEntry>>,
        deserializer: D,
    ) -> Result<(), D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Option<Vec<StatusEntry>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_seq(self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(12);
                loop {
                    // Filled where it stays.
                    entries.push(StatusEntry::default());
                    let Some(place) = entries.last_mut() else { break };
                    if seq.next_element_seed(Fill(place))?.is_none() {
                        entries.pop();
                        break;
                    }
                }
                Ok(Some(if entries.is_empty() { Vec::new() } else { entries }))
            }
        }

        place.set(deserializer.deserialize_option(Reader)?);
        Ok(())
    }
}

impl OrderStatus {
    /// The codes, as they came.
    pub fn kinds(&self) -> impl Iterator<Item = StatusKind> + '_ {
        self.status.iter().flatten().filter_map(|entry| entry.kind)
    }

    /// The verdict for an order of this flavour.
    pub fn finality(&self, flavour: OrderFlavor) -> Finality {
        Finality::judge(flavour, self.kinds())
    }

    /// The entries for people: by time, entries without a readable time last, duplicates left out (AT-17).
    pub fn timeline(&self) -> Vec<&StatusEntry> {
        let mut entries: Vec<&StatusEntry> = Vec::new();
        for entry in self.status.iter().flatten() {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        entries.sort_by_key(|entry| {
            let at = entry.time.as_ref().and_then(Dts::timestamp);
            (at.is_none(), at)
        });
        entries
    }
}
