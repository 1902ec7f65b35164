//! Generated pages: `cargo xtask NAME` compares a page with its sources, and `cargo xtask NAME --write` writes it.

use std::fs;

use crate::finding::Verdict;
use crate::workspace::Workspace;

/// Compares a page with the text that the check `name` generates. Reports the first line that differs.
pub(crate) fn compare(ws: &Workspace, path: &str, text: &str, name: &str) -> Vec<String> {
    difference(path, &ws.read(path).unwrap_or_default(), text, name).into_iter().collect()
}

pub(crate) fn write(ws: &Workspace, path: &str, text: &str) -> Verdict {
    fs::write(ws.root().join(path), text).map_err(|error| format!("writing {path}: {error}"))?;
    Ok(Vec::new())
}

fn difference(path: &str, written: &str, text: &str, name: &str) -> Option<String> {
    let mut lines = (1..).zip(written.lines().map(Some).chain([None]).zip(text.lines().map(Some).chain([None])));
    let (number, (_, generated)) = lines.find(|(_, (written, generated))| written != generated)?;
    let generated = generated.unwrap_or("the end of the page");
    Some(format!("{path}:{number} should be \"{generated}\": run `cargo xtask {name} --write`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_reported() {
        let found = |written| difference("docs/a.md", written, "one\ntwo\n", "a");
        assert_eq!(found("one\ntwo\n"), None);
        for (written, expected) in [
            ("one\n2\n", "docs/a.md:2 should be \"two\": run `cargo xtask a --write`"),
            ("one\n", "docs/a.md:2 should be \"two\""),
            ("", "docs/a.md:1 should be \"one\""),
            ("one\ntwo\nthree\n", "docs/a.md:3 should be \"the end of the page\""),
        ] {
            assert!(found(written).is_some_and(|found| found.starts_with(expected)), "{:?}", found(written));
        }
    }
}
