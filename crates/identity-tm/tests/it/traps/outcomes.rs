//! What every response means for every call: each status and each deviation of a body (AT-89, AT-94, AT-97).

use super::*;

/// Calls with the same facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Read,
    Drain,
    Put,
    Sign,
    Confirm,
    Cancel,
    Delete,
    Video,
    Probe,
}

use Group::{Cancel, Confirm, Delete, Drain, Probe, Put, Read, Sign, Video};

/// Columns of the table, in order.
const GROUPS: [Group; 9] = [Read, Drain, Put, Sign, Confirm, Cancel, Delete, Video, Probe];

fn group<Op: Operation>() -> Group {
    use identkit_wire::RetrySafety::{Creating, DestructiveRead, IdempotentByEffect, Safe, SideEffect};
    match (Op::META.safety, Op::META.name) {
        (_, "serverStatus") => Probe,
        (Safe, _) => Read,
        (DestructiveRead, _) => Drain,
        (Creating, _) => Put,
        (SideEffect, "confirmSign") => Confirm,
        (SideEffect, _) => Sign,
        (IdempotentByEffect, "cancelOrder") => Cancel,
        (IdempotentByEffect, "delIdentdata") => Delete,
        (IdempotentByEffect, _) => Video,
    }
}

/// The documented body of a call; empty if there is none.
pub(super) fn documented(name: &str) -> &'static str {
    match name {
        "putOrder" => r#"{"OrderID":"99921269855041"}"#,
        "getStatus" | "getStatus/ExtendedList" => r#"{"Status":[{"Kind":25}]}"#,
        "getESignHash" => r#"{"Hashes":[{"a.pdf":"c2lnbmVkIGhhc2ggb2YgYS5wZGY="}]}"#,
        "getIdentDataPDF" | "getESignPDF" => "%PDF-1.7\n%%EOF\n",
        "getIdentData/Signed" => "c2VhbGVkIGZvcm0gb2YgYW4gaWRlbnRpdHk=",
        "getIdentData" | "getIdentData/IncludeInitialData" | "getIdentData/IncludeIdentifyMethod" => {
            r#"{"IdentData":{"Type":1,"Firstname":"Erika"}}"#
        }
        "getVoiceFiles" => r#"{"Voicefiles":[]}"#,
        "getVideoFileBinary" => "a video",
        "getAllStatus" | "getAllStatus/ExtendedList" => r#"[{"OrderID":"1"}]"#,
        "getBankList" => "[]",
        "checkSignmeUser" => r#"{"UserExists":true,"UserIsAbleToSign":true}"#,
        _ => "",
    }
}

/// Body of a response.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// The documented one.
    Good,
    Is(&'static str),
}

/// Statuses of a row: `L` is the documented one, `O` the other one of 200 and 202.
enum Statuses {
    L,
    O,
    N(&'static [u16]),
}

use Statuses::{L, N, O};

/// A response and its meaning for each group: `ok` success; `ok+` with a warning; `?` outcome unknown; `!` refused; `u`
/// unavailable; `x` a response that cannot be used; `-` not tested here.
const TABLE: &[(Statuses, Answer, &str)] = &[
    //                                                    Read Drain Put Sign Confirm Cancel Delete Video Probe
    (L, Answer::Good, "ok ok ok ok ok ok ok ok ok"),
    (O, Answer::Good, "ok+ ok+ ok+ ok+ ok+ ok+ ? ok+ x"),
    (N(&[201, 203]), Answer::Good, "ok+ ok+ ok+ ok+ ok+ ok+ ? ok+ x"),
    (N(&[201, 203, 204]), Answer::Is("{}"), "- - ? ok+ ok+ ok+ ? ok+ x"),
    (N(&[204]), Answer::Is(""), "x ? ? ok+ ok+ ok+ ? ok+ x"),
    (N(&[205, 206, 207, 226, 299]), Answer::Good, "x ? ? ? ? ? ? ? x"),
    // Bodies that contradict the status.
    (L, Answer::Is("<html>Mustermann</html>"), "- ? ? ? ? ? ? ? ok"),
    (L, Answer::Is("\u{feff} <!doctype html>"), "- ? ? ? ? ? ? ? ok"),
    (L, Answer::Is("accepted"), "- ? ? ok ok ok ok ok ok"),
    (O, Answer::Is("accepted"), "- ? ? ? ? ? ? ? x"),
    (L, Answer::Is(r#"{"Error":"Mustermann"}"#), "! ? ? ? ? ? ? ? ok"),
    (O, Answer::Is(r#"{"Error":"Mustermann"}"#), "! ? ? ? ? ? ? ? x"),
    (L, Answer::Is(r#"{"Error":"Mustermann","Error":null}"#), "! ? ? ? ? ? ? ? ok"),
    (L, Answer::Is(r#"{"Error":"Mustermann",}"#), "- ? ? ? ? ? ? ? ok"),
    (L, Answer::Is("Mustermann: Fehler"), "- ? ? ? ? ? ? ? ok"),
    (L, Answer::Is(r#"[{"Error":"Mustermann"}]"#), "- - ? ? ? ? ? ? ok"),
    (L, Answer::Is(r#"{"Error":null}"#), "- ? ? ok ok ok ok ok ok"),
    (L, Answer::Is(r#"{"Error":""}"#), "- ? ? ok ok ok ok ok ok"),
    // Statuses that prove nothing.
    (N(&[300, 301, 302, 303, 305, 307, 308]), Answer::Is(""), "x ? ? ? ? ? ? ? x"),
    (N(&[408, 425, 500, 501, 502, 503, 504, 599]), Answer::Is(""), "u ? ? ? ? ? u u u"),
    (N(&[600, 999]), Answer::Is(""), "x ? ? ? ? ? ? ? x"),
    (N(&[409]), Answer::Is(""), "! ? ? ? ! ? ! ! !"),
    (N(&[429]), Answer::Is(""), "! ? ? ? ! ! ! ! !"),
    // Refusals, unless the body shows a success.
    (N(&[400, 401, 402, 403, 404, 405, 406, 410, 411, 412, 413, 415, 418, 422]), Answer::Is(""), "! ! ! ! ! ! ! ! !"),
    (N(&[400, 401, 404, 422]), Answer::Is(r#"{"Error":"Mustermann"}"#), "! ! ! ! ! ! ! ! !"),
    (N(&[400, 401, 404, 422]), Answer::Is(r#"Sorry {"OrderID":"99"}"#), "! ? ? ? ? ! ! ! !"),
];

/// Makes every call with one response each.
struct Outcomes {
    status: Statuses,
    body: Answer,
    cells: Vec<&'static str>,
}

/// The meaning of a result, in the notation of the table.
fn cell<T>(result: Result<identkit_transport::Response<T>, Error>, status: u16, body: &str) -> &'static str {
    let error = match result {
        Ok(response) => {
            let unlisted = rules(&response.warnings).contains(&"AT-89");
            return if unlisted { "ok+" } else { "ok" };
        }
        Err(error) => error,
    };
    assert_eq!(error.status(), Some(status), "{error}");
    // In every case the whole answer is retained, and not printed.
    let answer = error.answer().unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (status, body.as_bytes()), "{error}");
    assert!(answer.headers().contains_key("content-type") && answer.is_complete(), "{error}");
    let shown = format!("{error} {error:?} {answer:?} {:?}", error.salvaged_ids());
    assert!(!shown.contains("Mustermann") && !shown.contains("99\""), "{shown}");
    assert!(error.url().unwrap().starts_with("https://customer.identity.tm/api/2.10/"), "{error}");
    match error.kind() {
        Kind::OutcomeUnknown => {
            assert_eq!((error.advice(), error.delivery()), (Advice::Reconcile, Some(Delivery::MaybeSent)), "{error}");
            "?"
        }
        Kind::Unavailable => "u",
        Kind::Protocol => "x",
        Kind::Authentication
        | Kind::Conflict
        | Kind::Forbidden
        | Kind::InvalidState
        | Kind::NotFound
        | Kind::RateLimited
        | Kind::Rejected
        | Kind::SigningCanceled
        | Kind::TanRejected => {
            assert_eq!(error.delivery(), Some(Delivery::Answered), "{error}");
            "!"
        }
        other => panic!("{other:?}: {error}"),
    }
}

impl EachOperation for Outcomes {
    fn with<Op: ServedOperation<Dialect = Dialect>>(&mut self, operation: Op) {
        let group = group::<Op>();
        let column = GROUPS.iter().position(|known| *known == group).unwrap();
        let expected = self.cells[column];
        let listed = Op::META.expect[0];
        let statuses: &[u16] = match &self.status {
            L => &[listed],
            O => &[if listed == 200 { 202 } else { 200 }],
            N(statuses) => statuses,
        };
        let body = match self.body {
            Answer::Good => documented(Op::META.name),
            Answer::Is(body) => body,
        };
        for status in statuses.iter().copied().filter(|_| expected != "-") {
            // 406, 410 and 412 have a meaning of their own for some calls; all of them are refusals.
            let media_type = if body.starts_with(['{', '[']) { "application/json" } else { "application/octet-stream" };
            let client = client([Step::Answer(answer(status, media_type, body))]);
            let result = block_on(client.call(&operation, &options().attempts(1)));
            assert_eq!(cell(result, status, body), expected, "{} {status} {body}", Op::META.name);
        }
    }
}

#[test]
fn at_89_at_94_at_97_every_response_to_every_call() {
    for (status, body, cells) in TABLE {
        let cells: Vec<_> = cells.split(' ').collect();
        assert_eq!(cells.len(), GROUPS.len());
        let status = match status {
            L => L,
            O => O,
            N(statuses) => N(statuses),
        };
        each_operation(&mut Outcomes { status, body: *body, cells });
    }
}

#[tokio::test]
async fn at_89_a_deletion_with_another_2xx_is_proved_by_a_read() {
    let paths = [format!("DELETE /delIdentdata/{ORDER}"), format!("GET /getIdentData/{ORDER}")];
    for (status, body) in [(200, ""), (201, "{}"), (204, "")] {
        let gone = client([reply(status, body), reply(404, "")]);
        let response = gone.delete_ident_data(&id(), &options()).await.unwrap();
        assert_eq!((response.status.as_u16(), rules(&response.warnings)), (status, vec!["AT-89"]));
        assert_eq!(gone.calls(), paths);
        for probe in [reply(200, documented("getIdentData")), reply(200, "{}"), reply(401, "")] {
            let there = client([reply(status, body), probe]);
            let error = there.delete_ident_data(&id(), &options()).await.unwrap_err();
            assert_eq!((error.kind(), error.status()), (Kind::OutcomeUnknown, Some(status)));
        }
    }
    // An answer that contradicts itself does not prove a deletion, so nothing is read.
    for (status, body) in [
        (200, "<html>"),
        (200, r#"{"Error":"x"}"#),
        (202, r#"{"success":false}"#),
        (202, r#"{"status":"error"}"#),
        (202, "{\"a\":\"\\ud800\"}"),
        (200, "done"),
        (205, ""),
    ] {
        let error = client([reply(status, body)]).delete_ident_data(&id(), &options()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{status} {body}");
    }
}

#[tokio::test]
async fn at_89_a_confirmation_that_cannot_be_read_is_unknown() {
    let error = "{\"Error\":\"TAN ung\u{fc}ltig\"}";
    let latin_1: Vec<u8> = error.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let utf_16: Vec<u8> = error.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let coded =
        |body: &'static [u8]| Step::Answer(answer(202, "application/json", body).header("content-encoding", "gzip"));
    let tan = identkit_core::Secret::new("123456");
    for body in [
        reply(202, latin_1),
        reply(202, utf_16),
        reply(202, "{\"Error\":\"a\nb\"}"),
        reply(202, r#"{"Error":NaN}"#),
        reply(202, "Warning: x\n{\"Error\":\"x\"}"),
        // zlib, and damaged gzip.
        coded(b"\x78\x9c\xab\x56\x72\x2d\x2a\xca\x2f\x52\xb2\x52\xaa\x50\xaa\x05\0"),
        coded(b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56"),
        Step::Answer(answer(202, "application/json", "{").length(100)),
    ] {
        let confirmed = client([body.clone()]);
        assert_eq!(error_of(confirmed.confirm_sign(&id(), &tan, &options()).await).kind(), Kind::OutcomeUnknown);
        // Sent once, and no read is taken for a proof: the status is the listed one.
        let deleted = client([body]);
        let error = error_of(deleted.delete_ident_data(&id(), &options()).await);
        assert_eq!((error.kind(), deleted.calls().len()), (Kind::OutcomeUnknown, 1));
    }
}

#[tokio::test]
async fn at_09_a_404_of_another_server_proves_no_deletion() {
    for (body, proves) in [("", true), (" \n", true), ("{}", true), ("\u{feff}{\"Error\":\"x\"}", true)]
        .into_iter()
        .chain([("<html>not found</html>", false), ("not found", false), ("{", false), ("[]", false)])
        .chain([(documented("getIdentData"), false), (r#"{"a":{"Surname":"Mustermann"}}"#, false)])
        .chain([
            (r#"{"OrderID":"99921269855041","Error":"x"}"#, true),
            (r#"{"OrderID":"1111","Error":"x"}"#, false),
            (r#"{"a":{"order_id":1111}}"#, false),
        ])
    {
        let vendor = client([reply(404, body)]);
        let gone = vendor.data_is_gone(&id(), &options()).await;
        assert_eq!(
            gone.map_err(|error| error.kind()),
            if proves { Ok(true) } else { Err(Kind::OutcomeUnknown) },
            "{body}"
        );
        let vendor = client([reply(200, ""), reply(404, body)]);
        let deleted = vendor.delete_ident_data(&id(), &options()).await;
        assert_eq!(
            deleted.map(drop).map_err(|error| error.kind()),
            if proves { Ok(()) } else { Err(Kind::OutcomeUnknown) }
        );
    }
}

#[tokio::test]
async fn at_89_at_97_a_cancellation_keeps_warning_and_answer() {
    let response = client([reply(200, "")]).cancel_order(&id(), &options()).await.unwrap();
    assert_eq!(rules(&response.warnings), ["AT-89"]);
    let status = |kinds: &str| format!(r#"{{"OrderID":"{ORDER}","Status":[{kinds}]}}"#);
    let canceled = client([reply(205, "x"), reply(200, status(r#"{"Kind":63}"#))]);
    let response = canceled.cancel_order(&id(), &options()).await.unwrap();
    assert_eq!((response.status.as_u16(), rules(&response.warnings)), (205, vec!["AT-89"]));
    let contradicted = ["6", "84", "89", "17", r#""x""#, "null"]
        .iter()
        .flat_map(|other| ["63", "22"].map(|end| status(&format!(r#"{{"Kind":{end}}},{{"Kind":{other}}}"#))));
    for status in
        contradicted.map(|body| reply(200, body)).chain([reply(200, status(r#"{"Kind":25}"#)), reply(404, "")])
    {
        let error = client([reply(205, "x"), status]).cancel_order(&id(), &options()).await.unwrap_err();
        let answer = error.answer().unwrap();
        assert_eq!(
            (error.kind(), answer.status().as_u16(), &answer.body()[..]),
            (Kind::OutcomeUnknown, 205, &b"x"[..])
        );
    }
}

#[tokio::test]
async fn at_94_an_error_after_a_byte_order_mark_counts() {
    let marked = "\u{feff}{\"Error\":\"Mustermann\"}";
    let answer = |status: u16| client([reply(status, marked)]);
    let then_404 = client([reply(202, marked), reply(404, "")]);
    let tan = identkit_core::Secret::new("123456");
    for result in [
        answer(202).confirm_sign(&id(), &tan, &options()).await,
        answer(202).request_sign(&id(), &options()).await,
        answer(202).resend_tan(&id(), &options()).await,
        then_404.cancel_order(&id(), &options()).await,
        answer(202).delete_ident_data(&id(), &options()).await,
    ] {
        assert_eq!(error_of(result).kind(), Kind::OutcomeUnknown);
    }
    for form in [
        answer(200).ident_data_signed(&id(), &options()).await.map(drop),
        answer(200).ident_data_body(&id(), &options()).await.map(drop),
    ] {
        assert_eq!(error_of(form).kind(), Kind::Rejected);
    }
}

#[test]
fn at_23_two_entries_of_one_type_are_a_warning() {
    let rules_of = |kinds: [u8; 2]| {
        let [one, two] = kinds.map(|kind| format!(r#"{{"Type":{kind},"Surname":"Mustermann"}}"#));
        let text = format!(r#"{{"OrderID":"{}","IdentData":[{one},{two}]}}"#, id().expose());
        let reply = answer(200, "application/json", text);
        rules(&decode(&GetIdentData::new(id()), &reply).unwrap().warnings)
    };
    assert_eq!(rules_of([1, 2]), Vec::<&str>::new());
    for kinds in [[1, 1], [2, 2], [1, 3]] {
        assert_eq!(rules_of(kinds), ["AT-23"], "{kinds:?}");
    }
}

#[tokio::test]
async fn at_95_two_order_ids_at_any_depth_are_unknown() {
    for body in [
        r#"{"OrderID":"77","Order":{"OrderID":"88"}}"#,
        r#"{"OrderID":"77","x":[{"OrderID":88}]}"#,
        r#"{"OrderID":"77","orderid":"88"}"#,
    ] {
        let error = error_of(client([reply(202, body)]).put_order(&plain_order(), &options()).await);
        let ids: Vec<_> = error.salvaged_ids().iter().map(|id| id.value.expose().to_owned()).collect();
        assert_eq!((error.kind(), ids), (Kind::OutcomeUnknown, vec!["77".to_owned(), "88".to_owned()]), "{body}");
    }
    let same = client([reply(202, r#"{"OrderID":"77","Order":{"OrderID":"77"}}"#)]);
    assert_eq!(same.put_order(&plain_order(), &options()).await.unwrap().value.order_id.expose(), "77");
}

#[test]
fn at_94_at_96_what_is_no_result_is_not_an_opaque_one() {
    let html = ["<!DOCTYPE html><p>Mustermann", " <HTML>"];
    for (body, kind) in [(r#"{"Error":"Mustermann"}"#, Kind::Rejected), ("", Kind::Protocol), (" \n", Kind::Protocol)]
        .into_iter()
        .chain(["null", "\"\"", "{}", "[]", "true", "\u{feff}null"].map(|body| (body, Kind::Protocol)))
        .chain(html.map(|body| (body, Kind::Protocol)))
    {
        let signed = decode(&GetIdentDataSigned::new(id()), &answer(200, "text/plain", body));
        assert_eq!(error_of(signed).kind(), kind, "{body}");
    }
    let parts = [b"--x\r\nContent-Type: application/pdf\r\n\r\n", PDF, b"\r\n--x--\r\n"].concat();
    let parts = answer(200, "multipart/mixed; boundary=x", parts);
    assert_eq!(error_of(decode(&GetIdentDataPdf::new(id()), &parts)).kind(), Kind::Protocol, "several parts");
    // The signed form is not the plain result, and not a list of errors.
    for body in [documented("getIdentData"), r#"[{"Error":"Mustermann"}]"#] {
        let signed = decode(&GetIdentDataSigned::new(id()), &answer(200, "application/json", body));
        assert_eq!(error_of(signed).kind(), Kind::Protocol, "{body}");
    }
    let other = decode(&GetIdentDataSigned::new(id()), &answer(200, "application/json", r#"{"OrderID":"8","s":"x"}"#));
    assert_eq!(error_of(other).kind(), Kind::Integrity);
    for (body, kind) in
        [(r#"{"Error":"Mustermann"}"#, Kind::Rejected), ("{}", Kind::Protocol), (html[0], Kind::Protocol)]
    {
        let video = decode(&GetVideo::new(id()), &answer(200, "video/mp4", body));
        assert_eq!(error_of(video).kind(), kind, "{body}");
    }
    for body in html {
        let sealed = decode(&MaybeEncrypted(GetIdentData::new(id())), &answer(200, "application/jose", body));
        assert_eq!(error_of(sealed).kind(), Kind::Protocol, "{body}");
    }
}

#[tokio::test]
async fn at_97_the_ids_of_an_unknown_outcome_are_salvaged() {
    for (status, body) in [
        (202, r#"{"OrderID":"99921269855041","Ref":"\ud800"}"#),
        (202, r#"Notice: x in y.php on line 3 {"OrderID":"99921269855041"}"#),
        (202, r#"{"OrderID":"99921269855041","Error":"#),
        (205, r#"{"OrderID":"99921269855041"}"#),
        (500, r#"{"OrderID":"99921269855041"}"#),
        (302, r#"{"OrderID":"99921269855041"}"#),
        (400, r#"{"OrderID":"99921269855041"}"#),
        (400, r#"{"\u004frderID":"99921269855041"}"#),
        (400, r#"{"OrderID":["99921269855041"]}"#),
    ] {
        let error = error_of(client([reply(status, body)]).put_order(&plain_order(), &options()).await);
        assert_eq!(error.kind(), Kind::OutcomeUnknown, "{status} {body}");
        let ids = error.salvaged_ids();
        assert_eq!((ids.len(), ids[0].name, ids[0].value.expose()), (1, "OrderID", ORDER), "{status} {body}");
        assert!(!format!("{error} {error:?} {ids:?}").contains(ORDER) && error.detail().contains("OrderID"), "{error}");
    }
}

#[tokio::test]
async fn at_97_a_header_that_names_an_order_is_no_sure_refusal() {
    for (name, value, kind) in [
        ("location", "https://customer.identity.tm/api/2.10/getStatus/99921269855041", Kind::OutcomeUnknown),
        ("content-location", "/getStatus/99920006C38842", Kind::OutcomeUnknown),
        ("x-order-id", ORDER, Kind::OutcomeUnknown),
        ("location", "/api/2.10/login", Kind::Rejected),
        ("x-request-id", ORDER, Kind::Rejected),
    ] {
        let refusal = answer(400, "application/json", "{}").header(name, value);
        let error = error_of(client([Step::Answer(refusal)]).put_order(&plain_order(), &options()).await);
        assert_eq!(error.kind(), kind, "{name} {value}");
    }
}

#[tokio::test]
async fn at_97_a_refusal_that_mentions_an_order_is_not_sure() {
    for (body, kind) in [
        ("OrderID 99921269855041", Kind::OutcomeUnknown),
        ("Order 99921269855041 created, e-mail could not be sent", Kind::OutcomeUnknown),
        (r#"{"Error":"OrderID 99921269855041: mail failed"}"#, Kind::OutcomeUnknown),
        (r#"{"data":{"order_id":"99921269855041"}}"#, Kind::OutcomeUnknown),
        (r#"{"Order ID":"99921269855041"}"#, Kind::OutcomeUnknown),
        (r#"{"id":"99921269855041"}"#, Kind::OutcomeUnknown),
        ("<Order><ID>99921269855041</ID></Order>", Kind::OutcomeUnknown),
        ("<td>OrderID</td><td>99921269855041</td>", Kind::OutcomeUnknown),
        ("<p>{&quot;OrderID&quot;:&quot;99921269855041&quot;}</p>", Kind::OutcomeUnknown),
        ("Auftragsnummer: 99921269855041", Kind::OutcomeUnknown),
        ("Der Auftrag mit der Nummer 99921269855041 existiert", Kind::OutcomeUnknown),
        ("Order-Nr. 99921269855041", Kind::OutcomeUnknown),
        (r#"{"OrderIDs":["99921269855041"]}"#, Kind::OutcomeUnknown),
        (r#"{"Error":"x","VideoHashes":{"ShortCode":"SHU8T"}}"#, Kind::OutcomeUnknown),
        (r#"{"Error":"order rejected: Mobile 491711234567 is invalid"}"#, Kind::Rejected),
        (r#"{"Error":"x","VideoHashes":{"ShortCode":null}}"#, Kind::Rejected),
        (r#"{"Error":"FirstOrderID 99921269855041 is unknown"}"#, Kind::Rejected),
        (r#"{"Error":"order rejected: Product 15 needs eSignPDF"}"#, Kind::Rejected),
    ] {
        let refusal = answer(400, "application/json", body);
        let error = error_of(client([Step::Answer(refusal)]).put_order(&plain_order(), &options()).await);
        assert_eq!(error.kind(), kind, "{body}");
    }
}

#[tokio::test]
async fn at_97_a_long_answer_is_retained_and_no_sure_refusal() {
    let body = format!(r#"{{"OrderID":"{ORDER}","Ref":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
    // AT-79.
    let placed = client([reply(202, body.clone())]).put_order(&plain_order(), &options()).await.unwrap();
    assert_eq!(placed.value.order_id.expose(), ORDER);
    for status in [400, 500] {
        let error = error_of(client([reply(status, body.clone())]).put_order(&plain_order(), &options()).await);
        let answer = error.answer().unwrap();
        assert_eq!((error.kind(), answer.body().len()), (Kind::OutcomeUnknown, 1024 * 1024), "{status}");
        assert!(!answer.is_complete() && error.salvaged_ids()[0].value.expose() == ORDER, "{status}");
    }
    let late = format!(r#"{{"Error":"{}","OrderID":"{ORDER}"}}"#, "x".repeat(1024 * 1024));
    let error = error_of(client([reply(400, late)]).put_order(&plain_order(), &options()).await);
    assert_eq!((error.kind(), error.salvaged_ids().len()), (Kind::OutcomeUnknown, 1), "behind what is retained");
}
