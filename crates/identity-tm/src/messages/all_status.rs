//! `getAllStatus`, [T 4.2]: the request, and an order of the response.

use identkit_core::Pii;
use identkit_wire::{Dts, message};

use super::StatusEntry;
use super::status::{Entries, General, verdicts};
use crate::OrderId;

message! {
    /// Optional request body.
    pub struct AllStatusRequest {
        /// Period. Without one the read is destructive: the vendor marks everything as reported (T-100).
        "Period" => period: Period,
        /// In the document's example only, not in the table (AT-04). The URL selects all codes instead.
        "ExtendedList" => extended_list: bool,
    }
}

message! {
    /// A period.
    pub struct Period {
        /// Begin.
        "Begin" => begin: Dts,
        /// End.
        "End" => end: Dts,
        /// Requested page.
        "Paging" => paging: Paging,
    }
}

message! {
    /// Size and number of a page.
    pub struct Paging {
        /// Number of entries of a page, at most 1000.
        "Elements" => elements: u32,
        /// Page number. Whether the first page is 0 or 1 is not documented (AT-05).
        "Page" => page: u32,
    }
}

message! {
    marked general: General;
    /// An order of the list.
    pub struct ListedOrder {
        /// The vendor's id of the order.
        "OrderID" => order_id: OrderId,
        /// The caller's reference.
        "Ref" => reference: Pii<String>,
        /// Time of execution: `Delivered` in the document's table, `Executed` in its example (AT-02).
        "Executed" | "Delivered" => executed: Dts,
        /// Status entries. Required by the table, absent in the document's example (AT-03).
        "Status" => status: Vec<StatusEntry> as Entries,
        /// Appointment, with status 19 only.
        "TVSlot" => tv_slot: TvSlot,
    }
}

message! {
    /// An appointment.
    pub struct TvSlot {
        /// Begin.
        "SlotBegin" => slot_begin: Dts,
        /// End.
        "SlotEnd" => slot_end: Dts,
    }
}

verdicts!(
    ListedOrder,
    ///
    /// A status feed returns each entry once, so its orders must be judged with their earlier entries: see
    /// [`StatusFeed`](crate::StatusFeed).
);
