//! `identkit sandbox`.

mod ca_file;
mod ready;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;

use identkit_core::{Clock as _, Secret};
use identkit_mock_server::server::{self, Authority, Place};
use identkit_mock_server::{Mode, Sandbox, VirtualClock, vendors};
use identkit_transport::SystemClock;
use jiff::Timestamp;

use self::ca_file::CaFile;
use crate::args::SandboxOptions;
use crate::exit::Failure;
use crate::{network, output, signals};

/// Where a frozen clock stands at first, 2020-09-10T12:00:00Z, so that the same seed gives the same bytes on every day.
const FROZEN: Timestamp = Timestamp::constant(1_599_739_200, 0);

/// Beyond this JavaScript does not tell whole numbers apart, and a seed is read from the ready line to be used again.
const EXACT: u64 = 1 << 53;

pub(crate) async fn run(options: &SandboxOptions) -> Result<ExitCode, Failure> {
    let sandbox = Sandbox::builder()
        .clock(clock(options))
        .seed(options.seed.unwrap_or_else(|| fastrand::u64(..EXACT)))
        .profile(options.profile)
        .webhooks_through(network::webhooks(options.webhook_ca.as_deref())?)
        .start();
    if let Some(url) = &options.identify24_webhook {
        let url = Secret::new(url.as_str());
        sandbox.with_world(|world| vendors::identify24::set_webhook(world, Some(url)));
    }
    let authority = match options.plain {
        true => None,
        false => {
            Some(authority(options).map_err(|error| Failure::local(format!("no certificate could be made: {error}")))?)
        }
    };
    let (listen, admin) = (place(options, options.listen), place(options, options.admin));
    let api = server::vendors_at(&sandbox, listen, authority.as_ref());
    let api = api.await.map_err(|error| cannot_listen("--listen", options.listen, &error))?;
    let admin = server::admin_at(&sandbox, admin);
    let admin = admin.await.map_err(|error| cannot_listen("--admin", options.admin, &error))?;
    let ca = match &authority {
        Some(authority) => Some(CaFile::write(authority.pem(), options.write_ca.as_deref())?),
        None => None,
    };
    // Before the ready line, so that nobody can end the sandbox between the two and leave a file behind.
    let ended = signals::ended()?;

    for (flag, listening) in [("--listen", &api), ("--admin", &admin)] {
        if Place::for_anybody(listening.address()).is_reachable_by_others() {
            let told =
                "whoever can reach it can use and change the sandbox, and have it call addresses of this network";
            output::say(&format!("warning: {flag} {} is open to others: {told}", listening.address()));
        }
    }
    let ready = ready::line(&sandbox, &api.url(), &admin.url(), ca.as_ref().map(|ca| ca.path.as_path()));
    output::print(&ready.to_string())?;
    if std::io::stderr().is_terminal() {
        ready::guide(&ready);
    }
    ended.await;
    drop(ca);
    Ok(ExitCode::SUCCESS)
}

fn clock(options: &SandboxOptions) -> VirtualClock {
    let start = match (options.start, options.clock) {
        (Some(start), _) => start,
        (None, Mode::Frozen) => FROZEN,
        (None, _) => SystemClock::new().wall(),
    };
    let clock = VirtualClock::new(start);
    clock.set_mode(options.clock);
    clock
}

fn place(options: &SandboxOptions, address: SocketAddr) -> Place {
    if options.allow_non_loopback { Place::for_anybody(address) } else { address.into() }
}

/// For the names that were asked for, and the address that is listened on, if it is one.
fn authority(options: &SandboxOptions) -> std::io::Result<Authority> {
    let address = Some(options.listen.ip()).filter(|ip| !ip.is_unspecified() && !ip.is_loopback());
    let names: Vec<String> =
        options.tls_name.iter().cloned().chain(address.map(|address| address.to_string())).collect();
    Authority::naming(&names)
}

fn cannot_listen(flag: &str, address: SocketAddr, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::InvalidInput => Failure::usage(format!(
            "{flag} {address} cannot be used: {error}; --allow-non-loopback opens it to whoever can reach it"
        )),
        _ => Failure::local(format!(
            "the sandbox cannot listen on {address} ({flag}): {error}; choose another port, or 0 for a free one"
        )),
    }
}
