//! The values of an order whose meaning is in numbers, in empty texts or in what is left out.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use identkit_core::Pii;
use jiff::civil::Date;

use crate::messages::OrderIdentData;

/// `Product`: which ways of identification the person is offered. A number that later versions add is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Product(pub u32);

impl Product {
    /// Identification without video and autoID.
    pub const WITHOUT_VIDEO: Self = Self(0);
    /// Identification, video included.
    pub const VIDEO: Self = Self(12);
    /// Identification and signature (eSign).
    pub const SIGN: Self = Self(15);
    /// Identification by autoID.
    pub const AUTO_ID: Self = Self(16);
    /// Those that the document lists.
    pub const DOCUMENTED: [Self; 4] = [Self::WITHOUT_VIDEO, Self::VIDEO, Self::SIGN, Self::AUTO_ID];
}

impl From<Product> for u32 {
    fn from(product: Product) -> Self {
        product.0
    }
}

/// `Add`: how the order behaves, as a set of bits that can be combined (AT-52). Bits that later versions add are kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Add(pub u64);

impl Add {
    /// Nothing special.
    pub const NORMAL: Self = Self(0);
    /// Makes a sign-me account and signs nothing (T-051).
    pub const GENERATE_ACCOUNT: Self = Self(8);
    /// Signs with a sign-me account that is there already (T-051).
    pub const USE_ACCOUNT: Self = Self(16);
    /// No acquisition by phone.
    pub const NO_PHONE: Self = Self(32);
    /// Check of a driver's licence and of the ID.
    pub const LICENCE_WITH_ID: Self = Self(4096);
    /// Check of a driver's licence without the ID.
    pub const LICENCE_WITHOUT_ID: Self = Self(8192);
    /// The video is recorded.
    pub const RECORD_VIDEO: Self = Self(131_072);
    /// The service at the point of sale (PoS).
    pub const POS: Self = Self(4_194_304);

    /// Whether all these bits are set.
    #[must_use]
    pub const fn contains(self, bits: Self) -> bool {
        self.0 & bits.0 == bits.0
    }

    /// Whether at least one of these bits is set.
    #[must_use]
    pub const fn intersects(self, bits: Self) -> bool {
        self.0 & bits.0 != 0
    }
}

impl BitOr for Add {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Add {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl From<Add> for u64 {
    fn from(add: Add) -> Self {
        add.0
    }
}

impl fmt::Debug for Add {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Add, &str); 7] = [
            (Add::GENERATE_ACCOUNT, "GENERATE_ACCOUNT"),
            (Add::USE_ACCOUNT, "USE_ACCOUNT"),
            (Add::NO_PHONE, "NO_PHONE"),
            (Add::LICENCE_WITH_ID, "LICENCE_WITH_ID"),
            (Add::LICENCE_WITHOUT_ID, "LICENCE_WITHOUT_ID"),
            (Add::RECORD_VIDEO, "RECORD_VIDEO"),
            (Add::POS, "POS"),
        ];
        let known: Vec<_> = NAMES.into_iter().filter(|(bit, _)| self.contains(*bit)).collect();
        let rest = known.iter().fold(self.0, |rest, (bit, _)| rest & !bit.0);
        let rest = (rest != 0 || known.is_empty()).then(|| rest.to_string());
        let told: Vec<_> = known.into_iter().map(|(_, name)| name.to_owned()).chain(rest).collect();
        write!(f, "Add({})", told.join(" | "))
    }
}

/// `IdentData.Gender`: the vendor has words for these two only (AT-50).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// `female`.
    Female,
    /// `male`.
    Male,
}

impl From<Gender> for Pii<String> {
    fn from(gender: Gender) -> Self {
        Self::from(match gender {
            Gender::Female => "female",
            Gender::Male => "male",
        })
    }
}

/// In place of a text of `IdentData`: the datum is sent empty, which asks for it to be picked up. A datum that is not
/// set at all is left out; whether the vendor takes that for the same is not documented (AT-49).
///
/// ```
/// use identkit_identity_tm::messages::OrderIdentData;
/// use identkit_identity_tm::order::Pick;
///
/// let data = OrderIdentData::default().firstname("Erika").street(Pick);
/// assert_eq!(data.street.map(|street| street.expose().len()), Some(0));
/// assert!(data.city.is_none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pick;

impl From<Pick> for Pii<String> {
    fn from(_: Pick) -> Self {
        Self::from("")
    }
}

/// `IdentData.Birthname`: what becomes of the name at birth (AT-48).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Birthname {
    /// It is not determined: the element is left out.
    #[default]
    Skip,
    /// It is determined: the element is sent empty.
    Determine,
    /// It is checked against this one.
    Check(Pii<String>),
}

impl OrderIdentData {
    /// What becomes of the name at birth.
    #[must_use]
    pub fn name_at_birth(mut self, name: Birthname) -> Self {
        self.birthname = match name {
            Birthname::Skip => None,
            Birthname::Determine => Some(Pick.into()),
            Birthname::Check(name) => Some(name),
        };
        self
    }

    /// `Birthdate`, from a date of the calendar.
    #[must_use]
    pub fn born(self, date: Date) -> Self {
        self.birthdate(date.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_52_bits_are_combined_and_bits_of_later_versions_kept() {
        let mut add = Add::RECORD_VIDEO | Add::LICENCE_WITH_ID;
        add |= Add(1 << 40);
        assert_eq!(u64::from(add), 131_072 + 4096 + (1 << 40));
        assert!(add.contains(Add::LICENCE_WITH_ID) && !add.contains(Add::LICENCE_WITH_ID | Add::POS));
        assert!(add.intersects(Add::LICENCE_WITH_ID | Add::POS) && !add.intersects(Add::POS));
        assert_eq!(format!("{add:?}"), "Add(LICENCE_WITH_ID | RECORD_VIDEO | 1099511627776)");
        assert_eq!(format!("{:?}", Add::NORMAL), "Add(0)");
    }

    #[test]
    fn a_name_at_birth_that_was_set_can_be_skipped_again() {
        let data = OrderIdentData::default().name_at_birth(Birthname::Check("Mustermann".into()));
        assert_eq!(data.birthname, Some("Mustermann".into()));
        let data = data.name_at_birth(Birthname::Determine);
        assert_eq!(data.birthname, Some("".into()));
        assert_eq!(data.name_at_birth(Birthname::Skip).birthname, None);
    }
}
