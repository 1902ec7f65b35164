//! `cargo xtask examples`: checks that the table in `docs/examples.md` lists every example of the crate identkit, with
//! its purpose, its features, and the number of crates that a service compiles with them.
//!
//! The purpose is the first paragraph of the example's documentation. The rows keep the order of the page.

use cargo_metadata::{Metadata, Target};

use crate::cone;
use crate::finding::Verdict;
use crate::generated;
use crate::workspace::Workspace;

const PAGE: &str = "docs/examples.md";
const HEAD: &str = "| example | what it shows | features of `identkit` | crates |\n|---|---|---|---|\n";

pub(crate) fn run(ws: &Workspace) -> Verdict {
    Ok(generated::compare(ws, PAGE, &generate(ws)?, "examples"))
}

/// Writes the table.
pub(crate) fn write(ws: &Workspace) -> Verdict {
    generated::write(ws, PAGE, &generate(ws)?)
}

/// Returns the page with its new table.
fn generate(ws: &Workspace) -> Result<String, String> {
    let page = ws.read(PAGE)?;
    let mut rows = Vec::new();
    for example in examples(&ws.metadata()?) {
        let source = std::fs::read_to_string(&example.src_path)
            .map_err(|error| format!("reading the example {}: {error}", example.name))?;
        let features = example.required_features.join(",");
        let args = ["-p", "identkit", "--no-default-features", "--features", &features];
        let crates = cone::tree(ws, cone::USED, &args)?.len();
        rows.push((example.name.clone(), row(example, purpose(&source), crates)));
    }
    rows.sort_by_key(|(name, _)| page.find(&format!("| `{name}` |")).unwrap_or(usize::MAX));
    let rows: Vec<String> = rows.into_iter().map(|(_, row)| row).collect();
    replace_table(&page, &rows).ok_or_else(|| format!("{PAGE} has no table of examples:\n{HEAD}"))
}

fn examples(metadata: &Metadata) -> Vec<&Target> {
    let packages = metadata.packages.iter().filter(|package| package.name.as_str() == "identkit");
    let mut examples: Vec<_> =
        packages.flat_map(|package| &package.targets).filter(|target| target.is_example()).collect();
    examples.sort_by(|a, b| a.name.cmp(&b.name));
    examples
}

/// Returns the first paragraph of the module's documentation, without its period.
fn purpose(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//! "));
    lines.collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

fn row(example: &Target, purpose: String, crates: usize) -> String {
    let features: Vec<String> = example.required_features.iter().map(|name| format!("`{name}`")).collect();
    format!("| `{}` | {purpose} | {} | {crates} |\n", example.name, features.join(", "))
}

fn replace_table(page: &str, rows: &[String]) -> Option<String> {
    let (before, rest) = page.split_once(HEAD)?;
    let after: String = rest.split_inclusive('\n').skip_while(|line| line.starts_with('|')).collect();
    Some(format!("{before}{HEAD}{}{after}", rows.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::{Throwaway, one};

    #[test]
    fn a_new_example_and_a_changed_tree_are_found() {
        let repo = Throwaway::package("");
        let leaf = "[dependencies]\nidentkit-sample = { path = \"../sample\", optional = true }\n[features]\nleaf = [\"dep:identkit-sample\"]\n";
        let example = "[[example]]\nname = \"first\"\nrequired-features = [\"leaf\"]\n";
        repo.member("identkit", &format!("{leaf}{example}"));
        repo.write("crates/identkit/examples/first.rs", "//! Does one\n//! thing.\n//!\n//! More.\nfn main() {}\n");
        repo.write(PAGE, &format!("# Examples\n\n{HEAD}\nText.\n"));
        let check = || run(&repo.workspace()).unwrap();
        let expected = "| `first` | Does one thing | `leaf` | 2 |";
        assert!(one(check()).starts_with(&format!("docs/examples.md:5 should be \"{expected}\"")), "{:?}", check());

        assert_eq!(write(&repo.workspace()).unwrap(), [""; 0]);
        assert_eq!(repo.workspace().read(PAGE).unwrap(), format!("# Examples\n\n{HEAD}{expected}\n\nText.\n"));
        assert_eq!(check(), [""; 0]);

        // The order of the page stays.
        let second = "[[example]]\nname = \"a_second\"\nrequired-features = [\"leaf\"]\n";
        repo.member("identkit", &format!("{leaf}{example}{second}"));
        repo.write("crates/identkit/examples/a_second.rs", "//! Does another.\nfn main() {}\n");
        assert!(
            one(check()).starts_with("docs/examples.md:6 should be \"| `a_second` | Does another | `leaf` | 2 |\"")
        );

        repo.write(PAGE, "# Examples\n");
        assert!(run(&repo.workspace()).unwrap_err().contains("has no table of examples"));
    }
}
