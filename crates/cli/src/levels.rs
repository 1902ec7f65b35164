//! Options that contradict each other before and after the name of a subcommand, e.g. `tm --no-state put-order --state DIR`.
//!
//! clap compares the options of one command only. Of an option of several commands it takes the last value, without an error.

use std::borrow::Cow;
use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// The message about two options, or two values of one, that contradict each other. `given` is the whole command line.
pub(crate) fn contradiction(command: &Command, matches: &ArgMatches, given: &[OsString]) -> Option<String> {
    let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let options = || command.get_arguments().filter(|arg| arg.is_global_set() && is_given(arg.get_id().as_str()));
    let conflict = options().find_map(|arg| {
        let others = command.get_arg_conflicts_with(arg);
        let other = others.into_iter().find(|other| is_given(other.get_id().as_str()))?;
        Some(format!("{} cannot be used with {}", name(arg), name(other)))
    });
    let lost_value = || {
        let arg = options().filter(|arg| arg.get_action().takes_values()).find(|arg| {
            let used: Vec<_> = matches.get_raw(arg.get_id().as_str()).into_iter().flatten().collect();
            values(&name(arg), given).iter().any(|value| used.iter().all(|used| used.to_string_lossy() != *value))
        })?;
        let name = name(arg);
        Some(format!(
            "{name} is given before and after the name of a subcommand, with different values: pass it in one place only"
        ))
    };
    let below = || {
        let (name, matches) = matches.subcommand()?;
        contradiction(command.find_subcommand(name)?, matches, given)
    };
    conflict.or_else(lost_value).or_else(below)
}

fn name(arg: &Arg) -> String {
    format!("--{}", arg.get_long().unwrap_or_default())
}

/// The values of an option on a command line that clap accepted: there, the name of an option is never a value.
fn values(name: &str, given: &[OsString]) -> Vec<String> {
    let options = given.iter().take_while(|argument| *argument != "--").map(|argument| argument.to_string_lossy());
    let next = given.iter().skip(1).map(|value| value.to_string_lossy());
    let pairs = options.zip(next.chain(std::iter::once("".into())));
    let value = |(argument, next): (Cow<'_, str>, Cow<'_, str>)| match argument.strip_prefix(name)? {
        "" => Some(next.into_owned()),
        value => value.strip_prefix('=').map(str::to_owned),
    };
    pairs.filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_an_option_has_its_value() {
        let line = "identkit tm --state A put-order --state=B --state-x=C --no-state --state=D=E -- --state F";
        let given: Vec<OsString> = line.split(' ').map(Into::into).collect();
        assert_eq!(values("--state", &given), ["A", "B", "D=E"]);
    }
}
