//! Rejects listed elements in `extra`: next to their own field they would be written twice, and no rule checks them
//! there.

use std::fmt;

use identkit_core::{Error, Violation};
use identkit_wire::{Extra, OneOrMany};

use super::{Checker, Item, TABLE};
use crate::messages::{
    Additional, Address, DriverLicense, EidSettings, EmailNotifications, IdCard, IdCardImages, LegitimationDocument,
    MultiSignOptions, OrderIdentData, PutOrder, RedirectUrl, SignHash, SignParameters, SignPdf, WebhookUrl,
};

/// An object of an order: its unlisted elements and its listed keys.
trait Part {
    fn elements(&self) -> (&Extra, &'static [&'static str]);
}

macro_rules! parts {
    ($($part:ident),+ $(,)?) => {$(
        impl Part for $part {
            fn elements(&self) -> (&Extra, &'static [&'static str]) {
                (&self.extra, Self::KEYS)
            }
        }
    )+};
}

parts! {
    Additional, Address, DriverLicense, EidSettings, EmailNotifications, IdCard, IdCardImages, LegitimationDocument,
    MultiSignOptions, OrderIdentData, RedirectUrl, SignHash, SignParameters, SignPdf, WebhookUrl,
}

impl Checker<'_> {
    pub(super) fn unlisted(&mut self, order: &PutOrder) {
        self.faults.extend(listed_in_extra("", &order.extra, PutOrder::KEYS, TABLE));
        self.part("eIDSettings", order.eid_settings.as_ref());
        self.part("RedirectURL", order.redirect_url.as_ref());
        self.part("WebhookURL", order.webhook_url.as_ref());
        self.part("Address", order.address.as_ref());
        let data = order.ident_data.as_ref();
        let card = data.and_then(|data| data.id_card.as_ref());
        self.part("IdentData", data);
        self.part("IdentData.IDCard", card);
        self.part("IdentData.IDCard.Images", card.and_then(|card| card.images.as_ref()));
        self.part("IdentData.DriverLicence", data.and_then(|data| data.driver_license.as_ref()));
        let details = data.and_then(|data| data.additional.as_ref()).into_iter().flat_map(|details| details.values());
        self.parts("IdentData.Additional", details);
        self.parts("LegitimationDocument", order.legitimation_document.iter().flatten());
        for (at, pdf) in Item::number("eSignPDF", order.sign_pdf.as_ref().map_or(&[], OneOrMany::as_slice)) {
            self.part(at, Some(pdf));
        }
        for (at, hash) in Item::number("eSignHash", order.sign_hash.as_ref().map_or(&[], OneOrMany::as_slice)) {
            self.part(at, Some(hash));
        }
        let options = order.multi_sign_options.as_ref();
        self.part("MultiSignOptions", options);
        let parameters = options.and_then(|options| options.sign_parameters.as_ref()).into_iter().flatten();
        self.parts("MultiSignOptions.SignParameters", parameters);
        self.part("EmailNotifications", order.email_notifications.as_ref());
    }

    fn part(&mut self, at: impl fmt::Display, part: Option<&impl Part>) {
        let Some((extra, keys)) = part.map(Part::elements).filter(|(extra, _)| !extra.is_empty()) else { return };
        self.faults.extend(listed_in_extra(&format!("{at}."), extra, keys, TABLE));
    }

    fn parts<'a, P: Part + 'a>(&mut self, at: &'static str, parts: impl Iterator<Item = &'a P>) {
        for (index, part) in parts.enumerate() {
            self.part(Item(at, Some(index)), Some(part));
        }
    }
}

/// Returns an error with these violations, after those for listed elements in `extra`.
pub(crate) fn check_extra(
    extra: &Extra,
    keys: &[&'static str],
    section: &'static str,
    faults: impl IntoIterator<Item = Violation>,
) -> Result<(), Error> {
    let faults: Vec<_> = listed_in_extra("", extra, keys, section).chain(faults).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
}

/// Returns a violation for each listed element in `extra`; `at` is the object's path with a dot at its end, or empty.
pub(crate) fn listed_in_extra<'a>(
    at: &'a str,
    extra: &'a Extra,
    keys: &'a [&'static str],
    section: &'static str,
) -> impl Iterator<Item = Violation> + 'a {
    keys.iter().filter(|key| extra.contains_key(**key)).map(move |key| {
        let message = "is a listed element: set its own field, not `extra`";
        Violation::new(format!("{at}{key}"), message, "AT-42", section)
    })
}
