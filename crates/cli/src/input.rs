//! What a command is given to read.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

use identkit_core::Error;

use crate::exit::Failure;
use crate::output;
use crate::signals::on_own_thread;

/// The most that an input file may take, in bytes.
const INPUT: u64 = 512 * 1024 * 1024;

/// A file, or standard input.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Input {
    /// The bytes of a file, or of standard input for `-`.
    pub(crate) async fn read(path: &Path) -> Result<Self, Failure> {
        let path = path.to_owned();
        on_own_thread(move || read(&path)).await?
    }

    /// Why it cannot be read as what it should be.
    pub(crate) fn unusable(&self, error: &Error) -> Failure {
        Failure::unsent(format!("{}: {}", self.name, error.detail()))
    }
}

fn read(path: &Path) -> Result<Input, Failure> {
    let mut bytes = Vec::new();
    let (name, read) = if path.as_os_str() == "-" {
        ("standard input".to_owned(), std::io::stdin().lock().take(INPUT + 1).read_to_end(&mut bytes))
    } else {
        let file = std::fs::File::open(path);
        (path.display().to_string(), file.and_then(|file| file.take(INPUT + 1).read_to_end(&mut bytes)))
    };
    let told = match read {
        Err(error) => format!("cannot be read: {error}"),
        Ok(count) if count as u64 > INPUT => format!("is larger than {INPUT} bytes"),
        Ok(0) => "is empty where JSON was expected".to_owned(),
        Ok(_) => return Ok(Input { name, bytes }),
    };
    Err(Failure::unsent(format!("{name} {told}")))
}

/// Whether a question can be asked; a script must say `--yes`.
pub(crate) fn can_ask() -> Result<(), Failure> {
    match std::io::stdin().is_terminal() {
        true => Ok(()),
        false => Err(Failure::usage("what cannot be undone is asked on a terminal only: a script says --yes")),
    }
}

/// Asks on a terminal, unless `yes` answers already. `undone` is what the refusal says.
pub(crate) async fn confirm(yes: bool, question: String, undone: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    can_ask()?;
    let read = on_own_thread(move || {
        let mut line = String::new();
        output::ask(&format!("{question} Type yes: ")).and_then(|()| std::io::stdin().lock().read_line(&mut line))?;
        Ok(line)
    });
    let line = read
        .await?
        .map_err(|error: std::io::Error| Failure::local(format!("the answer could not be read: {}", error.kind())))?;
    if !line.ends_with('\n') {
        // Ctrl-D leaves the cursor behind the question.
        output::say("");
    }
    match line.trim().eq_ignore_ascii_case("yes") {
        true => Ok(()),
        false => Err(Failure::usage(format!("{undone}: it was not agreed to"))),
    }
}
