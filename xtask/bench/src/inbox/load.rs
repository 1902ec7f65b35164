//! Sends webhooks of identify24 to a receiver on this machine, and measures the responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The token of the receiver's URLs.
pub const TOKEN: &str = "benchmark-token-of-43-characters-0123456789";

/// Size of a webhook's body in bytes.
const BODY: usize = 1024;

/// How webhooks are sent.
#[derive(Clone, Copy)]
pub struct Load {
    pub port: u16,
    /// Number of cases, or 0 if each webhook is the first one of its case.
    pub cases: u64,
    /// Number of the first webhook.
    pub first: u64,
    /// Whether each webhook has its own connection.
    pub fresh: bool,
}

/// The body of the webhook with this number, of the case with this number.
pub fn body(number: u64, case: u64) -> String {
    let start = format!(
        r#"{{"ident_id":"{case:012}","status_id":"{number:012}","status":"success","first_name":"Erika","last_name":"Mustermann","custom1":""#
    );
    let filler = "0123456789".chars().cycle().take(BODY - start.len() - 2).collect::<String>();
    format!("{start}{filler}\"}}")
}

impl Load {
    /// Sends from 64 senders for a time. Prints the number of responses with status 202, the seconds, the median, the 99th
    /// percentile and the maximum of the milliseconds, and the number of other responses.
    pub async fn send(self, seconds: f64) {
        let next = Arc::new(AtomicU64::new(self.first));
        let began = Instant::now();
        let end = began + Duration::from_secs_f64(seconds);
        let mut senders = JoinSet::new();
        for _ in 0..64 {
            let next = Arc::clone(&next);
            senders.spawn(async move {
                let mut taken = Vec::new();
                let mut stream = None;
                while Instant::now() < end {
                    let began = Instant::now();
                    let mut open = match stream.take() {
                        Some(open) => open,
                        None => self.connect().await,
                    };
                    let accepted = self.post(&mut open, next.fetch_add(1, Ordering::Relaxed)).await;
                    taken.push((accepted, began.elapsed()));
                    stream = Some(open).filter(|_| !self.fresh);
                }
                taken
            });
        }
        let taken = senders.join_all().await.concat();
        print(&taken, began.elapsed());
    }

    /// Sends webhooks at a constant rate, each on a connection of its own. A response takes from the time at which its webhook
    /// was due. Prints the same as [`send`](Self::send).
    pub async fn pace(self, rate: f64, seconds: f64) {
        let began = Instant::now();
        let mut requests = JoinSet::new();
        for number in 0..(rate * seconds) as u64 {
            let due = began + Duration::from_secs_f64(number as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
            requests.spawn(async move {
                let mut stream = self.connect().await;
                let accepted = self.post(&mut stream, self.first + number).await;
                (accepted, due.elapsed())
            });
        }
        let taken = requests.join_all().await;
        print(&taken, began.elapsed());
    }

    pub async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Sends a webhook. Returns whether the status is 202.
    pub async fn post(&self, stream: &mut TcpStream, number: u64) -> bool {
        let case = number.checked_rem(self.cases).unwrap_or(number);
        let body = body(number, case);
        let length = body.len();
        let request = format!(
            "POST /identify24/{TOKEN}/status HTTP/1.1\r\nhost: localhost\r\nuser-agent: benchmark\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        // The responses have no body.
        let mut response = Vec::with_capacity(512);
        while !response.ends_with(b"\r\n\r\n") {
            assert!(stream.read_buf(&mut response).await.unwrap() > 0, "the server closed the connection");
        }
        response.starts_with(b"HTTP/1.1 202 ")
    }
}

fn print(taken: &[(bool, Duration)], all: Duration) {
    let mut times: Vec<f64> = taken.iter().map(|(_, time)| time.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    let accepted = taken.iter().filter(|(accepted, _)| *accepted).count();
    let seconds = all.as_secs_f64();
    println!("{accepted} {seconds} {} {} {} {}", at(0.5), at(0.99), at(1.0), taken.len() - accepted);
}
