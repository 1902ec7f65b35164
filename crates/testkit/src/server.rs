use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt};
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
