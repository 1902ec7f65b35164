//! The pages `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use identkit_core::{Clock as _, Instant, async_trait};
use identkit_store::Store;
use identkit_transport::SystemClock;
use tokio::sync::Mutex;

use super::metrics::Metrics;

/// Time in which a ready store answers.
const LIMIT: Duration = Duration::from_secs(2);
/// How long an answer of the store is valid: anyone can request the page, and each check is a write.
const VALIDITY: Duration = Duration::from_secs(1);

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Name of the value that each check replaces.
const CHECK: &str = "readyz";

/// The pages of one receiver.
pub(crate) struct Pages {
    store: Store,
    metrics: Arc<Metrics>,
    clock: SystemClock,
    /// When the store was checked last, and whether it was ready.
    checked: Mutex<Option<(Instant, bool)>>,
}

impl Pages {
    /// The pages for a store and its metrics.
    pub(crate) fn new(store: Store, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics, clock: SystemClock::new(), checked: Mutex::default() }
    }

    /// Whether the store accepts a write.
    async fn is_ready(&self) -> bool {
        let mut checked = self.checked.lock().await;
        if let Some((at, is_ready)) = *checked
            && self.clock.now().since(at) < VALIDITY
        {
            return is_ready;
        }
        let write = async {
            let before = self.store.watermark(CHECK).await?;
            let now = self.clock.wall().to_string();
            // Another process may have replaced it at the same time: then the store accepts writes, too.
            self.store.swap_watermark(CHECK, before.as_deref(), now.as_bytes()).await
        };
        let is_ready = tokio::select! {
            written = write => written.is_ok(),
            _ = self.clock.sleep_until(self.clock.now().plus(LIMIT)) => false,
        };
        *checked = Some((self.clock.now(), is_ready));
        is_ready
    }
}

#[async_trait]
impl identkit_webhook::Pages for Pages {
    async fn page(&self, path: &str) -> Option<Response<Bytes>> {
        Some(match path {
            "/healthz" => page(StatusCode::OK, TEXT, "ok\n"),
            "/readyz" if self.is_ready().await => page(StatusCode::OK, TEXT, "ready\n"),
            "/readyz" => page(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the store does not answer\n"),
            "/metrics" => match self.metrics.text() {
                Ok(text) => page(StatusCode::OK, OPEN_METRICS, text),
                Err(_) => page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "the metrics cannot be written\n"),
            },
            _ => return None,
        })
    }
}

fn page(status: StatusCode, content_type: HeaderValue, text: impl Into<Bytes>) -> Response<Bytes> {
    let mut page = Response::new(text.into());
    *page.status_mut() = status;
    page.headers_mut().insert(CONTENT_TYPE, content_type);
    page
}
