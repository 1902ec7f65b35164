//! `cargo xtask clippy`: clippy over every target and feature of the workspace; a warning is an error.

use crate::finding::{Finding, Verdict};
use crate::workspace::Workspace;

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let status =
        ws.run(ws.cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]))?;
    Ok(if status.success() { Vec::new() } else { vec![Finding::new("clippy is not content: see its output above")] })
}

#[cfg(test)]
mod tests {
    use crate::throwaway::Throwaway;

    #[test]
    fn an_unwrap_outside_tests_fails_until_it_is_gone() {
        let repo = Throwaway::package("/// One.\npub fn one() -> u8 {\n    \"1\".parse().unwrap()\n}\n");
        assert_eq!(super::run(&repo.workspace()).unwrap().len(), 1);
        repo.lib("/// One.\npub fn one() -> Option<u8> {\n    \"1\".parse().ok()\n}\n");
        assert_eq!(super::run(&repo.workspace()).unwrap(), []);
    }

    #[test]
    fn reading_the_clock_directly_fails() {
        let repo =
            Throwaway::package("/// Now.\npub fn now() -> std::time::Instant {\n    std::time::Instant::now()\n}\n");
        assert_eq!(super::run(&repo.workspace()).unwrap().len(), 1);
    }

    #[test]
    fn an_unwrap_inside_a_test_is_fine_but_a_plain_warning_there_is_not() {
        let repo = Throwaway::package("#[test]\nfn works() {\n    assert_eq!(\"1\".parse::<u8>().unwrap(), 1);\n}\n");
        assert_eq!(super::run(&repo.workspace()).unwrap(), []);
        repo.lib("#[test]\nfn works() {\n    let unused = 1;\n}\n");
        assert_eq!(super::run(&repo.workspace()).unwrap().len(), 1);
    }
}
