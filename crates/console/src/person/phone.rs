//! The phone of the person: the text messages about a case.

use http::{Method, Response};
use identkit_core::Content;
use identkit_mock_server::server::AdminApi;
use maud::html;
use serde_json::Value;

use super::layout::{Page, unknown};
use super::view::{Link, View, query};
use crate::api;

/// A text message.
struct Text {
    to: Option<String>,
    at: Option<String>,
    text: String,
    tan: Option<String>,
}

/// The page with the text messages, newest first.
pub(super) async fn page(admin: &AdminApi, link: &Link, world: &str, case: &str) -> Response<Content> {
    let Some(view) = View::read(admin, world, case).await else { return unknown(link) };
    let say = link.language;
    let texts = texts(admin, world, case).await;
    Page::new(link, say.say("Telefon der Person", "Phone of the person")).of(&view).show(&html! {
        @if texts.is_empty() {
            p role="status" { (say.say("Keine Nachrichten", "No messages")) }
        } @else {
            ol.messages aria-label=(say.say("Nachrichten", "Messages")) {
                @for text in &texts {
                    li {
                        p.meta {
                            @if let Some(to) = &text.to { (say.say("An ", "To ")) (to) }
                            @if let Some(at) = &text.at { " · " time datetime=(at) { (at) } }
                        }
                        @match &text.tan {
                            Some(tan) => p { (say.say("Ihre TAN: ", "Your TAN: ")) strong.tan { (tan) } }
                            None => p { (text.text) }
                        }
                    }
                }
            }
        }
        p { a.button href=(link.below("/phone")) { (say.say("Neue Nachrichten abrufen", "Check for new messages")) } }
    })
}

async fn texts(admin: &AdminApi, world: &str, case: &str) -> Vec<Text> {
    let path = format!("{}&reveal=true", query(world, case, "outbox"));
    let outbox = api::call(admin, Method::GET, &path, &Value::Null).await.unwrap_or_default();
    let member = |message: &Value, name: &str| message.get(name).and_then(Value::as_str).map(str::to_owned);
    let messages = outbox.get("messages").and_then(Value::as_array).into_iter().flatten();
    let by_sms = messages.filter(|message| message.get("channel").is_some_and(|channel| channel == "sms"));
    let mut texts: Vec<Text> = by_sms
        .map(|message| Text {
            to: member(message, "to"),
            at: member(message, "at"),
            text: member(message, "text").unwrap_or_default(),
            tan: member(message, "tan"),
        })
        .collect();
    // An order without a phone number: the person has given the number to the agent.
    let tans = api::call(admin, Method::GET, &query(world, case, "tans"), &Value::Null).await.unwrap_or_default();
    let latest = tans.pointer("/tans/0").and_then(Value::as_str).map(str::to_owned);
    if texts.is_empty() && latest.is_some() {
        texts.push(Text { to: None, at: None, text: String::new(), tan: latest });
    }
    texts
}
