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
    T_001 = rule("T-001", "[T] 3-8", "a call has its path and its method").stays("nothing else is there to answer");
    T_002 = rule("T-002", "[T] 2.6", "a body is JSON that fits its call").stays("what cannot be read cannot be acted on");
    T_003 = rule("T-003", "[T] 2.6", "every call but serverStatus carries the account's credentials");
    T_006_CALLS = rule("T-006/calls", "[T] 3.1.1", "calls that are not enabled for the account are refused");
    AT_09_CASE = rule("AT-09/case", "[T] 3.10", "where paths are compared letter by letter, other capitals are no call");
    AT_10 = rule("AT-10", "[T] 5.2.5", "confirm is another name of confirmSign, as in the document's example").literal();
    AT_11 = rule("AT-11", "[T] 2.6", "an account that is set up so answers version 2.10 alone");
    AT_80 = rule("AT-80", "[T] 7.1", "serverStatus tells when the service is down");
    // PutOrder.
    M_08_ELEMENTS = rule("M-08/elements", "[T] 3.1.3", "an order has no element that the document does not list").strict();
    T_005 = rule("T-005", "[T] 3.1.3", "texts keep to their lengths and have no control characters; dates are dates");
    T_006 = rule("T-006", "[T] 3.1.3", "Product is 0, 12, 15 or 16");
    T_006_PRODUCTS = rule("T-006/products", "[T] 3.1.1", "a Product that is not enabled for the account is refused");
    T_006_GIRO = rule("T-006/giro", "[T] 3.1.1", "getGiroLink has to be enabled for the account");
    T_050 = rule("T-050", "[T] 3.1.3", "AfterVideo and AfterIdent exclude each other");
    T_052 = rule("T-052", "[T] 3.1.3", "Add 8 and 16 exclude each other, and Product 15 has something to sign or Add 8");
    T_052_MASTER = rule("T-052/master", "[T] 3.1.3", "a master order has something to sign");
    T_054 = rule("T-054", "[T] 3.1.3", "VideoHashes come with Product 12 and 15 only");
    T_056 = rule("T-056", "[T] 3.1.3", "what is required is there");
    AT_22 = rule("AT-22", "[T] 3.1.3", "FirstOrderID has at most 14 characters");
    AT_32 = rule("AT-32", "[T] 3.1.3", "SignParameters are for a file that the master order has");
    AT_33 = rule("AT-33", "[T] 3.1.3", "a document has Data and a hash has Hash, in Base64");
    AT_35 = rule("AT-35", "[T] 3.1.3", "of several hashes each has a Filename of its own");
    AT_35_MASTER = rule("AT-35/master", "[T] 3.1.3", "no hash has the Filename of one of the master order");
    AT_41 = rule("AT-41", "[T] 3.1.3", "getGiroLink names a bank of getBankList").strict();
    AT_42 = rule("AT-42", "[T] 3.1.3", "a listed element stands in its own place").stays("the reader puts it there itself");
    AT_44 = rule("AT-44", "[T] 3.1.3", "countries are codes in capital letters");
    AT_45 = rule("AT-45", "[T] 3.1.3", "ZipCode has at most 5 characters");
    AT_47 = rule("AT-47", "[T] 3.1.3", "mail addresses have one @ with text around it and no blanks inside");
    AT_47_BLANKS = rule("AT-47/blanks", "[T] 3.1.3", "addresses and numbers have no blanks around them").strict();
    AT_50 = rule("AT-50", "[T] 3.1.3", "Gender is female or male, in small letters");
    AT_51 = rule("AT-51", "[T] 3.1.3", "phone numbers are international, with + and digits alone");
    AT_79 = rule("AT-79", "[T] 3.1.3", "a document can be signed as to its size");
    AT_83 = rule("AT-83", "[T] 3.1.3", "Additional has at most 10 items, 2 with Product 0, of the types 1 to 4");
    AT_84 = rule("AT-84", "[T] 3.1.3", "who is given the link to the landing page is sent no mail");
    AT_85 = rule("AT-85", "[T] 3.1.3", "a signature has one kind of place, on a page that is there");
    AT_86 = rule("AT-86", "[T] 3.1.3", "a document to sign is an unprotected PDF");
    // Known orders.
    T_060 = rule("T-060", "[T] 3.2.5", "an order is known").stays("there is nothing to answer with");
    AT_22_LENGTH = rule("AT-22/length", "[T] 3.1.4", "an OrderID has at most 20 characters");
    AT_13 = rule("AT-13", "[T] 3.2.1", "without ExtendedList only the general codes are told");
    AT_78 = rule("AT-78", "[T] 2.5.1", "calls about an order wait while its webhook is called");
    // Results.
    AT_62 = rule("AT-62", "[T] 3.3.1", "data is told of a final order only");
    T_022 = rule("T-022", "[T] 2.3", "data is told of an order that came to 6 or 89 only");
    AT_23 = rule("AT-23", "[T] 3.3.4", "without IncludeInitialData only the checked data is told, as an object");
    AT_48 = rule("AT-48", "[T] 3.1.3", "Birthname is determined when it was given, be it empty, and not otherwise");
    F_219 = rule("F-219", "[T] 3.3.4", "Mobile and Email are told when a TAN went there");
    F_093 = rule("F-093", "[T] 3.1.3", "of an eID the number of the card is told when EnableOCR asks for it");
    T_060_PDF = rule("T-060/pdf", "[T] 3.5.1", "signed documents need documents, and status 84");
    T_060_HASH = rule("T-060/hash", "[T] 3.6.1", "signed hashes need hashes, and status 84");
    AT_62_VIDEO = rule("AT-62/video", "[T] 3.8.1", "a recording needs an identification by video that came to 6 or 89");
    AT_52 = rule("AT-52", "[T] 3.8.1", "a recording was asked for by Add 131072, or the account is set up so");
    AT_38 = rule("AT-38", "[T] 3.8.1", "a placeholder comes until the recording was asked for and is ready");
    AT_39 = rule("AT-39", "[T] 3.7.3", "callbackUrl is there, and is a URL that can be called");
    T_038 = rule("T-038", "[T] 3.7", "callbackUrl is called when the recording is ready");
    AT_39_ONCE = rule("AT-39/once", "[T] 3.7.3", "callbackUrl is called once, whatever it answers");
    AT_39_PLAIN = rule("AT-39/plain", "[T] 3.7.3", "nothing is filled in in callbackUrl");
    T_006_VOICE = rule("T-006/voice", "[T] 3.9", "sound has to be enabled for the account");
    AT_09 = rule("AT-09", "[T] 3.10", "deleted data is told no more").stays("nothing of it is left");
    AT_09_TWICE = rule("AT-09/twice", "[T] 3.10", "data is deleted once: the second time there is none");
    T_025_DELETE = rule("T-025/delete", "[T] 3.10", "data of a final order only is deleted");
    T_024 = rule("T-024", "[T] 3.10", "results are deleted 7 days after the order ended");
    // GetAllStatus.
    T_005_PERIOD = rule("T-005/period", "[T] 4.2.2", "the bounds of a period are date-times with offset");
    T_100 = rule("T-100", "[T] 4.2", "what is told of a period does not count as reported");
    T_101 = rule("T-101", "[T] 4.2.2", "a page has 1 to 1000 elements");
    T_101_MOST = rule("T-101/most", "[T] 4.2.2", "an answer has at most 1000 statuses");
    T_102 = rule("T-102", "[T] 4.2.5", "nothing new is 304");
    AT_04 = rule("AT-04", "[T] 4.2.6", "ExtendedList counts in the body too, as in the document's example");
    AT_05_BOUNDS = rule("AT-05/bounds", "[T] 4.2.2", "a period has Begin and End").strict();
    AT_05_PAGE = rule("AT-05/page", "[T] 4.2.2", "no page comes before the first").strict();
    AT_06 = rule("AT-06", "[T] 4.2", "what was told without a period is not told so again");
    // Ending an order, and signing.
    T_023 = rule("T-023", "[T] 4.1", "an order that is not finished in time times out");
    T_023_DELETES = rule("T-023/deletes", "[T] 4.1", "a time-out deletes the data");
    T_025_CANCEL = rule("T-025/cancel", "[T] 4.3", "an open order only is cancelled");
    AT_09_SIGNING = rule("AT-09/signing", "[T] 5", "an order whose data is deleted is not signed");
    AT_54 = rule("AT-54", "[T] 5.2", "a wrong TAN does not sign");
    AT_54_LIMIT = rule("AT-54/limit", "[T] 5.2", "too many wrong TANs cancel the order");
    AT_55_IDENTIFIED = rule("AT-55/identified", "[T] 5.1", "signing begins with something to sign, and a person who is identified");
    AT_55_ENDED = rule("AT-55/ended", "[T] 5", "an order that has ended is not signed");
    AT_55_BEGUN = rule("AT-55/begun", "[T] 5", "signing is begun by requestSign");
    AT_56 = rule("AT-56", "[T] 5.2", "confirmSign brings a TAN");
    AT_56_LENGTH = rule("AT-56/length", "[T] 5.2", "a TAN has at most 6 characters");
    T_051 = rule("T-051", "[T] 8.3.3", "checkSignmeUser brings a mail address");
    // Using an identification again.
    T_006_REUSE = rule("T-006/reuse", "[T] 6", "re-use has to be enabled for the account");
    AT_72_SEAL = rule("AT-72/seal", "[T] 6", "data that was changed is not used again");
    AT_72_DATA = rule("AT-72/data", "[T] 6", "data that does not suffice is not used again");
    AT_72_VALID = rule("AT-72/valid", "[T] 6", "data is not used again when the identity document has run out");
    AT_72_SIGNING = rule("AT-72/signing", "[T] 6", "data is used again to sign only");
    // Webhooks.
    T_037 = rule("T-037", "[T] 2.5", "AfterVideo, AfterIdent and OnFinal are called when that has happened");
    T_031 = rule("T-031", "[T] 2.5", "the placeholders in the URL of a webhook are filled in");
    AT_20 = rule("AT-20", "[T] 2.5", "what is filled in is percent-encoded");
    T_033 = rule("T-033", "[T] 2.5.1", "an order goes on when the first try of its webhook is over");
    T_033_10S = rule("T-033/10s", "[T] 2.5.1", "a receiver is cut off after 10 s");
    T_034 = rule("T-034", "[T] 2.5.1", "200 and 202 alone count as delivered");
    T_036 = rule("T-036", "[T] 2.5.2", "a webhook that was not delivered is tried again by the document's scheme");
    // Scenarios.
    M_04_FINAL = own("M-04/final", "no story is played with an order that has ended, and nothing ends twice");
    M_04_PRODUCT = own("M-04/product", "a story identifies by a method that the Product has");
    AT_43 = own("AT-43", "courier and shop need the address of the order");
    AT_83_COURIER = own("AT-83/courier", "courier and shop take 2 items of Additional at most");
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
    fn a_rule_that_does_not_exist_is_refused_and_its_neighbours_are_named() {
        let refused = |id: &str| switch_off(&mut Rules::default(), id).unwrap_err().to_string();
        assert!(refused("at62").contains("AT-62"), "{}", refused("at62"));
        assert!(refused("AT-54/limits").contains("AT-54/limit,"), "{}", refused("AT-54/limits"));
        assert!(refused("T-060").contains("nothing to answer"), "{}", refused("T-060"));
    }

    #[test]
    fn what_is_left_of_a_refusal_is_still_refused() {
        let fault = |rule| Violation::new("Email", "is wrong", rule, "[T] 3.1.3");
        let refused = Rejection::invalid(vec![fault("T-056"), fault("AT-47")]);
        let mut rules = Rules::default();
        switch_off(&mut rules, "AT-47").unwrap();
        assert_eq!(rules.uphold(refused.clone()).unwrap_err().violations, [fault("T-056")]);
        switch_off(&mut rules, "T-056").unwrap();
        assert_eq!(rules.uphold(refused), Ok(()));
    }
}
