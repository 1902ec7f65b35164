//! Calls of the admin API of a running sandbox.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http::{Method, Request};
use identkit_core::Clock as _;
use identkit_transport::{AttemptContext, SystemClock, Transport};
use identkit_wire::Body;
use identkit_wire::url::WebUrl;
use serde_json::Value;

use super::super::last;
use crate::exit::Failure;
use crate::network;
use crate::text::plain;

/// Time for a call. The clock can pass many webhooks whose receivers do not respond.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Maximum size of a response in bytes.
const MAX_RESPONSE: u64 = 64 * 1024 * 1024;

/// The sandbox and the world.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// URL of the sandbox's admin API. Default: the sandbox that was last started on this machine.
    #[arg(long, value_name = "URL")]
    admin: Option<String>,

    /// World. Default: `default`.
    #[arg(long, value_name = "ID")]
    world: Option<String>,
}

/// A client of the admin API.
pub(super) struct Client {
    base: String,
    world: Option<String>,
    transport: Arc<dyn Transport>,
}

impl Target {
    /// Creates a client.
    ///
    /// # Errors
    /// If no sandbox is known, or the URL is not valid.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let base = match &self.admin {
            Some(url) => {
                let invalid = |fault: &str| Failure::usage(format!("--admin {fault}"));
                let parsed = WebUrl::parse(url).map_err(|fault| invalid(fault.text()))?;
                // It is shown if nothing responds there.
                if parsed.credentials().is_some() || parsed.uri().query().is_some() || parsed.has_fragment() {
                    return Err(invalid("must have no user, password, query or fragment"));
                }
                url.trim_end_matches('/').to_owned()
            }
            None => last::admin()?,
        };
        Ok(Client { base, world: self.world.clone(), transport: network::admin()? })
    }
}

impl Client {
    /// Reads a resource, e.g. `orders`.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.call(Method::GET, path, query, None).await
    }

    /// Sends a call with a JSON body.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, &[], Some(body)).await
    }

    /// Removes a resource.
    pub(super) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::DELETE, path, &[], None).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let world = self.world.iter().map(|world| ("world", world.as_str()));
        let pairs = query.iter().copied().chain(world).map(|(name, value)| format!("{name}={}", encode(value)));
        let url = format!("{}/_sandbox/v1/{path}?{}", self.base, pairs.collect::<Vec<_>>().join("&"));
        let body = body.map(|body| Body::from(body.to_string().into_bytes())).unwrap_or_else(Body::empty);
        let request = Request::builder().method(method).uri(url).header("content-type", "application/json").body(body);
        let request = request.map_err(|_| Failure::usage("--admin is not a valid URL"))?;
        let clock = SystemClock::new();
        let deadline = clock.now().plus(TIMEOUT);
        let context = AttemptContext::new(true, deadline);
        let exchange = async {
            let response = self.transport.send(request, &context).await.map_err(|_| self.unreachable())?;
            let status = response.status();
            let bytes = response.into_body().collect(MAX_RESPONSE).await.map_err(|_| self.unreachable())?;
            let json: Value = serde_json::from_slice(&bytes).map_err(|_| self.unreachable())?;
            if status.is_success() { Ok(json) } else { Err(refused(&json)) }
        };
        tokio::select! {
            result = exchange => result,
            _ = clock.sleep_until(deadline) => Err(self.unreachable()),
        }
    }

    fn unreachable(&self) -> Failure {
        Failure::local(format!(
            "no sandbox responds at {}: start one with identkit sandbox, or pass the URL in its field `admin` with --admin",
            plain(&self.base)
        ))
    }
}

/// The failure of a rejected call, in the sandbox's words.
fn refused(problem: &Value) -> Failure {
    let member = |name: &str| plain(problem.get(name).and_then(Value::as_str).unwrap_or_default());
    Failure::local(format!("{}: {}", member("title"), member("detail")))
}

/// Encodes a value for a path segment or a query.
pub(super) fn encode(value: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'_' | b'~' => char::from(byte).to_string(),
        // Two dots would be another path.
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_change_the_path() {
        assert_eq!(encode("99921269855041"), "99921269855041");
        assert_eq!(encode("../a b?c&ä"), "%2E%2E%2Fa%20b%3Fc%26%C3%A4");
    }
}
