use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;

/// A resolver with a fixed result.
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
const SECOND: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Listens at one address, and with a full queue at another one on the same port.
struct Listeners {
    port: u16,
    open: TcpListener,
    /// `None` if this machine has no such address. Connecting to it then fails immediately.
    _silent: Option<(TcpListener, Vec<TcpStream>)>,
}

async fn silent_at(address: IpAddr) -> Listeners {
    loop {
        let open = TcpListener::bind((V4, 0)).await.unwrap();
        let port = open.local_addr().unwrap().port();
        let address = SocketAddr::new(address, port);
        let silent = match listen(address) {
            Ok(silent) => Some(silent),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue,
            Err(_) => None,
        };
        let full = if silent.is_some() { fill(address).await } else { Vec::new() };
        return Listeners { port, open, _silent: silent.map(|silent| (silent, full)) };
    }
}

/// A listener with a short queue.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.bind(address)?;
    socket.listen(1)
}

/// The result of a future, or `None` if it takes longer than `limit` milliseconds.
async fn within<T>(limit: u64, work: impl Future<Output = T>) -> Option<T> {
    use identkit_core::{Clock, Instant};
    let over = crate::SystemClock::new().sleep_until(Instant(Duration::from_millis(limit)));
    match futures_util::future::select(std::pin::pin!(work), over).await {
        futures_util::future::Either::Left((done, _)) => Some(done),
        futures_util::future::Either::Right(_) => None,
    }
}

/// Connects until the listener's queue is full, so that the next connection hangs.
async fn fill(address: SocketAddr) -> Vec<TcpStream> {
    let mut full = Vec::new();
    while let Some(stream) = within(300, TcpStream::connect(address)).await {
        full.push(stream.unwrap());
    }
    full
}

/// The peer that is reached at one of the addresses. The first one does not answer.
async fn reached(listeners: Listeners, addresses: Vec<IpAddr>, limit: Option<Duration>) -> SocketAddr {
    let mut connector = connector(Fixed(addresses));
    connector.set_connect_timeout(limit);
    let connected = within(30_000, connect(connector, "both.invalid", listeners.port)).await;
    connected.expect("no other address was tried").unwrap();
    listeners.open.accept().await.unwrap().1
}

#[tokio::test]
async fn an_unresponsive_family_does_not_delay_the_other() {
    // Without a connect timeout nothing ends the first attempt.
    let peer = reached(silent_at(V6).await, vec![V6, V4], None).await;
    assert!(peer.is_ipv4());
}

#[tokio::test]
async fn the_next_address_of_a_family_gets_time_to_connect() {
    let peer = reached(silent_at(SECOND).await, vec![SECOND, V4], Some(Duration::from_millis(400))).await;
    assert!(peer.is_ipv4());
}

#[tokio::test]
async fn the_preferred_family_is_used_if_it_answers() {
    // The resolver's first address selects the family. Nothing listens at the other one.
    for (preferred, other) in [(V4, V6), (V6, V4)] {
        let listener = match TcpListener::bind((preferred, 0)).await {
            Ok(listener) => listener,
            Err(error) => {
                assert!(preferred.is_ipv6(), "{error}");
                continue;
            }
        };
        let port = listener.local_addr().unwrap().port();
        let connecting = connect(connector(Fixed(vec![preferred, other])), "both.invalid", port);
        let (stream, accepted) = futures_util::future::join(connecting, listener.accept()).await;
        assert!(stream.is_ok());
        assert_eq!(accepted.unwrap().1.ip(), preferred);
    }
}

#[tokio::test]
async fn an_unknown_name_is_a_fault_of_its_own() {
    let error = connect(connector(Fixed(Vec::new())), "nobody.invalid", 443).await.err().unwrap();
    assert_eq!(super::super::fault::connect_fault(&error, false), ConnectFault::NameNotFound);
    // The system's resolver rejects this one without a query.
    let long = "x".repeat(70);
    let error = TokioDial::new().dial(&format!("{long}.invalid"), 443).await.err().unwrap();
    assert_eq!(super::super::fault::connect_fault(&error, false), ConnectFault::NameNotFound);
    assert_eq!(TokioDial::new().dial("a b", 443).await.err().unwrap().kind(), io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_meter_limits_a_stream() {
    use tokio::io::AsyncReadExt;
    let meter = Meter::new(250);
    let endless = tokio::io::join(tokio::io::repeat(b'x'), tokio::io::sink());
    let mut stream = Metered { stream: Box::new(endless), meter: meter.clone() };
    let mut block = [0; 100];
    for _ in 0..2 {
        stream.read_exact(&mut block).await.unwrap();
    }
    let error = stream.read_exact(&mut block).await.unwrap_err();
    assert!(super::super::fault::find::<TooManyBytes>(&error).is_some());
    meter.remove_limit();
    for _ in 0..10 {
        stream.read_exact(&mut block).await.unwrap();
    }
}
