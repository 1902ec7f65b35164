//! A store in memory whose operations can be interrupted.

use std::sync::Arc;

use async_trait::async_trait;
use identkit_core::Error;
use identkit_store::engine::*;
use identkit_store::{Engine, Memory};
use jiff::Timestamp;

use super::Fuse;

/// The connection of one process to the common store.
#[derive(Clone, Debug)]
pub(crate) struct SimEngine {
    pub(crate) memory: Arc<Memory>,
    pub(crate) fuse: Arc<Fuse>,
}

macro_rules! interrupted {
    ($($name:ident($($argument:ident: $type:ty),*) -> $value:ty;)*) => {
        #[async_trait]
        impl Engine for SimEngine {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$value, Error> {
                self.fuse.run(self.memory.$name($($argument),*)).await
            })*
        }
    };
}

interrupted! {
    key(name: &[u8]) -> Option<Vec<u8>>;
    add_key(name: &[u8], value: Vec<u8>) -> Vec<u8>;
    remove_key(name: &[u8], value: &[u8]) -> ();
    keys(after: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)>;
    accept(provider: &str, key: &[u8], at: Timestamp, sealer: Arc<dyn Sealer>) -> Arrival;
    events(case: Option<u64>, after: u64, limit: usize) -> Vec<EventRow>;
    create(case: NewCaseRow) -> Option<Lease>;
    case(id: u64) -> Option<CaseRow>;
    find(link: Link) -> Option<u64>;
    cases(status: Option<&str>, after: u64, limit: usize) -> Vec<CaseRow>;
    expired(status: Option<&str>, before: Timestamp, limit: usize) -> Vec<u64>;
    save(lease: Lease, change: Change) -> ();
    entries(case: u64, after: u64, limit: usize) -> Vec<EntryRow>;
    begin_purge(case: u64, idle: bool) -> Option<CaseRow>;
    begin_purge_of_unused(link: Link) -> Option<u64>;
    remove(case: u64) -> ();
    claim(limit: usize, now: Timestamp, latest: Option<Timestamp>, providers: Option<&[String]>) -> Vec<(Lease, u64)>;
    claim_case(case: u64) -> Option<(Lease, u64)>;
    claimed(after: u64, limit: usize, providers: Option<&[String]>) -> Vec<Held>;
    take_over(held: Held) -> Option<(Lease, u64)>;
    renew(lease: Lease) -> ();
    finish(lease: Lease, end: Finish) -> ();
    replay(case: u64, now: Timestamp) -> bool;
    value(name: &str) -> Option<Vec<u8>>;
    swap_value(name: &str, expected: Option<Vec<u8>>, new: Vec<u8>) -> bool;
    add_token(token: TokenRow, lease: Option<Lease>) -> ();
    token(hash: [u8; 32]) -> Option<TokenRow>;
    replace_tokens(tokens: Vec<TokenRow>, expires: Timestamp) -> ();
    remove_expired_tokens(now: Timestamp) -> u64;
    add_record(kind: RecordKind, record: RecordRow) -> u64;
    records(kind: RecordKind, after: u64, limit: usize) -> Vec<RecordRow>;
    remove_record(kind: RecordKind, id: u64) -> ();
}
