//! The contract, the traps and the fields of `docs/contract/`, as parts of the program.
//!
//! `crates/cli/contract/` has links to the files, so that the package of the crate contains them.

const CONTRACT: &str = include_str!("../../../contract/contract.txt");
const TRAPS: &str = include_str!("../../../contract/traps.tsv");
const FIELDS: &str = include_str!("../../../contract/fields.tsv");

/// A row of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: &'static str,
    /// Why the requirement holds, if the row says so.
    pub(super) basis: Option<&'static str>,
    /// Headings of the chapter and of the section.
    pub(super) section: String,
    /// What the vendor's document does, for a trap. Otherwise empty.
    pub(super) problem: &'static str,
    /// The requirement, or the decision on a trap.
    pub(super) decision: &'static str,
}

/// Returns all rows of the contract.
pub(super) fn rows() -> Vec<Row> {
    let (mut chapter, mut section) = ("", "");
    let mut rows = Vec::new();
    for line in CONTRACT.lines() {
        if let Some(heading) = line.strip_prefix("# ") {
            (chapter, section) = (heading, "");
        } else if let Some(heading) = line.strip_prefix("## ") {
            section = heading;
        } else if let Some(row) = row(line) {
            let headings = [chapter, section].into_iter().filter(|heading| !heading.is_empty());
            rows.push(Row { section: headings.collect::<Vec<_>>().join(" > "), ..row });
        }
    }
    rows
}

/// A table row `| ID (D) | … |` or a list item `- ID (D) …`, without its section.
fn row(line: &'static str) -> Option<Row> {
    let (id, rest) = match line.strip_prefix("| ") {
        Some(cells) => cells.strip_suffix(" |")?.split_once(' ')?,
        None => line.strip_prefix("- ")?.split_once(' ')?,
    };
    let (tag, texts) = match rest.split_at_checked(3) {
        Some((tag @ ("(D)" | "(X)" | "(A)"), texts)) => (tag, texts),
        _ => ("", rest),
    };
    let texts = texts.trim().trim_start_matches("| ");
    let basis = match tag {
        "(D)" => Some("documented"),
        "(X)" => Some("follows from an example, or from two places read together"),
        "(A)" => Some("not in the document: a default of identkit"),
        _ => None,
    };
    let (problem, decision) = texts.split_once(" | ").unwrap_or(("", texts));
    is_id(id).then(|| Row { id, basis, section: String::new(), problem, decision: decision.trim() })
}

/// Whether a word is an id of the contract, e.g. `AT-56`.
pub(super) fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(letters, digits)| {
        (1..=2).contains(&letters.len())
            && letters.bytes().all(|byte| byte.is_ascii_uppercase())
            && digits.len() >= 2
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// What integrators should know about a place where a vendor's document is unclear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trap {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) document: &'static str,
    pub(super) identkit: &'static str,
    pub(super) sandbox: &'static str,
    pub(super) question: &'static str,
}

/// Returns all traps.
pub(super) fn traps() -> impl Iterator<Item = Trap> {
    TRAPS.lines().skip(1).filter_map(|line| match line.split('\t').collect::<Vec<_>>().as_slice() {
        [id, _, _, _, title, document, identkit, sandbox, question] => {
            Some(Trap { id, title, document, identkit, sandbox, question })
        }
        _ => None,
    })
}

/// A field of a request or a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) id: &'static str,
    pub(super) vendor: &'static str,
    pub(super) call: &'static str,
    pub(super) direction: &'static str,
    pub(super) path: &'static str,
    pub(super) kind: &'static str,
    pub(super) length: &'static str,
    pub(super) required: &'static str,
    pub(super) note: &'static str,
}

/// Returns all fields.
pub(super) fn fields() -> impl Iterator<Item = Field> {
    FIELDS.lines().skip(1).filter_map(|line| match line.split('\t').collect::<Vec<_>>().as_slice() {
        [id, vendor, call, direction, path, kind, length, required, note] => {
            Some(Field { id, vendor, call, direction, path, kind, length, required, note })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_is_read() {
        let all = rows();
        let ids: BTreeSet<_> = all.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), all.len(), "an id has two rows");
        let begins = |line: &&str| {
            ["| ", "- "]
                .iter()
                .any(|mark| line.strip_prefix(mark).and_then(|line| line.split(' ').next()).is_some_and(is_id))
        };
        assert_eq!(all.len(), CONTRACT.lines().filter(begins).count());
        assert!(all.iter().all(|row| row.decision.len() > 3 && row.section.contains(". ")), "{all:#?}");
        assert_eq!(traps().count(), TRAPS.lines().count() - 1);
        assert_eq!(fields().count(), FIELDS.lines().count() - 1);
        assert!(traps().all(|trap| ids.contains(trap.id)));
        for row in &all {
            let line =
                CONTRACT.lines().find(|line| line.get(2..).is_some_and(|line| line.starts_with(row.id))).unwrap();
            // Marks and tag.
            let rest = line.len() - row.id.len() - row.problem.len() - row.decision.len();
            assert!(rest <= "|  (D) |  |  |".len(), "{row:?}: {line}");
        }
    }

    #[test]
    fn rows_of_tables_and_lists_have_the_same_parts() {
        let row = |id: &str| rows().into_iter().find(|row| row.id == id).unwrap();
        let table = row("T-034");
        assert_eq!((table.basis, table.problem), (Some("documented"), ""));
        assert!(table.section.ends_with("2.3 Webhooks") && table.decision.starts_with("Only **200"), "{table:?}");
        let list = row("T-101");
        assert_eq!((list.basis, list.decision), (Some("documented"), "At most 1000 status elements per call."));
        let trap = row("AI-08");
        assert!(trap.problem.starts_with("project/get") && trap.decision.starts_with("doc error"), "{trap:?}");
        let own = row("M-02");
        assert!(own.basis.is_none() && own.decision.starts_with("Auth: Basic"), "{own:?}");
    }
}
