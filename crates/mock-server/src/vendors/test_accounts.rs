//! Credentials of a [`Sandbox`] and URLs of a [`TestSandbox`](crate::TestSandbox), in the types of the clients.

use crate::Sandbox;

#[cfg(feature = "identify24")]
impl Sandbox {
    /// Returns the credentials for identify24.
    pub fn identify24(&self) -> identkit_identify24::Credentials {
        let [partner, api_key] = self.credentials(identkit_identify24::PROVIDER);
        identkit_identify24::Credentials::new(partner, api_key)
    }
}

#[cfg(feature = "identity-tm")]
impl Sandbox {
    /// Returns the credentials for identity.TM.
    pub fn identity_tm(&self) -> identkit_identity_tm::Credentials {
        let [customer_id, code] = self.credentials(identkit_identity_tm::PROVIDER);
        identkit_identity_tm::Credentials::new(customer_id, code)
    }
}

#[cfg(all(feature = "identity-tm", feature = "server"))]
impl crate::TestSandbox {
    /// Returns the base URL of identity.TM's API, with its version.
    pub fn identity_tm_url(&self) -> String {
        format!("{}{}", self.url(), super::identity_tm::BASE_PATH)
    }
}
