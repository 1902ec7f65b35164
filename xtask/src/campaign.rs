//! `cargo xtask campaign NAME`: what the tests do in small, done in large and optimised, or with a rule switched off. It
//! takes its time and is no part of `ci`, which runs the same tests with few rounds.

mod rules;

use crate::workspace::Workspace;

#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    package: &'static str,
    /// A program of tests and a word of their names; all of the package's, once without each rule, where it is none.
    tests: Option<(&'static str, &'static str)>,
    /// The environment that makes them run many rounds.
    rounds: &'static [(&'static str, &'static str)],
}

pub(crate) const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        name: "logins",
        about: "identify24: 10,000 rounds of 100 callers across a token's end, 1,000 with the leader cancelled",
        package: "identkit-identify24",
        tests: Some(("it", "storm::")),
        rounds: &[("IDENTKIT_STORM_ROUNDS", "10000"), ("IDENTKIT_STORM_CANCELLED", "1000")],
    },
    Campaign {
        name: "simulation",
        about: "20 orders over each of 10,000 simulated networks: one intent, at most one order",
        package: "identkit-mock-server",
        tests: Some(("it", "simulation::")),
        rounds: &[("IDENTKIT_SIMULATION_SEEDS", "10000")],
    },
    Campaign {
        name: "journal",
        about: "the sandbox: 100 journals of the same seed and script over TCP, the same bytes",
        package: "identkit-mock-server",
        tests: Some(("it", "canonical::")),
        rounds: &[("IDENTKIT_JOURNAL_ROUNDS", "100")],
    },
    Campaign {
        name: "download",
        about: "2 GiB over TLS into little memory",
        package: "identkit-transport",
        tests: Some(("download", "")),
        rounds: &[("IDENTKIT_DOWNLOAD_MIB", "2048")],
    },
    Campaign {
        name: "fuzz-admin",
        about: "the sandbox's admin API: some 500 generated requests to each call; needs schemathesis (PyPI)",
        package: "identkit-cli",
        tests: Some(("it", "fuzz::")),
        rounds: &[("IDENTKIT_FUZZ_EXAMPLES", "500")],
    },
    Campaign {
        name: "rules",
        about: "each rule of the sandbox switched off once: a test has to fail",
        package: "identkit-mock-server",
        tests: None,
        rounds: &[],
    },
];

/// Runs it, and says whether it held; its figures go to the terminal. Rounds that the caller's environment sets win.
pub(crate) fn run(campaign: &Campaign, ws: &Workspace) -> Result<bool, String> {
    let Some((test, filter)) = campaign.tests else { return rules::run(campaign.package, ws) };
    let mut cargo = ws.cargo(&["test", "--release", "--all-features", "-p", campaign.package]);
    cargo.args(["--test", test, filter, "--", "--nocapture"]);
    // A test passes where its tool is missing; a campaign that has tried nothing does not.
    cargo.env("IDENTKIT_REQUIRE_TOOLS", "1");
    for (variable, rounds) in campaign.rounds {
        if std::env::var_os(variable).is_none() {
            cargo.env(variable, rounds);
        }
    }
    Ok(ws.run(cargo)?.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    #[test]
    fn a_campaign_runs_its_test_with_many_rounds_and_tells_how_it_ended() {
        let campaign = |rounds| Campaign {
            name: "sample",
            about: "",
            package: "identkit-sample",
            tests: Some(("sample", "runs")),
            rounds,
        };
        let repo = Throwaway::package("");
        repo.write(
            "crates/sample/tests/sample.rs",
            "//! A sample.\n#[test]\nfn runs() {\n    assert_eq!(std::env::var(\"SAMPLE_ROUNDS\").unwrap(), \"7\");\n    \
             assert_eq!(std::env::var(\"IDENTKIT_REQUIRE_TOOLS\").unwrap(), \"1\");\n}\n",
        );
        let ws = repo.workspace();
        assert!(run(&campaign(&[("SAMPLE_ROUNDS", "7")]), &ws).unwrap());
        assert!(!run(&campaign(&[("SAMPLE_ROUNDS", "8")]), &ws).unwrap());
    }
}
