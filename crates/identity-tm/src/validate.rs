//! The strict writer of `putOrder`: normalises, then checks every rule and tells all faults at once.
//!
//! Lengths are in Unicode scalar values (AT-46). Messages never hold a value.

mod text;

use std::fmt;

use identkit_core::{Pii, Violation};
use identkit_wire::{Extra, OneOrMany, Warning};

pub(crate) use self::text::is_mail_address;
use self::text::{holds_control, is_date};
use crate::Dialect;
use crate::messages::{
    Additional, Address, DriverLicense, EidSettings, EmailNotifications, IdCard, IdCardImages, LegitimationDocument,
    MultiSignOptions, OrderIdentData, PutOrder, RedirectUrl, SignHash, SignParameters, SignPdf, WebhookUrl,
};
use crate::order::{Add, Product};

const TABLE: &str = "[T] 3.1.3";

/// Trims what people leave around addresses and numbers: the document's own example has a blank after the e-mail
/// address (AT-47). Takes a single document out of its array, so that it comes back as the PDF itself (AT-33).
pub(crate) fn normalise(order: &mut PutOrder) {
    unwrap_single(&mut order.sign_pdf);
    unwrap_single(&mut order.sign_hash);
    let trim = |text: &mut Option<Pii<String>>| {
        if let Some(text) = text {
            let trimmed = text.expose().trim();
            if trimmed.len() != text.expose().len() {
                *text = Pii::from(trimmed);
            }
        }
    };
    trim(&mut order.email);
    trim(&mut order.mobile);
    trim(&mut order.phone);
    if let Some(data) = &mut order.ident_data {
        trim(&mut data.email);
        trim(&mut data.mobile);
    }
}

/// Whether [`normalise`] would leave the order as it is.
pub(crate) fn is_normal(order: &PutOrder) -> bool {
    let trimmed =
        |text: &Option<Pii<String>>| text.as_ref().is_none_or(|text| text.expose().trim().len() == text.expose().len());
    let data = order.ident_data.as_ref();
    !is_single(&order.sign_pdf)
        && !is_single(&order.sign_hash)
        && trimmed(&order.email)
        && trimmed(&order.mobile)
        && trimmed(&order.phone)
        && data.is_none_or(|data| trimmed(&data.email) && trimmed(&data.mobile))
}

fn is_single<T>(documents: &Option<OneOrMany<T>>) -> bool {
    matches!(documents, Some(OneOrMany::Many(many)) if many.len() == 1)
}

fn unwrap_single<T>(documents: &mut Option<OneOrMany<T>>) {
    if let Some(OneOrMany::Many(many)) = documents
        && many.len() == 1
        && let Some(only) = many.pop()
    {
        *documents = Some(OneOrMany::One(only));
    }
}

/// Every broken rule of an order, and what is odd about it without being wrong.
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
        field: impl fmt::Display,
        message: impl Into<std::borrow::Cow<'static, str>>,
        rule: &'static str,
    ) {
        self.faults.push(Violation::new(field.to_string(), message, rule, TABLE));
    }

    fn warn(&mut self, message: &'static str, rule: &'static str) {
        self.warnings.push(Warning::new(message, rule));
    }

    fn required<T>(&mut self, field: impl fmt::Display + Copy, value: &Option<T>) {
        if value.is_none() {
            self.fault(field, "is required", "T-056");
        }
    }

    fn required_text(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>) {
        if value.as_ref().is_none_or(|text| text.expose().trim().is_empty()) {
            self.fault(field, "is required and must not be empty", "T-056");
        }
    }

    fn length(&mut self, field: impl fmt::Display + Copy, value: Option<&str>, most: usize) {
        let Some(text) = value else { return };
        // No text has more characters than bytes.
        if text.len() > most {
            let count = text.chars().count();
            if count > most {
                self.fault(field, format!("has {count} characters where at most {most} are allowed"), "T-005");
            }
        }
        if holds_control(text) {
            self.fault(field, "holds a control character", "T-005");
        }
    }

    fn text(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>, most: usize) {
        self.length(field, value.as_ref().map(|text| text.expose().as_str()), most);
    }

    fn email(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>, most: usize) {
        self.text(field, value, most);
        let Some(text) = value.as_ref().map(Pii::expose).filter(|text| !text.is_empty()) else { return };
        if !is_mail_address(text) {
            self.fault(
                field,
                "is no e-mail address: exactly one @ with text around it and no blanks is needed",
                "AT-47",
            );
        }
    }

    fn phone(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>) {
        self.text(field, value, 50);
        let Some(text) = value.as_ref().map(Pii::expose).filter(|text| !text.is_empty()) else { return };
        let digits = text.strip_prefix('+').unwrap_or_default();
        if !(7..=15).contains(&digits.len()) || !digits.chars().all(|c| c.is_ascii_digit()) {
            self.fault(field, "must be international: + and 7 to 15 digits, no blanks, e.g. +491701234567", "AT-51");
        }
    }

    /// `three`: whether an alpha-3 code is accepted too.
    fn country(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>, three: bool) {
        let Some(text) = value.as_ref().map(Pii::expose).filter(|text| !text.is_empty()) else { return };
        let length = text.len() == 2 || (three && text.len() == 3);
        if !length || !text.bytes().all(|c| c.is_ascii_uppercase()) {
            self.fault(field, "must be an ISO 3166 code of two capital letters, e.g. DE", "AT-44");
        }
    }

    fn zip(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>) {
        let Some(text) = value.as_ref().map(Pii::expose) else { return };
        let count = text.chars().count();
        if holds_control(text) {
            self.fault(field, "holds a control character", "T-005");
        }
        if count > 5 && !self.dialect.long_zip_codes {
            let message = format!(
                "has {count} characters where the vendor's table allows 5; it is never cut, allow longer ones by the dialect"
            );
            self.fault(field, message, "AT-45");
        }
    }

    fn date(&mut self, field: impl fmt::Display + Copy, value: &Option<Pii<String>>) {
        let Some(text) = value.as_ref().map(Pii::expose).filter(|text| !text.is_empty()) else { return };
        if !is_date(text) {
            self.fault(field, "must be a date of the calendar as YYYY-MM-DD", "T-005");
        }
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
        if !self.dialect.any_reference && !reference.chars().all(plain) {
            self.fault(
                "Ref",
                "may hold letters, digits and ._~- only, since it goes into webhook URLs; allow others by the dialect",
                "AT-20",
            );
        }
        if reference.is_empty() {
            self.warn("the order has no Ref: should its answer be lost, it cannot be found again", "AT-19");
        }
        if product.is_some_and(|product| !Product::DOCUMENTED.contains(&product)) {
            self.warn("Product is none of the documented 0, 12, 15, 16", "T-006");
        }
        let video = matches!(product, Some(Product::VIDEO | Product::SIGN));
        if order.get_video_hashes == Some(true) && !video {
            self.warn("getVideoHashes has an effect with Product 12 and 15 only", "T-054");
        }
        for (index, document) in order.legitimation_document.iter().flatten().enumerate() {
            self.text(&format!("LegitimationDocument[{index}].Document"), &document.document, 50);
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
        if webhook.is_some_and(|webhook| webhook.after_video.is_some() && webhook.after_ident.is_some()) {
            self.fault("WebhookURL", "AfterVideo and AfterIdent exclude each other: set one of them", "T-050");
        }
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
            // Each placeholder has a bracket; counting those tells nearly always that there is room enough.
            let brackets = url.bytes().filter(|byte| *byte == b'[').count();
            if url.len() + brackets * reference.max(20) <= 150 {
                continue;
            }
            let expanded = url.chars().count()
                + url.matches("[OrderID]").count() * (20 - "[OrderID]".len())
                + url.matches("[Ref]").count() * reference
                - url.matches("[Ref]").count() * "[Ref]".len();
            if expanded > 150 {
                self.warn("a URL may grow beyond 150 characters once its placeholders are filled in", "AT-21");
            }
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
        // Its table alone has 3 characters.
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
        if !matches!(gender, "" | "female" | "male") {
            self.fault("IdentData.Gender", "must be female or male, in small letters", "AT-50");
        }
        if let Some(card) = &data.id_card {
            self.text("IdentData.IDCard.CardNo", &card.card_no, 50);
            self.text("IdentData.IDCard.PlaceOfIssue", &card.place_of_issue, 100);
            self.date("IdentData.IDCard.DateOfIssue", &card.date_of_issue);
            self.date("IdentData.IDCard.ValidUntil", &card.valid_until);
            if card.images.is_some() && !add.contains(Add::POS) {
                self.warn("IDCard.Images are documented for the PoS service (Add 4194304) only", "T-053");
            }
        }
        if data.collected_by.is_some() && !add.contains(Add::POS) {
            self.warn("CollectedBy is documented for the PoS service (Add 4194304) only", "T-053");
        }
        if let Some(licence) = &data.driver_license {
            self.text("IdentData.DriverLicence.LicenceNo", &licence.license_no, 50);
            self.text("IdentData.DriverLicence.Classes", &licence.classes, 50);
            self.date("IdentData.DriverLicence.DateOfIssue", &licence.date_of_issue);
            if !add.intersects(Add::LICENCE_WITH_ID | Add::LICENCE_WITHOUT_ID) {
                self.warn("DriverLicence is documented for licence checks (Add 4096 or 8192) only", "T-053");
            }
        }
        let details = data.additional.as_ref().map_or(0, std::collections::BTreeMap::len);
        let most = if order.product.map(Product) == Some(Product::WITHOUT_VIDEO) { 2 } else { 10 };
        if details > most {
            self.fault(
                "IdentData.Additional",
                format!("has {details} items where at most {most} are allowed for this Product"),
                "AT-83",
            );
        } else if details > 2 {
            self.warn("IdentData.Additional has more than the 2 items that courier and shop allow", "AT-83");
        }
        for (index, (name, detail)) in data.additional.iter().flatten().enumerate() {
            // The name may be a person's idea of a label: told by position.
            let at = Item("IdentData.Additional", index);
            self.length(format_args!("{at} (its name)"), Some(name.expose()), 50);
            self.text(format_args!("{at}.Label"), &detail.label, 100);
            self.text(format_args!("{at}.Value"), &detail.value, 150);
            self.required(format_args!("{at}.Type"), &detail.kind);
            self.required(format_args!("{at}.Label"), &detail.label);
            if detail.kind.is_some_and(|kind| !(1..=4).contains(&kind)) {
                self.fault(format_args!("{at}.Type"), "must be 1 (string), 2 (date), 3 (bool) or 4 (country)", "AT-83");
            }
            if detail.kind == Some(2) {
                self.date(format_args!("{at}.Value"), &detail.value);
            }
        }
    }

    fn signing(&mut self, order: &PutOrder) {
        let add = Add(order.add.unwrap_or_default());
        let product = order.product.map(Product);
        let pdfs = order.sign_pdf.as_ref().map_or(&[][..], OneOrMany::as_slice);
        let hashes = order.sign_hash.as_ref().map_or(&[][..], OneOrMany::as_slice);
        let to_sign = !pdfs.is_empty() || !hashes.is_empty() || order.multi_sign_options.is_some();
        if add.contains(Add::GENERATE_ACCOUNT | Add::USE_ACCOUNT) {
            self.fault("Add", "8 (make a sign-me account) and 16 (use one) exclude each other", "T-052");
        }
        if product == Some(Product::SIGN) && !to_sign && !add.contains(Add::GENERATE_ACCOUNT) {
            self.fault("eSignPDF", "an order with Product 15 needs something to sign: eSignPDF, eSignHash or MultiSignOptions (or Add 8 to make an account only)", "T-052");
        }
        if product != Some(Product::SIGN) && add.intersects(Add::GENERATE_ACCOUNT | Add::USE_ACCOUNT) {
            self.warn("Add 8 and 16 are documented for eSign (Product 15) with sign-me only", "T-052");
        }
        if add.contains(Add::GENERATE_ACCOUNT) && to_sign {
            self.warn("Add 8 makes an account only; the documents would not be signed", "T-052");
        }
        if !pdfs.is_empty() && !hashes.is_empty() && !self.dialect.pdf_and_hash_together {
            self.fault(
                "eSignHash",
                "documents and hashes in one order are not described; allow them by the dialect",
                "AT-34",
            );
        }
        for (index, pdf) in pdfs.iter().enumerate() {
            self.pdf(&place("eSignPDF", index, pdfs.len()), pdf);
        }
        for (index, hash) in hashes.iter().enumerate() {
            self.hash(&place("eSignHash", index, hashes.len()), hash);
        }
        if !told_apart(pdfs.iter().map(|pdf| &pdf.filename)) {
            self.warn("eSignPDF should have a Filename, and no two the same", "AT-35");
        }
        if !told_apart(hashes.iter().map(|hash| &hash.filename)) {
            self.unnamed_hashes(hashes);
        }
        if let Some(options) = &order.multi_sign_options {
            self.required("MultiSignOptions.FirstOrderID", &options.first_order_id);
            let id = options.first_order_id.as_ref().map(crate::OrderId::expose);
            let count = id.map_or(0, |id| id.chars().count());
            if count > 14 && !self.dialect.long_first_order_ids {
                let message = format!(
                    "has {count} characters where the vendor's table allows 14; allow longer ones by the dialect"
                );
                self.fault("MultiSignOptions.FirstOrderID", message, "AT-22");
            }
            for (index, parameters) in options.sign_parameters.iter().flatten().enumerate() {
                let at = format!("MultiSignOptions.SignParameters[{index}]");
                self.text(&format!("{at}.Filename"), &parameters.filename, 50);
                self.placement(
                    &at,
                    Placement {
                        position: (parameters.signature_pos_x, parameters.signature_pos_y),
                        size: (parameters.signature_width, parameters.signature_height),
                        page: parameters.signature_page,
                        field: parameters.signature_field_name.is_some(),
                    },
                );
            }
        }
    }

    fn pdf(&mut self, at: &str, pdf: &SignPdf) {
        self.text(&format!("{at}.Filename"), &pdf.filename, 50);
        match &pdf.data {
            None => self.fault(format!("{at}.Data"), "is required: the PDF to sign, as Base64", "AT-33"),
            Some(data) if !data.first_bytes(5).starts_with(b"%PDF-") => {
                self.fault(format!("{at}.Data"), "is no PDF in Base64: a PDF begins with %PDF-", "AT-86");
            }
            Some(data) if !self.dialect.encrypted_pdfs && crate::pdf::is_encrypted(data) => {
                self.fault(
                    format!("{at}.Data"),
                    "is an encrypted PDF, where an unprotected one is asked for; allow it by the dialect",
                    "AT-86",
                );
            }
            Some(_) => {}
        }
        self.placement(
            at,
            Placement {
                position: (pdf.signature_pos_x, pdf.signature_pos_y),
                size: (pdf.signature_width, pdf.signature_height),
                page: pdf.signature_page,
                field: pdf.signature_field_name.is_some(),
            },
        );
    }

    fn hash(&mut self, at: &str, hash: &SignHash) {
        self.text(&format!("{at}.Filename"), &hash.filename, 50);
        match &hash.hash {
            None => self.fault(format!("{at}.Hash"), "is required: the hash of the prepared PDF, as Base64", "AT-33"),
            Some(text) if text.is_empty() || identkit_wire::decode_base64(text.expose()).is_err() => {
                self.fault(format!("{at}.Hash"), "is no Base64", "AT-33");
            }
            Some(_) => {}
        }
        self.placement(
            at,
            Placement {
                position: (hash.signature_pos_x, hash.signature_pos_y),
                size: (hash.signature_width, hash.signature_height),
                page: None,
                field: false,
            },
        );
    }

    /// Elements that the document lists are not to be passed by as unlisted ones: written beside their own field they
    /// would stand twice in one object, and without it no rule would look at them.
    fn unlisted(&mut self, order: &PutOrder) {
        self.faults.extend(listed_in_extra("", &order.extra, PutOrder::KEYS, TABLE));
        let mut part = |at: &dyn fmt::Display, extra: &Extra, keys| {
            if !extra.is_empty() {
                self.faults.extend(listed_in_extra(&format!("{at}."), extra, keys, TABLE));
            }
        };
        if let Some(settings) = &order.eid_settings {
            part(&"eIDSettings", &settings.extra, EidSettings::KEYS);
        }
        if let Some(redirect) = &order.redirect_url {
            part(&"RedirectURL", &redirect.extra, RedirectUrl::KEYS);
        }
        if let Some(webhook) = &order.webhook_url {
            part(&"WebhookURL", &webhook.extra, WebhookUrl::KEYS);
        }
        if let Some(address) = &order.address {
            part(&"Address", &address.extra, Address::KEYS);
        }
        if let Some(data) = &order.ident_data {
            part(&"IdentData", &data.extra, OrderIdentData::KEYS);
            if let Some(card) = &data.id_card {
                part(&"IdentData.IDCard", &card.extra, IdCard::KEYS);
                if let Some(images) = &card.images {
                    part(&"IdentData.IDCard.Images", &images.extra, IdCardImages::KEYS);
                }
            }
            if let Some(licence) = &data.driver_license {
                part(&"IdentData.DriverLicence", &licence.extra, DriverLicense::KEYS);
            }
            for (index, detail) in data.additional.iter().flat_map(|details| details.values()).enumerate() {
                part(&Item("IdentData.Additional", index), &detail.extra, Additional::KEYS);
            }
        }
        for (index, document) in order.legitimation_document.iter().flatten().enumerate() {
            part(&Item("LegitimationDocument", index), &document.extra, LegitimationDocument::KEYS);
        }
        let pdfs = order.sign_pdf.as_ref().map_or(&[][..], OneOrMany::as_slice);
        for (index, pdf) in pdfs.iter().enumerate() {
            part(&place("eSignPDF", index, pdfs.len()), &pdf.extra, SignPdf::KEYS);
        }
        let hashes = order.sign_hash.as_ref().map_or(&[][..], OneOrMany::as_slice);
        for (index, hash) in hashes.iter().enumerate() {
            part(&place("eSignHash", index, hashes.len()), &hash.extra, SignHash::KEYS);
        }
        if let Some(options) = &order.multi_sign_options {
            part(&"MultiSignOptions", &options.extra, MultiSignOptions::KEYS);
            for (index, parameters) in options.sign_parameters.iter().flatten().enumerate() {
                part(&Item("MultiSignOptions.SignParameters", index), &parameters.extra, SignParameters::KEYS);
            }
        }
        if let Some(mails) = &order.email_notifications {
            part(&"EmailNotifications", &mails.extra, EmailNotifications::KEYS);
        }
    }

    fn placement(&mut self, at: &str, placement: Placement) {
        let Placement { position, size, page, field } = placement;
        let positioned = match position {
            (Some(_), Some(_)) => true,
            (None, None) => false,
            _ => {
                self.fault(format!("{at}.SignaturePosX"), "and SignaturePosY are set together or not at all", "AT-85");
                true
            }
        };
        if !positioned && (size.0.is_some() || size.1.is_some()) {
            self.fault(format!("{at}.SignatureWidth"), "and SignatureHeight apply only with a position", "AT-85");
        }
        if (positioned || page.is_some()) && field {
            let message = "is a place of its own: leave out position and page beside it";
            self.fault(format!("{at}.SignatureFieldName"), message, "AT-85");
        }
        for (name, number) in [
            ("SignaturePosX", position.0),
            ("SignaturePosY", position.1),
            ("SignatureWidth", size.0),
            ("SignatureHeight", size.1),
        ] {
            if number.is_some_and(|number| !number.is_finite() || number < 0.0) {
                self.fault(format!("{at}.{name}"), "must be a number of PDF points, not negative", "AT-85");
            }
        }
    }

    /// Hashes that lack a name of their own, under which alone the result comes back.
    fn unnamed_hashes(&mut self, hashes: &[SignHash]) {
        if self.dialect.same_file_names {
            self.warn("hashes share or lack a Filename: their results cannot be told apart", "AT-35");
            return;
        }
        let unnamed = |hash: &SignHash| hash.filename.as_ref().is_none_or(|name| name.expose().is_empty());
        for (index, _) in hashes.iter().enumerate().filter(|(_, hash)| unnamed(hash)) {
            let field = place("eSignHash", index, hashes.len()) + ".Filename";
            self.fault(&field, "is required: the signed hash comes back under this name", "AT-35");
        }
        let named: Vec<_> = hashes.iter().filter(|hash| !unnamed(hash)).map(|hash| &hash.filename).collect();
        if !told_apart(named.into_iter()) {
            let message = "has two files of the same Filename; the results could not be told apart";
            self.fault("eSignHash", message, "AT-35");
        }
    }
}

/// Whether each has a name, and no two the same.
fn told_apart<'a>(mut names: impl Iterator<Item = &'a Option<Pii<String>>>) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    names.all(|name| name.as_ref().is_some_and(|name| !name.expose().is_empty() && seen.insert(name.expose())))
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

/// An item of a list, as faults name it.
#[derive(Clone, Copy)]
struct Item(&'static str, usize);

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.0, self.1)
    }
}

struct Placement {
    position: (Option<f64>, Option<f64>),
    size: (Option<f64>, Option<f64>),
    page: Option<u32>,
    field: bool,
}

fn place(name: &str, index: usize, count: usize) -> String {
    if count == 1 { name.to_owned() } else { format!("{name}[{index}]") }
}
