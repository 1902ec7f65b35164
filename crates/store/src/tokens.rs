//! The tokens of webhook URLs. The store has keyed hashes of them only: a reader of the store cannot
//! deliver webhooks.

use base64_simd::URL_SAFE_NO_PAD;
use identkit_core::{Error, Secret, Tokens, async_trait};
use jiff::Timestamp;

use crate::cipher;
use crate::engine::{Lease, TokenRow};
use crate::fault;
use crate::model::{CaseId, Claim};
use crate::store::Store;

/// Length of a token in random bytes.
const BYTES: usize = 32;

/// Length of a token in characters.
const CHARACTERS: usize = (BYTES * 4).div_ceil(3);

impl Store {
    /// Creates a token for the webhooks of one event in the URL of a case: 256 random bits, in 43 characters. It is valid
    /// until the case is purged, and for the vendor's id of the case only, as soon as that is saved. It cannot be read from the
    /// store afterwards.
    pub async fn create_case_token(&self, claim: &Claim, provider: &str, event: &str) -> Result<Secret, Error> {
        self.create_token_as(Some(claim.lease), provider, event).await
    }

    /// Creates a token for the webhooks of one event of all cases, e.g. for a URL that is configured once for the whole
    /// account. It is valid until it is [replaced](Self::replace_tokens).
    pub async fn create_token(&self, provider: &str, event: &str) -> Result<Secret, Error> {
        self.create_token_as(None, provider, event).await
    }

    /// Like [`create_token`](Self::create_token). All earlier tokens for all cases expire at `expires`: leave time to
    /// configure the new URL at the vendor.
    pub async fn replace_tokens(&self, provider: &str, event: &str, expires: Timestamp) -> Result<Secret, Error> {
        let token = Self::random_token()?;
        self.rotate_tokens([(provider, event, &token)], expires).await?;
        Ok(token)
    }

    /// Makes these tokens valid for all cases: provider, event, token of [`random_token`](Self::random_token). All other
    /// tokens of their events for all cases expire at `expires`. Either all of this is stored, or nothing. If the outcome is
    /// unknown, it can be repeated.
    pub async fn rotate_tokens<'a>(
        &self,
        tokens: impl IntoIterator<Item = (&'a str, &'a str, &'a Secret)>,
        expires: Timestamp,
    ) -> Result<(), Error> {
        let rows = tokens.into_iter().map(|(provider, event, token)| self.token_row(provider, event, token));
        self.engine.replace_tokens(rows.collect(), expires).await
    }

    /// Creates a token that is valid in no store yet, e.g. to write it to a file before it becomes valid.
    pub fn random_token() -> Result<Secret, Error> {
        Ok(Secret::new(URL_SAFE_NO_PAD.encode_to_string(cipher::random::<BYTES>()?)))
    }

    /// Makes a token of [`create_token`](Self::create_token) valid in this store, e.g. in a new store.
    /// Changes nothing if the store has it, even if it has expired.
    pub async fn add_token(&self, provider: &str, event: &str, token: &Secret) -> Result<(), Error> {
        self.engine.add_token(self.token_row(provider, event, token), None).await
    }

    /// Removes the tokens that have expired, and returns their number.
    pub async fn remove_expired_tokens(&self, now: Timestamp) -> Result<u64, Error> {
        self.engine.remove_expired_tokens(now).await
    }

    async fn create_token_as(&self, lease: Option<Lease>, provider: &str, event: &str) -> Result<Secret, Error> {
        let token = Self::random_token()?;
        self.engine.add_token(self.token_row(provider, event, &token), lease).await?;
        Ok(token)
    }

    fn token_row(&self, provider: &str, event: &str, token: &Secret) -> TokenRow {
        let hash = self.keys.token_hash(provider, event, token);
        TokenRow { hash, provider: provider.to_owned(), event: event.to_owned(), case: None, expires: None }
    }
}

#[async_trait]
impl Tokens for Store {
    /// The hash is keyed, so the duration of the search says nothing about a token.
    async fn is_valid(&self, provider: &str, event: &str, token: &Secret, now: Timestamp) -> Result<bool, Error> {
        if token.expose().len() != CHARACTERS {
            return Ok(false);
        }
        let found = self.engine.token(self.keys.token_hash(provider, event, token)).await?;
        Ok(found.is_some_and(|token| token.expires.is_none_or(|expires| now < expires)))
    }

    /// A token of a case is for the vendor's id of this case. As long as the id is not known, because the response that contains
    /// it is still to be saved, it is for every id that no other case has.
    async fn is_for_case(&self, provider: &str, event: &str, token: &Secret, id: &Secret) -> Result<bool, Error> {
        let Some(row) = self.engine.token(self.keys.token_hash(provider, event, token)).await? else {
            return Ok(false);
        };
        let Some(own) = row.case.map(CaseId) else { return Ok(true) };
        // The case is being purged, and the token with it.
        let Some(case) = self.case(own).await? else { return Err(fault::outdated()) };
        match &case.vendor_id {
            Some(known) => Ok(case.provider == provider && known == id),
            None => {
                let other = self.case_by_vendor_id(provider, id).await?;
                Ok(other.is_none_or(|other| other.id == own || other.version == 0))
            }
        }
    }
}
