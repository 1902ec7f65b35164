//! The transport through tinyproxy and squid.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use identkit_core::Secret;
use identkit_transport::http::{ConnectFault, Proxy};
use tokio::net::TcpStream;

use crate::proxies::{behind, by, refused};
use crate::support::{Running, patient, pause, server, soon, spawn, text};

/// An unused port.
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
    let here = folder.display();
    // A shell script checks the only user.
    let settings = format!(
        "http_port 127.0.0.1:{port}
auth_param basic program /bin/sh {here}/helper
auth_param basic children 1
auth_param basic casesensitive on
acl known proxy_auth REQUIRED
acl forbidden port 1
http_access deny forbidden
http_access allow known
http_access deny all
cache deny all
access_log none
cache_log {here}/cache.log
pid_filename {here}/squid.pid
coredump_dir {here}
pinger_enable off
shutdown_lifetime 0 seconds
"
    );
    std::fs::write(&file, settings).unwrap();
    let helper =
        "while read -r line; do\n  if [ \"$line\" = 'Aladdin open_sesame' ]; then echo OK; else echo ERR; fi\ndone\n";
    std::fs::write(folder.join("helper"), helper).unwrap();
    // squid drops root privileges and must still read and write here.
    let opened = Command::new("chmod").args(["-R", "a+rwX"]).arg(folder).status().unwrap();
    assert!(opened.success());
    start(Command::new("squid").arg("-N").arg("-f").arg(&file), port).await
}

/// Opens tunnels with the right credentials, and checks the faults with wrong ones and for an unreachable host.
async fn check(proxy: &Running) {
    let (vendor, count) = server(patient).await;
    let url = format!("http://{vendor}/");
    let with = |credentials: &str| by(Proxy::new(&format!("http://{credentials}{}", proxy.1), "").unwrap());
    let transport = with("Aladdin:open_sesame@");
    for fresh in [true, false, false] {
        assert_eq!(text(&transport, &url, fresh).await.unwrap(), "ok");
    }
    // The idle tunnel was reused.
    assert_eq!(count.load(Ordering::SeqCst), 1);

    for wrong in [with("Aladdin:wrong@"), behind(proxy.1, ""), with("")] {
        assert_eq!(refused(&wrong, &url).await.0, ConnectFault::ProxyCredentials);
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);

    let unused = format!("http://127.0.0.1:{}/", free_port());
    assert_eq!(refused(&transport, &unused).await.0, ConnectFault::ProxyFailed);
}

#[tokio::test]
async fn tinyproxy_opens_and_refuses_tunnels() {
    let folder = tempfile::tempdir().unwrap();
    let Some(proxy) = tinyproxy(folder.path()).await else { return };
    check(&proxy).await;
}

#[tokio::test]
async fn squid_opens_and_refuses_tunnels() {
    let folder = tempfile::tempdir().unwrap();
    let Some(proxy) = squid(folder.path()).await else { return };
    check(&proxy).await;
    let setting = Proxy::new(&format!("http://{}", proxy.1), "").unwrap();
    let transport = by(setting.credentials("Aladdin", &Secret::new("open_sesame")).unwrap());
    assert_eq!(refused(&transport, "http://127.0.0.1:1/").await.0, ConnectFault::ProxyForbids);
}
