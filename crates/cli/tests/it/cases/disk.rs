//! Disks that fail: errors of single system calls (needs strace), a full file system, a symbolic link in the sink. The
//! campaign `disk-faults`.
#![allow(clippy::print_stdout, reason = "the figures of a campaign")]

use std::os::unix::fs::symlink;
use std::path::Path;

use super::crashes::wait_of;
use super::kills::{check_stderr, number};
use super::*;
use crate::support::{clean_command, has};

/// System calls by which the store and the sink write, and the errors of a disk that fails or is full.
const FAULTS: [(&str, &str, u64); 6] = [
    // The last number is how many of these calls a case needs, with the start of the collector.
    ("fsync", "EIO", 30),
    ("fdatasync", "EIO", 20),
    ("write", "ENOSPC", 60),
    ("pwrite64", "EIO", 120),
    ("pwrite64", "ENOSPC", 120),
    ("rename,renameat,renameat2,link,linkat", "EIO", 8),
];

/// How long a case may take while the disk fails. The collector waits for 30 seconds after a failure of the store, so that
/// the case is not always complete.
const PATIENCE: Duration = Duration::from_secs(2);

/// The command, with an error of the nth system call. With `+`, also of all after it.
fn with_fault(command: &Command, calls: &str, error: &str, nth: &str) -> Command {
    let mut strace = clean_command("strace");
    // With -D, the child is the program, and strace its grandchild.
    strace.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    strace.args(["-e", &format!("inject={calls}:error={error}:when={nth}")]).arg(command.get_program());
    strace.args(command.get_args());
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace
}

impl Service {
    /// Whether the vendor has deleted the data of a case.
    fn is_deleted(&self, case: &Value) -> bool {
        let id = case["vendor_id"].as_str().unwrap();
        self.sandbox.ask(&format!("orders/{id}"), None)["data_deleted"] == true
    }

    /// Asserts that everything is saved if the vendor has no data any more.
    #[track_caller]
    fn assert_not_deleted_early(&self, case: &Value) -> Value {
        let is_deleted = self.is_deleted(case);
        let status = self.status(case);
        self.assert_artifacts(&status);
        let kinds: Vec<_> = status["artifacts"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
        assert!(!is_deleted || kinds == ["ident-data", "report"], "deleted early: {status:#}");
        status
    }
}

/// What happened to a case while the disk failed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    None,
    NotStarted,
    Delayed,
}

fn run_with_fault(sandbox: Sandbox, calls: &str, error: &str, nth: &str) -> (Sandbox, Effect) {
    let service = Service::of(sandbox);
    let what = format!("{calls} {error} {nth}");
    // The store exists, and the case is open.
    service.start(&["--lease", "4s"]).end("TERM");
    let case = service.open_order(&json!({ "Ref": null }));
    let mut command = with_fault(&service.collector(&["--lease", "4s"]), calls, error, nth);
    let mut effect = Effect::Delayed;
    match Running::try_start(&mut command) {
        Err(failed) => {
            effect = Effect::NotStarted;
            assert!(failed.stderr.starts_with("error: "), "{what}: {failed:?}");
            check_stderr(&failed.stderr);
            service.play(&case, "positive");
        }
        Ok(mut running) => {
            service.play(&case, "positive");
            let began = Instant::now();
            while began.elapsed() < PATIENCE {
                if service.assert_not_deleted_early(&case)["state"] == "deleted" {
                    effect = Effect::None;
                    break;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            send("TERM", running.child.id());
            running.child.wait().unwrap();
            check_stderr(&running.stderr());
        }
    }
    service.assert_not_deleted_early(&case);
    // The disk works again.
    let running = service.start(&["--lease", "4s"]);
    service.run(&format!("case retry {}", case["case"]));
    // If the record of the deletion failed, two reads must show it, 5 minutes apart.
    let waits = |status: &Value| status["state"] == "collected" && wait_of(status) > Duration::from_secs(60);
    let status = service.until(&case, |status| status["state"] == "deleted" || waits(status));
    assert_eq!(service.ledger().len(), usize::from(status["state"] == "deleted"), "{what}: {status:#}");
    assert!(service.is_deleted(&case) && service.assert_not_deleted_early(&case)["missing"] == json!([]), "{what}");
    running.end("TERM");
    (service.sandbox, effect)
}

#[test]
fn a_case_survives_failing_system_calls() {
    if !has("strace") {
        return;
    }
    let rounds = number("IDENTKIT_DISK_FAULTS", 1);
    let mut sandbox = Sandbox::plain();
    for (calls, error, most) in FAULTS {
        let mut effects = std::collections::BTreeMap::new();
        let step = (most / rounds).max(1);
        for round in 0..rounds {
            let nth = 1 + (round * step + step / 2) % most;
            // Every second time, the disk does not recover until the collector is started again.
            let nth = if round % 2 == 0 { nth.to_string() } else { format!("{nth}+") };
            let (again, effect) = run_with_fault(sandbox, calls, error, &nth);
            sandbox = again;
            *effects.entry(effect).or_insert(0) += 1;
        }
        println!("{calls} with {error}: {effects:?}");
    }
}

/// A small file system in memory, which this process can mount as root only.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(path: &'a Path) -> Option<Self> {
        std::fs::create_dir(path).unwrap();
        let mut mount = clean_command("mount");
        mount.args(["-t", "tmpfs", "-o", "size=512k,mode=700", "identkit-test"]).arg(path).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self(path))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        drop(clean_command("umount").arg("--lazy").arg(self.0).status());
    }
}

#[test]
fn a_full_disk_delays_a_case_that_says_so() {
    let service = Service::new();
    let sink = service.sink();
    let Some(_mounted) = Small::mount(&sink) else {
        println!("skipped: this process cannot mount a file system");
        return;
    };
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    let filler = sink.join("filler");
    // No write ends before the file system is full.
    drop(std::fs::write(&filler, vec![0; 1024 * 1024]));
    service.play(&case, "positive");
    let status = service.until(&case, |status| status["failures"].as_u64() > Some(0));
    assert!(status["why"].as_str().unwrap().contains("full"), "{status:#}");
    assert!(!service.is_deleted(&case));
    std::fs::remove_file(filler).unwrap();
    service.becomes(&case, "deleted");
    service.assert_not_deleted_early(&case);
    running.end("TERM");
}

#[test]
fn a_symbolic_link_in_the_sink_is_not_followed() {
    let service = Service::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let running = service.start(&[]);
    let case = service.open_order(&json!({}));
    let link = service.sink().join("identity-tm");
    symlink(elsewhere.path(), &link).unwrap();
    service.play(&case, "positive");
    let status = service.until(&case, |status| status["failures"].as_u64() > Some(0));
    assert!(status["why"].as_str().unwrap().contains("symbolic link"), "{status:#}");
    assert!(!service.is_deleted(&case));
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    std::fs::remove_file(link).unwrap();
    service.becomes(&case, "deleted");
    service.assert_not_deleted_early(&case);
    running.end("TERM");
}
