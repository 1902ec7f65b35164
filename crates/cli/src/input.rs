//! Input of commands: files, standard input, and answers to questions.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

use identkit_core::Error;

use crate::exit::Failure;
use crate::output;
use crate::signals::run_on_thread;

/// Maximum size of an input in bytes.
const MAX_INPUT: u64 = 512 * 1024 * 1024;

/// The content of a file or of standard input.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Input {
    /// Reads a file, or standard input for `-`.
    pub(crate) async fn read(path: &Path) -> Result<Self, Failure> {
        let path = path.to_owned();
        run_on_thread(move || read(&path)).await?
    }

    /// The failure if the input cannot be parsed.
    pub(crate) fn unusable(&self, error: &Error) -> Failure {
        Failure::unsent(format!("{}: {}", self.name, error.detail()))
    }
}

fn read(path: &Path) -> Result<Input, Failure> {
    let mut bytes = Vec::new();
    let (name, read) = if path.as_os_str() == "-" {
        ("standard input".to_owned(), std::io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes))
    } else {
        let file = std::fs::File::open(path);
        (path.display().to_string(), file.and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes)))
    };
    let problem = match read {
        Err(error) => format!("cannot be read: {error}"),
        Ok(count) if count as u64 > MAX_INPUT => format!("is larger than {MAX_INPUT} bytes"),
        Ok(0) => "is empty: JSON is required".to_owned(),
        Ok(_) => return Ok(Input { name, bytes }),
    };
    Err(Failure::unsent(format!("{name} {problem}")))
}

/// Fails unless standard input is a terminal, which can answer a question.
pub(crate) fn require_terminal() -> Result<(), Failure> {
    match std::io::stdin().is_terminal() {
        true => Ok(()),
        false => Err(Failure::usage("cannot ask for confirmation without a terminal: to confirm, add --yes")),
    }
}

/// Asks for confirmation on the terminal, unless `yes` is true. `not_done` begins the message of a refusal.
pub(crate) async fn confirm(yes: bool, question: String, not_done: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    require_terminal()?;
    let read = run_on_thread(move || {
        let mut line = String::new();
        output::ask(&format!("{question} Type yes: ")).and_then(|()| std::io::stdin().lock().read_line(&mut line))?;
        Ok(line)
    });
    let line = read
        .await?
        .map_err(|error: std::io::Error| Failure::local(format!("cannot read the confirmation: {}", error.kind())))?;
    if !line.ends_with('\n') {
        // Ctrl-D leaves the cursor on the line of the question.
        output::say("");
    }
    match line.trim().eq_ignore_ascii_case("yes") {
        true => Ok(()),
        false => Err(Failure::usage(format!("{not_done}: you did not type \"yes\""))),
    }
}
