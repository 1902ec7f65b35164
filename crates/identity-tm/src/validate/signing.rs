//! Rules for signing: PDFs, hashes, signing the documents of another order.

use std::collections::BTreeSet;

use identkit_core::Pii;
use identkit_wire::OneOrMany;

use super::{Checker, Item, NOT_BASE64, decoded};
use crate::OrderId;
use crate::id::is_regular;
use crate::messages::{PutOrder, SignHash, SignPdf};
use crate::order::{Add, Product};

impl Checker<'_> {
    pub(super) fn signing(&mut self, order: &PutOrder) {
        let add = Add(order.add.unwrap_or_default());
        let signs = order.product.map(Product) == Some(Product::SIGN);
        let pdfs = order.sign_pdf.as_ref().map_or(&[][..], OneOrMany::as_slice);
        let hashes = order.sign_hash.as_ref().map_or(&[][..], OneOrMany::as_slice);
        let to_sign = !pdfs.is_empty() || !hashes.is_empty() || order.multi_sign_options.is_some();
        let makes_account = add.contains(Add::GENERATE_ACCOUNT);
        let both = add.contains(Add::GENERATE_ACCOUNT | Add::USE_ACCOUNT);
        self.fault(both, "Add", "must not have both 8 (create a sign-me account) and 16 (use one)", "T-052");
        let message = "is required for Product 15, unless eSignHash, MultiSignOptions or Add 8 (account only) is set";
        self.fault(signs && !to_sign && !makes_account, "eSignPDF", message, "T-052");
        let odd = !signs && add.intersects(Add::GENERATE_ACCOUNT | Add::USE_ACCOUNT);
        self.warn(odd, "Add 8 and 16 are documented for eSign (Product 15) with sign-me only", "T-052");
        let message = "Add 8 creates an account only; the documents will not be signed";
        self.warn(makes_account && to_sign, message, "T-052");
        let both = !pdfs.is_empty() && !hashes.is_empty() && !self.dialect.pdf_and_hash_together;
        let message = "the order has both eSignPDF and eSignHash: what the vendor does then is not documented";
        self.warn(both, message, "AT-34");
        for (at, pdf) in Item::number("eSignPDF", pdfs) {
            self.pdf(at, pdf);
        }
        for (at, hash) in Item::number("eSignHash", hashes) {
            self.hash(at, hash);
        }
        let odd = !have_distinct_names(pdfs.iter().map(|pdf| &pdf.filename));
        self.warn(odd, "each eSignPDF should have a unique Filename", "AT-35");
        if !have_distinct_names(hashes.iter().map(|hash| &hash.filename)) {
            self.unnamed_hashes(hashes);
        }
        let Some(options) = &order.multi_sign_options else { return };
        self.required("MultiSignOptions.FirstOrderID", &options.first_order_id);
        let id = options.first_order_id.as_ref().map(OrderId::expose);
        let count = id.map_or(0, |id| id.chars().count());
        let message = format!("has {count} characters; an OrderID has 1 to 20 letters and digits");
        let broken = id.is_some_and(|id| !is_regular(id));
        self.fault(broken, "MultiSignOptions.FirstOrderID", message, "AT-22");
        let message = "FirstOrderID has more than the 14 characters of its table; an OrderID may have 20";
        self.warn((15..=20).contains(&count) && !self.dialect.long_first_order_ids, message, "AT-22");
        let mut files = BTreeSet::new();
        let mut parameters = options.sign_parameters.iter().flatten();
        let repeated = !parameters.all(|part| files.insert(part.filename.as_ref().map_or("", |name| name.expose())));
        self.warn(repeated, "MultiSignOptions has two SignParameters for the same file", "AT-32");
        for (index, part) in options.sign_parameters.iter().flatten().enumerate() {
            let at = Item("MultiSignOptions.SignParameters", Some(index));
            self.text(format_args!("{at}.Filename"), &part.filename, 50);
            let numbers = [part.signature_pos_x, part.signature_pos_y, part.signature_width, part.signature_height];
            self.placement(at, numbers, part.signature_page, part.signature_field_name.is_some());
        }
    }

    fn pdf(&mut self, at: Item, pdf: &SignPdf) {
        self.text(format_args!("{at}.Filename"), &pdf.filename, 50);
        let fault = match &pdf.data {
            None => Some(("is required: the PDF to sign, as Base64", "AT-33")),
            Some(data) if !crate::pdf::has_header(data) => {
                Some(("is not a PDF in Base64: %PDF- is not in its first 1,024 bytes", "AT-86"))
            }
            Some(data) => match decoded(data) {
                None => Some((NOT_BASE64, "AT-33")),
                Some(data) if !self.dialect.encrypted_pdfs && crate::pdf::is_encrypted(&data) => Some((
                    "is encrypted; an unprotected PDF is required (the setting `encrypted_pdfs` allows it)",
                    "AT-86",
                )),
                Some(_) => None,
            },
        };
        if let Some((message, rule)) = fault {
            self.fault(true, format_args!("{at}.Data"), message, rule);
        }
        let numbers = [pdf.signature_pos_x, pdf.signature_pos_y, pdf.signature_width, pdf.signature_height];
        self.placement(at, numbers, pdf.signature_page, pdf.signature_field_name.is_some());
    }

    fn hash(&mut self, at: Item, hash: &SignHash) {
        self.text(format_args!("{at}.Filename"), &hash.filename, 50);
        let field = format_args!("{at}.Hash");
        let base64 = |text: &str| !text.is_empty() && identkit_wire::decode_base64(text).is_ok();
        let required = "is required: the hash of the prepared PDF, as Base64";
        self.fault(hash.hash.is_none(), field, required, "AT-33");
        let invalid = hash.hash.as_ref().is_some_and(|text| !base64(text.expose()));
        self.fault(invalid, field, "is not valid Base64", "AT-33");
        let numbers = [hash.signature_pos_x, hash.signature_pos_y, hash.signature_width, hash.signature_height];
        self.placement(at, numbers, None, false);
    }

    /// `numbers`: the position, then the size.
    fn placement(&mut self, at: Item, numbers: [Option<f64>; 4], page: Option<u32>, field: bool) {
        let [x, y, width, height] = numbers;
        let positioned = x.is_some() || y.is_some();
        let message = "requires SignaturePosY, and the other way round";
        self.fault(x.is_some() != y.is_some(), format_args!("{at}.SignaturePosX"), message, "AT-85");
        let sized = !positioned && (width.is_some() || height.is_some());
        let message = "and SignatureHeight require a position";
        self.fault(sized, format_args!("{at}.SignatureWidth"), message, "AT-85");
        let beside = (positioned || page.is_some()) && field;
        self.warn(beside, "SignatureFieldName replaces the position and the page", "AT-85");
        // The document does not number the pages. This client counts from 1, so 0 cannot be a page.
        let message = "must be at least 1: the first page is 1";
        self.fault(page == Some(0), format_args!("{at}.SignaturePage"), message, "AT-85");
        let names = ["SignaturePosX", "SignaturePosY", "SignatureWidth", "SignatureHeight"];
        for (name, number) in names.into_iter().zip(numbers) {
            let broken = number.is_some_and(|number| !number.is_finite() || number < 0.0);
            self.fault(broken, format_args!("{at}.{name}"), "must be a finite number of PDF points >= 0", "AT-85");
        }
    }

    /// Reports hashes without a unique name: the vendor returns the results by name only.
    fn unnamed_hashes(&mut self, hashes: &[SignHash]) {
        if self.dialect.same_file_names {
            self.warn(true, "hashes share or lack a Filename: their results cannot be distinguished", "AT-35");
            return;
        }
        if let [_] = hashes {
            let message = "eSignHash has no Filename: the name under which the vendor returns the hash is not known";
            self.warn(true, message, "AT-35");
            return;
        }
        let unnamed = |hash: &SignHash| hash.filename.as_ref().is_none_or(|name| name.expose().is_empty());
        for (at, hash) in Item::number("eSignHash", hashes) {
            let message = "is required if there are several: the vendor returns a signed hash under this name";
            self.fault(unnamed(hash), format_args!("{at}.Filename"), message, "AT-35");
        }
        let named = hashes.iter().filter(|hash| !unnamed(hash)).map(|hash| &hash.filename);
        let message = "has two hashes with the same Filename; their results could not be distinguished";
        self.fault(!have_distinct_names(named), "eSignHash", message, "AT-35");
    }
}

fn have_distinct_names<'a>(mut names: impl Iterator<Item = &'a Option<Pii<String>>>) -> bool {
    let mut distinct = BTreeSet::new();
    names.all(|name| name.as_ref().is_some_and(|name| !name.expose().is_empty() && distinct.insert(name.expose())))
}
