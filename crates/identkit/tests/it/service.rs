//! The example `service` as a process that is killed.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use identkit_mock_server::{Sandbox, TestSandbox};
use identkit_testkit::{call, eventually};
use tempfile::TempDir;

use crate::examples::program;

/// The running service. It is killed on drop.
struct Service(Child);

impl Service {
    fn start(sandbox: &TestSandbox, data: &Path, address: SocketAddr) -> Self {
        let [account, secret] = sandbox.credentials("identity-tm");
        let mut command = Command::new(program("service"));
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
        command.env("VENDOR", "identity-tm").env("VENDOR_URL", sandbox.identity_tm_url());
        command.env("ACCOUNT", account).env("SECRET", secret).env("DATA", data);
        command.env("LISTEN", address.to_string()).env("PUBLIC_URL", format!("http://{address}"));
        let mut service = Self(command.spawn().unwrap());
        let mut ready = String::new();
        BufReader::new(service.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready.trim(), address.to_string());
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Names of all files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => names.extend(files(&entry.path())),
            false => names.push(entry.file_name().into_string().unwrap()),
        }
    }
    names.sort();
    names
}

fn calls(sandbox: &TestSandbox, name: &str) -> u64 {
    sandbox.journal().count(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_service_completes_its_cases_once() {
    let (sandbox, data) = (Sandbox::serve().await.unwrap(), TempDir::new().unwrap());
    std::fs::write(data.path().join("key"), [7; 32]).unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

    let service = Service::start(&sandbox, data.path(), address);
    let case = r#"{"reference":"case-4711","given_names":"Erika","family_name":"Mustermann","email":"e.mustermann@example.com"}"#;
    let (status, _, body) = call(address, "POST", "/cases", "", case).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(r#""state":"open""#) && body.contains("https://"), "{body}");
    // A repeated request opens no second order.
    assert_eq!(call(address, "POST", "/cases", "", case).await.0, 422);
    drop(service);

    let orders = sandbox.cases("identity-tm");
    let order = orders.last().unwrap();
    sandbox.play(order, "positive").unwrap();
    // It is killed while it collects, several times.
    let results = data.path().join("results");
    for _ in 0..3 {
        let _service = Service::start(&sandbox, data.path(), address);
        identkit_testkit::pause(std::time::Duration::from_millis(300)).await;
    }
    let _service = Service::start(&sandbox, data.path(), address);
    eventually("the data are deleted at the vendor", || calls(&sandbox, "delIdentdata") > 0).await;
    assert_eq!(files(&results), ["ident-data-0.json", "report-0.pdf"]);
    assert_eq!((calls(&sandbox, "putOrder"), calls(&sandbox, "delIdentdata")), (1, 1));
}
