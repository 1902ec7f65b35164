//! A JSON array on standard output that is not in memory.

use serde_json::Value;

use crate::exit::Failure;
use crate::output::print_bytes;
use crate::text::escape;

/// Number of bytes of JSON that are written at once.
const CHUNK: usize = 64 * 1024;

/// A JSON array that is written while its elements are read, one on each line.
#[derive(Default)]
pub(crate) struct JsonArray {
    text: String,
    is_begun: bool,
}

impl JsonArray {
    /// Adds an element.
    pub(crate) fn push(&mut self, element: &Value) -> Result<(), Failure> {
        self.text.push_str(if self.is_begun { ",\n  " } else { "[\n  " });
        self.is_begun = true;
        self.text.push_str(&element.to_string());
        match self.text.len() {
            0..CHUNK => Ok(()),
            _ => self.write(),
        }
    }

    /// Ends the array.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.text.push_str(if self.is_begun { "\n]\n" } else { "[]\n" });
        self.write()
    }

    fn write(&mut self) -> Result<(), Failure> {
        print_bytes(escape(&std::mem::take(&mut self.text)).as_bytes())
    }
}
