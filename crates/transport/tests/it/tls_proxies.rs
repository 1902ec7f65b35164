//! Proxies that are themselves reached by TLS.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use identkit_core::Secret;
use identkit_transport::http::{ConnectFault, HyperTransport, Proxy, TlsConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::proxies::refused;
use crate::support::{attempt, hear, put, server};
use crate::tls::{Authority, TLS_1_3, peer, settings};

/// A proxy that makes tunnels inside TLS; what it heard before them is kept.
async fn tls_proxy(authority: &Authority) -> (SocketAddr, Arc<Mutex<String>>) {
    let acceptor = TlsAcceptor::from(Arc::new(settings(&authority.issue(&["localhost"], |_| {}), TLS_1_3, None)));
    let heard = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&heard);
    let (address, _) = server(move |stream, _| {
        let (acceptor, log) = (acceptor.clone(), Arc::clone(&log));
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let connect = hear(&mut stream, "\r\n\r\n").await;
            let host = connect.split(' ').nth(1).unwrap().replace("localhost", "127.0.0.1");
            log.lock().unwrap().push_str(&connect);
            let mut vendor = TcpStream::connect(host).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            // Whoever hangs up first.
            let _ = copy_bidirectional(&mut stream, &mut vendor).await;
        }
    })
    .await;
    (address, heard)
}

fn trusting(authority: &Authority) -> TlsConfig {
    TlsConfig::builder().without_roots().authorities(&[authority.der()]).build().unwrap()
}

fn behind(proxy: SocketAddr, proxys: &Authority, vendors: &Authority) -> HyperTransport {
    let proxy = Proxy::new(&format!("https://localhost:{}", proxy.port()), "").unwrap().tls(trusting(proxys));
    let proxy = proxy.credentials("Aladdin", &Secret::new("open sesame")).unwrap();
    HyperTransport::builder(&trusting(vendors)).proxy(Some(proxy)).build()
}

#[tokio::test]
async fn a_tunnel_inside_tls_has_the_vendors_tls_inside_and_each_its_own_authority() {
    let (proxys, vendors) = (Authority::new(), Authority::new());
    let (vendor, request) = peer(settings(&vendors.issue(&["localhost"], |_| {}), TLS_1_3, None)).await;
    let (proxy, connect) = tls_proxy(&proxys).await;
    let url = format!("https://localhost:{}/path", vendor.port());
    let (sent, _) = attempt(&behind(proxy, &proxys, &vendors), put(&url, "body"), true).await;
    assert_eq!(sent.unwrap().into_body().collect(10).await.unwrap(), "ok");
    let (connect, request) = (connect.lock().unwrap(), request.lock().unwrap());
    assert!(connect.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", vendor.port())), "{connect}");
    assert!(connect.contains("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") && !connect.contains("/path"), "{connect}");
    assert!(request.starts_with("PUT /path HTTP/1.1\r\n") && !request.contains("QWxh"), "{request}");
}

#[tokio::test]
async fn a_proxy_whose_certificate_is_not_trusted_hears_nothing() {
    let (proxys, vendors) = (Authority::new(), Authority::new());
    let (proxy, connect) = tls_proxy(&proxys).await;
    // The vendor's authority does not vouch for the proxy.
    let (fault, failure) = refused(&behind(proxy, &vendors, &vendors), "https://localhost:9/").await;
    assert_eq!((fault, failure.permanent), (ConnectFault::ProxyTls, true));
    assert_eq!(connect.lock().unwrap().as_str(), "");
}

#[tokio::test]
async fn a_proxy_that_speaks_no_tls_hears_no_credentials() {
    let heard = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&heard);
    let (address, _) = server(move |mut stream, _| {
        let log = Arc::clone(&log);
        async move {
            let mut hello = [0; 512];
            let count = stream.read(&mut hello).await.unwrap();
            log.lock().unwrap().push_str(&String::from_utf8_lossy(&hello[..count]));
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    })
    .await;
    let authority = Authority::new();
    let (fault, _) = refused(&behind(address, &authority, &authority), "https://localhost:9/").await;
    assert_eq!(fault, ConnectFault::ProxyTls);
    let heard = heard.lock().unwrap();
    assert!(!heard.is_empty() && !heard.contains("CONNECT") && !heard.contains("QWxh"), "{heard}");
}
