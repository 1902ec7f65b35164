//! identity.TM: what `putOrder` refuses, one fault at a time, and nothing else with it.

use crate::support::*;

/// The order with these members in place of its own, objects member by member (RFC 7396).
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

/// Each fault of a refused order by pointer and rule.
fn faults(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 400, "{}", answer.text());
    let text = |fault: &Value, key: &str| fault[key].as_str().unwrap_or_else(|| panic!("no {key}: {fault}")).to_owned();
    let read = |fault: &Value| {
        assert_eq!(text(fault, "section"), "[T] 3.1.3");
        assert!(text(fault, "message").len() > 5, "says what would be valid");
        (text(fault, "pointer"), text(fault, "rule"))
    };
    answer.json()["Faults"].as_array().unwrap().iter().map(read).collect()
}

async fn refused_for(bench: &Harness, patch: Value, expected: &[(&str, &str)]) {
    let base = serde_json::to_value(order()).unwrap();
    let answer = bench.tm_call("PUT", "/putOrder", with(&base, &patch).to_string()).await;
    if expected.is_empty() {
        assert_eq!(answer.status, 202, "{patch}: {}", answer.text());
        return;
    }
    let expected: Vec<_> = expected.iter().map(|(at, rule)| ((*at).to_owned(), (*rule).to_owned())).collect();
    assert_eq!(faults(&answer), expected, "{patch}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t_056_each_required_field_is_missed_by_itself() {
    let bench = Harness::new();
    refused_for(&bench, json!({}), &[]).await;
    for field in ["Product", "Add", "Email", "Address"] {
        refused_for(&bench, json!({ field: null }), &[(&format!("/{field}"), "T-056")]).await;
    }
    let all = ["/Address/Firstname", "/Address/Surname", "/Address/Country"].map(|at| (at, "T-056"));
    refused_for(&bench, json!({ "Address": { "Firstname": null, "Surname": null, "Country": null } }), &all).await;
    for field in ["Firstname", "Surname", "Country"] {
        refused_for(&bench, json!({ "Address": { field: null } }), &[(&format!("/Address/{field}"), "T-056")]).await;
        refused_for(
            &bench,
            json!({ "Address": { field: " " } }),
            match field {
                "Country" => &[("/Address/Country", "T-056"), ("/Address/Country", "AT-44")],
                "Surname" => &[("/Address/Surname", "T-056")],
                _ => &[("/Address/Firstname", "T-056")],
            },
        )
        .await;
    }
    let detail = |detail: Value| json!({ "IdentData": { "Additional": { "shoe": detail } } });
    refused_for(&bench, detail(json!({ "Type": 1, "Label": "Shoe size" })), &[]).await;
    for missing in [json!({ "Type": 1 }), json!({ "Label": "Shoe size" })] {
        refused_for(&bench, detail(missing), &[("/IdentData/Additional", "T-056")]).await;
    }
    refused_for(
        &bench,
        json!({ "Product": 15, "MultiSignOptions": {} }),
        &[("/MultiSignOptions/FirstOrderID", "T-056")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t_005_lengths_control_characters_and_dates_are_told_apart() {
    let bench = Harness::new();
    for (place, most) in [
        ("/Ref", 100),
        ("/Address/Firstname", 50),
        ("/Address/Surname", 50),
        ("/Address/CompanyName", 50),
        ("/Address/Street", 50),
        ("/Address/City", 100),
        ("/IdentData/Firstname", 50),
        ("/IdentData/Street", 100),
        ("/IdentData/Birthname", 75),
        ("/IdentData/Birthplace", 100),
        ("/IdentData/Surname", 50),
        ("/IdentData/City", 100),
        ("/IdentData/Nationality", 50),
        ("/IdentData/Title", 50),
        ("/IdentData/Artistname", 50),
        ("/IdentData/CollectedBy", 100),
        ("/IdentData/IDCard/CardNo", 50),
        ("/IdentData/IDCard/PlaceOfIssue", 100),
        ("/IdentData/DriverLicence/LicenceNo", 50),
        ("/IdentData/DriverLicence/Classes", 50),
        ("/LegitimationDocument/0/Document", 50),
        ("/RedirectURL/Success", 150),
        ("/RedirectURL/Abort", 150),
        ("/WebhookURL/AfterIdent", 150),
        ("/WebhookURL/AfterVideo", 150),
        ("/WebhookURL/OnFinal", 150),
    ] {
        let at =
            |text: String| {
                place.split('/').skip(1).collect::<Vec<_>>().into_iter().rev().fold(Value::from(text), |inner, key| {
                    if key == "0" { json!([inner]) } else { json!({ key: inner }) }
                })
            };
        // ü counts as one (AT-46).
        let letter = if place.contains("URL") { "x" } else { "ü" };
        refused_for(&bench, at(letter.repeat(most)), &[]).await;
        refused_for(&bench, at(letter.repeat(most + 1)), &[(place, "T-005")]).await;
        refused_for(&bench, at("x\u{7}".to_owned()), &[(place, "T-005")]).await;
    }
    for part in ["Address", "IdentData"] {
        refused_for(&bench, json!({ part: { "ZipCode": "ü".repeat(5) } }), &[]).await;
        let at = format!("/{part}/ZipCode");
        refused_for(&bench, json!({ part: { "ZipCode": "ü".repeat(6) } }), &[(&at, "AT-45")]).await;
    }
    refused_for(&bench, json!({ "Address": { "ZipCode": "4\n" } }), &[("/Address/ZipCode", "T-005")]).await;
    for place in ["Birthdate", "IDCard.DateOfIssue", "IDCard.ValidUntil", "DriverLicence.DateOfIssue"] {
        for date in ["12.08.1964", "1964-8-12", "1964-02-30", "1964-08-12T00:00"] {
            let patch = match place.split_once('.') {
                Some((part, field)) => json!({ "IdentData": { part: { field: date } } }),
                None => json!({ "IdentData": { place: date } }),
            };
            let pointer = format!("/IdentData/{}", place.replace('.', "/"));
            refused_for(&bench, patch, &[(&pointer, "T-005")]).await;
        }
    }
    let dated = json!({ "IdentData": { "Additional": { "day": { "Type": 2, "Label": "Day", "Value": "soon" } } } });
    refused_for(&bench, dated, &[("/IdentData/Additional", "T-005")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t_006_the_products_are_those_of_the_table() {
    let bench = Harness::new();
    for product in [0, 12, 16] {
        refused_for(&bench, json!({ "Product": product }), &[]).await;
    }
    for product in [1, 13, 17, 4_000_000] {
        refused_for(&bench, json!({ "Product": product }), &[("/Product", "T-006")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_052_an_order_to_be_signed_has_something_to_sign_and_one_way_with_accounts() {
    let bench = Harness::new();
    refused_for(&bench, json!({ "Product": 15 }), &[("/eSignPDF", "T-052")]).await;
    refused_for(&bench, json!({ "Product": 15, "Add": 8 }), &[]).await;
    refused_for(&bench, json!({ "Product": 15, "Add": 24 }), &[("/Add", "T-052")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_44_at_47_at_50_and_at_51_the_forms_of_countries_mail_addresses_genders_and_numbers() {
    let bench = Harness::new();
    // The table of the address has three letters, that of the person two.
    refused_for(&bench, json!({ "Address": { "Country": "DEU" } }), &[]).await;
    refused_for(&bench, json!({ "IdentData": { "Country": "DE" } }), &[]).await;
    refused_for(&bench, json!({ "IdentData": { "Country": "DEU" } }), &[("/IdentData/Country", "AT-44")]).await;
    for country in ["de", "Germany", "DEUT", "D"] {
        refused_for(&bench, json!({ "Address": { "Country": country } }), &[("/Address/Country", "AT-44")]).await;
        refused_for(&bench, json!({ "IdentData": { "Country": country } }), &[("/IdentData/Country", "AT-44")]).await;
    }
    for gender in ["Female", "MALE", "divers"] {
        refused_for(&bench, json!({ "IdentData": { "Gender": gender } }), &[("/IdentData/Gender", "AT-50")]).await;
    }
    for mail in ["nobody", "a@b@c", "a b@c.de", "@c.de"] {
        for (patch, at) in [
            (json!({ "Email": mail }), "/Email"),
            (json!({ "IdentData": { "Email": mail } }), "/IdentData/Email"),
            (json!({ "EmailNotifications": { "OnLeave": mail } }), "/EmailNotifications/OnLeave"),
            (json!({ "EmailNotifications": { "OnTimeOut": mail } }), "/EmailNotifications/OnTimeOut"),
        ] {
            refused_for(&bench, patch, &[(at, "AT-47")]).await;
        }
    }
    for number in ["01701234567", "0049170123456", "+49 170 1234567", "+49", "MSISDN"] {
        for (patch, at) in [
            (json!({ "Phone": number }), "/Phone"),
            (json!({ "Mobile": number }), "/Mobile"),
            (json!({ "IdentData": { "Mobile": number } }), "/IdentData/Mobile"),
        ] {
            refused_for(&bench, patch, &[(at, "AT-51")]).await;
        }
    }
    refused_for(&bench, json!({ "Mobile": "+491701234567" }), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_83_additional_details_are_counted_by_product_and_of_four_types() {
    let bench = Harness::new();
    let details = |product: u32, count: usize| {
        let all: Map<String, Value> =
            (0..count).map(|index| (format!("d{index}"), json!({ "Type": 1, "Label": "L" }))).collect();
        json!({ "Product": product, "IdentData": { "Additional": all } })
    };
    for (product, most) in [(0, 2), (12, 10), (16, 10)] {
        refused_for(&bench, details(product, most), &[]).await;
        refused_for(&bench, details(product, most + 1), &[("/IdentData/Additional", "AT-83")]).await;
    }
    for kind in [0, 5] {
        let detail = json!({ "IdentData": { "Additional": { "d": { "Type": kind, "Label": "L" } } } });
        refused_for(&bench, detail, &[("/IdentData/Additional", "AT-83")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_22_and_at_33_and_at_85_what_is_signed_is_named_there_and_has_one_place() {
    let bench = Harness::new();
    let contract = encode_base64(&sample_contract());
    let pdf =
        |more: Value| with(&json!({ "Product": 15, "eSignPDF": { "Data": contract } }), &json!({ "eSignPDF": more }));
    refused_for(&bench, pdf(json!({})), &[]).await;
    refused_for(&bench, pdf(json!({ "SignaturePosX": 100 })), &[("/eSignPDF/SignaturePosX", "AT-85")]).await;
    refused_for(&bench, pdf(json!({ "SignatureWidth": 100 })), &[("/eSignPDF/SignatureWidth", "AT-85")]).await;
    let field = json!({ "SignatureFieldName": "here", "SignaturePage": 1 });
    refused_for(&bench, pdf(field), &[("/eSignPDF/SignatureFieldName", "AT-85")]).await;
    let below = json!({ "SignaturePosX": 100, "SignaturePosY": -1 });
    refused_for(&bench, pdf(below), &[("/eSignPDF/SignaturePosY", "AT-85")]).await;
    for hash in [json!({}), json!({ "Hash": "" }), json!({ "Hash": "no Base64!" })] {
        refused_for(&bench, json!({ "Product": 15, "eSignHash": hash }), &[("/eSignHash/Hash", "AT-33")]).await;
    }
    let master = |id: &str| json!({ "Product": 15, "MultiSignOptions": { "FirstOrderID": id } });
    let at = "/MultiSignOptions/FirstOrderID";
    refused_for(&bench, master("99921269855041X"), &[(at, "AT-22")]).await;
    refused_for(&bench, master("99921269855042"), &[(at, "T-060")]).await;
}

/// The text of a PDF whose only unusual thing is the number of one of its objects: hardly any is left for more.
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

#[tokio::test(flavor = "multi_thread")]
async fn at_79_a_document_without_room_for_a_signature_is_refused() {
    let bench = Harness::new();
    let full = encode_base64(&numbered_nearly_to_the_last());
    refused_for(&bench, json!({ "Product": 15, "eSignPDF": { "Data": full } }), &[("/eSignPDF/Data", "AT-79")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m_08_the_strict_profile_says_where_an_unlisted_element_stands() {
    let bench = Harness::with(|builder| builder.profile(Profile::Strict));
    refused_for(&bench, json!({ "AllowedProductSet": 1 }), &[("", "M-08")]).await;
    refused_for(&bench, json!({ "Address": { "District": "x" } }), &[("/Address", "M-08")]).await;
}
