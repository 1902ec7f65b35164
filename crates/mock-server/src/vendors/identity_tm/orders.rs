//! Orders as the vendor keeps them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use identkit_core::Violation;
use identkit_identity_tm::messages::{
    IdentDataAnswer, IdentifyMethod, OrderStatus, PutOrderAnswer, StatusEntry, TvSlot, VideoHashes,
};
use identkit_identity_tm::{Finality, OrderFlavor, OrderId, PROVIDER, PutOrder, StatusKind};
use identkit_wire::Dts;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use super::media::Recording;
use super::multi_sign::OfMaster;
use super::reuse::Reuse;
use super::saved;
use super::settings::{GiroKey, Settings};
use super::signing::{IssuedTan, bank_of};
use super::stories::Step;
use super::ways;
use crate::vendor::Refused;
use crate::world::text;
use crate::{Opened, Profile, Timer, World};

/// Timer: the person has not finished in time.
pub(super) const TIME_OUT: &str = "time-out";
/// Timer: the vendor deletes the results.
pub(super) const PURGE: &str = "purge";

/// The vendor's share of a world.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    pub(super) settings: Settings,
    // Boxed: a map keeps room for eleven at once, also when a world has two.
    pub(super) by_id: BTreeMap<String, Box<Order>>,
    /// The statuses that getAllStatus has reported without a period: order and place (AT-06).
    pub(super) reported: BTreeSet<(String, usize)>,
    /// Which is the oldest.
    pub(super) opened: Opened,
}

/// One order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) id: OrderId,
    pub(super) flavour: OrderFlavor,
    /// What was ordered; once the data is deleted, only what webhooks and the status need.
    pub(super) request: PutOrder,
    pub(super) status: Vec<StatusEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) executed: Option<Dts>,
    #[serde(with = "text")]
    pub(super) decided: Timestamp,
    pub(super) deleted: bool,
    /// Nothing of it is known any more, its status neither (AT-59).
    pub(super) gone: bool,
    /// When the courier comes, once that was arranged: told by getAllStatus with status 19.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) appointment: Option<TvSlot>,
    /// What is still to happen, in order.
    pub(super) script: VecDeque<Step>,
    /// What is read instead of data made up from the request: the document's example.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "saved::with_nulls")]
    pub(super) literal_data: Option<Box<IdentDataAnswer>>,
    /// The code that was texted last, once signing has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tan: Option<IssuedTan>,
    /// What has become of its recording.
    pub(super) recording: Recording,
    /// What it signs of its master order.
    pub(super) of_master: OfMaster,
    /// What came of the identification that was to be used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reuse: Option<Reuse>,
}

impl Order {
    /// An order as it was just taken.
    pub(super) fn new(id: OrderId, request: PutOrder, now: Timestamp) -> Self {
        Self {
            id,
            flavour: request.flavour(),
            request,
            status: Vec::new(),
            executed: None,
            decided: now,
            deleted: false,
            gone: false,
            appointment: None,
            script: VecDeque::new(),
            literal_data: None,
            tan: None,
            recording: Recording::default(),
            of_master: OfMaster::default(),
            reuse: None,
        }
    }

    /// Deletes the data, the documents among it. The status stays readable (AT-09, AT-59), and webhooks go on.
    pub(super) fn delete_data(&mut self) {
        let mut rest = PutOrder::default();
        rest.reference = self.request.reference.take();
        rest.webhook_url = self.request.webhook_url.take();
        self.request = rest;
        self.literal_data = None;
        self.recording = Recording::default();
        self.of_master = OfMaster::default();
        self.reuse = None;
        self.deleted = true;
    }

    pub(super) fn has(&self, kind: StatusKind) -> bool {
        self.status.iter().any(|entry| entry.kind == Some(kind))
    }

    /// Whether the person received a TAN, so that the mobile number is proved.
    pub(super) fn texted_a_tan(&self) -> bool {
        let tan = |entry: &StatusEntry| entry.text.as_ref().is_some_and(|text| text.expose() == "TAN");
        self.status.iter().any(|entry| entry.kind == Some(StatusKind::SMS_SENT) && tan(entry))
    }

    pub(super) fn finality(&self) -> Finality {
        Finality::judge(self.flavour, self.status.iter().filter_map(|entry| entry.kind))
    }

    /// How the person was identified, or will be.
    pub(super) fn method(&self) -> IdentifyMethod {
        ways::taken(&self.request, &self.status)
    }

    /// Whether the status can still be read (AT-09, AT-59).
    pub(super) fn status_is_told(&self, settings: &Settings) -> bool {
        !self.gone && (settings.status_after_deletion || !self.deleted)
    }

    /// The status: all of it, or the general codes only (AT-13).
    pub(super) fn status_answer(&self, general: Option<&BTreeSet<u32>>) -> OrderStatus {
        let shown = |entry: &&StatusEntry| {
            general.is_none_or(|general| entry.kind.is_some_and(|kind| general.contains(&kind.0)))
        };
        let mut answer = OrderStatus::default()
            .order_id(self.id.clone())
            .status(self.status.iter().filter(shown).cloned().collect::<Vec<_>>());
        answer.reference.clone_from(&self.request.reference);
        answer.executed.clone_from(&self.executed);
        answer
    }
}

/// The time as the vendor writes it: with the offset of German summer time, as in the document's examples.
pub(super) fn dts(at: Timestamp) -> Dts {
    Dts::new(at, Offset::constant(2))
}

/// Where the bank takes the person over, if a link to it is asked for. What comes of another bank than those of
/// getBankList is not documented: no link, and in the profile `strict` a refusal.
fn giro_link(world: &mut World, request: &PutOrder) -> Result<Option<String>, Refused> {
    let Some(wanted) = request.get_giro_link.as_ref().filter(|wanted| !wanted.expose().is_empty()) else {
        return Ok(None);
    };
    if bank_of(wanted.expose())?.is_none() {
        if world.profile == Profile::Strict && world.enforces("AT-41") {
            let message = "is neither BIC nor German IBAN of a bank that getBankList names";
            return Err(Refused::new(400, Violation::new("getGiroLink", message, "AT-41", "[T] 3.1.3")));
        }
        return Ok(None);
    }
    let hash = world.random_text(b"0123456789ABCDEF", 32);
    Ok(Some(format!("https://www.identity.tm/giro/{hash}")))
}

/// Takes an order and answers as the order asked for.
pub(super) fn create(world: &mut World, request: PutOrder) -> Result<PutOrderAnswer, Refused> {
    let now = world.now;
    let giro = giro_link(world, &request)?;
    let id = loop {
        let id = format!("9992{}", world.random_text(b"0123456789ABCDEF", 10));
        if !world.part::<Orders>().by_id.contains_key(&id) {
            break id;
        }
    };
    world.concerns(&id);
    let mut answer = PutOrderAnswer::default().order_id(OrderId::received(&*id));
    answer.reference.clone_from(&request.reference);
    if request.get_target_link == Some(true) {
        let hash = world.random_text(b"0123456789ABCDEF", 32);
        answer = answer.target_url(format!("https://www.identity.tm/status/{hash}"));
    }
    let by_video = matches!(request.product, Some(12 | 15)) || !world.enforces("T-054");
    if request.get_video_hashes == Some(true) && by_video {
        let short = world.random_text(b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 5);
        let long = world.random_text(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-", 20);
        answer = answer.video_hashes(VideoHashes::default().short_code(short).long_code(long));
    }
    let link_instead = world.enforces("AT-84");
    let settings = &world.part::<Orders>().settings;
    // Without the link the person is told by mail; with it nobody knows (AT-84).
    let mailed = !link_instead || request.get_target_link != Some(true) || settings.mail_beside_link;
    if let Some(link) = giro {
        if settings.giro_key == GiroKey::TargetUrl && answer.target_url.is_none() {
            answer = answer.target_url(link);
        } else {
            answer.extra.insert("GiroURL".to_owned(), link.into());
        }
    }
    let mut order = Order::new(OrderId::received(&*id), request, now);
    let entry = |kind| StatusEntry::default().kind(kind).time(dts(now));
    order.status.push(entry(StatusKind::INITIALISED));
    if mailed {
        order.status.push(entry(StatusKind(7)));
    }
    let orders = world.part::<Orders>();
    orders.by_id.insert(id.clone(), Box::new(order));
    orders.opened.push(id.clone());
    let time_out = orders.settings.time_out;
    if let Ok(at) = now.checked_add(time_out) {
        world.after(at, Timer { vendor: PROVIDER, what: TIME_OUT, subject: id });
    }
    keep_bound(world);
    Ok(answer)
}

/// Forgets the oldest orders when there are more than the world keeps.
fn keep_bound(world: &mut World) {
    let mut opened = std::mem::take(&mut world.part::<Orders>().opened);
    let oldest = world.forget_oldest(PROVIDER, &mut opened);
    let orders = world.part::<Orders>();
    orders.opened = opened;
    if !oldest.is_empty() {
        oldest.iter().for_each(|id| drop(orders.by_id.remove(id)));
        orders.reported.retain(|(id, _)| !oldest.contains(id));
    }
}
