//! What a process cost, by the kernel and by valgrind.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Milliseconds that the kernel ran this process's threads for.
pub fn cpu() -> f64 {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|task| std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default())
        .filter_map(|text| text.split(' ').next()?.parse::<f64>().ok())
        .sum::<f64>()
        / 1e6
}

/// Peak of the resident set, in MiB.
pub fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// CPU seconds of the children that this process has waited for, and of theirs.
pub fn children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // Fields 16 and 17, in hundredths; the second is gone, and the list begins with the third.
    (fields[13].parse::<f64>().unwrap() + fields[14].parse::<f64>().unwrap()) / 100.0
}

/// This program again.
pub fn again(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments).stdout(Stdio::piped());
    command
}

/// The server's process, ended when dropped, and what clients need to reach it.
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

    /// Runs one way to its end, with more arguments behind those of the server: the numbers that it prints, and how
    /// long it took.
    pub fn told<const N: usize>(&self, arguments: &[&str], more: &[&str]) -> ([f64; N], Duration) {
        let began = Instant::now();
        let output = again(&[&self.with(arguments), more].concat()).output().unwrap();
        let took = began.elapsed();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let told = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<f64> = told.split_whitespace().map(|number| number.parse().unwrap()).collect();
        (numbers.try_into().unwrap(), took)
    }

    /// Allocations of a call in this way.
    pub fn allocations(&self, way: &str) -> f64 {
        let program = std::env::current_exe().unwrap().with_file_name("allocations");
        let output = Command::new(program).args([way, "1000", &self.port, &self.certificate]).output().unwrap();
        assert!(output.status.success(), "{way}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }

    /// Instructions in user space, by valgrind; `None` where there is no valgrind.
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

/// The one in the middle.
pub fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
