//! identity.TM: orders that sign the files of a master order (`MultiSignOptions`).

use crate::support::*;
use identkit_identity_tm::order::Placement;
use identkit_wire::decode_base64;
use lopdf::{Document, Object};

fn pdf(name: &str) -> SignPdf {
    let placement = Placement::at(1, 300.0, 400.0);
    SignPdf::default().data(Blob::from_bytes(sample_contract())).filename(name).placement(placement)
}

fn master(names: &[&str]) -> PutOrder {
    order().product(15_u32).sign_pdf(OneOrMany::Many(names.iter().map(|name| pdf(name)).collect()))
}

fn hash(name: &str) -> SignHash {
    SignHash::default().hash(encode_base64(name.as_bytes())).filename(name)
}

fn signs(master: &OrderId, places: Vec<SignParameters>) -> PutOrder {
    let mut options = MultiSignOptions::default().first_order_id(master.clone());
    options.sign_parameters = Some(places).filter(|places| !places.is_empty());
    order().product(15_u32).multi_sign_options(options)
}

fn place(name: &str, page: u32, x: f64, y: f64) -> SignParameters {
    SignParameters::default().filename(name).placement(Placement::at(page, x, y))
}

/// Returns the lower left corners of the signatures in a PDF, with their pages.
fn corners(bytes: &[u8]) -> Vec<(u32, i64, i64)> {
    let document = Document::load_mem(bytes).unwrap();
    let mut found = Vec::new();
    for (number, page) in document.get_pages() {
        for annotation in document.get_page_annotations(page).unwrap() {
            let rect = annotation.get(b"Rect").and_then(Object::as_array).unwrap();
            let at = |index: usize| rect[index].as_float().unwrap().round() as i64;
            found.push((number, at(0), at(1)));
        }
    }
    found
}

impl Harness {
    async fn refused_order(&self, order: &PutOrder, field: &str, rule: &str) {
        let answer = self.tm_call("PUT", "/putOrder", serde_json::to_vec(order).unwrap()).await;
        answer.refused(400, field, rule, "[T] 3.1.3");
    }

    async fn pdfs(&self, id: &OrderId) -> Vec<Bytes> {
        match self.tm().signed_pdfs(id, &options()).await.unwrap().value {
            SignedPdfs::One(content) => vec![content.collect(u64::MAX).await.unwrap()],
            SignedPdfs::Many(many) => many.iter().map(|blob| blob.to_bytes().unwrap()).collect(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f_170_orders_sign_the_contract_of_a_deleted_master() {
    let bench = Harness::new();
    let first = bench.ended(master(&["contract.pdf"]), "signed").await;
    let plain = bench.place(signs(&first, Vec::new())).await;
    let placed = bench.place(signs(&first, vec![place("contract.pdf", 1, 72.0, 144.0)])).await;
    bench.good("DELETE", &format!("/delIdentdata/{}", first.expose()), String::new()).await;
    for (id, at_master) in [(&plain, false), (&placed, true)] {
        let early = bench.tm_call("GET", &format!("/getESignPDF/{}", id.expose()), "").await;
        early.refused(400, "OrderID", "T-060", "[T] 3.5.1");
        bench.play(id.expose(), "signed").await;
        let status = bench.tm().status(id, &options()).await.unwrap().value;
        assert_eq!(status.finality(OrderFlavor::Qes).outcome, Outcome::Signed);
        let answer = bench.tm_call("GET", &format!("/getESignPDF/{}", id.expose()), "").await;
        assert!(answer.status == 200 && answer.content_type().starts_with("application/pdf"), "AT-37");
        let signed = bench.pdfs(id).await;
        assert_eq!(signed.len(), 1);
        assert!(signed[0].starts_with(&sample_contract()), "the contract unchanged");
        let corners = corners(&signed[0]);
        assert_eq!(corners.len(), 1, "this person's signature");
        assert_ne!((corners[0].1, corners[0].2), (300, 400), "not at the master's position");
        assert_eq!(corners.contains(&(1, 72, 144)), at_master, "{corners:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_37_master_documents_follow_the_orders_own_in_json() {
    let bench = Harness::new();
    let first = bench.place(master(&["a.pdf", "b.pdf"])).await;
    let places = vec![place("b.pdf", 1, 80.0, 90.0), place("a.pdf", 1, 100.0, 110.0)];
    let id = bench.ended(signs(&first, places.clone()), "signed").await;
    let answer = bench.tm_call("GET", &format!("/getESignPDF/{}", id.expose()), "").await;
    assert!(answer.content_type().starts_with("application/json"));
    let of = |pdfs: &[Bytes]| pdfs.iter().map(|pdf| corners(pdf)[0]).collect::<Vec<_>>();
    assert_eq!(of(&bench.pdfs(&id).await), [(1, 100, 110), (1, 80, 90)], "AT-32: by file name");
    let own = signs(&first, places).sign_pdf(OneOrMany::One(pdf("own.pdf")));
    let id = bench.ended(own, "signed").await;
    assert_eq!(of(&bench.pdfs(&id).await), [(1, 300, 400), (1, 100, 110), (1, 80, 90)]);
    // An order that signs master files can be a master itself.
    let next = bench.ended(signs(&id, vec![place("own.pdf", 1, 60.0, 70.0)]), "signed").await;
    assert_eq!((bench.pdfs(&next).await.len(), of(&bench.pdfs(&next).await)[0]), (3, (1, 60, 70)));
}

#[tokio::test(flavor = "multi_thread")]
async fn f_170_hashes_of_the_master_are_signed_under_their_names() {
    let bench = Harness::new();
    let hashes = OneOrMany::Many(vec![hash("a.pdf"), hash("b.pdf")]);
    let first = bench.place(order().product(15_u32).sign_hash(hashes)).await;
    let id = bench.place(signs(&first, Vec::new()).sign_hash(OneOrMany::One(hash("own.pdf")))).await;
    let early = bench.tm_call("GET", &format!("/getESignHash/{}", id.expose()), "").await;
    early.refused(400, "OrderID", "T-060", "[T] 3.6.1");
    bench.play(id.expose(), "signed").await;
    let named = bench.tm().signed_hashes(&id, &options()).await.unwrap().value.hashes.unwrap();
    assert_eq!(named.names().collect::<Vec<_>>(), ["own.pdf", "a.pdf", "b.pdf"], "the sequence of the response");
    assert_eq!(decode_base64(named.get("b.pdf").unwrap().expose()).unwrap(), b"sandbox, no signature: b.pdf");
    let same = signs(&first, Vec::new()).sign_hash(OneOrMany::One(hash("a.pdf")));
    bench.refused_order(&same, "eSignHash.Filename", "AT-35").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f_170_unknown_deleted_or_empty_masters_are_rejected() {
    const ID: &str = "MultiSignOptions.FirstOrderID";
    let bench = Harness::new();
    bench.refused_order(&signs(&OrderId::new("9992UNKNOWN"), Vec::new()), ID, "T-060").await;
    let plain = bench.place(order()).await;
    bench.refused_order(&signs(&plain, Vec::new()), ID, "T-052").await;
    let deleted = bench.ended(master(&["contract.pdf"]), "signed").await;
    bench.good("DELETE", &format!("/delIdentdata/{}", deleted.expose()), String::new()).await;
    bench.refused_order(&signs(&deleted, Vec::new()), ID, "AT-09").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_32_parameters_are_for_different_files_of_the_master() {
    const PARAMETERS: &str = "MultiSignOptions.SignParameters";
    let bench = Harness::new();
    let two = bench.place(master(&["a.pdf", "b.pdf"])).await;
    let name = format!("{PARAMETERS}.Filename");
    bench.refused_order(&signs(&two, vec![place("c.pdf", 1, 80.0, 90.0)]), &name, "AT-32").await;
    let mut unnamed = place("", 1, 80.0, 90.0);
    unnamed.filename = None;
    bench.refused_order(&signs(&two, vec![unnamed.clone()]), &name, "AT-32").await;
    let nowhere = signs(&two, vec![place("a.pdf", 99, 80.0, 90.0)]);
    bench.refused_order(&nowhere, &format!("{PARAMETERS}.SignaturePage"), "AT-85").await;
    let off = signs(&two, vec![place("a.pdf", 1, 8000.0, 90.0)]);
    bench.refused_order(&off, &format!("{PARAMETERS}.SignaturePosX"), "AT-85").await;
    let mut field = place("a.pdf", 1, 80.0, 90.0);
    field.signature_field_name = Some("missing".into());
    bench.refused_order(&signs(&two, vec![field]), &format!("{PARAMETERS}.SignatureFieldName"), "AT-85").await;
    let twice = vec![place("a.pdf", 1, 80.0, 90.0), place("b.pdf", 1, 80.0, 90.0), place("a.pdf", 1, 10.0, 10.0)];
    bench.refused_order(&signs(&two, twice), &name, "AT-32").await;
    // A single file needs no name.
    let one = bench.place(master(&["a.pdf"])).await;
    bench.refused_order(&signs(&one, vec![unnamed.clone(), place("a.pdf", 1, 80.0, 90.0)]), &name, "AT-32").await;
    let id = bench.ended(signs(&one, vec![unnamed]), "signed").await;
    assert_eq!(corners(&bench.pdfs(&id).await[0]), [(1, 80, 90)]);
}
