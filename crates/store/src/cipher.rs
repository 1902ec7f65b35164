//! Authenticated encryption with a random nonce, and the key that the caller passes.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use identkit_core::{Error, Kind};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::fault;
use crate::pack::pack;

const NONCE: usize = 24;

/// A symmetric key; overwritten on drop.
pub(crate) type Bytes32 = Zeroizing<[u8; 32]>;

/// The key that wraps the key of each case. It is not stored: keep it apart from the store and its backups.
#[derive(Clone)]
pub struct KeyEncryptionKey {
    wrapping: Bytes32,
    /// Key of the hashes by which the rows of a case are found.
    naming: Bytes32,
}

impl KeyEncryptionKey {
    /// Creates the key from 32 random bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        // Each purpose has a key of its own.
        Self { wrapping: mac(bytes, b"identkit-store 1 wrapping"), naming: mac(bytes, b"identkit-store 1 naming") }
    }

    /// Creates 32 random bytes for [`from_bytes`](Self::from_bytes).
    ///
    /// # Errors
    /// If the system's random generator fails.
    pub fn random_bytes() -> Result<Zeroizing<[u8; 32]>, Error> {
        random().map(Zeroizing::new)
    }

    pub(crate) fn name(&self, fields: &[&[u8]]) -> [u8; 32] {
        *mac(&self.naming, &pack(fields))
    }

    pub(crate) fn wrap(&self, name: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
        seal(&self.wrapping, name, key)
    }

    pub(crate) fn unwrap(&self, name: &[u8], wrapped: &[u8]) -> Result<Bytes32, Error> {
        let key = open(&self.wrapping, name, wrapped)?;
        key.as_slice().try_into().map(Zeroizing::new).map_err(|_| fault::damaged())
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEncryptionKey")
    }
}

fn mac(key: &[u8; 32], data: &[u8]) -> Bytes32 {
    // A key of the length of a block, as HMAC itself would extend it.
    let block: [u8; 64] = std::array::from_fn(|index| key.get(index).copied().unwrap_or(0));
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new(&block.into());
    mac.update(data);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::new(Kind::Storage, "the system's random generator failed"))?;
    Ok(bytes)
}

/// Encrypts `clear`. Only the same `context` decrypts it.
pub(crate) fn seal(key: &[u8; 32], context: &[u8], clear: &[u8]) -> Result<Vec<u8>, Error> {
    let nonce: [u8; NONCE] = random()?;
    let payload = Payload { msg: clear, aad: context };
    let encrypted = XChaCha20Poly1305::new(&Key::from(*key)).encrypt(&XNonce::from(nonce), payload);
    let encrypted = encrypted.map_err(|_| Error::new(Kind::Storage, "the data is too long to be encrypted"))?;
    Ok([&nonce[..], &encrypted].concat())
}

/// Decrypts what [`seal`] returned.
pub(crate) fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (nonce, encrypted) = sealed.split_first_chunk::<NONCE>().ok_or_else(fault::damaged)?;
    let payload = Payload { msg: encrypted, aad: context };
    let clear = XChaCha20Poly1305::new(&Key::from(*key)).decrypt(&XNonce::from(*nonce), payload);
    clear.map(Zeroizing::new).map_err(|_| fault::damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_context_decrypt() {
        let sealed = seal(&[1; 32], b"events", b"Mustermann").unwrap();
        assert_eq!(open(&[1; 32], b"events", &sealed).unwrap().as_slice(), b"Mustermann");
        assert!(open(&[2; 32], b"events", &sealed).is_err());
        assert!(open(&[1; 32], b"cases", &sealed).is_err());
        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            assert!(open(&[1; 32], b"events", &changed).is_err(), "byte {byte}");
            assert!(open(&[1; 32], b"events", &sealed[..byte]).is_err(), "cut at {byte}");
        }
        assert_ne!(seal(&[1; 32], b"events", b"Mustermann").unwrap(), sealed, "nonces differ");
    }

    #[test]
    fn each_purpose_has_a_key_and_debug_hides_it() {
        let key = KeyEncryptionKey::from_bytes(&[7; 32]);
        assert_ne!(key.wrapping, key.naming);
        assert_eq!(format!("{key:?}"), "KeyEncryptionKey");
        assert_ne!(key.name(&[b"ab", b"c"]), key.name(&[b"a", b"bc"]));
        assert_ne!(key.name(&[b"a"]), KeyEncryptionKey::from_bytes(&[8; 32]).name(&[b"a"]));
    }
}
