//! Tests of the collector.

mod sink;
mod sink_discard;
#[cfg(feature = "folder")]
mod sink_folder;
mod sink_memory;
mod sink_steps;
