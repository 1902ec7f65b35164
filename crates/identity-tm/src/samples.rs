//! Samples of the vendor's document, byte for byte: starting points for orders, and the reference of the tests.

/// `putOrder`, request, [T 3.1.6].
pub const PUT_ORDER_REQUEST: &str = include_str!("../fixtures/S-035-put-order-request.json");
/// `putOrder`, response, [T 3.1.7].
pub const PUT_ORDER_RESPONSE: &str = include_str!("../fixtures/S-036-put-order-response.json");
/// `getStatus/…/ExtendedList`, response, [T 3.2.7].
pub const GET_STATUS_RESPONSE: &str = include_str!("../fixtures/S-040-get-status-response.json");
/// `getIdentData/…/IncludeInitialData`, response, [T 3.3.7].
pub const GET_IDENT_DATA_RESPONSE: &str = include_str!("../fixtures/S-046-get-ident-data-response.json");
/// `getBankList`, response, [T 8.1.5].
pub const GET_BANK_LIST_RESPONSE: &str = include_str!("../fixtures/S-075-get-bank-list-response.json");
