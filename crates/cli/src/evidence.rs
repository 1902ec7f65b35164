//! The additional evidence that a command wants of a case.

use clap::Args;
use identkit_collector::EvidenceWishes;

/// Evidence in addition to what every case of its kind has.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Evidence of new cases")]
pub(crate) struct WishArguments {
    /// Requests the recording of the video, and waits for it. Needs a receiver that the vendor reaches.
    #[arg(long)]
    pub(crate) video: bool,

    /// Reads the audio recordings, if there are any.
    #[arg(long)]
    pub(crate) audio: bool,

    /// Reads the signed result for a later case of the same person, if there is one.
    #[arg(long)]
    pub(crate) signed_data: bool,
}

impl WishArguments {
    /// These wishes in addition to others.
    pub(crate) fn and(self, mut wishes: EvidenceWishes) -> EvidenceWishes {
        wishes.video |= self.video;
        wishes.audio |= self.audio;
        wishes.signed_ident_data |= self.signed_data;
        wishes
    }
}
