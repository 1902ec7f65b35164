//! The pages of the person: [T] 2.3 and 2.4, M-15.
//!
//! `GET` of a landing page shows the current step, and `POST` makes one step and redirects to `GET`. A step that is no
//! longer possible, e.g. after a double click, shows the current state and a sentence.
//!
//! The redirect to the customer starts from a page of its own (`Refresh`): a browser applies the policy for forms to all
//! redirects that follow a form, also to those of the customer's site, whose hosts are unknown here.

mod form;
mod language;
mod layout;
mod phone;
mod steps;
mod view;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use identkit_core::{BoxFuture, Content};
use identkit_mock_server::server::AdminApi;
use maud::html;
use percent_encoding::{CONTROLS, utf8_percent_encode};
use serde_json::Value;

use self::form::Form;
use self::layout::{STYLE, unknown};
use self::view::{Link, View};
use crate::api;

/// Everything comes from this host, and forms are sent to it only; no scripts, no frames.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Answers a request whose path is that of a page of the person.
pub(crate) fn answer<'a>(admin: &'a AdminApi, request: &'a Request<Bytes>) -> Option<BoxFuture<'a, Response<Content>>> {
    let path = request.uri().path();
    if path == STYLE {
        return Some(Box::pin(async { style() }));
    }
    if !admin.worlds().has_landing_page_at(path) {
        return None;
    }
    Some(Box::pin(async {
        let mut response = respond(admin, request).await;
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        response
    }))
}

async fn respond(admin: &AdminApi, request: &Request<Bytes>) -> Response<Content> {
    let link = Link::new(request);
    let Some((world, case)) = admin.worlds().landing_page(request.uri().path()) else {
        return unknown(&link);
    };
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match link.below.as_str() {
        "" if *request.method() == Method::POST => act(admin, &link, &world, &case, request.body()).await,
        "" | "/next" | "/phone" if !is_read => refuse_method(&link),
        "" => match View::read(admin, &world, &case).await {
            Some(view) => steps::page(&link, &view),
            None => unknown(&link),
        },
        "/next" => match View::read(admin, &world, &case).await {
            Some(view) => leave(&link, &view),
            None => unknown(&link),
        },
        "/phone" => phone::page(admin, &link, &world, &case).await,
        _ => unknown(&link),
    }
}

/// Makes one step, and returns to the page.
async fn act(admin: &AdminApi, link: &Link, world: &str, case: &str, body: &Bytes) -> Response<Content> {
    let form = Form::read(body);
    let Some(action) = form.action() else { return see(&link.with("notice", "gone")) };
    if form.lacks_consent() {
        return see(&link.with("notice", "consent"));
    }
    match api::call(admin, Method::POST, &view::path(world, case, "person"), &action).await {
        Ok(_) => see(&link.with("go", "1")),
        Err(refused) => {
            let field = refused.problem.pointer("/faults/0/field").and_then(Value::as_str);
            let notice = if field == Some("tan") { "tan" } else { "gone" };
            see(&link.with("notice", notice))
        }
    }
}

/// Redirects the person to the customer, or back to the page.
fn leave(link: &Link, view: &View) -> Response<Content> {
    // A header can have visible characters of ASCII only.
    let url = view.redirect.as_deref().map(|url| utf8_percent_encode(url, CONTROLS).to_string());
    see(&url.unwrap_or_else(|| link.page()))
}

/// A redirect to another page, which is read with GET.
fn see(url: &str) -> Response<Content> {
    let mut response = crate::page::html(StatusCode::SEE_OTHER, html! {});
    match HeaderValue::from_str(url) {
        Ok(url) => drop(response.headers_mut().insert(LOCATION, url)),
        Err(_) => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}

fn refuse_method(link: &Link) -> Response<Content> {
    let mut response = unknown(link);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    let allowed = if link.below.is_empty() { "GET, HEAD, POST" } else { "GET, HEAD" };
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn style() -> Response<Content> {
    let mut response = Response::new(Content::from_bytes(include_str!("../../assets/person.css")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    response
}
