//! What one side writes the other side reads, for any order and any answer; and no bytes whatever make a reader panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use http::Request;
use identkit_identity_tm::messages::{IdentDataAnswer, OrderStatus, PutOrder, PutOrderAnswer, SignPdf};
use identkit_identity_tm::{
    DelIdentData, Dialect, GetESignPdf, GetIdentData, GetIdentDataInitial, GetIdentDataMethod, GetIdentDataPdf,
    GetStatus, GetStatusExtended, OrderId, ServerStatus,
};
use identkit_wire::json::Blob;
use identkit_wire::{OneOrMany, Operation, Params, encode_base64};
use proptest::prelude::*;
use serde_json::{Value, json};

mod support;
use support::{
    Answer, ORDER, answer, collect, decode, fixture, ident_data_json, needed, not_text, order_json,
    put_order_answer_json, sent_bytes, status_json, valid,
};

/// More elements than any message has: one number and one text for each, or nothing.
const ELEMENTS: usize = 160;

type Element = Option<(u32, String)>;

fn elements() -> impl Strategy<Value = Vec<Element>> {
    prop::collection::vec(prop::option::weighted(0.7, (any::<u32>(), "\\PC{0,12}")), ELEMENTS)
}

type Build = fn(&mut dyn FnMut(&str) -> Value) -> Value;

/// How the documents of an order are given.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Signed {
    Nothing,
    OnePdf,
    OnePdfInAnArray,
    TwoPdfs,
    Hash,
    Field,
}

fn orders() -> impl Strategy<Value = PutOrder> {
    let signed = prop::sample::select(vec![
        Signed::Nothing,
        Signed::OnePdf,
        Signed::OnePdfInAnArray,
        Signed::TwoPdfs,
        Signed::Hash,
        Signed::Field,
    ]);
    let product = prop::sample::select(vec![0_u32, 12, 15, 16]);
    (elements(), signed, product, any::<bool>(), prop::collection::vec(any::<u8>(), 0..200_000)).prop_map(
        |(elements, signed, product, source, pdf)| {
            let mut elements = elements.into_iter().cycle();
            let mut text = order_json(|path| match elements.next().unwrap() {
                Some((pick, text)) => valid(path, pick, &text),
                None if needed(path) => valid(path, 7, "x"),
                None => Value::Null,
            });
            for key in ["eSignPDF", "eSignHash", "MultiSignOptions"] {
                let kept = match signed {
                    Signed::Nothing => false,
                    Signed::Hash => key == "eSignHash",
                    Signed::Field => key == "MultiSignOptions",
                    _ => key == "eSignPDF",
                };
                if !kept {
                    text[key] = Value::Null;
                }
            }
            if signed == Signed::Field {
                let named = json!({"Filename": "a.pdf", "SignatureFieldName": "field 1"});
                text["MultiSignOptions"]["SignParameters"] = json!([named]);
            }
            text["AllowedProductSet"] = json!({"a": [1, null, "x"]});
            text["Email"] = format!(" {} ", text["Email"].as_str().unwrap()).into();
            let mut order: PutOrder = serde_json::from_value(text).unwrap();
            // Without a document, only an order that is not for signing is right.
            order.product = Some(if signed == Signed::Nothing { product.min(12) } else { 15 });
            if let Some(OneOrMany::One(mut one)) = order.sign_pdf.take() {
                if source {
                    one.data = Some(Blob::from_bytes([b"%PDF-1.7 ".as_slice(), &pdf].concat()));
                }
                order.sign_pdf = Some(match signed {
                    Signed::OnePdfInAnArray => OneOrMany::Many(vec![one]),
                    Signed::TwoPdfs => {
                        let data = Blob::from_bytes(b"%PDF-1.7 second".as_slice());
                        OneOrMany::Many(vec![one, SignPdf::default().data(data).filename("the second")])
                    }
                    _ => OneOrMany::One(one),
                });
            }
            order
        },
    )
}

fn ident_answers() -> impl Strategy<Value = IdentDataAnswer> {
    (elements(), any::<bool>(), any::<bool>()).prop_map(|(elements, array, told)| {
        let mut elements = elements.into_iter().cycle();
        let mut text = ident_data_json(|path| match (path, elements.next().unwrap()) {
            ("OrderID", _) => {
                if told {
                    ORDER.into()
                } else {
                    Value::Null
                }
            }
            (_, None) => Value::Null,
            ("IdentData.Images.Image", Some((_, text))) => encode_base64(text.as_bytes()).into(),
            ("IdentData.Additional.detail", Some((pick, text))) => match pick % 4 {
                0 => pick.into(),
                1 => (pick > 1000).into(),
                2 => json!({"Type": 1, "Value": text}),
                _ => text.into(),
            },
            ("IdentData.Type", Some((pick, _))) => (1 + pick % 3).into(),
            (path, Some((_, text))) => not_text(path).unwrap_or_else(|| text.into()),
        });
        if array {
            text["IdentData"] = json!([text["IdentData"], {"Type": 2}]);
        }
        text["Nickname"] = json!("x");
        serde_json::from_value(text).unwrap()
    })
}

fn statuses() -> impl Strategy<Value = OrderStatus> {
    (elements(), 0_usize..5).prop_map(|(elements, entries)| {
        let mut elements = elements.into_iter().cycle();
        let mut next = || {
            status_json(|path| match (path, elements.next().unwrap()) {
                (_, None) => Value::Null,
                ("Status.Kind", Some((pick, _))) => pick.into(),
                (_, Some((_, text))) => text.into(),
            })
        };
        let mut text = next();
        let rest: Vec<Value> = (0..entries).map(|_| next()["Status"][0].take()).collect();
        text["Status"] = rest.into();
        serde_json::from_value(text).unwrap()
    })
}

fn placed() -> impl Strategy<Value = PutOrderAnswer> {
    elements().prop_map(|elements| {
        let mut elements = elements.into_iter().cycle();
        let text = put_order_answer_json(|path| match (path, elements.next().unwrap()) {
            // Without it the answer is an unknown outcome.
            ("OrderID", _) => ORDER.into(),
            (_, None) => Value::Null,
            (_, Some((_, text))) => text.into(),
        });
        serde_json::from_value(text).unwrap()
    })
}

fn request(order: &PutOrder) -> Request<Bytes> {
    let encoded = order.encode(&Dialect::default()).unwrap_or_else(|error| panic!("{error}"));
    let body = sent_bytes(&encoded.body);
    assert_eq!(u64::try_from(body.len()).unwrap(), encoded.body.len());
    let mut request = Request::new(Bytes::from(body));
    *request.headers_mut() = encoded.headers;
    request
}

/// The answer that the sandbox's side writes, as the client gets it.
fn written<Op: Operation<Dialect = Dialect>>(output: Op::Output) -> Answer {
    let (head, body) = Op::encode_response(output).unwrap().into_parts();
    assert_eq!(head.headers["content-type"], "application/json");
    assert!(Op::META.expect.contains(&head.status.as_u16()));
    support::json(head.status.as_u16(), collect(body))
}

fn ident_id() -> OrderId {
    OrderId::received(ORDER)
}

/// Lets every reader of the crate have these bytes.
fn read_by_all(bytes: &[u8]) {
    fn tried<Op: Operation<Dialect = Dialect>>(operation: Op, bytes: &[u8]) {
        for media in ["application/json", "application/pdf"] {
            if let Err(error) = decode(&operation, &answer(200, media, bytes.to_vec())) {
                let _ = format!("{error} {error:?}");
            }
        }
        let mut request = Request::new(Bytes::copy_from_slice(bytes));
        *request.method_mut() = Op::META.method.clone();
        let _ = Op::decode_request(&Params::default(), &request);
    }
    tried(PutOrder::default(), bytes);
    tried(GetStatus::new(ident_id()), bytes);
    tried(GetStatusExtended::new(ident_id()), bytes);
    tried(GetIdentData::new(ident_id()), bytes);
    tried(GetIdentDataInitial::new(ident_id()), bytes);
    tried(GetIdentDataMethod::new(ident_id()), bytes);
    tried(GetIdentDataPdf::new(ident_id()), bytes);
    tried(GetESignPdf::new(ident_id()), bytes);
    tried(DelIdentData::new(ident_id()), bytes);
    tried(ServerStatus, bytes);
    // What could be read is judged, shown and checked without a panic as well.
    if let Ok(order) = PutOrder::from_json(bytes) {
        let _ = (order.check(&Dialect::default()), order.flavour(), format!("{order:?}"));
    }
    if let Ok(status) = identkit_wire::json::read::<OrderStatus>(bytes) {
        let _ = (status.timeline(), format!("{status:?}"));
    }
    if let Ok(data) = identkit_wire::json::read::<IdentDataAnswer>(bytes) {
        let _ = (data.checked(), data.initial(), data.method(), format!("{data:?}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_order_is_read_back_as_it_was_meant(order in orders()) {
        let sent = request(&order);
        let read = PutOrder::decode_request(&Params::default(), &sent).unwrap();
        prop_assert_eq!(&read, &order.clone().normalised());
        // Written again it is the same text: a file source and its Base64 do not differ on the wire.
        let again = request(&read);
        prop_assert!(again.body() == sent.body());
        prop_assert_eq!(read.flavour(), order.flavour());
    }

    #[test]
    fn the_answer_to_an_order_is_read_back_as_it_was_meant(told in placed()) {
        let read = decode(&PutOrder::default(), &written::<PutOrder>(told.clone())).unwrap().value;
        prop_assert_eq!(read, told);
    }

    #[test]
    fn a_status_is_read_back_as_it_was_meant(told in statuses()) {
        let general = decode(&GetStatus::new(ident_id()), &written::<GetStatus>(told.clone())).unwrap().value;
        prop_assert_eq!(&general, &told);
        let operation = GetStatusExtended::new(ident_id());
        let extended = decode(&operation, &written::<GetStatusExtended>(told.clone())).unwrap().value;
        prop_assert_eq!(&extended, &told);
    }

    #[test]
    fn identification_data_is_read_back_as_it_was_meant(told in ident_answers()) {
        let one = decode(&GetIdentData::new(ident_id()), &written::<GetIdentData>(told.clone())).unwrap().value;
        prop_assert_eq!(&one, &told);
        let operation = GetIdentDataInitial::new(ident_id());
        let two = decode(&operation, &written::<GetIdentDataInitial>(told.clone())).unwrap().value;
        prop_assert_eq!(&two, &told);
        let operation = GetIdentDataMethod::new(ident_id());
        let three = decode(&operation, &written::<GetIdentDataMethod>(told.clone())).unwrap().value;
        prop_assert_eq!(&three, &told);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_by_all(&bytes);
    }

    #[test]
    fn no_damage_to_a_sample_makes_a_reader_panic(
        name in prop::sample::select(vec![
            "S-035-put-order-request.json",
            "S-036-put-order-response.json",
            "S-040-get-status-response.json",
            "S-046-get-ident-data-response.json",
        ]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = fixture(name);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_by_all(&bytes);
    }

    #[test]
    fn no_value_in_the_place_of_another_makes_a_reader_panic(
        odd in prop::sample::select(vec![json!(null), json!(-1), json!(1e300), json!([]), json!({}), json!("é\u{0}"), json!([[{}]]), json!(true)]),
        place in any::<prop::sample::Index>(),
    ) {
        let sample = |build: Build| {
            let mut count = 0;
            build(&mut |_| { count += 1; Value::Null });
            let place = place.index(count);
            let mut at = 0;
            build(&mut |path| {
                at += 1;
                if at == place + 1 { odd.clone() } else { not_text(path).unwrap_or_else(|| "x".into()) }
            })
        };
        for text in [
            sample(|leaf| order_json(leaf)),
            sample(|leaf| put_order_answer_json(leaf)),
            sample(|leaf| status_json(leaf)),
            sample(|leaf| ident_data_json(leaf)),
        ] {
            read_by_all(text.to_string().as_bytes());
        }
    }
}
