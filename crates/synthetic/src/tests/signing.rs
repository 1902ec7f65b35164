//! Marks on different kinds of PDF files.

use lopdf::{Document, EncryptionState, EncryptionVersion, Object, Permissions, StringFormat};

use super::super::{Error, Placement, SignatureMark, is_encrypted, page_count, report, sample_contract, sign};
use super::files::{Parts, fixture, page};
use super::{example, mark, save, with_object_streams};

fn encrypted(user_password: &str) -> Vec<u8> {
    let mut document = Document::load_mem(&sample_contract()).unwrap();
    let id = Object::String(b"0123456789abcdef".to_vec(), StringFormat::Literal);
    document.trailer.set("ID", vec![id.clone(), id]);
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    save(&mut document)
}

/// Rectangles and contents of the annotations of a page, counted from zero.
fn annotations(pdf: &[u8], page: usize) -> Vec<(Vec<f32>, String)> {
    let document = Document::load_mem(pdf).unwrap();
    let id = document.page_iter().nth(page).unwrap();
    let annotations = document.get_page_annotations(id).unwrap();
    annotations
        .into_iter()
        .map(|entry| {
            let rect = entry.get(b"Rect").and_then(Object::as_array).unwrap();
            let rect = rect.iter().map(|number| number.as_float().unwrap()).collect();
            let appearance = entry.get(b"AP").and_then(Object::as_dict).unwrap();
            let form = appearance.get_deref(b"N", &document).and_then(Object::as_stream).unwrap();
            (rect, String::from_utf8_lossy(&form.content).into_owned())
        })
        .collect()
}

#[test]
fn mark_preserves_bytes_and_pages() {
    let classic = report(&example()).unwrap();
    for original in [classic.clone(), with_object_streams(&classic)] {
        let signed = sign(&original, &mark()).unwrap();
        assert!(signed.starts_with(&original));
        assert_eq!(page_count(&signed), page_count(&original));
        assert_eq!(Document::load_mem(&signed).unwrap().xref_recovery, None);
        assert!(annotations(&signed, 0).is_empty());
        let marks = annotations(&signed, 1);
        assert_eq!(marks.len(), 1);
        for part in ["SANDBOX - no qualified electronic signature", "99921267754340", "03.09.2018 08:52"] {
            assert!(marks[0].1.contains(part), "{part}");
        }
    }
}

#[test]
fn a_mark_uses_the_box_of_a_distant_ancestor() {
    let own = Parts::with_page("/MediaBox[0 0 300 400]/Rotate 90");
    let node = "<</Type/Pages/Kids[3 0 R]/Count 1/Parent 2 0 R>>".to_owned();
    let inherited = Parts {
        pages: "<</Type/Pages/Kids[6 0 R]/Count 1/MediaBox[0 0 300 400]/Rotate 90>>".into(),
        page: page("/MediaBox null").replace("/Parent 2 0 R", "/Parent 6 0 R"),
        more: vec![node],
        ..Parts::default()
    };
    let [own, inherited] = [own, inherited.file()].map(|file| annotations(&sign(&file, &mark()).unwrap(), 0));
    assert_eq!(inherited, own);
    assert_eq!(own.len(), 1);
}

#[test]
fn update_has_the_same_kind_of_section_as_the_file() {
    let classic = sample_contract();
    let signed = sign(&classic, &mark()).unwrap();
    assert!(signed[classic.len()..].windows(8).any(|w| w == b"trailer\n"));
    let modern = with_object_streams(&classic);
    let signed = sign(&modern, &mark()).unwrap();
    assert!(!signed[modern.len()..].windows(8).any(|w| w == b"trailer\n"));
}

#[test]
fn marks_are_stacked() {
    let once = sign(&sample_contract(), &mark()).unwrap();
    let twice = sign(&once, &mark()).unwrap();
    let thrice = sign(&twice, &mark()).unwrap();
    assert!(twice.starts_with(&once) && thrice.starts_with(&twice));
    assert_eq!(page_count(&thrice), Some(1));
    let marks = annotations(&thrice, 0);
    assert_eq!(marks.len(), 3);
    assert!(marks[0].0[3] < marks[1].0[1] && marks[1].0[3] < marks[2].0[1]);
}

#[test]
fn mark_is_at_its_placement() {
    let at = |page, x, y, width, height| SignatureMark {
        placement: Placement { page, x: Some(x), y: Some(y), width: Some(width), height: Some(height) },
        ..mark()
    };
    let original = report(&example()).unwrap();
    let signed = sign(&original, &at(Some(0), 300.0, 400.0, 120.0, 40.0)).unwrap();
    assert_eq!(annotations(&signed, 0)[0].0, [300.0, 400.0, 420.0, 440.0]);

    assert_eq!(sign(&original, &at(Some(2), 0.0, 0.0, 99.0, 99.0)), Err(Error::NoSuchPage));
    for (x, y, width, height) in [
        (f32::NAN, 0.0, 99.0, 99.0),
        (0.0, f32::INFINITY, 99.0, 99.0),
        (0.0, 0.0, 1.0, 99.0),
        (0.0, 0.0, 99.0, -99.0),
        (600.0, 0.0, 99.0, 99.0),
        (0.0, -99.0, 99.0, 99.0),
    ] {
        assert_eq!(sign(&original, &at(None, x, y, width, height)), Err(Error::Placement));
    }
}

#[test]
fn placement_follows_the_rotation_of_the_page() {
    for (degrees, x, rect) in [
        (90, 20.0, [475.28, 20.0, 565.28, 220.0]),
        (180, 10.0, [385.28, 721.89, 585.28, 811.89]),
        (-90, 10.0, [30.0, 631.89, 120.0, 831.89]),
    ] {
        let mut document = Document::load_mem(&sample_contract()).unwrap();
        let id = document.page_iter().next().unwrap();
        document.get_dictionary_mut(id).unwrap().set("Rotate", degrees);
        let placement = Placement { page: None, x: Some(x), y: Some(30.0), width: Some(200.0), height: Some(90.0) };
        let signed = sign(&save(&mut document), &SignatureMark { placement, ..mark() }).unwrap();
        let actual = annotations(&signed, 0).remove(0).0;
        assert!(actual.iter().zip(rect).all(|(a, b)| (a - b).abs() < 0.01), "{degrees}: {actual:?}");
    }
}

#[test]
fn damaged_section_is_replaced() {
    let classic = report(&example()).unwrap();
    for original in [classic.clone(), with_object_streams(&classic)] {
        let at = original.windows(10).rposition(|w| w == b"startxref\n").unwrap();
        let mut damaged = original;
        damaged.splice(at + 10..at + 10, *b"9");
        assert!(Document::load_mem(&damaged).unwrap().xref_recovery.is_some());
        let signed = sign(&damaged, &mark()).unwrap();
        assert!(signed.starts_with(&damaged));
        let read = Document::load_mem(&signed).unwrap();
        assert_eq!(read.xref_recovery, None);
        assert_eq!(read.page_iter().count(), 2);
    }
}

#[test]
fn existing_annotations_are_preserved() {
    let mut document = Document::load_mem(&sample_contract()).unwrap();
    let id = document.page_iter().next().unwrap();
    let note = lopdf::dictionary! { "Type" => "Annot", "Subtype" => "Text" };
    let list = document.add_object(vec![note.into()]);
    document.get_dictionary_mut(id).unwrap().set("Annots", list);
    let signed = Document::load_mem(&sign(&save(&mut document), &mark()).unwrap()).unwrap();
    let page = signed.get_dictionary(signed.page_iter().next().unwrap()).unwrap();
    let annotations = page.get_deref(b"Annots", &signed).and_then(Object::as_array).unwrap();
    assert_eq!(annotations.len(), 2);
    assert_eq!(annotations[0].as_dict().unwrap().get(b"Subtype").and_then(Object::as_name).unwrap(), b"Text");
}

#[test]
fn encrypted_files_are_rejected() {
    // RC4 with two passwords, and AES-256 without one.
    for original in [encrypted(""), encrypted("user"), fixture("encrypted-256.pdf")] {
        assert!(is_encrypted(&original));
        assert_eq!(sign(&original, &mark()), Err(Error::Encrypted));
        assert_eq!(page_count(&original), None);
    }
    assert!(!is_encrypted(&sample_contract()));
}

#[test]
fn word_encrypt_in_a_comment_is_ignored() {
    let mut original = sample_contract();
    original.extend_from_slice(b"% /Encrypt 9 0 R\n");
    assert!(!is_encrypted(&original));
    assert!(sign(&original, &mark()).is_ok());
}

#[test]
fn other_files_are_rejected() {
    assert_eq!(sign(b"", &mark()), Err(Error::NotPdf));
    assert_eq!(sign(&[&[b' '; 1025], sample_contract().as_slice()].concat(), &mark()), Err(Error::NotPdf));
    assert_eq!(sign(b"\n%PDF-1.4", &mark()), Err(Error::Unreadable));
    assert_eq!(sign(b"%PDF-1.7\nnothing else", &mark()), Err(Error::Unreadable));
    assert_eq!(page_count(b"%PDF-"), None);
}
