//! PostgreSQL for the tests: a server in a temporary directory, on a socket and on a port of this machine with TLS.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use identkit_testkit::{missing, pause};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// How often a start is looked after, every 50 ms: 30 seconds.
const TURNS: usize = 600;

/// Number of turns after which a server that does not start is started again.
const AGAIN: usize = 60;

/// A server, which ends with this process: the shell that started it reads until its input ends.
pub(crate) struct Server {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    shell: Mutex<Child>,
    databases: AtomicUsize,
}

/// The server of this process, or `None` if PostgreSQL is not installed.
pub(crate) async fn shared() -> Option<&'static Server> {
    static SHARED: OnceCell<Option<Server>> = OnceCell::const_new();
    SHARED.get_or_init(Server::start).await.as_ref()
}

/// A free port below those that the system gives to connections: one of them could take it before the server has started,
/// and between its death and its restart.
fn free_port() -> u16 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let first = std::process::id() as usize * 61;
    let tries = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed));
    let mut ports = tries.map(|number| 10_000 + u16::try_from(number % 20_000).unwrap());
    ports.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

impl Server {
    pub(crate) async fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            missing("PostgreSQL (initdb, postgres)");
            return None;
        };
        let folder = TempDir::with_prefix("identkit-postgres-").unwrap().keep();
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
        let port = free_port();
        write_certificates(&folder);
        for path in [&folder, &folder.join("server.key")] {
            if let Some(user) = user() {
                chown(path, Some(user), None).unwrap();
            }
        }
        let mut initdb = command(&programs.join("initdb"));
        initdb.args(["--auth=trust", "--username=identkit", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
        let output = initdb.arg(folder.join("data")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let shell = Mutex::new(shell(&folder, &programs, port));
        let server = Self { folder, programs, port, shell, databases: AtomicUsize::new(0) };
        server.run().await;
        Some(server)
    }

    /// Starts the server, and waits until it accepts connections.
    pub(crate) async fn run(&self) {
        let mut ready = Command::new(self.programs.join("pg_isready"));
        ready.args(["-q", "-h"]).arg(&self.folder).args(["-p", &self.port.to_string()]);
        for turn in 0..TURNS {
            // After a crash, it does not start before all of its processes have ended. A second one finds the first, and ends.
            if turn % AGAIN == 0 {
                self.shell.lock().unwrap().stdin.as_ref().unwrap().write_all(b"\n").unwrap();
            }
            pause(Duration::from_millis(50)).await;
            if ready.status().unwrap().success() {
                return;
            }
        }
        panic!("PostgreSQL did not start: {:?}", std::fs::read_to_string(self.folder.join("log")));
    }

    /// Kills the server and its processes.
    pub(crate) fn kill(&self) {
        let id = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let id = id.lines().next().unwrap();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let killed = Command::new("kill").args(["-KILL", id]).args(children.split_whitespace()).status().unwrap();
        assert!(killed.success());
    }

    /// Creates a database, and returns its URL on the socket.
    pub(crate) async fn database(&self) -> String {
        let name = format!("db{}", self.databases.fetch_add(1, Ordering::Relaxed));
        connect(&self.url("postgres")).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let socket = self.folder.display().to_string().replace('/', "%2F");
        format!("postgresql://identkit:canary@{socket}:{}/{database}", self.port)
    }

    /// The URL of a database over TCP.
    pub(crate) fn over_tcp(&self, url: &str, host: &str, options: &str) -> String {
        let database = url.rsplit('/').next().unwrap();
        format!("postgresql://identkit:canary@{host}:{}/{database}?{options}", self.port)
    }

    /// A program for the database of a URL.
    pub(crate) fn program(&self, name: &str, url: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.arg(format!("--dbname={url}"));
        command
    }

    /// The texts that are in a file of the server.
    pub(crate) fn found(&self, texts: &[&str]) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![self.folder.join("data")]);
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // The server removes temporary files at any time.
                let bytes = std::fs::read(&path).unwrap_or_default();
                for text in texts.iter().filter(|text| memchr::memmem::find(&bytes, text.as_bytes()).is_some()) {
                    found.push(format!("{text} in {}", path.display()));
                }
            }
        }
        found
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }
}

/// Connects without the engine.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The shell that starts the server at each line of its input. At the end, it stops the server and removes its files.
fn shell(folder: &Path, programs: &Path, port: u16) -> Child {
    let script = r#"folder=$1; shift; trap '' INT TERM
        while read -r _; do "$@" >>"$folder/log" 2>&1 </dev/null & done
        kill -QUIT "$(head -n 1 "$folder/data/postmaster.pid")"; wait; rm -rf "$folder" || { sleep 1; rm -rf "$folder"; }"#;
    let mut postgres = command(&programs.join("postgres"));
    postgres.arg("-D").arg(folder.join("data")).arg("-k").arg(folder).args(["-p", &port.to_string()]);
    for setting in ["listen_addresses=127.0.0.1", "ssl=on", "max_connections=200", "shared_buffers=32MB"] {
        postgres.args(["-c", setting]);
    }
    postgres.args(["-c", &format!("ssl_cert_file={}/server.crt", folder.display())]);
    postgres.args(["-c", &format!("ssl_key_file={}/server.key", folder.display())]);
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(folder).arg(postgres.get_program()).args(postgres.get_args());
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/").spawn().unwrap()
}

/// The directory of PostgreSQL's programs: Debian's are not in the PATH.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders
        .into_iter()
        .find(|folder| ["initdb", "postgres", "pg_isready"].iter().all(|program| folder.join(program).is_file()))
}

/// The user of the server if this process is root, as whom PostgreSQL refuses to run.
fn user() -> Option<u32> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").arg("-u").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().ok()
    };
    (id(&[]) == Some(0)).then(|| id(&["postgres"]).or_else(|| id(&["nobody"])).unwrap())
}

/// A program of PostgreSQL, not as root.
fn command(program: &Path) -> Command {
    let mut command = match user() {
        Some(user) => {
            let mut setpriv = Command::new("setpriv");
            setpriv.args([format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".to_owned()]);
            setpriv.arg(program);
            setpriv
        }
        None => Command::new(program),
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// Writes a certificate for `localhost`, its key and its authority.
pub(super) fn write_certificates(folder: &Path) {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).unwrap();
    let issuer = Issuer::new(params, authority);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    for (name, text) in [("ca.pem", root.pem()), ("server.crt", server.pem()), ("server.key", key.serialize_pem())] {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(if name == "server.key" { 0o600 } else { 0o644 }))
            .unwrap();
    }
}
