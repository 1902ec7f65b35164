use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;

/// A resolver that knows one answer.
#[derive(Clone)]
struct Fixed(Vec<IpAddr>);

impl Service<Name> for Fixed {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        let addresses: Vec<_> = self.0.iter().map(|address| SocketAddr::new(*address, 0)).collect();
        Box::pin(async move {
            if addresses.is_empty() {
                return Err(io::Error::other("no such name"));
            }
            Ok(addresses.into_iter())
        })
    }
}

const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Two listeners on the same port of either family; the first accepts nobody any more.
struct Both {
    port: u16,
    v4: TcpListener,
    _v6: TcpListener,
    _full: Vec<TcpStream>,
}

/// `None` on a machine without IPv6.
async fn silent_v6() -> Option<Both> {
    for _ in 0..20 {
        let v4 = TcpListener::bind((V4, 0)).await.unwrap();
        let port = v4.local_addr().unwrap().port();
        let socket = TcpSocket::new_v6().ok()?;
        match socket.bind(SocketAddr::new(V6, port)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue,
            Err(_) => return None,
        }
        let v6 = socket.listen(1).unwrap();
        let full = fill(SocketAddr::new(V6, port)).await;
        return Some(Both { port, v4, _v6: v6, _full: full });
    }
    None
}

/// Connects until the listener's queue is full, so that the next one gets no answer.
async fn fill(address: SocketAddr) -> Vec<TcpStream> {
    let mut full = Vec::new();
    loop {
        let connecting = std::pin::pin!(TcpStream::connect(address));
        let patience = crate::SystemClock::new_sleep(Duration::from_millis(300));
        match futures_util::future::select(connecting, patience).await {
            futures_util::future::Either::Left((stream, _)) => full.push(stream.unwrap()),
            futures_util::future::Either::Right(_) => return full,
        }
    }
}

#[tokio::test]
async fn a_family_that_does_not_answer_does_not_hold_up_the_other() {
    let Some(both) = silent_v6().await else { return };
    let mut connector = connector(Fixed(vec![V6, V4]));
    // Without the race nothing would end the first attempt.
    connector.set_connect_timeout(None);
    let connecting = std::pin::pin!(connect(connector, "both.invalid", both.port));
    let patience = crate::SystemClock::new_sleep(Duration::from_secs(30));
    let raced = futures_util::future::select(connecting, patience).await;
    assert!(matches!(raced, futures_util::future::Either::Left((Ok(_), _))), "the silent family was waited for");
    let (_, peer) = both.v4.accept().await.unwrap();
    assert!(peer.is_ipv4());
}

#[tokio::test]
async fn the_preferred_family_is_used_when_it_answers() {
    let Ok(v6) = TcpListener::bind((V6, 0)).await else { return };
    let port = v6.local_addr().unwrap().port();
    let connecting = connect(connector(Fixed(vec![V6, V4])), "both.invalid", port);
    let (stream, accepted) = futures_util::future::join(connecting, v6.accept()).await;
    assert!(stream.is_ok() && accepted.unwrap().1.is_ipv6());
}

#[tokio::test]
async fn an_address_that_does_not_answer_has_a_limit_of_its_own() {
    let Some(both) = silent_v6().await else { return };
    let dial = TokioDial::new().connect_limit(Duration::from_millis(100));
    // The limit that holds without this one is longer than anybody waits here.
    let dialling = std::pin::pin!(dial.dial("::1", both.port));
    let patience = crate::SystemClock::new_sleep(Duration::from_secs(8));
    let ended = futures_util::future::select(dialling, patience).await;
    let futures_util::future::Either::Left((Err(error), _)) = ended else { panic!("the limit did not hold") };
    assert_eq!(super::super::fault::of_connector(&error, false), ConnectFault::Unreachable);
}

#[tokio::test]
async fn a_name_that_is_not_known_is_told_as_such() {
    let error = connect(connector(Fixed(Vec::new())), "nobody.invalid", 443).await.err().unwrap();
    assert_eq!(super::super::fault::of_connector(&error, false), ConnectFault::NameNotFound);
    // One that the system's resolver refuses without asking anybody.
    let long = "x".repeat(70);
    let error = TokioDial::new().dial(&format!("{long}.invalid"), 443).await.err().unwrap();
    assert_eq!(super::super::fault::of_connector(&error, false), ConnectFault::NameNotFound);
    assert_eq!(TokioDial::new().dial("a b", 443).await.err().unwrap().kind(), io::ErrorKind::InvalidInput);
}

/// A stream that yields what was put into it.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        buffer.put_slice(&[b'x'; 100]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_meter_stops_a_stream_until_it_is_opened() {
    use tokio::io::AsyncReadExt;
    let meter = Meter::new(250);
    let mut stream = Metered { stream: Box::new(Endless), meter: meter.clone() };
    let mut block = [0; 100];
    for _ in 0..2 {
        stream.read_exact(&mut block).await.unwrap();
    }
    let error = stream.read_exact(&mut block).await.unwrap_err();
    assert!(super::super::fault::find::<TooMuch>(&error).is_some());
    meter.open();
    for _ in 0..10 {
        stream.read_exact(&mut block).await.unwrap();
    }
}
