//! Generated pages: compared with their sources, and written again on request.

use std::fs;

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// Environment variable with which a check writes its page instead of comparing it.
const WRITE: &str = "IDENTKIT_WRITE_PAGES";

/// Compares a page with the text that `command` generates, or writes the page if `IDENTKIT_WRITE_PAGES` is set.
pub(crate) fn page(ws: &Workspace, path: &str, text: &str, command: &str) -> Verdict {
    if std::env::var_os(WRITE).is_some() {
        fs::write(ws.root().join(path), text).map_err(|error| format!("writing {path}: {error}"))?;
    }
    Ok(compare(path, &ws.read(path).unwrap_or_default(), text, command))
}

fn compare(path: &str, written: &str, text: &str, command: &str) -> Vec<String> {
    let mut lines = (1..).zip(written.lines().map(Some).chain([None]).zip(text.lines().map(Some).chain([None])));
    let differs = lines.find(|(_, (written, generated))| written != generated);
    let again = format!("write the page again with `{WRITE}=1 cargo xtask {command}`");
    differs
        .map(|(number, (_, generated))| {
            format!("{path}:{number} should be \"{}\": {again}", generated.unwrap_or("the end of the page"))
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_reported() {
        let findings = |written| compare("docs/a.md", written, "one\ntwo\n", "a");
        assert_eq!(findings("one\ntwo\n"), [""; 0]);
        for (written, expected) in [
            (
                "one\n2\n",
                "docs/a.md:2 should be \"two\": write the page again with `IDENTKIT_WRITE_PAGES=1 cargo xtask a`",
            ),
            ("one\n", "docs/a.md:2 should be \"two\""),
            ("", "docs/a.md:1 should be \"one\""),
            ("one\ntwo\nthree\n", "docs/a.md:3 should be \"the end of the page\""),
        ] {
            assert!(matches!(&findings(written)[..], [one] if one.starts_with(expected)), "{:?}", findings(written));
        }
    }
}
