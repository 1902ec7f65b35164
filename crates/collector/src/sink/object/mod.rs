//! Artifacts in an object store.

mod fault;
mod parts;
mod reader;
mod sink;

pub use self::sink::ObjectSink;
