//! The switches for points on which the document is ambiguous.

/// How this account's API is spoken. The defaults are the contract's decisions.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Accepts a `Ref` of any characters (AT-20): by default `[A-Za-z0-9._~-]` only, since nothing says whether the
    /// vendor percent-encodes it in webhook URLs.
    pub any_reference: bool,
    /// Accepts postal codes longer than the 5 characters of the table (AT-45).
    pub long_zip_codes: bool,
    /// Accepts a `FirstOrderID` longer than the 14 characters of the table, since an OrderID may have 20 (AT-22).
    pub long_first_order_ids: bool,
    /// Accepts PDFs that look encrypted (AT-86): the document asks for unprotected ones.
    pub encrypted_pdfs: bool,
    /// Writes `LegitimationDocument` as `["..."]` instead of `[{"Document":"..."}]`, since its shape is unclear (AT-29).
    pub bare_legitimation_documents: bool,
    /// Accepts TANs of other lengths than 6 (AT-56).
    pub any_tan_length: bool,
    /// Sends `{}` instead of no body when what was not reported before is asked for (AT-08).
    pub empty_object_for_unreported: bool,
    /// Accepts documents and hashes to be signed in one order (AT-34).
    pub pdf_and_hash_together: bool,
    /// Accepts hashes to be signed without a `Filename`, or with one that another has too (AT-35): the signed hashes come
    /// back under these names. Then only a warning, as it always is for PDFs.
    pub same_file_names: bool,
    /// Accepts an `Address.Country` of three capital letters (AT-44): its table allows 3 characters, and says CC nowhere.
    pub three_letter_countries: bool,
}
