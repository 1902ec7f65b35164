//! The 55 status codes of [T 3.2.1.3] with both printed texts, in the document's order.
//!
//! English and German disagree in places (AT-16): code against the numbers. The German texts are the vendor's courier
//! jargon; never show them to a person.

use super::{StatusKind, StatusText};

/// Every code that the document lists.
pub const CATALOGUE: &[StatusText] = &[
    StatusText { kind: StatusKind(3), english: "Order was loaded by courier", german: "Beladen" },
    StatusText { kind: StatusKind(6), english: "Identification positively conducted", german: "Zustellung" },
    StatusText { kind: StatusKind(7), english: "E-mail has been sent", german: "EMail" },
    StatusText { kind: StatusKind(9), english: "Order on the way to the central HUB", german: "Ausgang Depot" },
    StatusText { kind: StatusKind(10), english: "Order resides in the depot", german: "Eingang Depot" },
    StatusText { kind: StatusKind(12), english: "Customer could not be reached by phone", german: "TNE" },
    StatusText { kind: StatusKind(14), english: "Document sent to client", german: "Retour Z" },
    StatusText {
        kind: StatusKind(15),
        english: "Customer was not present at appointment and was notified",
        german: "Na",
    },
    StatusText { kind: StatusKind(16), english: "Identification refused by customer", german: "Av" },
    StatusText { kind: StatusKind(17), english: "Identification negatively conducted", german: "In" },
    StatusText { kind: StatusKind(19), english: "Appointment conducted with customer", german: "Tv" },
    StatusText { kind: StatusKind(20), english: "Incorrect address in order", german: "FA" },
    StatusText { kind: StatusKind(21), english: "The processing was aborted", german: "Abbruch" },
    StatusText { kind: StatusKind(22), english: "The processing was terminated", german: "Retour" },
    StatusText { kind: StatusKind(23), english: "Document verified", german: "Vertrag OK" },
    StatusText { kind: StatusKind(24), english: "Document erroneous in postprocessing", german: "Vertrag fehlerhaft" },
    StatusText { kind: StatusKind(25), english: "Order initialized", german: "Daten erfasst" },
    StatusText { kind: StatusKind(26), english: "Follow-up scheduling", german: "TV Wiedervorlage" },
    StatusText { kind: StatusKind(33), english: "Giro Forwarding", german: "Giro Weiterleitung" },
    StatusText { kind: StatusKind(34), english: "Giro Feedback", german: "Giro - Timeout" },
    StatusText { kind: StatusKind(49), english: "eID IDapp link created", german: "eID Ausweisapp Link gebaut" },
    StatusText { kind: StatusKind(50), english: "eID IDapp request", german: "eID Ausweisapp Request" },
    StatusText { kind: StatusKind(51), english: "eID data gathered", german: "eID Daten erfasst" },
    StatusText { kind: StatusKind(54), english: "Support", german: "Kundenanfrage bearbeitet" },
    StatusText { kind: StatusKind(55), english: "Customer could not be reached by phone", german: "2xTNE" },
    StatusText { kind: StatusKind(56), english: "Phone number is incorrect", german: "Datenkorrektur" },
    StatusText {
        kind: StatusKind(57),
        english: "Identification not possible, customer was repeatedly not present at appointments",
        german: "AND",
    },
    StatusText {
        kind: StatusKind(58),
        english: "Identification refused by customer by phone",
        german: "telefonischer AV",
    },
    StatusText { kind: StatusKind(63), english: "Cancellation", german: "Storno" },
    StatusText { kind: StatusKind(64), english: "Appointment cancellation", german: "TV Storno" },
    StatusText { kind: StatusKind(66), english: "Order is physically on the way to client", german: "RetourZ Sendung" },
    StatusText { kind: StatusKind(68), english: "Change of procedure to Shop", german: "Verfahrenswechsel zu Shop" },
    StatusText {
        kind: StatusKind(69),
        english: "Change of procedure to Home (Courier)",
        german: "Verfahrenswechsel zu Home",
    },
    StatusText { kind: StatusKind(70), english: "Spoken on answering machine", german: "Anrufbeantworter besprochen" },
    StatusText { kind: StatusKind(71), english: "SMS sent", german: "SMS gesendet" },
    StatusText { kind: StatusKind(73), english: "Change of procedure to Video", german: "Verfahrenswechsel zu Video" },
    StatusText { kind: StatusKind(74), english: "Change of procedure to eiD", german: "Verfahrenswechsel zu eiD" },
    StatusText { kind: StatusKind(75), english: "Video identification conducted", german: "Video Ident durchgeführt" },
    StatusText {
        kind: StatusKind(77),
        english: "Video identification in waiting room",
        german: "Video Ident im Warteraum",
    },
    StatusText {
        kind: StatusKind(78),
        english: "Video identification call has begun",
        german: "Video Ident Call begonnen",
    },
    StatusText {
        kind: StatusKind(79),
        english: "Video identification call has been left",
        german: "Video Ident Call verlassen",
    },
    StatusText {
        kind: StatusKind(80),
        english: "Identification data ready for pick-up",
        german: "Identdaten abholbereit",
    },
    StatusText { kind: StatusKind(81), english: "Change of procedure to Giro", german: "Verfahrenswechsel zu Giro" },
    StatusText { kind: StatusKind(83), english: "Document signature request", german: "Dokument SignaturRequest" },
    StatusText { kind: StatusKind(84), english: "Document signed", german: "Dokument signiert" },
    StatusText { kind: StatusKind(89), english: "Fraud attempt by customer", german: "Betrugsverdacht" },
    StatusText { kind: StatusKind(94), english: "eSign Account created", german: "eSign Konto angelegt" },
    StatusText { kind: StatusKind(95), english: "eSign Account verified", german: "eSign Konto verifiziert" },
    StatusText {
        kind: StatusKind(96),
        english: "eSign Account already exists",
        german: "eSign Konto ist schon existent",
    },
    StatusText { kind: StatusKind(97), english: "Images were sent to Video", german: "Images an Videosystem" },
    StatusText {
        kind: StatusKind(98),
        english: "Change of procedure to AutoID",
        german: "Verfahrenswechsel zu AutoID",
    },
    StatusText { kind: StatusKind(99), english: "TimeOut", german: "TimeOut" },
    StatusText { kind: StatusKind(100), english: "TimeOut after Ident", german: "TimeOut nach Ident" },
    StatusText {
        kind: StatusKind(101),
        english: "eSign documents verified and hashes generated",
        german: "eSign Dokumente bestätigt/Hash erzeugt",
    },
    StatusText { kind: StatusKind(102), english: "eSign document preview", german: "eSign Dokumente Preview" },
];
