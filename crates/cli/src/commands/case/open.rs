//! `identkit case open`: opens a case at a vendor, after its intent is in the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use identkit_collector::{CaseOpener, CaseState, Collector, DiscardSink, OpenRequest, OpenedCase, ProviderSetup};
use identkit_core::{CallOptions, Error, IdentityProvider, Kind, NewCase, Secret};
use identkit_store::CaseId;
use identkit_transport::SystemClock;
use serde_json::json;

use super::neutral;
use super::opener::NamedOpener;
use super::reuse::ReuseArguments;
use crate::account::{Account, Calls, VendorCase, WebhookBase};
use crate::accounts::AccountArguments;
use crate::connection::Route;
use crate::evidence::WishArguments;
use crate::exit::Failure;
use crate::input::Input;
use crate::output::{Format, say, unwritten};
use crate::providers::provider_name;
use crate::reception::{URLS, check_base};
use crate::run_settings::RunSettings;
use crate::signed_form::SignedForm;
use crate::state::{Recorder, StateOptions};
use crate::store::{Missing, StoreArguments};
use crate::text::{id, plain};
use crate::values::{lease, webhook_url};

/// Opens a case at a vendor. Its intent is in the store before the request is sent, and the request is sent once.
///
/// On exit code 6 the vendor may have opened it: a running collector searches for it if the vendor has a list.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The case in the vendor's own JSON format, or in the neutral form. `-` reads standard input.
    #[arg(value_name = "FILE|-")]
    file: PathBuf,

    /// Vendor at which the case is opened.
    #[arg(long, value_name = "PROVIDER", value_parser = provider_name())]
    provider: String,

    #[command(flatten)]
    store: StoreArguments,

    /// Your reference, unique and without personal data. [default: that in FILE, otherwise a random one]
    #[arg(long, value_name = "REFERENCE")]
    reference: Option<String>,

    /// URL at which the vendor reaches the running receiver, for the case's webhook. [default: that of the receiver that was
    /// started last on this store]
    #[arg(long, value_name = "URL", value_parser = webhook_url, env = "IDENTKIT_WEBHOOK_BASE", help_heading = URLS)]
    webhook_base: Option<String>,

    /// Leaves the webhook in FILE as it is. The end of the case is then found by reading.
    #[arg(long, conflicts_with = "webhook_base", help_heading = URLS)]
    keep_webhook: bool,

    /// File with the signed data of an earlier case, e.g. of `tm ident-data --signed`: sends them byte for byte. The case must
    /// have the vendor's own format.
    #[arg(long, value_name = "FILE")]
    ident_data_signed: Option<PathBuf>,

    #[command(flatten)]
    wishes: WishArguments,

    #[command(flatten)]
    reuse: ReuseArguments,

    /// The lease of the running collectors.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = lease)]
    lease: Duration,

    #[command(flatten)]
    accounts: AccountArguments,
}

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let account = arguments.accounts.account(&arguments.provider)?;
    // The response can be the only copy of an id or of the person's URL (AT-97).
    let recorder = Recorder::new(&StateOptions::default());
    recorder.check_place()?;
    recorder.report_before_forced_end();
    let route = Route { recorder: Some(recorder.clone()), ..arguments.accounts.route.clone() };
    let provider = account.provider(Calls::Open, &route).await?;
    let input = read_input(arguments, account).await?;
    let mut reuse =
        arguments.reuse.read(&arguments.store, &provider, arguments.lease, &arguments.accounts.route).await?;
    let signed = match &arguments.ident_data_signed {
        Some(path) => Some(SignedForm::read(path)?),
        None => reuse.form.take(),
    };
    let case = read_case(arguments, account, &input, signed, &route).await?;
    let given = arguments.webhook_base.as_deref().map(|url| check_base(url, "--webhook-base")).transpose()?;
    let store = arguments.store.open(Missing::Create).await?;
    let settings = RunSettings::read(&store).await?.unwrap_or_default();
    let remembered = settings.webhook_base.as_deref().filter(|_| !arguments.keep_webhook);
    let base = match (given, remembered) {
        (Some(given), _) => Some(given),
        (None, Some(url)) => Some(check_base(url, "the URL of the running receiver")?),
        (None, None) => None,
    };
    if base.is_some() && case.has_webhook {
        say(
            "note: the running receiver gets the webhook of the case's end, in place of the URL in the file (--keep-webhook)",
        );
    }
    let name = provider.descriptor().name;
    let setup = setup(account, provider, base);
    let collector = Collector::builder(store.clone(), Arc::new(DiscardSink::new(0)), Arc::new(SystemClock::new()))
        .provider(setup)
        .wishes(arguments.wishes.and(settings.wishes))
        .lease(arguments.lease)
        .build()?;
    let opener = NamedOpener::new(&*case.opener);
    let mut request = OpenRequest::new(name, case.purpose, &opener);
    if let Some(reference) = case.reference {
        request = request.reference(reference);
    }
    if let Some(person) = reuse.person {
        request = request.person(person);
    }
    if case.has_signed_data {
        request = request.with_signed_data();
    }
    let opened = collector.open_with(request).await;
    let begun = opener.end();
    let shown = match opened {
        Ok(opened) => show(name, opened, reuse.case, format),
        Err(error) => Err(account.name_options(rejected(error, begun))),
    };
    if let Some(case) = begun {
        recorder.add_name("case", &case.0.to_string());
    }
    match shown {
        Ok(()) => {
            recorder.delivered();
            Ok(())
        }
        Err(failure) => Err(recorder.failed(failure)),
    }
}

/// Reads the input, and checks that it can be combined with the options for signed data.
async fn read_input(arguments: &Arguments, account: &dyn Account) -> Result<Input, Failure> {
    let file = arguments.ident_data_signed.as_ref().map(|_| "--ident-data-signed");
    let option = file.or(arguments.reuse.option());
    if let Some(option) = option.filter(|_| !account.can_reuse()) {
        return Err(Failure::unsent(format!("{option} cannot be used: this vendor does not reuse signed data")));
    }
    if arguments.reuse.reads_standard_input() && arguments.file.as_os_str() == "-" {
        return Err(Failure::unsent("FILE and --person-file cannot both be read from standard input"));
    }
    let input = Input::read(&arguments.file).await?;
    if let Some(option) = option.filter(|_| file.is_some() || arguments.reuse.sends_data())
        && neutral::is_neutral(&input)
    {
        return Err(Failure::unsent(format!(
            "{option} needs a case in the vendor's own format, not in the neutral form"
        )));
    }
    Ok(input)
}

/// Reads the case in either form, and checks it.
async fn read_case(
    arguments: &Arguments,
    account: &dyn Account,
    input: &Input,
    signed: Option<SignedForm>,
    route: &Route,
) -> Result<VendorCase, Failure> {
    if !neutral::is_neutral(input) {
        return account.read_case(input, signed, arguments.reference.as_deref(), route);
    }
    let mut case = neutral::read(input)?;
    if let Some(reference) = arguments.reference.as_deref() {
        case.reference = Some(reference.into());
    }
    rehearse(arguments, account, &case).await?;
    let reference = case.reference.as_ref().map(|reference| Secret::new(reference.expose().as_str()));
    Ok(VendorCase {
        purpose: case.purpose,
        reference,
        has_webhook: false,
        has_signed_data: false,
        opener: Box::new(case) as Box<dyn CaseOpener>,
    })
}

/// Checks a case without a connection: a mistake must not use up its reference.
async fn rehearse(arguments: &Arguments, account: &dyn Account, case: &NewCase) -> Result<(), Failure> {
    let offline = account.provider(Calls::None, &arguments.accounts.route).await?;
    match offline.open(case, &CallOptions::new().attempts(1)).await {
        Err(error) if matches!(error.kind(), Kind::InvalidInput | Kind::Unsupported) => {
            Err(account.name_options(error.into()))
        }
        // It could not be sent.
        _ => Ok(()),
    }
}

fn setup(account: &dyn Account, provider: Arc<dyn IdentityProvider>, base: Option<http::Uri>) -> ProviderSetup {
    let setup = ProviderSetup::new(provider);
    match base {
        Some(url) => {
            let base = WebhookBase::default();
            base.set(url);
            account.with_webhooks(setup, base)
        }
        None => setup,
    }
}

/// The failure of a case that was not opened.
fn rejected(error: Error, case: Option<CaseId>) -> Failure {
    let is_conflict = error.kind() == Kind::Conflict && case.is_none();
    let failure = Failure::from(error);
    match case {
        Some(case) => failure.note(format!("case {} is in the store: identkit case status {}", case.0, case.0)),
        None if is_conflict => failure.note("a reference can be used once: choose another one with --reference"),
        None => failure,
    }
}

/// Shows the case. It is in the store, so that a failure of standard output loses nothing.
fn show(provider: &str, opened: OpenedCase, reused: Option<CaseId>, format: Format) -> Result<(), Failure> {
    let OpenedCase { case, reference, state, vendor_id, person_url, unknown_because, .. } = opened;
    let json = json!({
        "case": case.0,
        "provider": provider,
        "vendor_id": vendor_id.as_ref().map(Secret::expose),
        "person_url": person_url.as_ref().map(Secret::expose),
        "state": state.as_str(),
        "reference": reference.expose(),
        "signed_data_of": reused.map(|case| case.0),
    });
    let shown = format.write(&json, |page| {
        let rows = [
            ("case", Some(case.0.to_string())),
            ("provider", Some(plain(provider))),
            ("vendor's id", vendor_id.as_ref().map(|text| id(text.expose()))),
            ("person's URL", person_url.as_ref().map(|url| plain(url.expose()))),
            ("state", Some(state.to_string())),
            ("reference", Some(id(reference.expose()))),
            ("signed data of", reused.map(|case| format!("case {}", case.0))),
        ];
        page.pairs(rows.into_iter().filter_map(|(name, value)| Some((name, value?))));
    });
    let case = case.0;
    let shown = shown.map_err(|error| {
        let failure = Failure::local(unwritten(&error));
        match state {
            CaseState::Open => failure.note(format!(
                "case {case} is open, and the store has it with the person's URL: identkit case status {case}"
            )),
            _ => failure.note(format!("case {case} is in the store: identkit case status {case}")),
        }
    });
    let Some(error) = unknown_because else { return shown };
    let failure = match error.kind() {
        Kind::OutcomeUnknown => Failure::from(error),
        _ => Failure::local(format!("the case may be open, and this is not in the store: {}", plain(error.detail()))),
    };
    let failure = failure.with_code(6).without_advice();
    Err(failure.notes(shown.err().map(|other| other.sentence)).note(format!(
        "case {case} is in the store as unknown, and is never opened again: identkit case explain {case} says how it is found"
    )))
}
