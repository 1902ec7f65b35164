//! Artifacts that are encrypted.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use async_trait::async_trait;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use identkit_collector::{ArtifactKey, ArtifactName, ArtifactSink, EncryptedSink, MemorySink, SavedArtifact};
use identkit_core::{Content, Error, Kind};
use sha2::{Digest as _, Sha256};

use crate::sink::{FOLDER, Opened, assert_stored, name, suite};
use crate::sink_steps::{bytes, pieces};

const KEY: [u8; 32] = [7; 32];

fn encrypted<S: ArtifactSink>(inner: S) -> EncryptedSink<S> {
    EncryptedSink::new(inner, ArtifactKey::from_bytes(&KEY))
}

mod in_memory {
    use super::*;
    suite!(|| Opened::new(encrypted(MemorySink::new()), ()).with_suffix(".enc"));
}

#[cfg(feature = "folder")]
mod in_a_folder {
    use super::*;
    suite!(|| {
        let dir = tempfile::tempdir().unwrap();
        let sink = identkit_collector::FolderSink::open(dir.path()).unwrap();
        Opened::new(encrypted(sink), dir).with_suffix(".enc")
    });
}

#[cfg(feature = "object-store")]
mod in_an_object_store {
    use super::*;
    use crate::sink_faulty::Faulty;

    suite!(|| {
        let sink = identkit_collector::ObjectSink::new(Arc::new(Faulty::new()), "prefix");
        Opened::new(encrypted(sink), ()).with_suffix(".enc")
    });

    #[tokio::test]
    async fn a_large_artifact_belongs_to_its_unique_name() {
        let sink = encrypted(identkit_collector::ObjectSink::new(Arc::new(Faulty::new()), "prefix"));
        let content = bytes(9 * 1024 * 1024, 1);
        let saved = sink.store(&name("video-0.mp4", 7), pieces(&content, 700_000)).await.unwrap();
        assert!(saved.location.contains("/video-0.mp4.7-"), "{}", saved.location);
        assert_stored(&sink, &saved, &content).await;
    }
}

const CHUNK: usize = 64 * 1024;

fn header_length(file: &str) -> usize {
    8 + 2 + FOLDER.len() + 1 + file.len() + 8 + 24 + 48
}

/// Bytes as they are stored.
async fn stored(inner: &MemorySink, location: &str) -> Vec<u8> {
    inner.read(location).await.unwrap().collect(u64::MAX).await.unwrap().to_vec()
}

/// Reads bytes that are stored in place of an artifact.
async fn read_instead(location: &str, stored: Vec<u8>) -> Result<Vec<u8>, Error> {
    let inner = MemorySink::new();
    let (folder, file) = location.rsplit_once('/').unwrap();
    inner.store(&ArtifactName::new(folder, file, 1), Content::from_bytes(stored)).await.unwrap();
    let content = encrypted(inner).read(location).await?;
    content.collect(u64::MAX).await.map(|bytes| bytes.to_vec())
}

async fn assert_detected(location: &str, stored: Vec<u8>, case: &str) {
    let Err(error) = read_instead(location, stored).await else { panic!("not detected: {case}") };
    assert_eq!(error.kind(), Kind::Integrity, "{case}: {error}");
}

#[tokio::test]
async fn the_format_is_the_documented_one() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
        let (inner, content) = (Arc::new(MemorySink::new()), bytes(length, 1));
        let saved =
            encrypted(Arc::clone(&inner)).store(&name("report-0.pdf", 258), pieces(&content, 997)).await.unwrap();
        assert_eq!((saved.length, saved.sha256), (length as u64, Sha256::digest(&content).into()));
        let stored = stored(&inner, &saved.location).await;
        let path = format!("{FOLDER}/report-0.pdf");
        let (header, chunks) = stored.split_at(header_length("report-0.pdf"));
        let named = [b"IDKTENC1", &[0, path.len() as u8][..], path.as_bytes(), &[0, 0, 0, 0, 0, 0, 1, 2]].concat();
        assert_eq!(&header[..named.len()], named);
        let (nonce, wrapped) = header[named.len()..].split_at(24);
        let wrapping = Sha256::new().chain_update(b"identkit-collector 1 wrapping").chain_update(KEY).finalize();
        let cipher = XChaCha20Poly1305::new(&Key::from(<[u8; 32]>::from(wrapping)));
        let nonce = XNonce::from(<[u8; 24]>::try_from(nonce).unwrap());
        let key = cipher.decrypt(&nonce, Payload { msg: wrapped, aad: &named }).unwrap();
        let cipher = XChaCha20Poly1305::new(&Key::from(<[u8; 32]>::try_from(key).unwrap()));
        let (all, mut clear) = (chunks.chunks(CHUNK + 16).collect::<Vec<_>>(), Vec::new());
        assert_eq!(all.len(), length.div_ceil(CHUNK).max(1));
        for (number, chunk) in all.iter().enumerate() {
            let mut nonce = [0; 24];
            nonce[19..23].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
            nonce[23] = u8::from(number + 1 == all.len());
            clear.extend(cipher.decrypt(&XNonce::from(nonce), *chunk).unwrap());
        }
        assert!(clear == content, "{length}");
    }
}

#[tokio::test]
async fn a_changed_byte_is_detected() {
    let inner = Arc::new(MemorySink::new());
    let saved = encrypted(Arc::clone(&inner)).store(&name("a.pdf", 1), Content::from_bytes("content")).await.unwrap();
    let original = stored(&inner, &saved.location).await;
    assert_eq!(read_instead(&saved.location, original.clone()).await.unwrap(), b"content");
    for at in 0..original.len() {
        for bit in [1, 128] {
            let mut changed = original.clone();
            changed[at] ^= bit;
            assert_detected(&saved.location, changed, &format!("byte {at}")).await;
        }
    }
    for length in 0..original.len() {
        assert_detected(&saved.location, original[..length].to_vec(), &format!("cut to {length}")).await;
    }
    assert_detected(&saved.location, [&original[..], &[0]].concat(), "a byte more").await;
}

#[tokio::test]
async fn chunks_in_another_order_are_detected() {
    let inner = Arc::new(MemorySink::new());
    for length in [3 * CHUNK, 3 * CHUNK + 5] {
        let file = format!("{length}.pdf");
        let sink = encrypted(Arc::clone(&inner));
        let saved = sink.store(&name(&file, 1), pieces(&bytes(length, 1), CHUNK)).await.unwrap();
        let original = stored(&inner, &saved.location).await;
        let (header, chunks) = original.split_at(header_length(&file));
        let chunks: Vec<&[u8]> = chunks.chunks(CHUNK + 16).collect();
        let all: Vec<usize> = (0..chunks.len()).collect();
        let last = chunks.len() - 1;
        let orders = [
            &all[..last],
            &all[1..],
            &[],
            &all[..1],
            &[0, 2, 1],
            &[1, 0, 2],
            &[0, 0, 1, 2],
            &[0, 1, 2, 2],
            &[0, 1, last],
            &[last],
            &[2, 1, 0],
        ];
        for order in orders.into_iter().filter(|order| **order != all[..]) {
            let changed = order.iter().map(|at| chunks[*at]);
            let changed = [header].into_iter().chain(changed).collect::<Vec<_>>().concat();
            assert_detected(&saved.location, changed, &format!("{order:?}")).await;
        }
        // A chunk of another artifact with equal content.
        let other = encrypted(Arc::new(MemorySink::new()));
        let inner = Arc::new(MemorySink::new());
        drop(other);
        let again =
            encrypted(Arc::clone(&inner)).store(&name(&file, 1), pieces(&bytes(length, 1), CHUNK)).await.unwrap();
        let again = stored(&inner, &again.location).await;
        assert_ne!(again, original, "each has a key of its own");
        let second = header.len() + CHUNK + 16;
        let mixed =
            [&original[..second], &again[second..second + CHUNK + 16], &original[second + CHUNK + 16..]].concat();
        assert_detected(&saved.location, mixed, "a chunk of another artifact").await;
        let mixed = [header, &again[header.len()..]].concat();
        assert_detected(&saved.location, mixed, "the header of another artifact").await;
    }
}

#[tokio::test]
async fn exchanged_files_are_detected() {
    let inner = Arc::new(MemorySink::new());
    let sink = encrypted(Arc::clone(&inner));
    let saved = sink.store(&name("report-0.pdf", 7), Content::from_bytes("content")).await.unwrap();
    let original = stored(&inner, &saved.location).await;
    for own in ["report-0.pdf.enc", "report-0.pdf.7.enc"] {
        assert_eq!(read_instead(&format!("{FOLDER}/{own}"), original.clone()).await.unwrap(), b"content");
    }
    for other in ["report-1.pdf.enc", "report-0.pdf.8.enc", "report-0.mp4.enc"] {
        assert_detected(&format!("{FOLDER}/{other}"), original.clone(), other).await;
    }
    assert_detected("identity-tm/report-0.pdf.enc", original, "another folder").await;
}

#[tokio::test]
async fn only_the_keys_of_the_caller_decrypt() {
    let inner = Arc::new(MemorySink::new());
    let saved = encrypted(Arc::clone(&inner)).store(&name("a.pdf", 1), Content::from_bytes("content")).await.unwrap();
    let other = || EncryptedSink::new(Arc::clone(&inner), ArtifactKey::from_bytes(&[8; 32]));
    let error = other().read(&saved.location).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Integrity);
    assert!(error.to_string().contains(&saved.location) && error.to_string().contains("another key"), "{error}");
    let both = other().with_previous_key(ArtifactKey::from_bytes(&KEY));
    assert_stored(&both, &saved, b"content").await;
    // It is equal although it was encrypted with another key.
    assert_eq!(both.store(&name("a.pdf", 2), Content::from_bytes("content")).await.unwrap(), saved);
    let stored = stored(&inner, &saved.location).await;
    assert!(!stored.windows(7).any(|window| window == b"content"));
    let shown = format!("{both:?} {:?}", ArtifactKey::from_bytes(&KEY));
    assert_eq!(shown, "EncryptedSink(MemorySink { artifacts: 1 }) ArtifactKey");
    assert_ne!(*ArtifactKey::random_bytes().unwrap(), *ArtifactKey::random_bytes().unwrap());
}

#[tokio::test]
async fn files_without_encryption_are_left_out() {
    let inner = Arc::new(MemorySink::new());
    let plain = inner.store(&name("a.pdf", 1), Content::from_bytes("content")).await.unwrap();
    let sink = encrypted(Arc::clone(&inner));
    assert_eq!(sink.list(FOLDER).await.unwrap(), Vec::<String>::new());
    assert_eq!(sink.read(&plain.location).await.unwrap_err().kind(), Kind::NotFound);
    assert_detected(&format!("{FOLDER}/a.pdf.enc"), b"%PDF-1.7 not encrypted".to_vec(), "a file without header").await;
}

/// Changes what it stores, and does not notice it.
#[derive(Debug)]
struct Spoiling(MemorySink);

#[async_trait]
impl ArtifactSink for Spoiling {
    async fn store(&self, name: &ArtifactName, content: Content) -> Result<SavedArtifact, Error> {
        let mut bytes = content.collect(u64::MAX).await?.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        self.0.store(name, Content::from_bytes(bytes)).await
    }
    async fn read(&self, location: &str) -> Result<Content, Error> {
        self.0.read(location).await
    }
    async fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        self.0.list(folder).await
    }
    async fn remove(&self, location: &str) -> Result<(), Error> {
        self.0.remove(location).await
    }
    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[tokio::test]
async fn an_artifact_that_cannot_be_decrypted_is_not_saved() {
    let sink = encrypted(Spoiling(MemorySink::new()));
    let error = sink.store(&name("a.pdf", 1), Content::from_bytes("content")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Integrity);
    sink.check().await.unwrap_err();
}
