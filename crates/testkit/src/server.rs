use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts a server that passes every connection, with its number, to `handler`. Returns the address and the number of
/// connections.
///
/// # Panics
/// Outside a tokio runtime with I/O.
pub async fn server<F, Fut>(handler: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(TcpStream, usize) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let number = counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(handler(stream, number));
        }
    });
    (address, count)
}

/// Reads until the text contains `needle` or the peer closes.
pub async fn hear(stream: &mut (impl AsyncRead + Unpin), needle: &str) -> String {
    let mut received = Vec::new();
    let mut block = [0; 4096];
    while !String::from_utf8_lossy(&received).contains(needle) {
        match stream.read(&mut block).await {
            Ok(0) | Err(_) => break,
            Ok(count) => received.extend_from_slice(&block[..count]),
        }
    }
    String::from_utf8_lossy(&received).into_owned()
}

/// Waits until the peer closes.
pub async fn closed(stream: &mut (impl AsyncRead + Unpin)) {
    let mut block = [0; 4096];
    while stream.read(&mut block).await.is_ok_and(|count| count > 0) {}
}

/// Sends a text on a new connection. Returns everything that the peer sends until it closes.
///
/// # Panics
/// If the connection fails.
pub async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    String::from_utf8_lossy(&response).into_owned()
}

/// Sends an HTTP request on a new connection, with additional header lines. Returns status, head and body.
///
/// # Panics
/// If the connection fails or the response is not HTTP.
pub async fn call(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let response = exchange(address, &request).await;
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
}
