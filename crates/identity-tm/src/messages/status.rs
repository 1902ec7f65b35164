//! `getStatus`, [T 3.2.4].

use std::collections::HashSet;
use std::fmt;

use identkit_core::{Pii, ShortPii};
use identkit_wire::{Dts, FieldPlace, FieldReader, Fill, is_same_name, message};
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::mend::has_code;
use crate::{OrderId, StatusKind};

/// Whether a response has the general codes only. Two responses are equal regardless of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct General(pub(crate) bool);

impl Eq for General {}

impl PartialEq for General {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

message! {
    marked general: General;
    /// Status of an order.
    pub struct OrderStatus {
        /// The vendor's id of the order.
        "OrderID" => order_id: OrderId,
        /// The caller's reference.
        "Ref" => reference: Pii<String>,
        /// Time when the order was executed, not that of the request (AT-02). Also read as `Delivered`.
        "Executed" | "Delivered" => executed: Dts,
        /// Status entries as received: unsorted, possibly with duplicates (AT-17).
        "Status" => status: Vec<StatusEntry> as Entries,
    }
}

message! {
    /// A status entry.
    pub struct StatusEntry {
        /// Status code.
        "Kind" => kind: StatusKind,
        /// Time of the status.
        "Time" => time: Dts,
        /// Explanation, e.g. `TAN` with 71.
        "Text" => text: ShortPii,
    }
}

impl StatusEntry {
    /// Returns the code; `None` if it cannot be read, if the entry has another one (in another spelling of `Kind`, or in
    /// an entry within the entry, AT-93), or if the entry names an order, which may be another one (AT-24).
    pub fn code(&self) -> Option<StatusKind> {
        let odd = || self.extra.iter().any(|(name, value)| is_same_name(name, "OrderID") || has_code(name, value));
        self.kind.filter(|_| !odd())
    }
}

/// Reads entries with an initial capacity for the 11 entries of the document's example, which saves allocations.
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
                    // Filled in place.
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

/// Declares codes and verdict of a message that has status entries.
macro_rules! verdicts {
    ($name:ident, $(#[$note:meta])*) => {
        impl $name {
            /// Returns the codes, in the sequence of the response.
            pub fn kinds(&self) -> impl Iterator<Item = $crate::StatusKind> + '_ {
                self.status.iter().flatten().filter_map(|entry| entry.kind)
            }

            /// Returns the verdict for an order of this flavor. [`Outcome::Unclear`](identkit_core::Outcome::Unclear) if
            /// the list of entries is missing, or if the code of an entry cannot be read (AT-93).
            ///
            /// For a response with the general codes only, it is the verdict of
            /// [`general_finality`](Self::general_finality).
            $(#[$note])*
            pub fn finality(&self, flavor: $crate::OrderFlavor) -> $crate::Finality {
                use $crate::messages::mend::{has_code, is_spelling};
                let other = |(name, value): &(&String, &serde_json::Value)| {
                    is_spelling(name, &["Status", "StatusAsItCame"]) || has_code(name, value)
                };
                let verdict = match &self.status {
                    Some(entries) => {
                        // Entries elsewhere, e.g. in another spelling of `Status`, are not read.
                        let others = self.extra.iter().filter(other).map(|_| None);
                        let codes = entries.iter().map($crate::messages::StatusEntry::code).chain(others);
                        $crate::Finality::judge_entries(flavor, codes)
                    }
                    None => $crate::Finality::unclear(),
                };
                if self.general.0 { verdict.from_general_codes() } else { verdict }
            }

            /// As [`finality`](Self::finality), for a response with the general codes only: without a suspicion of fraud,
            /// the verdict is undecided, because the codes left out can report one (AT-13).
            pub fn general_finality(&self, flavor: $crate::OrderFlavor) -> $crate::Finality {
                self.finality(flavor).from_general_codes()
            }
        }
    };
}
pub(super) use verdicts;

verdicts!(OrderStatus,);

impl OrderStatus {
    /// Returns the entries sorted by time, without duplicates; entries without a valid time are last (AT-17).
    pub fn timeline(&self) -> Vec<&StatusEntry> {
        let mut texts = HashSet::new();
        // An order can have many entries, so each is looked up by its text.
        let is_new = |entry: &&StatusEntry| serde_json::to_string(entry).map_or(true, |text| texts.insert(text));
        let mut entries: Vec<&StatusEntry> = self.status.iter().flatten().filter(is_new).collect();
        entries.sort_by_key(|entry| {
            let at = entry.time.as_ref().and_then(Dts::timestamp);
            (at.is_none(), at)
        });
        entries
    }
}
