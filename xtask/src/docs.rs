//! `cargo xtask docs`: the API documentation of every crate builds without a warning.

use crate::finding::{Finding, Verdict};
use crate::workspace::Workspace;

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let mut cargo = ws.cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
    cargo.env("RUSTDOCFLAGS", "-D warnings");
    let status = ws.run(cargo)?;
    Ok(if status.success() {
        Vec::new()
    } else {
        vec![Finding::new("the documentation does not build cleanly: see above")]
    })
}

#[cfg(test)]
mod tests {
    use crate::throwaway::Throwaway;

    #[test]
    fn a_link_to_nothing_fails_until_it_leads_somewhere() {
        let repo = Throwaway::package("/// See [`Two`].\npub struct One;\n");
        assert_eq!(super::run(&repo.workspace()).unwrap().len(), 1);
        repo.lib("/// See [`One`].\npub struct One;\n");
        assert_eq!(super::run(&repo.workspace()).unwrap(), []);
    }

    #[test]
    fn a_mere_warning_fails_too() {
        let repo = Throwaway::package("/// Holds a Vec<u8>.\npub struct One;\n");
        assert_eq!(super::run(&repo.workspace()).unwrap().len(), 1);
    }
}
