//! How ambiguities in the vendor's document are resolved.

/// How ambiguities in the vendor's document are resolved for an account. The defaults are the contract's decisions.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Whether a `Ref` with other characters than `[A-Za-z0-9._~-]` gives no warning if it is part of a webhook URL
    /// (AT-20): the document does not say whether the vendor percent-encodes it.
    pub any_reference: bool,
    /// Whether a postal code may be longer than the 5 characters of the document's table (AT-45).
    pub long_zip_codes: bool,
    /// Whether a `FirstOrderID` of 15 to 20 characters gives no warning: its table has 14, an OrderID may have 20 (AT-22).
    pub long_first_order_ids: bool,
    /// Whether PDFs that look encrypted are accepted (AT-86). The document requires unprotected PDFs.
    pub encrypted_pdfs: bool,
    /// Whether `LegitimationDocument` is written as `["..."]` instead of `[{"Document":"..."}]` (AT-29).
    pub bare_legitimation_documents: bool,
    /// Whether a TAN may have a length other than 6 (AT-56).
    pub any_tan_length: bool,
    /// Whether the destructive read of the status list sends `{}` instead of no body (AT-08).
    pub empty_object_for_unreported: bool,
    /// Whether an order with both PDFs and hashes to sign gives no warning (AT-34).
    pub pdf_and_hash_together: bool,
    /// Whether several hashes to sign may share or lack a `Filename` (AT-35), the name under which the signed hash is
    /// returned. If `true`, it is a warning only, as it always is for PDFs and for a single hash.
    pub same_file_names: bool,
    /// Whether `Address.Country` may have three capital letters (AT-44): its table allows 3 characters.
    pub three_letter_countries: bool,
}
