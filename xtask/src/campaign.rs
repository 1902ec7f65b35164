//! `cargo xtask campaign NAME`: runs tests of `ci` in a release build with many more rounds, with each rule switched off,
//! with faults in the code, or on generated input. It is slow and not a part of `ci`. `full` runs each with fewer rounds,
//! and uses the test programs of `ci`.

mod fuzz;
mod mutants;
mod rules;

use crate::workspace::Workspace;

#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    work: Work,
    /// Environment variables that set the number of rounds, with the numbers of `campaign` and of `full`.
    rounds: &'static [(&'static str, [&'static str; 2])],
}

/// What a campaign runs.
#[derive(Debug)]
enum Work {
    /// Tests of a package: test target and filter.
    Tests(&'static str, &'static str, &'static str),
    /// All tests of a package, once without each rule of the sandbox.
    Rules(&'static str),
    /// The tests of each package with one fault in its code.
    Mutants,
    /// Each target of `crates/fuzz` on generated input.
    Fuzz,
}

/// How many rounds a campaign has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rounds {
    /// Those of `campaign`.
    Many,
    /// Those of `full`: more than `cargo xtask test` has, in minutes.
    Few,
}

pub(crate) const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        name: "logins",
        about: "identify24: 10,000 rounds of 100 callers while a token expires, 1,000 with the leader canceled",
        work: Work::Tests("identkit-identify24", "it", "storm::"),
        rounds: &[("IDENTKIT_STORM_ROUNDS", ["10000", "1000"]), ("IDENTKIT_STORM_CANCELLED", ["1000", "300"])],
    },
    Campaign {
        name: "simulation",
        about: "20 orders over each of 10,000 simulated networks: no order is placed twice",
        work: Work::Tests("identkit-mock-server", "it", "simulation::"),
        rounds: &[("IDENTKIT_SIMULATION_SEEDS", ["10000", "1000"])],
    },
    Campaign {
        name: "journal",
        about: "the sandbox: 100 journals of the same seed and script over TCP are identical",
        work: Work::Tests("identkit-mock-server", "it", "canonical::"),
        rounds: &[("IDENTKIT_JOURNAL_ROUNDS", ["100", "40"])],
    },
    Campaign {
        name: "download",
        about: "a 2 GiB download over TLS in little memory",
        work: Work::Tests("identkit-transport", "download", ""),
        rounds: &[("IDENTKIT_DOWNLOAD_MIB", ["2048", "512"])],
    },
    Campaign {
        name: "power-loss",
        about: "the store on SQLite: 10,000 power losses of a recorded workload lose nothing acknowledged; needs strace",
        work: Work::Tests("identkit-store", "it", "power::"),
        rounds: &[("IDENTKIT_STORE_POWER_POINTS", ["10000", "2000"])],
    },
    Campaign {
        name: "kills",
        about: "the store: 1,000 kills of a writer on SQLite, 100 on PostgreSQL, of its server 30, of its workers 200",
        work: Work::Tests("identkit-store", "it", "killed_"),
        rounds: &[
            ("IDENTKIT_STORE_KILLS", ["1000", "100"]),
            ("IDENTKIT_STORE_CLIENT_KILLS", ["100", "20"]),
            ("IDENTKIT_STORE_RESTARTS", ["30", "10"]),
            ("IDENTKIT_STORE_WORKER_KILLS", ["200", "40"]),
        ],
    },
    Campaign {
        name: "collector",
        about: "the collector in a simulation: 10,000 pairs of crashes, 2,000 vendors whose calls fail at random",
        work: Work::Tests("identkit-collector", "it", "seeds::"),
        rounds: &[("IDENTKIT_COLLECTOR_CRASHES", ["10000", "500"]), ("IDENTKIT_COLLECTOR_FAILURES", ["2000", "200"])],
    },
    Campaign {
        name: "run-kills",
        about: "`identkit run`: 1,000 kills while cases are opened and end, and the vendor misbehaves; takes an hour",
        work: Work::Tests("identkit-cli", "it", "cases::kills::"),
        // The patience is the number of seconds after the last kill. With 1,800, every case must have ended.
        rounds: &[("IDENTKIT_RUN_KILLS", ["1000", "60"]), ("IDENTKIT_RUN_KILLS_PATIENCE", ["1800", "60"])],
    },
    Campaign {
        name: "workers",
        about: "4 processes `identkit run` on PostgreSQL, with a folder and with an S3 server: 10,000 cases under kills, rates",
        work: Work::Tests("identkit-cli", "it", "cases::workers::"),
        rounds: &[
            ("IDENTKIT_S3_SERVER", ["1", "1"]),
            ("IDENTKIT_WORKERS_S3_CASES", ["10000", "100"]),
            ("IDENTKIT_WORKERS_S3_RATE", ["200", "20"]),
            ("IDENTKIT_WORKERS_CASES", ["10000", "500"]),
            ("IDENTKIT_WORKERS_PATIENCE", ["1800", "15"]),
            ("IDENTKIT_WORKERS_RATE", ["400", "100"]),
        ],
    },
    Campaign {
        name: "disk-faults",
        about: "`identkit run`: 240 failing system calls, a full disk, a symbolic link; needs strace",
        work: Work::Tests("identkit-cli", "it", "cases::disk::"),
        rounds: &[("IDENTKIT_DISK_FAULTS", ["40", "6"])],
    },
    Campaign {
        name: "fuzz-admin",
        about: "the sandbox's admin API: about 500 generated requests to each call; needs schemathesis (PyPI)",
        work: Work::Tests("identkit-cli", "it", "fuzz::"),
        rounds: &[("IDENTKIT_FUZZ_EXAMPLES", ["500", "50"])],
    },
    Campaign {
        name: "rules",
        about: "the sandbox with each rule switched off in turn: a test must fail",
        work: Work::Rules("identkit-mock-server"),
        rounds: &[],
    },
    Campaign {
        name: "mutants",
        about: "one fault at a time in the code (cargo-mutants): a test must fail; can be stopped and continued",
        work: Work::Mutants,
        rounds: &[(mutants::AREAS, ["all", "token"])],
    },
    Campaign {
        name: "fuzz",
        about: "readers of data from outside on generated input (AFL), 30 minutes each; can be stopped and continued",
        work: Work::Fuzz,
        rounds: &[(fuzz::SECONDS, ["1800", "20"])],
    },
];

impl Campaign {
    /// Returns a setting of the environment, or its default for the number of rounds.
    fn setting(&self, name: &str, rounds: Rounds) -> String {
        let default = self
            .rounds
            .iter()
            .find(|(variable, _)| *variable == name)
            .map_or("", |(_, [many, few])| if matches!(rounds, Rounds::Many) { many } else { few });
        std::env::var(name).unwrap_or_else(|_| default.to_owned())
    }
}

/// Runs a campaign, prints its figures, and returns whether it passed. Rounds set in the environment take precedence.
pub(crate) fn run(campaign: &Campaign, rounds: Rounds, ws: &Workspace) -> Result<bool, String> {
    let (package, test, filter) = match campaign.work {
        Work::Tests(package, test, filter) => (package, test, filter),
        Work::Rules(package) => return rules::run(package, ws),
        Work::Mutants => return mutants::run(&campaign.setting(mutants::AREAS, rounds), ws),
        Work::Fuzz => return fuzz::run(&campaign.setting(fuzz::SECONDS, rounds), ws),
    };
    let mut cargo = ws.cargo(&["test", "--all-features"]);
    match rounds {
        // Link-time optimization takes longer than it saves in tests.
        Rounds::Many => cargo.args(["--release", "-p", package]).env("CARGO_PROFILE_RELEASE_LTO", "off"),
        // The test programs of `ci`: with few rounds, a release build takes longer than the tests.
        Rounds::Few => cargo.arg("--workspace"),
    };
    cargo.args(["--test", test, filter, "--", "--nocapture"]);
    // By default a test passes if its tool is missing; a campaign must not.
    cargo.env("IDENTKIT_REQUIRE_TOOLS", "1");
    for (variable, _) in campaign.rounds {
        cargo.env(variable, campaign.setting(variable, rounds));
    }
    Ok(ws.run(cargo)?.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    #[test]
    fn a_campaign_sets_the_rounds_and_returns_the_result() {
        let campaign = Campaign {
            name: "sample",
            about: "",
            work: Work::Tests("identkit-sample", "sample", "runs"),
            rounds: &[("SAMPLE_ROUNDS", ["7", "2"])],
        };
        let repo = Throwaway::package("");
        repo.write(
            "crates/sample/tests/sample.rs",
            "//! A sample.\n#[test]\nfn runs() {\n    assert_eq!(std::env::var(\"SAMPLE_ROUNDS\").unwrap(), \"7\");\n    \
             assert_eq!(std::env::var(\"IDENTKIT_REQUIRE_TOOLS\").unwrap(), \"1\");\n}\n",
        );
        let ws = repo.workspace();
        assert!(run(&campaign, Rounds::Many, &ws).unwrap());
        assert!(!run(&campaign, Rounds::Few, &ws).unwrap());
    }
}
