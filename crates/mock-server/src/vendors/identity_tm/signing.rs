//! Signing with a TAN [T 5], cancellation [T 4.3], and queries before an order [T 8].

use std::collections::BTreeMap;

use http::Response;
use identkit_core::{Content, Location, Secret};
use identkit_identity_tm::messages::{Bank, NamedHashes, SignedHashes, SignmeUser};
use identkit_identity_tm::{
    CancelOrder, CheckSignmeUser, ConfirmSign, GetBankList, GetESignHash, OrderCallback, OrderFlavor, OrderId,
    RequestResendSignTan, RequestSign, StatusKind, samples,
};
use identkit_wire::{ServedOperation as _, decode_base64_lenient, encode_base64, json};

use super::scenarios;
use super::{FACTS, HashShape, IssuedTan, Order, Orders, Step, Word, account, deleted_order, find, of_order, rules};
use crate::{Rejection, World};

fn play(world: &mut World, id: &OrderId, steps: impl IntoIterator<Item = Step>) {
    scenarios::add(world, id.expose(), steps);
}

/// Cancels an open order; its data stays available.
pub(super) fn cancel(world: &mut World, op: CancelOrder) -> Result<(), Rejection> {
    let open_only = world.enforces(&rules::T_025_CANCEL);
    let order = find(world, &op.order_id)?;
    if open_only && order.finality().is_final() {
        let message = "the order is final and cannot be canceled";
        return Err(of_order(406, message, &rules::T_025_CANCEL));
    }
    let callback = world.state::<Orders>().settings.webhook_on_cancel;
    scenarios::cancel(world, op.order_id.expose(), callback);
    Ok(())
}

/// Returns a new TAN.
pub(super) fn new_tan(world: &mut World) -> Secret {
    Secret::new(world.random_text(b"0123456789", 6))
}

/// Sends a TAN for the signature.
pub(super) fn send_tan(world: &mut World, id: &OrderId) {
    let code = new_tan(world);
    if let Some(order) = world.state::<Orders>().by_id.get_mut(id.expose()) {
        let wrong = order.tan.as_ref().map_or(0, |tan| tan.wrong);
        order.tan = Some(IssuedTan { code, wrong });
    }
    play(world, id, [Step::Status(StatusKind::SMS_SENT, Some(Word::Tan))]);
}

/// Finds an order that can still be signed.
fn find_open<'a>(world: &'a mut World, id: &OrderId, section: &'static str) -> Result<&'a mut Order, Rejection> {
    let rules = world.rules.clone();
    let order = find(world, id)?;
    if rules.enforce(&rules::AT_09_SIGNING) && order.deleted {
        return Err(deleted_order());
    }
    if rules.enforce(&rules::AT_55_ENDED) && order.finality().is_final() {
        let message = "the order is final and cannot be signed any more";
        return Err(rules::AT_55_ENDED.reject(410, "OrderID", message, section).at(Location::Path));
    }
    Ok(order)
}

pub(super) fn request(world: &mut World, op: RequestSign) -> Result<(), Rejection> {
    let identified_only = world.enforces(&rules::AT_55_IDENTIFIED);
    let order = find_open(world, &op.order_id, "[T] 5.1")?;
    let ready = order.flavor == OrderFlavor::Qes && order.has(StatusKind::POSITIVE);
    if identified_only && !ready {
        let message = "the order cannot be signed: it needs something to sign, and an identified person";
        return Err(of_order(406, message, &rules::AT_55_IDENTIFIED));
    }
    if !order.has(StatusKind::SIGNATURE_REQUEST) {
        play(world, &op.order_id, [Step::Status(StatusKind::SIGNATURE_REQUEST, None)]);
    }
    send_tan(world, &op.order_id);
    Ok(())
}

/// Finds the TAN of an order whose signing was started by requestSign.
fn issued_tan(world: &mut World, id: &OrderId, section: &'static str) -> Result<IssuedTan, Rejection> {
    let begun_only = world.enforces(&rules::AT_55_BEGUN);
    match &find_open(world, id, section)?.tan {
        Some(tan) => Ok(tan.clone()),
        // If no TAN was sent, every TAN is wrong.
        None if !begun_only => Ok(IssuedTan { code: Secret::new(""), wrong: 0 }),
        None => {
            let message = "signing has not been started: call requestSign first";
            Err(rules::AT_55_BEGUN.reject(412, "OrderID", message, section).at(Location::Path))
        }
    }
}

/// Sends another TAN; the previous one becomes invalid.
pub(super) fn resend(world: &mut World, op: RequestResendSignTan) -> Result<(), Rejection> {
    issued_tan(world, &op.order_id, "[T] 5.3")?;
    send_tan(world, &op.order_id);
    Ok(())
}

pub(super) fn confirm(world: &mut World, op: ConfirmSign) -> Result<(), Rejection> {
    sign(world, &op.order_id, op.request.tan)
}

/// Signs an order, if the TAN is the one that was sent last.
pub(super) fn sign(world: &mut World, id: &OrderId, tan: Option<Secret>) -> Result<(), Rejection> {
    const SECTION: &str = "[T] 5.2";
    let issued = issued_tan(world, id, SECTION)?;
    let rules = world.rules.clone();
    let given = tan.filter(|tan| !tan.is_empty());
    let Some(given) = given.or_else(|| (!rules.enforce(&rules::AT_56)).then(|| Secret::new("none"))) else {
        return Err(rules::AT_56.reject(400, "tan", "is required: the TAN that the person received", SECTION));
    };
    if rules.enforce(&rules::AT_56_LENGTH) && given.expose().chars().count() > 6 {
        return Err(rules::AT_56.reject(400, "tan", "must have at most 6 characters", SECTION));
    }
    if given == issued.code || !rules.enforce(&rules::AT_54) {
        play(world, id, [Step::Status(StatusKind::SIGNED, None), Step::Call(OrderCallback::OnFinal)]);
        return Ok(());
    }
    let orders = world.state::<Orders>();
    let (tries, status) = (orders.settings.tan_tries, orders.settings.wrong_tan_status);
    // A restored world may have the maximum.
    let wrong = issued.wrong.saturating_add(1);
    if let Some(tan) = orders.by_id.get_mut(id.expose()).and_then(|order| order.tan.as_mut()) {
        tan.wrong = wrong;
    }
    if rules.enforce(&rules::AT_54_LIMIT) && wrong >= tries {
        let callback = world.state::<Orders>().settings.webhook_on_tan_limit;
        scenarios::cancel(world, id.expose(), callback);
        return Err(rules::AT_54.reject(429, "tan", "was wrong too often: the order is canceled", SECTION));
    }
    // The document lists no status for a single wrong TAN (AT-54).
    Err(rules::AT_54.reject(status, "tan", "must be the TAN that was sent last", SECTION))
}

/// Returns the hashes by the names of the order, in the account's shape (AT-36). They are not signed: each is a mark and
/// the hash itself.
pub(super) fn hashes(world: &mut World, op: GetESignHash) -> Result<Response<Content>, Rejection> {
    const SECTION: &str = "[T] 3.6";
    let (shape, only_signed) = (world.state::<Orders>().settings.hash_shape, world.enforces(&rules::T_060_HASH));
    let order = find(world, &op.order_id)?;
    if order.deleted {
        return Err(deleted_order());
    }
    if only_signed && (order.hashes().next().is_none() || !order.has(StatusKind::SIGNED)) {
        let message = "the order is not signed: it needs eSignHash, or a master order with it, and status 84";
        return Err(of_order(400, message, &rules::T_060_HASH));
    }
    let marked = |hash: &Secret| {
        let bytes = decode_base64_lenient(hash.expose()).unwrap_or_default();
        Secret::new(encode_base64(&[b"sandbox, no signature: ", bytes.as_slice()].concat()))
    };
    let named = order.hashes().filter_map(|hash| {
        // A single hash may have no name (AT-35).
        let name = hash.filename.as_ref().map_or_else(String::new, |name| name.expose().clone());
        Some((name, marked(hash.hash.as_ref()?)))
    });
    let named: Vec<(String, Secret)> = named.collect();
    let by_name = || named.iter().cloned().collect::<BTreeMap<String, Secret>>();
    let answer = match shape {
        HashShape::EachInAnObject => GetESignHash::encode_response(SignedHashes::default().hashes(NamedHashes(named))),
        HashShape::AllInOneObject => json::response(200, &BTreeMap::from([("Hashes", [by_name()])])),
        HashShape::Object => json::response(200, &BTreeMap::from([("Hashes", by_name())])),
    };
    FACTS.or_reject(answer, SECTION)
}

/// Returns whether orders of this world have created a sign-me account for the e-mail address, and verified it. The example orders do
/// not count, because the document's example response has false twice.
pub(super) fn signme_user(world: &mut World, op: CheckSignmeUser) -> Result<SignmeUser, Rejection> {
    let email = op.0.email.as_ref().map_or("", |email| email.expose()).to_owned();
    let shaped = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if world.enforces(&rules::T_051) && (!shaped || email.contains(char::is_whitespace)) {
        return Err(rules::T_051.reject(400, "Email", "must be an e-mail address, the sign-me user name", "[T] 8.3.3"));
    }
    let (exists, verified) = account(world, &email, None);
    Ok(SignmeUser::default().user_exists(exists).user_is_able_to_sign(verified))
}

fn known_banks() -> Result<Vec<Bank>, Rejection> {
    json::read(samples::GET_BANK_LIST_RESPONSE.as_bytes()).map_err(|fault| FACTS.reject(&fault.answer(), "[T] 8.1"))
}

pub(super) fn banks(_: &mut World, _: GetBankList) -> Result<Vec<Bank>, Rejection> {
    known_banks()
}

/// Returns the bank of an IBAN or BIC, if the list contains it.
pub(super) fn bank_of(text: &str) -> Result<Option<Bank>, Rejection> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
    // DE, two check digits, the bank code, and the account.
    let code = text.strip_prefix("DE").filter(|rest| rest.len() == 20).and_then(|rest| rest.get(2..10));
    let fits = |bank: &Bank| {
        let bic = bank.bic.as_ref().is_some_and(|bic| bic.as_str() == text);
        bic || code.is_some_and(|code| bank.blz.is_some_and(|blz| blz.to_string() == code))
    };
    Ok(known_banks()?.into_iter().find(fits))
}
