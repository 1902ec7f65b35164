//! Recordings and size limits.

use super::*;

#[test]
fn at_38_only_the_video_callback_creates_video_ready() {
    let url = VideoCallback.url(&Uri::from_static("https://www.example.com"), &Secret::new("t0ken"), &id()).unwrap();
    let called = VideoCallback.emit(url.expose(), &Method::GET, &Event::new("identity-tm", "Video", "")).unwrap();
    let ready = VideoReady::from_event(&VideoCallback.parse(&called).unwrap()).unwrap();
    assert_eq!((ready.order_id(), ready.has_called_back()), (&id(), true));
    assert!(!VideoReady::force(id()).has_called_back());
    assert!(!format!("{ready:?}").contains(ORDER));
    for (provider, name) in [("identity-tm", "OnFinal"), ("identity-tm", "AfterVideo"), ("identify24", "Video")] {
        let mut event = Event::new(provider, name, "key");
        event.case_id = Some(Secret::new(ORDER));
        assert_eq!(VideoReady::from_event(&event).unwrap_err().kind(), Kind::InvalidInput, "{provider} {name}");
    }
    let nameless = Event::new("identity-tm", "Video", "key");
    assert!(VideoReady::from_event(&nameless).is_err(), "an event without an order");
}

#[tokio::test]
async fn at_38_an_error_page_with_status_200_is_not_a_video() {
    let mp4 = "\u{0}\u{0}\u{0}\u{18}ftypmp42";
    for (media, expected) in [
        ("video/mp4", "video/mp4"),
        ("video/webm", "video/webm"),
        ("Video/MP4; codecs=\"avc1\"", "video/mp4"),
        ("application/octet-stream", "application/octet-stream"),
    ] {
        let client = client([Step::Answer(answer(200, media, mp4))]);
        let video = client.video(&VideoReady::force(id()), &options()).await.unwrap().value;
        assert_eq!((video.media_type.as_str(), video.content.len()), (expected, Some(12)));
        assert_eq!(video.content.collect(100).await.unwrap(), mp4);
        assert_eq!(client.calls(), [format!("GET /getVideoFileBinary/{ORDER}")]);
    }
    for (media, text) in [("text/html", "<html>Mustermann"), ("application/json", "{}"), ("video/mp4", "")] {
        let client = client([Step::Answer(answer(200, media, text))]);
        let error = error_of(client.video(&VideoReady::force(id()), &options()).await);
        assert_eq!(error.kind(), Kind::Protocol, "{media}");
    }
}

#[test]
fn at_39_an_unreplaced_placeholder_is_not_an_order_id() {
    let base = Uri::from_static("https://www.example.com");
    let parse = |url: &str| VideoCallback.parse(&Request::builder().uri(url).body(Bytes::new()).unwrap());
    let template = VideoCallback.url_template(&base, &Secret::new("t0ken")).unwrap();
    assert!(template.expose().ends_with("/identity-tm/t0ken/Video?orderId=[OrderID]"));
    for literal in ["[OrderID]", "%5BOrderID%5D", ""] {
        let url = format!("https://www.example.com/identity-tm/t0ken/Video?orderId={literal}");
        assert_eq!(parse(&url).unwrap_err().kind(), Kind::Protocol, "{literal}");
        let uri = format!("/identity-tm/t/OnFinal?orderId={literal}&ref=r");
        let request = Request::builder().uri(uri).body(Bytes::new()).unwrap();
        assert_eq!(OrderCallback::OnFinal.parse(&request).unwrap_err().kind(), Kind::Protocol, "{literal}");
    }
    assert!(parse("https://www.example.com/identity-tm/t0ken/Video").is_err());
    // The order's id is one query parameter of the URL, with any content.
    let odd = OrderId::new("9992/..&orderId=1#ü");
    let url = VideoCallback.url(&base, &Secret::new("t0ken"), &odd).unwrap();
    let event = parse(url.expose()).unwrap();
    assert_eq!(event.case_id.unwrap().expose(), odd.expose());
}

#[test]
fn at_39_the_video_callback_is_a_get_with_its_own_path() {
    for (method, path, recognized) in [
        ("GET", "/identity-tm/t0ken/Video?orderId=1", true),
        ("POST", "/identity-tm/t0ken/Video?orderId=1", false),
        ("HEAD", "/identity-tm/t0ken/Video?orderId=1", false),
        ("GET", "/identity-tm/t0ken/OnFinal?orderId=1", false),
    ] {
        let (head, ()) = Request::builder().method(method).uri(path).body(()).unwrap().into_parts();
        assert_eq!(VideoCallback.recognize(&head), recognized, "{method} {path}");
    }
    assert_eq!(identkit_identity_tm::callbacks().len(), 4, "the document has four");
}

#[test]
fn at_40_base64_of_recordings_is_read_leniently() {
    let read = |data: Value| {
        let list = json!({"Voicefiles": [{"Filename": "sound_4348.mp3", "Base64Data": data}]});
        decode(&GetVoiceFiles::new(id()), &json_answer(200, list.to_string())).unwrap().value.voicefiles.unwrap()
    };
    for good in ["//uQ", "__uQ", "/ /u\r\nQ", "//uQ\n", "//uQAA==", "//uQAA"] {
        assert!(read(json!(good))[0].audio().unwrap().starts_with(&[0xff, 0xfb, 0x90]), "{good}");
    }
    // Slashes may be escaped in JSON.
    let escaped = json_answer(200, r#"{"Voicefiles":[{"Base64Data":"\/\/uQ"}]}"#);
    let escaped = decode(&GetVoiceFiles::new(id()), &escaped).unwrap().value.voicefiles.unwrap();
    assert_eq!(escaped[0].audio().unwrap(), [0xff, 0xfb, 0x90].as_slice());
    for odd in [json!("\\uQBAAAAA....."), json!("//u*Q"), json!("TQ=Q"), json!(""), json!(null)] {
        let files = read(odd.clone());
        let error = files[0].audio().unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol, "{odd}");
        assert!(!format!("{error} {error:?} {files:?}").contains("sound"), "{error}");
    }
}

#[tokio::test]
async fn at_79_bodies_over_the_limit_are_rejected_by_length() {
    const JSON: u64 = 256 << 20;
    for (name, cap) in [("status", JSON), ("hashes", JSON), ("voice", JSON), ("signed", JSON), ("list", JSON)] {
        let client = client([long(cap + 1)]);
        let options = options();
        let error = match name {
            "status" => client.status(&id(), &options).await.map(drop),
            "hashes" => client.signed_hashes(&id(), &options).await.map(drop),
            "voice" => client.voice_files(&id(), &options).await.map(drop),
            "signed" => client.ident_data_signed(&id(), &options).await.map(drop),
            _ => client.call(&GetAllStatus::new(period()), &options).await.map(drop),
        }
        .unwrap_err();
        assert_eq!((error.kind(), client.sent().len()), (Kind::Protocol, 1), "{name}: {error}");
    }
    for pdf in [true, false] {
        let cap: u64 = if pdf { 1 << 30 } else { 16 << 30 };
        let client = client([long(cap + 1)]);
        let error = if pdf {
            client.ident_data_pdf(&id(), &options()).await.map(drop)
        } else {
            client.video(&VideoReady::force(id()), &options()).await.map(drop)
        };
        assert_eq!(error.unwrap_err().kind(), Kind::Protocol);
    }
}

#[tokio::test]
async fn at_79_a_truncated_stream_ends_with_an_error() {
    assert!(matches!(GetVideo::META.body_mode, BodyMode::Stream { .. }));
    let client = client([long(1000)]);
    let video = client.video(&VideoReady::force(id()), &options()).await.unwrap().value;
    assert_eq!(video.content.len(), Some(1000));
    assert_eq!(video.content.collect(2000).await.unwrap_err().kind(), Kind::Integrity);
}
