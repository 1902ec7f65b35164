//! identity.TM: the rules of `putOrder`, each tested separately.

use crate::support::*;

/// Applies a JSON merge patch to an order (RFC 7396).
fn with(base: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut merged = base.as_object().cloned().unwrap_or_else(Map::new);
    for (key, value) in patch {
        match value {
            Value::Null => drop(merged.remove(key)),
            value => drop(merged.insert(key.clone(), with(base.get(key).unwrap_or(&Value::Null), value))),
        }
    }
    merged.into()
}

/// Returns pointer and rule of each violation.
fn faults(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 400, "{}", answer.text());
    let text = |fault: &Value, key: &str| fault[key].as_str().unwrap_or_else(|| panic!("no {key}: {fault}")).to_owned();
    let read = |fault: &Value| {
        assert_eq!(text(fault, "section"), "[T] 3.1.3");
        assert!(text(fault, "message").len() > 5, "the message says what is valid");
        (text(fault, "pointer"), text(fault, "rule"))
    };
    answer.json()["Faults"].as_array().unwrap().iter().map(read).collect()
}

type Faults = Vec<(String, String)>;

async fn refused_for(bench: &Harness, patch: &Value, expected: &Faults) {
    let base = serde_json::to_value(order()).unwrap();
    let answer = bench.tm_call("PUT", "/putOrder", with(&base, patch).to_string()).await;
    if expected.is_empty() {
        assert_eq!(answer.status, 202, "{patch}: {}", answer.text());
    } else {
        assert_eq!(&faults(&answer), expected, "{patch}");
    }
}

/// Returns a PDF with an object number near the maximum, so that few objects can be added.
fn numbered_nearly_to_the_last() -> Vec<u8> {
    let objects = [
        (1_u32, "<</Type/Catalog/Pages 2 0 R>>"),
        (2, "<</Type/Pages/Kids[3 0 R]/Count 1>>"),
        (3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"),
        (u32::MAX - 1, "<</Nothing true>>"),
    ];
    let (mut text, mut table) = ("%PDF-1.7\n".to_owned(), "xref\n0 1\n0000000000 65535 f \n".to_owned());
    for (number, body) in objects {
        table += &format!("{number} 1\n{:010} 00000 n \n", text.len());
        text += &format!("{number} 0 obj\n{body}\nendobj\n");
    }
    let at = text.len();
    (text + &table + &format!("trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n")).into_bytes()
}

/// Tests each row of a group of the table: a change of a valid order, and its violations.
async fn rows(bench: Harness, group: &str) {
    let document = |patch: &mut Value| {
        match patch.pointer("/eSignPDF/Data").and_then(Value::as_str) {
            Some("(contract)") => patch["eSignPDF"]["Data"] = encode_base64(&sample_contract()).into(),
            Some("(no number left)") => {
                patch["eSignPDF"]["Data"] = encode_base64(&numbered_nearly_to_the_last()).into()
            }
            _ => {}
        };
    };
    for (mut patch, expected) in
        table::<BTreeMap<String, Vec<(Value, Faults)>>>("put-order-rules").remove(group).unwrap()
    {
        document(&mut patch);
        refused_for(&bench, &patch, &expected).await;
    }
}

#[tokio::test]
async fn t_056_each_missing_required_field_is_reported() {
    rows(Harness::new(), "T-056").await;
    let all = faults(&Harness::new().tm_call("PUT", "/putOrder", "{}").await);
    for field in ["Product", "Add", "Email", "Address"] {
        assert!(all.contains(&(format!("/{field}"), "T-056".to_owned())), "all violations together: {all:?}");
    }
}

#[tokio::test]
async fn t_005_lengths_control_characters_and_dates_are_checked() {
    let bench = Harness::new();
    for (place, most) in table::<Vec<(String, usize)>>("put-order-lengths") {
        let at = |text: String| {
            let wrap = |inner: Value, key: &str| if key == "0" { json!([inner]) } else { json!({ key: inner }) };
            place.split('/').skip(1).collect::<Vec<_>>().into_iter().rev().fold(Value::from(text), wrap)
        };
        // ü counts as one (AT-46).
        let letter = if place.contains("URL") { "x" } else { "ü" };
        let refused = vec![(place.clone(), "T-005".to_owned())];
        refused_for(&bench, &at(letter.repeat(most)), &Vec::new()).await;
        refused_for(&bench, &at(letter.repeat(most + 1)), &refused).await;
        refused_for(&bench, &at("x\u{7}".to_owned()), &refused).await;
    }
    rows(bench, "T-005").await;
}

#[tokio::test]
async fn t_006_the_products_are_those_of_the_table() {
    rows(Harness::new(), "T-006").await;
}

#[tokio::test]
async fn t_050_t_052_webhooks_and_things_to_sign_are_checked() {
    rows(Harness::new(), "T-050 T-052").await;
}

#[tokio::test]
async fn at_44_at_47_at_50_and_at_51_formats_are_checked() {
    // The document's table has three letters for the address and two for the person.
    rows(Harness::new(), "AT-44 AT-47 AT-50 AT-51").await;
}

#[tokio::test]
async fn at_83_additional_items_are_limited_by_product_and_type() {
    rows(Harness::new(), "AT-83").await;
}

#[tokio::test]
async fn at_22_at_33_at_34_at_79_and_at_85_files_to_sign_are_checked() {
    rows(Harness::new(), "AT-22 AT-33 AT-34 AT-79 AT-85").await;
}

#[tokio::test]
async fn at_99_ports_and_characters_of_urls_are_checked() {
    rows(Harness::new(), "AT-99").await;
}

#[tokio::test]
async fn m_08_only_strict_rejects_unlisted_elements() {
    rows(Harness::new(), "M-08 literal").await;
    rows(Harness::strict(), "M-08").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_34_documents_and_hashes_together_strict_rejects() {
    let hash = SignHash::default().hash(encode_base64(b"hash")).filename("a");
    let mut both = serde_json::to_value(order().product(15_u32).sign_hash(OneOrMany::One(hash))).unwrap();
    both["eSignPDF"] = json!({ "Data": encode_base64(&sample_contract()) });
    let both = both.to_string();
    Harness::strict().tm_call("PUT", "/putOrder", both.clone()).await.refused(400, "eSignHash", "AT-34", "[T] 3.1.3");
    let bench = Harness::new();
    let id = bench.good("PUT", "/putOrder", both).await.json()["OrderID"].as_str().unwrap().to_owned();
    bench.play(&id, "signed").await;
    for path in ["/getESignPDF/", "/getESignHash/"] {
        bench.good("GET", &format!("{path}{id}"), String::new()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_95_strict_rejects_a_name_twice() {
    let body = |names: &str| serde_json::to_string(&order()).unwrap().replacen('{', &format!("{{{names},"), 1);
    for names in [r#""Ref":"a""#, r#""IdentData":{"Title":"a","Title":"a"}"#] {
        Harness::strict().tm_call("PUT", "/putOrder", body(names)).await.refused(400, "body", "AT-95", "[T] 2.6");
        assert_eq!(Harness::new().tm_call("PUT", "/putOrder", body(names)).await.status, 202, "{names}");
    }
    let unique = body(r#""IdentData":{"Title":"Title: \"Dr.\""}"#);
    assert_eq!(Harness::strict().tm_call("PUT", "/putOrder", unique).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn m_17_strict_enforces_the_content_type() {
    let body = serde_json::to_string(&order()).unwrap();
    for (media, accepted) in
        [("application/json", true), ("Application/JSON; charset=utf-8", true), ("text/plain", false), ("", false)]
    {
        for bench in [Harness::strict(), Harness::new()] {
            let strict = bench.sandbox.with_world(|world| world.profile) == Profile::Strict;
            let mut request = tm_request("PUT", "/putOrder");
            if !media.is_empty() {
                request = request.header(CONTENT_TYPE, media);
            }
            let answer = bench.raw(request.body(body.clone().into()).unwrap()).await;
            match accepted || !strict {
                true => assert_eq!(answer.status, 202, "{media}: {}", answer.text()),
                false => answer.refused(400, "Content-Type", "T-002", "[T] 2.6"),
            }
        }
    }
    let without = Harness::strict().raw(tm_request("POST", "/getAllStatus").body(Bytes::new()).unwrap()).await;
    assert_eq!(without.status, 304, "no body, no type");
}
