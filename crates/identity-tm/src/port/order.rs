//! Maps a new case to an order, and the order's violations back to the case.

use identkit_core::{CaseFields, Error, NewCase, Pii, Purpose, Violation};
use identkit_wire::Operation;
use identkit_wire::json::Blob;

use crate::messages::{Address, OrderIdentData};
use crate::order::{Gender, NewOrder, ToSign};
use crate::{Dialect, PutOrder};

/// Every element that [`new_order`] fills from the case.
const FIELDS: CaseFields = CaseFields(&[
    ("Ref", "reference"),
    ("Email", "person.email"),
    ("Mobile", "person.mobile"),
    ("RedirectURL.Success", "redirect_success"),
    ("RedirectURL.Abort", "redirect_abort"),
    ("WebhookURL.OnFinal", "webhook_final"),
    ("Address.Firstname", "person.given_names"),
    ("Address.Surname", "person.family_name"),
    ("Address.Street", "person.address.street"),
    ("Address.ZipCode", "person.address.postal_code"),
    ("Address.City", "person.address.city"),
    ("Address.Country", "person.address.country"),
    ("IdentData.Firstname", "person.given_names"),
    ("IdentData.Surname", "person.family_name"),
    ("IdentData.Street", "person.address.street"),
    ("IdentData.ZipCode", "person.address.postal_code"),
    ("IdentData.City", "person.address.city"),
    ("IdentData.Country", "person.address.country"),
    ("IdentData.Birthdate", "person.birth_date"),
    ("IdentData.Birthplace", "person.birthplace"),
    ("IdentData.Nationality", "person.nationality"),
    ("IdentData.Gender", "person.gender"),
    ("eSignPDF", "documents"),
    // A single document is not in a list (AT-33).
    ("eSignPDF.Filename", "documents[0].name"),
    ("eSignPDF.Data", "documents[0].pdf"),
    ("eSignPDF[].Filename", "documents[].name"),
    ("eSignPDF[].Data", "documents[].pdf"),
]);

/// Returns the order of a case.
///
/// # Errors
/// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) with all violations in terms of the case.
pub(super) fn new_order(case: &NewCase, dialect: &Dialect) -> Result<PutOrder, Error> {
    build(case, dialect).map_err(|error| FIELDS.translate(error))
}

fn build(case: &NewCase, dialect: &Dialect) -> Result<PutOrder, Error> {
    let person = &case.person;
    let address = &person.address;
    let street = match (&address.street, &address.house_number) {
        (Some(street), Some(number)) => Some(Pii::new(format!("{} {}", street.expose(), number.expose()))),
        (street, _) => street.clone(),
    };
    let mut contact = Address::default().firstname(person.given_names.clone()).surname(person.family_name.clone());
    contact.street.clone_from(&street);
    contact.zip_code.clone_from(&address.postal_code);
    contact.city.clone_from(&address.city);
    contact.country.clone_from(&address.country);

    let mut data = OrderIdentData::default().firstname(person.given_names.clone()).surname(person.family_name.clone());
    data.street = street;
    data.zip_code.clone_from(&address.postal_code);
    data.city.clone_from(&address.city);
    data.country.clone_from(&address.country);
    data.birthdate = person.birth_date.as_ref().map(|date| Pii::new(date.expose().to_string()));
    data.birthplace.clone_from(&person.birthplace);
    data.nationality.clone_from(&person.nationality);
    // The vendor defines no third gender (AT-50): the element is left out.
    data.gender = match person.gender {
        Some(identkit_core::Gender::Female) => Some(Gender::Female.into()),
        Some(identkit_core::Gender::Male) => Some(Gender::Male.into()),
        _ => None,
    };

    let email = person.email.clone().unwrap_or_default();
    let mut order = match case.purpose {
        Purpose::Signature => NewOrder::signature(email, contact),
        _ if !case.documents.is_empty() => {
            let message = "must be empty unless the purpose is Signature";
            let violation = Violation::new("documents", message, "T-052", PutOrder::META.section);
            return Err(Error::invalid(vec![violation]).with_operation(PutOrder::META.name));
        }
        _ => NewOrder::identification(email, contact),
    };
    order = order.target_link().ident_data(data).redirect(case.redirect_success.clone(), case.redirect_abort.clone());
    if let Some(reference) = &case.reference {
        order = order.reference(reference.clone());
    }
    if let Some(mobile) = &person.mobile {
        order = order.mobile(mobile.clone());
    }
    if let Some(webhook) = &case.webhook_final {
        order = order.on_final(webhook.clone());
    }
    for document in &case.documents {
        order = order.sign(ToSign::pdf(document.name.as_str(), Blob::from_bytes(document.pdf.clone())));
    }
    order.build_for(dialect)
}

#[cfg(test)]
mod tests {
    use identkit_core::{Delivery, Document, Person};
    use serde_json::Value;

    use super::*;

    /// A case with every field.
    fn full_case(documents: usize) -> NewCase {
        let text = || Some("x".into());
        let pdf = || Document { name: "a.pdf".into(), pdf: "%PDF-1.7".into() };
        NewCase {
            purpose: if documents == 0 { Purpose::Identification } else { Purpose::Signature },
            reference: text(),
            project: Some("6".into()),
            person: Person {
                given_names: "Erika".into(),
                family_name: "Mustermann".into(),
                birth_date: Some(jiff::civil::date(1964, 8, 12).into()),
                birthplace: text(),
                nationality: Some("DE".into()),
                gender: Some(identkit_core::Gender::Female),
                email: Some("e.mustermann@example.com".into()),
                mobile: Some("+491711234567".into()),
                address: identkit_core::Address {
                    street: text(),
                    house_number: text(),
                    postal_code: text(),
                    city: text(),
                    country: Some("DE".into()),
                },
            },
            documents: (0..documents).map(|_| pdf()).collect(),
            redirect_success: Some("https://shop.example/ok".into()),
            redirect_abort: Some("https://shop.example/no".into()),
            webhook_final: Some("https://shop.example/final".into()),
        }
    }

    /// Paths of all elements with a value.
    fn leaves(at: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                leaves(&if at.is_empty() { name.clone() } else { format!("{at}.{name}") }, value, found);
            }),
            Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| {
                leaves(&format!("{at}[{index}]"), value, found);
            }),
            _ => found.push(at.to_owned()),
        }
    }

    #[test]
    fn the_table_has_every_element_that_a_case_fills() {
        let mut used = Vec::new();
        for documents in [0, 1, 2] {
            let order = new_order(&full_case(documents), &Dialect::default()).unwrap();
            leaves("", &serde_json::to_value(&order).unwrap(), &mut used);
        }
        used.retain(|path| !["Product", "Add", "getTargetLink"].contains(&path.as_str()));
        let unmapped: Vec<_> = used.iter().filter(|path| FIELDS.of_case(path).is_none()).collect();
        assert!(unmapped.is_empty(), "{unmapped:?}");
        // Nothing in the table is obsolete. A violation of all documents names the list.
        let general: Vec<_> = used.iter().map(|path| path.replace("[0]", "[]").replace("[1]", "[]")).collect();
        let unused: Vec<_> = FIELDS
            .0
            .iter()
            .filter(|(vendor, _)| *vendor != "eSignPDF" && !general.contains(&(*vendor).to_owned()))
            .collect();
        assert!(unused.is_empty(), "{unused:?}");
    }

    #[test]
    fn violations_name_the_fields_of_the_case() {
        let mut case = full_case(2);
        case.person.family_name = "x".repeat(51).into();
        case.person.mobile = Some("0171".into());
        case.person.address.postal_code = Some("123456".into());
        case.documents[1].pdf = "no PDF".into();
        case.reference = Some("x".repeat(101).into());
        let error = new_order(&case, &Dialect::default()).unwrap_err();
        let fields: Vec<_> =
            error.violations().iter().map(|one| (&*one.field, one.vendor_field.as_deref().unwrap())).collect();
        assert_eq!(
            fields,
            [
                ("person.mobile", "Mobile"),
                ("reference", "Ref"),
                ("person.family_name", "Address.Surname"),
                ("person.address.postal_code", "Address.ZipCode"),
                ("documents[1].pdf", "eSignPDF[1].Data"),
            ]
        );
        case = full_case(1);
        case.documents[0].pdf = "no PDF".into();
        let error = new_order(&case, &Dialect::default()).unwrap_err();
        assert_eq!(error.violations()[0].field, "documents[0].pdf");
        case.purpose = Purpose::Identification;
        let error = new_order(&case, &Dialect::default()).unwrap_err();
        assert_eq!(error.violations()[0].field, "documents");
        assert_eq!(error.delivery(), Some(Delivery::NotSent));
        case = full_case(0);
        case.purpose = Purpose::Signature;
        let error = new_order(&case, &Dialect::default()).unwrap_err();
        assert_eq!(error.violations()[0].field, "documents");
    }
}
