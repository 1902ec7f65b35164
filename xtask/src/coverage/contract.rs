//! What the contract asks for: fields, status codes, samples and traps, from `docs/contract/`.

use std::collections::BTreeSet;

use crate::finding::Broken;

/// A row of `fields.tsv`.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) id: String,
    pub(super) vendor: String,
    pub(super) endpoint: String,
    pub(super) request: bool,
    pub(super) path: String,
}

/// A row of `samples.tsv`.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) id: String,
    pub(super) vendor: String,
    pub(super) content: String,
}

/// A trap of `contract.md`: `AT-38`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Trap {
    pub(super) id: String,
    pub(super) vendor: String,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Contract {
    pub(super) fields: Vec<Field>,
    /// The codes of identity.TM.
    pub(super) statuses: Vec<String>,
    /// The HTTP codes of identify24's general table.
    pub(super) codes: Vec<String>,
    pub(super) samples: Vec<Sample>,
    pub(super) traps: Vec<Trap>,
    /// The ids of all rows, list items and chapters of `contract.md`: `AT-38`, `M-08`, `5`.
    pub(super) rows: BTreeSet<String>,
}

/// The vendor that the document's letter or the trap's prefix stands for.
fn vendor_of(letter: &str) -> Result<&'static str, Broken> {
    match letter {
        "I" | "AI" => Ok("identify24"),
        "T" | "AT" => Ok("identity.TM"),
        other => Err(Broken::new(format!("docs/contract: {other} stands for no vendor"))),
    }
}

impl Contract {
    /// Reads the four files' texts.
    pub(super) fn read(fields: &str, statuses: &str, samples: &str, page: &str) -> Result<Self, Broken> {
        let contract = Self {
            fields: rows("fields.tsv", fields)?.iter().map(|row| field(row)).collect::<Result<_, _>>()?,
            statuses: rows("status.tsv", statuses)?.iter().map(|row| cell(row, 0).to_owned()).collect(),
            samples: rows("samples.tsv", samples)?.iter().map(|row| sample(row)).collect::<Result<_, _>>()?,
            codes: codes(page),
            traps: traps(page)?,
            rows: page.lines().filter_map(row_id).collect(),
        };
        let Self { fields, statuses, codes, samples, traps, .. } = &contract;
        if [fields.len(), statuses.len(), codes.len(), samples.len(), traps.len()].contains(&0) {
            return Err(Broken::new(
                "docs/contract: one of fields, status codes, HTTP codes, samples and traps is empty",
            ));
        }
        Ok(contract)
    }
}

/// The cells of each line below the heading, as many as it has.
fn rows<'a>(file: &str, text: &'a str) -> Result<Vec<Vec<&'a str>>, Broken> {
    let columns = text.lines().next().unwrap_or_default().split('\t').count();
    let mut rows = Vec::new();
    for (number, line) in (2..).zip(text.lines().skip(1)) {
        let row: Vec<&str> = line.split('\t').collect();
        if row.len() != columns {
            let found = row.len();
            return Err(Broken::new(format!("docs/contract/{file}:{number} has {found} columns instead of {columns}")));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn cell<'a>(row: &[&'a str], column: usize) -> &'a str {
    row.get(column).copied().unwrap_or_default()
}

fn field(row: &[&str]) -> Result<Field, Broken> {
    let request = match cell(row, 3) {
        "req" => true,
        // A webhook comes in; for us it is something that the sandbox sends, like an answer.
        "resp" | "in" => false,
        other => return Err(Broken::new(format!("docs/contract/fields.tsv: {other} is no direction"))),
    };
    Ok(Field {
        id: cell(row, 0).to_owned(),
        vendor: cell(row, 1).to_owned(),
        endpoint: cell(row, 2).to_owned(),
        request,
        path: cell(row, 4).to_owned(),
    })
}

fn sample(row: &[&str]) -> Result<Sample, Broken> {
    Ok(Sample {
        id: cell(row, 0).to_owned(),
        vendor: vendor_of(cell(row, 1))?.to_owned(),
        content: cell(row, 5).to_owned(),
    })
}

/// The codes of chapter 1.9, which has one table; several stand in one row with `/` between them.
fn codes(page: &str) -> Vec<String> {
    let chapter = page.lines().skip_while(|line| !line.starts_with("## 1.9 ")).skip(1);
    let table = chapter.take_while(|line| !line.starts_with('#')).filter_map(|line| line.strip_prefix("| "));
    let cells = table.filter_map(|row| row.split(" |").next()).flat_map(|cell| cell.split('/'));
    cells.filter(|code| code.parse::<u16>().is_ok()).map(str::to_owned).collect()
}

/// The id with which a table row, a list item or a heading begins.
fn row_id(line: &str) -> Option<String> {
    let mut words = line.split(' ');
    words.next().filter(|mark| matches!(*mark, "|" | "-" | "#"))?;
    Some(words.next()?.trim_end_matches('.').to_owned())
}

/// The traps are the rows of the tables that begin with one: `| AT-38 | …`.
fn traps(page: &str) -> Result<Vec<Trap>, Broken> {
    let mut traps = Vec::new();
    for line in page.lines() {
        let id = line.strip_prefix("| ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let Some((prefix, number)) = id.split_once('-').filter(|(prefix, _)| matches!(*prefix, "AI" | "AT")) else {
            continue;
        };
        if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit()) {
            return Err(Broken::new(format!("docs/contract/contract.md: {id} is no trap's number")));
        }
        traps.push(Trap { id: id.to_owned(), vendor: vendor_of(prefix)?.to_owned() });
    }
    Ok(traps)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) const FIELDS: &str = "id\tvendor\tendpoint\tdir\tpath\ttype\tmaxlen\treq\tnote\n\
        F-001\tidentity.TM\tPUT /putOrder\treq\tRef\tS\t100\tN\t\n\
        F-002\tidentity.TM\tPUT /putOrder\tresp\tOrderID\tS\t20\tY\t\n\
        F-003\tidentify24\tPOST /auth\treq\tPARTNER\tS\t\tY\t\n";
    pub(crate) const STATUSES: &str = "code\ta\tb\tc\td\te\tf\tg\th\n3\t\t\t\t\t\t\t\t\n6\t\t\t\t\t\t\t\t\n";
    pub(crate) const SAMPLES: &str = "id\tdocument\tlines\tsection\tkind\tcontent\tvalid_json\tnote\n\
        S-001\tI\t1\t\turl\tPOST x\tn/a\t\nS-002\tT\t1\t\tjson\torder\tyes\t\n";
    pub(crate) const PAGE: &str = "## 1.9 HTTP codes\n| code | what |\n|---|---|\n| 200 | x |\n| 500/502 | y |\n# 6. More\n| id | what |\n|---|---|\n| 7 | z |\n| AI-01 | x | see AT-02 |\n# 7\n| AT-01 | x | y |\n| AT-02 | x | y |\n- M-03 x\n";

    #[test]
    fn the_four_files_are_read() {
        let contract = Contract::read(FIELDS, STATUSES, SAMPLES, PAGE).unwrap();
        assert_eq!(contract.fields.iter().map(|field| field.request).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(contract.statuses, ["3", "6"]);
        assert_eq!(contract.codes, ["200", "500", "502"]);
        assert_eq!(
            contract.samples.iter().map(|sample| &*sample.vendor).collect::<Vec<_>>(),
            ["identify24", "identity.TM"]
        );
        assert_eq!(contract.traps.iter().map(|trap| &*trap.id).collect::<Vec<_>>(), ["AI-01", "AT-01", "AT-02"]);
        assert!(["AT-02", "M-03", "6"].into_iter().all(|row| contract.rows.contains(row)), "{:?}", contract.rows);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_broken_rather_than_content() {
        let broken =
            |fields: &str, page: &str| Contract::read(fields, STATUSES, SAMPLES, page).unwrap_err().to_string();
        assert!(broken(&format!("{FIELDS}F-004\tidentity.TM\n"), PAGE).contains("fields.tsv:5 has 2 columns"));
        assert!(broken(&FIELDS.replace("\treq\t", "\tup\t"), PAGE).contains("no direction"));
        assert!(broken(FIELDS, &PAGE.replace("AT-02 |", "AT-two |")).contains("AT-two"));
        assert!(broken("heading\n", PAGE).contains("is empty"));
        assert!(broken(FIELDS, "").contains("is empty"));
        assert!(broken(FIELDS, &PAGE.replace("## 1.9", "## 1.8")).contains("is empty"));
    }
}
