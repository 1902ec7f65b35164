//! What differed from the document while a text was read.

use identkit_core::{Error, Kind};

use crate::Warning;

/// A difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// A value of another type than the table's was converted (AT-92).
    Converted,
    /// A value cannot be read as the type of the table and was ignored (AT-92).
    Unreadable,
    /// A name occurs more than once in its object; the last value was read (AT-95).
    Repeated {
        /// Whether its values differ.
        differs: bool,
    },
    /// A name occurs more than once in its object, and no value was used (AT-95).
    Unused,
    /// A name occurs more than once in its object, and all values were used (AT-95).
    Kept,
    /// An element that was not read has this name in another spelling (AT-93).
    OtherSpelling,
    /// A number of an element that the document does not list was read with another value or as a text.
    Inexact,
}

/// What differed from the document while a text was read. Holds names of the document only, and no values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes(Vec<(Option<&'static str>, Note)>);

impl Notes {
    /// Adds a difference, once per element and kind.
    pub(super) fn add(&mut self, name: Option<&'static str>, note: Note) {
        if !self.0.contains(&(name, note)) {
            self.0.push((name, note));
        }
    }

    /// Adds that the value of an element cannot be read and was ignored; `repeated`: because it occurs more than once in
    /// its object.
    pub fn ignore(&mut self, name: &'static str, repeated: bool) {
        self.add(Some(name), if repeated { Note::Unused } else { Note::Unreadable });
    }

    /// Adds that an element occurs more than once in its object, and that all values were used.
    pub fn keep_all(&mut self, name: &'static str) {
        self.add(Some(name), Note::Kept);
    }

    /// Whether the value of an element cannot be read and was ignored.
    pub fn is_ignored(&self, name: &str) -> bool {
        self.0.iter().any(|(known, note)| *known == Some(name) && matches!(note, Note::Unreadable | Note::Unused))
    }

    /// Whether an element occurs more than once in an object.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.0.iter().any(|(known, note)| *known == Some(name) && matches!(note, Note::Repeated { .. }))
    }

    /// Whether a number was read with another value or as a text.
    pub(super) fn has_inexact(&self) -> bool {
        self.0.iter().any(|(_, note)| *note == Note::Inexact)
    }

    /// Whether an element occurs more than once in an object, with different values.
    pub fn has_different(&self, name: &str) -> bool {
        self.0.contains(&(Some(name), Note::Repeated { differs: true }))
    }

    /// Checks that these elements, on which the result depends, occur at most once (AT-95). `*` stands for all elements
    /// that the document does not name, e.g. those with a file name as key.
    ///
    /// # Errors
    /// [`Kind::Protocol`] with the name of the element.
    pub fn require_once(&self, names: &[&str]) -> Result<(), Error> {
        let unnamed = (None, Note::Repeated { differs: true });
        let repeated = |name: &&&str| self.is_repeated(name) || (**name == "*" && self.0.contains(&unnamed));
        match names.iter().find(repeated) {
            Some(name) => {
                Err(Error::new(Kind::Protocol, format!("the response has the element {name} more than once")))
            }
            None => Ok(()),
        }
    }

    /// Checks that none of these elements, on which the result depends, occurs in another spelling, which was not read
    /// (AT-93).
    ///
    /// # Errors
    /// [`Kind::Protocol`] with the name of the element.
    pub fn require_spelling(&self, names: &[&str]) -> Result<(), Error> {
        let is_other =
            |name: &&&str| self.0.iter().any(|(known, note)| *note == Note::OtherSpelling && *known == Some(**name));
        match names.iter().find(is_other) {
            Some(name) => Err(Error::new(
                Kind::Protocol,
                format!("the response has the element {name} in another spelling, which may contradict it"),
            )),
            None => Ok(()),
        }
    }

    /// Removes the note that an element occurs in another spelling: it was read.
    pub fn accept_spelling(&mut self, name: &str) {
        self.0.retain(|(known, note)| *note != Note::OtherSpelling || *known != Some(name));
    }

    /// Returns the differences as warnings.
    pub fn warnings(&self) -> Vec<Warning> {
        let warning = |(name, note): &(Option<&'static str>, Note)| {
            let name = name.unwrap_or("an element that the document does not list");
            Some(match note {
                // Nothing reads an element that the document does not list.
                Note::Inexact => return None,
                Note::Converted => Warning::new(format!("{name}: the value has another type than documented"), "AT-92"),
                Note::Unreadable => Warning::new(
                    format!("{name}: the value cannot be read as the documented type and was ignored"),
                    "AT-92",
                ),
                Note::Repeated { .. } => {
                    Warning::new(format!("{name}: it occurs more than once; the last value was used"), "AT-95")
                }
                Note::OtherSpelling => {
                    Warning::new(format!("{name}: it occurs in another spelling, which was not read"), "AT-93")
                }
                Note::Kept => Warning::new(format!("{name}: it occurs more than once; all values were used"), "AT-95"),
                Note::Unused => Warning::new(format!("{name}: it occurs more than once; no value was used"), "AT-95"),
            })
        };
        self.0.iter().filter_map(warning).collect()
    }
}
