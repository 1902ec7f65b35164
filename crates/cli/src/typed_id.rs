//! Ids that a person types. An id of another form than the documented one is accepted if the vendor gave it: a record
//! has it, or `--any-id` says so.

use identkit_core::{Error, Kind};

use crate::exit::Failure;
use crate::state::{Entry, StateDirectory};

/// What an id identifies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdKind {
    /// Name of the provider in records.
    pub(crate) provider: &'static str,
    /// The vendor's name of the id, in records and in responses.
    pub(crate) name: &'static str,
}

impl IdKind {
    /// Fails unless the text can be an id that the vendor gave, in any form.
    pub(crate) fn check_any(self, text: &str) -> Result<(), Failure> {
        match text.trim().is_empty() || text.chars().any(char::is_control) {
            false => Ok(()),
            true => {
                let name = self.name;
                Err(Failure::unsent(format!("{name} must not be empty or contain control characters")))
            }
        }
    }

    /// Fails with `refusal`, the error about the form of an id, unless a record has the id.
    pub(crate) fn find(self, id: &str, state: &StateDirectory, refusal: Error) -> Result<(), Failure> {
        if refusal.kind() != Kind::InvalidInput || id.is_empty() {
            return Err(refusal.into());
        }
        // Without a directory, there are no records.
        let entries = state.path().map_or_else(|_| Ok(Vec::new()), |directory| Entry::read_all(&directory));
        match entries.as_ref().map(|entries| entries.iter().any(|entry| entry.has_id(self.provider, self.name, id))) {
            Ok(true) => Ok(()),
            found => Err(Failure::from(refusal)
                .notes(found.err().map(|error| format!("the records cannot be read: {error}")))
                .note(format!(
                    "an {} of another form is accepted if a record of identkit state has it (--state names another \
                     directory), or with --any-id as the vendor gave it",
                    self.name
                ))),
        }
    }
}
