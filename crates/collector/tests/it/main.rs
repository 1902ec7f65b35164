//! Tests of the collector.

mod sink;
mod sink_discard;
mod sink_encrypted;
#[cfg(feature = "object-store")]
mod sink_faulty;
#[cfg(feature = "folder")]
mod sink_folder;
mod sink_memory;
#[cfg(feature = "object-store")]
mod sink_object;
mod sink_steps;
