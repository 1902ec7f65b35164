//! `cargo xtask fmt`: every Rust file of the workspace is formatted as rustfmt would format it.

use crate::finding::{Finding, Verdict};
use crate::workspace::Workspace;

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let status = ws.run(ws.cargo(&["fmt", "--all", "--", "--check"]))?;
    Ok(if status.success() {
        Vec::new()
    } else {
        vec![Finding::new("some files are not formatted: run `cargo fmt --all`")]
    })
}

#[cfg(test)]
mod tests {
    use crate::throwaway::Throwaway;

    #[test]
    fn a_badly_formatted_file_fails_until_it_is_formatted() {
        let repo = Throwaway::package("/// One.\npub   fn one( ) -> u8 {1}\n");
        assert_eq!(super::run(&repo.workspace()).unwrap().len(), 1);
        repo.lib("/// One.\npub fn one() -> u8 {\n    1\n}\n");
        assert_eq!(super::run(&repo.workspace()).unwrap(), []);
    }
}
