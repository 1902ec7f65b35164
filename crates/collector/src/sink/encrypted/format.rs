//! The format of an encrypted artifact.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `IDKTENC1` |
//! | 2 | length of the name, big-endian |
//! | the name's | folder and file, e.g. `identity-tm/2026/11/30/…/report-0.pdf` |
//! | 8 | fence, big-endian |
//! | 24 | random nonce |
//! | 48 | the key of this artifact, 32 random bytes, encrypted with XChaCha20-Poly1305 and its tag of 16 bytes; the key is SHA-256 of `identkit-collector 1 wrapping` and the caller's key; the associated data are all bytes before the nonce |
//! | up to 64 KiB and 16 | chunks of the content, each encrypted with the artifact's key, with its tag |
//!
//! The chunks are STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, 2015): the nonce of a chunk is 19 zero bytes, its
//! number from 0 as 4 bytes, big-endian, and 1 for the last chunk or 0 for all others. Each key encrypts one artifact, so
//! no nonce is used twice. All chunks but the last one have 64 KiB; an empty content has one empty chunk.
//!
//! The name is bound to the key and the key to the chunks, so that chunks or files that were changed, exchanged,
//! reordered, repeated or cut off are detected.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use identkit_core::{Error, Kind};

use crate::sink::encrypted::key::{ArtifactKey, fill_random};
use crate::sink::location::insert;
use crate::sink::port::ArtifactName;

const MAGIC: &[u8] = b"IDKTENC1";

/// Number of bytes before the name.
pub(crate) const PREFIX: usize = MAGIC.len() + 2;

const NONCE: usize = 24;
const WRAPPED: usize = 32 + TAG;

/// Size of a tag in bytes.
pub(crate) const TAG: usize = 16;

/// Size in bytes of each chunk of the content but the last one.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Extension of the files.
const EXTENSION: &str = ".enc";

/// The key of one artifact.
pub(crate) type FileKey = Zeroizing<[u8; 32]>;

/// Returns the name under which an artifact is stored encrypted.
pub(crate) fn encrypted_name(name: &ArtifactName) -> ArtifactName {
    ArtifactName::new(&name.folder, format!("{}{EXTENSION}", name.file), name.fence)
}

/// Whether a location is that of an encrypted artifact.
pub(crate) fn is_encrypted(location: &str) -> bool {
    location.ends_with(EXTENSION)
}

/// Creates the header of an artifact, with a random key.
pub(crate) fn header(name: &ArtifactName, key: &ArtifactKey) -> Result<(Vec<u8>, FileKey), Error> {
    let path = format!("{}/{}", name.folder, name.file);
    let length = u16::try_from(path.len()).map_err(|_| Error::new(Kind::InvalidInput, "the name is too long"))?;
    let mut header = [MAGIC, &length.to_be_bytes(), path.as_bytes(), &name.fence.to_be_bytes()].concat();
    let (mut file_key, mut nonce) = (FileKey::default(), [0; NONCE]);
    fill_random(&mut *file_key)?;
    fill_random(&mut nonce)?;
    let payload = Payload { msg: &*file_key, aad: &header };
    let wrapped = XChaCha20Poly1305::new(&Key::from(*key.wrapping())).encrypt(&XNonce::from(nonce), payload);
    let wrapped = wrapped.map_err(|_| Error::new(Kind::Storage, "the key of the artifact cannot be encrypted"))?;
    header.extend_from_slice(&nonce);
    header.extend_from_slice(&wrapped);
    Ok((header, file_key))
}

/// Returns the length of the header that begins with these bytes.
pub(crate) fn header_length(prefix: &[u8]) -> Option<usize> {
    let length = prefix.strip_prefix(MAGIC)?.first_chunk::<2>()?;
    Some(PREFIX + usize::from(u16::from_be_bytes(*length)) + 8 + NONCE + WRAPPED)
}

/// Reads a complete header: the key of the artifact, if one of these keys decrypts it and the artifact belongs to the
/// location.
pub(crate) fn open_header<'a>(
    header: &[u8],
    location: &str,
    mut keys: impl Iterator<Item = &'a ArtifactKey>,
) -> Option<FileKey> {
    let (named, wrapped) = header.split_last_chunk::<WRAPPED>()?;
    let (named, nonce) = named.split_last_chunk::<NONCE>()?;
    let (path, fence) = named.get(PREFIX..)?.split_last_chunk::<8>()?;
    let (folder, file) = std::str::from_utf8(path).ok()?.rsplit_once('/')?;
    let name = ArtifactName::new(folder, file, u64::from_be_bytes(*fence));
    if !belongs(&name, location) {
        return None;
    }
    let nonce = XNonce::from(*nonce);
    keys.find_map(|key| {
        let payload = Payload { msg: wrapped, aad: named };
        let clear = XChaCha20Poly1305::new(&Key::from(*key.wrapping())).decrypt(&nonce, payload).ok()?;
        let clear = Zeroizing::new(clear);
        clear.as_slice().try_into().ok().map(Zeroizing::new)
    })
}

/// Whether an artifact can be at a location: its plain name, or its name with its fence and perhaps a random suffix.
fn belongs(name: &ArtifactName, location: &str) -> bool {
    let encrypted = encrypted_name(name);
    let Some(file) = location.strip_prefix(&*encrypted.folder).and_then(|rest| rest.strip_prefix('/')) else {
        return false;
    };
    let fence = encrypted.fence.to_string();
    let is_unique = || {
        let middle = insert(&encrypted.file, &format!("{fence}-"));
        let (begin, end) = middle.split_at_checked(middle.len() - EXTENSION.len()).unwrap_or_default();
        let suffix = file.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end)).unwrap_or_default();
        suffix.len() == 8 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    file == encrypted.file || file == insert(&encrypted.file, &fence) || is_unique()
}

/// Length of a content of this length with the tags of its chunks.
pub(crate) fn sealed_length(clear: u64) -> u64 {
    clear + clear.div_ceil(CHUNK as u64).max(1) * TAG as u64
}

/// Length of the content of chunks of this length, tags included.
pub(crate) fn clear_length(sealed: u64) -> u64 {
    sealed.saturating_sub(sealed.div_ceil((CHUNK + TAG) as u64) * TAG as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fit_each_other() {
        let chunk = CHUNK as u64;
        for clear in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 5 * chunk + 7] {
            let chunks = if clear == 0 { 1 } else { clear.div_ceil(chunk) };
            assert_eq!(sealed_length(clear), clear + 16 * chunks);
            assert_eq!(clear_length(sealed_length(clear)), clear);
        }
        assert_eq!(clear_length(3), 0);
    }

    #[test]
    fn an_artifact_belongs_to_its_own_names() {
        let name = ArtifactName::new("a/b", "report-0.pdf", 7);
        for own in ["a/b/report-0.pdf.enc", "a/b/report-0.pdf.7.enc", "a/b/report-0.pdf.7-0a1b2c3d.enc"] {
            assert!(belongs(&name, own), "{own}");
        }
        for other in [
            "a/b/report-1.pdf.enc",
            "a/c/report-0.pdf.enc",
            "a/report-0.pdf.enc",
            "a/b/c/report-0.pdf.enc",
            "a/b/report-0.pdf",
            "a/b/report-0.pdf.8.enc",
            "a/b/report-0.pdf.77.enc",
            "a/b/report-0.pdf.7-0a1b2c3.enc",
            "a/b/report-0.pdf.7-.enc",
            "a/b/report-0.pdf.7-0a1b2c3g.enc",
            "a/b/report-0.pdf.8-0a1b2c3d.enc",
            "a/breport-0.pdf.enc",
        ] {
            assert!(!belongs(&name, other), "{other}");
        }
    }
}
