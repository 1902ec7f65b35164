//! Builds orders. What the document forbids does not compile, or is an error before anything is sent.
//!
//! [`NewOrder`] builds a [`PutOrder`], which mirrors the vendor's JSON. An order that already exists as JSON is read
//! into a [`PutOrder`]. Both are checked by the same rules, and an error lists all violations.

mod ordered;
mod signing;
mod values;

use identkit_core::{Error, EvidenceKind, Pii, Secret};
use identkit_wire::OneOrMany;
use serde_json::Value;

pub(crate) use ordered::Ordered;
pub use signing::{HashPlacement, Placement, Size, ToSign};
pub use values::{Add, Birthname, Gender, Pick, Product};

use crate::messages::{
    Address, EidSettings, EmailNotifications, LegitimationDocument, MultiSignOptions, OrderIdentData, PutOrder,
    RedirectUrl, SignParameters,
};
use crate::operations::SignedIdentData;
use crate::{Dialect, OrderCallback, OrderFlavor, OrderId};

/// Webhook before the order is final: one of two events, never both (T-050). The data may not be available yet.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// URL called when the person leaves the video system.
    AfterVideo(Secret),
    /// URL called when the identification was conducted.
    AfterIdent(Secret),
}

impl Progress {
    /// Returns the callback that the vendor calls.
    pub fn callback(&self) -> OrderCallback {
        match self {
            Self::AfterVideo(_) => OrderCallback::AfterVideo,
            Self::AfterIdent(_) => OrderCallback::AfterIdent,
        }
    }
}

/// Builder of an order, [T 3.1.3].
///
/// ```
/// use identkit_identity_tm::NewOrder;
/// use identkit_identity_tm::messages::{Address, OrderIdentData};
/// use identkit_identity_tm::order::{Birthname, Gender, Placement, ToSign};
/// use identkit_wire::json::Blob;
///
/// # fn main() -> Result<(), identkit_core::Error> {
/// let address = Address::default().firstname("Erika").surname("Mustermann").country("DE");
/// let data = OrderIdentData::default().gender(Gender::Female).name_at_birth(Birthname::Determine);
/// let contract = Blob::from_bytes("%PDF-1.7 the contract");
/// let order = NewOrder::signature("e.mustermann@example.com", address)
///     .sign(ToSign::pdf_at("contract.pdf", contract, Placement::at(1, 72.0, 144.0)))
///     .reference("case-4711")
///     .ident_data(data)
///     .target_link()
///     .build()?;
/// assert_eq!((order.product, order.add), (Some(15), Some(0)));
///
/// let nowhere = Address::default().firstname("Erika").surname("Mustermann").country("Germany");
/// let error = NewOrder::identification("no address", nowhere).build().unwrap_err();
/// let rules: Vec<_> = error.violations().iter().map(|violation| (&*violation.field, violation.rule)).collect();
/// assert_eq!(rules, [("Email", "AT-47"), ("Address.Country", "AT-44")]);
/// # Ok(()) }
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct NewOrder {
    order: PutOrder,
    add: Add,
    to_sign: Vec<ToSign>,
}

impl NewOrder {
    /// Creates an order for any product. The documented products have constructors of their own.
    pub fn new(product: Product, email: impl Into<Pii<String>>, address: Address) -> Self {
        let order = PutOrder::default().product(product).email(email).address(address);
        Self { order, add: Add::NORMAL, to_sign: Vec::new() }
    }

    /// Appends a PDF or a hash to sign.
    pub fn sign(mut self, document: impl Into<ToSign>) -> Self {
        self.to_sign.push(document.into());
        self
    }

    /// Also signs the documents of another order, the master. `parameters` place the signature in the file of their
    /// name; in other files the vendor places it.
    pub fn sign_of_order(mut self, master: OrderId, parameters: Vec<SignParameters>) -> Self {
        let mut options = MultiSignOptions::default().first_order_id(master);
        options.sign_parameters = Some(parameters).filter(|parameters| !parameters.is_empty());
        self.order.multi_sign_options = Some(options);
        self
    }

    /// Adds these bits to `Add`.
    pub fn with_add(mut self, bits: Add) -> Self {
        self.add |= bits;
        self
    }

    /// Reuses a result of [`ident_data_signed`](crate::IdentityTm::ident_data_signed), [T 6].
    ///
    /// # Errors
    /// [`Kind::Integrity`](identkit_core::Kind::Integrity) if the result is neither a JSON string nor UTF-8.
    pub fn reuse(mut self, result: &SignedIdentData) -> Result<Self, Error> {
        self.order.ident_data_signed = Some(result.for_reuse()?);
        Ok(self)
    }

    /// Appends the description of an accepted document, which the agent sees.
    pub fn accept_document(mut self, description: impl Into<Pii<String>>) -> Self {
        let document = LegitimationDocument::default().document(description);
        self.order.legitimation_document.get_or_insert_default().0.push(document);
        self
    }

    /// Sets where the vendor redirects the person after success and after failure; `None` is the account's setting.
    pub fn redirect(mut self, success: Option<Secret>, abort: Option<Secret>) -> Self {
        let mut redirect = RedirectUrl::default();
        (redirect.success, redirect.abort) = (success, abort);
        self.order.redirect_url = (redirect != RedirectUrl::default()).then_some(redirect);
        self
    }

    /// Sets the URL that the vendor calls when the order is final.
    pub fn on_final(mut self, url: impl Into<Secret>) -> Self {
        self.order.webhook_url.get_or_insert_default().on_final = Some(url.into());
        self
    }

    /// Sets the URL that the vendor calls before the order is final.
    pub fn on_progress(mut self, progress: Progress) -> Self {
        let webhook = self.order.webhook_url.get_or_insert_default();
        (webhook.after_video, webhook.after_ident) = match progress {
            Progress::AfterVideo(url) => (Some(url), None),
            Progress::AfterIdent(url) => (None, Some(url)),
        };
        self
    }

    /// Sets an element that the document does not list (AT-42).
    pub fn unlisted(mut self, key: impl Into<String>, value: Value) -> Self {
        self.order.extra.insert(key.into(), value);
        self
    }

    /// Builds the order with the default [`Dialect`].
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) if the order breaks a rule. The error lists all
    /// violations with field, rule and section.
    pub fn build(self) -> Result<PutOrder, Error> {
        self.build_for(&Dialect::default())
    }

    /// Builds the order with the account's dialect.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_for(self, dialect: &Dialect) -> Result<PutOrder, Error> {
        let Self { mut order, add, to_sign } = self;
        let (mut pdfs, mut hashes) = (Vec::new(), Vec::new());
        for document in to_sign {
            match document {
                ToSign::Pdf(pdf) => pdfs.push(pdf),
                ToSign::Hash(hash) => hashes.push(hash),
            }
        }
        order.add = Some(add.into());
        // `normalized` below writes a single document as an object.
        order.sign_pdf = (!pdfs.is_empty()).then_some(OneOrMany::Many(pdfs));
        order.sign_hash = (!hashes.is_empty()).then_some(OneOrMany::Many(hashes));
        let order = order.normalized();
        order.check(dialect)?;
        Ok(order)
    }
}

/// Declares constructors of orders with a product and `Add` bits.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $product:ident, $add:ident;)+) => {
        impl NewOrder {$(
            $(#[$doc])*
            pub fn $name(email: impl Into<Pii<String>>, address: Address) -> Self {
                Self::new(Product::$product, email, address).with_add(Add::$add)
            }
        )+}
    };
}

kinds! {
    /// Creates an order that identifies the person by video or another method. The address needs names and country.
    identification: VIDEO, NORMAL;
    /// Creates an order that identifies the person without video and autoID.
    identification_without_video: WITHOUT_VIDEO, NORMAL;
    /// Creates an order that identifies the person by autoID.
    auto_id: AUTO_ID, NORMAL;
    /// Creates an order that identifies the person, who then signs the documents added with [`sign`](Self::sign). If the
    /// vendor account uses sign-me, the person gets a sign-me account first.
    signature: SIGN, NORMAL;
    /// Creates an order that the person signs with an existing sign-me account. It must exist and be able to sign: check
    /// it with [`signme_user`](crate::IdentityTm::signme_user) (T-051).
    signature_by_account: SIGN, USE_ACCOUNT;
    /// Creates an order that identifies the person and creates a sign-me account, but signs nothing (T-051).
    sign_me_account: SIGN, GENERATE_ACCOUNT;
}

/// Declares setters of one element of the order.
macro_rules! elements {
    ($($(#[$doc:meta])* $name:ident($($value:ident: $type:ty)?) => $field:ident = $set:expr;)+) => {
        impl NewOrder {$(
            $(#[$doc])*
            pub fn $name(mut self, $($value: $type)?) -> Self {
                self.order.$field = Some($set);
                self
            }
        )+}
    };
}

elements! {
    /// Sets the caller's reference. It must be unique: it finds the order if the response of putOrder is lost. The
    /// default is a random one.
    reference(reference: impl Into<Pii<String>>) => reference = reference.into();
    /// Sets the phone number: `+` and digits.
    phone(phone: impl Into<Pii<String>>) => phone = phone.into();
    /// Sets the mobile number: `+` and digits.
    mobile(mobile: impl Into<Pii<String>>) => mobile = mobile.into();
    /// Sets the data to check.
    ident_data(data: OrderIdentData) => ident_data = data;
    /// Sets the options of the eID method.
    eid(settings: EidSettings) => eid_settings = settings;
    /// Requests the URL for the person in the response. Whether the vendor also mails the person is not documented
    /// (AT-84).
    target_link() => get_target_link = true;
    /// Requests the codes for the video app in the response.
    video_hashes() => get_video_hashes = true;
    /// Requests a link for a giro redirect at the bank of this IBAN or BIC.
    giro_link(iban_or_bic: impl Into<Pii<String>>) => get_giro_link = iban_or_bic.into();
    /// Sets the recipients of the vendor's notifications. Overrides the account's settings.
    notify(mails: EmailNotifications) => email_notifications = mails;
}

impl PutOrder {
    /// Returns which statuses end this order (AT-14). Store it with the order's id.
    pub fn flavor(&self) -> OrderFlavor {
        let account_only = Add(self.add.unwrap_or_default()).contains(Add::GENERATE_ACCOUNT);
        let signs = !self.signed_kinds().is_empty();
        match self.product.map(Product) {
            Some(Product::SIGN) if account_only => OrderFlavor::SignAccountOnly,
            Some(Product::SIGN) => OrderFlavor::Qes,
            _ if signs => OrderFlavor::Qes,
            Some(product) if Product::DOCUMENTED.contains(&product) => OrderFlavor::IdentOnly,
            _ => OrderFlavor::Unknown,
        }
    }

    /// Returns the kinds of the signed results that the order produces. What signing the documents of another order
    /// returns is not documented; documents are likely.
    pub fn signed_kinds(&self) -> Vec<EvidenceKind> {
        // If the arrays are empty, there is nothing to sign, and status 6 ends the order.
        let pdfs = self.sign_pdf.as_ref().is_some_and(|pdfs| !pdfs.as_slice().is_empty());
        let hashes = self.sign_hash.as_ref().is_some_and(|hashes| !hashes.as_slice().is_empty());
        let documents = pdfs || self.multi_sign_options.is_some();
        let kinds = [(documents, EvidenceKind::SignedDocument), (hashes, EvidenceKind::SignedHash)];
        kinds.into_iter().filter_map(|(signs, kind)| signs.then_some(kind)).collect()
    }
}
