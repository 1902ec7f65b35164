//! The switches for the points on which the document is ambiguous. Each default is the contract's decision.

/// How names and places are written (AI-04).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CasePolicy {
    /// As the attribute table asks: upper case by Unicode's full mapping (`ß` becomes `SS`), of no locale.
    #[default]
    Uppercase,
    /// As given, like the document's own samples.
    Preserve,
}

/// How `mobile_phone` is written (AI-20). Blanks, `-`, `/`, `.`, brackets and a `(0)` after a country code are dropped
/// in every case.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PhonePolicy {
    /// As given: `+…`, `00…` or national.
    #[default]
    AsGiven,
    /// As `00` and the country code; a national number is read as German and loses its trunk zero.
    DoubleZero,
    /// As `+` and the country code; a national number is read as German and loses its trunk zero.
    Plus,
}

/// How a PDF that this crate encodes stands in `pdf_content` (AI-19).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PdfEncoding {
    /// After `data:@file/pdf;base64,`, literally as in the sample.
    #[default]
    SampleDataUri,
    /// After `data:application/pdf;base64,`, as RFC 2397 has it.
    StandardDataUri,
    /// Base64 alone, as the attribute table says.
    RawBase64,
}

impl PdfEncoding {
    /// What stands before the Base64.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::SampleDataUri => "data:@file/pdf;base64,",
            Self::StandardDataUri => "data:application/pdf;base64,",
            Self::RawBase64 => "",
        }
    }
}

/// Declares the switches: each is a public field and has a function that sets it.
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
    /// How this client speaks the API where the document leaves a choice.
    #[non_exhaustive]
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Dialect {
        /// Case of `person_first_name`, `person_last_name`, `birth_place`, `street` and `city`.
        case: CasePolicy,
        /// Form of `mobile_phone`.
        phone: PhonePolicy,
        /// Form of a PDF that this crate encodes.
        pdf_encoding: PdfEncoding,
        /// Sends `pdf_url` and `pdf_content` together; which of them the vendor takes is not documented (AI-19).
        allow_both_pdf_sources: bool,
        /// Sends a gender other than the two documented words (AI-22).
        allow_other_gender: bool,
        /// Reads one project from the list of all, for networks that drop the body of a GET (AI-07).
        projects_by_list: bool,
        /// Writes texts in Unicode's composed form (NFC), but for `custom_id` and `custom1` to `custom4`, which must come
        /// back unchanged (AI-18).
        compose: bool,
        /// Refuses country codes that ISO 3166-1 assigns to no country, instead of any but two upper-case letters (AI-27).
        assigned_countries: bool,
    }
}

impl Dialect {
    /// The contract's decisions.
    pub fn new() -> Self {
        Self::default()
    }
}
