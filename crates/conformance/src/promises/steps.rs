//! Calls of the port as values, so that the same call can run under several conditions.

use identkit_core::{
    CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, DeletePermit, Error, EvidenceItem, EvidenceKind,
    EvidencePlan, Found, IdentityProvider, NewCase, Opened, Window,
};

use super::evidence::CAP;

/// A call of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Open,
    Status,
    Plan,
    Evidence(EvidenceKind),
    Find,
    Changes,
    Cancel,
    Delete,
}

/// The result of a call, for comparison.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Opened(Opened),
    Status(CaseStatus),
    Plan(EvidencePlan),
    Pieces(Vec<Piece>),
    Found(Found),
    Changes(ChangesPage),
    Done,
}

/// A piece of evidence that was read to its end.
#[derive(PartialEq)]
pub(super) struct Piece {
    item: EvidenceItem,
    bytes: Vec<u8>,
}

impl Value {
    /// Whether both are a single piece of the same item, and this one has these bytes.
    pub(super) fn is_archived(&self, baseline: &Self, bytes: &[u8]) -> bool {
        let (Self::Pieces(pieces), Self::Pieces(baseline)) = (self, baseline) else { return false };
        matches!((&pieces[..], &baseline[..]), ([piece], [same]) if piece.item == same.item && piece.bytes == bytes)
    }
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The bytes are personal data.
        f.debug_struct("Piece").field("item", &self.item).field("bytes", &self.bytes.len()).finish()
    }
}

impl Step {
    /// Whether the call needs a case that has ended.
    pub(super) fn after_the_end(self) -> bool {
        matches!(self, Self::Status | Self::Plan | Self::Evidence(_) | Self::Delete)
    }

    pub(super) fn needs(self) -> Capability {
        match self {
            Self::Open => Capability::Open,
            Self::Status => Capability::Status,
            Self::Plan | Self::Evidence(_) => Capability::Evidence,
            Self::Find => Capability::Find,
            Self::Changes => Capability::Changes,
            Self::Cancel => Capability::Cancel,
            Self::Delete => Capability::Delete,
        }
    }

    pub(super) async fn run(
        self,
        provider: &dyn IdentityProvider,
        new: &NewCase,
        case: &CaseRef,
        window: Window,
    ) -> Result<Value, Error> {
        let options = &CallOptions::new();
        Ok(match self {
            Self::Open => Value::Opened(provider.open(new, options).await?),
            Self::Status => Value::Status(provider.status(case, options).await?),
            Self::Plan => Value::Plan(provider.evidence_plan(case, options).await?),
            Self::Evidence(kind) => {
                let mut pieces = Vec::new();
                for piece in provider.evidence(case, kind, options).await? {
                    let bytes = piece.content.collect(CAP).await?.to_vec();
                    pieces.push(Piece { item: piece.item, bytes });
                }
                Value::Pieces(pieces)
            }
            Self::Find => {
                let reference = new.reference.as_ref().map_or("", |reference| reference.expose());
                Value::Found(provider.find(reference, new.purpose, window, options).await?)
            }
            Self::Changes => Value::Changes(provider.changes(window, None, options).await?),
            Self::Cancel => provider.cancel(case, options).await.map(|()| Value::Done)?,
            Self::Delete => provider.delete(case, &DeletePermit::Operator, options).await.map(|()| Value::Done)?,
        })
    }
}
