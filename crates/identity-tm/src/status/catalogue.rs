//! The 55 status codes of [T 3.2.1.3] with their English and German texts, in the document's order.
//!
//! The texts disagree in places (AT-16): compare the numbers. The German texts are the vendor's internal courier terms;
//! do not show them to a person.

use std::fmt;

use super::kind::StatusKind;

/// A code with the document's texts.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusText {
    /// Status code.
    pub kind: StatusKind,
    /// Text of the column "Definition EN Long".
    pub english: &'static str,
    /// Text of the column "Definition DE Short".
    pub german: &'static str,
}

impl StatusKind {
    /// Returns the document's texts, if it lists the code.
    pub fn text(self) -> Option<&'static StatusText> {
        CATALOGUE.iter().find(|text| text.kind == self)
    }
}

impl fmt::Display for StatusKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => write!(f, "{} {}", self.0, text.english),
            None => write!(f, "{} (not in the document)", self.0),
        }
    }
}

/// Every code that the document lists.
pub const CATALOGUE: &[StatusText] = &[
    text(3, "Order was loaded by courier", "Beladen"),
    text(6, "Identification positively conducted", "Zustellung"),
    text(7, "E-mail has been sent", "EMail"),
    text(9, "Order on the way to the central HUB", "Ausgang Depot"),
    text(10, "Order resides in the depot", "Eingang Depot"),
    text(12, "Customer could not be reached by phone", "TNE"),
    text(14, "Document sent to client", "Retour Z"),
    text(15, "Customer was not present at appointment and was notified", "Na"),
    text(16, "Identification refused by customer", "Av"),
    text(17, "Identification negatively conducted", "In"),
    text(19, "Appointment conducted with customer", "Tv"),
    text(20, "Incorrect address in order", "FA"),
    text(21, "The processing was aborted", "Abbruch"),
    text(22, "The processing was terminated", "Retour"),
    text(23, "Document verified", "Vertrag OK"),
    text(24, "Document erroneous in postprocessing", "Vertrag fehlerhaft"),
    text(25, "Order initialized", "Daten erfasst"),
    text(26, "Follow-up scheduling", "TV Wiedervorlage"),
    text(33, "Giro Forwarding", "Giro Weiterleitung"),
    text(34, "Giro Feedback", "Giro - Timeout"),
    text(49, "eID IDapp link created", "eID Ausweisapp Link gebaut"),
    text(50, "eID IDapp request", "eID Ausweisapp Request"),
    text(51, "eID data gathered", "eID Daten erfasst"),
    text(54, "Support", "Kundenanfrage bearbeitet"),
    text(55, "Customer could not be reached by phone", "2xTNE"),
    text(56, "Phone number is incorrect", "Datenkorrektur"),
    text(57, "Identification not possible, customer was repeatedly not present at appointments", "AND"),
    text(58, "Identification refused by customer by phone", "telefonischer AV"),
    text(63, "Cancellation", "Storno"),
    text(64, "Appointment cancellation", "TV Storno"),
    text(66, "Order is physically on the way to client", "RetourZ Sendung"),
    text(68, "Change of procedure to Shop", "Verfahrenswechsel zu Shop"),
    text(69, "Change of procedure to Home (Courier)", "Verfahrenswechsel zu Home"),
    text(70, "Spoken on answering machine", "Anrufbeantworter besprochen"),
    text(71, "SMS sent", "SMS gesendet"),
    text(73, "Change of procedure to Video", "Verfahrenswechsel zu Video"),
    text(74, "Change of procedure to eiD", "Verfahrenswechsel zu eiD"),
    text(75, "Video identification conducted", "Video Ident durchgeführt"),
    text(77, "Video identification in waiting room", "Video Ident im Warteraum"),
    text(78, "Video identification call has begun", "Video Ident Call begonnen"),
    text(79, "Video identification call has been left", "Video Ident Call verlassen"),
    text(80, "Identification data ready for pick-up", "Identdaten abholbereit"),
    text(81, "Change of procedure to Giro", "Verfahrenswechsel zu Giro"),
    text(83, "Document signature request", "Dokument SignaturRequest"),
    text(84, "Document signed", "Dokument signiert"),
    text(89, "Fraud attempt by customer", "Betrugsverdacht"),
    text(94, "eSign Account created", "eSign Konto angelegt"),
    text(95, "eSign Account verified", "eSign Konto verifiziert"),
    text(96, "eSign Account already exists", "eSign Konto ist schon existent"),
    text(97, "Images were sent to Video", "Images an Videosystem"),
    text(98, "Change of procedure to AutoID", "Verfahrenswechsel zu AutoID"),
    text(99, "TimeOut", "TimeOut"),
    text(100, "TimeOut after Ident", "TimeOut nach Ident"),
    text(101, "eSign documents verified and hashes generated", "eSign Dokumente bestätigt/Hash erzeugt"),
    text(102, "eSign document preview", "eSign Dokumente Preview"),
];

const fn text(code: u32, english: &'static str, german: &'static str) -> StatusText {
    StatusText { kind: StatusKind(code), english, german }
}
