//! Input of commands: files, standard input, and answers to questions.

use std::fmt;
use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::marker::PhantomData;
use std::path::Path;

use identkit_core::{Error, Secret};
use identkit_wire::text::{TextFault, decode};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::exit::Failure;
use crate::output;
use crate::signals::{run_on_thread, until_stopped};
use identkit_files::cause;

/// Maximum size of an input in bytes.
const MAX_INPUT: u64 = 512 * 1024 * 1024;

/// Maximum size in bytes of a value on standard input.
const MAX_VALUE: u64 = 64 * 1024;

/// Maximum size of a text file in bytes, except JSON.
const MAX_TEXT: u64 = 16 * 1024 * 1024;

/// The content of a file or of standard input, without a byte order mark. It is not UTF-16.
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
    let is_standard = path.as_os_str() == "-";
    let name = if is_standard { "standard input".to_owned() } else { path.display().to_string() };
    let mut bytes = read_all(&name, (!is_standard).then_some(path), MAX_INPUT)?;
    if bytes.is_empty() {
        return Err(Failure::unsent(format!("{name} is empty: JSON is required")));
    }
    match decode(&bytes).map(str::len) {
        Ok(length) => drop(bytes.drain(..bytes.len().saturating_sub(length))),
        Err(TextFault::Utf16) => return Err(Failure::unsent(format!("{name} {}", TextFault::Utf16))),
        // The reader of JSON reports the position.
        Err(_) => {}
    }
    Ok(Input { name, bytes })
}

/// Reads a file, or standard input for `None`. `name` begins an error message.
fn read_all(name: &str, path: Option<&Path>, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match path {
        None => std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes),
        Some(path) => std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)),
    };
    let problem = match read {
        Err(error) => format!("cannot be read: {error}"),
        Ok(count) if count as u64 > limit => format!("is larger than {limit} bytes"),
        Ok(_) => return Ok(bytes),
    };
    Err(Failure::unsent(format!("{name} {problem}")))
}

/// Warns if other users can read a file with a secret.
pub(crate) fn warn_if_shared(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0) {
            let path = path.display();
            output::say(&format!("warning: other users of this machine can read {path}: make its mode 0600"));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Reads the file of an option as it is.
pub(crate) fn bytes_of(option: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let (name, path) = (format!("{option} {}", path.display()), path.to_owned());
    until_stopped(move || read_all(&name, Some(&path), MAX_TEXT))
}

/// Reads a text file of an option. An error does not quote the content, which may be secret.
pub(crate) fn text_of(option: &str, path: &Path) -> Result<Secret, Failure> {
    text(&format!("{option} {}", path.display()), &bytes_of(option, path)?)
}

/// Reads the text of a value from standard input. Line breaks at its end are not part of the value; blanks are. An error
/// does not quote it.
pub(crate) fn standard_text(value: &str) -> Result<Secret, Failure> {
    let name = format!("standard input (the value of {value})");
    let text = text(&name, &read_all(&name, None, MAX_VALUE)?)?;
    Ok(Secret::new(text.expose().trim_end_matches(['\r', '\n'])))
}

/// The text without a byte order mark. `name` begins an error message.
fn text(name: &str, bytes: &[u8]) -> Result<Secret, Failure> {
    decode(bytes).map(Secret::new).map_err(|fault| Failure::unsent(format!("{name} {fault}")))
}

/// Members of a JSON object, in their order and with every value of a name that occurs several times.
#[derive(Debug)]
pub(crate) struct Members<T>(pub(crate) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for All<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All(PhantomData))
    }
}

/// Reads a secret from a file of an option: one line. Line breaks at its end are not part of the secret.
pub(crate) fn secret_of(option: &str, path: &Path) -> Result<Secret, Failure> {
    let text = text_of(option, path)?;
    let line = text.expose().trim_end_matches(['\r', '\n']);
    match line {
        "" => Err(Failure::unsent(format!("{option} {} is empty", path.display()))),
        line if line.contains(char::is_control) => Err(Failure::unsent(format!(
            "{option} {} must contain one line without control characters",
            path.display()
        ))),
        line => Ok(Secret::new(line)),
    }
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
        .map_err(|error: std::io::Error| Failure::local(format!("cannot read the confirmation: {}", cause(&error))))?;
    if !line.ends_with('\n') {
        // Ctrl-D leaves the cursor on the line of the question.
        output::say("");
    }
    match line.trim().eq_ignore_ascii_case("yes") {
        true => Ok(()),
        false => Err(Failure::usage(format!("{not_done}: you did not type \"yes\""))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    #[test]
    fn a_secret_is_one_line_without_its_line_break() {
        for (content, secret) in [
            (&b"geheim"[..], "geheim"),
            (b"geheim\n", "geheim"),
            (b"geheim\r\n", "geheim"),
            (b"\xef\xbb\xbfgeheim\n\n", "geheim"),
            (b" ge heim \n", " ge heim "),
        ] {
            assert_eq!(secret_of("--x", file(content).path()).unwrap().expose(), secret, "{content:?}");
        }
        for (content, words) in [
            (&b""[..], "is empty"),
            (b"\xef\xbb\xbf\n", "is empty"),
            (b"geheim\ngeheim", "one line"),
            (b"geheim\x1b", "one line"),
            (b"\xff\xfeg\0", "is UTF-16: save it as UTF-8"),
            (b"g\0e\0", "is UTF-16: save it as UTF-8"),
            (b"geheim\xe9", "is not UTF-8"),
        ] {
            let failure = secret_of("--x", file(content).path()).unwrap_err();
            assert!(failure.sentence.contains(words) && failure.sentence.starts_with("--x "), "{}", failure.sentence);
            assert!(failure.code == 2 && !failure.sentence.contains("geheim"), "{}", failure.sentence);
        }
    }

    #[test]
    fn an_input_loses_its_byte_order_mark() {
        assert_eq!(read(file(b"\xef\xbb\xbf{}").path()).unwrap().bytes, b"{}");
        assert_eq!(read(file(b"{}").path()).unwrap().bytes, b"{}");
        for (content, words) in [(&b"{\0}\0"[..], "is UTF-16"), (b"", "is empty")] {
            let failure = read(file(content).path()).err().unwrap();
            assert!(failure.sentence.contains(words), "{}", failure.sentence);
        }
    }
}
