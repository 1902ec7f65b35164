//! The demands of the contract: fields, status codes, samples and traps, from `docs/contract/`.

use std::collections::BTreeSet;

pub(super) const VENDORS: [&str; 2] = ["identity.TM", "identify24"];

pub(super) struct Demand {
    /// Kind of evidence that is required, e.g. `sandbox-request`.
    pub(super) sort: &'static str,
    pub(super) id: String,
    pub(super) vendor: &'static str,
    /// Endpoint with direction, or another group.
    pub(super) group: String,
    /// Name in the output.
    pub(super) name: String,
}

impl Demand {
    /// The kind without direction: a field requires `typed`, `sandbox` and `test`.
    pub(super) fn what(&self) -> &'static str {
        self.sort.split('-').next().unwrap_or(self.sort)
    }
}

pub(super) struct Contract {
    pub(super) demands: Vec<Demand>,
    /// Ids of all rows, list items and chapters of `contract.md`: `AT-38`, `M-08`, `5`.
    pub(super) rows: BTreeSet<String>,
}

impl Contract {
    pub(super) fn read(fields: &str, statuses: &str, samples: &str, page: &str) -> Result<Self, String> {
        let mut demands = Vec::new();
        let mut add = |sort, id: &str, vendor, group: &str, name: String| {
            demands.push(Demand { sort, id: id.to_owned(), vendor, group: group.to_owned(), name });
        };
        for [id, vendor, endpoint, direction, path] in rows("fields.tsv", fields, [0, 1, 2, 3, 4])? {
            let vendor = VENDORS.into_iter().find(|known| *known == vendor).ok_or_else(|| {
                format!("docs/contract/fields.tsv names the unknown vendor {vendor}: add it to xtask/src/coverage/contract.rs")
            })?;
            let (sandbox, direction) = match direction {
                "req" => ("sandbox-request", "request"),
                // The sandbox sends a webhook, like a response.
                "resp" | "in" => ("sandbox-answer", "answer"),
                other => return Err(format!("docs/contract/fields.tsv: {other} is not a direction (req, resp, in)")),
            };
            for sort in ["typed", sandbox, "test"] {
                add(sort, id, vendor, &format!("{endpoint}, {direction}"), format!("{id} {path}"));
            }
        }
        for [code] in rows("status.tsv", statuses, [0])? {
            add("status", code, "identity.TM", "status codes", format!("status {code}"));
        }
        for code in codes(page) {
            add("code", code, "identify24", "HTTP codes", format!("HTTP {code}"));
        }
        for [id, letter, content] in rows("samples.tsv", samples, [0, 1, 5])? {
            add("sample", id, vendor_of(letter)?, "samples", format!("{id} {content}"));
        }
        for line in page.lines() {
            let id = line.strip_prefix("| ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            let Some((prefix, number)) = id.split_once('-').filter(|(prefix, _)| matches!(*prefix, "AI" | "AT")) else {
                continue;
            };
            if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit()) {
                return Err(format!("docs/contract/contract.md: {id} is not the id of a trap"));
            }
            add("trap", id, vendor_of(prefix)?, "traps", id.to_owned());
        }
        for sort in ["typed", "status", "code", "sample", "trap"] {
            if demands.iter().all(|demand| demand.sort != sort) {
                return Err(format!("docs/contract: nothing requires {sort}"));
            }
        }
        Ok(Self { demands, rows: page.lines().filter_map(row_id).collect() })
    }
}

/// Returns the vendor of a document's letter or a trap's prefix.
fn vendor_of(letter: &str) -> Result<&'static str, String> {
    match letter {
        "I" | "AI" => Ok("identify24"),
        "T" | "AT" => Ok("identity.TM"),
        other => Err(format!("docs/contract: no vendor has the letter {other}")),
    }
}

/// Returns these columns of each line below the heading. Each line must have as many columns as the heading.
fn rows<'a, const N: usize>(file: &str, text: &'a str, columns: [usize; N]) -> Result<Vec<[&'a str; N]>, String> {
    let width = text.lines().next().unwrap_or_default().split('\t').count();
    let read = |(number, line): (usize, &'a str)| {
        let row: Vec<&str> = line.split('\t').collect();
        if row.len() == width {
            Ok(columns.map(|column| row.get(column).copied().unwrap_or_default()))
        } else {
            Err(format!("docs/contract/{file}:{number} has {} columns instead of {width}", row.len()))
        }
    };
    (1..).zip(text.lines()).skip(1).map(read).collect()
}

/// Returns the codes in the table of chapter 1.9. A row can contain several, separated by `/`.
fn codes(page: &str) -> impl Iterator<Item = &str> {
    let chapter = page.lines().skip_while(|line| !line.starts_with("## 1.9 ")).skip(1);
    let table = chapter.take_while(|line| !line.starts_with('#')).filter_map(|line| line.strip_prefix("| "));
    let cells = table.filter_map(|row| row.split(" |").next()).flat_map(|cell| cell.split('/'));
    cells.filter(|code| code.parse::<u16>().is_ok())
}

/// Returns the id at the start of a table row, a list item or a heading.
fn row_id(line: &str) -> Option<String> {
    let mut words = line.split(' ');
    words.next().filter(|mark| matches!(*mark, "|" | "-" | "#"))?;
    Some(words.next()?.trim_end_matches('.').to_owned())
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
        let demands: Vec<_> = contract.demands.iter().map(|demand| (demand.sort, demand.id.as_str())).collect();
        let of_fields = [
            [("typed", "F-001"), ("sandbox-request", "F-001"), ("test", "F-001")],
            [("typed", "F-002"), ("sandbox-answer", "F-002"), ("test", "F-002")],
            [("typed", "F-003"), ("sandbox-request", "F-003"), ("test", "F-003")],
        ];
        let codes = [("status", "3"), ("status", "6"), ("code", "200"), ("code", "500"), ("code", "502")];
        let rest = [("sample", "S-001"), ("sample", "S-002"), ("trap", "AI-01"), ("trap", "AT-01"), ("trap", "AT-02")];
        assert_eq!(demands, [of_fields.concat(), codes.to_vec(), rest.to_vec()].concat());
        let samples = contract.demands.iter().filter(|demand| demand.sort == "sample");
        assert_eq!(samples.map(|demand| demand.vendor).collect::<Vec<_>>(), ["identify24", "identity.TM"]);
        assert!(["AT-02", "M-03", "6"].into_iter().all(|row| contract.rows.contains(row)), "{:?}", contract.rows);
    }

    #[test]
    fn an_invalid_file_is_an_error() {
        for (fields, page, expected) in [
            (&*format!("{FIELDS}F-004\tidentity.TM\n"), PAGE, "fields.tsv:5 has 2 columns"),
            (&FIELDS.replace("\treq\t", "\tup\t"), PAGE, "not a direction"),
            (&FIELDS.replace("identify24", "a third"), PAGE, "unknown vendor a third"),
            (FIELDS, &PAGE.replace("AT-02 |", "AT-two |"), "AT-two"),
            ("heading\n", PAGE, "nothing requires"),
            (FIELDS, "", "nothing requires"),
            (FIELDS, &PAGE.replace("## 1.9", "## 1.8"), "nothing requires"),
        ] {
            let broken = Contract::read(fields, STATUSES, SAMPLES, page).err().unwrap();
            assert!(broken.contains(expected), "{expected}: {broken}");
        }
    }
}
