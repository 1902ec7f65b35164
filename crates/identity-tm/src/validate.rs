//! Validates an order of `putOrder`: checks every rule and reports all violations.
//!
//! Lengths are in Unicode scalar values (AT-46). Messages never contain a value.

mod normal;
mod signing;
mod text;
mod unlisted;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use identkit_core::{Pii, Violation};
use identkit_wire::json::Blob;
use identkit_wire::url::{UrlFault, WebUrl, check_any_scheme};
use identkit_wire::{Warning, has_blank_ends, holds_control};

pub(crate) use self::normal::{is_normal, normalize};
use self::text::is_date;
pub(crate) use self::text::is_mail_address;
pub(crate) use self::unlisted::{check_extra, listed_in_extra};
use crate::Dialect;
use crate::messages::{Address, OrderIdentData, PutOrder};
use crate::order::{Add, Product};

const TABLE: &str = "[T] 3.1.3";

/// Returns all violations of an order, and warnings about legal but unusual values.
pub(crate) fn check(order: &PutOrder, dialect: &Dialect) -> (Vec<Violation>, Vec<Warning>) {
    let mut checker = Checker { faults: Vec::new(), warnings: Vec::new(), dialect };
    checker.root(order);
    checker.web(order);
    if let Some(address) = &order.address {
        checker.address(address);
    }
    if let Some(data) = &order.ident_data {
        checker.ident_data(data, order);
    }
    checker.signing(order);
    checker.unlisted(order);
    (checker.faults, checker.warnings)
}

struct Checker<'a> {
    faults: Vec<Violation>,
    warnings: Vec<Warning>,
    dialect: &'a Dialect,
}

impl Checker<'_> {
    fn fault(
        &mut self,
        broken: bool,
        field: impl fmt::Display,
        message: impl Into<Cow<'static, str>>,
        rule: &'static str,
    ) {
        if broken {
            self.faults.push(Violation::new(field.to_string(), message, rule, TABLE));
        }
    }

    fn warn(&mut self, odd: bool, message: &'static str, rule: &'static str) {
        self.warnings.extend(Warning::when(odd, message, rule));
    }

    fn required<T>(&mut self, field: impl fmt::Display, value: &Option<T>) {
        self.fault(value.is_none(), field, "is required", "T-056");
    }

    fn required_text(&mut self, field: impl fmt::Display, value: &Option<Pii<String>>) {
        let missing = value.as_ref().is_none_or(|text| text.expose().trim().is_empty());
        self.fault(missing, field, "is required and must not be empty", "T-056");
    }

    fn length(&mut self, field: impl fmt::Display + Copy, value: Option<&str>, most: usize) {
        let Some(text) = value else { return };
        // A text has at least as many bytes as characters.
        if text.len() > most {
            let count = text.chars().count();
            let message = format!("has {count} characters; at most {most} are allowed");
            self.fault(count > most, field, message, "T-005");
        }
        self.fault(holds_control(text), field, "contains a control character", "T-005");
    }

    fn text(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>, most: usize) {
        self.length(field, value.as_ref().map(|text| text.expose().as_str()), most);
    }

    fn email(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>, most: usize) {
        self.text(field, value, most);
        let broken = non_empty(value).is_some_and(|text| !is_mail_address(text));
        let message = "is not a valid e-mail address: it needs exactly one @ with text around it, and no blanks";
        self.fault(broken, field, message, "AT-47");
    }

    fn phone(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>) {
        self.text(field, value, 50);
        let Some(text) = non_empty(value) else { return };
        let digits = text.strip_prefix('+').unwrap_or_default();
        let broken = !(7..=15).contains(&digits.len()) || !digits.chars().all(|c| c.is_ascii_digit());
        let message = "must be international: + and 7 to 15 digits, no blanks, e.g. +491701234567";
        self.fault(broken, field, message, "AT-51");
    }

    /// `three`: whether an alpha-3 code is valid too.
    fn country(&mut self, field: impl fmt::Display, value: &Option<Pii<String>>, three: bool) {
        let Some(text) = non_empty(value) else { return };
        let length = text.len() == 2 || (three && text.len() == 3);
        let broken = !length || !text.bytes().all(|c| c.is_ascii_uppercase());
        self.fault(broken, field, "must be an ISO 3166 code of two capital letters, e.g. DE", "AT-44");
    }

    fn zip(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>) {
        let Some(text) = non_empty(value) else { return };
        self.fault(holds_control(text), field, "contains a control character", "T-005");
        let count = text.chars().count();
        if count > 5 && !self.dialect.long_zip_codes {
            let message = format!(
                "has {count} characters; the vendor's table allows 5 (the setting `long_zip_codes` allows longer ones)"
            );
            self.fault(true, field, message, "AT-45");
        }
    }

    fn date(&mut self, field: impl fmt::Display, value: &Option<Pii<String>>) {
        let broken = non_empty(value).is_some_and(|text| !is_date(text));
        self.fault(broken, field, "must be a valid date as YYYY-MM-DD", "T-005");
    }

    fn truth(&mut self, field: impl fmt::Display, value: &Option<Pii<String>>) {
        let broken = non_empty(value).is_some_and(|text| !matches!(text, "true" | "false"));
        self.fault(broken, field, "must be \"true\" or \"false\", in lower case", "AT-83");
    }

    fn root(&mut self, order: &PutOrder) {
        let product = order.product.map(Product);
        self.required("Product", &product);
        self.required("Add", &order.add);
        self.required_text("Email", &order.email);
        self.required("Address", &order.address);
        self.email("Email", &order.email, 50);
        self.phone("Phone", &order.phone);
        self.phone("Mobile", &order.mobile);
        self.text("Ref", &order.reference, 100);
        let reference = order.reference.as_ref().map_or("", |reference| reference.expose());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '-');
        let webhook = order.webhook_url.as_ref();
        let urls = webhook.map(|urls| [&urls.after_video, &urls.after_ident, &urls.on_final]);
        let used = urls.iter().flatten().any(|url| url.as_ref().is_some_and(|url| url.expose().contains("[Ref]")));
        let message = "Ref has characters other than letters, digits and ._~-, and is part of a webhook URL: whether the \
                       vendor percent-encodes it is not documented";
        self.warn(used && !self.dialect.any_reference && !reference.chars().all(plain), message, "AT-20");
        let message = "the order has no Ref: if the response is lost, the order cannot be found";
        self.warn(reference.is_empty(), message, "AT-19");
        let undocumented = product.is_some_and(|product| !Product::DOCUMENTED.contains(&product));
        self.warn(undocumented, "Product is not one of the documented 0, 12, 15, 16", "T-006");
        let hashes = order.get_video_hashes == Some(true) && !matches!(product, Some(Product::VIDEO | Product::SIGN));
        self.warn(hashes, "getVideoHashes has an effect only with Product 12 or 15", "T-054");
        // An IBAN or a BIC.
        let message = "must not have blanks around it";
        let has_blanks = order.get_giro_link.as_ref().is_some_and(|bank| has_blank_ends(bank.expose()));
        self.fault(has_blanks, "getGiroLink", message, "AT-41");
        self.text("getGiroLink", &order.get_giro_link, usize::MAX);
        for (index, document) in order.legitimation_document.iter().flatten().enumerate() {
            self.text(format_args!("LegitimationDocument[{index}].Document"), &document.document, 50);
        }
        if let Some(mails) = &order.email_notifications {
            self.email("EmailNotifications.OnPositiveIdent", &mails.on_positive_ident, 150);
            self.email("EmailNotifications.OnNegativeIdent", &mails.on_negative_ident, 150);
            self.email("EmailNotifications.OnTimeOut", &mails.on_time_out, 150);
            self.email("EmailNotifications.OnLeave", &mails.on_leave, 150);
        }
    }

    fn web(&mut self, order: &PutOrder) {
        let (redirect, webhook) = (order.redirect_url.as_ref(), order.webhook_url.as_ref());
        let both = webhook.is_some_and(|webhook| webhook.after_video.is_some() && webhook.after_ident.is_some());
        self.fault(both, "WebhookURL", "must have either AfterVideo or AfterIdent, not both", "T-050");
        let urls = [
            ("RedirectURL.Success", redirect.and_then(|redirect| redirect.success.as_ref())),
            ("RedirectURL.Abort", redirect.and_then(|redirect| redirect.abort.as_ref())),
            ("WebhookURL.AfterVideo", webhook.and_then(|webhook| webhook.after_video.as_ref())),
            ("WebhookURL.AfterIdent", webhook.and_then(|webhook| webhook.after_ident.as_ref())),
            ("WebhookURL.OnFinal", webhook.and_then(|webhook| webhook.on_final.as_ref())),
        ];
        let reference = order.reference.as_ref().map_or(100, |reference| reference.expose().chars().count());
        for (field, url) in urls {
            let Some(url) = url.map(|url| url.expose()) else { continue };
            self.length(field, Some(url), 150);
            let fault = check_any_scheme(url).err();
            self.fault(fault.is_some(), field, fault.map_or("", UrlFault::text), "AT-99");
            // A redirect can open an app. A webhook is a request over HTTP.
            let is_webhook = field.starts_with("WebhookURL.") && !url.is_empty() && fault.is_none();
            let message = "a URL of WebhookURL is not an http or https URL: the vendor cannot call it";
            self.warn(is_webhook && WebUrl::parse(&without_placeholders(url)).is_err(), message, "AT-99");
            // Fast path: each placeholder has a bracket, and few URLs come near the limit.
            let brackets = url.matches('[').count();
            if url.len() + brackets * reference.max(20) <= 150 {
                continue;
            }
            let expanded = url.chars().count()
                + url.matches("[OrderID]").count() * (20 - "[OrderID]".len())
                + url.matches("[Ref]").count() * reference
                - url.matches("[Ref]").count() * "[Ref]".len();
            let message = "a URL may exceed 150 characters when the vendor replaces its placeholders";
            self.warn(expanded > 150, message, "AT-21");
        }
    }

    fn address(&mut self, address: &Address) {
        self.required_text("Address.Firstname", &address.firstname);
        self.required_text("Address.Surname", &address.surname);
        self.required_text("Address.Country", &address.country);
        self.text("Address.Firstname", &address.firstname, 50);
        self.text("Address.Surname", &address.surname, 50);
        self.text("Address.CompanyName", &address.company_name, 50);
        self.text("Address.Street", &address.street, 50);
        self.zip("Address.ZipCode", &address.zip_code);
        self.text("Address.City", &address.city, 100);
        // Of all countries, only this one's table allows 3 characters (AT-44).
        self.country("Address.Country", &address.country, self.dialect.three_letter_countries);
    }

    fn ident_data(&mut self, data: &OrderIdentData, order: &PutOrder) {
        let add = Add(order.add.unwrap_or_default());
        self.text("IdentData.Firstname", &data.firstname, 50);
        self.text("IdentData.Surname", &data.surname, 50);
        self.text("IdentData.Street", &data.street, 100);
        self.zip("IdentData.ZipCode", &data.zip_code);
        self.text("IdentData.City", &data.city, 100);
        self.country("IdentData.Country", &data.country, false);
        self.date("IdentData.Birthdate", &data.birthdate);
        self.text("IdentData.Birthplace", &data.birthplace, 100);
        self.text("IdentData.Birthname", &data.birthname, 75);
        self.text("IdentData.Nationality", &data.nationality, 50);
        self.text("IdentData.Title", &data.title, 50);
        self.text("IdentData.Artistname", &data.artistname, 50);
        self.email("IdentData.Email", &data.email, 50);
        self.phone("IdentData.Mobile", &data.mobile);
        self.text("IdentData.CollectedBy", &data.collected_by, 100);
        let gender = data.gender.as_ref().map_or("", |gender| gender.expose());
        let broken = !matches!(gender, "" | "female" | "male");
        self.fault(broken, "IdentData.Gender", "must be \"female\" or \"male\", in lower case", "AT-50");
        if let Some(card) = &data.id_card {
            self.text("IdentData.IDCard.CardNo", &card.card_no, 50);
            self.text("IdentData.IDCard.PlaceOfIssue", &card.place_of_issue, 100);
            self.date("IdentData.IDCard.DateOfIssue", &card.date_of_issue);
            self.date("IdentData.IDCard.ValidUntil", &card.valid_until);
            for (name, image) in
                card.images.iter().flat_map(|images| [("Front", &images.front), ("Back", &images.back)])
            {
                let broken = image.as_ref().is_some_and(|image| decoded(image).is_none());
                self.fault(broken, format_args!("IdentData.IDCard.Images.{name}"), NOT_BASE64, "T-005");
            }
            let odd = card.images.is_some() && !add.contains(Add::POS);
            self.warn(odd, "IDCard.Images is documented for the PoS service (Add 4194304) only", "T-053");
        }
        let odd = data.collected_by.is_some() && !add.contains(Add::POS);
        self.warn(odd, "CollectedBy is documented for the PoS service (Add 4194304) only", "T-053");
        if let Some(license) = &data.driver_license {
            self.text("IdentData.DriverLicence.LicenceNo", &license.license_no, 50);
            self.text("IdentData.DriverLicence.Classes", &license.classes, 50);
            self.date("IdentData.DriverLicence.DateOfIssue", &license.date_of_issue);
            let odd = !add.intersects(Add::LICENSE_WITH_ID | Add::LICENSE_WITHOUT_ID);
            self.warn(odd, "DriverLicence is documented for license checks (Add 4096 or 8192) only", "T-053");
        }
        let details = data.additional.as_ref().map_or(0, BTreeMap::len);
        let most = if order.product.map(Product) == Some(Product::WITHOUT_VIDEO) { 2 } else { 10 };
        if details > most {
            let message = format!("has {details} items; at most {most} are allowed for this Product");
            self.fault(true, "IdentData.Additional", message, "AT-83");
        }
        let message = "IdentData.Additional has more than the 2 items that courier and shop allow";
        self.warn(2 < details && details <= most, message, "AT-83");
        for (index, (name, detail)) in data.additional.iter().flatten().enumerate() {
            // The name may contain personal data, so the message has its position instead.
            let at = Item("IdentData.Additional", Some(index));
            self.length(format_args!("{at} (its name)"), Some(name.expose()), 50);
            self.text(format_args!("{at}.Label"), &detail.label, 100);
            self.text(format_args!("{at}.Value"), &detail.value, 150);
            self.required(format_args!("{at}.Type"), &detail.kind);
            self.required(format_args!("{at}.Label"), &detail.label);
            let broken = detail.kind.is_some_and(|kind| !(1..=4).contains(&kind));
            let message = "must be 1 (string), 2 (date), 3 (bool) or 4 (country)";
            self.fault(broken, format_args!("{at}.Type"), message, "AT-83");
            let value = format_args!("{at}.Value");
            match detail.kind {
                Some(2) => self.date(value, &detail.value),
                Some(3) => self.truth(value, &detail.value),
                Some(4) => self.country(value, &detail.value, false),
                _ => {}
            }
        }
    }
}

/// The message about a text that is not Base64.
const NOT_BASE64: &str = "is not valid Base64 (RFC 4648, section 4, with + and /)";

/// Returns a URL with values in place of its placeholders, whose brackets are not allowed in a URL.
fn without_placeholders(url: &str) -> Cow<'_, str> {
    if url.contains('[') { url.replace("[OrderID]", "1").replace("[Ref]", "1").into() } else { url.into() }
}

/// Returns a blob without its Base64; `None` if that is not valid. The URL-safe alphabet is not: the text is sent unchanged,
/// and the document says Base64.
fn decoded(blob: &Blob) -> Option<Blob> {
    match blob {
        Blob::Text(text) if text.expose().contains(['-', '_']) => None,
        Blob::Text(_) => blob.to_bytes().ok().map(Blob::from_bytes),
        Blob::Source(_) => Some(blob.clone()),
    }
}

fn non_empty(text: &Option<Pii<String>>) -> Option<&str> {
    text.as_ref().map(|text| text.expose().as_str()).filter(|text| !text.is_empty())
}

/// Path of a list item in a message: without an index if the item is the only one.
#[derive(Clone, Copy)]
struct Item(&'static str, Option<usize>);

impl Item {
    /// Returns documents to sign with their paths. A single document has no list around it (AT-33).
    fn number<'a, T>(name: &'static str, items: &'a [T]) -> impl Iterator<Item = (Self, &'a T)> {
        let many = items.len() != 1;
        items.iter().enumerate().map(move |(index, item)| (Self(name, many.then_some(index)), item))
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(index) => write!(f, "{}[{index}]", self.0),
            None => f.write_str(self.0),
        }
    }
}
