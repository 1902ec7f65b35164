//! A real object store: Ceph with its S3 gateway. Debian has its packages. OpenStack Swift, which Debian has too, rejects
//! conditional creation.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use identkit_testkit::missing;

use super::S3;
use crate::support::clean_command;

/// A server, which ends with this process: it reads its input to the end.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    endpoint: String,
    places: AtomicUsize,
}

impl Server {
    /// Starts a server. `None` if Ceph is not installed.
    pub(crate) fn start() -> Option<Self> {
        let is_missing = |program: &&str| !Path::new("/usr/bin").join(program).exists();
        if let Some(program) = ["ceph", "ceph-mon", "ceph-osd", "radosgw"].into_iter().find(is_missing) {
            missing(program);
            return None;
        }
        let folder = tempfile::TempDir::with_prefix("identkit-s3-").unwrap().keep();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/outside/s3_server.py");
        let mut command = clean_command("python3");
        command.arg(script).arg(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        // The script ends if the server does not start.
        let port: u16 = port.trim().parse().expect("the port of the server");
        Some(Self { child, endpoint: format!("http://127.0.0.1:{port}"), places: AtomicUsize::new(0) })
    }

    /// A place that no other service has.
    pub(crate) fn place(&self) -> S3 {
        let url = format!("s3://evidence/{}", self.places.fetch_add(1, Ordering::Relaxed));
        S3 { endpoint: self.endpoint.clone(), url, key: "tests", secret: "secret-key-4711" }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
