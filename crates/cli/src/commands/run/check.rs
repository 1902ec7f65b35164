//! `identkit run --check`: checks the configuration, the store and the sink.

use identkit_collector::DeletePolicy;
use identkit_core::Clock as _;
use identkit_transport::SystemClock;
use serde_json::json;

use super::arguments::Arguments;
use super::parts::{delete_policy, public_url, select};
use crate::account::WebhookBase;
use crate::exit::Failure;
use crate::output::Format;
use crate::reception::{Reception, check_base};
use crate::store::{Location, Missing};

/// Name of the value that a check of the store replaces.
const CHECK: &str = "readyz";

pub(super) async fn run(options: &Arguments, format: Format) -> Result<(), Failure> {
    let public = public_url(options);
    if let Some(url) = public.url {
        check_base(url, public.option)?;
    }
    if let Some(listen) = options.listen {
        Reception::new(listen, &options.reception, &options.tokens, public)?;
    }
    let providers: Vec<&str> =
        select(options, WebhookBase::default()).await?.into_iter().map(|selected| selected.name).collect();
    let exists = store(options).await?;
    let sink = options.sink.open(&options.s3, &options.accounts.route).await?;
    options.sink.check(&*sink).await?;
    let delete_after = match delete_policy(options) {
        DeletePolicy::After(time) => Some(time.as_secs()),
        _ => None,
    };
    let json = json!({
        "providers": providers,
        "store": options.store.store.shown(),
        "store_exists": exists,
        "sink": options.sink.shown(),
        "listen": options.listen.map(|address| address.to_string()),
        "webhook_base": public.url,
        "concurrency": options.concurrency,
        "lease_seconds": options.lease.as_secs(),
        "delete_after_seconds": delete_after,
    });
    format.show(&json, |page| {
        page.pairs([
            ("providers", providers.join(", ")),
            ("store", options.store.store.shown()),
            ("sink", options.sink.shown()),
        ]);
        page.line(match exists {
            true => "the configuration, the store and the sink can be used",
            false => "the configuration and the sink can be used; the store does not exist yet",
        });
    })
}

/// Checks that the store accepts a write. Returns whether it exists: the check creates none.
async fn store(options: &Arguments) -> Result<bool, Failure> {
    if let Location::Sqlite(path) = &options.store.store
        && !path.exists()
    {
        return Ok(false);
    }
    let store = options.store.open(Missing::Fail).await?;
    let before = store.watermark(CHECK).await?;
    let now = SystemClock::new().wall().to_string();
    store.swap_watermark(CHECK, before.as_deref(), now.as_bytes()).await?;
    Ok(true)
}
