//! The stories as data, and which story is possible for which order.
//!
//! A story consists of fixed sequences of statuses, in the vendor's order. Where the document does not define the order,
//! it is assumed from the meaning of the codes, [T 3.2.1.3].

use identkit_identity_tm::messages::IdentifyMethod;
use identkit_identity_tm::order::Add;
use identkit_identity_tm::{OrderCallback, OrderFlavor, StatusKind};

use crate::Rejection;
use crate::rules::Rules;
use crate::vendors::identity_tm::orders::Step::{self, BySmartId, Call, Executed, Status};
use crate::vendors::identity_tm::orders::{Order, Reuse, Word};
use crate::vendors::identity_tm::settings::Settings;
use crate::vendors::identity_tm::{methods, rules};

/// Names of the stories in the admin API.
pub const SCENARIOS: [&str; 23] = [
    "identified",
    "positive",
    "signed",
    "reuse",
    "account-only",
    "negative",
    "fraud",
    "timeout",
    "timeout-after-ident",
    "aborted",
    "cancelled",
    "video",
    "courier",
    "shop",
    "eid",
    "giro",
    "autoid",
    "smartid",
    "eid-failed",
    "method-changes",
    "courier-missed",
    "refused",
    "unreachable",
];

const fn code(code: u32) -> Step {
    Status(StatusKind(code), None)
}

const VIDEO: [Step; 3] = [
    Status(StatusKind::VIDEO_WAITING, None),
    Status(StatusKind::VIDEO_CALL, None),
    Status(StatusKind::SMS_SENT, Some(Word::Tan)),
];
/// Call without success, message on the answering machine.
const BY_PHONE: [Step; 2] = [code(12), code(70)];
/// Appointment (with its slot), transport through the depots.
const COURIER: [Step; 4] = [code(19), code(9), code(10), code(3)];
const SHOP: [Step; 1] = [code(68)];
/// Link, request, data.
const EID: [Step; 3] = [code(49), code(50), code(51)];
/// To the bank and back.
const GIRO: [Step; 2] = [code(33), code(34)];

/// The person leaves the video system, and the order is not decided yet: results may be missing when these webhooks are
/// called (T-037).
const VIDEO_DONE: [Step; 4] = [
    Executed,
    Status(StatusKind::VIDEO_CONDUCTED, None),
    Call(OrderCallback::AfterVideo),
    Call(OrderCallback::AfterIdent),
];
const DONE: [Step; 2] = [Executed, Call(OrderCallback::AfterIdent)];

/// An agent or a courier has verified the document.
const VERIFIED: [Step; 2] = [Status(StatusKind::POSITIVE, None), Status(StatusKind::DOCUMENT_VERIFIED, None)];
/// The data was read electronically.
const READ_ELECTRONICALLY: [Step; 2] = [Status(StatusKind::POSITIVE, None), code(80)];
/// Paper documents, sent back to the customer.
const PAPER: [Step; 2] = [code(66), code(14)];

/// Preview, confirmation and hash, signature request, TAN, signature.
const SIGNED: [Step; 5] = [
    code(102),
    code(101),
    Status(StatusKind::SIGNATURE_REQUEST, None),
    Status(StatusKind::SMS_SENT, Some(Word::Tan)),
    Status(StatusKind::SIGNED, None),
];

/// As in [T 3.2.7]: before the first action of the person.
const ACCOUNT_CREATED: [Step; 2] =
    [Status(StatusKind::SMS_SENT, Some(Word::SignmePassword)), Status(StatusKind::ACCOUNT_CREATED, None)];
/// As in [T 3.2.7]: after the code that ends the order (AT-14).
const ACCOUNT_VERIFIED: [Step; 2] = [Status(StatusKind::SMS_SENT, None), Status(StatusKind::ACCOUNT_VERIFIED, None)];

/// A missed and canceled appointment, a second missed one, end.
const MISSED: [Step; 9] = [code(19), code(3), code(15), code(64), code(26), code(19), code(3), code(15), code(57)];
/// The person refuses when the courier comes.
const REFUSED_IN_PERSON: [Step; 3] = [code(19), code(3), code(16)];
const REFUSED_BY_PHONE: [Step; 2] = [code(54), code(58)];
/// Neither phone, phone number nor address works.
const UNREACHABLE: [Step; 5] = [code(12), code(70), code(55), code(56), code(20)];

/// The sign-me account of the order's person, known from other orders of this world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::vendors::identity_tm) struct Account {
    pub(super) exists: bool,
    pub(super) verified: bool,
}

pub(in crate::vendors::identity_tm) struct Stage<'a> {
    pub(in crate::vendors::identity_tm) order: &'a Order,
    pub(in crate::vendors::identity_tm) settings: &'a Settings,
    pub(super) account: Account,
    pub(super) rules: &'a Rules,
}

fn refuse<T>(status: u16, message: impl Into<String>) -> Result<T, Rejection> {
    Err(crate::rules::M_04.reject(status, "story", message.into(), "sandbox"))
}

pub(super) fn change_to(method: IdentifyMethod) -> Option<Step> {
    methods::change_to(method).map(|kind| Status(kind, None))
}

fn then(callback: Option<OrderCallback>) -> Option<Step> {
    callback.map(Call)
}

/// Returns the steps of a cancellation. Its statuses and its webhook are not documented (AT-60, AT-61).
pub(super) fn cancel_steps(order: &Order, settings: &Settings, callback: Option<OrderCallback>) -> Vec<Step> {
    let ends = settings.cancelled_by.iter().any(|kind| kind.is_final(order.flavor));
    let statuses = settings.cancelled_by.iter().map(|kind| Status(*kind, None));
    statuses.chain(then(callback).filter(|_| ends)).collect()
}

/// Returns the steps of a time-out. Its webhook is not documented (AT-60).
pub(super) fn time_out_steps(kind: StatusKind, settings: &Settings) -> Vec<Step> {
    [Status(kind, None)].into_iter().chain(then(settings.webhook_on_time_out)).collect()
}

impl Stage<'_> {
    pub(in crate::vendors::identity_tm) fn signs(&self) -> bool {
        self.order.flavor == OrderFlavor::Qes
    }

    pub(in crate::vendors::identity_tm) fn is_identified(&self) -> bool {
        self.order.has(StatusKind::POSITIVE)
    }

    /// Returns the steps before the person has chosen a method.
    pub(super) fn prelude(&self) -> Vec<Step> {
        if self.order.flavor != OrderFlavor::SignAccountOnly
            || self.order.has(StatusKind::ACCOUNT_CREATED)
            || self.order.has(StatusKind::ACCOUNT_EXISTS)
        {
            return Vec::new();
        }
        if self.account.exists { vec![Status(StatusKind::ACCOUNT_EXISTS, None)] } else { ACCOUNT_CREATED.to_vec() }
    }

    /// Returns the steps of the identification up to the decision.
    pub(super) fn conduct(&self, method: IdentifyMethod) -> Vec<Step> {
        match method {
            IdentifyMethod::Courier => {
                let by_phone = !Add(self.order.request.add.unwrap_or_default()).contains(Add::NO_PHONE);
                BY_PHONE.into_iter().filter(|_| by_phone).chain(COURIER).chain(DONE).collect()
            }
            IdentifyMethod::Shop => [&SHOP[..], &DONE].concat(),
            IdentifyMethod::Eid => {
                let settings = self.order.request.eid_settings.as_ref();
                let verifies = settings.is_some_and(|settings| settings.verify_mobile_number == Some(true));
                let tan = verifies.then_some(Status(StatusKind::SMS_SENT, Some(Word::Tan)));
                EID.into_iter().chain(tan).chain(DONE).collect()
            }
            IdentifyMethod::SmartId => [&[BySmartId][..], &DONE].concat(),
            IdentifyMethod::Giro => [&GIRO[..], &DONE].concat(),
            // Its only code is the change to it.
            IdentifyMethod::AutoId if methods::default_of(&self.order.request) != method => {
                change_to(method).into_iter().chain(DONE).collect()
            }
            IdentifyMethod::AutoId => DONE.to_vec(),
            _ => {
                let data = self.order.request.ident_data.as_ref();
                let images = data.and_then(|data| data.id_card.as_ref()?.images.as_ref()).is_some();
                let sent = images.then_some(code(97));
                sent.into_iter().chain(VIDEO).chain(VIDEO_DONE).collect()
            }
        }
    }

    /// Returns the steps of a positive identification. Afterwards an order with something to sign is open, any other final.
    fn identify_by(&self, before: Vec<Step>, method: IdentifyMethod) -> Result<Vec<Step>, Rejection> {
        if self.is_identified() {
            return refuse(409, "the person is already identified: play signed, timeout-after-ident or cancelled");
        }
        self.check_method(method)?;
        Ok([self.prelude(), before, self.conduct(method), self.accept(method)].concat())
    }

    /// Returns the steps of a positive decision.
    pub(in crate::vendors::identity_tm) fn accept(&self, method: IdentifyMethod) -> Vec<Step> {
        let mut steps = match method {
            IdentifyMethod::Courier => [&VERIFIED[..], &PAPER].concat(),
            IdentifyMethod::Shop | IdentifyMethod::Video => VERIFIED.to_vec(),
            _ => READ_ELECTRONICALLY.to_vec(),
        };
        if self.order.flavor == OrderFlavor::SignAccountOnly && !self.account.verified {
            steps.extend(ACCOUNT_VERIFIED);
        }
        if !self.signs() {
            steps.push(Call(OrderCallback::OnFinal));
        }
        steps
    }

    /// Checks whether this order allows a method. The rejection says which stories are possible.
    pub(in crate::vendors::identity_tm) fn check_method(&self, method: IdentifyMethod) -> Result<(), Rejection> {
        let request = &self.order.request;
        if self.rules.enforce(&rules::M_04_PRODUCT) && !methods::is_allowed(request, method) {
            let others: Vec<_> =
                methods::all().filter(|other| methods::is_allowed(request, *other)).map(methods::scenario).collect();
            let message = format!(
                "the Product of this order does not include {}: play {}",
                methods::name(method),
                others.join(", ")
            );
            return refuse(400, message);
        }
        if !matches!(method, IdentifyMethod::Courier | IdentifyMethod::Shop) {
            return Ok(());
        }
        if self.rules.enforce(&rules::AT_43) && request.address.is_none() {
            return refuse(400, "courier and shop need the Address of the order (AT-43): play eid or giro");
        }
        let details = request.ident_data.as_ref().and_then(|data| data.additional.as_ref());
        if self.rules.enforce(&rules::AT_83_COURIER) && details.is_some_and(|details| details.len() > 2) {
            return refuse(
                400,
                "courier and shop allow at most 2 items of IdentData.Additional (AT-83): play eid or giro, or video if the Product includes it",
            );
        }
        Ok(())
    }

    fn identify(&self) -> Result<Vec<Step>, Rejection> {
        if self.is_identified() {
            Ok(Vec::new())
        } else {
            self.identify_by(Vec::new(), methods::default_of(&self.order.request))
        }
    }

    /// Returns the steps of an identification that ends the order with another status.
    fn decide(&self, kind: StatusKind) -> Vec<Step> {
        let conducted = self.conduct(methods::default_of(&self.order.request));
        [self.prelude(), conducted, vec![Status(kind, None), Call(OrderCallback::OnFinal)]].concat()
    }

    /// Returns the steps of an identification that does not take place.
    fn give_up(&self, steps: &[Step]) -> Result<Vec<Step>, Rejection> {
        if self.is_identified() {
            return refuse(409, "the person is already identified: play signed, timeout-after-ident or cancelled");
        }
        let end = [Status(StatusKind::TERMINATED, None), Call(OrderCallback::OnFinal)];
        Ok([&self.prelude()[..], steps, &end].concat())
    }

    /// Returns every change of method that the product allows, and the identification by the last one.
    fn method_changes(&self) -> Result<Vec<Step>, Rejection> {
        use IdentifyMethod::{AutoId, Courier, Eid, Giro, Shop, Video};
        let order = [Shop, Courier, Giro, Eid, AutoId, Video];
        let changes: Vec<_> = order.into_iter().filter(|method| self.check_method(*method).is_ok()).collect();
        match changes.as_slice() {
            [.., _, last] => {
                let changed = changes.iter().filter_map(|method| change_to(*method)).collect();
                self.identify_by(changed, *last)
            }
            _ => refuse(400, "the Product of this order has only one method: play positive"),
        }
    }

    pub(super) fn scenario(&self, name: &str) -> Result<Vec<Step>, Rejection> {
        let account_only = self.order.flavor == OrderFlavor::SignAccountOnly;
        let final_call = [Call(OrderCallback::OnFinal)];
        match name {
            "identified" if self.signs() => self.identify(),
            // Without OnFinal the order would end without a webhook.
            "identified" => refuse(400, "this order has nothing to sign, so identification ends it: play positive"),
            "positive" if self.signs() => refuse(400, "this order has something to sign: play identified, then signed"),
            "positive" => self.identify(),
            "account-only" if account_only => self.identify(),
            "account-only" => {
                let instead = if self.signs() { "identified, then signed" } else { "positive" };
                refuse(400, format!("this story requires Product 15 with Add 8: play {instead}"))
            }
            "signed" if self.signs() => Ok([&self.identify()?[..], &SIGNED, &final_call].concat()),
            "signed" => refuse(400, "this order has nothing to sign: play positive"),
            "reuse" => {
                let refused = match &self.order.reuse {
                    Some(Reuse::Accepted(_)) => return Ok([&SIGNED[..], &final_call].concat()),
                    Some(Reuse::Refused(_)) => "IdentDataSigned was not accepted: the person is identified again",
                    None => "this order has no IdentDataSigned",
                };
                let instead = if self.signs() { "identified, then signed" } else { "positive" };
                refuse(400, format!("{refused}: play {instead}"))
            }
            "negative" if self.is_identified() => {
                refuse(409, "the person is already identified: play signed, fraud, timeout-after-ident or cancelled")
            }
            "negative" => Ok(self.decide(StatusKind::NEGATIVE)),
            // A suspicion is possible after the identification.
            "fraud" if self.is_identified() => Ok(vec![Status(StatusKind::FRAUD, None), Call(OrderCallback::OnFinal)]),
            "fraud" => Ok(self.decide(StatusKind::FRAUD)),
            "timeout" if self.is_identified() => Ok(time_out_steps(StatusKind::TIMED_OUT_AFTER_IDENT, self.settings)),
            "timeout" => Ok(time_out_steps(StatusKind::TIMED_OUT, self.settings)),
            "timeout-after-ident" if self.signs() => {
                Ok([self.identify()?, time_out_steps(StatusKind::TIMED_OUT_AFTER_IDENT, self.settings)].concat())
            }
            "timeout-after-ident" => {
                refuse(400, "this order has nothing to sign, so identification ends it: play timeout")
            }
            "aborted" => Ok(self.abort()),
            "cancelled" => Ok(cancel_steps(self.order, self.settings, self.settings.webhook_on_cancel)),
            "eid-failed" => self.fail_eid(),
            "method-changes" => self.method_changes(),
            "courier-missed" => {
                self.check_method(IdentifyMethod::Courier)?;
                self.give_up(&MISSED)
            }
            "refused"
                if self.check_method(IdentifyMethod::Courier).is_ok()
                    && methods::default_of(&self.order.request) == IdentifyMethod::Courier =>
            {
                self.give_up(&REFUSED_IN_PERSON)
            }
            "refused" => self.give_up(&REFUSED_BY_PHONE),
            "unreachable" => self.give_up(&UNREACHABLE),
            _ => match methods::all().find(|method| methods::scenario(*method) == name) {
                Some(method) => self.identify_by(Vec::new(), method),
                None => refuse(400, format!("no such story; valid: {}", SCENARIOS.join(", "))),
            },
        }
    }

    /// Returns the steps of an eID that fails: the identification continues by video, if the order allows that. Otherwise
    /// the person leaves, and the order stays open.
    fn fail_eid(&self) -> Result<Vec<Step>, Rejection> {
        self.check_method(IdentifyMethod::Eid)?;
        let tried = [code(49), code(50)];
        if self.offers_video_after_eid() {
            let changed = tried.into_iter().chain(change_to(IdentifyMethod::Video)).collect();
            return self.identify_by(changed, IdentifyMethod::Video);
        }
        if self.is_identified() {
            return refuse(409, "the person is already identified: play signed, timeout-after-ident or cancelled");
        }
        Ok([&self.prelude()[..], &tried, &[code(21)]].concat())
    }

    /// Returns the steps of a person who leaves. The order stays open: the person can return, or the order can time out or
    /// be canceled.
    pub(super) fn abort(&self) -> Vec<Step> {
        let aborted = code(21);
        if self.is_identified() {
            return vec![Status(StatusKind::SIGNATURE_REQUEST, None), aborted];
        }
        let mut steps = self.prelude();
        if methods::default_of(&self.order.request) == IdentifyMethod::Video {
            let left = [VIDEO_CALL_LEFT, Call(OrderCallback::AfterVideo)];
            steps.extend([Status(StatusKind::VIDEO_WAITING, None), Status(StatusKind::VIDEO_CALL, None)]);
            steps.extend(left);
        }
        steps.push(aborted);
        steps
    }
}

const VIDEO_CALL_LEFT: Step = code(79);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use identkit_identity_tm::messages::{Address, SignHash};
    use identkit_identity_tm::{OrderId, PutOrder};
    use identkit_wire::OneOrMany;

    use super::*;
    use crate::world::text::TextForm as _;

    #[test]
    fn every_step_of_every_story_can_be_saved() {
        let hash = || OneOrMany::One(SignHash::default().filename("a"));
        let order = |product: u32| PutOrder::default().product(product).address(Address::default());
        let orders = [
            order(0),
            order(12),
            order(15).sign_hash(hash()),
            order(15).add(8_u64),
            order(15),
            order(16),
            PutOrder::default(),
        ];
        let mut texts = BTreeSet::new();
        for request in orders {
            for (exists, verified) in [(false, false), (true, false), (true, true)] {
                let order = Order::new(OrderId::new("1"), request.clone(), jiff::Timestamp::UNIX_EPOCH);
                let (settings, rules) = (Settings::default(), Rules::default());
                let stage =
                    Stage { order: &order, settings: &settings, account: Account { exists, verified }, rules: &rules };
                for steps in SCENARIOS.into_iter().filter_map(|name| stage.scenario(name).ok()) {
                    let saved = serde_json::to_value(&steps).unwrap();
                    assert_eq!(serde_json::from_value::<Vec<Step>>(saved).unwrap(), steps);
                    texts.extend(steps.into_iter().filter_map(|step| match step {
                        Step::Status(_, text) => text.map(|text| text.write()),
                        _ => None,
                    }));
                }
            }
        }
        assert_eq!(texts.into_iter().collect::<Vec<_>>(), ["TAN", "signme Passwort"]);
    }
}
