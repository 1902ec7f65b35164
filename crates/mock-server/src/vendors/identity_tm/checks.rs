//! What only the profile `strict` refuses: all that is not in the tables of [T 3.1.3].

use identkit_core::{Pii, Violation};
use identkit_identity_tm::PutOrder;
use identkit_wire::{Extra, OneOrMany};

use super::rules;
use crate::rejection::Rejection;

const TABLE: &str = "[T] 3.1.3";

fn refuse(faults: Vec<Violation>) -> Result<(), Rejection> {
    Rejection::invalid(faults).or_ok()
}

/// Elements that the tables do not list. Their names are not told: they may be a person's idea of a label.
pub(super) fn unlisted(order: &PutOrder) -> Result<(), Rejection> {
    let mut faults = Vec::new();
    let mut look = |place: &'static str, extra: &Extra| {
        if !extra.is_empty() {
            let message = "holds an element that the document does not list; the profile literal passes over it";
            faults.push(rules::M_08_ELEMENTS.violation(place, message, TABLE));
        }
    };
    look("order", &order.extra);
    order.eid_settings.iter().for_each(|part| look("eIDSettings", &part.extra));
    order.redirect_url.iter().for_each(|part| look("RedirectURL", &part.extra));
    order.webhook_url.iter().for_each(|part| look("WebhookURL", &part.extra));
    order.address.iter().for_each(|part| look("Address", &part.extra));
    order.email_notifications.iter().for_each(|part| look("EmailNotifications", &part.extra));
    order.legitimation_document.iter().flatten().for_each(|part| look("LegitimationDocument", &part.extra));
    order.sign_pdf.iter().flat_map(OneOrMany::as_slice).for_each(|part| look("eSignPDF", &part.extra));
    order.sign_hash.iter().flat_map(OneOrMany::as_slice).for_each(|part| look("eSignHash", &part.extra));
    if let Some(options) = &order.multi_sign_options {
        look("MultiSignOptions", &options.extra);
        options.sign_parameters.iter().flatten().for_each(|part| look("MultiSignOptions.SignParameters", &part.extra));
    }
    if let Some(data) = &order.ident_data {
        look("IdentData", &data.extra);
        data.driver_license.iter().for_each(|part| look("IdentData.DriverLicence", &part.extra));
        data.additional.iter().flatten().for_each(|(_, part)| look("IdentData.Additional", &part.extra));
        if let Some(card) = &data.id_card {
            look("IdentData.IDCard", &card.extra);
            card.images.iter().for_each(|part| look("IdentData.IDCard.Images", &part.extra));
        }
    }
    refuse(faults)
}

/// Blanks around addresses and numbers: the document's own example has one, which the profile `literal` trims (AT-47).
pub(super) fn blanks(order: &PutOrder) -> Result<(), Rejection> {
    let data = order.ident_data.as_ref();
    let given: [(&'static str, Option<&Pii<String>>); 5] = [
        ("Email", order.email.as_ref()),
        ("Phone", order.phone.as_ref()),
        ("Mobile", order.mobile.as_ref()),
        ("IdentData.Email", data.and_then(|data| data.email.as_ref())),
        ("IdentData.Mobile", data.and_then(|data| data.mobile.as_ref())),
    ];
    let blank = |text: &Pii<String>| text.expose().trim().len() != text.expose().len();
    let faults = given.into_iter().filter(|(_, text)| text.is_some_and(blank));
    refuse(faults.map(|(field, _)| rules::AT_47.violation(field, "must have no blanks around it", TABLE)).collect())
}
