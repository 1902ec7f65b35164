//! tinyproxy and squid, as people run them.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use identkit_core::Secret;
use identkit_transport::http::{ConnectFault, HyperTransport, Proxy, TlsConfig};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::proxies::{behind, refused};
use crate::support::{attempt, hear, pause, put, server, soon, spawn};

/// A proxy, ended when it goes out of scope.
struct Running(Child, SocketAddr);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody has now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn start(command: &mut Command, port: u16) -> Option<Running> {
    let child = spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
    let mut running = Running(child, SocketAddr::from(([127, 0, 0, 1], port)));
    soon("starting a proxy", async {
        while TcpStream::connect(running.1).await.is_err() {
            assert!(running.0.try_wait().unwrap().is_none(), "{:?} ended", command.get_program());
            pause(Duration::from_millis(50)).await;
        }
    })
    .await;
    Some(running)
}

async fn tinyproxy(folder: &Path) -> Option<Running> {
    let port = free_port();
    let file = folder.join("tinyproxy.conf");
    let settings = format!("Port {port}\nListen 127.0.0.1\nTimeout 30\nMaxClients 10\nBasicAuth Aladdin open_sesame\n");
    std::fs::write(&file, settings).unwrap();
    start(Command::new("tinyproxy").arg("-d").arg("-c").arg(&file), port).await
}

async fn squid(folder: &Path) -> Option<Running> {
    let port = free_port();
    let file = folder.join("squid.conf");
    let mut settings = String::new();
    let here = folder.display();
    for line in [
        format!("http_port 127.0.0.1:{port}"),
        // A helper of three lines knows the one user.
        format!("auth_param basic program /bin/sh {here}/helper"),
        "auth_param basic children 1".to_owned(),
        "auth_param basic casesensitive on".to_owned(),
        "acl known proxy_auth REQUIRED".to_owned(),
        "acl forbidden port 1".to_owned(),
        "http_access deny forbidden".to_owned(),
        "http_access allow known".to_owned(),
        "http_access deny all".to_owned(),
        "cache deny all".to_owned(),
        "access_log none".to_owned(),
        format!("cache_log {here}/cache.log"),
        format!("pid_filename {here}/squid.pid"),
        format!("coredump_dir {here}"),
        "pinger_enable off".to_owned(),
        "shutdown_lifetime 0 seconds".to_owned(),
    ] {
        writeln!(settings, "{line}").unwrap();
    }
    std::fs::write(&file, settings).unwrap();
    let helper =
        "while read -r line; do\n  if [ \"$line\" = 'Aladdin open_sesame' ]; then echo OK; else echo ERR; fi\ndone\n";
    std::fs::write(folder.join("helper"), helper).unwrap();
    // squid leaves root, and must then be able to read and write here.
    let opened = Command::new("chmod").args(["-R", "a+rwX"]).arg(folder).status().unwrap();
    assert!(opened.success());
    start(Command::new("squid").arg("-N").arg("-f").arg(&file), port).await
}

/// The same of each: tunnels with the right credentials, and a refusal without them or to a host that is not there.
async fn tries(proxy: &Running) {
    let (vendor, count) = server(|mut stream, _| async move {
        while hear(&mut stream, "body").await.contains("body") {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    })
    .await;
    let url = format!("http://{vendor}/");
    let with = |password: &str| {
        let setting = Proxy::new(&format!("http://Aladdin:{password}@{}", proxy.1), "").unwrap();
        HyperTransport::builder(&TlsConfig::bundled().unwrap()).proxy(Some(setting)).build()
    };
    let transport = with("open_sesame");
    for fresh in [true, false, false] {
        let (sent, _) = attempt(&transport, put(&url, "body"), fresh).await;
        assert_eq!(sent.unwrap().into_body().collect(10).await.unwrap(), "ok");
    }
    // The tunnel was kept and used again.
    assert_eq!(count.load(Ordering::SeqCst), 1);

    for wrong in [with("wrong"), behind(proxy.1, "")] {
        assert_eq!(refused(&wrong, &url).await.0, ConnectFault::ProxyCredentials);
    }
    let without = Proxy::new(&format!("http://{}", proxy.1), "").unwrap();
    let without = HyperTransport::builder(&TlsConfig::bundled().unwrap()).proxy(Some(without)).build();
    assert_eq!(refused(&without, &url).await.0, ConnectFault::ProxyCredentials);
    assert_eq!(count.load(Ordering::SeqCst), 1);

    let nobody = format!("http://127.0.0.1:{}/", free_port());
    assert_eq!(refused(&transport, &nobody).await.0, ConnectFault::ProxyFailed);
}

#[tokio::test]
async fn tinyproxy_tunnels_and_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let Some(proxy) = tinyproxy(folder.path()).await else { return };
    tries(&proxy).await;
}

#[tokio::test]
async fn squid_tunnels_and_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let Some(proxy) = squid(folder.path()).await else { return };
    tries(&proxy).await;
    let setting = Proxy::new(&format!("http://{}", proxy.1), "").unwrap();
    let setting = setting.credentials("Aladdin", &Secret::new("open_sesame")).unwrap();
    let transport = HyperTransport::builder(&TlsConfig::bundled().unwrap()).proxy(Some(setting)).build();
    assert_eq!(refused(&transport, "http://127.0.0.1:1/").await.0, ConnectFault::ProxyForbids);
}
