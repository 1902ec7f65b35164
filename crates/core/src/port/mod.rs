//! The neutral port over all providers.
//!
//! Invariants: [`IdentityProvider`](crate::IdentityProvider) is object-safe; an operation that a vendor lacks is not
//! among its capabilities and fails with [`Kind::Unsupported`](crate::Kind::Unsupported); no type here uses a vendor's
//! field names.

mod case;
mod evidence;
mod fields;
mod outcome;
mod provider;
mod window;

pub use case::{Address, CaseRef, Document, Gender, NewCase, Opened, Person, Purpose};
pub use evidence::{DeletePermit, Evidence, EvidenceItem, EvidenceKind, EvidencePlan, EvidenceProof, NothingToCollect};
pub use fields::CaseFields;
pub use outcome::{Absence, CaseStatus, Outcome};
pub use provider::{CallOptions, Capability, Descriptor, IdentityProvider};
pub use window::{ChangesPage, Cursor, Found, Window};
