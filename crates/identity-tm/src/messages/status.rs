//! `getStatus`, [T 3.2.4].

use identkit_core::Pii;
use identkit_wire::{Dts, message};

use crate::{Finality, OrderFlavour, OrderId, StatusKind};

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
        "Status" => status: Vec<StatusEntry>,
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
        "Text" => text: Pii<String>,
    }
}

impl OrderStatus {
    /// The codes, as they came.
    pub fn kinds(&self) -> impl Iterator<Item = StatusKind> + '_ {
        self.status.iter().flatten().filter_map(|entry| entry.kind)
    }

    /// The verdict for an order of this flavour.
    pub fn finality(&self, flavour: OrderFlavour) -> Finality {
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
