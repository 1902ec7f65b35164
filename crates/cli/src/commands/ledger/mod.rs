//! `identkit ledger`: the deletion ledger of a store.

mod csv;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use identkit_collector::read_deletions;
use identkit_core::{Error, Kind};
use identkit_store::Deletion;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::hex::hex;
use crate::json_array::JsonArray;
use crate::output::{Format, print_bytes};
use crate::store::{Missing, StoreArguments};
use crate::text::escape;

/// Exports the ledger of the deletions at the vendors.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Export(ExportArguments),
}

/// Writes all deletions, oldest first. They contain no personal data.
#[derive(Debug, Args)]
struct ExportArguments {
    #[command(flatten)]
    store: StoreArguments,

    /// Format of the export. [default: json with --output json, otherwise csv]
    #[arg(long, value_enum)]
    format: Option<ExportFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// Comma-separated values as in RFC 4180, with a header. A line has the hashes separated by blanks.
    Csv,
    /// One JSON array.
    Json,
}

pub(crate) async fn run(arguments: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    let Command::Export(arguments) = &arguments.command;
    let by_output = if format == Format::Json { ExportFormat::Json } else { ExportFormat::Csv };
    let store = arguments.store.open(Missing::Fail).await?;
    // The failure of a write passes through the reader, which has its own errors.
    let mut failed = None;
    let mut writer = Writer::new(arguments.format.unwrap_or(by_output));
    let read = read_deletions(&store, |deletion| {
        writer.write(&deletion).map_err(|failure| {
            failed = Some(failure);
            Error::new(Kind::Storage, "the export was not written")
        })
    });
    let read = read.await;
    if let Some(failure) = failed {
        return Err(failure);
    }
    read?;
    writer.end().map(|()| ExitCode::SUCCESS)
}

enum Writer {
    Csv { text: String },
    Json(JsonArray),
}

impl Writer {
    fn new(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Csv => {
                Self::Csv { text: csv::line(&["at", "actor", "subject", "hashes"].map(str::to_owned)) }
            }
            ExportFormat::Json => Self::Json(JsonArray::default()),
        }
    }

    fn write(&mut self, deletion: &Deletion) -> Result<(), Failure> {
        match self {
            Self::Json(array) => array.push(&to_json(deletion)),
            Self::Csv { text } => {
                let hashes: Vec<String> = deletion.hashes.iter().map(|hash| hex(hash)).collect();
                let (at, actor) = (deletion.at.to_string(), deletion.actor.clone());
                text.push_str(&csv::line(&[at, actor, deletion.subject.clone(), hashes.join(" ")]));
                flush(text, 64 * 1024)
            }
        }
    }

    fn end(self) -> Result<(), Failure> {
        match self {
            Self::Json(array) => array.end(),
            Self::Csv { mut text } => flush(&mut text, 0),
        }
    }
}

fn flush(text: &mut String, limit: usize) -> Result<(), Failure> {
    match text.len() > limit {
        true => print_bytes(escape(&std::mem::take(text)).as_bytes()),
        false => Ok(()),
    }
}

fn to_json(deletion: &Deletion) -> Value {
    json!({
        "at": deletion.at.to_string(),
        "actor": deletion.actor,
        "subject": deletion.subject,
        "hashes": deletion.hashes.iter().map(|hash| hex(hash)).collect::<Vec<_>>(),
    })
}
