//! The steps of the landing page.

use http::Response;
use identkit_core::Content;
use maud::{Markup, html};

use super::language::Language;
use super::layout::Page;
use super::view::{Link, View};

/// Seconds until a page that waits for the vendor is read again.
const WAIT: u32 = 1;

/// The page of the current step.
pub(super) fn page(link: &Link, view: &View) -> Response<Content> {
    let say = link.language;
    let page = Page::new(link, title(say, &view.step)).of(view);
    match view.step.as_str() {
        "processing" => page.refresh(WAIT, &link.with("go", "1")).show(&waiting(link)),
        // Not after a link that the person follows later: it shows how the identification ended.
        _ if link.goes && view.redirect.is_some() => page.refresh(0, &link.below("/next")).show(&leaving(link)),
        _ => page.show(&content(link, view)),
    }
}

fn title(say: Language, step: &str) -> &'static str {
    match step {
        "choose" => say.say("Wie möchten Sie sich identifizieren?", "How do you want to identify yourself?"),
        "consent" => say.say("Ihre Einwilligung", "Your consent"),
        "waiting" => say.say("Warteraum", "Waiting room"),
        "call" => say.say("Videogespräch", "Video call"),
        "identify" => say.say("Identifizierung", "Identification"),
        "tan" => say.say("TAN eingeben", "Enter the TAN"),
        "sign" => say.say("Dokumente unterschreiben", "Sign the documents"),
        "sign_tan" => say.say("Unterschrift bestätigen", "Confirm the signature"),
        "processing" => say.say("Bitte warten", "Please wait"),
        "appointment" => say.say("Ihr Termin", "Your appointment"),
        "left" => say.say("Sie haben abgebrochen", "You have canceled"),
        "done" => say.say("Vielen Dank", "Thank you"),
        "failed" => say.say("Nicht erfolgreich", "Not successful"),
        "expired" => say.say("Die Frist ist abgelaufen", "The time is over"),
        "deleted" => say.say("Die Daten sind gelöscht", "The data is deleted"),
        _ => say.say("Identifizierung", "Identification"),
    }
}

/// Name and description of a method. A method of another vendor has no text here, and is shown by its own name.
fn method(say: Language, name: &str) -> (&str, &'static str) {
    match name {
        "video" => (
            say.say("Videogespräch", "Video call"),
            say.say("Ein Agent prüft Ihren Ausweis im Videogespräch.", "An agent checks your ID card in a video call."),
        ),
        "courier" => (
            say.say("Kurier", "Courier"),
            say.say(
                "Ein Kurier kommt zu Ihnen und prüft Ihren Ausweis.",
                "A courier visits you and checks your ID card.",
            ),
        ),
        "shop" => (
            say.say("Filiale", "Shop"),
            say.say("Sie zeigen Ihren Ausweis in einer Filiale.", "You show your ID card in a shop."),
        ),
        "eid" => (
            say.say("Online-Ausweis (eID)", "Online ID card (eID)"),
            say.say("Ihr Telefon liest Ihren Online-Ausweis.", "Your phone reads your online ID card."),
        ),
        "giro" => (
            say.say("Bankkonto", "Bank account"),
            say.say("Sie melden sich bei Ihrer Bank an.", "You log in to your bank."),
        ),
        "autoid" => (
            "autoID",
            say.say("Ihr Telefon filmt Ihren Ausweis und Ihr Gesicht.", "Your phone films your ID card and your face."),
        ),
        "smartid" => ("SmartID", say.say("Sie verwenden eine bestehende Identität.", "You use an existing identity.")),
        _ => (name, ""),
    }
}

/// The page of a person who waits for the vendor ([T] 2.4).
fn waiting(link: &Link) -> Markup {
    let say = link.language;
    html! {
        div.spinner aria-hidden="true" {}
        p role="status" {
            (say.say(
                "Ihre Angaben werden verarbeitet. Sie werden gleich weitergeleitet.",
                "Your data is being processed. You will be redirected soon.",
            ))
        }
        p { a.button href=(link.with("go", "1")) { (say.say("Stand abrufen", "Check the state")) } }
    }
}

/// The page before the redirect to the customer.
fn leaving(link: &Link) -> Markup {
    let say = link.language;
    html! {
        p role="status" { (say.say("Sie werden weitergeleitet.", "You are being redirected.")) }
        p { (continue_link(link)) }
    }
}

fn continue_link(link: &Link) -> Markup {
    let say = link.language;
    html! { a.button.primary href=(link.below("/next")) { (say.say("Weiter zum Anbieter", "Continue to the provider")) } }
}

fn content(link: &Link, view: &View) -> Markup {
    let say = link.language;
    let own = match view.step.as_str() {
        "choose" => choice(link, view),
        "consent" => consent(link, view),
        "waiting" => html! {
            p role="status" {
                (say.say("Der nächste freie Agent ruft Sie an.", "The next free agent will call you."))
            }
            (buttons(link, view, say.say("Der Agent", "The agent"), &[
                ("enter", say.say("Der Agent beginnt das Gespräch", "The agent starts the call")),
            ]))
        },
        "call" => html! {
            p { (say.say("Zeigen Sie Ihren Ausweis in die Kamera.", "Show your ID card to the camera.")) }
            (outcomes(link, view))
        },
        "identify" => html! {
            @if let Some(name) = &view.method {
                @let (name, about) = method(say, name);
                p { strong { (name) } ": " (about) }
            }
            (outcomes(link, view))
        },
        "tan" | "sign_tan" => tan(link, view),
        "sign" => sign(link, view),
        "appointment" => html! {
            p role="status" {
                (say.say("Sie haben einen Termin: ", "You have an appointment: "))
                strong { (view.appointment.as_deref().unwrap_or_default()) }
            }
        },
        step => html! { p role="status" { (ending(say, step)) } },
    };
    html! {
        (own)
        @if view.redirect.is_some() { p { (continue_link(link)) } }
        (ways_back(link, view))
    }
}

/// The sentence of a step that ends the visit.
fn ending(say: Language, step: &str) -> &'static str {
    match step {
        "left" => say.say(
            "Die Identifizierung ist nicht abgeschlossen. Sie können sie fortsetzen.",
            "The identification is not finished. You can continue it.",
        ),
        "done" => say.say(
            "Ihre Identifizierung ist abgeschlossen. Sie können dieses Fenster schließen.",
            "Your identification is finished. You can close this window.",
        ),
        "failed" => say.say("Die Identifizierung war nicht möglich.", "The identification was not possible."),
        "expired" => say.say(
            "Die Identifizierung wurde nicht rechtzeitig abgeschlossen.",
            "The identification was not finished in time.",
        ),
        "deleted" => {
            say.say("Zu diesem Link gibt es keine Daten mehr.", "The data for this link does not exist any more.")
        }
        _ => "",
    }
}

fn choice(link: &Link, view: &View) -> Markup {
    let say = link.language;
    html! {
        form method="post" action=(link.page()) {
            input type="hidden" name="action" value="choose";
            ul.methods {
                @for name in &view.methods {
                    @let (title, about) = method(say, name);
                    li {
                        button.primary name="method" value=(name) aria-describedby={ "about-" (name) } { (title) }
                        p id={ "about-" (name) } { (about) }
                    }
                }
            }
        }
    }
}

fn consent(link: &Link, view: &View) -> Markup {
    let say = link.language;
    let (name, about) = method(say, view.method.as_deref().unwrap_or_default());
    html! {
        p { strong { (name) } ": " (about) }
        form method="post" action=(link.page()) {
            input type="hidden" name="action" value="consent";
            (agreement(say.say(
                "Ich willige ein, dass meine Daten zur Identifizierung verarbeitet werden.",
                "I consent to the processing of my data for the identification.",
            )))
            button.primary { (say.say("Identifizierung beginnen", "Start the identification")) }
        }
    }
}

fn agreement(text: &str) -> Markup {
    html! {
        p.agree {
            input type="checkbox" id="agree" name="agree" value="yes" required;
            label for="agree" { (text) }
        }
    }
}

fn sign(link: &Link, view: &View) -> Markup {
    let say = link.language;
    html! {
        p { (say.say("Sie unterschreiben:", "You sign:")) }
        ul {
            @for document in &view.documents {
                li { (if document.is_empty() { say.say("Dokument", "Document") } else { document }) }
            }
        }
        form method="post" action=(link.page()) {
            input type="hidden" name="action" value="sign";
            (agreement(say.say(
                "Ich habe die Dokumente gelesen und möchte sie unterschreiben.",
                "I have read the documents and want to sign them.",
            )))
            button.primary { (say.say("TAN anfordern", "Request the TAN")) }
        }
    }
}

fn tan(link: &Link, view: &View) -> Markup {
    let say = link.language;
    let is_wrong = link.notice.as_deref() == Some("tan");
    html! {
        p {
            (say.say("Sie haben eine TAN per SMS erhalten. ", "You have received a TAN by text message. "))
            a href=(link.below("/phone")) target="_blank" rel="noopener" {
                (say.say("SMS lesen (neuer Tab)", "Read the text message (new tab)"))
            }
        }
        form method="post" action=(link.page()) {
            input type="hidden" name="action" value="tan";
            p {
                label for="tan" { "TAN" }
                input.tan type="text" id="tan" name="tan" inputmode="numeric" autocomplete="one-time-code"
                    maxlength="12" required aria-invalid=[is_wrong.then_some("true")]
                    aria-describedby=[is_wrong.then_some("notice")];
            }
            button.primary {
                (if view.step == "sign_tan" {
                    say.say("Unterschreiben", "Sign")
                } else {
                    say.say("TAN bestätigen", "Confirm the TAN")
                })
            }
        }
        @if view.can("resend") {
            (button(link, "resend", say.say("Neue TAN anfordern", "Request another TAN")))
        }
    }
}

/// The decisions of the agent, or of the device, which a tester makes.
fn outcomes(link: &Link, view: &View) -> Markup {
    let say = link.language;
    buttons(
        link,
        view,
        say.say("Ergebnis der Prüfung", "Result of the check"),
        &[
            ("pass", say.say("Erfolgreich", "Successful")),
            ("fail", say.say("Abgelehnt", "Rejected")),
            ("fraud", say.say("Betrugsverdacht", "Suspicion of fraud")),
            ("unreadable", say.say("Ausweis nicht lesbar", "ID card not readable")),
            ("postpone", say.say("Termin vereinbaren", "Make an appointment")),
        ],
    )
}

fn buttons(link: &Link, view: &View, legend: &str, all: &[(&str, &str)]) -> Markup {
    html! {
        form method="post" action=(link.page()) {
            fieldset {
                legend { (legend) }
                @for (action, text) in all.iter().filter(|(action, _)| view.can(action)) {
                    button name="action" value=(action) { (text) }
                }
            }
        }
    }
}

/// The way back to the choice of a method, and out of the identification.
fn ways_back(link: &Link, view: &View) -> Markup {
    let say = link.language;
    let abort = match view.step.as_str() {
        "waiting" => say.say("Warteraum verlassen", "Leave the waiting room"),
        "call" => say.say("Gespräch verlassen", "Leave the call"),
        _ => say.say("Identifizierung abbrechen", "Cancel the identification"),
    };
    html! {
        @for (action, text) in [
            ("resume", say.say("Identifizierung fortsetzen", "Continue the identification")),
            ("change", say.say("Anderes Verfahren wählen", "Choose another method")),
            ("abort", abort),
        ] {
            @if view.can(action) { (button(link, action, text)) }
        }
    }
}

fn button(link: &Link, action: &str, text: &str) -> Markup {
    html! {
        form.inline method="post" action=(link.page()) {
            button.secondary name="action" value=(action) { (text) }
        }
    }
}
