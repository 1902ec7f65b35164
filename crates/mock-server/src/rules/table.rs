//! The table.

use super::{In, Of, Rule, Switch};

const fn tm(id: &'static str, section: &'static str, says: &'static str) -> Rule {
    Rule { id, of: Of::IdentityTm, section, says, profiles: In::Every, switch: Switch::Off }
}

const fn i24(id: &'static str, section: &'static str, says: &'static str) -> Rule {
    Rule { of: Of::Identify24, ..tm(id, section, says) }
}

const fn own(id: &'static str, says: &'static str) -> Rule {
    Rule { of: Of::Sandbox, ..tm(id, "sandbox", says) }
}

impl Rule {
    const fn strict(self) -> Self {
        Self { profiles: In::Strict, ..self }
    }

    const fn literal(self) -> Self {
        Self { profiles: In::Literal, ..self }
    }

    const fn stays(self, because: &'static str) -> Self {
        Self { switch: Switch::Never(because), ..self }
    }
}

/// Every rule that the sandbox enforces, by refusing or by behaving so.
pub const RULES: &[Rule] = &[
    // identity.TM: the way in.
    tm("T-001", "[T] 3-8", "a call has its path and its method").stays("nothing else is there to answer"),
    tm("T-002", "[T] 2.6", "a body is JSON that fits its call").stays("what cannot be read cannot be acted on"),
    tm("T-003", "[T] 2.6", "every call but serverStatus carries the account's credentials"),
    tm("T-006/calls", "[T] 3.1.1", "calls that are not enabled for the account are refused"),
    tm("AT-09/case", "[T] 3.10", "where paths are compared letter by letter, other capitals are no call"),
    tm("AT-10", "[T] 5.2.5", "confirm is another name of confirmSign, as in the document's example").literal(),
    tm("AT-11", "[T] 2.6", "an account that is set up so answers version 2.10 alone"),
    tm("AT-80", "[T] 7.1", "serverStatus tells when the service is down"),
    // identity.TM: putOrder.
    tm("M-08/elements", "[T] 3.1.3", "an order has no element that the document does not list").strict(),
    tm("T-005", "[T] 3.1.3", "texts keep to their lengths and have no control characters; dates are dates"),
    tm("T-006", "[T] 3.1.3", "Product is 0, 12, 15 or 16"),
    tm("T-006/products", "[T] 3.1.1", "a Product that is not enabled for the account is refused"),
    tm("T-006/giro", "[T] 3.1.1", "getGiroLink has to be enabled for the account"),
    tm("T-050", "[T] 3.1.3", "AfterVideo and AfterIdent exclude each other"),
    tm("T-052", "[T] 3.1.3", "Add 8 and 16 exclude each other, and Product 15 has something to sign or Add 8"),
    tm("T-052/master", "[T] 3.1.3", "a master order has something to sign"),
    tm("T-054", "[T] 3.1.3", "VideoHashes come with Product 12 and 15 only"),
    tm("T-056", "[T] 3.1.3", "what is required is there"),
    tm("AT-22", "[T] 3.1.3", "FirstOrderID has at most 14 characters"),
    tm("AT-32", "[T] 3.1.3", "SignParameters are for a file that the master order has"),
    tm("AT-33", "[T] 3.1.3", "a document has Data and a hash has Hash, in Base64"),
    tm("AT-35", "[T] 3.1.3", "of several hashes each has a Filename of its own"),
    tm("AT-35/master", "[T] 3.1.3", "no hash has the Filename of one of the master order"),
    tm("AT-41", "[T] 3.1.3", "getGiroLink names a bank of getBankList").strict(),
    tm("AT-42", "[T] 3.1.3", "a listed element stands in its own place").stays("the reader puts it there itself"),
    tm("AT-44", "[T] 3.1.3", "countries are codes in capital letters"),
    tm("AT-45", "[T] 3.1.3", "ZipCode has at most 5 characters"),
    tm("AT-47", "[T] 3.1.3", "mail addresses have one @ with text around it and no blanks inside"),
    tm("AT-47/blanks", "[T] 3.1.3", "addresses and numbers have no blanks around them").strict(),
    tm("AT-50", "[T] 3.1.3", "Gender is female or male, in small letters"),
    tm("AT-51", "[T] 3.1.3", "phone numbers are international, with + and digits alone"),
    tm("AT-79", "[T] 3.1.3", "a document can be signed as to its size"),
    tm("AT-83", "[T] 3.1.3", "Additional has at most 10 items, 2 with Product 0, of the types 1 to 4"),
    tm("AT-84", "[T] 3.1.3", "who is given the link to the landing page is sent no mail"),
    tm("AT-85", "[T] 3.1.3", "a signature has one kind of place, on a page that is there"),
    tm("AT-86", "[T] 3.1.3", "a document to sign is an unprotected PDF"),
    // identity.TM: what is known of an order.
    tm("T-060", "[T] 3.2.5", "an order is known").stays("there is nothing to answer with"),
    tm("AT-22/length", "[T] 3.1.4", "an OrderID has at most 20 characters"),
    tm("AT-13", "[T] 3.2.1", "without ExtendedList only the general codes are told"),
    tm("AT-78", "[T] 2.5.1", "calls about an order wait while its webhook is called"),
    // identity.TM: results.
    tm("AT-62", "[T] 3.3.1", "data is told of a final order only"),
    tm("T-022", "[T] 2.3", "data is told of an order that came to 6 or 89 only"),
    tm("AT-23", "[T] 3.3.4", "without IncludeInitialData only the checked data is told, as an object"),
    tm("AT-48", "[T] 3.1.3", "Birthname is determined when it was given, be it empty, and not otherwise"),
    tm("F-219", "[T] 3.3.4", "Mobile and Email are told when a TAN went there"),
    tm("F-093", "[T] 3.1.3", "of an eID the number of the card is told when EnableOCR asks for it"),
    tm("T-060/pdf", "[T] 3.5.1", "signed documents need documents, and status 84"),
    tm("T-060/hash", "[T] 3.6.1", "signed hashes need hashes, and status 84"),
    tm("AT-62/video", "[T] 3.8.1", "a recording needs an identification by video that came to 6 or 89"),
    tm("AT-52", "[T] 3.8.1", "a recording was asked for by Add 131072, or the account is set up so"),
    tm("AT-38", "[T] 3.8.1", "a placeholder comes until the recording was asked for and is ready"),
    tm("AT-39", "[T] 3.7.3", "callbackUrl is there, and is a URL that can be called"),
    tm("T-038", "[T] 3.7", "callbackUrl is called when the recording is ready"),
    tm("AT-39/once", "[T] 3.7.3", "callbackUrl is called once, whatever it answers"),
    tm("AT-39/plain", "[T] 3.7.3", "nothing is filled in in callbackUrl"),
    tm("T-006/voice", "[T] 3.9", "sound has to be enabled for the account"),
    tm("AT-09", "[T] 3.10", "deleted data is told no more").stays("nothing of it is left"),
    tm("AT-09/twice", "[T] 3.10", "data is deleted once: the second time there is none"),
    tm("T-025/delete", "[T] 3.10", "data of a final order only is deleted"),
    tm("T-024", "[T] 3.10", "results are deleted 7 days after the order ended"),
    // identity.TM: getAllStatus.
    tm("T-005/period", "[T] 4.2.2", "the bounds of a period are date-times with offset"),
    tm("T-100", "[T] 4.2", "what is told of a period does not count as reported"),
    tm("T-101", "[T] 4.2.2", "a page has 1 to 1000 elements"),
    tm("T-101/most", "[T] 4.2.2", "an answer has at most 1000 statuses"),
    tm("T-102", "[T] 4.2.5", "nothing new is 304"),
    tm("AT-04", "[T] 4.2.6", "ExtendedList counts in the body too, as in the document's example"),
    tm("AT-05/bounds", "[T] 4.2.2", "a period has Begin and End").strict(),
    tm("AT-05/page", "[T] 4.2.2", "no page comes before the first").strict(),
    tm("AT-06", "[T] 4.2", "what was told without a period is not told so again"),
    // identity.TM: ending an order, and signing.
    tm("T-023", "[T] 4.1", "an order that is not finished in time times out"),
    tm("T-023/deletes", "[T] 4.1", "a time-out deletes the data"),
    tm("T-025/cancel", "[T] 4.3", "an open order only is cancelled"),
    tm("AT-09/signing", "[T] 5", "an order whose data is deleted is not signed"),
    tm("AT-54", "[T] 5.2", "a wrong TAN does not sign"),
    tm("AT-54/limit", "[T] 5.2", "too many wrong TANs cancel the order"),
    tm("AT-55/identified", "[T] 5.1", "signing begins with something to sign, and a person who is identified"),
    tm("AT-55/ended", "[T] 5", "an order that has ended is not signed"),
    tm("AT-55/begun", "[T] 5", "signing is begun by requestSign"),
    tm("AT-56", "[T] 5.2", "confirmSign brings a TAN"),
    tm("AT-56/length", "[T] 5.2", "a TAN has at most 6 characters"),
    tm("T-051", "[T] 8.3.3", "checkSignmeUser brings a mail address"),
    // identity.TM: using an identification again.
    tm("T-006/reuse", "[T] 6", "re-use has to be enabled for the account"),
    tm("AT-72/seal", "[T] 6", "data that was changed is not used again"),
    tm("AT-72/data", "[T] 6", "data that does not suffice is not used again"),
    tm("AT-72/valid", "[T] 6", "data is not used again when the identity document has run out"),
    tm("AT-72/signing", "[T] 6", "data is used again to sign only"),
    // identity.TM: webhooks.
    tm("T-037", "[T] 2.5", "AfterVideo, AfterIdent and OnFinal are called when that has happened"),
    tm("T-031", "[T] 2.5", "the placeholders in the URL of a webhook are filled in"),
    tm("AT-20", "[T] 2.5", "what is filled in is percent-encoded"),
    tm("T-033", "[T] 2.5.1", "an order goes on when the first try of its webhook is over"),
    tm("T-033/10s", "[T] 2.5.1", "a receiver is cut off after 10 s"),
    tm("T-034", "[T] 2.5.1", "200 and 202 alone count as delivered"),
    tm("T-036", "[T] 2.5.2", "a webhook that was not delivered is tried again by the document's scheme"),
    // identify24: the way in.
    i24("I-001", "[I] Methods", "a call has its path and its method").stays("nothing else is there to answer"),
    i24("I-002", "[I] Headers", "a body is JSON that fits its call").stays("what cannot be read cannot be acted on"),
    i24("I-002/type", "[I] Headers", "every call says that it is JSON").strict(),
    i24("I-005", "[I] auth", "partner and API key fit together"),
    i24("I-005/partner", "[I] Authentication", "every call names the partner"),
    i24("I-005/token", "[I] Authentication", "every call carries a token that auth gave out"),
    i24("I-006", "[I] Authentication", "a token that was not used for 30 minutes has expired"),
    i24("1.9/service", "[I] Errors", "while the vendor is out of service everything is refused"),
    i24("1.9/rate", "[I] Errors", "what goes beyond the account's rate is refused"),
    i24("1.9/permission", "[I] Errors", "a key that may not create idents creates none"),
    i24("1.9/left", "[I] Errors", "when no ident is left to be created a valid request fails"),
    i24("AI-02", "[I] Errors", "told by result alone, a refusal of the token still is 401"),
    i24("AI-07/proxy", "[I] project/get", "a proxy on the way may refuse or drop the body of a GET"),
    i24("M-08/examples", "[I] auth", "the credentials of the document's examples work").literal(),
    i24("AI-10", "[I] auth", "PARTNER and APIKEY are there, in capital letters"),
    // identify24: requests.
    i24("AI-05", "[I] ident/create", "a body is flat").strict(),
    i24("M-08/attributes", "[I] ident/create", "a body has no attribute that the document does not list").strict(),
    i24("M-08/texts", "[I] ident/create", "what the document shows as text is text").strict(),
    i24("AI-04", "[I] ident/create", "names and places are in upper case").strict(),
    i24("I-043", "[I] ident/create", "what is required is there; dates and mail addresses are such"),
    i24("AI-07", "[I] project/get", "project_id is there"),
    i24("AI-16", "[I] ident/create", "where custom_id has to be unique, a second one is refused"),
    i24("AI-19", "[I] ident/create", "pdf_url and pdf_content are not given together").strict(),
    i24("AI-19/pdf", "[I] ident/create", "pdf_content is a PDF in Base64").strict(),
    i24("AI-20", "[I] ident/create", "mobile_phone has digits alone, after + or 00 or not"),
    i24("AI-22", "[I] ident/create", "gender is MALE or FEMALE"),
    i24("AI-23", "[I] ident/create", "type_of_id is Personalausweis or Reisepass"),
    i24("AI-27", "[I] ident/create", "countries are codes of two capital letters"),
    // identify24: idents.
    i24("I-020", "[I] Data lifetimes", "an ident is forgotten after 90 days"),
    i24("I-050", "[I] ident/get", "an ident or project is known").stays("there is nothing to answer with"),
    i24("I-080", "[I] Webhook", "the partner's webhook is called when the status of an ident changes"),
    i24("I-084", "[I] Webhook", "a webhook is sent once: no scheme is documented"),
    i24("AI-12", "sandbox", "a story of an ident is one that was set").stays("another one says no status"),
    // The sandbox itself.
    own("M-04", "a story is known, fits the order, and begins when no other is under way")
        .stays("otherwise it has no steps to play"),
    own("M-04/final", "no story is played with an order that has ended, and nothing ends twice"),
    own("M-04/product", "a story identifies by a method that the Product has"),
    own("AT-43", "courier and shop need the address of the order"),
    own("AT-83/courier", "courier and shop take 2 items of Additional at most"),
    own("M-09", "a file that is told of can be made").stays("there is no other file to answer with"),
    own("M-14", "nobody but this machine is served").stays("a world without credentials must not be open to others"),
    own("M-10", "a TAN is told of an order that has one").stays("there is nothing to answer with"),
    own("sandbox", "the admin API is asked for what it has").stays("there is nothing to answer with"),
];
