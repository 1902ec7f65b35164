//! Shared by the tests: the program as a process, a sandbox for each test, and misbehaving servers.

mod hostile;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use identkit_store::{KeyEncryptionKey, Sqlite, Store};
use identkit_testkit::missing;
pub(crate) use identkit_testkit::workspace as workspace_path;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir};

pub(crate) use self::hostile::{
    NO_SERVER, ReceivedRequest, Reply, Server, accept, content_length, head, tunnel, whole,
};

/// The order and the ident of the documents' examples.
pub(crate) const ORDER: &str = "99921269855041";
pub(crate) const IDENT: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// A whole MP4: the boxes ftyp, mdat and moov.
pub(crate) const VIDEO: &[u8] = b"\0\0\0\x10ftypmp42\0\0\0\0\0\0\0\x1amdat not quite a video\0\0\0\x08moov";

/// How long a process may run before it counts as hanging.
pub(crate) const HANGS: Duration = Duration::from_secs(120);

/// A personal name that must never appear in logs.
pub(crate) const CANARY: &str = "Zsuzsannakanarienvogel";

/// The exit code and the output of a process.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Run {
    /// Asserts the exit code and texts on standard error.
    #[track_caller]
    pub(crate) fn ends_with(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not on standard error: {self:#?}");
        }
        self
    }

    /// Asserts a failure: a message that starts with `error: ` or is JSON, and nothing on standard output.
    #[track_caller]
    pub(crate) fn fails_with(&self, code: i32, words: &[&str]) -> &Self {
        self.ends_with(code, words);
        let is_json = || serde_json::from_str(&self.stderr).is_ok_and(|it: Value| it["error"]["exit_code"] == code);
        assert!(self.stderr.starts_with("error: ") || is_json(), "{self:#?}");
        assert_eq!(self.stdout, "", "nothing is printed as a result: {self:#?}");
        self
    }

    /// Asserts that none of these is on standard error.
    #[track_caller]
    pub(crate) fn logs_none_of(&self, secrets: &[&str]) -> &Self {
        for secret in secrets {
            assert!(!self.stderr.to_lowercase().contains(&secret.to_lowercase()), "`{secret}` is printed: {self:#?}");
        }
        self
    }

    /// Asserts that none of these is in any output.
    #[track_caller]
    pub(crate) fn hides(&self, secrets: &[&str]) -> &Self {
        for secret in secrets {
            assert!(!self.stdout.to_lowercase().contains(&secret.to_lowercase()), "`{secret}` is printed: {self:#?}");
        }
        self.logs_none_of(secrets)
    }

    /// Asserts texts on standard output.
    #[track_caller]
    pub(crate) fn shows(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(self.stdout.contains(word), "`{word}` is not on standard output: {self:#?}");
        }
        self
    }

    /// Parses standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not a JSON document ({error}): {self:#?}"))
    }
}

impl From<std::process::Output> for Run {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self { code: output.status.code(), stdout, stderr, took: Duration::ZERO }
    }
}

/// The vendor that the program calls. Command lines are split at single spaces: two spaces enclose an empty argument.
pub(crate) trait Vendor {
    /// The program, with the vendor's URL and credentials in its environment.
    fn identkit(&self) -> Command;

    fn command(&self, line: &str) -> Command {
        let mut command = self.identkit();
        command.args(line.split(' '));
        command
    }

    /// Runs a command to its end with empty standard input.
    fn run(&self, line: &str) -> Run {
        run(&mut self.command(line))
    }

    /// Runs a command to its end with this standard input.
    fn feed(&self, line: &str, input: &str) -> Run {
        feed(&mut self.command(line), input.as_bytes())
    }

    /// The JSON result of a command that must succeed.
    #[track_caller]
    fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --output json")).ends_with(0, &[]).json()
    }
}

/// A vendor by its base URL, with credentials for both vendors.
impl Vendor for str {
    fn identkit(&self) -> Command {
        let mut command = identkit();
        command
            .env("IDENTKIT_TM_BASE_URL", self)
            .env("IDENTKIT_TM_CUSTOMER_ID", "customer")
            .env("IDENTKIT_TM_CUSTOMER_CODE", "code")
            .env("IDENTKIT_IDENTIFY24_BASE_URL", self)
            .env("IDENTKIT_IDENTIFY24_PARTNER", "partner")
            .env("IDENTKIT_IDENTIFY24_API_KEY", "key");
        command
    }
}

impl Vendor for Server {
    fn identkit(&self) -> Command {
        self.url().identkit()
    }
}

/// Runs a command on a terminal with `typed` as input; `stdout` is what the terminal shows. Needs the tool `script`.
pub(crate) fn run_in_terminal(command: &Command, typed: &str) -> Run {
    let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap().replace('\'', "'\\''"));
    let words: Vec<String> = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted).collect();
    let mut script = clean_command("script");
    script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]);
    script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("TERM", "xterm").env("SHELL", "/bin/sh");
    feed(&mut script, typed.as_bytes())
}

/// Opens the SQLite store at a path, with the key that the program has put beside it.
pub(crate) async fn open_store(path: &Path) -> Store {
    let digits = std::fs::read_to_string(format!("{}.key", path.display())).unwrap();
    let (pairs, _) = digits.as_bytes().as_chunks::<2>();
    let byte = |at: usize| u8::from_str_radix(std::str::from_utf8(&pairs[at]).unwrap(), 16).unwrap();
    let key = KeyEncryptionKey::from_bytes(&std::array::from_fn(byte));
    Store::open(Arc::new(Sqlite::builder(path).open().unwrap()), key).await.unwrap()
}

/// The program's path. Start it with [`identkit`] or [`clean_command`].
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_identkit");

/// The program in a known environment.
pub(crate) fn identkit() -> Command {
    let mut command = clean_command(PROGRAM);
    command.stdin(Stdio::null());
    command
}

/// A command in a known environment: variables, locale, time zone, umask and handled signals. All tests start programs
/// with it, so that they pass in any environment, e.g. under `nohup` or behind a proxy.
pub(crate) fn clean_command(program: &str) -> Command {
    // The variables that a program needs on this machine.
    const KEPT: [&str; 4] = ["PATH", "TMPDIR", "SystemRoot", "LLVM_PROFILE_FILE"];
    let mut command = match is_strange() {
        true => {
            let mut command = Command::new("env");
            command.args(["--default-signal=HUP,INT,TERM", "sh", "-c", "umask 022; exec \"$0\" \"$@\"", program]);
            command
        }
        false => Command::new(program),
    };
    command.env_clear();
    command.envs(KEPT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    let home = concat!(env!("CARGO_TARGET_TMPDIR"), "/home");
    command.env("HOME", home).env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"));
    command.env("LANG", "C.UTF-8").env("TZ", "UTC").env("COLUMNS", "100");
    command
}

/// Whether this process ignores SIGHUP, SIGINT or SIGTERM, or has an unusual umask. A child inherits both.
fn is_strange() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let ignored = value("SigIgn:").and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or_default();
    ignored & 0x4003 != 0 || value("Umask:").is_some_and(|umask| umask != "0022")
}

/// The command on a full disk: no file may have more than this number of blocks of 512 bytes. Pipes have no limit.
#[cfg(unix)]
pub(crate) fn on_full_disk(command: &Command, blocks: u32) -> Command {
    let mut shell = clean_command("sh");
    shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$@\""), "sh"]).arg(command.get_program());
    shell.args(command.get_args()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// Runs a process to its end with empty standard input.
pub(crate) fn run(command: &mut Command) -> Run {
    watch(command.stdin(Stdio::null()), None)
}

/// Runs a process to its end with this standard input.
pub(crate) fn feed(command: &mut Command, input: &[u8]) -> Run {
    watch(command.stdin(Stdio::piped()), Some(input.to_vec()))
}

fn watch(command: &mut Command, input: Option<Vec<u8>>) -> Run {
    let began = Instant::now();
    let output = Output::of(command);
    let mut child = command.spawn().expect("the process starts");
    if let Some(input) = input {
        let mut stdin = child.stdin.take().unwrap();
        // A process may end without reading all of its input.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let status = wait(&mut child, HANGS);
    let (stdout, stderr) = output.read();
    match status {
        Some(status) => Run { code: status.code(), stdout, stderr, took: began.elapsed() },
        None => panic!("{command:?} hangs; it wrote: {stdout}\n{stderr}"),
    }
}

/// The output of a process, in files, so that a full pipe cannot block it.
struct Output([NamedTempFile; 2]);

impl Output {
    fn of(command: &mut Command) -> Self {
        let files = [(); 2].map(|()| NamedTempFile::new().unwrap());
        command.stdout(files[0].reopen().unwrap()).stderr(files[1].reopen().unwrap());
        Self(files)
    }

    fn read(&self) -> (String, String) {
        let text = |file: &NamedTempFile| std::fs::read_to_string(file.path()).expect("output is UTF-8");
        (text(&self.0[0]), text(&self.0[1]))
    }
}

/// Waits for the end of a process, and kills it after the timeout.
fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + timeout;
    loop {
        if let Some(status) = child.try_wait().expect("the process can be waited for") {
            return Some(status);
        }
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A sandbox process on free ports, killed on drop.
pub(crate) struct Sandbox {
    child: Child,
    output: Output,
    /// The ready line as text.
    pub(crate) line: String,
    /// The ready line as JSON.
    pub(crate) ready: Value,
    /// Its directory for temporary files.
    pub(crate) temporary: Arc<TempDir>,
}

impl Sandbox {
    /// A sandbox with TLS and its own CA.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    pub(crate) fn plain() -> Self {
        Self::with(&["--plain"])
    }

    /// A sandbox that prints no requests.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        Self::printing_requests(&[&["--quiet"], arguments].concat())
    }

    /// A sandbox that prints a line per request, unless the arguments contain `--quiet`.
    pub(crate) fn printing_requests(arguments: &[&str]) -> Self {
        Self::spawn(&mut identkit(), arguments)
    }

    /// A sandbox with its own state directory.
    pub(crate) fn with_state(directory: &Path) -> Self {
        Self::spawn(identkit().env("IDENTKIT_STATE_DIR", directory), &["--plain", "--quiet"])
    }

    fn spawn(command: &mut Command, arguments: &[&str]) -> Self {
        let temporary = Arc::new(tempfile::tempdir().unwrap());
        command.arg("sandbox").args(arguments).env("TMPDIR", temporary.path());
        let output = Output::of(command);
        let mut sandbox = Self {
            child: command.spawn().expect("the sandbox starts"),
            output,
            line: String::new(),
            ready: Value::Null,
            temporary,
        };
        let began = Instant::now();
        while !sandbox.line.ends_with('\n') {
            let (line, stderr) = sandbox.output.read();
            sandbox.line = line;
            let lives = sandbox.child.try_wait().unwrap().is_none() && began.elapsed() < HANGS;
            assert!(lives, "no ready line; standard error: {stderr}");
            std::thread::sleep(Duration::from_millis(5));
        }
        sandbox.ready = serde_json::from_str(&sandbox.line).expect("the ready line is JSON");
        sandbox
    }

    /// A text of the ready line by its JSON pointer.
    #[track_caller]
    pub(crate) fn ready_text(&self, pointer: &str) -> &str {
        self.ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {}", self.line))
    }

    /// A sandbox with this world file.
    pub(crate) fn with_world_file(file: &Path, more: &[&str]) -> Self {
        Self::with(&[&["--plain", "--world-file", file.to_str().unwrap()][..], more].concat())
    }

    /// The JSON response of its admin API to a call that must succeed.
    pub(crate) fn ask(&self, path: &str, body: Option<&str>) -> Value {
        serde_json::from_str(&self.ask_text(path, body)).unwrap()
    }

    /// The response of its admin API to a call that must succeed.
    pub(crate) fn ask_text(&self, path: &str, body: Option<&str>) -> String {
        let answer = http(&format!("{}/_sandbox/v1/{path}", self.ready_text("/admin")), body);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 20"), "{answer}");
        body.to_owned()
    }

    /// Plays a story with an order or an ident.
    pub(crate) fn play(&self, case: &str, story: &str) {
        self.ask(&format!("orders/{case}/transition"), Some(&json!({ "story": story }).to_string()));
    }

    /// Places the document's order with some changes and returns its id.
    pub(crate) fn place(&self, changes: &Value) -> String {
        place(&mut self.identkit(), changes)
    }

    /// What it has written to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.output.read().1
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal. Returns the exit code and the output after the ready line.
    #[cfg(unix)]
    pub(crate) fn end(mut self, signal: &str) -> Run {
        let began = Instant::now();
        send(signal, self.child.id());
        let code = wait(&mut self.child, HANGS).expect("a signal stops the sandbox").code();
        let (stdout, stderr) = self.output.read();
        let stdout = stdout.strip_prefix(&self.line).unwrap().to_owned();
        Run { code, stdout, stderr, took: began.elapsed() }
    }
}

/// Sends a signal to a process.
#[cfg(unix)]
pub(crate) fn send(signal: &str, id: u32) {
    assert!(clean_command("sh").args(["-c", &format!("kill -{signal} {id}")]).status().unwrap().success());
}

impl Vendor for Sandbox {
    fn identkit(&self) -> Command {
        let mut command = identkit();
        for vendor in ["tm", "identify24"] {
            let account = &self.ready[vendor.replace("tm", "identity_tm")];
            for (key, value) in account.as_object().unwrap() {
                let variable = format!("IDENTKIT_{vendor}_{key}").to_uppercase();
                command.env(variable, value.as_str().unwrap());
            }
        }
        if let Some(ca_file) = self.ready["ca_file"].as_str() {
            command.env("IDENTKIT_CA_FILE", ca_file);
        }
        command
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Places the document's order with some changes and returns its id.
pub(crate) fn place(identkit: &mut Command, changes: &Value) -> String {
    let placed = feed(identkit.args(["tm", "put-order", "-", "--output", "json"]), order(changes).as_bytes());
    placed.ends_with(0, &[]).json()["OrderID"].as_str().unwrap().to_owned()
}

/// Writes a file and returns its path.
pub(crate) fn file(folder: &TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asserts that only its owner can use a file or a directory.
#[track_caller]
pub(crate) fn assert_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{} has mode {mode:o}", path.display());
    }
}

/// The sorted names in a directory.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A sample of a vendor's document.
pub(crate) fn sample(path: &str) -> String {
    let path = workspace_path("crates").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Changes the database of a SQLite store behind the store's back.
pub(crate) fn tamper(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

pub(crate) fn json_sample(path: &str) -> Value {
    serde_json::from_str(&sample(path)).unwrap()
}

/// Whether this machine has a tool. Without it, a test prints a note and passes, unless `IDENTKIT_REQUIRE_TOOLS=1` is
/// set.
pub(crate) fn has(tool: &str) -> bool {
    let exists = is_installed(tool);
    if !exists {
        missing(tool);
    }
    exists
}

/// Whether a tool is installed, for tests that CI runs without it.
pub(crate) fn is_installed(tool: &str) -> bool {
    let argument = if tool.starts_with("pdf") { "-v" } else { "--version" };
    let status = clean_command(tool).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
    // 127: a shell started it.
    status.is_ok_and(|status| status.code() != Some(127))
}

/// The document's order with some changes, without the blank after its e-mail address, which gives a note. A JSON `null`
/// removes a member.
pub(crate) fn order(changes: &Value) -> String {
    let mut order = json_sample("identity-tm/fixtures/S-035-put-order-request.json");
    order["Email"] = order["Email"].as_str().unwrap().trim().into();
    merge(&mut order, changes);
    order.to_string()
}

/// The document's ident with some changes, without its placeholders for PDFs.
pub(crate) fn ident(changes: &Value) -> String {
    let mut ident = json_sample("identify24/fixtures/S-012-ident-create-curl-body.json");
    merge(&mut ident, &json!({ "pdf_url": null, "pdf_content": null }));
    merge(&mut ident, changes);
    ident.to_string()
}

/// Applies a JSON merge patch (RFC 7396).
pub(crate) fn merge(into: &mut Value, changes: &Value) {
    let Value::Object(changes) = changes else {
        *into = changes.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in changes {
        merge(&mut into[key], value);
    }
    into.as_object_mut().unwrap().retain(|key, _| !changes.get(key).is_some_and(Value::is_null));
}

/// The sorted keys of a JSON object.
#[track_caller]
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Sends one plain HTTP request to this machine and returns the whole response as text.
pub(crate) fn http(url: &str, body: Option<&str>) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap());
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    let method = if body.is_some() { "POST" } else { "GET" };
    let body = body.unwrap_or_default();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-length: {}", body.len());
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
