//! Measures processes, with the kernel and with valgrind.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// CPU time of this process's threads in milliseconds.
pub fn cpu() -> f64 {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|task| std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default())
        .filter_map(|text| text.split(' ').next()?.parse::<f64>().ok())
        .sum::<f64>()
        / 1e6
}

/// Peak resident set size in MiB.
pub fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// CPU time in seconds of the children that this process has waited for, and of their children.
pub fn children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // Fields 16 and 17, in hundredths of a second. The list begins with field 3.
    (fields[13].parse::<f64>().unwrap() + fields[14].parse::<f64>().unwrap()) / 100.0
}

/// Returns a command that starts this program.
pub fn again(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments).stdout(Stdio::piped());
    command
}

/// The server process, killed on drop, and what clients need to reach it.
pub struct Server {
    process: Child,
    pub port: String,
    pub certificate: String,
    pub folder: tempfile::TempDir,
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = folder.path().join("server.pem").to_str().unwrap().to_owned();
        let mut process = again(&["server", &certificate]).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, port: port.trim().to_owned(), certificate, folder }
    }

    /// Runs one way, with `more` after the arguments of the server. Returns the printed numbers and the run time.
    pub fn run<const N: usize>(&self, arguments: &[&str], more: &[&str]) -> ([f64; N], Duration) {
        let began = Instant::now();
        let output = again(&[&self.with(arguments), more].concat()).output().unwrap();
        let took = began.elapsed();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<f64> = printed.split_whitespace().map(|number| number.parse().unwrap()).collect();
        (numbers.try_into().unwrap(), took)
    }

    /// Number of allocations of a call in this way.
    pub fn allocations(&self, way: &str) -> f64 {
        let program = std::env::current_exe().unwrap().with_file_name("allocations");
        let output = Command::new(program).args([way, "1000", &self.port, &self.certificate]).output().unwrap();
        assert!(output.status.success(), "{way}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }

    /// Number of instructions in user space, measured by valgrind; `None` if valgrind is not installed.
    pub fn instructions(&self, arguments: &[&str]) -> Option<f64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().unwrap())
            .args(self.with(arguments))
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}");
        text.lines().find_map(|line| line.split("Collected : ").nth(1)?.trim().parse().ok())
    }

    fn with<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &[&self.port, &self.certificate]].concat()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the median.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
