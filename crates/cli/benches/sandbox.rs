//! Measures `identkit sandbox` as a process: start time, memory, request rates.
//!
//! `cargo bench --profile release -p identkit-cli --bench sandbox` runs all parts; add `start`, `rates` or `console` for one of them. The
//! rates are measured with `wrk` (Debian package `wrk`) on the same machine, for `IDENTKIT_BENCH_SECONDS` (default: 10).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark measures real time and prints it"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const STARTS: usize = 21;
/// Orders of the sandbox whose console is measured.
const ORDERS: usize = 50_000;
const CREDENTIALS: &str = "Authorization: Basic c2FuZGJveC1jdXN0b21lcjpzYW5kYm94LWNvZGU=";
const ORDER: &str = include_str!("../../identity-tm/fixtures/S-035-put-order-request.json");

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (part, run) in [("start", starts as fn()), ("rates", rates), ("console", console)] {
        if wanted.is_empty() || wanted.iter().any(|name| name == part) {
            run();
        }
    }
}

struct Sandbox {
    process: Child,
    ready: Value,
    began: Instant,
}

impl Sandbox {
    fn start() -> Self {
        let began = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_identkit"));
        command.args(["sandbox", "--plain", "--seed", "7"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, ready: serde_json::from_str(&line).unwrap(), began }
    }

    fn url(&self) -> &str {
        self.ready["listen"].as_str().unwrap()
    }

    /// Sends one request over a socket, so that the start of a client is not measured.
    fn status(&self) {
        let mut stream = TcpStream::connect(self.url().strip_prefix("http://").unwrap()).unwrap();
        let path = "/api/2.10/getStatus/99921269855041";
        write!(stream, "GET {path} HTTP/1.1\r\nHost: sandbox\r\n{CREDENTIALS}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Resident memory in MiB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn starts() {
    let mut times: Vec<Duration> = (0..STARTS)
        .map(|_| {
            let sandbox = Sandbox::start();
            sandbox.status();
            sandbox.began.elapsed()
        })
        .collect();
    times.sort();
    println!("start to first answer: least {:?}, median {:?} of {STARTS}", times[0], times[STARTS / 2]);
    let sandbox = Sandbox::start();
    sandbox.status();
    std::thread::sleep(Duration::from_secs(1));
    println!("idle: {:.1} MiB", sandbox.memory());
}

fn rates() {
    let seconds = std::env::var("IDENTKIT_BENCH_SECONDS").map_or(10, |seconds| seconds.parse().unwrap());
    let (name, value) = CREDENTIALS.split_once(": ").unwrap();
    for (what, path, script) in [
        ("status reads", "getStatus/99921269855041", "wrk.method = \"GET\"\n".to_owned()),
        ("creates", "putOrder", format!("wrk.method = \"PUT\"\nwrk.body = [==[{ORDER}]==]\n")),
    ] {
        let sandbox = Sandbox::start();
        sandbox.status();
        let json = "wrk.headers[\"Content-Type\"] = \"application/json\"";
        let script = format!("{script}{json}\nwrk.headers[\"{name}\"] = \"{value}\"\n");
        let file = tempfile::Builder::new().suffix(".lua").tempfile().unwrap();
        std::fs::write(file.path(), script).unwrap();
        let mut memory = vec![sandbox.memory()];
        let mut wrk = Command::new("wrk")
            .args(["-t1", "-c16", &format!("-d{seconds}s"), "--latency", "-s"])
            .arg(file.path())
            .arg(format!("{}/api/2.10/{path}", sandbox.url()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("wrk is needed (apt-get install wrk): {error}"));
        // One value per quarter shows whether memory grows.
        for _ in 0..4 {
            std::thread::sleep(Duration::from_millis(seconds * 250));
            memory.push(sandbox.memory());
        }
        let mut output = String::new();
        wrk.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        wrk.wait().unwrap();
        assert!(!output.contains("Non-2xx"), "{output}");
        let line =
            |name: &str| output.lines().find(|line| line.trim().starts_with(name)).unwrap_or("?").trim().to_owned();
        let memory: Vec<String> = memory.iter().map(|mib| format!("{mib:.0}")).collect();
        println!("{what}: {} for {seconds} s; {}; MiB {}", line("Requests/sec"), line("99%"), memory.join(", "));
    }
}

/// Time to the first byte, and size, of pages of the console.
fn console() {
    let sandbox = Sandbox::start();
    let mut stream = BufReader::new(TcpStream::connect(sandbox.url().strip_prefix("http://").unwrap()).unwrap());
    let head = format!("PUT /api/2.10/putOrder HTTP/1.1\r\nHost: sandbox\r\n{CREDENTIALS}\r\n");
    let json = format!("Content-Type: application/json\r\nContent-Length: {}", ORDER.len());
    // Written at once: otherwise each part waits for the acknowledgement of the one before.
    let request = format!("{head}{json}\r\n\r\n{ORDER}");
    for _ in 0..ORDERS {
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        stream.read_exact(&mut vec![0; length]).unwrap();
    }
    let admin = sandbox.ready["admin"].as_str().unwrap().strip_prefix("http://").unwrap();
    for path in ["/", "/?search=99999999", "/clock", "/journal"] {
        let mut size = 0;
        let mut times: Vec<Duration> = (0..STARTS)
            .map(|_| {
                let mut stream = TcpStream::connect(admin).unwrap();
                let began = Instant::now();
                let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                stream.write_all(request.as_bytes()).unwrap();
                stream.read_exact(&mut [0]).unwrap();
                let time = began.elapsed();
                let mut page = Vec::new();
                size = 1 + stream.read_to_end(&mut page).unwrap();
                assert!(page.starts_with(b"TTP/1.1 200"), "{path}");
                time
            })
            .collect();
        times.sort();
        let (middle, longest) = (times[STARTS / 2], times[STARTS - 1]);
        println!(
            "console {path}, {ORDERS} orders: first byte {middle:?}, at most {longest:?}; {} KiB",
            size.div_ceil(1024)
        );
    }
}
