//! `identkit sandbox`.

mod arguments;
mod ca_file;
mod ready;
mod world_file;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use identkit_core::{Clock as _, Secret};
use identkit_mock_server::server::{self, Authority, Place};
use identkit_mock_server::{Mode, Sandbox, VirtualClock, World, Worlds, vendors};
use identkit_transport::SystemClock;
use jiff::Timestamp;

pub(crate) use self::arguments::Arguments;
use self::ca_file::CaFile;
use self::world_file::WorldFile;
use crate::exit::Failure;
use crate::output::{print, say};
use crate::{network, signals};

/// Where a frozen clock stands at first, 2020-09-10T12:00:00Z, so that the same seed gives the same bytes on every day.
const FROZEN: Timestamp = Timestamp::constant(1_599_739_200, 0);

/// How often a world is saved in which something happened, in real time.
const SAVED_EVERY: Duration = Duration::from_secs(5);

/// Beyond this JavaScript does not tell whole numbers apart, and a seed is read from the ready line to be used again.
const EXACT: u64 = 1 << 53;

pub(crate) async fn run(options: &Arguments) -> Result<ExitCode, Failure> {
    let (mut file, found) = options.world_file.as_deref().map(WorldFile::open).transpose()?.unzip();
    let sandbox = Sandbox::builder()
        .clock(clock(options, found.as_ref().and_then(Option::as_ref)))
        .seed(options.seed.unwrap_or_else(|| fastrand::u64(..EXACT)))
        .profile(options.profile.unwrap_or_default())
        .keep_cases(usize::try_from(options.keep_cases).unwrap_or(usize::MAX))
        .webhook_transport(network::webhooks(options.webhook_ca.as_deref())?);
    let sandbox = match found.flatten() {
        Some(world) => {
            no_effect(options, &world).iter().for_each(|told| say(told));
            sandbox.world(world).start()
        }
        None => sandbox.start(),
    };
    // Kept, so that the default world can be found at the end, whatever it was replaced by.
    let worlds = Worlds::from(&sandbox);
    if let Some(url) = &options.identify24_webhook {
        let url = Secret::new(url.as_str());
        sandbox.with_world(|world| vendors::identify24::set_webhook(world, Some(url)));
    }
    let authority = (!options.plain).then(|| authority(options)).transpose();
    let authority = authority.map_err(|error| Failure::local(format!("no certificate could be made: {error}")))?;
    let (listen, admin) = (place(options, options.listen), place(options, options.admin));
    let api = server::vendors_at(&worlds, listen, authority.as_ref());
    let api = api.await.map_err(|error| cannot_listen("--listen", options.listen, &error))?;
    let admin = server::admin_at(&worlds, admin);
    let admin = admin.await.map_err(|error| cannot_listen("--admin", options.admin, &error))?;
    let ca = authority.as_ref().map(|authority| CaFile::write(authority.pem(), options.write_ca.as_deref()));
    let ca = ca.transpose()?;
    // Before the ready line, so that nobody can end the sandbox between the two and leave a file behind.
    let ended = signals::listen()?;

    for (flag, listening) in [("--listen", &api), ("--admin", &admin)] {
        if Place::reachable_by_others(listening.address()).is_reachable_by_others() {
            let told =
                "whoever can reach it can use and change the sandbox, and have it call addresses of this network";
            say(&format!("warning: {flag} {} is open to others: {told}", listening.address()));
        }
    }
    let file_path = file.as_ref().map(|file| file.path.as_path());
    let ready = ready::line(&sandbox, &api.url(), &admin.url(), ca.as_ref().map(|ca| ca.path.as_path()), file_path);
    drop(sandbox);
    print(&ready.to_string())?;
    if std::io::stderr().is_terminal() {
        ready::guide(&ready);
    }
    saving(file.as_mut(), &worlds, ended).await;
    // First, so that nothing more is begun in a world that is being saved.
    drop((api, admin));
    drop(ca);
    if let Some(file) = file {
        file.save(&worlds.default_world())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Saves the world now and then, so that little of it is lost when the process is killed, until the program is ended.
async fn saving(file: Option<&mut WorldFile>, worlds: &Worlds, ended: impl Future<Output = u8>) {
    let mut ended = std::pin::pin!(ended);
    let Some(file) = file else {
        ended.await;
        return;
    };
    let (clock, mut told) = (SystemClock::new(), false);
    loop {
        tokio::select! {
            biased;
            _ = &mut ended => return,
            _ = clock.sleep_until(clock.now().plus(SAVED_EVERY)) => {}
        }
        // One at a time: what is saved at the end comes after it.
        // Once each time that it begins to fail.
        match file.save_changes(&worlds.default_world()).await {
            Ok(()) => told = false,
            Err(failure) if !std::mem::replace(&mut told, true) => {
                say(&format!("warning: {}", failure.sentence));
            }
            Err(_) => {}
        }
    }
}

/// Says which options a world that was saved has no use for, if there are any.
fn no_effect(options: &Arguments, found: &World) -> Option<String> {
    let given = [
        ("--seed", options.seed.is_some()),
        ("--start", options.start.is_some()),
        ("--profile", options.profile.is_some()),
    ];
    let given: Vec<&str> = given.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect();
    let (last, before) = given.split_last()?;
    let told = match before {
        [] => format!("{last} has no effect"),
        before => format!("{} and {last} have no effect", before.join(", ")),
    };
    let file = options.world_file.as_deref().unwrap_or(Path::new("")).display();
    let (now, seed, profile) = (found.now, found.seed(), found.profile.name());
    Some(format!(
        "warning: {told}: the world in {file} goes on with its own time ({now}), seed ({seed}) and profile ({profile})"
    ))
}

/// A world that was saved goes on from its own time.
fn clock(options: &Arguments, found: Option<&World>) -> VirtualClock {
    let start = match (found, options.start, options.clock) {
        (Some(world), _, _) => world.now,
        (None, Some(start), _) => start,
        (None, None, Mode::Frozen) => FROZEN,
        (None, None, _) => SystemClock::new().wall(),
    };
    let clock = VirtualClock::new(start);
    clock.set_mode(options.clock);
    clock
}

fn place(options: &Arguments, address: SocketAddr) -> Place {
    let place = if options.allow_non_loopback { Place::reachable_by_others(address) } else { address.into() };
    place.host_names(&options.tls_name)
}

/// For the names that were asked for, and the address that is listened on, if it is one.
fn authority(options: &Arguments) -> std::io::Result<Authority> {
    let address = Some(options.listen.ip()).filter(|ip| !ip.is_unspecified() && !ip.is_loopback());
    let names: Vec<String> =
        options.tls_name.iter().cloned().chain(address.map(|address| address.to_string())).collect();
    Authority::with_names(&names)
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
