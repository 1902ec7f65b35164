//! Any request and response round-trips between client and server side, and no input makes a reader panic.

use identkit_wire::TextOrNumber;
use proptest::prelude::*;

use crate::support::*;

/// Number of generated elements, more than any message has. Each is a number and a text, or nothing.
const ELEMENTS: usize = 160;

type Element = Option<(u32, String)>;

fn elements() -> impl Strategy<Value = Vec<Element>> {
    prop::collection::vec(prop::option::weighted(0.7, (any::<u32>(), "\\PC{0,12}")), ELEMENTS)
}

fn orders() -> impl Strategy<Value = PutOrder> {
    // What is signed, if anything. Documents: one, one in an array, or two.
    let signed = prop::sample::select(vec!["", "eSignPDF", "eSignHash", "MultiSignOptions"]);
    let product = prop::sample::select(vec![0_u32, 12, 15, 16]);
    let pdf = (any::<bool>(), 0_u8..3, prop::collection::vec(any::<u8>(), 0..200_000));
    (elements(), signed, product, pdf).prop_map(|(elements, signed, product, (source, many, pdf))| {
        let mut elements = elements.into_iter().cycle();
        let mut text = message_json(PUT_ORDER, |path| match elements.next().unwrap() {
            Some((pick, text)) => valid(path, pick, &text),
            None if is_required(path) => valid(path, 7, "x"),
            None => Value::Null,
        });
        for key in ["eSignPDF", "eSignHash", "MultiSignOptions"].into_iter().filter(|key| *key != signed) {
            text[key] = Value::Null;
        }
        if signed == "MultiSignOptions" {
            let named = json!({"Filename": "a.pdf", "SignatureFieldName": "field 1"});
            text["MultiSignOptions"]["SignParameters"] = json!([named]);
        }
        text["AllowedProductSet"] = json!({"a": [1, null, "x"]});
        text["Email"] = format!(" {} ", text["Email"].as_str().unwrap()).into();
        let mut order: PutOrder = serde_json::from_value(text).unwrap();
        // An order without a document must not be for signing.
        order.product = Some(if signed.is_empty() { product.min(12) } else { 15 });
        if let Some(OneOrMany::One(mut one)) = order.sign_pdf.take() {
            if source {
                one.data = Some(Blob::from_bytes([b"%PDF-1.7 ".as_slice(), &pdf].concat()));
            }
            let second =
                SignPdf::default().data(Blob::from_bytes(b"%PDF-1.7 second".as_slice())).filename("the second");
            order.sign_pdf = Some(match many {
                0 => OneOrMany::One(one),
                1 => OneOrMany::Many(vec![one]),
                _ => OneOrMany::Many(vec![one, second]),
            });
        }
        order
    })
}

/// Returns a message with the next element at each path; `rule` may replace a value.
fn filled(
    objects: Objects,
    elements: &mut impl Iterator<Item = Element>,
    rule: impl Fn(&str, Option<(u32, &str)>) -> Option<Value>,
) -> Value {
    message_json(objects, |path| {
        let element = elements.next().unwrap();
        let element = element.as_ref().map(|(pick, text)| (*pick, text.as_str()));
        let otherwise = || element.map_or(Value::Null, |(_, text)| not_text(path).unwrap_or_else(|| text.into()));
        rule(path, element).unwrap_or_else(otherwise)
    })
}

fn ident_answers() -> impl Strategy<Value = IdentDataAnswer> {
    (elements(), any::<bool>(), any::<bool>()).prop_map(|(elements, array, named)| {
        let mut text = filled(IDENT_DATA, &mut elements.into_iter().cycle(), |path, element| {
            Some(match (path, element) {
                ("OrderID", _) => named.then_some(ORDER).into(),
                ("IdentData.Images.Image", Some((_, text))) => encode_base64(text.as_bytes()).into(),
                ("IdentData.Additional.detail", Some((pick, text))) => match pick % 4 {
                    0 => pick.into(),
                    1 => (pick > 1000).into(),
                    2 => json!({"Type": 1, "Value": text}),
                    _ => text.into(),
                },
                ("IdentData.Type", Some((pick, _))) => (1 + pick % 3).into(),
                _ => return None,
            })
        });
        if array {
            text["IdentData"] = json!([text["IdentData"], {"Type": 2}]);
        }
        text["Nickname"] = json!("x");
        serde_json::from_value(text).unwrap()
    })
}

/// Returns an order with a number of status entries.
fn with_entries(objects: Objects, elements: Vec<Element>, entries: usize, id: &str) -> Value {
    let mut elements = elements.into_iter().cycle();
    let mut next = || {
        filled(objects, &mut elements, |path, element| match (path, element) {
            // The status of another order would be an error (AT-24).
            ("OrderID", _) => Some(id.into()),
            ("Status.Kind", Some((pick, _))) => Some(pick.into()),
            _ => None,
        })
    };
    let mut text = next();
    text["Status"] = (0..entries).map(|_| next()["Status"][0].take()).collect();
    text
}

fn statuses() -> impl Strategy<Value = OrderStatus> {
    (elements(), 0_usize..5, any::<bool>()).prop_map(|(elements, entries, named)| {
        let mut text = with_entries(STATUS, elements, entries, ORDER);
        text["OrderID"] = named.then_some(ORDER).into();
        serde_json::from_value(text).unwrap()
    })
}

/// Lists of orders. Each has an id, since an empty object is not an order.
fn lists() -> impl Strategy<Value = OrderList> {
    prop::collection::vec((elements(), 0_usize..4), 0..4).prop_map(|orders| {
        let orders = orders.into_iter().enumerate().map(|(index, (elements, entries))| {
            let mut text = with_entries(LISTED_ORDER, elements, entries, &format!("999{index}"));
            text["Nickname"] = json!([index]);
            serde_json::from_value::<ListedOrder>(text).unwrap()
        });
        OrderList(orders.collect())
    })
}

fn periods() -> impl Strategy<Value = Period> {
    let paging = prop::option::of((prop::option::of(1_u32..=1000), prop::option::of(any::<u32>())));
    (0_i64..4_000_000_000, 0_i64..100_000_000, -64_i32..=64, paging).prop_map(|(begin, length, quarters, paging)| {
        let offset = jiff::tz::Offset::from_seconds(quarters * 900).unwrap();
        let at = |second: i64| Dts::new(jiff::Timestamp::from_second(second).unwrap(), offset);
        let mut period = Period::default().begin(at(begin)).end(at(begin + length));
        period.paging = paging.map(|(elements, page)| {
            let mut paging = Paging::default();
            (paging.elements, paging.page) = (elements, page);
            paging
        });
        period
    })
}

/// Decodes the encoded request on the server side.
fn receive<Op: ServedOperation<Dialect = Dialect>>(operation: &Op) -> Op {
    let encoded = operation.encode(&Dialect::default()).unwrap_or_else(|error| panic!("{error}"));
    let path = Op::META.path(&operation.path_params()).unwrap();
    let params = Op::META.match_path(&path, false).unwrap();
    let mut request = Request::new(Bytes::from(body_bytes(&encoded.body)));
    *request.headers_mut() = encoded.headers;
    Op::decode_request(&params, &request).unwrap_or_else(|error| panic!("{error}"))
}

fn order_answers() -> impl Strategy<Value = PutOrderAnswer> {
    elements().prop_map(|elements| {
        // Without an id the outcome is unknown.
        let mut text = filled(PUT_ORDER_ANSWER, &mut elements.into_iter().cycle(), |_, _| None);
        text["OrderID"] = ORDER.into();
        serde_json::from_value(text).unwrap()
    })
}

fn request(order: &PutOrder) -> Request<Bytes> {
    let encoded = order.encode(&Dialect::default()).unwrap_or_else(|error| panic!("{error}"));
    let body = body_bytes(&encoded.body);
    assert_eq!(u64::try_from(body.len()).unwrap(), encoded.body.len());
    let mut request = Request::new(Bytes::from(body));
    *request.headers_mut() = encoded.headers;
    request
}

/// Encodes a response on the server side.
fn respond<Op: ServedOperation<Dialect = Dialect>>(output: Op::Output) -> Reply {
    let (head, body) = Op::encode_response(output).unwrap().into_parts();
    assert_eq!(head.headers["content-type"], "application/json");
    assert!(Op::META.expect.contains(&head.status.as_u16()));
    json_answer(head.status.as_u16(), collect(body))
}

/// Encodes a response on the server side and decodes it.
fn round_trip<Op: ServedOperation<Dialect = Dialect>>(operation: &Op, output: &Op::Output) -> Op::Output
where
    Op::Output: Clone,
{
    decode(operation, &respond::<Op>(output.clone())).unwrap().value
}

/// Decodes these bytes as response and as request of each operation.
struct Reads<'a>(&'a [u8]);

impl EachOperation for Reads<'_> {
    fn with<Op: ServedOperation<Dialect = Dialect>>(&mut self, operation: Op) {
        for media in ["application/json", "application/pdf"] {
            if let Err(error) = decode(&operation, &answer(200, media, self.0.to_vec())) {
                let _ = format!("{error} {error:?}");
            }
        }
        let mut request = Request::new(Bytes::copy_from_slice(self.0));
        *request.method_mut() = Op::META.method.clone();
        let _ = Op::decode_request(&Params::default(), &request);
    }
}

/// Passes these bytes to every reader of the crate.
fn read_by_all(bytes: &[u8]) {
    each_operation(&mut Reads(bytes));
    Reads(bytes).with(MaybeEncrypted(GetIdentData::new(id())));
    if let Ok(files) = identkit_wire::json::read::<VoiceFiles>(bytes) {
        let audio: Vec<_> = files.voicefiles.iter().flatten().map(VoiceFile::audio).collect();
        let _ = format!("{files:?} {audio:?}");
    }
    let _ = SignedIdentData(Bytes::copy_from_slice(bytes)).for_reuse();
    let text = String::from_utf8_lossy(bytes);
    let _ = RequestVideo::new(id(), Secret::new(text.clone())).encode(&Dialect::default());
    let _ = ConfirmSign::new(id(), Secret::new(text.clone())).encode(&Dialect::default());
    let _ = CheckSignmeUser(SignmeUserRequest::default().email(text.as_ref())).encode(&Dialect::default());
    if let Ok(request) = Request::builder().uri(format!("/identity-tm/t/Video?{text}")).body(Bytes::new()) {
        let _ = VideoCallback.parse(&request);
    }
    // Methods of the decoded values must not panic either.
    if let Ok(order) = PutOrder::from_json(bytes) {
        let _ = (order.check(&Dialect::default()), order.flavor(), format!("{order:?}"));
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
    fn an_order_round_trips(order in orders()) {
        let sent = request(&order);
        let read = PutOrder::decode_request(&Params::default(), &sent).unwrap();
        prop_assert_eq!(&read, &order.clone().normalized());
        // Encoded again it is the same text: a file source and its Base64 do not differ on the wire.
        let again = request(&read);
        prop_assert!(again.body() == sent.body());
        prop_assert_eq!(read.flavor(), order.flavor());
    }

    #[test]
    fn the_response_to_an_order_round_trips(output in order_answers()) {
        prop_assert_eq!(round_trip(&PutOrder::default(), &output), output);
    }

    #[test]
    fn a_status_round_trips(output in statuses()) {
        prop_assert_eq!(&round_trip(&GetStatus::new(id()), &output), &output);
        prop_assert_eq!(&round_trip(&GetStatusExtended::new(id()), &output), &output);
    }

    #[test]
    fn identification_data_round_trips(output in ident_answers()) {
        prop_assert_eq!(&round_trip(&GetIdentData::new(id()), &output), &output);
        prop_assert_eq!(&round_trip(&GetIdentDataInitial::new(id()), &output), &output);
        prop_assert_eq!(&round_trip(&GetIdentDataMethod::new(id()), &output), &output);
        let output = IdentDataBody::Json(Box::new(output));
        prop_assert_eq!(round_trip(&MaybeEncrypted(GetIdentData::new(id())), &output), output);
    }

    #[test]
    fn a_list_of_orders_round_trips(output in lists()) {
        let response = GetAllStatus::encode_response(output.clone()).unwrap();
        let status = if output.0.is_empty() { 304 } else { 200 };
        prop_assert_eq!(response.status().as_u16(), status);
        let answer = json_answer(status, collect(response.into_body()));
        prop_assert_eq!(&decode(&GetAllStatus::default(), &answer).unwrap().value, &output);
        prop_assert_eq!(&decode(&GetAllStatusExtended::default(), &answer).unwrap().value, &output);
        prop_assert_eq!(&decode(&DrainUnreported, &answer).unwrap().value, &output);
        prop_assert_eq!(&decode(&DrainUnreportedExtended, &answer).unwrap().value, &output);
        // The other shapes are equivalent (AT-03).
        let array = serde_json::to_value(&output).unwrap();
        let wrapped: Vec<Value> = output.0.iter().map(|order| json!({ "Order": order })).collect();
        for shape in [json!({ "Order": array }), Value::from(wrapped)] {
            let answer = json_answer(200, shape.to_string());
            prop_assert_eq!(&decode(&GetAllStatus::default(), &answer).unwrap().value, &output);
        }
    }

    #[test]
    fn a_period_round_trips(period in periods()) {
        let general = GetAllStatus::new(period.clone());
        prop_assert_eq!(&receive(&general), &general);
        let extended = GetAllStatusExtended::new(period);
        prop_assert_eq!(&receive(&extended), &extended);
        prop_assert_eq!(receive(&DrainUnreported), DrainUnreported);
        prop_assert_eq!(receive(&DrainUnreportedExtended), DrainUnreportedExtended);
    }

    #[test]
    fn requests_about_an_order_round_trip(
        id in "[^./\\x00-\\x1f].{0,30}",
        tan in "[A-Za-z0-9]{6}",
        path in "([a-z/?=&0-9]|%[0-9a-fA-F]{2}){0,40}",
        user in "[a-zäöü.+]{1,20}@[a-zäöü]{1,20}\\.de",
    ) {
        let id = || OrderId::new(id.as_str());
        macro_rules! same {
            ($($operation:expr),* $(,)?) => {$(
                let operation = $operation;
                prop_assert_eq!(&receive(&operation), &operation);
            )*};
        }
        same!(
            ConfirmSign::new(id(), Secret::new(tan)),
            RequestVideo::new(id(), Secret::new(format!("https://www.example.com/{path}"))),
            CancelOrder::new(id()),
            RequestSign::new(id()),
            RequestResendSignTan::new(id()),
            GetESignHash::new(id()),
            GetIdentDataSigned::new(id()),
            GetVideo::new(id()),
            GetVoiceFiles::new(id()),
            MaybeEncrypted(GetIdentDataInitial::new(id())),
            CheckSignmeUser(SignmeUserRequest::default().email(user)),
            GetBankList,
        );
    }

    #[test]
    fn hashes_recordings_banks_and_users_round_trip(
        hashes in prop::collection::btree_map("\\PC{1,20}", "\\PC{1,30}", 1..5),
        voices in prop::collection::vec((prop::option::of("\\PC{0,20}"), prop::option::of(any::<Vec<u8>>())), 0..4),
        banks in prop::collection::vec((prop::option::of("\\PC{0,11}"), prop::option::of(0_u32..=99_999_999)), 0..4),
        user in (any::<bool>(), any::<bool>()),
    ) {
        let named = hashes.into_iter().map(|(name, hash)| (name, Secret::new(encode_base64(&[hash.as_bytes(), &[7; 20]].concat())))).collect();
        let output = SignedHashes::default().hashes(NamedHashes(named));
        prop_assert_eq!(round_trip(&GetESignHash::new(id()), &output), output);

        let files = voices.into_iter().map(|(name, data)| {
            let mut file = VoiceFile::default();
            file.filename = name.map(Into::into);
            file.base64_data = data.map(|data| Blob::Text(encode_base64(&data).into()));
            file
        });
        let output = VoiceFiles::default().voicefiles(files.collect::<Vec<_>>());
        prop_assert_eq!(round_trip(&GetVoiceFiles::new(id()), &output), output);

        let output: Vec<Bank> = banks.into_iter().map(|(bic, blz)| {
            let mut bank = Bank::default().name("Spk");
            bank.bic = bic.map(TextOrNumber);
            bank.blz = blz.map(BankCode);
            bank
        }).collect();
        prop_assert_eq!(round_trip(&GetBankList, &output), output);

        let mut output = SignmeUser::default();
        (output.user_exists, output.user_is_able_to_sign) = (Some(user.0), Some(user.1));
        prop_assert_eq!(round_trip(&CheckSignmeUser::default(), &output), output);
    }

    #[test]
    fn opaque_bytes_round_trip(
        // A blank body counts as empty.
        bytes in prop::collection::vec(any::<u8>(), 1..300).prop_filter("blank", |bytes| !bytes.trim_ascii().is_empty()),
        media in prop::sample::select(vec!["video/mp4", "video/webm", "application/octet-stream"]),
    ) {
        // A short text would be a word, not a signed form. Bytes that are not a text cannot be sent again (AT-71).
        let output = SignedIdentData(identkit_wire::encode_base64(&[&[0; 16], &bytes[..]].concat()).into());
        let (head, body) = GetIdentDataSigned::encode_response(output.clone()).unwrap().into_parts();
        prop_assert_eq!(&head.headers["content-type"], "text/plain; charset=utf-8");
        let read = decode(&GetIdentDataSigned::new(id()), &answer(200, "text/plain", collect(body))).unwrap();
        prop_assert_eq!(read.value, output);

        let output = Video::new(media, Content::from_bytes(bytes.clone()));
        let (head, body) = GetVideo::encode_response(output).unwrap().into_parts();
        prop_assert_eq!(&head.headers["content-type"], media);
        let read = decode(&GetVideo::new(id()), &answer(200, media, collect(body))).unwrap().value;
        prop_assert_eq!(read.media_type, media);
        prop_assert_eq!(collect(read.content), bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_by_all(&bytes);
    }

    #[test]
    fn damaged_samples_do_not_panic(
        name in prop::sample::select(vec![
            "S-035-put-order-request.json",
            "S-036-put-order-response.json",
            "S-040-get-status-response.json",
            "S-046-get-ident-data-response.json",
            "S-056-get-voice-files-response.json",
            "S-056-get-voice-files-response.repaired.json",
            "S-061-get-all-status-request.json",
            "S-062-get-all-status-response.json",
            "S-069-confirm-sign-request.json",
            "S-075-get-bank-list-response.json",
            "S-078-check-signme-user-request.json",
            "S-079-check-signme-user-response.json",
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
    fn replaced_values_do_not_panic(
        odd in prop::sample::select(vec![json!(null), json!(-1), json!(1e300), json!([]), json!({}), json!("é\u{0}"), json!([[{}]]), json!(true)]),
        place in any::<prop::sample::Index>(),
    ) {
        for objects in MESSAGES {
            let odd_one = place.get(&leaves(objects)).clone();
            let text = message_json(objects, |path| {
                if path == odd_one { odd.clone() } else { not_text(path).unwrap_or_else(|| "x".into()) }
            });
            read_by_all(text.to_string().as_bytes());
        }
    }
}
