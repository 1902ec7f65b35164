//! Signing on the customer's side [T 5], cancelling [T 4.3], and what is asked before an order [T 8].

use std::collections::BTreeMap;

use http::Response;
use identkit_core::{Content, Secret, Violation};
use identkit_identity_tm::messages::{Bank, NamedHashes, SignedHashes, SignmeUser};
use identkit_identity_tm::{
    CancelOrder, CheckSignmeUser, ConfirmSign, GetBankList, GetESignHash, OrderCallback, OrderFlavor, OrderId,
    RequestResendSignTan, RequestSign, StatusKind, samples,
};
use identkit_wire::{ServedOperation as _, decode_base64_lenient, encode_base64, json};
use serde::{Deserialize, Serialize};

use super::lookup::find;
use super::orders::Orders;
use super::refusals::deleted;
use super::settings::HashShape;
use super::stories::{self, Step, go_on};
use crate::World;
use crate::vendor::{Refused, written};

/// The one-time code of an order whose signing has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuedTan {
    pub(super) code: Secret,
    /// Wrong tries so far, counted over all codes of the order.
    wrong: u32,
}

fn refuse<T>(
    status: u16,
    field: &'static str,
    message: &'static str,
    rule: &'static str,
    section: &'static str,
) -> Result<T, Refused> {
    Err(Refused::new(status, Violation::new(field, message, rule, section)))
}

fn happen(world: &mut World, id: &OrderId, steps: impl IntoIterator<Item = Step>) {
    if let Some(order) = world.part::<Orders>().by_id.get_mut(id.expose()) {
        order.script.extend(steps);
    }
    go_on(world, id.expose());
}

/// Ends an open order; its data is kept.
pub(super) fn cancel(world: &mut World, op: CancelOrder) -> Result<(), Refused> {
    let open_only = world.enforces("T-025/cancel");
    let order = find(world, &op.order_id)?;
    if open_only && order.finality().is_final() {
        return refuse(406, "OrderID", "the order has ended: nothing is left to be cancelled", "T-025", "[T] 4.3");
    }
    let callback = world.part::<Orders>().settings.webhook_on_cancel;
    stories::cancel(world, op.order_id.expose(), callback);
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
    let rules = world.rules.clone();
    let order = find(world, &op.order_id)?;
    if rules.enforce("AT-09/signing") && order.deleted {
        return Err(deleted());
    }
    if rules.enforce("AT-55/ended") && order.finality().is_final() {
        return refuse(410, "OrderID", "the order has already been processed", "AT-55", SECTION);
    }
    let ready = order.flavour == OrderFlavor::Qes && order.has(StatusKind::POSITIVE);
    if rules.enforce("AT-55/identified") && !ready {
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
    let rules = world.rules.clone();
    let order = find(world, id)?;
    if rules.enforce("AT-09/signing") && order.deleted {
        return Err(deleted());
    }
    if rules.enforce("AT-55/ended") && order.finality().is_final() {
        return refuse(410, "OrderID", "the order has already been processed", "AT-55", section);
    }
    match &order.tan {
        Some(tan) => Ok(tan.clone()),
        // No TAN is right where none was texted.
        None if !rules.enforce("AT-55/begun") => Ok(IssuedTan { code: Secret::new(""), wrong: 0 }),
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
    let rules = world.rules.clone();
    let given = op.request.tan.filter(|tan| !tan.is_empty());
    let Some(given) = given.or_else(|| (!rules.enforce("AT-56")).then(|| Secret::new("none"))) else {
        return refuse(400, "tan", "is required: the TAN that the person received", "AT-56", SECTION);
    };
    if rules.enforce("AT-56/length") && given.expose().chars().count() > 6 {
        return refuse(400, "tan", "has more than 6 characters", "AT-56", SECTION);
    }
    if given == issued.code || !rules.enforce("AT-54") {
        happen(world, &op.order_id, [Step::Status(StatusKind::SIGNED, None), Step::Call(OrderCallback::OnFinal)]);
        return Ok(());
    }
    let orders = world.part::<Orders>();
    let (tries, status) = (orders.settings.tan_tries, orders.settings.wrong_tan_status);
    // A restored world may have counted up to the end.
    let wrong = issued.wrong.saturating_add(1);
    if let Some(tan) = orders.by_id.get_mut(op.order_id.expose()).and_then(|order| order.tan.as_mut()) {
        tan.wrong = wrong;
    }
    if rules.enforce("AT-54/limit") && wrong >= tries {
        let callback = world.part::<Orders>().settings.webhook_on_tan_limit;
        stories::cancel(world, op.order_id.expose(), callback);
        return refuse(429, "tan", "was wrong too often: the order is cancelled", "AT-54", SECTION);
    }
    // No code is listed for a single wrong TAN (AT-54).
    refuse(status, "tan", "is wrong", "AT-54", SECTION)
}

/// The hashes by the names that putOrder gave, in the account's shape (AT-36). Not signed by anybody: a mark and the
/// hash itself.
pub(super) fn hashes(world: &mut World, op: GetESignHash) -> Result<Response<Content>, Refused> {
    const SECTION: &str = "[T] 3.6";
    let (shape, only_signed) = (world.part::<Orders>().settings.hash_shape, world.enforces("T-060/hash"));
    let order = find(world, &op.order_id)?;
    if order.deleted {
        return Err(deleted());
    }
    if only_signed && (order.hashes().next().is_none() || !order.has(StatusKind::SIGNED)) {
        return refuse(
            400,
            "OrderID",
            "the order is not signed: it needs eSignHash, or a master order with it, and status 84",
            "T-060",
            "[T] 3.6.1",
        );
    }
    let marked = |hash: &Secret| {
        let bytes = decode_base64_lenient(hash.expose()).unwrap_or_default();
        Secret::new(encode_base64(&[b"sandbox, no signature: ", bytes.as_slice()].concat()))
    };
    let named = order.hashes().filter_map(|hash| {
        // A lone hash may have no name (AT-35).
        let name = hash.filename.as_ref().map_or_else(String::new, |name| name.expose().clone());
        Some((name, marked(hash.hash.as_ref()?)))
    });
    let named: BTreeMap<String, Secret> = named.collect();
    let answer = match shape {
        HashShape::EachInAnObject => GetESignHash::encode_response(SignedHashes::default().hashes(NamedHashes(named))),
        HashShape::AllInOneObject => json::response(200, &BTreeMap::from([("Hashes", [named])])),
        HashShape::Object => json::response(200, &BTreeMap::from([("Hashes", named)])),
    };
    written(answer, SECTION)
}

fn known_banks() -> Result<Vec<Bank>, Refused> {
    json::read(samples::GET_BANK_LIST_RESPONSE.as_bytes()).map_err(|fault| Refused::invalid(&fault.answer(), "[T] 8.1"))
}

/// The banks of the document's example.
pub(super) fn banks(_: &mut World, _: GetBankList) -> Result<Vec<Bank>, Refused> {
    known_banks()
}

/// The bank that an IBAN or BIC names, if it is one of the list.
pub(super) fn bank_of(text: &str) -> Result<Option<Bank>, Refused> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
    // DE, two check digits, the bank code, and the account.
    let code = text.strip_prefix("DE").filter(|rest| rest.len() == 20).and_then(|rest| rest.get(2..10));
    let fits = |bank: &Bank| {
        let bic = bank.bic.as_ref().is_some_and(|bic| bic.as_str() == text);
        bic || code.is_some_and(|code| bank.blz.is_some_and(|blz| blz.to_string() == code))
    };
    Ok(known_banks()?.into_iter().find(fits))
}

/// Whether an order of this world made or found a sign-me account for the address; those of the examples do not
/// count, since the document's own request is answered with false twice.
pub(super) fn signme_user(world: &mut World, op: CheckSignmeUser) -> Result<SignmeUser, Refused> {
    let email = op.0.email.as_ref().map_or("", |email| email.expose().trim()).to_owned();
    let shaped = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if world.enforces("T-051") && (!shaped || email.contains(char::is_whitespace)) {
        return refuse(
            400,
            "Email",
            "is required: the e-mail address that is the sign-me user name",
            "T-051",
            "[T] 8.3.3",
        );
    }
    let (exists, verified) = account(world, &email, None);
    Ok(SignmeUser::default().user_exists(exists).user_is_able_to_sign(verified))
}

/// Whether the person of an order has a sign-me account by another order, and whether it is verified.
pub(super) fn account_of(world: &mut World, id: &str) -> (bool, bool) {
    let order = world.part::<Orders>().by_id.get(id);
    let email = order.and_then(|order| order.request.email.as_ref()).map(|email| email.expose().trim().to_owned());
    email.map_or((false, false), |email| account(world, &email, Some(id)))
}

fn account(world: &mut World, email: &str, but: Option<&str>) -> (bool, bool) {
    let (mut exists, mut verified) = (false, false);
    for (id, order) in world.part::<Orders>().by_id.iter().filter(|(_, order)| order.literal_data.is_none()) {
        let same = order.request.email.as_ref().is_some_and(|known| known.expose().trim().eq_ignore_ascii_case(email));
        if !same || but == Some(id.as_str()) {
            continue;
        }
        verified |= order.has(StatusKind::ACCOUNT_VERIFIED);
        exists |= verified || order.has(StatusKind::ACCOUNT_CREATED) || order.has(StatusKind::ACCOUNT_EXISTS);
    }
    (exists, verified)
}
