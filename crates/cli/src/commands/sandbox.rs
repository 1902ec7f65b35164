//! `identkit sandbox`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use identkit_core::Secret;
use identkit_mock_server::server::{self, Authority};
use identkit_mock_server::{Sandbox, vendors};
use serde_json::{Value, json};

use crate::args::SandboxOptions;
use crate::exit::Failure;
use crate::{connect, output};

pub(crate) async fn run(options: &SandboxOptions) -> Result<ExitCode, Failure> {
    let sandbox = Sandbox::builder()
        .seed(options.seed.unwrap_or_else(|| fastrand::u64(..)))
        .webhooks_through(connect::transport(options.webhook_ca.as_deref())?)
        .start();
    if let Some(url) = &options.identify24_webhook {
        let url = Secret::new(url.as_str());
        sandbox.with_world(|world| vendors::identify24::set_webhook(world, Some(url)));
    }
    let authority = match options.plain {
        true => None,
        false => {
            Some(Authority::new().map_err(|error| Failure::local(format!("no certificate could be made: {error}")))?)
        }
    };
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::InvalidInput => Failure::usage(error.to_string()),
        _ => Failure::local(format!("the sandbox cannot listen: {error}")),
    };
    let api = server::vendors(&sandbox, options.listen, authority.as_ref()).await.map_err(cannot)?;
    let admin = server::admin(&sandbox, options.admin).await.map_err(cannot)?;
    let ca = match &authority {
        Some(authority) => Some(CaFile::write(authority.pem(), options.write_ca.as_deref())?),
        None => None,
    };
    // Before the ready line, so that nobody can end the sandbox between the two and leave a file behind.
    let ended = ended()?;

    let mut ready = json!({
        "listen": api.url(),
        "admin": admin.url(),
        "ca_file": ca.as_ref().map(|ca| ca.path.display().to_string()),
    });
    for (vendor, mut account) in sandbox.accounts() {
        if let Some(account) = account.as_object_mut() {
            let path = account.remove("base_path");
            let path = path.as_ref().and_then(Value::as_str).unwrap_or_default();
            account.insert("base_url".into(), format!("{}{path}", api.url()).into());
        }
        if let Some(ready) = ready.as_object_mut() {
            ready.insert(vendor.replace('-', "_"), account);
        }
    }
    output::print(&ready.to_string())?;
    if std::io::stderr().is_terminal() {
        output::say("The sandbox is ready: both vendors, synthetic data only. Ctrl-C ends it.");
    }
    ended.await;
    drop(ca);
    Ok(ExitCode::SUCCESS)
}

/// Resolves when somebody ends the program; listens from the moment it is called.
fn ended() -> Result<impl Future<Output = ()>, Failure> {
    let cannot = |error: std::io::Error| Failure::local(format!("signals cannot be heard: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        let _ = cannot;
        Ok(async {
            let _ = tokio::signal::ctrl_c().await;
        })
    }
}

/// The CA certificate on disk; a temporary one goes with the sandbox.
struct CaFile {
    path: PathBuf,
    _temporary: Option<tempfile::TempPath>,
}

impl CaFile {
    fn write(pem: &str, wanted: Option<&Path>) -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| Failure::local(format!("the CA file cannot be written: {error}"));
        if let Some(path) = wanted {
            std::fs::write(path, pem).map_err(cannot)?;
            return Ok(Self { path: path.to_owned(), _temporary: None });
        }
        let mut file = tempfile::Builder::new().prefix("identkit-ca-").suffix(".pem").tempfile().map_err(cannot)?;
        file.write_all(pem.as_bytes()).map_err(cannot)?;
        let temporary = file.into_temp_path();
        Ok(Self { path: temporary.to_path_buf(), _temporary: Some(temporary) })
    }
}
