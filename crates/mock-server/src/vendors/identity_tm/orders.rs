//! The stored orders.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use identkit_core::{Pii, Secret};
use identkit_identity_tm::messages::{
    CheckedIdCard, IdentDataAnswer, IdentifyMethod, OrderStatus, SignHash, SignPdf, StatusEntry, TvSlot,
};
use identkit_identity_tm::order::Add;
use identkit_identity_tm::{Finality, OrderCallback, OrderFlavor, OrderId, PutOrder, StatusKind};
use identkit_wire::{Callback as _, Dts, OneOrMany};
use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Settings, methods};
use crate::vendors::berlin;
use crate::world::text::{self, TextForm};
use crate::{CaseOrder, PersonStep};

#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    pub(super) settings: Settings,
    // Boxed: a map allocates eleven entries at once.
    pub(super) by_id: BTreeMap<String, Box<Order>>,
    /// The statuses that getAllStatus has reported without a period: id and index (AT-06).
    pub(super) reported: BTreeSet<(String, usize)>,
    pub(super) opened: CaseOrder,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) id: OrderId,
    #[serde(rename = "flavour")]
    pub(super) flavor: OrderFlavor,
    /// The order as placed; after deletion, only what webhooks and the status need.
    pub(super) request: PutOrder,
    pub(super) status: Vec<StatusEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) executed: Option<Dts>,
    #[serde(with = "text")]
    pub(super) decided: Timestamp,
    pub(super) deleted: bool,
    /// Whether `delIdentdata` has deleted the data, and not the end of a time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deleted_by_call: bool,
    /// Whether the person had a verified sign-me account when the order was placed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) uses_account: bool,
    /// Whether the order is unknown to all calls, including the status (AT-59).
    pub(super) gone: bool,
    /// Appointment with the courier; getAllStatus returns it with status 19.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) appointment: Option<TvSlot>,
    /// The remaining steps of the story.
    pub(super) script: VecDeque<Step>,
    /// Data of the document's example, which replaces data synthesized from the request.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "with_nulls")]
    pub(super) literal_data: Option<Box<IdentDataAnswer>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tan: Option<IssuedTan>,
    pub(super) recording: Recording,
    pub(super) of_master: MasterFiles,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reuse: Option<Reuse>,
    /// Whether the person was identified by SmartID, which has no status.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) by_smart_id: bool,
    /// The link in the path of the landing page, if the sandbox had landing pages when the order was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) visit: Option<Visit>,
}

/// What the person did on the landing page, as far as no status shows it. Without a visit, or after a story, the person
/// starts at the choice of a method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Visit {
    pub(super) step: PersonStep,
    /// The story of the chosen method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<String>,
    /// The TAN of the identification. That of a signature is the order's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tan: Option<Secret>,
}

impl Visit {
    pub(super) fn new(step: PersonStep) -> Self {
        Self { step, method: None, tan: None }
    }
}

impl Order {
    pub(super) fn new(id: OrderId, request: PutOrder, now: Timestamp) -> Self {
        Self {
            id,
            flavor: request.flavor(),
            request,
            status: Vec::new(),
            executed: None,
            decided: now,
            deleted: false,
            deleted_by_call: false,
            uses_account: false,
            gone: false,
            appointment: None,
            script: VecDeque::new(),
            literal_data: None,
            tan: None,
            recording: Recording::default(),
            of_master: MasterFiles::default(),
            reuse: None,
            by_smart_id: false,
            link: None,
            visit: None,
        }
    }

    /// Deletes the data, including documents. The status stays readable (AT-09, AT-59), and webhooks continue.
    pub(super) fn delete_data(&mut self) {
        let mut rest = PutOrder::default();
        rest.reference = self.request.reference.take();
        rest.webhook_url = self.request.webhook_url.take();
        // The person may still wait for the redirect.
        rest.redirect_url = self.request.redirect_url.take();
        self.request = rest;
        self.literal_data = None;
        self.recording = Recording::default();
        self.of_master = MasterFiles::default();
        self.reuse = None;
        self.visit = None;
        self.deleted = true;
    }

    /// Deletes the data because of `delIdentdata`.
    pub(super) fn delete_by_call(&mut self) {
        self.delete_data();
        self.deleted_by_call = true;
    }

    pub(super) fn has(&self, kind: StatusKind) -> bool {
        self.status.iter().any(|entry| entry.kind == Some(kind))
    }

    /// Whether the order has verified a sign-me account, or uses one that was verified, [T 8.3]. No status reports it for
    /// an order with something to sign, which creates and verifies the account on its way to a signature.
    pub(super) fn has_verified_account(&self) -> bool {
        let wants_account = Add(self.request.add.unwrap_or_default()).contains(Add::USE_ACCOUNT);
        let is_verified = self.has(StatusKind::POSITIVE) || self.has(StatusKind::SIGNED);
        match self.flavor {
            OrderFlavor::Qes if wants_account => self.uses_account,
            OrderFlavor::Qes => is_verified,
            OrderFlavor::SignAccountOnly => is_verified && self.has(StatusKind::ACCOUNT_EXISTS),
            _ => false,
        }
    }

    /// Whether a TAN was sent, which proves the mobile number.
    pub(super) fn has_sent_tan(&self) -> bool {
        let tan = |entry: &StatusEntry| entry.text.as_ref().is_some_and(|text| text.expose() == "TAN");
        self.status.iter().any(|entry| entry.kind == Some(StatusKind::SMS_SENT) && tan(entry))
    }

    /// The number that a TAN goes to: that of the order, else that of the data to check.
    pub(super) fn mobile(&self) -> Option<&Pii<String>> {
        let checked = self.request.ident_data.as_ref().and_then(|data| data.mobile.as_ref());
        [self.request.mobile.as_ref(), checked].into_iter().flatten().find(|number| !number.expose().trim().is_empty())
    }

    /// The TAN that was sent last and is not used yet.
    pub(super) fn latest_tan(&self) -> Option<&Secret> {
        let of_visit = self.visit.as_ref().and_then(|visit| visit.tan.as_ref());
        of_visit.or_else(|| self.tan.as_ref().map(|tan| &tan.code))
    }

    pub(super) fn finality(&self) -> Finality {
        Finality::judge(self.flavor, self.status.iter().filter_map(|entry| entry.kind))
    }

    pub(super) fn method(&self) -> IdentifyMethod {
        match self.by_smart_id {
            true => IdentifyMethod::SmartId,
            false => methods::current(&self.request, &self.status),
        }
    }

    /// Whether images of the document were taken with the eID; with OCR, always ([T 3.1.3]).
    pub(super) fn has_captured_images(&self) -> bool {
        let settings = self.request.eid_settings.as_ref();
        let wanted = |wanted: Option<bool>| wanted == Some(true);
        let captures = settings.is_some_and(|settings| wanted(settings.capture_images) || wanted(settings.enable_ocr));
        captures && self.method() == IdentifyMethod::Eid
    }

    /// Whether the status can still be read (AT-09, AT-59).
    pub(super) fn has_readable_status(&self, settings: &Settings) -> bool {
        !self.gone && (settings.status_after_deletion || !self.deleted_by_call)
    }

    /// Returns the status: all codes, or only the general ones (AT-13).
    pub(super) fn status_answer(&self, general: Option<&BTreeSet<u32>>, settings: &Settings) -> OrderStatus {
        let shown = |entry: &&StatusEntry| {
            general.is_none_or(|general| entry.kind.is_some_and(|kind| general.contains(&kind.0)))
        };
        let mut answer = OrderStatus::default()
            .order_id(self.id.clone())
            .status(self.status.iter().filter(shown).cloned().collect::<Vec<_>>());
        answer.reference = settings.required(self.request.reference.clone());
        let newest = || self.status.last().and_then(|entry| entry.time.clone());
        answer.executed = self.executed.clone().or_else(|| newest().filter(|_| settings.required_elements));
        answer
    }

    pub(super) fn pdfs(&self) -> impl Iterator<Item = &SignPdf> {
        own_pdfs(&self.request).iter().chain(&self.of_master.pdfs)
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = &SignHash> {
        own_hashes(&self.request).iter().chain(&self.of_master.hashes)
    }

    pub(super) fn reused(&self) -> Option<&IdentDataAnswer> {
        match &self.reuse {
            Some(Reuse::Accepted(data)) => Some(data),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MasterFiles {
    pub(super) pdfs: Vec<SignPdf>,
    pub(super) hashes: Vec<SignHash>,
}

pub(super) fn own_pdfs(order: &PutOrder) -> &[SignPdf] {
    order.sign_pdf.as_ref().map_or(&[], OneOrMany::as_slice)
}

pub(super) fn own_hashes(order: &PutOrder) -> &[SignHash] {
    order.sign_hash.as_ref().map_or(&[], OneOrMany::as_slice)
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recording {
    /// URL to call when the recording is ready; `None` if none is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) callback: Option<Secret>,
    /// Whether the recording can be fetched; before that, a placeholder is returned.
    pub(super) ready: bool,
}

impl Recording {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self { ready: true, .. } => "ready",
            Self { callback: Some(_), .. } => "asked for",
            Self { .. } => "not asked for",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reuse {
    /// The data is used: the person can sign at once.
    Accepted(Box<IdentDataAnswer>),
    /// The data is not used, for this reason, and the person is identified again. This is not an error (AT-72).
    Refused(Reason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    /// The seal is invalid.
    Tampered,
    /// Not positive, or without name or birthdate.
    Insufficient,
    /// The identity document has expired.
    Expired,
    /// The account is not enabled for re-use.
    NotEnabled,
    /// The order has nothing to sign.
    NothingToSign,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Tampered => "tampered with, or not signed by this sandbox",
            Self::Insufficient => "not sufficient for signing",
            Self::Expired => "the identity document is no longer valid",
            Self::NotEnabled => "the account is not enabled for re-using identifications",
            Self::NothingToSign => "the order has nothing to sign",
        }
    }
}

impl Reuse {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Refused(reason) => reason.name(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuedTan {
    pub(super) code: Secret,
    /// Wrong TANs so far, over all TANs of the order.
    pub(super) wrong: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Tan,
    SignmePassword,
}

impl TextForm for Word {
    const FORM: &'static str = "TAN, signme Passwort, or null";

    fn write(&self) -> String {
        match self {
            Self::Tan => "TAN".to_owned(),
            Self::SignmePassword => "signme Passwort".to_owned(),
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Tan, Self::SignmePassword].into_iter().find(|word| word.write() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Set a status, optionally with a text.
    Status(StatusKind, #[serde(with = "text::optional")] Option<Word>),
    /// Mark the order as executed: the identification took place.
    Executed,
    /// Note that the method is SmartID, which has no status.
    BySmartId,
    /// Call this webhook, if the order has its URL.
    Call(#[serde(with = "text")] OrderCallback),
}

impl TextForm for OrderCallback {
    const FORM: &'static str = "AfterVideo, AfterIdent or OnFinal";

    fn write(&self) -> String {
        self.name().to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        [Self::AfterVideo, Self::AfterIdent, Self::OnFinal].into_iter().find(|callback| callback.name() == text)
    }
}

/// Reads a result, including the nulls of its cards: the document's example has them (AT-25), but the message's own
/// reader drops them.
fn with_nulls<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<IdentDataAnswer>>, D::Error> {
    let Some(saved) = Option::<Value>::deserialize(from)? else { return Ok(None) };
    // serde's own message may quote a value.
    let wrong = |_| D::Error::custom("expected a result of getIdentData");
    let mut answer = IdentDataAnswer::deserialize(&saved).map_err(wrong)?;
    let persons = saved.get("IdentData").map_or(&[][..], |data| match data {
        Value::Array(several) => several,
        one => std::slice::from_ref(one),
    });
    let read = answer.ident_data.iter_mut().flat_map(OneOrMany::as_mut_slice);
    for (card, saved) in
        read.zip(persons).filter_map(|(data, saved)| Some((data.id_card.as_mut()?, saved.get("IDCard")?)))
    {
        for key in CheckedIdCard::KEYS.iter().filter(|key| saved.get(key) == Some(&Value::Null)) {
            card.extra.insert((*key).to_owned(), Value::Null);
        }
    }
    Ok(Some(Box::new(answer)))
}

/// Formats a time like the vendor, with the offset of German local time (AT-98).
pub(super) fn dts(at: Timestamp) -> Dts {
    Dts::new(at, berlin::offset(at))
}
