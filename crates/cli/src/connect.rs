//! From options to clients and inputs.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use identkit_core::{CallOptions, Error, Secret};
use identkit_identify24::{Builder, Credentials, Identify24};
use identkit_identity_tm::IdentityTm;
use identkit_transport::{BaseUrl, SystemClock};

use crate::args::{self, Calls};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::{network, signals};

/// Variables that hold base URLs.
pub(crate) const TM_BASE_URL: &str = "IDENTKIT_TM_BASE_URL";
pub(crate) const IDENTIFY24_BASE_URL: &str = "IDENTKIT_IDENTIFY24_BASE_URL";

/// The most that an input file may take, in bytes.
const INPUT: u64 = 512 * 1024 * 1024;

pub(crate) fn options(calls: &Calls) -> CallOptions {
    match calls.timeout {
        Some(timeout) => CallOptions::new().timeout(timeout),
        None => CallOptions::new(),
    }
}

fn required<'a>(value: Option<&'a String>, flag: &str, variable: &str) -> Result<&'a String, Failure> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Failure::usage(format!("{flag} is missing: give it, or set {variable}")))
}

pub(crate) fn identity_tm(options: &args::Tm, progress: &Progress) -> Result<IdentityTm, Failure> {
    let id = required(options.customer_id.as_ref(), "--customer-id", "IDENTKIT_TM_CUSTOMER_ID")?;
    let code = required(options.customer_code.as_ref(), "--customer-code", "IDENTKIT_TM_CUSTOMER_CODE")?;
    let account = identkit_identity_tm::Credentials::new(id.as_str(), Secret::new(code.as_str()));
    BaseUrl::parse(&options.base_url).map_err(|error| Failure::setting("--base-url", TM_BASE_URL, &error))?;
    let builder = IdentityTm::builder(account).base_url(options.base_url.as_str());
    let transport = progress.watch(network::vendor(&options.calls, &options.base_url)?);
    builder.transport(transport).clock(Arc::new(SystemClock::new())).build().map_err(|error| {
        Failure::usage(format!("--customer-id and --customer-code cannot be used: {}", error.detail()))
    })
}

/// The client, after what `set_up` makes of it.
pub(crate) fn identify24(
    options: &args::Identify24,
    progress: &Progress,
    set_up: impl FnOnce(Builder) -> Builder,
) -> Result<Identify24, Failure> {
    let partner = required(options.partner.as_ref(), "--partner", "IDENTKIT_IDENTIFY24_PARTNER")?;
    let key = required(options.api_key.as_ref(), "--api-key", "IDENTKIT_IDENTIFY24_API_KEY")?;
    let credentials = Credentials::new(partner.as_str(), key.as_str());
    BaseUrl::parse(&options.base_url).map_err(|error| Failure::setting("--base-url", IDENTIFY24_BASE_URL, &error))?;
    let builder =
        Identify24::builder(credentials).transport(progress.watch(network::vendor(&options.calls, &options.base_url)?));
    set_up(builder.base_url(options.base_url.as_str())).build().map_err(|error| {
        let faults: Vec<String> =
            error.violations().iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
        Failure::usage(format!("--partner and --api-key cannot be used: {}", faults.join("; ")))
    })
}

/// What a command was given to read.
pub(crate) struct Input {
    /// The file, or standard input, by name.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Input {
    /// Why it cannot be read as what it should be.
    pub(crate) fn unusable(&self, error: &Error) -> Failure {
        Failure::usage(format!("{}: {}; nothing was sent", self.name, error.detail()))
    }
}

/// The bytes of a file, or of standard input for `-`.
pub(crate) async fn input(path: &Path) -> Result<Input, Failure> {
    let path = path.to_owned();
    signals::beside(move || read(&path)).await?
}

fn read(path: &Path) -> Result<Input, Failure> {
    let mut bytes = Vec::new();
    let (name, read) = if path.as_os_str() == "-" {
        ("standard input".to_owned(), std::io::stdin().lock().take(INPUT + 1).read_to_end(&mut bytes))
    } else {
        let file = std::fs::File::open(path);
        (path.display().to_string(), file.and_then(|file| file.take(INPUT + 1).read_to_end(&mut bytes)))
    };
    match read {
        Err(error) => Err(Failure::usage(format!("{name} cannot be read: {error}; nothing was sent"))),
        Ok(count) if count as u64 > INPUT => {
            Err(Failure::usage(format!("{name} is larger than {INPUT} bytes; nothing was sent")))
        }
        Ok(0) => Err(Failure::usage(format!("{name} is empty where JSON was expected; nothing was sent"))),
        Ok(_) => Ok(Input { name, bytes }),
    }
}
