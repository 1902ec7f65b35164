//! `identkit demo`: both vendors' typical flow over TLS against a built-in sandbox.
//!
//! Sockets, TLS, webhooks and files are real; only the vendors are mocks. A failed check ends the demo.

mod arguments;
mod files;
mod identify24;
mod identity_tm;
mod report;
mod stage;

use std::process::ExitCode;

pub(crate) use self::arguments::Arguments;
use self::arguments::Break;
use self::files::Folder;
use self::report::Report;
use crate::exit::Failure;
use crate::output::Format;

pub(crate) async fn run(options: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    let mut report = Report::new(format);
    let folder = Folder::create(&options.out)?;
    let mut stage = stage::build(folder, &mut report).await?;
    let mut outcome = identity_tm::play(&mut stage, &mut report, options.breaks == Some(Break::Receiver)).await;
    if outcome.is_ok() {
        outcome = identify24::play(&mut stage, &mut report).await;
    }
    report.finish(outcome, &stage.folder)
}
