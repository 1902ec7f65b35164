//! `getAllStatus`, [T 4.2]: its request, and an order of the answer.

use identkit_core::Pii;
use identkit_wire::{Dts, message};

use super::StatusEntry;
use super::status::Entries;
use crate::{Finality, OrderFlavor, OrderId, StatusKind};

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
        "Status" => status: Vec<StatusEntry> as Entries,
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
    pub fn finality(&self, flavour: OrderFlavor) -> Finality {
        Finality::judge(flavour, self.kinds())
    }
}
