//! Responses that arrive before the whole request was sent (AT-97).

use std::time::Duration;

use identkit_core::Kind;
use identkit_wire::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{closed, create, hear, pause, plain, server};

const PATIENCE: Duration = Duration::from_secs(30);

/// Length of a body that no buffer of this machine's network holds, in bytes.
const LENGTH: usize = 32 * 1024 * 1024;

/// The URL of a server that answers after the head of a request, or after its body.
async fn answering_after(whole: bool, answer: &'static str) -> String {
    let (address, _) = server(move |mut stream, _| async move {
        let head = hear(&mut stream, "\r\n\r\n").await;
        if whole {
            let begun = head.split_once("\r\n\r\n").unwrap().1.len();
            let mut rest = vec![0; LENGTH - begun];
            stream.read_exact(&mut rest).await.unwrap();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        if !whole {
            pause(Duration::from_millis(300)).await;
        }
        closed(&mut stream).await;
    })
    .await;
    format!("http://{address}/")
}

fn large() -> Body {
    Body::from(vec![b'x'; LENGTH])
}

#[tokio::test]
async fn at_97_a_success_before_the_request_ends_is_unknown() {
    const CREATED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"OrderID\":\"99\"}";
    let early = answering_after(false, CREATED).await;
    let error = create(plain(), &early, large(), PATIENCE).await.unwrap_err();
    assert_eq!(error.kind(), Kind::OutcomeUnknown, "{error}");
    assert!(error.detail().starts_with("the response arrived before the whole request was sent"), "{error}");
    assert_eq!(error.salvaged_ids().iter().map(|id| id.value.expose()).collect::<Vec<_>>(), ["99"]);
    let after = answering_after(true, CREATED).await;
    assert_eq!(create(plain(), &after, large(), PATIENCE).await.unwrap().value, "{\"OrderID\":\"99\"}");
}

#[tokio::test]
async fn at_97_a_refusal_before_the_request_ends_is_a_refusal() {
    let url = answering_after(false, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n").await;
    let error = create(plain(), &url, large(), PATIENCE).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Rejected, "{error}");
}

#[tokio::test]
async fn at_97_an_early_interim_response_says_nothing() {
    let (address, _) = server(move |mut stream, _| async move {
        let head = hear(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        pause(Duration::from_millis(200)).await;
        let mut rest = vec![0; LENGTH - head.split_once("\r\n\r\n").unwrap().1.len()];
        stream.read_exact(&mut rest).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        closed(&mut stream).await;
    })
    .await;
    let called = create(plain(), &format!("http://{address}/"), large(), PATIENCE).await;
    assert_eq!(called.unwrap().value, "ok");
}
