use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts a server that treats every connection by `treat`, with the connection's number; returns its address and the
/// count of connections.
pub async fn server<F, Fut>(treat: F) -> (SocketAddr, Arc<AtomicUsize>)
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
            tokio::spawn(treat(stream, number));
        }
    });
    (address, count)
}

/// Reads until the text contains the needle or the peer closed.
pub async fn hear(stream: &mut (impl AsyncRead + Unpin), needle: &str) -> String {
    let mut heard = Vec::new();
    let mut block = [0; 4096];
    while !String::from_utf8_lossy(&heard).contains(needle) {
        match stream.read(&mut block).await {
            Ok(0) | Err(_) => break,
            Ok(count) => heard.extend_from_slice(&block[..count]),
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// Waits until the peer has closed.
pub async fn closed(stream: &mut (impl AsyncRead + Unpin)) {
    let mut block = [0; 4096];
    while stream.read(&mut block).await.is_ok_and(|count| count > 0) {}
}

/// Sends these bytes on a connection of its own; returns everything that comes back until the peer closes.
pub async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    String::from_utf8_lossy(&response).into_owned()
}

/// One HTTP request on a connection of its own, with more header lines; returns status, head and body.
pub async fn call(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let response = exchange(address, &request).await;
    let (head, body) = response.split_once("\r\n\r\n").expect("a response");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
}
