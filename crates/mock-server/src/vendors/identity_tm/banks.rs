//! The banks of identity Giro, [T 8.1].

use identkit_identity_tm::messages::Bank;
use identkit_identity_tm::{GetBankList, samples};
use identkit_wire::json;

use super::facts::FACTS;
use crate::World;
use crate::rejection::Rejection;

fn known_banks() -> Result<Vec<Bank>, Rejection> {
    json::read(samples::GET_BANK_LIST_RESPONSE.as_bytes()).map_err(|fault| FACTS.reject(&fault.answer(), "[T] 8.1"))
}

/// The banks of the document's example.
pub(super) fn banks(_: &mut World, _: GetBankList) -> Result<Vec<Bank>, Rejection> {
    known_banks()
}

/// The bank that an IBAN or BIC names, if it is one of the list.
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
