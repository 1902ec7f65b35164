//! Values that can be given as an option, on standard input, in a file, or at a prompt.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use identkit_core::Secret;

use crate::exit::Failure;
use crate::input::{secret_of, standard_text};
use crate::output;
use crate::signals::run_on_thread;
use identkit_files::cause;

/// The ways to give a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    /// Name of the value, e.g. `--tan`.
    pub(crate) option: &'static str,
    /// The option for a file, e.g. `--tan-file`.
    pub(crate) file: &'static str,
    /// What the prompt asks for.
    pub(crate) prompt: &'static str,
}

/// The value of an option (`-` reads standard input), of a file, or typed at a prompt. Line breaks at its end are not part
/// of it. Nothing else is removed: a value with blanks around it is used unchanged, or rejected.
pub(crate) async fn value(option: Option<&str>, file: Option<&Path>, ways: Ways) -> Result<Secret, Failure> {
    let text = match (option, file) {
        (Some("-"), _) => run_on_thread(move || standard_text(ways.option)).await??,
        (Some(text), _) => return Ok(Secret::new(text)),
        (None, Some(path)) => secret_of(ways.file, path)?,
        (None, None) if std::io::stdin().is_terminal() => run_on_thread(move || ask(ways)).await??,
        (None, None) => {
            let Ways { option, file, .. } = ways;
            return Err(Failure::usage(format!(
                "{option} is missing: pass it, pass - to read it from standard input, or pass {file} FILE"
            )));
        }
    };
    if text.expose().trim().is_empty() {
        return Err(Failure::unsent(format!("the value of {} is empty", ways.option)));
    }
    Ok(text)
}

fn ask(ways: Ways) -> Result<Secret, Failure> {
    let mut line = String::new();
    let read = output::ask(&format!("{}: ", ways.prompt)).and_then(|()| std::io::stdin().lock().read_line(&mut line));
    match read {
        Ok(_) => Ok(Secret::new(line.trim_end_matches(['\r', '\n']))),
        Err(error) => Err(Failure::unsent(format!("{} cannot be read: {}", ways.option, cause(&error)))),
    }
}
