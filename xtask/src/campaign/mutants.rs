//! `cargo xtask campaign mutants`: puts one fault at a time into the code with cargo-mutants; a test must fail.
//!
//! The result of each area is in the target directory, so a campaign continues a complete area where the last one
//! stopped. A sample begins again. Mutants that behave like the original are named, with the reason, in
//! `.cargo/mutants.toml`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::table;
use crate::tool::Tool;
use crate::workspace::Workspace;

/// Environment variable that selects areas, separated by commas, or `all`.
pub(super) const AREAS: &str = "IDENTKIT_MUTANTS_AREAS";
const CARGO_MUTANTS: Tool =
    Tool { package: "cargo-mutants", version: "27.1.0", shows_version: &["mutants", "--version"] };

/// A part of the code.
struct Area {
    name: &'static str,
    package: &'static str,
    /// Files, relative to the workspace; empty for the whole package.
    files: &'static [&'static str],
    /// Percentage of mutants that a test must notice.
    goal: usize,
    /// One of how many mutants is tried.
    sample: usize,
}

/// What must not fail silently is tested completely; of the rest a sample of about 300 mutants.
const ALL: &[Area] = &[
    Area { name: "files", package: "identkit-files", files: &[], goal: 100, sample: 1 },
    Area {
        name: "retry",
        package: "identkit-transport",
        files: &["crates/transport/src/driver/**", "crates/transport/src/session/**"],
        goal: 100,
        sample: 1,
    },
    Area { name: "redaction", package: "identkit-core", files: &["crates/core/src/personal.rs"], goal: 100, sample: 1 },
    Area {
        name: "token",
        package: "identkit-webhook",
        files: &["crates/webhook/src/receiver.rs", "crates/webhook/src/allow.rs"],
        goal: 100,
        sample: 1,
    },
    Area { name: "core", package: "identkit-core", files: &[], goal: 90, sample: 6 },
    Area { name: "wire", package: "identkit-wire", files: &[], goal: 90, sample: 8 },
    Area { name: "transport", package: "identkit-transport", files: &[], goal: 90, sample: 10 },
    Area { name: "webhook", package: "identkit-webhook", files: &[], goal: 90, sample: 3 },
];

/// Runs the areas. Returns whether each reaches its goal.
pub(super) fn run(areas: &str, ws: &Workspace) -> Result<bool, String> {
    let areas = select(areas)?;
    let tool = CARGO_MUTANTS.install(ws)?;
    let mut rows = vec![["area", "caught", "missed", "timeout", "unviable", "score", "goal"].map(str::to_owned)];
    let mut all = true;
    for area in areas {
        let counts = area.run(&tool, ws)?;
        all &= counts.score() >= area.goal;
        let numbers = [counts.caught, counts.missed, counts.timeout, counts.unviable].map(|count| count.to_string());
        let [caught, missed, timeout, unviable] = numbers;
        let score = format!("{} %", counts.score());
        rows.push([area.name.to_owned(), caught, missed, timeout, unviable, score, format!("{} %", area.goal)]);
    }
    ws.print(&format!("\n{}", table::render(&rows)));
    Ok(all)
}

fn select(areas: &str) -> Result<Vec<&'static Area>, String> {
    if areas == "all" {
        return Ok(ALL.iter().collect());
    }
    let find = |name: &str| {
        let known = || ALL.iter().map(|area| area.name).collect::<Vec<_>>().join(", ");
        ALL.iter().find(|area| area.name == name).ok_or_else(|| format!("`{name}` is not an area: use {}", known()))
    };
    areas.split(',').map(str::trim).map(find).collect()
}

impl Area {
    fn run(&self, tool: &Path, ws: &Workspace) -> Result<Counts, String> {
        let output = ws.target().join("mutants").join(self.name);
        fs::create_dir_all(&output).map_err(|error| format!("creating {}: {error}", output.display()))?;
        let mut mutants = Command::new(tool);
        mutants.args(["mutants", "--cargo-arg=--locked", "--all-features", "--no-shuffle", "--colors=never"]);
        // The tests of the other packages would find more, but they take minutes per mutant.
        mutants.args(["--minimum-test-timeout", "60", "-p", self.package, "-o"]).arg(&output);
        mutants.current_dir(ws.root());
        for file in self.files {
            mutants.args(["-f", file]);
        }
        if self.sample > 1 {
            // Without `--iterate`, which would draw another sample from the remaining mutants.
            mutants.args(["--sharding", "round-robin", "--shard", &format!("0/{}", self.sample)]);
        } else {
            mutants.arg("--iterate");
        }
        ws.print(&format!("area {}: one fault at a time in {}", self.name, self.package));
        // Its exit code says that mutants were missed; the counts say more.
        ws.run(mutants)?;
        Counts::read(&output.join("mutants.out"))
    }
}

/// The numbers of mutants by result.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    caught: usize,
    missed: usize,
    timeout: usize,
    unviable: usize,
}

impl Counts {
    fn read(folder: &Path) -> Result<Self, String> {
        let lines = |name: &str| match fs::read_to_string(folder.join(name)) {
            Ok(text) => Ok(text.lines().count()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(format!("reading {name} of cargo-mutants: {error}")),
        };
        Ok(Self {
            caught: lines("caught.txt")? + lines("previously_caught.txt")?,
            missed: lines("missed.txt")?,
            timeout: lines("timeout.txt")?,
            unviable: lines("unviable.txt")?,
        })
    }

    /// Percentage of the mutants that a test noticed, rounded down. A test that does not end has noticed the mutant.
    fn score(&self) -> usize {
        let noticed = self.caught + self.timeout;
        (noticed * 100).checked_div(noticed + self.missed).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_mutant_never_rounds_up_to_the_goal() {
        let counts = Counts { caught: 998, missed: 1, timeout: 1, unviable: 40 };
        assert_eq!(counts.score(), 99);
        assert_eq!(Counts { missed: 0, ..counts }.score(), 100);
        assert_eq!(Counts::default().score(), 0, "an area without results did not run");
    }

    #[test]
    fn areas_are_selected_by_name() {
        assert_eq!(select("all").unwrap().len(), ALL.len());
        assert_eq!(
            select("token, files").unwrap().iter().map(|area| area.name).collect::<Vec<_>>(),
            ["token", "files"]
        );
        assert!(select("tokens").err().unwrap().contains("tokens"));
    }

    #[test]
    fn results_are_counted_by_line() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Counts::read(dir.path()).unwrap(), Counts::default());
        fs::write(dir.path().join("caught.txt"), "a\nb\n").unwrap();
        fs::write(dir.path().join("previously_caught.txt"), "c\n").unwrap();
        fs::write(dir.path().join("missed.txt"), "d\n").unwrap();
        let expected = Counts { caught: 3, missed: 1, ..Counts::default() };
        assert_eq!(Counts::read(dir.path()).unwrap(), expected);
    }
}
