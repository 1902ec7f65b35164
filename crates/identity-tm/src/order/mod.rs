//! Orders, built so that what the document forbids cannot be said, or is refused before anything is sent.
//!
//! [`NewOrder`] makes a [`PutOrder`], which is the vendor's JSON as it is and can hold anything: it is what a reader
//! needs, and what an order that exists as JSON is read into. The rules are the same for both, and told all at once.

mod signing;
mod values;

use identkit_core::{Error, Pii, Secret};
use identkit_wire::OneOrMany;
use serde_json::Value;

pub use signing::{HashPlacement, Placement, Size, ToSign};
pub use values::{Add, Birthname, Gender, Pick, Product};

use crate::messages::{
    Address, EidSettings, EmailNotifications, LegitimationDocument, MultiSignOptions, OrderIdentData, PutOrder,
    RedirectUrl, SignParameters,
};
use crate::operations::SignedIdentData;
use crate::{Dialect, OrderCallback, OrderFlavor, OrderId};

/// When the vendor calls before the order is final: at one of two moments, never at both (T-050). At neither of them
/// the data is necessarily there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// When the person leaves the video system.
    AfterVideo(Secret),
    /// When the identification was conducted.
    AfterIdent(Secret),
}

impl Progress {
    /// The callback that comes then.
    pub fn callback(&self) -> OrderCallback {
        match self {
            Self::AfterVideo(_) => OrderCallback::AfterVideo,
            Self::AfterIdent(_) => OrderCallback::AfterIdent,
        }
    }
}

/// Makes an order, [T 3.1.3].
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
/// let told: Vec<_> = error.violations().iter().map(|fault| (&*fault.field, fault.rule)).collect();
/// assert_eq!(told, [("Email", "AT-47"), ("Address.Country", "AT-44")]);
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
    /// An order for this product: see the constructors for those that are documented.
    pub fn of(product: Product, email: impl Into<Pii<String>>, address: Address) -> Self {
        let order = PutOrder::default().product(product).email(email).address(address);
        Self { order, add: Add::NORMAL, to_sign: Vec::new() }
    }

    /// Something to be signed, after what was named before.
    pub fn sign(mut self, what: impl Into<ToSign>) -> Self {
        self.to_sign.push(what.into());
        self
    }

    /// Signs the documents of another order, the master, as well: each where the vendor puts it, or as these parameters
    /// say of the file of their name.
    pub fn sign_of_order(mut self, master: OrderId, parameters: Vec<SignParameters>) -> Self {
        let mut options = MultiSignOptions::default().first_order_id(master);
        options.sign_parameters = Some(parameters).filter(|parameters| !parameters.is_empty());
        self.order.multi_sign_options = Some(options);
        self
    }

    /// Behaves in this way too, besides what was asked for before.
    pub fn with_add(mut self, bits: Add) -> Self {
        self.add |= bits;
        self
    }

    /// A result of [`ident_data_signed`](crate::IdentityTm::ident_data_signed) to be used again, [T 6].
    ///
    /// # Errors
    /// [`Kind::Integrity`](identkit_core::Kind::Integrity) when it is not what the vendor sent.
    pub fn reuse(mut self, result: &SignedIdentData) -> Result<Self, Error> {
        self.order.ident_data_signed = Some(result.for_reuse()?);
        Ok(self)
    }

    /// A description of a document that is accepted, as the agent sees it; after those named before.
    pub fn accept_document(mut self, description: impl Into<Pii<String>>) -> Self {
        let document = LegitimationDocument::default().document(description);
        self.order.legitimation_document.get_or_insert_default().0.push(document);
        self
    }

    /// Where the person is sent after success and after failure; `None` is the account's setting.
    pub fn redirect(mut self, success: Option<Secret>, abort: Option<Secret>) -> Self {
        let mut redirect = RedirectUrl::default();
        (redirect.success, redirect.abort) = (success, abort);
        self.order.redirect_url = (redirect != RedirectUrl::default()).then_some(redirect);
        self
    }

    /// What the vendor calls when the order is final.
    pub fn on_final(mut self, url: impl Into<Secret>) -> Self {
        self.order.webhook_url.get_or_insert_default().on_final = Some(url.into());
        self
    }

    /// What the vendor calls before that.
    pub fn on_progress(mut self, progress: Progress) -> Self {
        let webhook = self.order.webhook_url.get_or_insert_default();
        (webhook.after_video, webhook.after_ident) = match progress {
            Progress::AfterVideo(url) => (Some(url), None),
            Progress::AfterIdent(url) => (None, Some(url)),
        };
        self
    }

    /// An element that the document does not list (AT-42).
    pub fn unlisted(mut self, key: impl Into<String>, value: Value) -> Self {
        self.order.extra.insert(key.into(), value);
        self
    }

    /// The order, if it breaks no rule.
    ///
    /// # Errors
    /// [`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) with every fault: its field, rule and section.
    pub fn build(self) -> Result<PutOrder, Error> {
        self.build_for(&Dialect::default())
    }

    /// The order, if it breaks no rule of this account's dialect.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_for(self, dialect: &Dialect) -> Result<PutOrder, Error> {
        let Self { mut order, add, to_sign } = self;
        let (mut pdfs, mut hashes) = (Vec::new(), Vec::new());
        for what in to_sign {
            match what {
                ToSign::Pdf(pdf) => pdfs.push(pdf),
                ToSign::Hash(hash) => hashes.push(hash),
            }
        }
        order.add = Some(add.into());
        // One alone is written as an object: the order is normalised below.
        order.sign_pdf = (!pdfs.is_empty()).then_some(OneOrMany::Many(pdfs));
        order.sign_hash = (!hashes.is_empty()).then_some(OneOrMany::Many(hashes));
        let order = order.normalised();
        order.check(dialect)?;
        Ok(order)
    }
}

/// Declares functions that make orders, by their product and what they add to it.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $product:ident, $add:ident;)+) => {
        impl NewOrder {$(
            $(#[$doc])*
            pub fn $name(email: impl Into<Pii<String>>, address: Address) -> Self {
                Self::of(Product::$product, email, address).with_add(Add::$add)
            }
        )+}
    };
}

kinds! {
    /// The person is identified, by video or another way; the address needs names and country.
    identification: VIDEO, NORMAL;
    /// The person is identified, and not by video or autoID.
    identification_without_video: WITHOUT_VIDEO, NORMAL;
    /// The person is identified by autoID.
    auto_id: AUTO_ID, NORMAL;
    /// The person is identified and signs: name what with [`sign`](Self::sign). With sign-me an account is made first.
    signature: SIGN, NORMAL;
    /// The person signs with the sign-me account that is there: only when
    /// [`signme_user`](crate::IdentityTm::signme_user) says that it exists and can sign (T-051).
    signature_by_account: SIGN, USE_ACCOUNT;
    /// The person is identified and gets a sign-me account, and signs nothing (T-051).
    sign_me_account: SIGN, GENERATE_ACCOUNT;
}

/// Declares functions that set one element of the order.
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
    /// The integrator's reference, unique: it finds the order after a lost answer. Without one the client makes one.
    reference(reference: impl Into<Pii<String>>) => reference = reference.into();
    /// Phone number: `+` and digits.
    phone(phone: impl Into<Pii<String>>) => phone = phone.into();
    /// Mobile number: `+` and digits.
    mobile(mobile: impl Into<Pii<String>>) => mobile = mobile.into();
    /// The data to be checked.
    ident_data(data: OrderIdentData) => ident_data = data;
    /// Settings of the eID method.
    eid(settings: EidSettings) => eid_settings = settings;
    /// The answer is to hold the URL where the person goes. Whether the person is mailed as well is not documented
    /// (AT-84).
    target_link() => get_target_link = true;
    /// The answer is to hold the codes for the video app.
    video_hashes() => get_video_hashes = true;
    /// A link for a giro redirect at the bank of this IBAN or BIC.
    giro_link(iban_or_bic: impl Into<Pii<String>>) => get_giro_link = iban_or_bic.into();
    /// Who is mailed when something happens, in place of the account's settings.
    notify(mails: EmailNotifications) => email_notifications = mails;
}

impl PutOrder {
    /// What ends this order (AT-14): to be remembered with its id.
    pub fn flavour(&self) -> OrderFlavor {
        let account_only = Add(self.add.unwrap_or_default()).contains(Add::GENERATE_ACCOUNT);
        // An empty array is nothing to sign: 6 then ends the order after all.
        let signs = self.sign_pdf.as_ref().is_some_and(|pdfs| !pdfs.as_slice().is_empty())
            || self.sign_hash.as_ref().is_some_and(|hashes| !hashes.as_slice().is_empty())
            || self.multi_sign_options.is_some();
        match self.product.map(Product) {
            Some(Product::SIGN) if account_only => OrderFlavor::SignAccountOnly,
            Some(Product::SIGN) => OrderFlavor::Qes,
            _ if signs => OrderFlavor::Qes,
            Some(_) => OrderFlavor::IdentOnly,
            None => OrderFlavor::Unknown,
        }
    }
}
