//! `identkit sandbox`.

mod arguments;
mod ca_file;
mod control;
mod hints;
mod last;
mod parent;
mod ready;
mod requests;
mod world_file;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use identkit_console::Console;
use identkit_core::Clock as _;
use identkit_mock_server::server::{self, Authority, ListenAddress};
use identkit_mock_server::{Mode, Sandbox, VirtualClock, World, Worlds};
use identkit_transport::SystemClock;
use jiff::Timestamp;

pub(crate) use self::arguments::Arguments;
use self::ca_file::CaFile;
pub(crate) use self::hints::Hints;
use self::last::LastStarted;
use self::parent::Parent;
use self::world_file::WorldFile;
use crate::exit::Failure;
use crate::output::{Format, print, say};
use crate::{network, signals};

/// Default start of a frozen clock, 2020-09-10T12:00:00Z: with it, the same seed always gives the same bytes.
const FROZEN_START: Timestamp = Timestamp::constant(1_599_739_200, 0);

/// How often a changed world is saved, in real time.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);

/// Limit of random seeds: JavaScript, which may read a seed from the ready line, rounds larger integers.
const MAX_SEED: u64 = 1 << 53;

/// Runs a sandbox, or controls a running one.
pub(crate) async fn run(options: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    match &options.control {
        Some(command) => control::run(command, format).await,
        None => serve(options).await,
    }
}

async fn serve(options: &Arguments) -> Result<ExitCode, Failure> {
    let parent = options.with_parent.then(Parent::current).transpose()?;
    let (mut file, saved) = options.world_file.as_deref().map(WorldFile::open).transpose()?.unzip();
    let sandbox = Sandbox::builder()
        .clock(clock(options, saved.as_ref().and_then(Option::as_ref)))
        .seed(options.seed.unwrap_or_else(|| fastrand::u64(..MAX_SEED)))
        .profile(options.profile.unwrap_or_default())
        .keep_cases(usize::try_from(options.keep_cases).unwrap_or(usize::MAX))
        .webhook_transport(network::webhooks(options.webhook_ca.as_deref())?)
        .pages(Arc::new(Console::new()));
    let sandbox = options.vendors.add_to(sandbox);
    let sandbox = match saved.flatten() {
        Some(world) => {
            ignored_options(options, &world).iter().for_each(|warning| say(warning));
            sandbox.world(world).start()
        }
        None => sandbox.start(),
    };
    // At the end the default world may be another one than at the start.
    let worlds = Worlds::from(&sandbox);
    options.vendors.apply(&sandbox);
    let saved_entries = sandbox.with_world(|world| world.journal.last());
    let authority = (!options.plain).then(|| authority(options)).transpose();
    let authority = authority.map_err(|error| Failure::local(format!("the certificate cannot be created: {error}")))?;
    let (listen, admin) = (place(options, options.listen), place(options, options.admin));
    let api = server::vendors_at(&worlds, listen, authority.as_ref());
    let api = api.await.map_err(|error| cannot_listen("--listen", options.listen, &error))?;
    let admin = server::admin_at(&worlds, admin);
    let admin = admin.await.map_err(|error| cannot_listen("--admin", options.admin, &error))?;
    let ca = authority.as_ref().map(|authority| CaFile::write(authority.pem(), options.write_ca.as_deref()));
    let ca = ca.transpose()?;
    // Before the ready line: a signal right after it must not leave the CA file behind.
    let signal = signals::listen()?;
    let stop = async move {
        let parent = async {
            match parent {
                Some(parent) => parent.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = signal => {}
            () = parent => {}
        }
    };

    for (flag, listening) in [("--listen", &api), ("--admin", &admin)] {
        if ListenAddress::reachable_by_others(listening.address()).is_reachable_by_others() {
            let risk = "anyone who can connect can use and change it, and make it send requests into your network";
            say(&format!("warning: {flag} {} is reachable from other machines: {risk}", listening.address()));
        }
    }
    let file_path = file.as_ref().map(|file| file.path.as_path());
    let ready = ready::line(&sandbox, &api.url(), &admin.url(), ca.as_ref().map(|ca| ca.path.as_path()), file_path);
    let started = SystemClock::new().wall().to_string();
    drop(sandbox);
    // Until the end of this function.
    let _last = LastStarted::write(&admin.url(), &started);
    print(&ready.to_string())?;
    if std::io::stderr().is_terminal() {
        ready::guide(&ready);
    }
    tokio::select! {
        biased;
        () = save_until_stopped(file.as_mut(), &worlds, stop) => {}
        () = requests::report(&worlds, saved_entries), if !options.quiet => {}
    }
    // Close the listeners first: the world must not change while it is saved.
    drop((api, admin));
    drop(ca);
    if let Some(file) = file {
        file.save(&worlds.default_world())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Saves the world regularly until the program is stopped, so that a killed process loses little.
async fn save_until_stopped(file: Option<&mut WorldFile>, worlds: &Worlds, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let Some(file) = file else {
        stop.await;
        return;
    };
    let (clock, mut warned) = (SystemClock::new(), false);
    loop {
        tokio::select! {
            biased;
            _ = &mut stop => return,
            _ = clock.sleep_until(clock.now().plus(SAVE_INTERVAL)) => {}
        }
        // Awaited here, so that the save at the end comes last. Several failures in a row give one warning.
        match file.save_changes(&worlds.default_world()).await {
            Ok(()) => warned = false,
            Err(failure) if !std::mem::replace(&mut warned, true) => {
                say(&format!("warning: {}", failure.sentence));
            }
            Err(_) => {}
        }
    }
}

/// A warning about the options that a world from a file ignores, if any are given.
fn ignored_options(options: &Arguments, world: &World) -> Option<String> {
    let given = [
        ("--seed", options.seed.is_some()),
        ("--start", options.start.is_some()),
        ("--profile", options.profile.is_some()),
    ];
    let given: Vec<&str> = given.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect();
    let (last, before) = given.split_last()?;
    let ignored = match before {
        [] => format!("{last} has no effect"),
        before => format!("{} and {last} have no effect", before.join(", ")),
    };
    let file = options.world_file.as_deref().unwrap_or(Path::new("")).display();
    let (now, seed, profile) = (world.now, world.seed(), world.profile.name());
    Some(format!(
        "warning: {ignored}: the world in {file} keeps its time ({now}), seed ({seed}) and profile ({profile})"
    ))
}

/// The clock of the sandbox. A world from a file continues at its own time.
fn clock(options: &Arguments, saved: Option<&World>) -> VirtualClock {
    let start = match (saved, options.start, options.clock) {
        (Some(world), _, _) => world.now,
        (None, Some(start), _) => start,
        (None, None, Mode::Frozen) => FROZEN_START,
        (None, None, _) => SystemClock::new().wall(),
    };
    let clock = VirtualClock::new(start);
    clock.set_mode(options.clock);
    clock
}

fn place(options: &Arguments, address: SocketAddr) -> ListenAddress {
    let place = if options.allow_non_loopback { ListenAddress::reachable_by_others(address) } else { address.into() };
    place.host_names(&options.tls_name)
}

/// Creates the certificate authority, for the names of --tls-name and the address of --listen.
fn authority(options: &Arguments) -> std::io::Result<Authority> {
    let address = Some(options.listen.ip()).filter(|ip| !ip.is_unspecified() && !ip.is_loopback());
    let names: Vec<String> =
        options.tls_name.iter().cloned().chain(address.map(|address| address.to_string())).collect();
    Authority::with_names(&names)
}

fn cannot_listen(flag: &str, address: SocketAddr, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::InvalidInput => Failure::usage(format!(
            "{flag} {address} cannot be used: {error}; to let other machines connect, add --allow-non-loopback"
        )),
        _ => Failure::local(format!(
            "the sandbox cannot listen on {address} ({flag}): {error}; choose another port, or port 0 for a free one"
        )),
    }
}
