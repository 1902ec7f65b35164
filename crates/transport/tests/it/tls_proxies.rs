//! Proxies that are themselves reached by TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use identkit_core::{Delivery, Secret};
use identkit_transport::http::{ConnectFault, HyperTransport, Proxy, TlsConfig};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::support::{Log, hear, noting, refused, text};
use crate::tls::{Authority, TLS_1_3, peer, settings};

/// A proxy that makes tunnels inside TLS and notes what it heard before them.
async fn tls_proxy(authority: &Authority) -> (SocketAddr, Log) {
    let acceptor = TlsAcceptor::from(Arc::new(settings(&authority.issue(&["localhost"], |_| {}), TLS_1_3, None)));
    noting(move |stream, log| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let connect = hear(&mut stream, "\r\n\r\n").await;
            let host = connect.split(' ').nth(1).unwrap().replace("localhost", "127.0.0.1");
            log.lock().unwrap().push(connect);
            let mut vendor = TcpStream::connect(host).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            // Whoever hangs up first.
            let _ = copy_bidirectional(&mut stream, &mut vendor).await;
        }
    })
    .await
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
    assert_eq!(text(&behind(proxy, &proxys, &vendors), &url, true).await.unwrap(), "ok");
    let (connect, request) = (connect.lock().unwrap()[0].clone(), request.lock().unwrap()[0].clone());
    assert!(connect.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", vendor.port())), "{connect}");
    assert!(connect.contains("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") && !connect.contains("/path"), "{connect}");
    assert!(request.starts_with("PUT /path HTTP/1.1\r\n") && !request.contains("QWxh"), "{request}");
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_or_speaks_no_tls_hears_no_credentials() {
    let (proxys, vendors) = (Authority::new(), Authority::new());
    let (untrusted, connect) = tls_proxy(&proxys).await;
    let (plain, heard) = noting(|mut stream, log| async move {
        let hello = hear(&mut stream, "\u{16}").await;
        log.lock().unwrap().push(hello);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let rest = hear(&mut stream, "CONNECT").await;
        log.lock().unwrap().push(rest);
    })
    .await;
    for proxy in [untrusted, plain] {
        // The vendor's authority does not vouch for the proxy.
        let (fault, failure) = refused(&behind(proxy, &vendors, &vendors), "https://localhost:9/").await;
        assert_eq!((fault, failure.delivery), (ConnectFault::ProxyTls, Delivery::NotSent));
        assert!(failure.permanent);
    }
    assert_eq!(*connect.lock().unwrap(), [""; 0]);
    let heard = heard.lock().unwrap().concat();
    assert!(!heard.is_empty() && !heard.contains("CONNECT") && !heard.contains("QWxh"), "{heard}");
}
