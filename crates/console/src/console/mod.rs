//! The console: orders, webhooks, time and faults of a sandbox in the browser.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use identkit_core::{BoxFuture, Content};
use identkit_mock_server::server::AdminApi;
use serde_json::Value;

/// Answers a request whose path is that of a page of the console.
pub(crate) fn answer<'a>(admin: &'a AdminApi, request: &'a Request<Bytes>) -> Option<BoxFuture<'a, Response<Content>>> {
    (request.uri().path() == "/").then(|| {
        let page: BoxFuture<'a, _> = Box::pin(async move {
            let orders = crate::api::call(admin, Method::GET, "orders", &Value::Null).await;
            let text = orders
                .map_or_else(|refused| format!("{} {}", refused.status, refused.problem), |orders| orders.to_string());
            crate::page::html(StatusCode::OK, maud::html! { pre { (text) } })
        });
        page
    })
}
