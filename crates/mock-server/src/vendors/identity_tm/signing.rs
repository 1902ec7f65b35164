//! Signing on the customer's side [T 5], cancelling [T 4.3], and what is asked before an order [T 8].

use identkit_core::{Fault, Secret};
use identkit_identity_tm::messages::{Bank, NamedHashes, SignedHashes, SignmeUser};
use identkit_identity_tm::{
    CancelOrder, CheckSignmeUser, ConfirmSign, GetBankList, GetESignHash, OrderCallback, OrderFlavour, OrderId,
    RequestResendSignTan, RequestSign, StatusKind, samples,
};
use identkit_wire::{OneOrMany, decode_base64_lenient, encode_base64, json};

use super::orders::Orders;
use super::stories::{Step, go_on};
use super::{deleted, find};
use crate::World;
use crate::vendor::Refused;

/// The one-time code of an order whose signing has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IssuedTan {
    pub(super) code: Secret,
    /// Wrong tries so far, counted over all codes of the order.
    wrong: u32,
}

const CANCELLED: [Step; 3] = [
    // Which statuses a cancellation sets is not documented (AT-61), nor that OnFinal is called (AT-60): assumed.
    Step::Status(StatusKind::CANCELLATION, None),
    Step::Status(StatusKind::TERMINATED, None),
    Step::Call(OrderCallback::OnFinal),
];

fn refuse<T>(
    status: u16,
    field: &'static str,
    message: &'static str,
    rule: &'static str,
    section: &'static str,
) -> Result<T, Refused> {
    Err(Refused::new(status, Fault::new(field, message, rule, section)))
}

fn happen(world: &mut World, id: &OrderId, steps: impl IntoIterator<Item = Step>) {
    if let Some(order) = world.part::<Orders>().by_id.get_mut(id.expose()) {
        order.script.extend(steps);
    }
    go_on(world, id.expose());
}

/// Ends an open order; its data is kept.
pub(super) fn cancel(world: &mut World, op: CancelOrder) -> Result<(), Refused> {
    let order = find(world, &op.order_id)?;
    if order.finality().is_final() {
        return refuse(406, "OrderID", "the order has ended: nothing is left to be cancelled", "T-025", "[T] 4.3");
    }
    happen(world, &op.order_id, CANCELLED);
    Ok(())
}

fn text_a_tan(world: &mut World, id: &OrderId) {
    let code = Secret::new(world.random_text(b"0123456789", 6));
    if let Some(order) = world.part::<Orders>().by_id.get_mut(id.expose()) {
        let wrong = order.tan.as_ref().map_or(0, |tan| tan.wrong);
        order.tan = Some(IssuedTan { code, wrong });
    }
    happen(world, id, [Step::Status(StatusKind::SMS_SENT, Some("TAN"))]);
}

/// Starts signing.
pub(super) fn request(world: &mut World, op: RequestSign) -> Result<(), Refused> {
    const SECTION: &str = "[T] 5.1";
    let order = find(world, &op.order_id)?;
    if order.deleted {
        return Err(deleted());
    }
    if order.finality().is_final() {
        return refuse(410, "OrderID", "the order has already been processed", "T-100", SECTION);
    }
    if order.flavour != OrderFlavour::Qes || !order.has(StatusKind::POSITIVE) {
        let message = "the order cannot be signed: it needs something to sign, and a person who is identified";
        return refuse(406, "OrderID", message, "AT-55", SECTION);
    }
    if !order.has(StatusKind::SIGNATURE_REQUEST) {
        happen(world, &op.order_id, [Step::Status(StatusKind::SIGNATURE_REQUEST, None)]);
    }
    text_a_tan(world, &op.order_id);
    Ok(())
}

/// What both later calls ask of an order.
fn under_way(world: &mut World, id: &OrderId, section: &'static str) -> Result<IssuedTan, Refused> {
    let order = find(world, id)?;
    if order.deleted {
        return Err(deleted());
    }
    if order.finality().is_final() {
        return refuse(410, "OrderID", "the order has already been processed", "AT-55", section);
    }
    match &order.tan {
        Some(tan) => Ok(tan.clone()),
        None => refuse(412, "OrderID", "signing has not been started: call requestSign first", "AT-55", section),
    }
}

/// Has another TAN texted; the one before no longer counts.
pub(super) fn resend(world: &mut World, op: RequestResendSignTan) -> Result<(), Refused> {
    under_way(world, &op.order_id, "[T] 5.3")?;
    text_a_tan(world, &op.order_id);
    Ok(())
}

/// Signs, or counts a wrong try.
pub(super) fn confirm(world: &mut World, op: ConfirmSign) -> Result<(), Refused> {
    const SECTION: &str = "[T] 5.2";
    let issued = under_way(world, &op.order_id, SECTION)?;
    let Some(given) = op.request.tan.filter(|tan| !tan.is_empty()) else {
        return refuse(400, "tan", "is required: the TAN that the person received", "AT-56", SECTION);
    };
    if given.expose().chars().count() > 6 {
        return refuse(400, "tan", "has more than 6 characters", "AT-56", SECTION);
    }
    if given == issued.code {
        happen(world, &op.order_id, [Step::Status(StatusKind::SIGNED, None), Step::Call(OrderCallback::OnFinal)]);
        return Ok(());
    }
    let orders = world.part::<Orders>();
    let (tries, status) = (orders.settings.tan_tries, orders.settings.wrong_tan_status);
    let wrong = issued.wrong + 1;
    if let Some(tan) = orders.by_id.get_mut(op.order_id.expose()).and_then(|order| order.tan.as_mut()) {
        tan.wrong = wrong;
    }
    if wrong >= tries {
        happen(world, &op.order_id, CANCELLED);
        return refuse(429, "tan", "was wrong too often: the order is cancelled", "AT-54", SECTION);
    }
    // No code is listed for a single wrong TAN (AT-54).
    refuse(status, "tan", "is wrong", "AT-54", SECTION)
}

/// The hashes by the names that putOrder gave. Not signed by anybody: a mark and the hash itself.
pub(super) fn hashes(world: &mut World, op: GetESignHash) -> Result<SignedHashes, Refused> {
    let order = find(world, &op.order_id)?;
    if order.deleted {
        return Err(deleted());
    }
    let wanted = order.request.sign_hash.as_ref().map_or(&[][..], OneOrMany::as_slice);
    if wanted.is_empty() || !order.has(StatusKind::SIGNED) {
        return refuse(400, "OrderID", "the order is not signed: it needs eSignHash and status 84", "T-060", "[T] 3.6.1");
    }
    let marked = |hash: &Secret| {
        let bytes = decode_base64_lenient(hash.expose()).unwrap_or_default();
        Secret::new(encode_base64(&[b"sandbox, no signature: ", bytes.as_slice()].concat()))
    };
    let named = wanted.iter().filter_map(|hash| {
        let name = hash.filename.as_ref()?.expose().clone();
        Some((name, marked(hash.hash.as_ref()?)))
    });
    Ok(SignedHashes::default().hashes(NamedHashes(named.collect())))
}

/// The banks of the document's example.
pub(super) fn banks(_: &mut World, _: GetBankList) -> Result<Vec<Bank>, Refused> {
    json::read(samples::GET_BANK_LIST_RESPONSE.as_bytes())
        .map_err(|fault| Refused::invalid(&fault.answer(), "[T] 8.1"))
}

/// Whether an order of this world made or found a sign-me account for the address; those of the examples do not
/// count, since the document's own request is answered with false twice.
pub(super) fn signme_user(world: &mut World, op: CheckSignmeUser) -> Result<SignmeUser, Refused> {
    let email = op.0.email.as_ref().map_or("", |email| email.expose().trim()).to_owned();
    let shaped = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !shaped || email.contains(char::is_whitespace) {
        return refuse(400, "Email", "is required: the e-mail address that is the sign-me user name", "T-051", "[T] 8.3.3");
    }
    let mut user = SignmeUser::default().user_exists(false).user_is_able_to_sign(false);
    for order in world.part::<Orders>().by_id.values().filter(|order| order.literal_data.is_none()) {
        let same = order.request.email.as_ref().is_some_and(|known| known.expose().trim().eq_ignore_ascii_case(&email));
        if !same {
            continue;
        }
        let verified = order.has(StatusKind::ACCOUNT_VERIFIED);
        if verified || order.has(StatusKind::ACCOUNT_CREATED) || order.has(StatusKind::ACCOUNT_EXISTS) {
            user.user_exists = Some(true);
        }
        if verified {
            user.user_is_able_to_sign = Some(true);
        }
    }
    Ok(user)
}
