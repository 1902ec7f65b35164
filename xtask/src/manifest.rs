//! The little of a `Cargo.toml` that `cargo metadata` does not tell.
//!
//! A line reader rather than a TOML parser: it understands section headers and the keys at the start of a line, which is
//! how the manifests of this workspace are written. What it cannot read it does not report as present, so a manifest in
//! another style fails the check that asks instead of slipping through.

/// The keys of one section, e.g. `workspace.dependencies`, in the order of the file. A sub-section counts as a key
/// (`[workspace.dependencies.http]`), and so does the head of a dotted key (`http.version = "1"`).
pub(crate) fn keys<'a>(manifest: &'a str, section: &str) -> Vec<(&'a str, &'a str)> {
    let mut keys = Vec::new();
    for (header, line) in lines(manifest) {
        match header.strip_prefix(section) {
            Some("") => {
                let name = bare_key(line);
                if let Some(value) = line.get(name.len()..).map(str::trim_start)
                    && !name.is_empty()
                    && value.starts_with(['=', '.'])
                {
                    keys.push((name, value.trim_start_matches('=').trim()));
                }
            }
            Some(rest) if line.starts_with('[') => {
                if let Some(name) = rest.strip_prefix('.') {
                    keys.push((bare_key(name), ""));
                }
            }
            _ => {}
        }
    }
    keys
}

/// Does the package take its lints from the workspace?
pub(crate) fn has_workspace_lints(manifest: &str) -> bool {
    lines(manifest).any(|(header, line)| {
        let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        (header == "lints" && line == "workspace=true") || (header.is_empty() && line == "lints.workspace=true")
    })
}

/// Every line without its comment, with the section it stands in (the header line itself included).
fn lines(manifest: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut header = "";
    manifest.lines().map(move |line| {
        let line = without_comment(line);
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            header = name.trim();
        }
        (header, line)
    })
}

/// Cuts a comment off; a `#` inside a string stays.
fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return line.get(..at).unwrap_or(line).trim(),
            _ => {}
        }
    }
    line.trim()
}

fn bare_key(line: &str) -> &str {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(line.len());
    line.get(..end).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
[package]
name = "x" # a comment with [brackets]

# [lints] is not here
[workspace.dependencies]
bytes = "1"
clap = { version = "4", features = [
    "derive",
] }
http.version = "1"
ours = { path = "crates/ours" }
[workspace.dependencies.hyper]
version = "1"
[lints]
workspace = true
"#;

    #[test]
    fn keys_of_a_section_are_found_however_they_are_written() {
        let names: Vec<_> = keys(MANIFEST, "workspace.dependencies").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["bytes", "clap", "http", "ours", "hyper"]);
        assert_eq!(keys(MANIFEST, "package"), [("name", "\"x\"")]);
        assert_eq!(keys(MANIFEST, "features"), []);
    }

    #[test]
    fn workspace_lints_are_seen_only_where_they_are() {
        assert!(has_workspace_lints(MANIFEST));
        assert!(has_workspace_lints("lints.workspace = true\n[package]"));
        assert!(!has_workspace_lints("[package]\nworkspace = true\n[lints.rust]\nunsafe_code = \"warn\""));
        assert!(!has_workspace_lints("[lints]\n# workspace = true\n"));
    }
}
