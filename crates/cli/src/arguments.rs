//! The arguments of the program.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser};

use crate::commands::Command;
use crate::commands::run::config;
use crate::connection::empty_option;
use crate::exit::Failure;
use crate::help::{OUTPUT, with_texts};
use crate::levels;
use crate::output::{Format, exit, exit_with};

/// Verifies people's identities, and has documents signed, through German vendors.
#[derive(Debug, Parser)]
#[command(name = "identkit", version, max_term_width = 110)]
pub(crate) struct Arguments {
    /// Format of results on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, help_heading = OUTPUT)]
    pub(crate) output: Format,

    /// Shows the vendor's own error text. It may contain personal data, so by default it is left out.
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) show_vendor_text: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Returns the definition of all commands, with the texts of their help.
    pub(crate) fn definition() -> clap::Command {
        with_texts(Self::command(), "identkit", "")
    }

    /// Parses the command line. Exits on wrong usage, `--help` and `--version`.
    pub(crate) fn parse() -> Self {
        let given: Vec<_> = std::env::args_os().collect();
        let mut definition = Self::definition();
        let expanded = config::expand(&definition, &given);
        let expanded = expanded.map_err(|message| definition.error(ErrorKind::InvalidValue, message));
        let given = expanded.map(|expanded| expanded.unwrap_or(given));
        let matches = given.and_then(|given| {
            let matches = definition.try_get_matches_from_mut(given.clone())?;
            if let Some(option) = empty_option(&definition, &matches) {
                let message = format!("the value of {option} is empty: pass a value or leave it out");
                return Err(definition.error(ErrorKind::InvalidValue, message));
            }
            let contradiction = levels::contradiction(&definition, &matches, &given);
            contradiction.map_or(Ok(matches), |message| Err(definition.error(ErrorKind::ArgumentConflict, message)))
        });
        matches.and_then(|matches| Self::from_arg_matches(&matches)).unwrap_or_else(|error| {
            let error = without_value(error);
            if error.use_stderr() && wants_json() {
                let text = error.render().to_string();
                let text = text.trim().strip_prefix("error: ").unwrap_or(&text);
                exit_with(&Failure::usage(text).json(false).to_string(), 2);
            }
            exit(&error)
        })
    }
}

/// The error without a value that may be an id, a phone number, a TAN or a password. An argument that is not expected is
/// named by its position.
fn without_value(mut error: clap::Error) -> clap::Error {
    let kind = match error.kind() {
        ErrorKind::InvalidUtf8 => return not_utf8(error),
        // E.g. a number for --phone, or a store's URL with a password in an environment variable.
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if error.get(ContextKind::InvalidValue).is_some() => {
            error.insert(ContextKind::InvalidValue, ContextValue::String("(not shown)".to_owned()));
            return error;
        }
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return error,
    };
    let Some(ContextValue::String(found)) = error.get(kind).cloned() else { return error };
    let given: Vec<String> = std::env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    // An option can have its value in the same argument.
    let exact = given.iter().rposition(|given| *given == found);
    let position = exact.or_else(|| given.iter().position(|given| given.starts_with(&found))).map_or(0, |at| at + 1);
    error.insert(kind, ContextValue::String(format!("number {position}")));
    // It repeats the argument.
    error.remove(ContextKind::Suggested);
    error
}

/// The error about a text that is not UTF-8, with the name of its environment variable if it comes from one.
fn not_utf8(error: clap::Error) -> clap::Error {
    let variable = std::env::vars_os()
        .filter_map(|(name, value)| value.to_str().is_none().then(|| name.into_string().ok()).flatten())
        // A path need not be UTF-8.
        .find(|name| {
            name.starts_with("IDENTKIT_") && !["_FILE", "_DIR", "_CERT", "_KEY"].iter().any(|end| name.ends_with(end))
        });
    match variable {
        Some(name) if std::env::args_os().all(|argument| argument.to_str().is_some()) => {
            Arguments::command().error(ErrorKind::InvalidUtf8, format!("{name} is not UTF-8"))
        }
        _ => error,
    }
}

/// Whether the command line, which cannot be parsed, asks for JSON.
fn wants_json() -> bool {
    let arguments: Vec<_> = std::env::args_os().collect();
    let mut pairs = arguments.windows(2);
    arguments.iter().any(|argument| argument == "--output=json") || pairs.any(|pair| pair == ["--output", "json"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_valid() {
        Arguments::definition().debug_assert();
    }
}
