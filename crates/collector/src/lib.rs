#![doc = include_str!("../README.md")]

mod sink;

pub use self::sink::{ArtifactName, ArtifactSink, SavedArtifact};
