//! Files of an answer, one after the other.

use identkit_core::{CallOptions, Error};
use identkit_transport::Response;

use super::IdentityTm;
use crate::OrderId;
use crate::messages::{SignedPdf, VoiceFile};
use crate::operations::{FileStream, GetESignPdf, GetVoiceFiles, Streamed};

impl IdentityTm {
    /// The signed documents one after the other, whether the answer is one PDF or a list of them, [T 3.5]: whatever
    /// their number and size, no more than a piece of one is in memory.
    ///
    /// # Errors
    /// As any call; the rest when [`FileStream::next`] meets it.
    pub async fn signed_pdfs_streamed(
        &self,
        order: &OrderId,
        options: &CallOptions,
    ) -> Result<Response<FileStream<SignedPdf>>, Error> {
        self.call(&Streamed(GetESignPdf::new(order.clone())), options).await
    }

    /// The audio recordings one after the other, [T 3.9]. A recording's name is told at its end, wherever the answer
    /// has it.
    ///
    /// # Errors
    /// As any call; the rest when [`FileStream::next`] meets it.
    pub async fn voice_files_streamed(
        &self,
        order: &OrderId,
        options: &CallOptions,
    ) -> Result<Response<FileStream<VoiceFile>>, Error> {
        self.call(&Streamed(GetVoiceFiles::new(order.clone())), options).await
    }
}
