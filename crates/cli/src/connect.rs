//! From options to clients and inputs.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use identkit_core::{CallOptions, Secret};
use identkit_identify24::{Credentials, Identify24};
use identkit_identity_tm::{Account, IdentityTm};
use identkit_transport::http::{HyperTransport, TlsConfig, certificates};
use identkit_transport::{SystemClock, Transport};

use crate::args::{self, Calls};
use crate::exit::Failure;

/// The most that an input file may take, in bytes.
const INPUT: u64 = 512 * 1024 * 1024;

/// HTTP over TLS, trusting the bundled roots and those of a file.
pub(crate) fn transport(ca_file: Option<&Path>) -> Result<Arc<dyn Transport>, Failure> {
    let authorities = match ca_file {
        None => Vec::new(),
        Some(path) => {
            let pem = std::fs::read(path)
                .map_err(|error| Failure::usage(format!("the CA file {} cannot be read: {error}", path.display())))?;
            certificates(&pem)?
        }
    };
    Ok(Arc::new(HyperTransport::new(&TlsConfig::with_authorities(&authorities)?)))
}

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

pub(crate) fn identity_tm(options: &args::Tm) -> Result<IdentityTm, Failure> {
    let id = required(options.customer_id.as_ref(), "--customer-id", "IDENTKIT_TM_CUSTOMER_ID")?;
    let code = required(options.customer_code.as_ref(), "--customer-code", "IDENTKIT_TM_CUSTOMER_CODE")?;
    let account = Account::new(id.as_str(), Secret::new(code.as_str()));
    let builder = IdentityTm::builder(account).base_url(options.base_url.as_str());
    Ok(builder.build(transport(options.calls.ca_file.as_deref())?, Arc::new(SystemClock::new()))?)
}

pub(crate) fn identify24(
    options: &args::Identify24,
    dialect: identkit_identify24::Dialect,
) -> Result<Identify24, Failure> {
    let partner = required(options.partner.as_ref(), "--partner", "IDENTKIT_IDENTIFY24_PARTNER")?;
    let key = required(options.api_key.as_ref(), "--api-key", "IDENTKIT_IDENTIFY24_API_KEY")?;
    let credentials = Credentials::new(partner.as_str(), key.as_str());
    let builder = Identify24::builder(transport(options.calls.ca_file.as_deref())?, credentials);
    Ok(builder.base_url(options.base_url.as_str()).dialect(dialect).build()?)
}

/// The bytes of a file, or of standard input for `-`.
pub(crate) fn input(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(INPUT + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(INPUT + 1).read_to_end(&mut bytes))
    };
    let name = if path.as_os_str() == "-" { "standard input".into() } else { path.display().to_string() };
    match read {
        Err(error) => Err(Failure::usage(format!("{name} cannot be read: {error}; nothing was sent"))),
        Ok(count) if count as u64 > INPUT => {
            Err(Failure::usage(format!("{name} is larger than {INPUT} bytes; nothing was sent")))
        }
        Ok(0) => Err(Failure::usage(format!("{name} is empty where JSON was expected; nothing was sent"))),
        Ok(_) => Ok(bytes),
    }
}
