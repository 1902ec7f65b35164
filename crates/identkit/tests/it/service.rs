//! The example `service` as a process that is killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use identkit_mock_server::faults::{Fault, Rule as FaultRule};
use identkit_mock_server::{Sandbox, TestSandbox};
use identkit_testkit::{call, eventually, pause, within};
use tempfile::TempDir;

use crate::examples::program;

/// The running service with its output. It is killed on drop.
struct Service(Child, BufReader<ChildStdout>);

impl Service {
    fn start(sandbox: &TestSandbox, data: &Path, address: SocketAddr) -> Self {
        let [account, secret] = sandbox.credentials("identity-tm");
        let mut command = Command::new(program("service"));
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
        command.env("VENDOR", "identity-tm").env("VENDOR_URL", sandbox.identity_tm_url());
        command.env("ACCOUNT", account).env("SECRET", secret).env("DATA", data);
        command.env("LISTEN", address.to_string()).env("PUBLIC_URL", format!("http://{address}"));
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut service = Self(child, output);
        let mut ready = String::new();
        service.1.read_line(&mut ready).unwrap();
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
    let case = r#"{"reference":"case-4711","given_names":"Erika","family_name":"Mustermann","country":"DE",
        "email":"e.mustermann@example.com"}"#;
    let (status, _, body) = call(address, "POST", "/cases", "", case).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(r#""state":"open""#) && body.contains("https://"), "{body}");
    // A repeated request opens no second order.
    assert_eq!(call(address, "POST", "/cases", "", case).await.0, 422);
    drop(service);

    let service = Service::start(&sandbox, data.path(), address);
    let orders = sandbox.cases("identity-tm");
    sandbox.play(orders.last().unwrap(), "positive").unwrap();
    // It is killed while it collects. The next process continues after the lease of 30 seconds.
    eventually("the evidence is read", || calls(&sandbox, "getIdentData") > 0).await;
    drop(service);
    let _service = Service::start(&sandbox, data.path(), address);
    let deleted = async {
        while calls(&sandbox, "delIdentdata") == 0 {
            pause(Duration::from_millis(100)).await;
        }
    };
    assert!(within(Duration::from_secs(90), deleted).await.is_some(), "the data are deleted at the vendor");
    assert_eq!(files(&data.path().join("results")), ["ident-data-0.json", "report-0.pdf"]);
    assert_eq!((calls(&sandbox, "putOrder"), calls(&sandbox, "delIdentdata")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_does_not_end_its_order() {
    let (sandbox, data) = (Sandbox::serve().await.unwrap(), TempDir::new().unwrap());
    std::fs::write(data.path().join("key"), [7; 32]).unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _service = Service::start(&sandbox, data.path(), address);
    let case = r#"{"reference":"case-4711","given_names":"Erika","family_name":"Mustermann","country":"DE",
        "email":"e.mustermann@example.com"}"#;
    let length = case.len();
    let request = format!("POST /cases HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n{case}");
    // The client leaves while the vendor has the order. Before that, nothing was begun.
    sandbox
        .inject(FaultRule::new(Fault::Latency { by: Duration::from_secs(1) }).operation("putOrder").times(1))
        .unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    eventually("the order is at the vendor", || sandbox.faults().iter().any(|fault| fault.hits == 1)).await;
    drop(client);
    eventually("the order is placed", || calls(&sandbox, "putOrder") == 1).await;
    // The case exists with the vendor's id: its webhook leads to its evidence at once.
    sandbox.play(sandbox.cases("identity-tm").last().unwrap(), "positive").unwrap();
    eventually("the evidence is read", || calls(&sandbox, "getIdentData") > 0).await;
}
