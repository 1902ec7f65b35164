//! `identkit state`: the records of requests that must not be repeated.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use identkit_wire::encode_base64;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::output::{Format, Page, prevent_wrapping, print_bytes, say, table, unwritten};
use crate::providers::ID_KINDS;
use crate::state::{Entry, Phase, StateDirectory, can_hold_id};
use crate::text::{id, plain};

/// Lists, shows and deletes the records of requests that must not be repeated.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    state: StateDirectory,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the records, oldest first.
    List {
        /// Lists open records only: the outcome is unknown, or the result was not delivered.
        #[arg(long)]
        open: bool,
    },
    /// Shows a record with the vendor's response.
    Show {
        /// Name of the record, as `list` prints it.
        name: String,
        /// Prints only the body of the response, byte for byte.
        #[arg(long)]
        body: bool,
    },
    /// Deletes all closed records, or those that are named.
    Purge {
        /// Names of records to delete, also open ones. Default: all closed records.
        names: Vec<String>,
    },
}

pub(crate) fn run(arguments: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    let directory = arguments.state.path()?;
    match &arguments.command {
        Command::List { open } => list(&directory, *open, format),
        Command::Show { name, body } => show(&find(&directory, name)?, *body, format),
        Command::Purge { names } => purge(&directory, names, format),
    }
    .map(|()| ExitCode::SUCCESS)
}

fn unreadable(directory: &Path, error: &io::Error) -> Failure {
    Failure::local(format!("the records in {} cannot be read: {error}", directory.display()))
}

fn all(directory: &Path) -> Result<Vec<Entry>, Failure> {
    Entry::read_all(directory).map_err(|error| unreadable(directory, &error))
}

fn find(directory: &Path, name: &str) -> Result<Entry, Failure> {
    let found = all(directory)?.into_iter().find(|entry| entry.name() == name);
    found.ok_or_else(|| {
        Failure::usage(format!("{} has no record {}: identkit state list", directory.display(), plain(name)))
    })
}

/// The state of a record as a word.
fn word(entry: &Entry) -> &'static str {
    if entry.running { "running" } else { entry.phase.word() }
}

fn is_open(entry: &Entry) -> bool {
    entry.running || !entry.phase.is_closed()
}

/// The names of a record, with the ids in a response whose command was killed before it recorded them.
fn names(entry: &Entry) -> Vec<(String, String)> {
    let mut names = entry.names.clone();
    for kind in ID_KINDS.iter().filter(|kind| !entry.names.iter().any(|(name, _)| name == kind.name)) {
        let ids = kind.in_record(entry);
        if !ids.is_empty() {
            names.push((kind.name.to_owned(), ids.join(", ")));
        }
    }
    names
}

fn summary(entry: &Entry) -> Value {
    let names: BTreeMap<String, String> = names(entry).into_iter().collect();
    json!({
        "name": entry.name(),
        "path": entry.path.display().to_string(),
        "at": entry.at,
        "provider": entry.provider,
        "operation": entry.operation,
        "state": word(entry),
        "open": is_open(entry),
        "names": names,
        "http_status": entry.status,
    })
}

fn list(directory: &Path, open: bool, format: Format) -> Result<(), Failure> {
    let mut entries = all(directory)?;
    let total = entries.len();
    entries.retain(|entry| !open || is_open(entry));
    let records: Vec<Value> = entries.iter().map(summary).collect();
    let json = json!({ "directory": directory.display().to_string(), "records": records });
    format.show(&json, |page| {
        if entries.is_empty() {
            let what = match (total, directory.exists()) {
                (0, false) => format!("no records: the directory {} does not exist", directory.display()),
                (0, true) => format!("no records in {}", directory.display()),
                _ => format!("no open records ({total} closed) in {}", directory.display()),
            };
            return page.line(what);
        }
        let header = ["Name", "Operation", "State", "Ids"];
        let mut table = table(&header);
        for entry in &entries {
            let names: Vec<String> = names(entry).iter().map(|(key, value)| format!("{key} {}", id(value))).collect();
            table.add_row([
                plain(&entry.name()),
                plain(&entry.operation),
                word(entry).to_owned(),
                plain(&names.join(", ")),
            ]);
        }
        prevent_wrapping(&mut table, &header, &["Name"]);
        page.table(table);
        if entries.iter().any(is_open) {
            page.note("find out what the vendor did before you repeat an open request: identkit state show NAME");
        }
    })
}

fn show(entry: &Entry, body: bool, format: Format) -> Result<(), Failure> {
    if body {
        if !entry.recorded {
            say("note: a part of the response is not recorded");
        }
        return print_bytes(&entry.body);
    }
    let mut json = summary(entry);
    if let Some(members) = json.as_object_mut() {
        let headers: Vec<Value> = entry.headers.iter().map(|(name, value)| json!([name, value])).collect();
        members.insert("headers".into(), headers.into());
        members.insert("complete".into(), entry.complete.into());
        members.insert("recorded".into(), entry.recorded.into());
        members.insert("base64".into(), encode_base64(&entry.body).into());
        members.insert("text".into(), String::from_utf8_lossy(&entry.body).into());
        let earlier = entry.earlier.iter().map(|earlier| {
            json!({
                "http_status": earlier.status,
                "complete": earlier.complete,
                "recorded": earlier.recorded,
                "base64": encode_base64(&earlier.body),
                "text": String::from_utf8_lossy(&earlier.body),
            })
        });
        members.insert("earlier".into(), earlier.collect());
    }
    format.show(&json, |page| {
        let mut rows = vec![
            ("file".to_owned(), entry.path.display().to_string()),
            ("started".to_owned(), plain(&entry.at)),
            ("operation".to_owned(), plain(&format!("{} ({})", entry.operation, entry.provider))),
            ("state".to_owned(), format!("{}: {}", word(entry), meaning(entry))),
        ];
        rows.extend(names(entry).iter().map(|(key, value)| (plain(key), id(value))));
        for earlier in &entry.earlier {
            let size = size(&earlier.body, earlier.complete, earlier.recorded);
            rows.push(("earlier response".to_owned(), format!("HTTP status {}, {size}", earlier.status)));
        }
        rows.extend(entry.status.map(|status| ("HTTP status".to_owned(), status.to_string())));
        if entry.status.is_some() || !entry.recorded {
            rows.push(("response".to_owned(), size(&entry.body, entry.complete, entry.recorded)));
        }
        let headers = entry.headers.iter().filter(|(name, _)| can_hold_id(name));
        rows.extend(headers.map(|(name, value)| (format!("header {}", plain(name)), id(value))));
        page.pairs(rows);
        for earlier in &entry.earlier {
            page.line(format!("The response with status {} to an earlier attempt:", earlier.status));
            show_body(page, &earlier.body, "--output json shows it in Base64");
        }
        if entry.status.is_some() && !entry.earlier.is_empty() {
            page.line("The last response:");
        }
        show_body(page, &entry.body, &format!("identkit state show {} --body | gzip -d decodes it", entry.name()));
    })
}

/// Shows a body as text; `decoding` says how to read one in gzip, which is recorded as received (AT-90).
fn show_body(page: &mut Page, body: &[u8], decoding: &str) {
    if body.starts_with(b"\x1f\x8b") {
        return page.line(format!("The body is in gzip: {decoding}."));
    }
    String::from_utf8_lossy(body).lines().for_each(|line| page.line(plain(line)));
}

/// The size of a body in words.
fn size(body: &[u8], complete: bool, recorded: bool) -> String {
    match (recorded, complete, body.len()) {
        (true, true, length) => format!("{length} bytes"),
        (true, false, length) => format!("{length} bytes, incomplete"),
        (false, _, 0) => "not recorded".to_owned(),
        (false, _, length) => format!("{length} bytes, the rest is not recorded"),
    }
}

/// What the state of a record means.
fn meaning(entry: &Entry) -> &'static str {
    if entry.running {
        return "the command is still running";
    }
    match entry.phase {
        Phase::Unsent => "nothing was sent",
        Phase::Unanswered => "the request may have been sent; the command ended before a response",
        Phase::Answered => "the vendor responded; the command ended before it showed the result",
        Phase::Done => "the result was shown",
        Phase::Refused => "the vendor rejected the request",
        Phase::Unknown => "the vendor may have executed the request",
        Phase::Undelivered => "the request succeeded, but the result could not be shown",
        Phase::Damaged => "the file is not a complete record",
    }
}

fn purge(directory: &Path, names: &[String], format: Format) -> Result<(), Failure> {
    let chosen: Vec<Entry> = if names.is_empty() {
        all(directory)?.into_iter().filter(|entry| !is_open(entry)).collect()
    } else {
        names.iter().map(|name| find(directory, name)).collect::<Result<_, _>>()?
    };
    if let Some(running) = chosen.iter().find(|entry| entry.running) {
        return Err(Failure::usage(format!("{} is not deleted: its command is running", running.name())));
    }
    let mut deleted: Vec<(PathBuf, String)> = Vec::new();
    let mut failure = None;
    for entry in chosen {
        match std::fs::remove_file(&entry.path) {
            Ok(()) => {
                let what = format!("deleted {} ({}, {})", entry.name(), entry.operation, word(&entry));
                deleted.push((entry.path, what));
            }
            Err(error) => {
                failure = Some(Failure::local(format!("{} cannot be deleted: {error}", entry.path.display())));
                break;
            }
        }
    }
    let paths: Vec<String> = deleted.iter().map(|(path, _)| path.display().to_string()).collect();
    let shown = format.write(&json!({ "deleted": paths }), |page| {
        if deleted.is_empty() {
            page.line("nothing to delete: no record is closed");
        }
        deleted.iter().for_each(|(_, what)| page.line(plain(what)));
    });
    shown.map_err(|error| Failure::local(unwritten(&error)))?;
    failure.map_or(Ok(()), Err)
}
