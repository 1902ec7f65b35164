//! The rules that the mock vendor enforces.

use identkit_identity_tm::PROVIDER;

use crate::rules::{Rule, Source};

const fn rule(id: &'static str, section: &'static str, says: &'static str) -> Rule {
    Rule::new(Source::Vendor(PROVIDER), id, section, says)
}

const fn own(id: &'static str, says: &'static str) -> Rule {
    Rule::new(Source::Sandbox, id, "sandbox", says)
}

rules! {
    // Access.
    T_001 = rule("T-001", "[T] 3-8", "Each call must use its documented path and method").stays("the vendor has no other calls");
    T_002 = rule("T-002", "[T] 2.6", "A request body must be JSON that fits the call").stays("an unreadable body cannot be processed");
    T_002_TYPE = rule("T-002/type", "[T] 2.6", "A request with a body must have the Content-Type application/json").strict();
    AT_95 = rule("AT-95", "[T] 2.6", "A name must not occur twice in an object of a request body").strict();
    T_003 = rule("T-003", "[T] 2.6", "Every call except serverStatus must have the account's credentials");
    T_006_CALLS = rule("T-006/calls", "[T] 3.1.1", "Calls that are not enabled for the account are rejected");
    AT_09_CASE = rule("AT-09/case", "[T] 3.10", "If paths are case-sensitive (profile strict or setting exact_paths), another letter case is an unknown call");
    AT_10 = rule("AT-10", "[T] 5.2.5", "confirm is an alias of confirmSign, as in the document's example").literal();
    AT_11 = rule("AT-11", "[T] 2.6", "An account can be limited to version 2.10");
    AT_80 = rule("AT-80", "[T] 7.1", "serverStatus returns 500 while the service is down");
    // PutOrder.
    M_08_ELEMENTS = rule("M-08/elements", "[T] 3.1.3, 4.2.2", "An order or a request of a list must not have elements that the document does not list").strict();
    M_08_MISSPELLED = rule("M-08/misspelled", "[T] 3.1.3, 4.2.2", "An unlisted element with nearly the name of a listed one gets a warning in the journal");
    AT_99 = rule("AT-99", "[T] 3.1.3", "A URL, also pdf_url of identify24, must be percent-encoded ASCII and have a port from 1 to 65535, or none");
    T_005 = rule("T-005", "[T] 3.1.3", "Texts must respect their maximum lengths and have no control characters; dates and images must be valid");
    T_006 = rule("T-006", "[T] 3.1.3", "Product must be 0, 12, 15 or 16");
    T_006_PRODUCTS = rule("T-006/products", "[T] 3.1.1", "A Product that is not enabled for the account is rejected");
    T_006_GIRO = rule("T-006/giro", "[T] 3.1.1", "getGiroLink must be enabled for the account");
    T_050 = rule("T-050", "[T] 3.1.3", "AfterVideo and AfterIdent exclude each other");
    T_052 = rule("T-052", "[T] 3.1.3", "Add 8 and 16 exclude each other, and Product 15 requires something to sign or Add 8");
    T_052_MASTER = rule("T-052/master", "[T] 3.1.3", "A master order must have something to sign");
    T_054 = rule("T-054", "[T] 3.1.3", "VideoHashes are returned for Product 12 and 15 only");
    T_056 = rule("T-056", "[T] 3.1.3", "Required elements must be present");
    AT_22 = rule("AT-22", "[T] 3.1.3", "FirstOrderID must have 1 to 20 letters and digits, like every OrderID");
    AT_32 = rule("AT-32", "[T] 3.1.3", "Each SignParameters must be for another file of the master order");
    AT_33 = rule("AT-33", "[T] 3.1.3", "A document must have Data and a hash must have Hash, in Base64");
    AT_34 = rule("AT-34", "[T] 3.1.3", "An order must not have both documents and hashes to sign").strict();
    AT_35 = rule("AT-35", "[T] 3.1.3", "If an order has several hashes, each must have a unique Filename");
    AT_35_MASTER = rule("AT-35/master", "[T] 3.1.3", "A hash must not have the Filename of a hash of the master order");
    AT_41 = rule("AT-41", "[T] 3.1.3", "getGiroLink must name a bank that getBankList returns").strict();
    AT_42 = rule("AT-42", "[T] 3.1.3", "A listed element must be in its documented place").stays("the reader itself moves it there");
    AT_44 = rule("AT-44", "[T] 3.1.3", "Countries must be codes in capital letters");
    AT_45 = rule("AT-45", "[T] 3.1.3", "ZipCode must have at most 5 characters");
    AT_47 = rule("AT-47", "[T] 3.1.3", "E-mail addresses must have one @ with text around it and no blanks inside");
    AT_47_BLANKS = rule("AT-47/blanks", "[T] 3.1.3", "E-mail addresses and phone numbers must not start or end with a blank").strict();
    AT_50 = rule("AT-50", "[T] 3.1.3", "Gender must be female or male, in lower case");
    AT_51 = rule("AT-51", "[T] 3.1.3", "Phone numbers must be international: + and digits only");
    AT_79 = rule("AT-79", "[T] 3.1.3", "A document to sign must not be too large");
    AT_83 = rule("AT-83", "[T] 3.1.3", "Additional must have at most 10 items (2 with Product 0), of the types 1 to 4, with values of their type");
    AT_84 = rule("AT-84", "[T] 3.1.3", "If the order requests the link to the landing page, no e-mail is sent");
    AT_85 = rule("AT-85", "[T] 3.1.3", "The position of a signature must be complete and on an existing page, and its field must exist");
    AT_86 = rule("AT-86", "[T] 3.1.3", "A document to sign must be an unprotected PDF");
    // Known orders.
    T_060 = rule("T-060", "[T] 3.2.5", "The order must exist").stays("without it there is nothing to return");
    AT_22_LENGTH = rule("AT-22/length", "[T] 3.1.4", "An OrderID must have at most 20 characters");
    AT_13 = rule("AT-13", "[T] 3.2.1", "Without ExtendedList, only the general codes are returned");
    AT_78 = rule("AT-78", "[T] 2.5.1", "Calls about an order wait while its webhook is called");
    // Results.
    AT_62 = rule("AT-62", "[T] 3.3.1", "Data can be read only from a final order");
    T_022 = rule("T-022", "[T] 2.3", "Data can be read only from an order that ended with status 6 or 89");
    AT_23 = rule("AT-23", "[T] 3.3.4", "Without IncludeInitialData, only the checked data is returned, as an object");
    AT_48 = rule("AT-48", "[T] 3.1.3", "Birthname is determined only if the order has it, even if it is empty");
    F_219 = rule("F-219", "[T] 3.3.4", "Mobile and Email are returned only if a TAN was sent");
    F_093 = rule("F-093", "[T] 3.1.3", "With eID, the card number is returned only if EnableOCR is set");
    T_060_PDF = rule("T-060/pdf", "[T] 3.5.1", "Signed documents require documents to sign and status 84");
    T_060_HASH = rule("T-060/hash", "[T] 3.6.1", "Signed hashes require hashes to sign and status 84");
    AT_62_VIDEO = rule("AT-62/video", "[T] 3.8.1", "A recording requires an identification by video with the result 6 or 89");
    AT_52 = rule("AT-52", "[T] 3.8.1", "A recording must be requested by Add 131072 or by the account's settings");
    AT_38 = rule("AT-38", "[T] 3.8.1", "A placeholder is returned until a requested recording is ready");
    AT_39 = rule("AT-39", "[T] 3.7.3", "callbackUrl is required and must be an http or https URL");
    T_038 = rule("T-038", "[T] 3.7", "callbackUrl is called when the recording is ready");
    AT_39_ONCE = rule("AT-39/once", "[T] 3.7.3", "callbackUrl is called once, whatever the response");
    AT_39_PLAIN = rule("AT-39/plain", "[T] 3.7.3", "Placeholders in callbackUrl are not replaced");
    T_006_VOICE = rule("T-006/voice", "[T] 3.9", "Audio recordings must be enabled for the account");
    AT_09 = rule("AT-09", "[T] 3.10", "Deleted data is not returned").stays("the data no longer exists");
    AT_09_TWICE = rule("AT-09/twice", "[T] 3.10", "Data cannot be deleted twice");
    T_025_DELETE = rule("T-025/delete", "[T] 3.10", "Only the data of a final order can be deleted");
    T_024 = rule("T-024", "[T] 3.10", "Results are deleted 7 days after the order became final");
    // GetAllStatus.
    T_005_PERIOD = rule("T-005/period", "[T] 4.2.2", "The bounds of a period must be date-times with offset");
    T_100 = rule("T-100", "[T] 4.2", "A query with a period does not mark statuses as reported");
    T_101 = rule("T-101", "[T] 4.2.2", "A page must have 1 to 1000 elements");
    T_101_MOST = rule("T-101/most", "[T] 4.2.2", "A response has at most 1000 statuses");
    T_102 = rule("T-102", "[T] 4.2.5", "An empty list is returned as 304");
    AT_04 = rule("AT-04", "[T] 4.2.6", "ExtendedList in the body is accepted, as in the document's example");
    AT_05_BOUNDS = rule("AT-05/bounds", "[T] 4.2.2", "A period must have Begin and End").strict();
    AT_05_PAGE = rule("AT-05/page", "[T] 4.2.2", "Page must not be before the first page").strict();
    AT_06 = rule("AT-06", "[T] 4.2", "A status that was reported without a period is not reported again");
    // Ending an order, and signing.
    T_023 = rule("T-023", "[T] 4.1", "An order that is not finished in time times out");
    T_023_DELETES = rule("T-023/deletes", "[T] 4.1", "A time-out deletes the data");
    T_025_CANCEL = rule("T-025/cancel", "[T] 4.3", "Only an open order can be canceled");
    AT_09_SIGNING = rule("AT-09/signing", "[T] 5", "An order whose data is deleted cannot be signed");
    AT_54 = rule("AT-54", "[T] 5.2", "A wrong TAN does not sign");
    AT_54_LIMIT = rule("AT-54/limit", "[T] 5.2", "Too many wrong TANs cancel the order");
    AT_55_IDENTIFIED = rule("AT-55/identified", "[T] 5.1", "Signing requires something to sign and an identified person");
    AT_55_ENDED = rule("AT-55/ended", "[T] 5", "A final order cannot be signed");
    AT_55_BEGUN = rule("AT-55/begun", "[T] 5", "Signing must be started by requestSign");
    AT_56 = rule("AT-56", "[T] 5.2", "confirmSign must have a TAN");
    AT_56_LENGTH = rule("AT-56/length", "[T] 5.2", "A TAN must have at most 6 characters");
    T_051 = rule("T-051", "[T] 8.3.3", "checkSignmeUser must have an e-mail address");
    T_051_ACCOUNT = rule("T-051/account", "[T] 8.3", "Add 16 requires that UserExists and UserIsAbleToSign of checkSignmeUser are true for the Email of the order");
    // Using an identification again.
    T_006_REUSE = rule("T-006/reuse", "[T] 6", "Re-use must be enabled for the account");
    AT_72_SEAL = rule("AT-72/seal", "[T] 6", "Data that was changed is not re-used");
    AT_72_DATA = rule("AT-72/data", "[T] 6", "Insufficient data is not re-used");
    AT_72_VALID = rule("AT-72/valid", "[T] 6", "Data is not re-used after the identity document has expired");
    AT_72_SIGNING = rule("AT-72/signing", "[T] 6", "Data is re-used only for orders with something to sign");
    // Webhooks.
    T_037 = rule("T-037", "[T] 2.5", "AfterVideo, AfterIdent and OnFinal are called after their event");
    T_031 = rule("T-031", "[T] 2.5", "Placeholders in webhook URLs are replaced");
    AT_20 = rule("AT-20", "[T] 2.5", "Values of placeholders are percent-encoded");
    T_033 = rule("T-033", "[T] 2.5.1", "An order continues when the first attempt of its webhook is over");
    T_033_10S = rule("T-033/10s", "[T] 2.5.1", "An attempt is cut off after 10 s");
    T_034 = rule("T-034", "[T] 2.5.1", "Only 200 and 202 count as delivered");
    T_036 = rule("T-036", "[T] 2.5.2", "A webhook that was not delivered is retried by the document's schedule");
    // Scenarios.
    M_04_FINAL = own("M-04/final", "A final order accepts no story and cannot end twice");
    M_04_PRODUCT = own("M-04/product", "A story must use a method that the Product includes");
    AT_43 = own("AT-43", "Courier and shop require the Address of the order");
    AT_83_COURIER = own("AT-83/courier", "Courier and shop allow at most 2 items of Additional");
}

#[cfg(test)]
mod tests {
    use identkit_core::Violation;

    use super::*;
    use crate::rules::Rejection;
    use crate::rules::Rules;

    fn switch_off(rules: &mut Rules, id: &str) -> Result<(), crate::rules::NoSwitch> {
        rules.switch_off(id, RULES.iter())
    }

    #[test]
    fn a_rule_is_enforced_until_it_is_switched_off() {
        let mut rules = Rules::default();
        assert!(rules.enforce(&AT_62));
        switch_off(&mut rules, "AT-62").unwrap();
        assert!(!rules.enforce(&AT_62) && rules.enforce(&AT_62_VIDEO));
        assert_eq!(rules.without().collect::<Vec<_>>(), ["AT-62"]);
    }

    #[test]
    fn an_unknown_rule_is_rejected_with_similar_ids() {
        let refused = |id: &str| switch_off(&mut Rules::default(), id).unwrap_err().to_string();
        assert!(refused("at62").contains("AT-62"), "{}", refused("at62"));
        assert!(refused("AT-54/limits").contains("AT-54/limit,"), "{}", refused("AT-54/limits"));
        assert!(refused("T-060").contains("nothing to return"), "{}", refused("T-060"));
    }

    #[test]
    fn violations_of_other_rules_are_still_rejected() {
        let fault = |rule| Violation::new("Email", "is wrong", rule, "[T] 3.1.3");
        let refused = Rejection::invalid(vec![fault("T-056"), fault("AT-47")]);
        let mut rules = Rules::default();
        switch_off(&mut rules, "AT-47").unwrap();
        assert_eq!(rules.uphold(refused.clone()).unwrap_err().violations, [fault("T-056")]);
        switch_off(&mut rules, "T-056").unwrap();
        assert_eq!(rules.uphold(refused), Ok(()));
    }
}
