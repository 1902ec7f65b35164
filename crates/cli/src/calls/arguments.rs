//! The command of a provider, with one subcommand for each of its calls.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches, Subcommand, value_parser};
use http::Method;
use identkit_wire::{BodyMode, Meta, RetrySafety};

use super::{Call, Provider};
use crate::connection::Connection;
use crate::help::CONNECTION;
use crate::providers::CALLABLE;
use crate::trace::TraceOptions;

/// The arguments of a call.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(super) provider: &'static Provider,
    pub(super) call: &'static Call,
    pub(super) base_url: String,
    /// The value of each credential and the file with it.
    pub(super) credentials: Vec<(Option<String>, Option<PathBuf>)>,
    /// The parameters of the path.
    pub(super) params: Vec<(&'static str, String)>,
    pub(super) body: Option<PathBuf>,
    pub(super) out: Option<PathBuf>,
    pub(super) force: bool,
    pub(super) yes: bool,
    pub(super) connection: Connection,
    pub(super) trace: TraceOptions,
}

/// The name of a call as a command, e.g. `create-case` for `createCase`.
pub(super) fn command_name(meta: &Meta) -> String {
    let mut name = String::new();
    let mut after_small = false;
    for letter in meta.name.chars() {
        if letter.is_ascii_uppercase() && after_small || !letter.is_ascii_alphanumeric() {
            name.push('-');
        }
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        }
        after_small = !letter.is_ascii_uppercase() && letter.is_ascii_alphanumeric();
    }
    name
}

/// The environment variable of an option of the provider, e.g. `IDENTKIT_ACME_API_KEY`.
pub(super) fn variable(provider: &Provider, option: &str) -> String {
    format!("IDENTKIT_{}_{option}", provider.name).to_uppercase().replace('-', "_")
}

/// Names of the parameters of the path.
fn params(meta: &'static Meta) -> impl Iterator<Item = &'static str> {
    meta.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// Whether the request can have a body.
pub(super) fn takes_body(meta: &Meta) -> bool {
    matches!(meta.method, Method::POST | Method::PUT | Method::PATCH)
}

/// Whether the response is a file.
pub(super) fn is_file(meta: &Meta) -> bool {
    !matches!(meta.body_mode, BodyMode::Whole { .. })
}

/// Whether the command asks for confirmation.
pub(super) fn must_confirm(meta: &Meta) -> bool {
    !matches!(meta.safety, RetrySafety::Safe | RetrySafety::Creating)
}

fn effect(meta: &Meta) -> &'static str {
    match meta.safety {
        RetrySafety::Safe => "Only reads",
        RetrySafety::DestructiveRead => "Reads what the vendor does not give a second time. Asks for confirmation",
        RetrySafety::IdempotentByEffect => "Changes something at the vendor. Asks for confirmation",
        RetrySafety::Creating => {
            "Creates something at the vendor, and it is never repeated. On exit code 6 it may exist"
        }
        RetrySafety::SideEffect => "Has an effect at the vendor, and it is never repeated. Asks for confirmation",
    }
}

fn value(name: impl Into<String>, option: String, value_name: &'static str) -> Arg {
    Arg::new(name.into()).long(option).value_name(value_name).help_heading(CONNECTION).global(true)
}

/// The command of a provider.
pub(super) fn command(provider: &'static Provider) -> Command {
    let base_url = value("base_url", "base-url".to_owned(), "URL")
        .env(variable(provider, "base_url"))
        .hide_env_values(true)
        .default_value(provider.base_url)
        .help("Base URL of the API; `http://` is accepted for loopback only");
    let mut command = Command::new(provider.name).subcommand_required(true).arg_required_else_help(true).arg(base_url);
    for credential in provider.credentials {
        let help = format!(
            "The {credential} of the account. Other users of the machine can read a command line: prefer the environment variable"
        );
        let file = format!("{credential}-file");
        command = command
            .arg(
                value(*credential, (*credential).to_owned(), "TEXT")
                    .env(variable(provider, credential))
                    .hide_env_values(true)
                    .help(help),
            )
            .arg(
                value(file.clone(), file.clone(), "FILE")
                    .env(variable(provider, &file))
                    .hide_env_values(true)
                    .value_parser(value_parser!(PathBuf))
                    .help(format!("File with the value of --{credential}")),
            );
    }
    // Adding options replaces the description.
    let command = TraceOptions::augment_args(Connection::augment_args(command)).about(provider.about);
    command.subcommands(provider.calls.iter().map(|call| subcommand(call.meta)))
}

fn subcommand(meta: &'static Meta) -> Command {
    let about = format!("{} {}. {}", meta.method, meta.path, effect(meta));
    let mut command = Command::new(command_name(meta)).about(about);
    for name in params(meta) {
        command = command.arg(Arg::new(name).value_name(name).required(true).help("Parameter of the path"));
    }
    let file = |name: &'static str, value_name| {
        Arg::new(name).long(name).value_name(value_name).value_parser(value_parser!(PathBuf))
    };
    let flag = |name: &'static str, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    if takes_body(meta) {
        command = command.arg(file("body", "FILE|-").help("The body in the vendor's format. `-` reads standard input"));
    }
    if is_file(meta) {
        let out = file("out", "FILE").short('o').required(true).help("New file for the document, once it is complete");
        command = command.arg(out).arg(flag("force", "Replaces the file if it exists"));
    }
    if must_confirm(meta) {
        command = command.arg(flag("yes", "Skips the question"));
    }
    command
}

impl Subcommand for Arguments {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands(CALLABLE.iter().copied().map(self::command))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        CALLABLE.iter().any(|provider| provider.name == name)
    }
}

impl FromArgMatches for Arguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let unknown = || clap::Error::new(ErrorKind::InvalidSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(unknown)?;
        let provider = CALLABLE.iter().copied().find(|provider| provider.name == name).ok_or_else(unknown)?;
        read(provider, matches)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Reads the arguments of a provider's command.
pub(super) fn read(provider: &'static Provider, matches: &ArgMatches) -> Result<Arguments, clap::Error> {
    let unknown = || clap::Error::new(ErrorKind::InvalidSubcommand);
    let (name, own) = matches.subcommand().ok_or_else(unknown)?;
    let call = provider.calls.iter().find(|call| command_name(call.meta) == name).ok_or_else(unknown)?;
    let path = |name: &str| own.try_get_one::<PathBuf>(name).ok().flatten().cloned();
    let flag = |name: &str| own.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or_default();
    let text = |matches: &ArgMatches, name: &str| matches.get_one::<String>(name).cloned();
    let credential = |name: &&str| (text(own, name), own.get_one::<PathBuf>(&format!("{name}-file")).cloned());
    Ok(Arguments {
        provider,
        call,
        base_url: text(own, "base_url").unwrap_or_default(),
        credentials: provider.credentials.iter().map(credential).collect(),
        params: params(call.meta).map(|name| (name, text(own, name).unwrap_or_default())).collect(),
        body: path("body"),
        out: path("out"),
        force: flag("force"),
        yes: flag("yes"),
        connection: Connection::from_arg_matches(own)?,
        trace: TraceOptions::from_arg_matches(own)?,
    })
}
