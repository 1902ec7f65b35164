//! A PostgreSQL server in a temporary folder, with the settings that `initdb` chooses.

use std::cell::Cell;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio_postgres::NoTls;

/// The server, stopped on drop.
pub struct Database {
    process: Child,
    folder: TempDir,
    count: Cell<usize>,
}

impl Database {
    /// Starts a server, or returns `None` if PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = TempDir::new().unwrap();
        let user = user();
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
        chown(&folder, user, None).unwrap();
        let command = |program: &str| {
            let program = programs.join(program);
            let mut command = match user {
                // PostgreSQL refuses to run as root.
                Some(user) => {
                    let mut setpriv = Command::new("setpriv");
                    setpriv
                        .args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"])
                        .arg(program);
                    setpriv
                }
                None => Command::new(program),
            };
            command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let data = folder.path().join("data");
        let mut initdb = command("initdb");
        initdb.args(["--auth=trust", "--username=identkit", "--encoding=UTF8", "--locale=C", "-D"]).arg(&data);
        assert!(initdb.status().unwrap().success());
        let mut server = command("postgres");
        server.arg("-D").arg(&data).arg("-k").arg(folder.path()).args(["-c", "listen_addresses="]);
        Some(Self { process: server.spawn().unwrap(), folder, count: Cell::new(0) })
    }

    /// Creates a database and returns its URL.
    pub async fn create(&self) -> String {
        let url = |name: &str| {
            let socket = self.folder.path().display().to_string().replace('/', "%2F");
            format!("postgresql://identkit@{socket}/{name}")
        };
        let (client, connection) = loop {
            match tokio_postgres::connect(&url("postgres"), NoTls).await {
                Ok(connected) => break connected,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        tokio::spawn(connection);
        let name = format!("bench{}", self.count.replace(self.count.get() + 1));
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        url(&name)
    }

    /// Id of the server's first process, the parent of all others.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-QUIT", &self.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

/// The directory of PostgreSQL's programs: Debian's are not in the PATH.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file()))
}

/// The user of the server if this process is root.
fn user() -> Option<u32> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").arg("-u").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().ok()
    };
    (id(&[]) == Some(0)).then(|| id(&["postgres"]).or_else(|| id(&["nobody"])).unwrap())
}
