//! Files of an order: a preview, and the file itself.

use http::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use identkit_core::Content;
use maud::html;

use super::layout::{Page, Section};
use super::parts::{facts, json, list, text};
use super::visit::{Visit, encode, with};
use crate::api::{File, Refused};

/// A file cannot load or run anything. Browsers refuse to show a PDF in a sandbox.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'";
const PDF: &str = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'";

fn path(id: &str, name: &str) -> String {
    with(&format!("orders/{}/evidence", encode(id)), "file", name)
}

/// The page with a preview.
pub(super) async fn page(visit: &mut Visit<'_>, id: &str, name: &str) -> Result<Page, Refused> {
    let details = visit.get(&format!("orders/{}/details", encode(id))).await?;
    let media_type = list(&details, "/evidence").iter().find(|file| text(file, "/name") == name);
    let media_type = media_type.map(|file| text(file, "/media_type").to_owned()).unwrap_or_default();
    // Also if the list does not have the file: then the admin API says so.
    let file = visit.file(&path(id, name)).await?;
    let raw = visit.link(&format!("/orders/{}/files/{}/raw", encode(id), encode(name)));
    let label = format!("{name} of order {id}");
    let body = html! {
        div.heading {
            h1 { (name) }
            a href=(visit.link(&format!("/orders/{}", encode(id)))) { "Order " (id) }
        }
        (facts(&[
            ("Media type", html! { (media_type) }),
            ("Size", html! { (file.bytes.len()) " bytes" }),
            ("File", html! { a href=(raw) { "Open" } " · " a href=(raw) download=(name) { "Download" } }),
        ]))
        div.preview {
            @match media_type.split('/').next() {
                Some("image") => { img src=(raw) alt=(label); }
                Some("video") => { video src=(raw) controls preload="metadata" aria-label=(label) {} }
                Some("audio") => { audio src=(raw) controls preload="metadata" aria-label=(label) {} }
                _ if media_type == "application/json" => (json(&serde_json::from_slice(&file.bytes).unwrap_or_default())),
                _ => { object data=(raw) type=(media_type) aria-label=(label) { p { a href=(raw) { "Open " (name) } } } }
            }
        }
    };
    Ok(Page::new(Section::Orders, name, body))
}

/// The file itself.
pub(super) async fn raw(visit: &mut Visit<'_>, id: &str, name: &str) -> Result<Response<Content>, Refused> {
    let File { media_type, bytes } = visit.file(&path(id, name)).await?;
    let policy = if media_type == "application/pdf" { PDF } else { SANDBOX };
    let mut response = Response::new(Content::from_bytes(bytes));
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_str(&media_type).ok();
    headers.insert(CONTENT_TYPE, media_type.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, policy),
        (CONTENT_DISPOSITION, "inline"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
