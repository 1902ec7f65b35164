//! Artifacts in a local folder.

mod block;
mod fault;
mod place;
mod reader;
mod root;
mod sink;
#[cfg(test)]
mod tests;

pub use self::sink::FolderSink;
