//! Status codes, and the verdict on an order by its codes.
//!
//! Invariants: unknown codes are preserved; the sequence of entries, duplicates and late entries never change a verdict
//! (T-061, AT-17); only the lists of [T 3.2.1.1] and [T 3.2.1.2] make an order final (AT-15).

mod catalogue;
mod kind;

use identkit_core::{Absence, Outcome};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use catalogue::{CATALOGUE, StatusText};
pub use kind::StatusKind;

/// Kind of an order, which decides what statuses end it (AT-14). Store it when the order is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderFlavor {
    /// Identification without a signature.
    IdentOnly,
    /// Identification and qualified electronic signature.
    Qes,
    /// Creation and verification of a sign-me account, without a signature (`Add` 8).
    SignAccountOnly,
    /// Unknown, e.g. because another system created the order.
    #[default]
    Unknown,
}

impl StatusKind {
    /// Whether the code ends an order of this flavor ([T 3.2.1.1], [T 3.2.1.2]). For an unknown flavor 6 does not count:
    /// it ends an order without QES only.
    pub fn is_final(self, flavor: OrderFlavor) -> bool {
        let both = matches!(self, Self::NEGATIVE | Self::TERMINATED | Self::FRAUD | Self::TIMED_OUT);
        both || match flavor {
            OrderFlavor::IdentOnly | OrderFlavor::SignAccountOnly => self == Self::POSITIVE,
            OrderFlavor::Qes | OrderFlavor::Unknown => matches!(self, Self::SIGNED | Self::TIMED_OUT_AFTER_IDENT),
        }
    }
}

/// The verdict on an order, with the codes that led to it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finality {
    /// Outcome of the order.
    pub outcome: Outcome,
    /// The codes that decided the outcome. Empty while it is pending, and if the vendor no longer has the order.
    pub because: Vec<StatusKind>,
    /// Whether any code reports an identification, a signature or a suspicion of fraud.
    examined: bool,
}

impl Finality {
    /// Minimum time between two 404 responses that prove an order gone. A single 404 may be a transient error (AT-59).
    pub const GONE_AFTER: SignedDuration = Absence::GONE_AFTER;

    /// Returns the verdict after `getStatus` responded with 404 at both times. Call it only if OnFinal arrived before: a
    /// timeout deletes the order ([T 4.1], AT-59). A final verdict does not change. Otherwise, if at least
    /// [`GONE_AFTER`](Self::GONE_AFTER) lies between the two, the outcome is [`Outcome::Gone`].
    #[must_use]
    pub fn after_not_found(self, first: Timestamp, again: Timestamp) -> Self {
        if self.is_final() || again.duration_since(first) < Self::GONE_AFTER {
            return self;
        }
        Self { outcome: Outcome::Gone, because: Vec::new(), examined: false }
    }

    /// Returns the verdict on the codes of status entries; `None` is an entry whose code cannot be read. Then the outcome
    /// is [`Outcome::Unclear`], unless a readable code reports a suspicion of fraud (AT-93).
    pub fn judge_entries(flavor: OrderFlavor, entries: impl IntoIterator<Item = Option<StatusKind>>) -> Self {
        let mut unreadable = false;
        let codes = entries.into_iter().filter_map(|code| {
            unreadable |= code.is_none();
            code
        });
        let verdict = Self::judge(flavor, codes);
        if unreadable && verdict.outcome != Outcome::FraudSuspicion { Self::unclear() } else { verdict }
    }

    /// The verdict if the statuses cannot be read.
    pub(crate) fn unclear() -> Self {
        Self { outcome: Outcome::Unclear, because: Vec::new(), examined: false }
    }

    /// Returns the verdict on a set of codes. If several are final, the most severe one decides: no other code can hide
    /// a suspicion of fraud.
    pub fn judge(flavor: OrderFlavor, codes: impl IntoIterator<Item = StatusKind>) -> Self {
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
            if codes.contains(&code) && code.is_final(flavor) {
                return Self { outcome, because: vec![code], examined };
            }
        }
        if codes.contains(&StatusKind::POSITIVE) {
            // 6 ends an order without QES only, so the verdict depends on the flavor.
            let outcome = if flavor == OrderFlavor::Unknown { Outcome::Unknown } else { Outcome::Identified };
            return Self { outcome, because: vec![StatusKind::POSITIVE], examined };
        }
        Self { outcome: Outcome::Pending, because: Vec::new(), examined }
    }

    /// Returns what remains of the verdict if it was reached by the general codes alone. They can hide a suspicion of
    /// fraud, so only a suspicion of fraud is decided; otherwise the outcome is [`Outcome::Unknown`] (AT-13).
    #[must_use]
    pub fn from_general_codes(self) -> Self {
        match self.outcome {
            Outcome::FraudSuspicion | Outcome::Unclear => self,
            _ => Self { outcome: Outcome::Unknown, ..self },
        }
    }

    /// Whether the order has ended.
    pub fn is_final(&self) -> bool {
        self.outcome.is_final()
    }

    /// Whether the vendor should have identification data ([T 2.3], AT-63): the order has ended, and the person was
    /// identified or is suspected of fraud. If the order ended negatively or was terminated after a positive
    /// identification, the data remains ([T 4.3]); a timeout deletes it ([T 4.1]).
    pub fn data_expected(&self) -> bool {
        let timed_out = matches!(self.outcome, Outcome::TimedOut | Outcome::TimedOutAfterIdent);
        self.is_final() && self.examined && !timed_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FLAVORS: [OrderFlavor; 4] =
        [OrderFlavor::IdentOnly, OrderFlavor::Qes, OrderFlavor::SignAccountOnly, OrderFlavor::Unknown];

    fn outcome(flavor: OrderFlavor, codes: &[u32]) -> Outcome {
        Finality::judge(flavor, codes.iter().copied().map(StatusKind)).outcome
    }

    #[test]
    fn catalog_and_final_lists_match_the_contract() {
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
    fn at_14_at_15_only_listed_codes_end_an_order() {
        use OrderFlavor::{IdentOnly, Qes, SignAccountOnly, Unknown};
        for (flavors, codes, verdict) in [
            (&[IdentOnly][..], &[25, 75, 6][..], Outcome::Positive),
            (&[SignAccountOnly], &[6, 95], Outcome::Positive),
            (&[Qes], &[25, 75, 6], Outcome::Identified),
            (&[Unknown], &[6], Outcome::Unknown),
            (&[Qes, Unknown], &[6, 84], Outcome::Signed),
            (&FLAVORS, &[25, 75, 80, 21, 63, 23], Outcome::Pending),
            (&FLAVORS, &[6, 84, 17, 89, 99, 100], Outcome::FraudSuspicion),
        ] {
            for flavor in flavors {
                assert_eq!(outcome(*flavor, codes), verdict, "{flavor:?} {codes:?}");
            }
        }
    }

    #[test]
    fn the_most_severe_final_code_decides_in_any_sequence() {
        let most_severe_first = [
            (89, Outcome::FraudSuspicion),
            (17, Outcome::Negative),
            (22, Outcome::Terminated),
            (84, Outcome::Signed),
            (100, Outcome::TimedOutAfterIdent),
            (99, Outcome::TimedOut),
            (6, Outcome::Positive),
        ];
        for flavor in FLAVORS {
            let ends: Vec<_> =
                most_severe_first.into_iter().filter(|(code, _)| StatusKind(*code).is_final(flavor)).collect();
            for (at, (worse, verdict)) in ends.iter().enumerate() {
                for (other, _) in &ends[at..] {
                    assert_eq!(outcome(flavor, &[*worse, *other]), *verdict, "{flavor:?} {worse} {other}");
                    assert_eq!(outcome(flavor, &[*other, *worse]), *verdict, "{flavor:?} {other} {worse}");
                }
            }
        }
    }

    #[test]
    fn at_59_two_404_five_minutes_apart_mean_gone() {
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
        fn at_17_sequence_duplicates_and_unknown_codes_do_not_matter(
            mut codes in prop::collection::vec(0_u32..110, 0..12),
            flavor in prop::sample::select(FLAVORS.to_vec()),
            strange in 103_u32..9999,
            seed: u64,
        ) {
            let verdict = outcome(flavor, &codes);
            let again = codes.clone();
            codes.extend(again);
            codes.push(strange);
            // Codes that end no order may come late, e.g. 95 after 6.
            let ends_none =
                |kind: &StatusKind| *kind != StatusKind::POSITIVE && FLAVORS.iter().all(|flavor| !kind.is_final(*flavor));
            let late = CATALOGUE.iter().map(|text| text.kind).filter(ends_none).map(|kind| kind.0);
            codes.extend(late);
            let turn = usize::try_from(seed % codes.len() as u64).unwrap();
            codes.rotate_left(turn);
            prop_assert_eq!(outcome(flavor, &codes), verdict);
        }
    }
}
