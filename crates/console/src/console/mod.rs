//! The console: orders, webhooks, time and faults of a sandbox in the browser.
//!
//! It is a view of the admin API: each page is made from calls, and each form makes one call and shows its page again. It
//! has no state. One module has one screen; `layout` has what all of them share, `parts` what several do.
//!
//! Invariants:
//! - A GET changes nothing.
//! - A page never shows a text of its query, except in the field that it came from.
//! - Everything comes from this host; the pages are complete without the script.

mod assets;
mod clock;
mod curl;
mod faults;
mod files;
mod forms;
mod journal;
mod layout;
mod order;
mod orders;
mod outbox;
mod parts;
mod rules;
mod schema;
mod settings;
mod visit;
mod webhooks;
mod worlds;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY};
use http::{Method, Request, Response, StatusCode};
use identkit_core::{BoxFuture, Content};
use identkit_mock_server::server::AdminApi;
use maud::html;

use self::forms::{Action, Fields};
use self::layout::{Page, Section, frame};
use self::visit::{Visit, with};
use crate::api::Refused;
use crate::page;

/// Everything comes from this host, and forms post to it; no inline scripts or styles, no frames. Objects are previews.
const POLICY: &str =
    "default-src 'self'; object-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page that opened the console has no handle of its window.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Answers a request whose path is not that of the admin API.
pub(crate) fn answer<'a>(admin: &'a AdminApi, request: &'a Request<Bytes>) -> Option<BoxFuture<'a, Response<Content>>> {
    let path = request.uri().path();
    if path == "/_sandbox" || path.starts_with("/_sandbox/") {
        return None;
    }
    Some(Box::pin(async move {
        let mut visit = Visit::new(admin, request);
        let response = match *request.method() {
            Method::GET | Method::HEAD => get(&mut visit).await,
            Method::POST => submit(&mut visit).await,
            _ => Ok(other_method()),
        };
        let response = match response {
            Ok(response) => response,
            Err(refused) => problem(&mut visit, &refused).await,
        };
        if *request.method() == Method::HEAD { response.map(|_| Content::empty()) } else { response }
    }))
}

async fn get(visit: &mut Visit<'_>) -> Result<Response<Content>, Refused> {
    if let Some(asset) = assets::answer(visit.path()) {
        return Ok(asset);
    }
    let segments = visit.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let page = match segments.as_slice() {
        [] | ["orders"] => orders::page(visit).await?,
        ["orders", id] => order::page(visit, id).await?,
        ["orders", id, "files", name] => files::page(visit, id, name).await?,
        ["orders", id, "files", name, "raw"] => return files::raw(visit, id, name).await,
        ["webhooks"] => webhooks::page(visit).await?,
        ["webhooks", id] => webhooks::one(visit, id).await?,
        ["journal"] => journal::page(visit).await?,
        ["journal", sequence] => journal::one(visit, sequence).await?,
        ["outbox"] => outbox::page(visit).await?,
        ["faults"] => faults::page(visit).await?,
        ["clock"] => clock::page(visit).await?,
        ["settings"] => settings::page(visit).await?,
        ["rules"] => rules::page(visit).await?,
        ["worlds"] => worlds::page(visit).await?,
        _ => return Err(unknown_page()),
    };
    Ok(framed(visit, StatusCode::OK, &page).await)
}

/// The call that a form makes. `None` if no form posts to this path.
fn action(segments: &[&str], fields: &Fields) -> Option<Action> {
    match segments {
        ["orders", id, verb] => order::action(id, verb, fields),
        ["webhooks", verb] => webhooks::action(verb, fields),
        ["webhooks", id, verb] => webhooks::verb(id, verb),
        ["clock", verb] => clock::action(verb, fields),
        ["faults"] => Some(faults::inject(fields)),
        ["faults", "clear"] => Some(faults::clear()),
        ["faults", id, "remove"] => Some(faults::remove(id)),
        ["journal", "clear"] => Some(journal::clear()),
        ["settings"] => Some(settings::action(fields)),
        ["worlds"] => Some(worlds::create(fields)),
        ["worlds", id, verb] => worlds::action(id, verb, fields),
        _ => None,
    }
}

/// Makes the call of a form, and shows its page again.
async fn submit(visit: &mut Visit<'_>) -> Result<Response<Content>, Refused> {
    let fields = Fields::read(visit.body());
    let segments = visit.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let action = action(&segments, &fields).ok_or_else(unknown_page)?;
    visit.change(action.method, &action.path, &action.body).await?;
    let mut response = Response::new(Content::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::from_str(&with(fields.back(), "done", action.done.word()));
    response.headers_mut().insert(LOCATION, location.unwrap_or(HeaderValue::from_static("/")));
    Ok(response)
}

async fn framed(visit: &mut Visit<'_>, status: StatusCode, page: &Page) -> Response<Content> {
    let clock = visit.describe("clock").await.ok();
    let due = visit.describe("clock/due?limit=1").await.unwrap_or_default();
    let mut response = page::html(status, frame(visit, page, clock.as_ref().map(|clock| (clock, &due))));
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    // With `no-referrer`, a browser sends `Origin: null` with forms, and the listener rejects them.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn unknown_page() -> Refused {
    Refused {
        status: 404,
        problem: serde_json::json!({ "title": "Unknown page", "detail": "the console has no such page" }),
    }
}

fn other_method() -> Response<Content> {
    let mut response = Response::new(Content::empty());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    response
}

/// The page of a refused call: what is wrong, and what would be valid.
async fn problem(visit: &mut Visit<'_>, refused: &Refused) -> Response<Content> {
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = Fields::read(visit.body());
    let back = if *visit.method() == Method::POST { fields.back().to_owned() } else { visit.link("/") };
    let text = |pointer: &str| parts::text(&refused.problem, pointer);
    let body = html! {
        div.heading { h1 { (text("/title")) } (parts::badge(parts::Tone::Bad, &refused.status.to_string())) }
        p.problem { (text("/detail")) }
        @if !text("/rule").is_empty() { p { "Rule " code { (text("/rule")) } } }
        p { a href=(back) { "Back" } }
    };
    let page = Page::new(Section::Orders, text("/title"), body);
    framed(visit, status, &page).await
}
