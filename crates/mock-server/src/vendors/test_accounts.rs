//! The vendors' accounts in a sandbox for one test, as their clients take them.

use crate::TestSandbox;

#[cfg(feature = "identify24")]
impl TestSandbox {
    /// The credentials at identify24.
    pub fn identify24(&self) -> identkit_identify24::Credentials {
        let [partner, api_key] = self.credentials(identkit_identify24::PROVIDER);
        identkit_identify24::Credentials::new(partner, api_key)
    }
}

#[cfg(feature = "identity-tm")]
impl TestSandbox {
    /// The URL of identity.TM's API, with its version.
    pub fn identity_tm_url(&self) -> String {
        format!("{}{}", self.url(), super::identity_tm::BASE_PATH)
    }

    /// The account at identity.TM.
    pub fn identity_tm(&self) -> identkit_identity_tm::Credentials {
        let [customer_id, code] = self.credentials(identkit_identity_tm::PROVIDER);
        identkit_identity_tm::Credentials::new(customer_id, code)
    }
}
