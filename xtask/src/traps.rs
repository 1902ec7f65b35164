//! `cargo xtask traps`: checks that `docs/traps.md`, the traps for integrators, is complete and up to date.
//!
//! The page is generated from `docs/contract/traps.tsv`, which explains each trap of `docs/contract/contract.md` in plain
//! English. Each line has the fingerprint of the contract's row that it was written for. If the row changes, the line must
//! be read again.

use std::collections::BTreeMap;

use crate::finding::Verdict;
use crate::generated;
use crate::workspace::Workspace;

const PAGE: &str = "docs/traps.md";
const CONTRACT: &str = "docs/contract/contract.md";
const TABLE: &str = "docs/contract/traps.tsv";
const HEADING: &str = "trap\trow\tfirst\ttask\ttitle\tdocument\tidentkit\tsandbox\tquestion";

/// The vendors, by the first letters of their traps.
const VENDORS: [(&str, &str); 2] = [("AT-", "identity.TM"), ("AI-", "identify24")];

const INTRODUCTION: &str = "\
# Traps

Every place at which a vendor's document contradicts itself, is unclear, or leaves something open. Use this page to write or
review an integration, also without identkit, and to prepare a conversation with the vendor. For example: a client that
reads the short status list of identity.TM can miss a suspicion of fraud (AT-13).

For each trap the page says what the **document** says, what **identkit** does, how you **try** it with the sandbox, and what
to **ask** the vendor. [The settings and stories of the sandbox](sandbox-settings.md) and
[Faults](sandbox-control.md#faults) explain what to try. The exact decisions, with the requirements behind them, are in
[the contract](contract/contract.md).

This page is generated. To change it, edit `docs/contract/traps.tsv` and run `cargo xtask traps --write`.
";

/// One trap with everything that the page says about it.
#[derive(Debug)]
struct Trap {
    id: String,
    /// Fingerprint of the contract's row that the texts were written for.
    row: String,
    /// Whether it belongs to the traps that cost most.
    first: bool,
    task: String,
    title: String,
    document: String,
    identkit: String,
    sandbox: String,
    question: String,
}

impl Trap {
    fn heading(&self) -> String {
        format!("{}: {}", self.id, self.title)
    }

    fn link(&self, text: &str) -> String {
        format!("[{text}](#{})", slug(&self.heading()))
    }

    /// The line of the table.
    fn line(&self) -> String {
        let Self { id, row, task, title, document, identkit, sandbox, question, .. } = self;
        let first = if self.first { "first" } else { "" };
        [id, row, first, task, title, document, identkit, sandbox, question].join("\t") + "\n"
    }
}

/// Checks the table against the contract, and the page against the table.
pub(crate) fn run(ws: &Workspace) -> Verdict {
    let rows = rows(&ws.read(CONTRACT)?);
    let traps = parse(&ws.read(TABLE)?)?;
    let mut findings = compare(&rows, &traps);
    findings.extend(generated::compare(ws, PAGE, &render(&traps), "traps"));
    Ok(findings)
}

/// Writes the page, and the fingerprints of the table.
pub(crate) fn write(ws: &Workspace) -> Verdict {
    let rows = rows(&ws.read(CONTRACT)?);
    let mut traps = parse(&ws.read(TABLE)?)?;
    for trap in &mut traps {
        if let Some(row) = rows.get(&trap.id) {
            trap.row.clone_from(row);
        }
    }
    let table = traps.iter().fold(format!("{HEADING}\n"), |table, trap| table + &trap.line());
    generated::write(ws, TABLE, &table)?;
    generated::write(ws, PAGE, &render(&traps))?;
    Ok(compare(&rows, &traps))
}

/// Returns the fingerprint of each trap's row in the contract.
fn rows(contract: &str) -> BTreeMap<String, String> {
    let id =
        |line: &str| line.strip_prefix("| ")?.split(' ').next().filter(|id| vendor(id).is_some()).map(str::to_owned);
    contract.lines().filter_map(|line| Some((id(line)?, fingerprint(line)))).collect()
}

fn vendor(id: &str) -> Option<&'static str> {
    VENDORS.iter().find(|(letters, _)| id.starts_with(letters)).map(|(_, vendor)| *vendor)
}

/// FNV-1a with 32 bits, in hexadecimal digits.
fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

fn parse(table: &str) -> Result<Vec<Trap>, String> {
    let mut lines = (1..).zip(table.lines());
    if lines.next().map(|(_, heading)| heading) != Some(HEADING) {
        return Err(format!("{TABLE}: the first line must be {HEADING:?}"));
    }
    lines
        .map(|(number, line)| {
            let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
            let count = columns.len();
            let [id, row, first, task, title, document, identkit, sandbox, question] =
                columns.try_into().map_err(|_| format!("{TABLE}:{number} has {count} columns instead of 9"))?;
            let first = !first.is_empty();
            Ok(Trap { id, row, first, task, title, document, identkit, sandbox, question })
        })
        .collect()
}

fn compare(rows: &BTreeMap<String, String>, traps: &[Trap]) -> Vec<String> {
    let mut findings = Vec::new();
    for id in rows.keys() {
        match traps.iter().filter(|trap| trap.id == *id).count() {
            1 => {}
            0 => findings.push(format!("{TABLE} has no line for {id}: add one")),
            _ => findings.push(format!("{TABLE} has several lines for {id}: remove all but one")),
        }
    }
    for trap in traps {
        match rows.get(&trap.id) {
            None => findings.push(format!("{TABLE} explains {}, which is not in {CONTRACT}: remove it", trap.id)),
            Some(row) if *row != trap.row => findings.push(format!(
                "{} has changed in {CONTRACT}: correct its line in {TABLE}, then run `cargo xtask traps --write`",
                trap.id
            )),
            Some(_) => {}
        }
    }
    findings
}

fn render(traps: &[Trap]) -> String {
    let mut text = INTRODUCTION.to_owned();
    let vendors =
        VENDORS.map(|(_, name)| (name, traps.iter().filter(|trap| vendor(&trap.id) == Some(name)).collect::<Vec<_>>()));
    text += "\n## Read these first\n\nThese traps lose data, create a case twice, or lead to a wrong decision about a person.\n";
    for (vendor, of_vendor) in &vendors {
        text += &format!("\n**{vendor}**\n\n");
        for trap in of_vendor.iter().filter(|trap| trap.first) {
            text += &format!("- {}\n", trap.link(&trap.heading()));
        }
    }
    for (vendor, of_vendor) in &vendors {
        text += &format!("\n## {vendor}, by task\n\n| task | traps |\n|---|---|\n");
        for group in of_vendor.chunk_by(|one, other| one.task == other.task) {
            let links: Vec<_> = group.iter().map(|trap| trap.link(&trap.id)).collect();
            text += &format!("| {} | {} |\n", task(group), links.join(", "));
        }
        for group in of_vendor.chunk_by(|one, other| one.task == other.task) {
            text += &format!("\n### {vendor}: {}\n", task(group));
            for trap in group {
                text += &format!("\n#### {}\n\n", trap.heading());
                for (label, part) in [
                    ("Document", linked(&trap.document, traps)),
                    ("identkit", linked(&trap.identkit, traps)),
                    ("Try", trap.sandbox.clone()),
                    ("Ask", trap.question.clone()),
                ] {
                    if !part.is_empty() {
                        text += &format!("- **{label}:** {part}\n");
                    }
                }
            }
        }
    }
    for (vendor, of_vendor) in &vendors {
        text += &format!("\n## Questions to {vendor}\n\nA list to send to the vendor.\n\n");
        for trap in of_vendor.iter().filter(|trap| !trap.question.is_empty()) {
            text += &format!("- {} ({})\n", trap.question, trap.link(&trap.id));
        }
    }
    text
}

fn task<'a>(group: &[&'a Trap]) -> &'a str {
    group.first().map_or("", |trap| &trap.task)
}

/// Links the ids of other traps.
fn linked(text: &str, traps: &[Trap]) -> String {
    let named = traps.iter().filter(|trap| text.contains(&trap.id));
    named.fold(text.to_owned(), |text, trap| text.replace(&trap.id, &trap.link(&trap.id)))
}

/// The anchor of a heading, as code hosts make it.
fn slug(heading: &str) -> String {
    let letters = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    letters.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    const ROWS: &str = "| id | what | decision |\n|---|---|---|\n| AI-01 | a | b |\n| AT-01 | c | d |\n- M-01 other\n";

    /// A line with a fingerprint that is updated by writing.
    fn line(id: &str) -> String {
        format!("{id}\t\tfirst\tRead\tA `b` c\tSays d.\tDoes as AI-01.\tSetting `e`\tWhy?\n")
    }

    fn table(ids: &[&str]) -> String {
        ids.iter().fold(format!("{HEADING}\n"), |table, id| table + &line(id))
    }

    #[test]
    fn a_trap_is_rendered_with_links() {
        let text = render(&parse(&table(&["AT-01", "AI-01"])).unwrap());
        for expected in [
            "**identity.TM**\n\n- [AT-01: A `b` c](#at-01-a-b-c)\n",
            "## identify24, by task\n\n| task | traps |\n|---|---|\n| Read | [AI-01](#ai-01-a-b-c) |\n\n### identify24: Read\n",
            "\n#### AT-01: A `b` c\n\n- **Document:** Says d.\n- **identkit:** Does as [AI-01](#ai-01-a-b-c).\n\
             - **Try:** Setting `e`\n- **Ask:** Why?\n",
            "## Questions to identity.TM\n\nA list to send to the vendor.\n\n- Why? ([AT-01](#at-01-a-b-c))\n",
        ] {
            assert!(text.contains(expected), "{expected}\n---\n{text}");
        }
    }

    #[test]
    fn an_invalid_table_is_an_error() {
        for (table, expected) in
            [("AT-01\n", "the first line must be"), (&format!("{HEADING}\nAT-01\tx\n"), ":2 has 2 columns")]
        {
            let error = parse(table).unwrap_err();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }

    #[test]
    fn the_page_follows_the_table_and_the_table_the_contract() {
        let repo = Throwaway::repository();
        repo.write(CONTRACT, ROWS);
        let findings = |ids: &[&str]| {
            repo.write(TABLE, &table(ids));
            write(&repo.workspace()).unwrap()
        };
        for (ids, expected) in [
            (&["AT-01"][..], "no line for AI-01"),
            (&["AT-01", "AI-01", "AI-01"], "several lines for AI-01"),
            (&["AT-01", "AI-01", "AT-02"], "explains AT-02"),
        ] {
            assert!(matches!(findings(ids).as_slice(), [one] if one.contains(expected)), "{:?}", findings(ids));
        }
        assert_eq!(findings(&["AT-01", "AI-01"]), [""; 0]);
        assert_eq!(run(&repo.workspace()).unwrap(), [""; 0]);
        repo.write(PAGE, "changed");
        assert!(
            matches!(run(&repo.workspace()).unwrap().as_slice(), [one] if one.contains("run `cargo xtask traps --write`"))
        );
        write(&repo.workspace()).unwrap();
        repo.write(CONTRACT, &ROWS.replace("| d |", "| e |"));
        let changed = run(&repo.workspace()).unwrap();
        assert!(matches!(changed.as_slice(), [one] if one.contains("AT-01 has changed")), "{changed:?}");
        // Each trap is listed as changed until its line is read and the fingerprint written.
        assert_eq!(write(&repo.workspace()).unwrap(), [""; 0]);
        assert_eq!(run(&repo.workspace()).unwrap(), [""; 0]);
    }
}
