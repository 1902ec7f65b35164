//! The rules that the mock vendor enforces.

use identkit_identify24::PROVIDER;

use crate::rules::{Rule, Source};

const fn rule(id: &'static str, section: &'static str, says: &'static str) -> Rule {
    Rule::new(Source::Vendor(PROVIDER), id, section, says)
}

rules! {
    // Access.
    I_001 = rule("I-001", "[I] Methods", "a call has its path and its method").stays("nothing else is there to answer");
    I_002 = rule("I-002", "[I] Headers", "a body is JSON that fits its call").stays("what cannot be read cannot be acted on");
    I_002_TYPE = rule("I-002/type", "[I] Headers", "every call says that it is JSON").strict();
    I_005 = rule("I-005", "[I] auth", "partner and API key fit together");
    I_005_PARTNER = rule("I-005/partner", "[I] Authentication", "every call names the partner");
    I_005_TOKEN = rule("I-005/token", "[I] Authentication", "every call carries a token that auth gave out");
    I_006 = rule("I-006", "[I] Authentication", "a token that was not used for 30 minutes has expired");
    R_1_9_SERVICE = rule("1.9/service", "[I] Errors", "while the vendor is out of service everything is refused");
    R_1_9_RATE = rule("1.9/rate", "[I] Errors", "what goes beyond the account's rate is refused");
    R_1_9_PERMISSION = rule("1.9/permission", "[I] Errors", "a key that may not create idents creates none");
    R_1_9_LEFT = rule("1.9/left", "[I] Errors", "when no ident is left to be created a valid request fails");
    AI_02 = rule("AI-02", "[I] Errors", "told by result alone, a refusal of the token still is 401");
    AI_07_PROXY = rule("AI-07/proxy", "[I] project/get", "a proxy on the way may refuse or drop the body of a GET");
    M_08_EXAMPLES = rule("M-08/examples", "[I] auth", "the credentials of the document's examples work").literal();
    AI_10 = rule("AI-10", "[I] auth", "PARTNER and APIKEY are there, in capital letters");
    // Requests.
    AI_05 = rule("AI-05", "[I] ident/create", "a body is flat").strict();
    M_08_ATTRIBUTES = rule("M-08/attributes", "[I] ident/create", "a body has no attribute that the document does not list").strict();
    M_08_TEXTS = rule("M-08/texts", "[I] ident/create", "what the document shows as text is text").strict();
    AI_04 = rule("AI-04", "[I] ident/create", "names and places are in upper case").strict();
    I_043 = rule("I-043", "[I] ident/create", "what is required is there; dates and mail addresses are such");
    AI_07 = rule("AI-07", "[I] project/get", "project_id is there");
    AI_16 = rule("AI-16", "[I] ident/create", "where custom_id has to be unique, a second one is refused");
    AI_19 = rule("AI-19", "[I] ident/create", "pdf_url and pdf_content are not given together").strict();
    AI_19_PDF = rule("AI-19/pdf", "[I] ident/create", "pdf_content is a PDF in Base64").strict();
    AI_20 = rule("AI-20", "[I] ident/create", "mobile_phone has digits alone, after + or 00 or not");
    AI_22 = rule("AI-22", "[I] ident/create", "gender is MALE or FEMALE");
    AI_23 = rule("AI-23", "[I] ident/create", "type_of_id is Personalausweis or Reisepass");
    AI_27 = rule("AI-27", "[I] ident/create", "countries are codes of two capital letters");
    // Idents.
    I_020 = rule("I-020", "[I] Data lifetimes", "an ident is forgotten after 90 days");
    I_050 = rule("I-050", "[I] ident/get", "an ident or project is known").stays("there is nothing to answer with");
    I_080 = rule("I-080", "[I] Webhook", "the partner's webhook is called when the status of an ident changes");
    I_084 = rule("I-084", "[I] Webhook", "a webhook is sent once: no scheme is documented");
    AI_12 = rule("AI-12", "sandbox", "a story of an ident is one that was set").stays("another one says no status");
}
