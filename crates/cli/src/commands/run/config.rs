//! `--config FILE`: options from a TOML file. They are inserted into the command line, so that they mean the same.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use toml::{Table, Value};

use crate::misspelled::nearest;

/// Name of the command that has the option.
const COMMAND: &str = "run";

/// Maximum size of the file in bytes. A device can be endless.
const MAX: u64 = 1024 * 1024;

/// Options that a file cannot have.
const EXCLUDED: [&str; 3] = ["config", "check", "help"];

/// Inserts the options of the file into a command line. `None` if it names no file.
///
/// # Errors
/// A message if the file cannot be used.
pub(crate) fn expand(command: &Command, given: &[OsString]) -> Result<Option<Vec<OsString>>, String> {
    let Some(at) = given.iter().position(|argument| argument == COMMAND) else { return Ok(None) };
    let (before, own) = given.split_at(at + 1);
    let Some(file) = file(own) else { return Ok(None) };
    let Some(command) = command.find_subcommand(COMMAND) else { return Ok(None) };
    let name = Path::new(&file).display().to_string();
    let text = read(&file).map_err(|error| format!("--config {name} cannot be read: {error}"))?;
    let options = options(command, &text, own).map_err(|why| format!("--config {name}: {why}"))?;
    Ok(Some([before, &options, own].concat()))
}

/// Reads the file.
fn read(file: &OsStr) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 {
        len if len > MAX => Err(io::Error::other("it is longer than 1 MiB, so it is not a configuration")),
        _ => Ok(text),
    }
}

/// The value of `--config`.
fn file(own: &[OsString]) -> Option<OsString> {
    let mut arguments = own.iter().take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().cloned();
        }
        if let Some(value) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(value.into());
        }
    }
    None
}

/// The options of a file that neither the command line nor a variable gives.
fn options(command: &Command, text: &str, own: &[OsString]) -> Result<Vec<OsString>, String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // The message can quote a secret, the place cannot.
        let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
        format!("it is not valid TOML (line {})", line.unwrap_or(1))
    })?;
    let known: Vec<_> = command
        .get_arguments()
        .filter_map(|argument| Some((argument.get_long()?, argument)))
        .filter(|(name, _)| !EXCLUDED.contains(name))
        .collect();
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let mut options = Vec::new();
    for (key, value) in &table {
        let Some((name, argument)) = known.iter().find(|(name, _)| *name == key.as_str()) else {
            let advice = nearest(key, &names).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            return Err(format!("it has the unknown key {key:?}{advice}"));
        };
        // Only one of two options declares that it excludes the other.
        let excludes = |one: &Arg, other: &Arg| {
            command.get_arg_conflicts_with(one).iter().any(|excluded| excluded.get_id() == other.get_id())
        };
        let excluded = |other: &&&Arg| excludes(argument, other) || excludes(other, argument);
        let others = known.iter().map(|(_, other)| other).filter(excluded).filter_map(|other| other.get_long());
        let wins = others.chain([*name]).any(|name| is_given(own, name));
        let has_variable =
            argument.get_env().is_some_and(|name| std::env::var_os(name).is_some_and(|it| !it.is_empty()));
        let values = values(name, value, argument.get_action())?;
        if !wins && !has_variable {
            options.extend(values);
        }
    }
    Ok(options)
}

/// Whether a command line has an option.
fn is_given(own: &[OsString], name: &str) -> bool {
    own.iter().take_while(|argument| *argument != "--").any(|argument| {
        let rest = argument.to_str().and_then(|text| text.strip_prefix("--")?.strip_prefix(name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    })
}

/// The arguments of a value.
fn values(name: &str, value: &Value, action: &ArgAction) -> Result<Vec<OsString>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(format!("--{name}={text}").into()),
        Value::Integer(number) => Some(format!("--{name}={number}").into()),
        Value::Float(number) => Some(format!("--{name}={number}").into()),
        _ => None,
    };
    let (arguments, form) = match (action, value) {
        (ArgAction::SetTrue, Value::Boolean(true)) => (Some(vec![format!("--{name}").into()]), ""),
        (ArgAction::SetTrue, Value::Boolean(false)) => (Some(Vec::new()), ""),
        (ArgAction::SetTrue, _) => (None, "true or false"),
        (ArgAction::Append, Value::Array(items)) => (items.iter().map(one).collect(), "a list of texts"),
        (ArgAction::Append, value) => (one(value).map(|value| vec![value]), "a text or a list of texts"),
        (_, value) => (one(value).map(|value| vec![value]), "a text or a number"),
    };
    arguments.ok_or_else(|| format!("{name} must be {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        Command::new("identkit").subcommand(
            Command::new(COMMAND)
                .arg(Arg::new("store").long("store"))
                .arg(Arg::new("lease").long("lease"))
                .arg(Arg::new("config").long("config"))
                .arg(Arg::new("provider").long("provider").action(ArgAction::Append))
                .arg(Arg::new("delete-after").long("delete-after").conflicts_with("no-delete"))
                .arg(flag("no-delete"))
                .arg(flag("video")),
        )
    }

    fn expanded(text: &str, more: &str) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let line = format!("identkit run --config {path}{more}");
        let given: Vec<OsString> = line.split(' ').map(Into::into).collect();
        let all = expand(&command(), &given).map_err(|why| why.replace(&path, "FILE"))?.unwrap();
        let texts: Vec<String> = all.iter().map(|argument| argument.to_str().unwrap().replace(&path, "FILE")).collect();
        Ok(texts.join(" "))
    }

    #[test]
    fn a_file_says_the_same_as_options() {
        let text = "store = \"sqlite:a.db\"\nlease = \"10s\"\nprovider = [\"tm\", \"identify24\"]\nvideo = true\nno-delete = false";
        let all = expanded(text, "").unwrap();
        for option in ["--store=sqlite:a.db", "--lease=10s", "--provider=tm --provider=identify24", "--video"] {
            assert!(all.contains(option), "{all}");
        }
        assert!(all.starts_with("identkit run ") && all.ends_with(" --config FILE"), "{all}");
        assert!(!all.contains("--no-delete"), "{all}");
    }

    #[test]
    fn an_option_on_the_command_line_wins() {
        let text = "lease = \"10s\"\nprovider = \"tm\"\ndelete-after = \"1d\"";
        let all = expanded(text, " --lease=5s --provider identify24 --no-delete").unwrap();
        assert_eq!(all, "identkit run --config FILE --lease=5s --provider identify24 --no-delete");
        assert_eq!(
            expanded("no-delete = true", " --delete-after 1d").unwrap(),
            "identkit run --config FILE --delete-after 1d"
        );
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        assert_eq!(
            expanded("stroe = \"x\"", "").unwrap_err(),
            "--config FILE: it has the unknown key \"stroe\"; did you mean store?"
        );
        assert!(expanded("zzzzzzzz = 1", "").unwrap_err().ends_with("unknown key \"zzzzzzzz\""));
        assert!(expanded("check = true", "").unwrap_err().contains("unknown key"));
    }

    #[test]
    fn a_value_of_another_type_is_an_error_without_the_value() {
        for (text, words) in [
            ("video = \"geheim\"", "video must be true or false"),
            ("store = [\"geheim\"]", "store must be a text or a number"),
            ("provider = [[\"geheim\"]]", "provider must be a list of texts"),
            ("a = 1\nstore = geheim", "not valid TOML (line 2)"),
        ] {
            let error = expanded(text, "").unwrap_err();
            assert!(error.contains(words) && !error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn without_the_option_nothing_changes() {
        let given: Vec<OsString> = ["identkit", "run", "--", "--config", "x"].map(Into::into).to_vec();
        assert_eq!(expand(&command(), &given), Ok(None));
        assert_eq!(expand(&command(), &["identkit".into(), "listen".into()]), Ok(None));
    }
}
