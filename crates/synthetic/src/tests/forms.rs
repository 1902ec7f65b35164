//! Signature fields: those of the file, and those that a signature adds.

use lopdf::{Dictionary, Document, Object, ObjectId, decode_text_string};

use super::super::{Error, SignatureMark, page_count, sign};
use super::files::{Parts, fixture, page};
use super::tools::run;
use super::{assert_in_order, mark};

fn in_field(name: &str) -> SignatureMark<'_> {
    SignatureMark { field: Some(name), ..mark() }
}

/// The fields of a file with their names, in the order of the form.
fn fields(document: &Document) -> Vec<(String, ObjectId)> {
    let form = document.catalog().unwrap().get_deref(b"AcroForm", document).and_then(Object::as_dict).unwrap();
    assert_eq!(form.get(b"SigFlags").and_then(Object::as_i64).unwrap() & 3, 3);
    let fields = form.get_deref(b"Fields", document).and_then(Object::as_array).unwrap();
    let name = |id| decode_text_string(document.get_dictionary(id).unwrap().get(b"T").unwrap()).unwrap();
    fields.iter().map(|field| field.as_reference().unwrap()).map(|id| (name(id), id)).collect()
}

fn rect(annotation: &Dictionary) -> Vec<f32> {
    let rect = annotation.get(b"Rect").and_then(Object::as_array).unwrap();
    rect.iter().map(|number| number.as_float().unwrap()).collect()
}

/// A file with these objects as fields 6, 7 and so on; field 6 is the only root, and the page shows object `shown`.
fn form(shown: usize, objects: &[&str]) -> Vec<u8> {
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>".into();
    let more = objects.iter().map(|object| (*object).to_owned()).collect();
    Parts { catalog, page: page(&format!("/Annots[{shown} 0 R]")), more, ..Parts::default() }.file()
}

#[test]
fn at_85_empty_signature_field_is_filled() {
    let original = fixture("empty-fields.pdf");
    let signed = sign(&original, &in_field("Bank")).unwrap();
    assert!(signed.starts_with(&original));
    let document = Document::load_mem(&signed).unwrap();
    let fields = fields(&document);
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Customer", "Bank"], "no field is added");
    let [customer, bank] = [0, 1].map(|at| document.get_dictionary(fields[at].1).unwrap());
    assert!(!customer.has(b"V") && bank.get_deref(b"V", &document).unwrap().as_dict().unwrap().has_type(b"Sig"));
    assert_eq!(rect(bank), [100.0, 200.0, 320.0, 250.0]);
    let form = bank.get(b"AP").and_then(Object::as_dict).unwrap().get_deref(b"N", &document).unwrap();
    let form = form.as_stream().unwrap();
    let size: Vec<f32> =
        form.dict.get(b"BBox").unwrap().as_array().unwrap().iter().map(|n| n.as_float().unwrap()).collect();
    assert_eq!(size, [0.0, 0.0, 220.0, 50.0]);
    assert!(String::from_utf8_lossy(&form.content).contains("SANDBOX"));

    let twice = sign(&signed, &in_field("Customer")).unwrap();
    assert!(twice.starts_with(&signed));
    assert_eq!(sign(&twice, &in_field("Bank")), Err(Error::FieldSigned));
}

#[test]
fn at_85_missing_field_is_an_error() {
    for (file, name) in [("empty-fields.pdf", "bank"), ("empty-fields.pdf", ""), ("linearized.pdf", "Bank")] {
        assert_eq!(sign(&fixture(file), &in_field(name)), Err(Error::NoSuchField), "{name}");
    }
    assert_eq!(sign(&fixture("signed-by-others.pdf"), &in_field("Approval")), Err(Error::FieldSigned));
}

#[test]
fn at_85_field_without_a_widget_is_an_error() {
    let original = form(7, &["<</T(hidden)/FT/Sig>>", "<</Type/Annot/Subtype/Widget/T(shown)/FT/Sig/Rect[0 0 9 9]>>"]);
    assert_eq!(sign(&original, &in_field("hidden")), Err(Error::FieldNotShown));
    assert_eq!(sign(&original, &in_field("shown")), Err(Error::NoSuchField), "the form does not list it");
}

#[test]
fn at_85_name_of_a_nested_field_is_its_full_name() {
    // The name is in UTF-16, the type is inherited, and the annotation is an object of its own.
    let original = form(
        8,
        &[
            "<</T(contract)/FT/Sig/Kids[7 0 R]>>",
            "<</T<FEFF004B00E400750066006500720069006E>/Parent 6 0 R/Kids[8 0 R]>>",
            "<</Type/Annot/Subtype/Widget/Parent 7 0 R/Rect[300 500 200 400]>>",
        ],
    );
    for unknown in ["Käuferin", "contract", "contract."] {
        assert_eq!(sign(&original, &in_field(unknown)), Err(Error::NoSuchField), "{unknown}");
    }
    let document = Document::load_mem(&sign(&original, &in_field("contract.Käuferin")).unwrap()).unwrap();
    let [field, annotation] = [7, 8].map(|number| document.get_dictionary((number, 0)).unwrap());
    assert!(field.has(b"V") && !field.has(b"AP") && annotation.has(b"AP"));
    assert_eq!(field.get(b"V").unwrap(), annotation.get(b"V").unwrap());
}

#[test]
fn at_85_mark_stands_in_the_rectangle_of_any_field() {
    let original = form(6, &["<</Type/Annot/Subtype/Widget/T(place)/FT/Tx/V(text)/Rect[100 500 300 560]>>"]);
    let document = Document::load_mem(&sign(&original, &in_field("place")).unwrap()).unwrap();
    let fields = fields(&document);
    assert_eq!(fields[0], ("place".to_owned(), (6, 0)));
    assert_eq!(fields[1].0, "Signature1");
    assert_eq!(document.get_dictionary((6, 0)).unwrap().get(b"V").and_then(Object::as_str).unwrap(), b"text");
    assert_eq!(rect(document.get_dictionary(fields[1].1).unwrap()), [100.0, 500.0, 300.0, 560.0]);
}

#[test]
fn at_85_field_that_the_page_does_not_show_is_an_error() {
    // The page is 595 x 842 points large.
    for (rect, shown) in [
        ("0 0 0 0", false),
        ("1100 1100 1300 1150", false),
        ("300 150 100 100", true),
        ("100 100 124 112", true),
        ("100 100 123 112", false),
        ("100 100 124 111", false),
        ("-176 -48 24 12", true),
        ("-177 -48 23 12", false),
        ("380 300 600 350", true),
    ] {
        for kind in ["Sig", "Tx"] {
            let widget = format!("<</Type/Annot/Subtype/Widget/T(field)/FT/{kind}/P 3 0 R/Rect[{rect}]>>");
            let result = sign(&form(6, &[&widget]), &in_field("field"));
            assert_eq!(result.err(), (!shown).then_some(Error::FieldNotShown), "{kind} {rect}");
            assert_eq!(sign(&form(9, &[&widget]), &in_field("field")), Err(Error::FieldNotShown), "not in the list");
        }
    }
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>".into();
    let more = vec!["<</Type/Annot/Subtype/Widget/T(field)/FT/Sig/Rect[380 300 600 350]>>".into()];
    let page = page("/Annots[6 0 R]/CropBox[0 0 400 500]");
    let cropped = Parts { catalog, page, more, ..Parts::default() }.file();
    assert_eq!(sign(&cropped, &in_field("field")), Err(Error::FieldNotShown), "20 points are visible");
}

#[test]
fn at_85_tools_find_a_signature_in_a_separate_widget() {
    let original = form(
        7,
        &["<</T(field)/FT/Sig/Kids[7 0 R]>>", "<</Type/Annot/Subtype/Widget/Parent 6 0 R/Rect[100 100 300 150]>>"],
    );
    let signed = sign(&original, &in_field("field")).unwrap();
    if let Some(output) = run("pdfsig", &["-nocert"], &signed, &[]) {
        assert_in_order(&output, &["Signature Field Name: field", "Total document signed", "Signature is Valid."]);
    }
    assert_eq!(sign(&signed, &in_field("field")), Err(Error::FieldSigned));
}

#[test]
fn at_85_mark_stands_in_the_first_widget_that_is_shown() {
    let widget = |rect: &str| format!("<</Type/Annot/Subtype/Widget/Parent 6 0 R/Rect[{rect}]>>");
    for kind in ["Sig", "Tx"] {
        // The page lists only the last one.
        let objects = [
            format!("<</T(field)/FT/{kind}/Kids[7 0 R 8 0 R 9 0 R]>>"),
            widget("0 0 0 0"),
            widget("10 10 300 90"),
            widget("100 100 300 150"),
        ];
        let signed = sign(&form(9, &objects.each_ref().map(String::as_str)), &in_field("field")).unwrap();
        let document = Document::load_mem(&signed).unwrap();
        let marked = document.objects.values().filter_map(|object| object.as_dict().ok()).filter(|it| it.has(b"AP"));
        assert_eq!(marked.map(rect).collect::<Vec<_>>(), [[100.0, 100.0, 300.0, 150.0]], "{kind}");
    }
}

#[test]
fn mark_in_a_hidden_field_is_visible() {
    let hidden = "<</Type/Annot/Subtype/Widget/T(hidden)/FT/Sig/Rect[100 200 320 250]/F 2/OC 7 0 R>>";
    let original = form(6, &[hidden, "<</Type/OCG/Name(layer)>>"]);
    let document = Document::load_mem(&sign(&original, &in_field("hidden")).unwrap()).unwrap();
    let field = document.get_dictionary((6, 0)).unwrap();
    assert_eq!((field.get(b"F").and_then(Object::as_i64).unwrap(), field.has(b"OC")), (132, false));
}

#[test]
fn new_field_has_a_new_name() {
    let original = form(6, &["<</T(Signature1)/FT/Tx/Kids[7 0 R]>>", "<</T(Signature2)/Parent 6 0 R>>"]);
    let once = sign(&original, &mark()).unwrap();
    let twice = sign(&once, &mark()).unwrap();
    let document = Document::load_mem(&twice).unwrap();
    let names: Vec<_> = fields(&document).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Signature1", "Signature2", "Signature3"]);
}

#[test]
fn list_of_annotations_is_not_shared_by_pages() {
    let pages = "<</Type/Pages/Kids[3 0 R 7 0 R]/Count 2>>".into();
    let shared = page("/Annots 6 0 R");
    let more = vec!["[]".into(), shared.clone()];
    let original = Parts { pages, page: shared, more, ..Parts::default() }.file();
    assert_eq!(page_count(&original), Some(2));
    let document = Document::load_mem(&sign(&original, &mark()).unwrap()).unwrap();
    let counts: Vec<_> = document.page_iter().map(|id| document.get_page_annotations(id).unwrap().len()).collect();
    assert_eq!(counts, [0, 1]);
}

#[test]
fn signature_that_forbids_changes_is_respected() {
    for forbidden in ["certified-1.pdf", "locked.pdf", "fields-locked.pdf"] {
        assert_eq!(sign(&fixture(forbidden), &mark()), Err(Error::ChangesForbidden), "{forbidden}");
        assert_eq!(page_count(&fixture(forbidden)), Some(1));
    }
    for allowed in ["certified-2.pdf", "certified-3.pdf", "signed-by-others.pdf"] {
        assert!(sign(&fixture(allowed), &mark()).is_ok(), "{allowed}");
    }
    // Locks the fields Bank and Signature1.
    let locked = fixture("field-locked.pdf");
    assert_eq!(sign(&locked, &in_field("Bank")), Err(Error::ChangesForbidden));
    assert!(sign(&locked, &in_field("Customer")).is_ok());
    let document = Document::load_mem(&sign(&locked, &mark()).unwrap()).unwrap();
    assert_eq!(fields(&document).last().unwrap().0, "Signature2");
}

#[test]
fn objects_that_references_miss_keep_their_numbers() {
    let parts = Parts { page: page("/Missing 9 0 R"), ..Parts::default() };
    let document = Document::load_mem(&sign(&parts.file(), &mark()).unwrap()).unwrap();
    assert!(!document.has_object((9, 0)));
    assert!(fields(&document).iter().all(|(_, id)| id.0 > 9));
}
