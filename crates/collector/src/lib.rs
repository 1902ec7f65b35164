#![doc = include_str!("../README.md")]

mod alarms;
mod collector;
mod control;
mod deletion_dates;
mod fault;
mod hooks;
mod incident;
mod ledger;
mod opening;
mod random;
mod record;
mod report;
mod reuse;
mod setup;
mod sink;
mod state;
mod steps;
mod sweep;
mod trouble;
mod work;

pub use self::collector::{Collector, CollectorBuilder};
pub use self::control::{Command, Deleting};
pub use self::hooks::{CaseHooks, Notice, NoticeKind, NoticedCase};
pub use self::incident::Incident;
pub use self::ledger::read_deletions;
pub use self::opening::{CaseOpener, OpenCall, OpenRequest, OpenedCase};
pub use self::record::EvidenceWishes;
pub use self::report::{CaseReader, CaseReport, SavedFile};
pub use self::reuse::{NoSignedData, SignedData};
pub use self::setup::{CaseWebhook, DeletePolicy, ProviderSetup, Timing};
#[cfg(feature = "folder")]
pub use self::sink::FolderSink;
#[cfg(feature = "object-store")]
pub use self::sink::ObjectSink;
pub use self::sink::{ArtifactKey, ArtifactName, ArtifactSink, DiscardSink, EncryptedSink, MemorySink, SavedArtifact};
pub use self::state::{CaseState, ReuseOutcome};
pub use self::sweep::SweepReport;
