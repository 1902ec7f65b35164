//! The frame of every page.

use http::{Response, StatusCode};
use identkit_core::Content;
use maud::{DOCTYPE, Markup, html};

use super::language::Language;
use super::view::{Link, View};

/// Path of the style sheet.
pub(super) const STYLE: &str = "/_sandbox/person.css";

/// A page, before its content.
pub(super) struct Page<'a> {
    link: &'a Link,
    title: &'a str,
    status: StatusCode,
    step: &'a str,
    /// Seconds until another URL is loaded.
    refresh: Option<String>,
    view: Option<&'a View>,
}

impl<'a> Page<'a> {
    pub(super) fn new(link: &'a Link, title: &'a str) -> Self {
        Self { link, title, status: StatusCode::OK, step: "none", refresh: None, view: None }
    }

    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn of(self, view: &'a View) -> Self {
        Self { step: &view.step, view: Some(view), ..self }
    }

    /// Loads a URL after this time in seconds.
    pub(super) fn refresh(self, seconds: u32, url: &str) -> Self {
        Self { refresh: Some(format!("{seconds}; url={url}")), ..self }
    }

    pub(super) fn show(self, content: &Markup) -> Response<Content> {
        let say = self.link.language;
        crate::page::html(
            self.status,
            html! {
                (DOCTYPE)
                html lang=(say.code()) {
                    head {
                        meta charset="utf-8";
                        meta name="viewport" content="width=device-width, initial-scale=1";
                        meta name="color-scheme" content="light dark";
                        meta name="robots" content="noindex";
                        @if let Some(refresh) = &self.refresh {
                            meta http-equiv="refresh" content=(refresh);
                        }
                        title { (self.title) " – " (say.say("Identifizierung", "Identification")) }
                        link rel="stylesheet" href=(STYLE);
                    }
                    body {
                        a.skip href="#content" { (say.say("Zum Inhalt", "Skip to the content")) }
                        header {
                            p.banner role="note" {
                                strong { "Sandbox" }
                                (say.say(
                                    ": Diese Seite ist simuliert. Alle Daten sind synthetisch.",
                                    ": this page is simulated. All data is synthetic.",
                                ))
                            }
                            (self.languages())
                        }
                        main id="content" data-step=(self.step) {
                            h1 { (self.title) }
                            (self.notice())
                            (content)
                        }
                        (self.footer())
                    }
                }
            },
        )
    }

    fn languages(&self) -> Markup {
        let current = self.link.language;
        html! {
            nav aria-label=(current.say("Sprache", "Language")) {
                @for language in Language::ALL {
                    @let code = language.code();
                    a href=(self.link.in_language(language)) lang=(code) hreflang=(code)
                        aria-current=[(language == current).then_some("true")] { (language.name()) }
                }
            }
        }
    }

    /// The sentence about the last action.
    fn notice(&self) -> Markup {
        let say = self.link.language;
        let text = match self.link.notice.as_deref() {
            Some("gone") => say.say(
                "Dieser Schritt ist nicht mehr möglich. Die Seite zeigt den aktuellen Stand.",
                "This step is no longer possible. The page shows the current state.",
            ),
            Some("tan") => say.say("Die TAN ist falsch.", "The TAN is wrong."),
            Some("consent") => say.say("Bitte stimmen Sie zuerst zu.", "Please give your consent first."),
            _ => return html! {},
        };
        html! { p.notice id="notice" role="alert" { (text) } }
    }

    fn footer(&self) -> Markup {
        let say = self.link.language;
        html! {
            footer {
                @if let Some(view) = self.view {
                    p {
                        (say.say("Anbieter: ", "Vendor: ")) (view.vendor)
                        " · " (say.say("Auftrag: ", "Order: ")) (view.case)
                        @if let Some(reference) = &view.reference {
                            " · " (say.say("Referenz: ", "Reference: ")) (reference)
                        }
                    }
                    p {
                        a href=(self.link.below("/phone")) target="_blank" rel="noopener" {
                            (say.say("Telefon der Person (neuer Tab)", "Phone of the person (new tab)"))
                        }
                    }
                }
            }
        }
    }
}

/// The page of a link that no case has.
pub(super) fn unknown(link: &Link) -> Response<Content> {
    let say = link.language;
    let page = Page::new(link, say.say("Dieser Link ist unbekannt", "This link is unknown"));
    page.status(StatusCode::NOT_FOUND).show(&html! {
        p {
            (say.say(
                "Die Sandbox hat keinen Auftrag mit diesem Link. Vielleicht wurde sie neu gestartet.",
                "The sandbox has no order with this link. Perhaps it was restarted.",
            ))
        }
    })
}
