//! Values of an order that the vendor writes as numbers, as empty texts or by leaving an element out.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use identkit_core::Pii;
use jiff::civil::Date;

use crate::messages::OrderIdentData;

/// `Product`: the methods of identification that the person is offered. Unlisted numbers are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Product(pub u32);

impl Product {
    /// Identification without video and autoID.
    pub const WITHOUT_VIDEO: Self = Self(0);
    /// Identification, including video.
    pub const VIDEO: Self = Self(12);
    /// Identification and signature (eSign).
    pub const SIGN: Self = Self(15);
    /// Identification by autoID.
    pub const AUTO_ID: Self = Self(16);
    /// The products that the document lists.
    pub const DOCUMENTED: [Self; 4] = [Self::WITHOUT_VIDEO, Self::VIDEO, Self::SIGN, Self::AUTO_ID];
}

impl From<Product> for u32 {
    fn from(product: Product) -> Self {
        product.0
    }
}

/// `Add`: options of the order as a set of bits (AT-52). Unlisted bits are accepted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Add(pub u64);

impl Add {
    /// No option.
    pub const NORMAL: Self = Self(0);
    /// Creates a sign-me account and signs nothing (T-051).
    pub const GENERATE_ACCOUNT: Self = Self(8);
    /// Signs with an existing sign-me account (T-051).
    pub const USE_ACCOUNT: Self = Self(16);
    /// No acquisition by phone.
    pub const NO_PHONE: Self = Self(32);
    /// Checks a driver's license and the ID.
    pub const LICENSE_WITH_ID: Self = Self(4096);
    /// Checks a driver's license without the ID.
    pub const LICENSE_WITHOUT_ID: Self = Self(8192);
    /// Records the video.
    pub const RECORD_VIDEO: Self = Self(131_072);
    /// Service at the point of sale (PoS).
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
            (Add::LICENSE_WITH_ID, "LICENSE_WITH_ID"),
            (Add::LICENSE_WITHOUT_ID, "LICENSE_WITHOUT_ID"),
            (Add::RECORD_VIDEO, "RECORD_VIDEO"),
            (Add::POS, "POS"),
        ];
        let known: Vec<_> = NAMES.into_iter().filter(|(bit, _)| self.contains(*bit)).collect();
        let rest = known.iter().fold(self.0, |rest, (bit, _)| rest & !bit.0);
        let rest = (rest != 0 || known.is_empty()).then(|| rest.to_string());
        let names: Vec<_> = known.into_iter().map(|(_, name)| name.to_owned()).chain(rest).collect();
        write!(f, "Add({})", names.join(" | "))
    }
}

/// `IdentData.Gender`. The vendor defines these two values only (AT-50).
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

/// An empty text of `IdentData`, which asks the vendor to determine the value. An element that is not set is left out;
/// whether the vendor treats that the same is not documented (AT-49).
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

/// `IdentData.Birthname`: how the vendor handles the name at birth (AT-48).
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Birthname {
    /// Not determined: the element is left out.
    #[default]
    Skip,
    /// Determined: the element is sent empty.
    Determine,
    /// Checked against this name.
    Check(Pii<String>),
}

impl OrderIdentData {
    /// Sets how the vendor handles the name at birth.
    #[must_use]
    pub fn name_at_birth(mut self, name: Birthname) -> Self {
        self.birthname = match name {
            Birthname::Skip => None,
            Birthname::Determine => Some(Pick.into()),
            Birthname::Check(name) => Some(name),
        };
        self
    }

    /// Sets `Birthdate`.
    #[must_use]
    pub fn born(self, date: Date) -> Self {
        self.birthdate(date.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_52_bits_combine_and_unlisted_bits_are_accepted() {
        let mut add = Add::RECORD_VIDEO | Add::LICENSE_WITH_ID;
        add |= Add(1 << 40);
        assert_eq!(u64::from(add), 131_072 + 4096 + (1 << 40));
        assert!(add.contains(Add::LICENSE_WITH_ID) && !add.contains(Add::LICENSE_WITH_ID | Add::POS));
        assert!(add.intersects(Add::LICENSE_WITH_ID | Add::POS) && !add.intersects(Add::POS));
        assert_eq!(format!("{add:?}"), "Add(LICENSE_WITH_ID | RECORD_VIDEO | 1099511627776)");
        assert_eq!(format!("{:?}", Add::NORMAL), "Add(0)");
    }

    #[test]
    fn skipping_the_name_at_birth_clears_an_earlier_one() {
        let data = OrderIdentData::default().name_at_birth(Birthname::Check("Mustermann".into()));
        assert_eq!(data.birthname, Some("Mustermann".into()));
        let data = data.name_at_birth(Birthname::Determine);
        assert_eq!(data.birthname, Some("".into()));
        assert_eq!(data.name_at_birth(Birthname::Skip).birthname, None);
    }
}
