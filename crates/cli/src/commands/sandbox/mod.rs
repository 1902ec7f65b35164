//! `identkit sandbox`.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use identkit_core::Secret;
use identkit_mock_server::server::{self, Authority};
use identkit_mock_server::{Sandbox, vendors};
use serde_json::{Value, json};

use crate::args::SandboxOptions;
use crate::exit::Failure;
use crate::{network, output, signals};

pub(crate) async fn run(options: &SandboxOptions) -> Result<ExitCode, Failure> {
    let sandbox = Sandbox::builder()
        .seed(options.seed.unwrap_or_else(|| fastrand::u64(..)))
        .webhooks_through(network::webhooks(options.webhook_ca.as_deref())?)
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
    let cannot = |flag: &'static str, address: SocketAddr| {
        move |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::InvalidInput => Failure::usage(format!("{flag} {address} cannot be used: {error}")),
            _ => Failure::local(format!(
                "the sandbox cannot listen on {address} ({flag}): {error}; choose another port, or 0 for a free one"
            )),
        }
    };
    let (listen, admin) = (options.listen, options.admin);
    let api = server::vendors(&sandbox, listen, authority.as_ref()).await.map_err(cannot("--listen", listen))?;
    let admin = server::admin(&sandbox, admin).await.map_err(cannot("--admin", admin))?;
    let ca = match &authority {
        Some(authority) => Some(CaFile::write(authority.pem(), options.write_ca.as_deref())?),
        None => None,
    };
    // Before the ready line, so that nobody can end the sandbox between the two and leave a file behind.
    let ended = signals::ended()?;

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
        guide(&ready);
    }
    ended.await;
    drop(ca);
    Ok(ExitCode::SUCCESS)
}

/// For people at a terminal: what to type in another one.
fn guide(ready: &Value) {
    output::say("");
    output::say("The sandbox is ready: both vendors, synthetic data only. Ctrl-C ends it.");
    output::say("In another terminal:");
    for (variable, pointer) in [
        ("IDENTKIT_TM_BASE_URL", "/identity_tm/base_url"),
        ("IDENTKIT_TM_CUSTOMER_ID", "/identity_tm/customer_id"),
        ("IDENTKIT_TM_CUSTOMER_CODE", "/identity_tm/customer_code"),
        ("IDENTKIT_IDENTIFY24_BASE_URL", "/identify24/base_url"),
        ("IDENTKIT_IDENTIFY24_PARTNER", "/identify24/partner"),
        ("IDENTKIT_IDENTIFY24_API_KEY", "/identify24/api_key"),
        ("IDENTKIT_CA_FILE", "/ca_file"),
    ] {
        if let Some(value) = ready.pointer(pointer).and_then(Value::as_str) {
            output::say(&format!("  export {variable}='{value}'"));
        }
    }
    output::say("  identkit tm status 99921269855041 --extended");
    output::say("  identkit identify24 get xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}

/// The CA certificate on disk; a temporary one goes with the sandbox.
struct CaFile {
    path: PathBuf,
    _temporary: Option<tempfile::TempPath>,
}

impl CaFile {
    fn write(pem: &str, wanted: Option<&Path>) -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| {
            let name = wanted.map_or_else(String::new, |path| format!(" {}", path.display()));
            Failure::local(format!("the CA file{name} cannot be written: {error}"))
        };
        if let Some(path) = wanted {
            std::fs::write(path, pem).map_err(cannot)?;
            // Whoever reads the ready line may be in another folder.
            return Ok(Self { path: std::path::absolute(path).map_err(cannot)?, _temporary: None });
        }
        let mut file = tempfile::Builder::new().prefix("identkit-ca-").suffix(".pem").tempfile().map_err(cannot)?;
        file.write_all(pem.as_bytes()).map_err(cannot)?;
        let temporary = file.into_temp_path();
        Ok(Self { path: temporary.to_path_buf(), _temporary: Some(temporary) })
    }
}
