//! The fields of a [`NewCase`](crate::NewCase) behind the fields of a vendor's request.

use std::borrow::Cow;

use crate::{Error, Violation};

/// Table of a provider: the vendor's path of a field, and the path of the field of [`NewCase`](crate::NewCase) that it
/// is filled from. `[]` stands for the same index in both.
///
/// ```
/// use identkit_core::{CaseFields, Error, Violation};
///
/// const FIELDS: CaseFields = CaseFields(&[("Docs[].Data", "documents[].pdf"), ("Surname", "person.family_name")]);
///
/// let error = Error::invalid(vec![Violation::new("Docs[2].Data", "is not a PDF", "AT-86", "[T] 3.1.3")]);
/// let violation = &FIELDS.translate(error).violations()[0].clone();
/// assert_eq!(violation.field, "documents[2].pdf");
/// assert_eq!(violation.vendor_field.as_deref(), Some("Docs[2].Data"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CaseFields(pub &'static [(&'static str, &'static str)]);

impl CaseFields {
    /// Returns the path of the case's field for the vendor's path.
    pub fn of_case(&self, vendor: &str) -> Option<Cow<'static, str>> {
        let (general, index) = generalize(vendor);
        let (_, case) = self.0.iter().find(|(known, _)| *known == vendor || *known == general)?;
        Some(match index {
            Some(index) => case.replacen("[]", &format!("[{index}]"), 1).into(),
            None => Cow::Borrowed(*case),
        })
    }

    /// Returns the error with violations in terms of the case. A violation of a field that the table does not have
    /// stays as it is. If a field of the case fills several of the vendor's, equal violations become one.
    #[must_use]
    pub fn translate(&self, error: Error) -> Error {
        let mut translated: Vec<Violation> = Vec::new();
        for violation in error.violations().iter().cloned() {
            let violation = match self.of_case(&violation.field) {
                Some(field) if violation.vendor_field.is_none() => violation.for_case(field),
                _ => violation,
            };
            let equal = |other: &Violation| (&other.field, &other.message) == (&violation.field, &violation.message);
            if !translated.iter().any(equal) {
                translated.push(violation);
            }
        }
        error.with_violations(translated)
    }
}

/// Replaces the first index in a path by `[]`, and returns it.
fn generalize(path: &str) -> (Cow<'_, str>, Option<&str>) {
    let parts = path.split_once('[').and_then(|(head, rest)| Some((head, rest.split_once(']')?)));
    match parts {
        Some((head, (index, tail))) if !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) => {
            (format!("{head}[]{tail}").into(), Some(index))
        }
        _ => (path.into(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: CaseFields = CaseFields(&[
        ("Address.Surname", "person.family_name"),
        ("Data.Surname", "person.family_name"),
        ("PDF.Data", "documents[0].pdf"),
        ("PDF[].Data", "documents[].pdf"),
        ("PDF", "documents"),
    ]);

    #[test]
    fn a_path_with_an_index_keeps_it() {
        for (vendor, case) in [
            ("Data.Surname", Some("person.family_name")),
            ("PDF.Data", Some("documents[0].pdf")),
            ("PDF[12].Data", Some("documents[12].pdf")),
            ("PDF[0].Other", None),
            ("PDF[x].Data", None),
            ("PDF[", None),
            ("PDF", Some("documents")),
            ("Add", None),
        ] {
            assert_eq!(FIELDS.of_case(vendor).as_deref(), case, "{vendor}");
        }
    }

    #[test]
    fn equal_violations_of_one_field_become_one() {
        let at = |field: &'static str, message: &'static str| Violation::new(field, message, "T-056", "[T] 3.1.3");
        let error = Error::invalid(vec![
            at("Address.Surname", "is too long"),
            at("Data.Surname", "is too long"),
            at("Data.Surname", "has a control character"),
            at("Add", "is odd"),
            at("Data.Surname", "is mapped").for_case("documents"),
        ]);
        let translated = FIELDS.translate(error);
        let fields: Vec<_> = translated.violations().iter().map(|one| (&*one.field, &*one.message)).collect();
        assert_eq!(
            fields,
            [
                ("person.family_name", "is too long"),
                ("person.family_name", "has a control character"),
                ("Add", "is odd"),
                ("documents", "is mapped"),
            ]
        );
        let shown = translated.to_string();
        assert!(shown.contains("person.family_name (Address.Surname): is too long"), "{shown}");
    }
}
