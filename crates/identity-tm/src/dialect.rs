//! How ambiguities in the vendor's document are resolved.

/// How ambiguities in the vendor's document are resolved for an account. The defaults are the contract's decisions.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Whether a `Ref` may have any characters (AT-20). By default it may have `[A-Za-z0-9._~-]` only: the document does
    /// not say whether the vendor percent-encodes it in webhook URLs.
    pub any_reference: bool,
    /// Whether a postal code may be longer than the 5 characters of the document's table (AT-45).
    pub long_zip_codes: bool,
    /// Whether a `FirstOrderID` may be longer than the 14 characters of the table: an OrderID may have 20 (AT-22).
    pub long_first_order_ids: bool,
    /// Whether PDFs that look encrypted are accepted (AT-86). The document requires unprotected PDFs.
    pub encrypted_pdfs: bool,
    /// Whether `LegitimationDocument` is written as `["..."]` instead of `[{"Document":"..."}]` (AT-29).
    pub bare_legitimation_documents: bool,
    /// Whether a TAN may have a length other than 6 (AT-56).
    pub any_tan_length: bool,
    /// Whether the destructive read of the status list sends `{}` instead of no body (AT-08).
    pub empty_object_for_unreported: bool,
    /// Whether one order may have both PDFs and hashes to sign (AT-34).
    pub pdf_and_hash_together: bool,
    /// Whether hashes to sign may share or lack a `Filename` (AT-35), the name under which the signed hash is returned.
    /// If `true`, it is a warning only, as it always is for PDFs.
    pub same_file_names: bool,
    /// Whether `Address.Country` may have three capital letters (AT-44): its table allows 3 characters.
    pub three_letter_countries: bool,
}
