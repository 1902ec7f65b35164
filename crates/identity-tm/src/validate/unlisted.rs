//! Elements that the document lists are not to be passed by as unlisted ones: written beside their own field they would
//! stand twice in one object, and without it no rule would look at them.

use std::fmt;

use identkit_core::{Error, Violation};
use identkit_wire::{Extra, OneOrMany};

use super::{Checker, Item, TABLE};
use crate::messages::{
    Additional, Address, DriverLicense, EidSettings, EmailNotifications, IdCard, IdCardImages, LegitimationDocument,
    MultiSignOptions, OrderIdentData, PutOrder, RedirectUrl, SignHash, SignParameters, SignPdf, WebhookUrl,
};

impl Checker<'_> {
    pub(super) fn unlisted(&mut self, order: &PutOrder) {
        self.faults.extend(listed_in_extra("", &order.extra, PutOrder::KEYS, TABLE));
        let mut part = |at: &dyn fmt::Display, extra: Option<&Extra>, keys| {
            if let Some(extra) = extra.filter(|extra| !extra.is_empty()) {
                self.faults.extend(listed_in_extra(&format!("{at}."), extra, keys, TABLE));
            }
        };
        let data = order.ident_data.as_ref();
        let card = data.and_then(|data| data.id_card.as_ref());
        let images = card.and_then(|card| card.images.as_ref());
        let license = data.and_then(|data| data.driver_license.as_ref());
        part(&"eIDSettings", order.eid_settings.as_ref().map(|part| &part.extra), EidSettings::KEYS);
        part(&"RedirectURL", order.redirect_url.as_ref().map(|part| &part.extra), RedirectUrl::KEYS);
        part(&"WebhookURL", order.webhook_url.as_ref().map(|part| &part.extra), WebhookUrl::KEYS);
        part(&"Address", order.address.as_ref().map(|part| &part.extra), Address::KEYS);
        part(&"IdentData", data.map(|part| &part.extra), OrderIdentData::KEYS);
        part(&"IdentData.IDCard", card.map(|part| &part.extra), IdCard::KEYS);
        part(&"IdentData.IDCard.Images", images.map(|part| &part.extra), IdCardImages::KEYS);
        part(&"IdentData.DriverLicence", license.map(|part| &part.extra), DriverLicense::KEYS);
        let details = data.and_then(|data| data.additional.as_ref()).into_iter().flat_map(|details| details.values());
        for (index, detail) in details.enumerate() {
            part(&Item("IdentData.Additional", Some(index)), Some(&detail.extra), Additional::KEYS);
        }
        for (index, document) in order.legitimation_document.iter().flatten().enumerate() {
            part(&Item("LegitimationDocument", Some(index)), Some(&document.extra), LegitimationDocument::KEYS);
        }
        for (at, pdf) in Item::number("eSignPDF", order.sign_pdf.as_ref().map_or(&[], OneOrMany::as_slice)) {
            part(&at, Some(&pdf.extra), SignPdf::KEYS);
        }
        for (at, hash) in Item::number("eSignHash", order.sign_hash.as_ref().map_or(&[], OneOrMany::as_slice)) {
            part(&at, Some(&hash.extra), SignHash::KEYS);
        }
        let options = order.multi_sign_options.as_ref();
        part(&"MultiSignOptions", options.map(|part| &part.extra), MultiSignOptions::KEYS);
        let parameters = options.and_then(|options| options.sign_parameters.as_ref());
        for (index, item) in parameters.into_iter().flatten().enumerate() {
            let at = Item("MultiSignOptions.SignParameters", Some(index));
            part(&at, Some(&item.extra), SignParameters::KEYS);
        }
        part(
            &"EmailNotifications",
            order.email_notifications.as_ref().map(|part| &part.extra),
            EmailNotifications::KEYS,
        );
    }
}

/// Refuses a small body for these faults, and before them for listed elements among the unlisted ones.
pub(crate) fn refuse(
    extra: &Extra,
    keys: &[&'static str],
    section: &'static str,
    faults: impl IntoIterator<Item = Violation>,
) -> Result<(), Error> {
    let faults: Vec<_> = listed_in_extra("", extra, keys, section).chain(faults).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
}

/// A fault for each listed element that stands among the unlisted ones of its object; `at` ends with a dot.
pub(crate) fn listed_in_extra<'a>(
    at: &'a str,
    extra: &'a Extra,
    keys: &'a [&'static str],
    section: &'static str,
) -> impl Iterator<Item = Violation> + 'a {
    keys.iter().filter(|key| extra.contains_key(**key)).map(move |key| {
        let message = "is an element that the document lists: set its own field, not `extra`";
        Violation::new(format!("{at}{key}"), message, "AT-42", section)
    })
}
