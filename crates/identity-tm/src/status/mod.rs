//! Status codes and what a set of them means for an order.
//!
//! Invariants: unknown codes survive; the order of entries, duplicates and late entries never change a verdict
//! (T-061, AT-17); only the lists of [T 3.2.1.1] and [T 3.2.1.2] make an order final (AT-15).

mod catalogue;
mod kind;

use identkit_core::Outcome;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use catalogue::{CATALOGUE, StatusText};
pub use kind::StatusKind;

/// What an order is, which decides what ends it (AT-14). To be remembered from its creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderFlavor {
    /// Identification without a signature.
    IdentOnly,
    /// Identification and qualified electronic signature.
    Qes,
    /// A sign-me account is made and verified, nothing is signed (`Add` 8).
    SignAccountOnly,
    /// Not known: another system created the order.
    #[default]
    Unknown,
}

impl StatusKind {
    /// Whether the code ends an order of this flavour ([T 3.2.1.1], [T 3.2.1.2]). For an unknown flavour only the
    /// codes that end both.
    pub fn is_final(self, flavour: OrderFlavor) -> bool {
        let both = matches!(self, Self::NEGATIVE | Self::TERMINATED | Self::FRAUD | Self::TIMED_OUT);
        both || match flavour {
            OrderFlavor::IdentOnly | OrderFlavor::SignAccountOnly => self == Self::POSITIVE,
            OrderFlavor::Qes | OrderFlavor::Unknown => matches!(self, Self::SIGNED | Self::TIMED_OUT_AFTER_IDENT),
        }
    }
}

/// The verdict on an order, with the codes that led to it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finality {
    /// The verdict.
    pub outcome: Outcome,
    /// The codes that decided it; empty while pending, and when the vendor no longer knows the order.
    pub because: Vec<StatusKind>,
    /// Whether the person was identified, or suspected of fraud, by any of the codes.
    examined: bool,
}

impl Finality {
    /// So long after a first 404 a second one is believed: one alone may be a hiccup on the way (AT-59).
    pub const GONE_AFTER: SignedDuration = SignedDuration::from_mins(5);

    /// The verdict when `getStatus` has answered 404 at both of these times, and OnFinal had been heard before: a
    /// time-out deletes the order ([T 4.1], AT-59). What is final already stays so; otherwise the order is gone once
    /// the second 404 came [`GONE_AFTER`](Self::GONE_AFTER) the first or later, and before that nothing changes.
    #[must_use]
    pub fn after_not_found(self, first: Timestamp, again: Timestamp) -> Self {
        if self.is_final() || again.duration_since(first) < Self::GONE_AFTER {
            return self;
        }
        Self { outcome: Outcome::Gone, because: Vec::new(), examined: false }
    }

    /// Judges a set of codes. Of several final ones the graver wins, so that a suspicion of fraud is never hidden
    /// by what came before or after it.
    pub fn judge(flavour: OrderFlavor, codes: impl IntoIterator<Item = StatusKind>) -> Self {
        let codes: std::collections::BTreeSet<_> = codes.into_iter().collect();
        let examined =
            [StatusKind::POSITIVE, StatusKind::SIGNED, StatusKind::FRAUD].iter().any(|code| codes.contains(code));
        const GRAVITY: [(StatusKind, Outcome); 7] = [
            (StatusKind::FRAUD, Outcome::FraudSuspicion),
            (StatusKind::NEGATIVE, Outcome::Negative),
            (StatusKind::TERMINATED, Outcome::Terminated),
            (StatusKind::SIGNED, Outcome::Signed),
            (StatusKind::TIMED_OUT_AFTER_IDENT, Outcome::TimedOutAfterIdent),
            (StatusKind::TIMED_OUT, Outcome::TimedOut),
            (StatusKind::POSITIVE, Outcome::Positive),
        ];
        for (code, outcome) in GRAVITY {
            if codes.contains(&code) && code.is_final(flavour) {
                return Self { outcome, because: vec![code], examined };
            }
        }
        if codes.contains(&StatusKind::POSITIVE) {
            // Final for an order without QES, and only half-way for one with it: without the flavour nobody can say.
            let outcome = if flavour == OrderFlavor::Unknown { Outcome::Unknown } else { Outcome::Identified };
            return Self { outcome, because: vec![StatusKind::POSITIVE], examined };
        }
        Self { outcome: Outcome::Pending, because: Vec::new(), examined }
    }

    /// Whether the order has ended.
    pub fn is_final(&self) -> bool {
        self.outcome.is_final()
    }

    /// Whether identification data is promised ([T 2.3], AT-63): the order has ended, and the person was identified or
    /// suspected of fraud. An order that was ended by hand, or negatively, after a positive identification still has
    /// it (a cancellation keeps the data, [T 4.3]); a time-out deletes it ([T 4.1]).
    pub fn data_expected(&self) -> bool {
        let kept = !matches!(self.outcome, Outcome::TimedOut | Outcome::TimedOutAfterIdent);
        self.is_final() && self.examined && kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FLAVORS: [OrderFlavor; 4] =
        [OrderFlavor::IdentOnly, OrderFlavor::Qes, OrderFlavor::SignAccountOnly, OrderFlavor::Unknown];

    fn outcome(flavour: OrderFlavor, codes: &[u32]) -> Outcome {
        Finality::judge(flavour, codes.iter().copied().map(StatusKind)).outcome
    }

    #[test]
    fn the_catalogue_and_the_final_lists_are_the_contracts() {
        let table = include_str!("../../../../docs/contract/status.tsv");
        let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split('\t').collect()).collect();
        assert_eq!((rows.len(), CATALOGUE.len()), (55, 55));
        for (row, text) in rows.iter().zip(CATALOGUE) {
            assert_eq!((row[0], row[1], row[2]), (text.kind.0.to_string().as_str(), text.english, text.german));
            assert_eq!(text.kind.is_final(OrderFlavor::IdentOnly), row[4] == "yes", "{}", text.kind);
            assert_eq!(text.kind.is_final(OrderFlavor::Qes), row[5] == "yes", "{}", text.kind);
        }
    }

    #[test]
    fn at_14_at_15_six_ends_an_identification_only_and_what_sounds_final_ends_nothing() {
        use OrderFlavor::{IdentOnly, Qes, SignAccountOnly, Unknown};
        for (flavours, codes, verdict) in [
            (&[IdentOnly][..], &[25, 75, 6][..], Outcome::Positive),
            (&[SignAccountOnly], &[6, 95], Outcome::Positive),
            (&[Qes], &[25, 75, 6], Outcome::Identified),
            (&[Unknown], &[6], Outcome::Unknown),
            (&[Qes, Unknown], &[6, 84], Outcome::Signed),
            (&FLAVORS, &[25, 75, 80, 21, 63, 23], Outcome::Pending),
            (&FLAVORS, &[6, 84, 17, 89, 99, 100], Outcome::FraudSuspicion),
        ] {
            for flavour in flavours {
                assert_eq!(outcome(*flavour, codes), verdict, "{flavour:?} {codes:?}");
            }
        }
    }

    #[test]
    fn of_two_final_codes_the_graver_one_is_the_verdict_whichever_came_first() {
        let gravest_first = [
            (89, Outcome::FraudSuspicion),
            (17, Outcome::Negative),
            (22, Outcome::Terminated),
            (84, Outcome::Signed),
            (100, Outcome::TimedOutAfterIdent),
            (99, Outcome::TimedOut),
            (6, Outcome::Positive),
        ];
        for flavour in FLAVORS {
            let ends: Vec<_> =
                gravest_first.into_iter().filter(|(code, _)| StatusKind(*code).is_final(flavour)).collect();
            for (at, (graver, verdict)) in ends.iter().enumerate() {
                for (other, _) in &ends[at..] {
                    assert_eq!(outcome(flavour, &[*graver, *other]), *verdict, "{flavour:?} {graver} {other}");
                    assert_eq!(outcome(flavour, &[*other, *graver]), *verdict, "{flavour:?} {other} {graver}");
                }
            }
        }
    }

    #[test]
    fn at_59_an_order_is_gone_when_a_second_404_comes_five_minutes_after_the_first() {
        let first = Timestamp::from_second(1_600_000_000).unwrap();
        let later = |seconds: i64| first.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        for (codes, after, outcome) in [
            (&[][..], 299, Outcome::Pending),
            (&[], 300, Outcome::Gone),
            (&[25, 75], 301, Outcome::Gone),
            (&[25, 75], -301, Outcome::Pending),
            (&[25, 6], 299, Outcome::Identified),
            (&[25, 6], 300, Outcome::Gone),
            (&[25, 6, 84], 300, Outcome::Signed),
            (&[99], 300, Outcome::TimedOut),
        ] {
            let known = Finality::judge(OrderFlavor::Qes, codes.iter().copied().map(StatusKind));
            let verdict = known.clone().after_not_found(first, later(after));
            assert_eq!(verdict.outcome, outcome, "{codes:?} {after}");
            assert_eq!(verdict.is_final(), outcome.is_final());
            if outcome == Outcome::Gone {
                assert!(verdict.because.is_empty() && !verdict.data_expected());
            } else {
                assert_eq!(verdict, known);
            }
        }
    }

    proptest! {
        #[test]
        fn at_17_order_duplicates_and_strangers_never_change_a_verdict(
            mut codes in prop::collection::vec(0_u32..110, 0..12),
            flavour in prop::sample::select(FLAVORS.to_vec()),
            strange in 103_u32..9999,
            seed: u64,
        ) {
            let verdict = outcome(flavour, &codes);
            let again = codes.clone();
            codes.extend(again);
            codes.push(strange);
            // Whatever ends no order may come late, 95 after 6 for one.
            let ends_none =
                |kind: &StatusKind| *kind != StatusKind::POSITIVE && FLAVORS.iter().all(|of| !kind.is_final(*of));
            let late = CATALOGUE.iter().map(|text| text.kind).filter(ends_none).map(|kind| kind.0);
            codes.extend(late);
            let turn = usize::try_from(seed % codes.len() as u64).unwrap();
            codes.rotate_left(turn);
            prop_assert_eq!(outcome(flavour, &codes), verdict);
        }
    }
}
