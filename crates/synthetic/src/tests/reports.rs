//! The report and the sample contract.

use lopdf::Document;

use super::super::text::{Font, encode, width, wrap};
use super::super::{Error, Row, page_count, report, sample_contract};
use super::{assert_in_order, example, text_of};

#[test]
fn report_has_the_documented_texts() {
    let pdf = report(&example()).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    assert_eq!(page_count(&pdf), Some(2));
    assert_eq!(
        text_of(&pdf, 1),
        "Resultat IDENTprüfung Auftrag: 99921267754340 Referenz: Shop GWG Angabe Geliefert Geprüft \
         Nachname Mustermann Mustermann Vorname Erika Erika Strasse Heidestr. 17 Heidestr. 17 PLZ 51147 51147 \
         Ort Köln Köln Geburtsdatum 12.08.1964 12.08.1964 Geburtsort Berlin Berlin Nationalität DE Künstlername Titel \
         Ausweisnummer T22000129 AusstellungsLand AusstellungsOrt Stadt Köln Gültig bis 31.10.2020 \
         Lichtbild und Merkmale gemäß Ausweisdokument mit der zu identifizierenden Person verglichen und Identität \
         festgestellt. Resultat positiv am 03.09.2018 08:52 Identifizierer Prüfer 1872 SANDBOX – Erzeugt von einer \
         Testumgebung; dieses Dokument bestätigt nichts. / Made by a sandbox; this document attests nothing. \
         06.09.2018 16:10 (1/2)"
    );
    assert_eq!(
        text_of(&pdf, 2),
        "Bildaufnahmen Auftrag: 99921267754340 Ausweis Vorderseite Platzhalter, keine Aufnahme \
         Ausweis Rückseite Platzhalter, keine Aufnahme Lichtbild Platzhalter, keine Aufnahme SANDBOX – Erzeugt von einer \
         Testumgebung; dieses Dokument bestätigt nichts. / Made by a sandbox; this document attests nothing. \
         06.09.2018 16:10 (2/2)"
    );
}

#[test]
fn negative_report_does_not_state_an_identity() {
    let mut negative = example();
    negative.positive = false;
    let text = text_of(&report(&negative).unwrap(), 1);
    assert_in_order(&text, &["Identität nicht festgestellt.", "Resultat negativ am 03.09.2018 08:52"]);
    assert!(!text.contains("positiv"));
}

#[test]
fn same_input_gives_same_bytes() {
    assert_eq!(report(&example()).unwrap(), report(&example()).unwrap());
    assert_eq!(sample_contract(), sample_contract());
}

#[test]
fn long_table_repeats_its_head() {
    let mut long = example();
    let street = "Straße der Vereinigung ".repeat(30);
    for _ in 0..40 {
        long.rows.push(Row { label: "Zusatz", supplied: Some(&street), checked: None });
    }
    let pdf = report(&long).unwrap();
    let pages = page_count(&pdf).unwrap();
    assert!(pages > 3, "{pages}");
    assert_in_order(&text_of(&pdf, 2), &["Angabe", "Geliefert", "Geprüft", "Zusatz"]);
    let last = u32::try_from(pages).unwrap();
    assert_in_order(&text_of(&pdf, last), &["Lichtbild", &format!("({pages}/{pages})")]);
}

#[test]
fn report_with_too_many_rows_is_rejected() {
    let mut endless = example();
    endless.rows = vec![Row::default(); 10_000];
    assert_eq!(report(&endless), Err(Error::TooLarge));
}

#[test]
fn letters_outside_winansi_lose_their_marks() {
    assert_eq!(
        encode("Łukasz Dvořák, Şahin Ağaoğlu, Đorđe, İrem Işık"),
        b"Lukasz Dvor\xe1k, Sahin Agaoglu, Dorde, Irem Isik"
    );
    assert_eq!(encode("Mu\u{308}ller €\u{200b}5\n中"), b"M\xfcller \x805 ?");
}

#[test]
fn wrapped_lines_fit_the_limit() {
    let text = encode(&format!("kurz {} kurz", "Donaudampfschifffahrtsgesellschaft".repeat(4)));
    for limit in [20.0, 60.0, 160.0] {
        let lines = wrap(&text, Font::Regular, 9.5, limit, 100);
        assert!(lines.iter().all(|line| width(line, Font::Regular, 9.5) <= limit));
        let spaceless = |bytes: &[u8]| bytes.iter().copied().filter(|&b| b != b' ').collect::<Vec<_>>();
        assert_eq!(spaceless(&lines.concat()), spaceless(&text), "all text is in the lines");
        let few = wrap(&text, Font::Regular, 9.5, limit, 2);
        assert!(few.len() <= 2 && few.iter().all(|line| width(line, Font::Regular, 9.5) <= limit));
    }
    assert_eq!(wrap(b"", Font::Bold, 9.5, 10.0, 2), [b""]);
}

#[test]
fn sample_contract_is_one_readable_page() {
    let pdf = sample_contract();
    assert_eq!(page_count(&pdf), Some(1));
    assert_in_order(&text_of(&pdf, 1), &["Erika Mustermann", "identkit", "Unterschrift / Signature"]);
    let document = Document::load_mem(&pdf).unwrap();
    assert_eq!(document.xref_recovery, None, "the file needs no repair");
}
