//! Ids that a person types. An id of another form than the documented one is accepted if the vendor gave it: a record
//! has it, or `--any-id` says so.

use identkit_core::{Error, Kind, RawResponse};
use identkit_wire::Meta;

use crate::exit::Failure;
use crate::state::{Entry, StateDirectory};

/// What an id identifies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdKind {
    /// The call whose response gives the id.
    pub(crate) created_by: &'static Meta,
    /// The vendor's name of the id, in records and in responses.
    pub(crate) name: &'static str,
    /// Finds each id in a response to that call, valid or not, once.
    pub(crate) find: fn(&RawResponse) -> Vec<String>,
}

impl IdKind {
    /// Each id in a record, once: those that its command recorded, otherwise those in a recorded response, e.g. because the command was
    /// killed before it recorded them.
    pub(crate) fn in_record(self, entry: &Entry) -> Vec<String> {
        if entry.provider != self.created_by.provider {
            return Vec::new();
        }
        let recorded = entry.names.iter().filter(|(name, _)| name == self.name);
        // Several ids of one name are in one value (AT-95).
        let recorded: Vec<String> = recorded.flat_map(|(_, value)| value.split(", ")).map(str::to_owned).collect();
        if !recorded.is_empty() || entry.operation != self.created_by.name {
            return recorded;
        }
        let found = entry.responses().map(|answer| (self.find)(&answer));
        found.into_iter().find(|ids| !ids.is_empty()).unwrap_or_default()
    }

    /// Whether a record shows that the vendor knows the id. The id of a request is typed: it counts only after success.
    fn is_known(self, id: &str, entry: &Entry) -> bool {
        let is_it = |(name, value): &(String, String)| name == self.name && value == id;
        let is_echo = entry.request_names.iter().any(is_it) && !entry.phase.is_success();
        !is_echo && self.in_record(entry).iter().any(|known| known == id)
    }

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
    pub(crate) fn check_known(self, id: &str, state: &StateDirectory, refusal: Error) -> Result<(), Failure> {
        if refusal.kind() != Kind::InvalidInput || id.is_empty() {
            return Err(refusal.into());
        }
        // Without a directory, there are no records.
        let entries = state.path().map_or_else(|_| Ok(Vec::new()), |directory| Entry::read_all(&directory));
        match entries.as_ref().map(|entries| entries.iter().any(|entry| self.is_known(id, entry))) {
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
