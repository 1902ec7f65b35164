//! `cargo xtask campaign NAME`: what the tests do in small, done in large and optimised. It takes its time and is no
//! part of `ci`, which runs the same tests with few rounds.

use crate::finding::Broken;
use crate::workspace::Workspace;

/// A test that counts its rounds by the environment.
#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    package: &'static str,
    test: &'static str,
    rounds: &'static [(&'static str, &'static str)],
}

/// All campaigns.
pub(crate) const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        name: "logins",
        about: "identify24: 10,000 rounds of 100 callers across a token's end, 1,000 with the leader cancelled",
        package: "identkit-identify24",
        test: "storm",
        rounds: &[("IDENTKIT_STORM_ROUNDS", "10000"), ("IDENTKIT_STORM_CANCELLED", "1000")],
    },
    Campaign {
        name: "simulation",
        about: "20 orders over each of 10,000 simulated networks: one intent, at most one order",
        package: "identkit-mock-server",
        test: "simulation",
        rounds: &[("IDENTKIT_SIMULATION_SEEDS", "10000")],
    },
    Campaign {
        name: "journal",
        about: "the sandbox: 100 journals of the same seed and script over TCP, the same bytes",
        package: "identkit-mock-server",
        test: "canonical",
        rounds: &[("IDENTKIT_JOURNAL_ROUNDS", "100")],
    },
    Campaign {
        name: "download",
        about: "2 GiB over TLS into little memory",
        package: "identkit-transport",
        test: "download",
        rounds: &[("IDENTKIT_DOWNLOAD_MIB", "2048")],
    },
];

/// The campaign of this name.
pub(crate) fn find(name: &str) -> Option<&'static Campaign> {
    CAMPAIGNS.iter().find(|campaign| campaign.name == name)
}

/// Runs it, and says whether it held; its figures go to the terminal. Rounds that the caller's environment sets win.
pub(crate) fn run(campaign: &Campaign, ws: &Workspace) -> Result<bool, Broken> {
    let mut cargo = ws.cargo(&[
        "test",
        "--release",
        "--all-features",
        "-p",
        campaign.package,
        "--test",
        campaign.test,
        "--",
        "--nocapture",
    ]);
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
        let campaign =
            |rounds| Campaign { name: "sample", about: "", package: "identkit-sample", test: "sample", rounds };
        let repo = Throwaway::package("");
        repo.write(
            "crates/sample/tests/sample.rs",
            "//! A sample.\n#[test]\nfn runs() {\n    assert_eq!(std::env::var(\"SAMPLE_ROUNDS\").unwrap(), \"7\");\n}\n",
        );
        let ws = repo.workspace();
        assert!(run(&campaign(&[("SAMPLE_ROUNDS", "7")]), &ws).unwrap());
        assert!(!run(&campaign(&[("SAMPLE_ROUNDS", "8")]), &ws).unwrap());
    }

    #[test]
    fn campaigns_are_found_by_name() {
        assert_eq!(find("logins").unwrap().test, "storm");
        assert!(find("login").is_none());
    }
}
