//! `getBankList` [T 8.1] and `checkSignmeUser` [T 8.3].

use http::Method;
use identkit_core::{Error, Violation};
use identkit_wire::{AmbiguityPolicy, BodyMode, Decoded, Encoded, Meta, RetrySafety, Warning, is_reason, operation};

use super::{BAD_REQUEST, ERROR, UNAUTHORIZED, refuse_default, require};
use crate::messages::{Bank, SignmeUser, SignmeUserRequest};
use crate::validate::{check_extra, is_mail_address};
use crate::{Dialect, PROVIDER};

/// Metadata of a read that concerns no order.
const fn lookup(name: &'static str, method: Method, path: &'static str, section: &'static str, cap: u64) -> Meta {
    Meta::new(PROVIDER, name, method, path, RetrySafety::Safe, AmbiguityPolicy::Retry(4))
        .section(section)
        .error_member(ERROR)
        .body_mode(BodyMode::Whole { cap })
        .refusals(&[BAD_REQUEST, UNAUTHORIZED])
}

operation! {
    /// Reads the banks that support identity Giro.
    pub struct GetBankList;
    meta: lookup("getBankList", Method::GET, "/getBankList", "[T] 8.1", 16 * 1024 * 1024),
    output: Vec<Bank>, dialect: Dialect,
    decode: |_, _, body, _| {
        let mut banks: Decoded<Vec<Bank>> = identkit_wire::json::decode(body)?;
        let is_bank = |bank: &&Bank| bank.bic.is_some() || bank.blz.is_some();
        let (all, named) = (banks.value.len(), banks.value.iter().filter(is_bank).count());
        let message = format!("unreadable entries: {} of {all}; they have neither a bic nor a blz", all - named);
        banks.warnings.extend((named < all).then(|| Warning::new(message, "AT-93")));
        Ok(banks)
    },
    respond: super::respond::json,
}

/// Reads whether a person has a sign-me account and can sign with it, by a safe POST. The vendor account must use sign-me.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckSignmeUser(pub SignmeUserRequest);

impl CheckSignmeUser {
    fn write(&self) -> Result<Encoded, Error> {
        let email = self.0.email.as_ref().map_or("", |email| email.expose());
        let section = <Self as identkit_wire::Operation>::META.section;
        let message = "must be a valid e-mail address: the sign-me user name";
        let fault = (!is_mail_address(email)).then(|| Violation::new("Email", message, "AT-58", section));
        check_extra(&self.0.extra, SignmeUserRequest::KEYS, section, fault)?;
        let request = SignmeUserRequest { email: Some(email.into()), extra: self.0.extra.clone() };
        Encoded::json(&request)
    }
}

operation! {
    impl CheckSignmeUser;
    meta: lookup("checkSignmeUser", Method::POST, "/checkSignmeUser", "[T] 8.3", 1024 * 1024),
    output: SignmeUser, dialect: Dialect,
    encode: |this, _| this.write(),
    decode: |_, _, body, _| {
        let answer: Decoded<SignmeUser> = super::decode_object(body, &["UserExists", "UserIsAbleToSign"])?;
        let exists = *require(answer.value.user_exists.as_ref(), "UserExists")?;
        let can_sign = *require(answer.value.user_is_able_to_sign.as_ref(), "UserIsAbleToSign")?;
        // Lists and objects beside the two values say nothing about them.
        let reasons = answer.value.extra.iter().filter(|(name, value)| is_reason(name, value));
        refuse_default(!exists || !can_sign, reasons)?;
        Ok(answer)
    },
    request: |_, request| identkit_wire::json::decode_request(request).map(Self),
    respond: super::respond::json,
}
