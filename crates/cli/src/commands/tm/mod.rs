//! `identkit tm`: identity.TM.

mod arguments;
mod cases;
mod client;
mod feed;
mod journal;
mod media;
mod names;
mod orders;
mod results;
mod sandbox;
mod signing;
mod webhooks;

use std::process::ExitCode;

use identkit_core::Clock;
use identkit_transport::SystemClock;

pub(crate) use self::arguments::Arguments;
use self::arguments::{Command, Order};
pub(crate) use self::cases::{OrderOpener, TmAccount};
pub(crate) use self::client::ORDER_ID;
use self::client::Tm;
pub(crate) use self::sandbox::HINTS;
pub(crate) use self::webhooks::WEBHOOKS;
use crate::context::Api;
use crate::exit::Failure;
use crate::output::Format;
use crate::save::existing;
use crate::values::window;

pub(crate) async fn run(arguments: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    let api = Api {
        base_url: &arguments.base_url,
        variable: "IDENTKIT_TM_BASE_URL",
        secret_ids: false,
        changes: arguments.command.changes(),
        is_probe: matches!(arguments.command, Command::Ping),
    };
    let tm = &Tm::new(arguments, api, &arguments.connection, &arguments.trace, format)?;
    let result = call(tm, &arguments.command).await;
    tm.finish(result, async { tm.server_status().await.map(drop) }).await.map(|()| ExitCode::SUCCESS)
}

async fn call(tm: &Tm<'_>, command: &Command) -> Result<(), Failure> {
    let id = |order: &Order| tm.order_id(order);
    match command {
        Command::PutOrder { file, ident_data_signed } => orders::put(tm, file, ident_data_signed.as_deref()).await,
        Command::Status { order, extended } => orders::status(tm, &id(order)?, *extended).await,
        Command::IdentData { order, signed: true, out, force, .. } => {
            results::signed_data(tm, &id(order)?, out.as_deref(), existing(*force)).await
        }
        Command::IdentData { order, encrypted: true, out: Some(out), force, .. } => {
            results::encrypted_data(tm, &id(order)?, out, existing(*force)).await
        }
        Command::IdentData { order, decrypted: Some(file), .. } => results::decrypted_data(tm, &id(order)?, file).await,
        Command::IdentData { order, include_initial_data, include_identify_method, .. } => {
            results::data(tm, &id(order)?, *include_initial_data, *include_identify_method).await
        }
        Command::IdentDataPdf { order, out, force, accept_damaged } => {
            results::report(tm, &id(order)?, out, existing(*force), accept_damaged).await
        }
        Command::EsignPdf { order, out, force, accept_damaged } => {
            results::documents(tm, &id(order)?, out, existing(*force), accept_damaged).await
        }
        Command::Delete { order, yes } => results::delete(tm, &id(order)?, *yes).await,
        Command::Cancel { order, yes } => signing::cancel(tm, &id(order)?, *yes).await,
        Command::EsignHash(order) => signing::hashes(tm, &id(order)?).await,
        Command::Video(command) => media::video(tm, command).await,
        Command::Voice { order, out, accept_damaged } => media::voice(tm, &id(order)?, out, accept_damaged).await,
        Command::Statuses { from, to, extended } => {
            feed::statuses(tm, window(*from, *to, SystemClock::new().wall())?, *extended).await
        }
        Command::DrainUnreported { journal, yes } => feed::drain(tm, journal, *yes).await,
        Command::Sign(command) => signing::sign(tm, command).await,
        Command::Banks => signing::banks(tm).await,
        Command::SignmeUser { email, email_file } => {
            signing::signme_user(tm, email.as_deref(), email_file.as_deref()).await
        }
        Command::Finality(order) => orders::finality(tm, &id(order)?).await,
        Command::Ping => orders::ping(tm).await,
    }
}
