//! The rules that the mock vendor enforces.

use identkit_identify24::PROVIDER;

use crate::rules::{Rule, Source};

const fn rule(id: &'static str, section: &'static str, says: &'static str) -> Rule {
    Rule::new(Source::Vendor(PROVIDER), id, section, says)
}

rules! {
    // Access.
    I_001 = rule("I-001", "[I] Methods", "Each call must use its documented path and method").stays("the vendor has no other calls");
    I_002 = rule("I-002", "[I] Headers", "A request body must be JSON that fits the call").stays("an unreadable body cannot be processed");
    I_002_TYPE = rule("I-002/type", "[I] Headers", "Each request must have the Content-Type application/json").strict();
    I_005 = rule("I-005", "[I] auth", "Partner and API key must match the account");
    I_005_PARTNER = rule("I-005/partner", "[I] Authentication", "Each call must name the partner");
    I_005_TOKEN = rule("I-005/token", "[I] Authentication", "Each call must carry a token that auth issued");
    I_006 = rule("I-006", "[I] Authentication", "A token expires after 30 minutes without use");
    R_1_9_SERVICE = rule("1.9/service", "[I] Errors", "While the vendor is out of service, every request is rejected");
    R_1_9_RATE = rule("1.9/rate", "[I] Errors", "Requests beyond the account's rate are rejected");
    R_1_9_PERMISSION = rule("1.9/permission", "[I] Errors", "Creating idents requires the permission");
    R_1_9_LEFT = rule("1.9/left", "[I] Errors", "If the account has no idents left, a valid request fails");
    AI_02 = rule("AI-02", "[I] Errors", "An invalid token is rejected with 401 even if other errors are reported by result alone");
    AI_07_PROXY = rule("AI-07/proxy", "[I] project/get", "A proxy may reject or drop the body of a GET");
    M_08_EXAMPLES = rule("M-08/examples", "[I] auth", "The credentials of the document's examples are valid").literal();
    AI_10 = rule("AI-10", "[I] auth", "PARTNER and APIKEY are required, in upper case");
    // Requests.
    AI_05 = rule("AI-05", "[I] ident/create", "A request body must be flat").strict();
    M_08_ATTRIBUTES = rule("M-08/attributes", "[I] ident/create", "A request body must not have attributes that the document does not list").strict();
    M_08_TEXTS = rule("M-08/texts", "[I] ident/create", "A value that the document shows as a string must be a string").strict();
    M_08_TWICE = rule("M-08/twice", "[I] Headers", "A name must not occur twice in an object of a request body").strict();
    I_050_PROJECT = rule("I-050/project", "[I] ident/create", "An ident must be for a project of the account");
    M_08_NEAR_NAMES = rule("M-08/near-names", "[I] ident/create", "An unlisted attribute with nearly the name of a listed one gets a warning in the journal");
    AI_04 = rule("AI-04", "[I] ident/create", "Names and places must be in upper case").strict();
    I_043 = rule("I-043", "[I] ident/create", "Required attributes must be present; dates and e-mail addresses must be valid");
    AI_07 = rule("AI-07", "[I] project/get", "project_id is required");
    AI_16 = rule("AI-16", "[I] ident/create", "If the account requires unique custom_ids, a duplicate is rejected");
    AI_19 = rule("AI-19", "[I] ident/create", "pdf_url and pdf_content exclude each other").strict();
    AI_19_PDF = rule("AI-19/pdf", "[I] ident/create", "pdf_content must be a PDF in Base64").strict();
    AI_20 = rule("AI-20", "[I] ident/create", "mobile_phone must consist of digits, optionally after + or 00");
    AI_22 = rule("AI-22", "[I] ident/create", "gender must be MALE or FEMALE");
    AI_23 = rule("AI-23", "[I] ident/create", "type_of_id must be Personalausweis or Reisepass");
    AI_27 = rule("AI-27", "[I] ident/create", "Countries must be codes of two capital letters");
    // Idents.
    I_020 = rule("I-020", "[I] Data lifetimes", "An ident is deleted after 90 days");
    I_050 = rule("I-050", "[I] ident/get", "The ident or project must exist").stays("without it there is nothing to return");
    I_080 = rule("I-080", "[I] Webhook", "The partner's webhook is called when the status of an ident changes");
    I_084 = rule("I-084", "[I] Webhook", "A webhook is sent once: no retries are documented");
    AI_12 = rule("AI-12", "sandbox", "A story must be one of the account's stories").stays("any other story has no status");
}
