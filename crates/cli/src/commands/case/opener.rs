//! Names the case of an opening that is interrupted.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use identkit_collector::{CaseOpener, OpenCall};
use identkit_core::{Error, IdentityProvider, Opened, Secret};
use identkit_store::CaseId;

use crate::output::InterruptionNote;

/// An opener that remembers the case. If the command is interrupted from the request on, it names the case.
pub(super) struct NamedOpener<'a> {
    inner: &'a dyn CaseOpener,
    case: Mutex<Option<(CaseId, InterruptionNote)>>,
}

impl std::fmt::Debug for NamedOpener<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NamedOpener").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<'a> NamedOpener<'a> {
    pub(super) fn new(inner: &'a dyn CaseOpener) -> Self {
        Self { inner, case: Mutex::default() }
    }

    /// The case, if its request was begun. From now on an interruption is no longer reported.
    pub(super) fn end(self) -> Option<CaseId> {
        let case = self.case.into_inner().unwrap_or_else(PoisonError::into_inner);
        case.map(|(case, note)| {
            note.disarm();
            case
        })
    }
}

#[async_trait]
impl CaseOpener for NamedOpener<'_> {
    fn expected_state(&self, provider: &dyn IdentityProvider) -> Option<Secret> {
        self.inner.expected_state(provider)
    }

    async fn open(&self, call: &OpenCall<'_>) -> Result<Opened, Error> {
        let case = call.case;
        let note = format!(
            "the vendor may have opened case {}, which is in the store and is never opened again: identkit case explain {}",
            case.0, case.0
        );
        let note = InterruptionNote::new(Some(note));
        *self.case.lock().unwrap_or_else(PoisonError::into_inner) = Some((case, note));
        self.inner.open(call).await
    }
}
