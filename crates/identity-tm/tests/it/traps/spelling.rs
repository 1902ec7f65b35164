//! Elements that are not read, but can contradict what is read: in another spelling, or in another place.

use super::*;

/// Reads all files of a streamed response. Returns their number.
async fn count<T>(mut files: FileStream<T>) -> Result<usize, Error>
where
    T: serde::de::DeserializeOwned + Default + identkit_wire::Message,
{
    let mut count = 0;
    while files.next_file(1000).await?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn at_93_codes_elsewhere_make_the_verdict_unclear() {
    for (status, outcome) in [
        (r#""Status":{"Kind":6,"Time":"x","0":{"Kind":89}}"#, Outcome::Unclear),
        (r#""Status":[{"Kind":6,"kind":89}]"#, Outcome::Unclear),
        (r#""Status":[{"Kind":6,"Kinds":[89]}]"#, Outcome::Unclear),
        (r#""Status":[{"Kind":6,"Next":[{"Entry":{"Kind":"x"}}]}]"#, Outcome::Unclear),
        (r#""Status":[{"Kind":6}],"status":[{"Kind":89}]"#, Outcome::Unclear),
        (r#""Status":[{"Kind":6}],"History":{"Status":[{"Kind":89}]}"#, Outcome::Unclear),
        (r#""Status":[{"Kind":89,"0":{"Kind":6}}]"#, Outcome::Unclear),
        (r#""Status":[{"Kind":89},{"Kind":6,"0":{"Kind":6}}]"#, Outcome::FraudSuspicion),
        (r#""Status":[{"Kind":6,"kind":null,"Agent":{"Name":"x"}}],"Page":{"Count":1}"#, Outcome::Positive),
    ] {
        let text = format!(r#"{{"OrderID":"{ORDER}",{status}}}"#);
        let read = decode(&GetStatusExtended::new(id()), &json_answer(200, text.clone())).unwrap().value;
        assert_eq!(read.finality(OrderFlavor::IdentOnly).outcome, outcome, "{text}");
        let list = decode(&DrainUnreportedExtended, &json_answer(200, format!("[{text}]"))).unwrap().value;
        assert_eq!(list.0[0].finality(OrderFlavor::IdentOnly).outcome, outcome, "[{text}]");
    }
}

#[tokio::test]
async fn at_93_a_sign_me_user_in_two_spellings_is_an_error() {
    for (other, is_error) in [
        (r#""userIsAbleToSign":false"#, true),
        (r#""user_exists":"no""#, true),
        (r#""userIsAbleToSign":true"#, false),
        (r#""userexists":null"#, false),
    ] {
        let body = format!(r#"{{"UserExists":true,"UserIsAbleToSign":true,{other}}}"#);
        let user = client([reply(200, body)]).signme_user(&"e.mustermann@example.com".into(), &options()).await;
        assert_eq!(user.map(drop).map_err(|error| error.kind()), if is_error { Err(Kind::Protocol) } else { Ok(()) });
    }
}

#[tokio::test]
async fn at_93_a_second_list_of_files_is_an_error() {
    let file = format!(r#"{{"Base64Data":"{}"}}"#, encode_base64(PDF));
    for (body, expected) in [
        (format!(r#"{{"LIST":[{file}]}}"#), Ok(1)),
        (format!(r#"{{"LIST":[{file}],"list":null}}"#), Ok(1)),
        (format!(r#"{{"LIST":[{file}],"list":[{file},{file}]}}"#), Err(Kind::Protocol)),
        (format!(r#"{{"list":[{file}],"LIST":[{file},{file}]}}"#), Err(Kind::Protocol)),
        (format!(r#"{{"LIST":[],"list":[{file}]}}"#), Err(Kind::Protocol)),
        (format!(r#"{{"LIST":[],"Items":[{file}]}}"#), Err(Kind::Protocol)),
        (format!(r#"{{"LIST":[{file}],"Order":{{"OrderID":"7"}}}}"#), Err(Kind::Integrity)),
    ] {
        let reply = |name: &str, other: &str| reply(200, body.replace("LIST", name).replace("list", other));
        let pdfs = || client([reply("PDFs", "pdf_s")]);
        let voices = || client([reply("Voicefiles", "VoiceFiles")]);
        let kind = |error: Error| error.kind();
        let answer = json_answer(200, body.replace("LIST", "Voicefiles").replace("list", "VoiceFiles"));
        let whole = decode(&GetVoiceFiles::new(id()), &answer);
        let whole = whole.map(|files| files.value.voicefiles.map_or(0, |files| files.len()));
        assert_eq!(whole.map_err(kind), expected, "{body}");
        let list =
            decode(&GetESignPdf::new(id()), &json_answer(200, body.replace("LIST", "PDFs").replace("list", "pdf")));
        assert_eq!(list.map(drop).map_err(kind), expected.map(drop), "{body}");
        let streamed = pdfs().signed_pdfs_streamed(&id(), &options()).await.unwrap().value;
        assert_eq!(count(streamed).await.map_err(kind), expected, "{body}");
        let streamed = voices().voice_files_streamed(&id(), &options()).await.unwrap().value;
        assert_eq!(count(streamed).await.map_err(kind), expected, "{body}");
    }
    for (beside, kind) in [(r#""base64_data":"QQ==""#, Kind::Protocol), (r#""Of":{"order-id":"7"}"#, Kind::Integrity)] {
        let body = format!(r#"{{"PDFs":[{{"Base64Data":"QUJD",{beside}}}]}}"#);
        let streamed = client([reply(200, body)]).signed_pdfs_streamed(&id(), &options()).await.unwrap().value;
        assert_eq!(count(streamed).await.map_err(|error| error.kind()), Err(kind), "{beside}");
    }
}
