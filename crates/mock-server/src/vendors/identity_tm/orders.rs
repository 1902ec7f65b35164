//! Orders as the vendor keeps them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use http::Method;
use identkit_identity_tm::messages::{IdentDataAnswer, OrderStatus, PutOrderAnswer, StatusEntry, VideoHashes};
use identkit_identity_tm::{Finality, OrderFlavour, OrderId, PROVIDER, PutOrder, StatusKind};
use identkit_wire::Dts;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::media::Recording;
use super::reuse::Reuse;
use super::signing::IssuedTan;
use super::stories::Step;
use crate::{Timer, World};

/// Timer: the person has not finished in time.
pub(super) const TIME_OUT: &str = "time-out";
/// Timer: the vendor deletes the results.
pub(super) const PURGE: &str = "purge";

/// The codes that the default variant of `getStatus` returns. Which ones is lost in the document (AT-13): all final
/// ones and these, assumed.
pub(super) const GENERAL: [u32; 12] = [6, 17, 22, 84, 89, 99, 100, 25, 75, 23, 63, 21];

/// How the account is set up, which at the vendor is done by its support; see [`configure`](super::configure).
#[derive(Clone, Debug)]
pub struct Settings {
    /// User name of HTTP Basic authentication.
    pub customer_id: String,
    /// Its password.
    pub customer_code: String,
    /// Method of webhooks: GET, POST or PUT.
    pub webhook_method: Method,
    /// With how many wrong TANs an order is cancelled; the document says "too many".
    pub tan_tries: u32,
    /// The status of a single wrong TAN: 400 assumed, 409 in a later version (AT-54).
    pub wrong_tan_status: u16,
    /// After how long an unfinished order times out, [T 4.1].
    pub time_out: SignedDuration,
    /// Whether every video is recorded, also without Add 131072, [T 3.8.1].
    pub record_video: bool,
    /// How long it takes until a recording that was asked for is ready; nothing is documented.
    pub video_provisioning: SignedDuration,
    /// Whether the call that says so is tried again like a webhook; otherwise it is made once (AT-39).
    pub video_callback_retries: bool,
    /// Whether `[OrderID]` and `[Ref]` are filled in in its URL (AT-39).
    pub video_callback_placeholders: bool,
    /// Whether identifications are recorded as sound, [T 3.9].
    pub voice_files: bool,
    /// Whether a slash in the answer with the sound is written as `\/` (AT-40).
    pub escape_slashes: bool,
    /// Whether identifications can be used again, [T 6]: `getIdentData/…/Signed` is answered, `IdentDataSigned` read.
    pub reuse: bool,
    /// Whether the signed form comes as the literal of a JSON string; otherwise as plain text (AT-71).
    pub signed_as_json_string: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            customer_id: "sandbox-customer".into(),
            customer_code: "sandbox-code".into(),
            webhook_method: Method::GET,
            tan_tries: 3,
            wrong_tan_status: 400,
            time_out: SignedDuration::from_hours(30 * 24),
            record_video: false,
            video_provisioning: SignedDuration::from_secs(60),
            video_callback_retries: false,
            video_callback_placeholders: false,
            voice_files: false,
            escape_slashes: false,
            reuse: true,
            signed_as_json_string: false,
        }
    }
}

/// The vendor's share of a world.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    pub(super) settings: Settings,
    pub(super) by_id: BTreeMap<String, Order>,
    /// The statuses that getAllStatus has reported without a period: order and place (AT-06).
    pub(super) reported: BTreeSet<(String, usize)>,
}

/// One order.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) id: OrderId,
    pub(super) flavour: OrderFlavour,
    /// What was ordered; once the data is deleted, only what webhooks and the status need.
    pub(super) request: PutOrder,
    pub(super) status: Vec<StatusEntry>,
    pub(super) executed: Option<Dts>,
    pub(super) decided: Timestamp,
    pub(super) deleted: bool,
    /// What is still to happen, in order.
    pub(super) script: VecDeque<Step>,
    /// What is read instead of data made up from the request: the document's example.
    pub(super) literal_data: Option<IdentDataAnswer>,
    /// The code that was texted last, once signing has begun.
    pub(super) tan: Option<IssuedTan>,
    /// What has become of its recording.
    pub(super) recording: Recording,
    /// What came of the identification that was to be used again.
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
            script: VecDeque::new(),
            literal_data: None,
            tan: None,
            recording: Recording::default(),
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
        self.reuse = None;
        self.deleted = true;
    }

    pub(super) fn has(&self, kind: StatusKind) -> bool {
        self.status.iter().any(|entry| entry.kind == Some(kind))
    }

    pub(super) fn finality(&self) -> Finality {
        Finality::judge(self.flavour, self.status.iter().filter_map(|entry| entry.kind))
    }

    pub(super) fn status_answer(&self, extended: bool) -> OrderStatus {
        let shown = |entry: &&StatusEntry| extended || entry.kind.is_some_and(|kind| GENERAL.contains(&kind.0));
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

/// Takes an order and answers as the order asked for.
pub(super) fn create(world: &mut World, request: PutOrder) -> PutOrderAnswer {
    let now = world.now;
    let id = loop {
        let id = format!("9992{}", world.random_text(b"0123456789ABCDEF", 10));
        if !world.part::<Orders>().by_id.contains_key(&id) {
            break id;
        }
    };
    let mut answer = PutOrderAnswer::default().order_id(OrderId::received(&*id));
    answer.reference.clone_from(&request.reference);
    if request.get_target_link == Some(true) {
        let hash = world.random_text(b"0123456789ABCDEF", 32);
        answer = answer.target_url(format!("https://www.identity.tm/status/{hash}"));
    }
    if request.get_video_hashes == Some(true) && matches!(request.product, Some(12 | 15)) {
        let short = world.random_text(b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 5);
        let long = world.random_text(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-", 20);
        answer = answer.video_hashes(VideoHashes::default().short_code(short).long_code(long));
    }
    let mailed = request.get_target_link != Some(true);
    let mut order = Order::new(OrderId::received(&*id), request, now);
    let entry = |kind| StatusEntry::default().kind(kind).time(dts(now));
    order.status.push(entry(StatusKind::INITIALISED));
    if mailed {
        // Without the link the person is told by mail (AT-84).
        order.status.push(entry(StatusKind(7)));
    }
    let orders = world.part::<Orders>();
    orders.by_id.insert(id.clone(), order);
    let time_out = orders.settings.time_out;
    if let Ok(at) = now.checked_add(time_out) {
        world.after(at, Timer { vendor: PROVIDER, what: TIME_OUT, subject: id });
    }
    answer
}
