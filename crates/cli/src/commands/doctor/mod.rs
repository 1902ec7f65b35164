//! `identkit doctor`: checks everything that a first call needs, and changes nothing.

mod certificate;
mod date;
mod findings;
mod vendor;
mod webhook;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};

use self::findings::Findings;
use crate::account::Account;
use crate::accounts::AccountArguments;
use crate::connection::{Route, path, seconds};
use crate::exit::Failure;
use crate::help::CONNECTION;
use crate::output::Format;
use crate::providers::{Accounts, provider_name};
use crate::values::webhook_url;

/// Heading of the options that select the checks.
const CHECKS: &str = "Checks";

/// Default deadline of each check.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Checks configuration, proxy, TLS, base URL, clock and credentials, and the URL of your webhook receiver. Changes nothing
/// at a vendor.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    accounts: Accounts,

    #[command(flatten)]
    route: Route,

    /// Deadline of each check. Default: 10.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = CONNECTION)]
    timeout: Option<Duration>,

    /// Vendor to check. Can be given several times. Default: all vendors whose credentials are given.
    #[arg(long, value_name = "PROVIDER", value_parser = provider_name(), help_heading = CHECKS)]
    provider: Vec<String>,

    /// URL at which the vendors reach your webhook receiver, as for `identkit run --webhook-base`.
    #[arg(long, value_name = "URL", value_parser = webhook_url, help_heading = CHECKS)]
    webhook_url: Option<String>,

    /// Additional certificate authority of --webhook-url (PEM). Vendors do not trust it: for a sandbox.
    #[arg(long, value_name = "FILE", requires = "webhook_url", help_heading = CHECKS)]
    webhook_ca: Option<OsString>,
}

pub(crate) async fn run(arguments: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    let timeout = arguments.timeout.unwrap_or(TIMEOUT);
    let route = &arguments.route;
    let accounts = AccountArguments { accounts: arguments.accounts.clone(), route: route.clone() };
    let mut findings = Findings::default();
    let selected = match accounts.select(&arguments.provider) {
        Ok(selected) => selected,
        // A webhook receiver can be checked without an account.
        Err(_) if arguments.webhook_url.is_some() => Vec::new(),
        Err(failure) => return Err(failure),
    };
    for account in &selected {
        findings.begin(account.names().first().copied());
        vendor::check(*account, route, timeout, &mut findings).await;
    }
    findings.begin(None);
    if let Some(url) = &arguments.webhook_url {
        let is_sandbox = !selected.is_empty() && selected.iter().all(|account| is_on_this_machine(*account));
        let ca_file = path(arguments.webhook_ca.as_ref());
        webhook::check(url, ca_file, is_sandbox, timeout, &mut findings).await;
    }
    show(&findings, &selected, format)?;
    match findings.count() {
        (0, _) => Ok(ExitCode::SUCCESS),
        (errors, checks) => Err(Failure::local(format!("{errors} of {checks} checks found an error"))),
    }
}

/// Whether the vendor of an account is a sandbox on this machine.
fn is_on_this_machine(account: &dyn Account) -> bool {
    let url: Option<http::Uri> = account.endpoint().base_url.parse().ok();
    url.as_ref().and_then(http::Uri::host).is_some_and(|host| {
        let host = host.trim_matches(['[', ']']);
        host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    })
}

fn show(findings: &Findings, accounts: &[&dyn Account], format: Format) -> Result<(), Failure> {
    let end_users = || accounts.iter().filter(|account| !account.end_users().is_empty());
    let name = |account: &dyn Account| account.names().first().copied().unwrap_or_default().to_owned();
    let requirements: Map<String, Value> =
        end_users().map(|account| (name(*account), account.end_users().into())).collect();
    let (errors, _) = findings.count();
    let json = json!({ "ok": errors == 0, "checks": findings.json(), "end_users": requirements });
    format.show(&json, |page| {
        findings.show(page);
        for account in end_users() {
            page.line("");
            page.line(format!("Requirements of {} for end users. Name them on your page:", name(*account)));
            account.end_users().iter().for_each(|requirement| page.line(format!("- {requirement}")));
        }
    })
}
