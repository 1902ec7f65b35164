//! Snapshots of each operation: the sent request, the decoded response, and the `Debug` text of both.
//!
//! `snapshots/` has three files per operation, to be compared with the vendor's document.

use std::fmt::{Debug, Write};

use identkit_transport::BaseUrl;

use crate::support::*;

/// Indents JSON without changing the sequence of its elements.
fn indented(text: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) = (String::new(), 0_usize, false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    for c in text.chars() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                depth += 1;
                out.push(c);
                line(&mut out, depth);
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => {
                quoted = true;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

fn write_warnings(out: &mut String, warnings: &[Warning]) {
    for warning in warnings {
        write!(out, "\nwarning {}: {}", warning.rule, warning.message).unwrap();
    }
}

/// Encodes the request, decodes the response and compares the three snapshots.
fn check_operation<Op>(name: &str, operation: Op, vendor_response: &Reply)
where
    Op: ServedOperation<Dialect = Dialect> + Debug,
    Op::Output: Debug,
{
    let encoded = operation.encode(&Dialect::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let path = Op::META.path(&operation.path_params()).unwrap();
    let uri = BaseUrl::parse(DEFAULT_BASE_URL).unwrap().join(&path).unwrap();
    let mut request = format!("{} {uri}", Op::META.method);
    let mut headers: Vec<_> =
        encoded.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    for header in headers {
        write!(request, "\n{header}").unwrap();
    }
    let body = String::from_utf8(body_bytes(&encoded.body)).unwrap();
    assert_eq!(u64::try_from(body.len()).unwrap(), encoded.body.len());
    if !body.is_empty() {
        assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
        write!(request, "\n\n{}", indented(&body)).unwrap();
    }
    write_warnings(&mut request, &encoded.warnings);

    let decoded = decode(&operation, vendor_response).unwrap_or_else(|error| panic!("{name}: {error}"));
    let printed = format!("{operation:#?}\n\n{:#?}", decoded.value);
    // The server side encodes the decoded value.
    let (head, content) = Op::encode_response(decoded.value).unwrap().into_parts();
    let text = String::from_utf8(collect(content).to_vec()).unwrap();
    let media = head.headers.get("content-type").map_or("nothing", |value| value.to_str().unwrap());
    let mut read = if media == "application/json" { indented(&text) } else { format!("{media}: {text:?}") };
    write_warnings(&mut read, &decoded.warnings);

    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!(format!("identity_tm__{name}__request"), request);
        insta::assert_snapshot!(format!("identity_tm__{name}__output"), read);
        insta::assert_snapshot!(format!("identity_tm__{name}__debug"), printed);
    });
}

/// Returns the period of the document's example. Its `ExtendedList` belongs in the URL (AT-04).
fn period() -> Period {
    let mut request: identkit_identity_tm::messages::AllStatusRequest =
        identkit_wire::json::read(&fixture("S-061-get-all-status-request.json")).unwrap();
    request.period.take().unwrap()
}

fn order_with_position() -> PutOrder {
    let pdf = SignPdf::default().data(Blob::from_bytes(PDF)).filename("contract.pdf");
    let pdf = pdf.signature_pos_x(72.0).signature_pos_y(144.5).signature_page(2_u32);
    plain_order().product(15_u32).sign_pdf(OneOrMany::One(pdf))
}

/// Returns a response with this fixture.
fn sample(name: &str) -> Reply {
    json_answer(200, fixture(name))
}

fn pdf() -> Reply {
    answer(200, "application/pdf", PDF)
}

/// Declares a test for each operation, named like its snapshots.
macro_rules! operations {
    ($($name:ident: $operation:expr => $response:expr;)*) => {$(
        #[test]
        fn $name() {
            check_operation(stringify!($name), $operation, &$response);
        }
    )*};
}

operations! {
    put_order_document: document_order() => json_answer(202, fixture("S-036-put-order-response.json"));
    put_order_with_pdf: order_with_position() => json_answer(202, r#"{"OrderID":"99920006C38842","Ref":"case-4711"}"#);
    get_status: GetStatus::new(id()) => json_answer(200, include_str!("answers/get_status.json"));
    get_status_extended_list: GetStatusExtended::new(id()) => sample("S-040-get-status-response.json");
    get_ident_data: GetIdentData::new(id()) => json_answer(200, include_str!("answers/get_ident_data.json"));
    get_ident_data_include_initial_data: GetIdentDataInitial::new(id()) =>
        sample("S-046-get-ident-data-response.json");
    get_ident_data_include_identify_method: GetIdentDataMethod::new(id()) =>
        json_answer(200, include_str!("answers/get_ident_data_include_identify_method.json"));
    get_ident_data_pdf: GetIdentDataPdf::new(id()) => pdf();
    get_e_sign_pdf_one: GetESignPdf::new(id()) => pdf();
    get_e_sign_pdf_several: GetESignPdf::new(id()) => json_answer(200, format!(
        r#"{{"PDFs":[{{"Base64Data":"{}"}},{{"Base64Data":"{}"}}]}}"#,
        encode_base64(b"%PDF-1.7 one"), encode_base64(b"%PDF-1.7 two")));
    del_identdata: DelIdentData::new(id()) => json_answer(202, "");
    server_status: ServerStatus => answer(200, "text/plain", "");
    get_all_status: GetAllStatus::new(period()) => sample("S-062-get-all-status-response.json");
    get_all_status_extended_list: GetAllStatusExtended::new(period()) =>
        json_answer(200, include_str!("answers/get_all_status_extended_list.json"));
    drain_unreported: DrainUnreported => json_answer(200,
        r#"[{"OrderID":"99921269855041","Status":[{"Kind":6,"Time":"2018-09-05T11:06:21+02:00"}]}]"#);
    drain_unreported_nothing: DrainUnreported => json_answer(304, "");
    drain_unreported_extended_list: DrainUnreportedExtended => json_answer(200,
        r#"[{"OrderID":"99921269855041","Status":[{"Kind":89,"Time":"2018-09-05T11:06:21+02:00"}]}]"#);
    cancel_order: CancelOrder::new(id()) => json_answer(202, "");
    get_e_sign_hash: GetESignHash::new(id()) =>
        json_answer(200, r#"{"Hashes":[{"contract.pdf":"c2lnbmVkIGhhc2ggb2YgYS5wZGY="},{"annex.pdf":"c2lnbmVkIGhhc2ggb2YgYi5wZGY="}]}"#);
    get_ident_data_signed: GetIdentDataSigned::new(id()) =>
        answer(200, "text/plain; charset=utf-8", "eyJhbGciOiJSUzI1NiJ9.c2VhbGVk\n");
    get_ident_data_encrypted: MaybeEncrypted(GetIdentData::new(id())) =>
        answer(200, "application/jose", "eyJhbGciOiJSU0EtT0FFUCJ9.c2VhbGVk");
    request_video: RequestVideo::new(id(), Secret::new(
        "https://www.example.com/identity-tm/t0ken/Video?orderId=99921269855041")) => json_answer(200, "");
    get_video: GetVideo::new(id()) =>
        answer(200, "Video/MP4; codecs=avc1", "\u{0}\u{0}\u{0}\u{18}ftypmp42");
    get_voice_files: GetVoiceFiles::new(id()) => sample("S-056-get-voice-files-response.repaired.json");
    request_sign: RequestSign::new(id()) => json_answer(202, "");
    confirm_sign: ConfirmSign::new(id(), Secret::new("012345")) => json_answer(202, "");
    request_resend_sign_tan: RequestResendSignTan::new(id()) => json_answer(202, "");
    get_bank_list: GetBankList => sample("S-075-get-bank-list-response.json");
    check_signme_user: CheckSignmeUser(
        identkit_wire::json::read(&fixture("S-078-check-signme-user-request.json")).unwrap()
    ) => sample("S-079-check-signme-user-response.json");
}
