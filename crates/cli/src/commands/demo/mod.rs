//! `identkit demo`: a collector works on a case of each vendor, over TLS against a built-in sandbox.
//!
//! Sockets, TLS, webhooks, store and files are real; only the vendors are mocks. A failed check ends the demo.

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
use self::stage::{MockVendors, Stage};
use crate::account::WebhookBase;
use crate::exit::Failure;
use crate::output::Format;

pub(crate) async fn run(options: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    let report = Report::new(format);
    let mut folder = Folder::create(&options.out).await?;
    let outcome = play(&mut folder, &report, options.breaks == Some(Break::Receiver)).await;
    report.finish(outcome, &folder)
}

/// Plays the cases of all vendors, until a check fails.
async fn play(folder: &mut Folder, report: &Report, break_receiver: bool) -> Result<(), Failure> {
    let (vendors, base) = (MockVendors::start(report).await?, WebhookBase::default());
    let (first, order) = identity_tm::prepare(&vendors, &base, folder, report).await?;
    let (second, ident) = identify24::prepare(&vendors, folder, report).await?;
    let mut stage = Stage::build(vendors, [first, second], &base, folder, report).await?;
    identify24::set_webhook(&stage, &base).await?;
    if stage.play(&order, break_receiver, folder).await? {
        stage.play(&ident, false, folder).await?;
    }
    Ok(())
}
