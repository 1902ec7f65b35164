//! Switches that select how ambiguities in the vendor's document are resolved. Each default is the contract's decision.

/// Case of names and places (AI-04).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CasePolicy {
    /// Upper case, as the attribute table requires, by Unicode's full mapping without a locale (`ß` becomes `SS`).
    #[default]
    Uppercase,
    /// As given, like the document's samples.
    Preserve,
}

/// Form of `mobile_phone` (AI-20). The writer always removes blanks, `-`, `/`, `.`, parentheses and a `(0)` after the
/// country codes 49, 43 and 41. Anywhere else but at the start of a national number, a `(0)` is an error.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PhonePolicy {
    /// As given: `+…`, `00…` or national.
    #[default]
    AsGiven,
    /// `00` and the country code. A national number counts as German and loses its leading zero. A number that begins with
    /// `49` is an error, because this may be the country code.
    DoubleZero,
    /// `+` and the country code. A national number is treated as with [`DoubleZero`](Self::DoubleZero).
    Plus,
}

/// Form of `pdf_content` for a PDF that this crate encodes (AI-19).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PdfEncoding {
    /// Base64 after `data:@file/pdf;base64,`, as in the document's sample.
    #[default]
    SampleDataUri,
    /// Base64 after `data:application/pdf;base64,`, as in RFC 2397.
    StandardDataUri,
    /// Base64 alone, as the attribute table says.
    RawBase64,
}

impl PdfEncoding {
    /// Text before the Base64.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::SampleDataUri => "data:@file/pdf;base64,",
            Self::StandardDataUri => "data:application/pdf;base64,",
            Self::RawBase64 => "",
        }
    }
}

/// Declares each switch as a public field with a setter of the same name.
macro_rules! switches {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        pub struct $name { $($(#[$doc])* pub $field: $type,)+ }

        impl $name {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $field(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )+
        }
    };
}

switches! {
    /// Selects how ambiguities in the vendor's document are resolved.
    #[non_exhaustive]
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Dialect {
        /// Case of `person_first_name`, `person_last_name`, `birth_place`, `street` and `city`.
        case: CasePolicy,
        /// Form of `mobile_phone`.
        phone: PhonePolicy,
        /// Form of a PDF that this crate encodes.
        pdf_encoding: PdfEncoding,
        /// Whether `pdf_url` and `pdf_content` may be sent together. The document does not say which one the vendor
        /// then uses (AI-19).
        allow_both_pdf_sources: bool,
        /// Whether a gender other than the two documented words may be sent (AI-22).
        allow_other_gender: bool,
        /// Whether one project is always read from the list of all projects, for networks that drop the body of a GET
        /// (AI-07).
        projects_by_list: bool,
        /// Whether texts are written in Unicode's composed form (NFC). `custom_id` and `custom1` to `custom4` are never
        /// changed, because the vendor returns them (AI-18).
        compose: bool,
        /// Whether only country codes that ISO 3166-1 assigns are accepted, instead of any two upper-case letters
        /// (AI-27).
        assigned_countries: bool,
    }
}

impl Dialect {
    /// Creates a dialect with the contract's decisions.
    pub fn new() -> Self {
        Self::default()
    }
}
