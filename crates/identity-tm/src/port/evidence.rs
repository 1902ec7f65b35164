//! The evidence of an order: the plan by its statuses, and the downloads.

use identkit_core::{
    Artifact, CallOptions, Content, Delivery, Error, Evidence, EvidenceKind, EvidencePlan, Kind, Outcome, Pii,
};

use super::state::State;
use crate::messages::{OrderStatus, VoiceFile};
use crate::{Finality, IdentityTm, OrderId, StatusKind, VideoReady};

/// Returns the plan for an order with these statuses (AT-63).
pub(super) fn plan(finality: &Finality, status: &OrderStatus, state: &State) -> Result<EvidencePlan, Error> {
    if finality.outcome == Outcome::Unclear {
        let detail = "a status of the order cannot be read, so its evidence is not known";
        return Err(Error::new(Kind::Protocol, detail).with_operation("getStatus/ExtendedList"));
    }
    let data = [EvidenceKind::IdentData, EvidenceKind::Report];
    let mut plan = match finality.outcome {
        // Whether the vendor deletes the data of an identified person is not documented.
        Outcome::TimedOutAfterIdent => data.into_iter().fold(EvidencePlan::default(), EvidencePlan::allow),
        _ if finality.data_expected() => EvidencePlan::new(data),
        _ => return Ok(EvidencePlan::default()),
    };
    for kind in state.signed() {
        plan = match finality.outcome {
            Outcome::Signed => plan.require(*kind),
            // Signed, but a more severe status decided.
            _ if status.kinds().any(|code| code == StatusKind::SIGNED) => plan.allow(*kind),
            _ => plan,
        };
    }
    Ok(plan)
}

/// Reads all pieces of a kind with one call.
pub(super) async fn read(
    client: &IdentityTm,
    id: &OrderId,
    kind: EvidenceKind,
    options: &CallOptions,
) -> Result<Vec<Evidence>, Error> {
    let content = match kind {
        EvidenceKind::IdentData => Content::from_bytes(client.ident_data_as_received(id, options).await?),
        EvidenceKind::Report => Artifact::Pdf.checked(client.ident_data_pdf(id, options).await?.value),
        EvidenceKind::SignedIdentData => Content::from_bytes(client.ident_data_signed(id, options).await?.value.0),
        EvidenceKind::SignedDocument => return signed_documents(client, id, options).await,
        EvidenceKind::SignedHash => {
            let hashes = client.signed_hashes(id, options).await?.value.hashes.unwrap_or_default();
            let hash = |(name, hash): (String, identkit_core::Secret)| {
                (Some(Pii::new(name)), Content::from_bytes(hash.expose().to_owned()))
            };
            return Ok(Evidence::list(kind, hashes.0.into_iter().map(hash).collect()));
        }
        EvidenceKind::Audio => {
            let files = client.voice_files_streamed(id, options).await?.value.rest().await?;
            let extensions: Vec<_> = files.iter().map(|(_, file)| audio_extension(file)).collect();
            let pieces = files.into_iter().map(|(content, file)| (file.filename, Artifact::Audio.checked(content)));
            let list = Evidence::list(kind, pieces.collect()).into_iter().zip(extensions);
            return Ok(list.map(|(piece, extension)| piece.with_extension(extension)).collect());
        }
        EvidenceKind::Video => {
            let detail = "a recording read before the vendor's callback may be a placeholder (AT-38): request it with \
                          `request_evidence`, and read it with `evidence_after`";
            return Err(Error::new(Kind::InvalidState, detail).with_delivery(Delivery::NotSent));
        }
        _ => return Err(Error::new(Kind::NotFound, "the vendor does not have evidence of this kind")),
    };
    Ok(vec![Evidence::new(kind, content)])
}

/// Reads the signed documents: a single one as a stream, several into memory.
async fn signed_documents(client: &IdentityTm, id: &OrderId, options: &CallOptions) -> Result<Vec<Evidence>, Error> {
    let contents = match client.signed_pdfs_streamed(id, options).await?.value.into_single() {
        Ok(content) => vec![content],
        Err(files) => files.rest().await?.into_iter().map(|(content, _)| content).collect(),
    };
    let pieces = contents.into_iter().map(|content| (None, Artifact::Pdf.checked(content)));
    Ok(Evidence::list(EvidenceKind::SignedDocument, pieces.collect()))
}

/// Reads the recording after its callback.
pub(super) async fn video(
    client: &IdentityTm,
    ready: &VideoReady,
    options: &CallOptions,
) -> Result<Vec<Evidence>, Error> {
    let video = client.video(ready, options).await?.value;
    let extension = if video.media_type == "video/webm" { "webm" } else { EvidenceKind::Video.extension() };
    let piece = Evidence::new(EvidenceKind::Video, Artifact::Video.checked(video.content));
    Ok(vec![piece.with_extension(extension)])
}

/// The extension in the vendor's file name, if it is one of a known audio format.
fn audio_extension(file: &VoiceFile) -> &'static str {
    const KNOWN: [&str; 12] = ["wav", "mp3", "ogg", "m4a", "aac", "flac", "amr", "aiff", "caf", "webm", "au", "wma"];
    let name = file.filename.as_ref().map_or("", |name| name.expose());
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let known = KNOWN.into_iter().find(|known| extension.eq_ignore_ascii_case(known));
    known.unwrap_or(EvidenceKind::Audio.extension())
}
