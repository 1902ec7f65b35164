//! `cargo xtask campaign fuzz`: runs AFL on each target of `crates/fuzz`.
//!
//! The state of each target is in the target directory, so a campaign continues where the last one stopped. The inputs
//! that take new paths are reduced to the fewest and smallest ones and added to the corpora in `crates/fuzz/corpus`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::table;
use crate::tool::Tool;
use crate::workspace::Workspace;

/// Environment variable with the time of each target in seconds.
pub(super) const SECONDS: &str = "IDENTKIT_FUZZ_SECONDS";
/// Environment variable that selects targets, separated by commas.
const ONLY: &str = "IDENTKIT_FUZZ_TARGETS";
/// Environment variable that names the target for the fuzzed program.
const TARGET: &str = "IDENTKIT_FUZZ_TARGET";
const CARGO_AFL: Tool = Tool { package: "cargo-afl", version: "0.18.2", shows_version: &["afl", "--version"] };
const CORPORA: &str = "crates/fuzz/corpus";
/// Maximum size in bytes of an input that is added to a corpus.
const LARGEST: u64 = 16 * 1024;

/// Runs all targets for this time each. Returns whether no input caused a fault.
pub(super) fn run(seconds: &str, ws: &Workspace) -> Result<bool, String> {
    let targets = select(ws, std::env::var(ONLY).ok().as_deref())?;
    let afl = Afl::new(ws)?;
    let mut rows = vec![["target", "seconds", "executions", "edges", "inputs", "crashes", "hangs"].map(str::to_owned)];
    let mut clean = true;
    for target in &targets {
        let stats = afl.fuzz(target, seconds)?;
        afl.extend_corpus(target)?;
        let value = |name: &str| stats.get(name).cloned().unwrap_or_default();
        let faults = [value("saved_crashes"), value("saved_hangs")];
        if faults.iter().any(|count| count != "0") {
            clean = false;
            ws.print(&format!("{target}: the inputs that cause a fault are in {}", afl.state(target).display()));
        }
        let [crashes, hangs] = faults;
        let row = [value("run_time"), value("execs_done"), value("edges_found"), value("corpus_count"), crashes, hangs];
        let mut cells = row.into_iter();
        rows.push(std::array::from_fn(|at| if at == 0 { target.clone() } else { cells.next().unwrap_or_default() }));
    }
    ws.print(&format!("\n{}", table::render(&rows)));
    Ok(clean)
}

/// Returns the targets, which are the folders of the corpora, or those that `only` names.
fn select(ws: &Workspace, only: Option<&str>) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(ws.root().join(CORPORA)).map_err(|error| format!("reading {CORPORA}: {error}"))?;
    let mut all: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    all.sort();
    let Some(only) = only else { return Ok(all) };
    let wanted: Vec<String> = only.split(',').map(|name| name.trim().to_owned()).collect();
    match wanted.iter().find(|name| !all.contains(name)) {
        Some(unknown) => Err(format!("{ONLY} names {unknown}, which is not a folder of {CORPORA}")),
        None => Ok(wanted),
    }
}

struct Afl<'a> {
    ws: &'a Workspace,
    tool: PathBuf,
    /// The instrumented program.
    program: PathBuf,
}

impl<'a> Afl<'a> {
    /// Builds AFL and the instrumented program.
    fn new(ws: &'a Workspace) -> Result<Self, String> {
        let tool = CARGO_AFL.install(ws)?;
        let afl = Self { ws, tool, program: ws.target().join("afl/release/identkit-fuzz") };
        let built = ws.capture(afl.command(&["config", "--build"]))?;
        let message = String::from_utf8_lossy(&built.stderr);
        if !built.status.success() && !message.contains("was already built") {
            return Err(format!("building AFL, which needs make and a C compiler: {}", message.trim()));
        }
        ws.print("building the instrumented program");
        let mut build =
            afl.command(&["build", "--quiet", "--release", "--locked", "-p", "identkit-fuzz", "--target-dir"]);
        build.arg(ws.target().join("afl")).env("CARGO_PROFILE_RELEASE_LTO", "off");
        // A wrong calculation must be a fault.
        build
            .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
            .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true");
        ws.output("building crates/fuzz", build)?;
        Ok(afl)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.tool);
        command.arg("afl").args(arguments).current_dir(self.ws.root());
        // The machine's settings for speed and crash reports need root.
        for variable in ["AFL_NO_UI", "AFL_SKIP_CPUFREQ", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "AFL_NO_AFFINITY"] {
            command.env(variable, "1");
        }
        command
    }

    /// Folder of a target's state.
    fn state(&self, target: &str) -> PathBuf {
        self.ws.target().join("fuzz").join(target)
    }

    /// Fuzzes a target, and returns AFL's figures.
    fn fuzz(&self, target: &str, seconds: &str) -> Result<BTreeMap<String, String>, String> {
        let state = self.state(target);
        let stats = state.join("default/fuzzer_stats");
        fs::create_dir_all(&state).map_err(|error| format!("creating {}: {error}", state.display()))?;
        let mut command = self.command(&["fuzz", "-V", seconds, "-t", "5000+", "-o"]);
        command.arg(&state).arg("-i");
        if stats.exists() {
            command.arg("-")
        } else {
            command.arg(self.ws.root().join(CORPORA).join(target))
        };
        command.arg("--").arg(&self.program).env(TARGET, target);
        self.ws.print(&format!("fuzzing {target} for {seconds} s"));
        let output = self.ws.capture(command)?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            let end: Vec<&str> = text.lines().rev().take(8).collect();
            return Err(format!("AFL failed on {target}:\n{}", end.into_iter().rev().collect::<Vec<_>>().join("\n")));
        }
        let text = fs::read_to_string(&stats).map_err(|error| format!("reading AFL's figures: {error}"))?;
        Ok(parse_stats(&text))
    }

    /// Replaces the corpus of a target by the fewest inputs that take all paths found.
    fn extend_corpus(&self, target: &str) -> Result<(), String> {
        let (state, corpus) = (self.state(target), self.ws.root().join(CORPORA).join(target));
        let (all, fewest) = (state.join("all"), state.join("fewest"));
        let broken = |error: std::io::Error| format!("the corpus of {target}: {error}");
        for folder in [&all, &fewest] {
            if folder.exists() {
                fs::remove_dir_all(folder).map_err(broken)?;
            }
        }
        fs::create_dir_all(&all).map_err(broken)?;
        for folder in [&corpus, &state.join("default/queue")] {
            copy_inputs(folder, &all).map_err(broken)?;
        }
        let mut minimize = self.command(&["cmin", "-i"]);
        minimize.arg(&all).arg("-o").arg(&fewest).arg("--").arg(&self.program).env(TARGET, target);
        self.ws.output("reducing the corpus", minimize)?;
        fs::remove_dir_all(&corpus).map_err(broken)?;
        fs::create_dir_all(&corpus).map_err(broken)?;
        copy_inputs(&fewest, &corpus).map_err(broken)
    }
}

/// Copies the inputs of a folder, under names that follow from their content. Larger ones are left out.
fn copy_inputs(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() && metadata.len() <= LARGEST && entry.path().extension() != Some(OsStr::new("txt")) {
            let content = fs::read(entry.path())?;
            let mut hasher = DefaultHasher::new();
            content.hash(&mut hasher);
            fs::write(to.join(format!("{:016x}", hasher.finish())), content)?;
        }
    }
    Ok(())
}

/// Reads lines such as `execs_done        : 1234`.
fn parse_stats(text: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    text.lines().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    #[test]
    fn figures_are_read_by_name() {
        let stats = parse_stats("run_time          : 12\nexecs_done        : 345\ntarget_mode       : persistent \n");
        assert_eq!(stats["execs_done"], "345");
        assert_eq!(stats["target_mode"], "persistent");
    }

    #[test]
    fn targets_are_the_folders_of_the_corpora() {
        let repo = Throwaway::package("");
        repo.write("crates/fuzz/corpus/texts/1", "a");
        repo.write("crates/fuzz/corpus/pdfs/1", "b");
        let ws = repo.workspace();
        assert_eq!(select(&ws, None).unwrap(), ["pdfs", "texts"]);
        assert_eq!(select(&ws, Some("texts")).unwrap(), ["texts"]);
        assert!(select(&ws, Some("texts,webs")).unwrap_err().contains("webs"));
    }

    #[test]
    fn equal_inputs_are_copied_once_and_large_ones_not() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(&from).and_then(|()| fs::create_dir_all(&to)).unwrap();
        fs::write(from.join("one"), "same").and_then(|()| fs::write(from.join("two"), "same")).unwrap();
        fs::write(from.join("large"), vec![0; 16 * 1024 + 1]).unwrap();
        copy_inputs(&from, &to).unwrap();
        assert_eq!(fs::read_dir(to).unwrap().count(), 1);
    }
}
