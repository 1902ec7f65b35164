//! The steps of a case, one file for each part of its life. Each step is repeatable: whatever it did before a crash is found
//! in the store, at the vendor or in the sink.

mod collect;
mod delete;
mod plan;
mod search;
mod tidy;
mod unmatched;
mod watch;
