//! `cargo xtask campaign NAME`: runs tests of `ci` in a release build with many more rounds, or with each rule switched
//! off. It is slow and not a part of `ci`. `full` runs each with fewer rounds, and uses the test programs of `ci`.

mod rules;

use crate::workspace::Workspace;

#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    package: &'static str,
    /// Test target and filter; `None`: all tests of the package, once without each rule.
    tests: Option<(&'static str, &'static str)>,
    /// Environment variables that set the number of rounds, with the numbers of `campaign` and of `full`.
    rounds: &'static [(&'static str, [&'static str; 2])],
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
        package: "identkit-identify24",
        tests: Some(("it", "storm::")),
        rounds: &[("IDENTKIT_STORM_ROUNDS", ["10000", "1000"]), ("IDENTKIT_STORM_CANCELLED", ["1000", "300"])],
    },
    Campaign {
        name: "simulation",
        about: "20 orders over each of 10,000 simulated networks: no order is placed twice",
        package: "identkit-mock-server",
        tests: Some(("it", "simulation::")),
        rounds: &[("IDENTKIT_SIMULATION_SEEDS", ["10000", "1000"])],
    },
    Campaign {
        name: "journal",
        about: "the sandbox: 100 journals of the same seed and script over TCP are identical",
        package: "identkit-mock-server",
        tests: Some(("it", "canonical::")),
        rounds: &[("IDENTKIT_JOURNAL_ROUNDS", ["100", "40"])],
    },
    Campaign {
        name: "download",
        about: "a 2 GiB download over TLS in little memory",
        package: "identkit-transport",
        tests: Some(("download", "")),
        rounds: &[("IDENTKIT_DOWNLOAD_MIB", ["2048", "512"])],
    },
    Campaign {
        name: "fuzz-admin",
        about: "the sandbox's admin API: about 500 generated requests to each call; needs schemathesis (PyPI)",
        package: "identkit-cli",
        tests: Some(("it", "fuzz::")),
        rounds: &[("IDENTKIT_FUZZ_EXAMPLES", ["500", "50"])],
    },
    Campaign {
        name: "rules",
        about: "the sandbox with each rule switched off in turn: a test must fail",
        package: "identkit-mock-server",
        tests: None,
        rounds: &[],
    },
];

/// Runs a campaign, prints its figures, and returns whether it passed. Rounds set in the environment take precedence.
pub(crate) fn run(campaign: &Campaign, rounds: Rounds, ws: &Workspace) -> Result<bool, String> {
    let Some((test, filter)) = campaign.tests else { return rules::run(campaign.package, ws) };
    let mut cargo = ws.cargo(&["test", "--all-features"]);
    match rounds {
        // Link-time optimization takes longer than it saves in tests.
        Rounds::Many => cargo.args(["--release", "-p", campaign.package]).env("CARGO_PROFILE_RELEASE_LTO", "off"),
        // The test programs of `ci`: with few rounds, a release build takes longer than the tests.
        Rounds::Few => cargo.arg("--workspace"),
    };
    cargo.args(["--test", test, filter, "--", "--nocapture"]);
    // By default a test passes if its tool is missing; a campaign must not.
    cargo.env("IDENTKIT_REQUIRE_TOOLS", "1");
    for (variable, [many, few]) in campaign.rounds {
        if std::env::var_os(variable).is_none() {
            cargo.env(variable, if matches!(rounds, Rounds::Many) { many } else { few });
        }
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
            package: "identkit-sample",
            tests: Some(("sample", "runs")),
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
