//! The rows of `docs/contract/fields.tsv`, and the position of each in a JSON body.

use std::collections::BTreeSet;
use std::sync::OnceLock;

pub(crate) const IDENTITY_TM: &str = "identity.TM";
pub(crate) const IDENTIFY24: &str = "identify24";

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A named element.
    Key(String),
    /// An element of an array.
    Item,
    /// An element whose name the integrator chooses.
    Name,
}

/// The name that generated bodies use where the integrator chooses it.
pub(crate) const CHOSEN: &str = "detail";

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) vendor: &'static str,
    pub(crate) endpoint: String,
    pub(crate) request: bool,
    pub(crate) path: String,
    /// Type as printed: `S`, `N`, `B`, `O`, `A`, `DS`, `DTS`, `PN`, or several of them.
    pub(crate) kind: String,
    /// Maximum length in characters; of the element's name if `of_name`.
    pub(crate) max: Option<usize>,
    pub(crate) of_name: bool,
    /// Whether the element is printed as required, or cannot be left out.
    pub(crate) required: bool,
    /// Whether the element is printed only in an example or in the changelog.
    pub(crate) aside: bool,
    pub(crate) note: String,
    pub(crate) steps: Vec<Step>,
}

impl Row {
    /// Whether the element contains other elements.
    pub(crate) fn is_container(&self) -> bool {
        matches!(self.kind.as_str(), "O" | "A" | "O/A" | "O (A)" | "")
    }

    /// The last name of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap().trim_end_matches("[]")
    }

    /// The path of the enclosing object.
    pub(crate) fn parent(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }

    /// Whether the note says that this element wraps the whole body.
    pub(crate) fn is_wrapper(&self) -> bool {
        self.note.starts_with("wrapper")
    }
}

/// All rows of both vendors.
pub(crate) fn all() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| parse(include_str!("../../../../../docs/contract/fields.tsv")))
}

/// All rows of a vendor.
pub(crate) fn rows_of(vendor: &str) -> impl Iterator<Item = &'static Row> {
    all().iter().filter(move |row| row.vendor == vendor)
}

/// The row with this id.
pub(crate) fn row(id: &str) -> &'static Row {
    all().iter().find(|row| row.id == id).unwrap()
}

/// All rows of the same endpoint and direction, in order, including this one.
pub(crate) fn siblings(row: &Row) -> impl Iterator<Item = &'static Row> {
    let (endpoint, request) = (row.endpoint.clone(), row.request);
    rows_of(row.vendor).filter(move |other| other.endpoint == endpoint && other.request == request)
}

/// The endpoints of identity.TM with bodies in one direction.
pub(crate) fn endpoints(request: bool) -> BTreeSet<&'static str> {
    rows_of(IDENTITY_TM).filter(|row| row.request == request).map(|row| &*row.endpoint).collect()
}

fn parse(table: &'static str) -> Vec<Row> {
    let mut rows: Vec<Row> = table.lines().skip(1).map(read).collect();
    for wrapper in rows.iter_mut().filter(|row| row.is_wrapper()) {
        wrapper.steps.insert(0, Step::Item);
    }
    // Rows of array elements that are written without brackets: `Hashes.<Name>`.
    let arrays: Vec<_> = rows
        .iter()
        .filter(|row| row.kind == "A")
        .map(|row| (row.endpoint.clone(), row.request, row.steps.clone()))
        .collect();
    for row in &mut rows {
        for (endpoint, request, steps) in &arrays {
            let inside = row.steps.len() > steps.len() && row.steps.starts_with(steps);
            if inside && *endpoint == row.endpoint && *request == row.request && row.steps[steps.len()] != Step::Item {
                row.steps.insert(steps.len(), Step::Item);
            }
        }
    }
    rows
}

fn read(line: &'static str) -> Row {
    let columns: Vec<&str> = line.split('\t').collect();
    let [id, vendor, endpoint, direction, path, kind, max, required, note] = columns[..] else {
        panic!("a row of the contract has {} columns: {line}", columns.len());
    };
    Row {
        id: id.to_owned(),
        vendor,
        endpoint: endpoint.to_owned(),
        request: match direction {
            "req" => true,
            // The sandbox sends webhooks, like responses.
            "resp" | "in" => false,
            other => panic!("{id}: unknown direction {other}"),
        },
        path: path.to_owned(),
        kind: kind.to_owned(),
        max: max.split(' ').next().filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()),
        of_name: max.ends_with("(name)"),
        required: matches!(required, "Y" | "Y*" | "N (Y*)"),
        aside: matches!(required, "(example)" | "(changelog)"),
        note: note.to_owned(),
        steps: steps(path),
    }
}

fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let name = part.trim_end_matches("[]");
        if name.starts_with('<') {
            steps.push(Step::Name);
        } else if !name.is_empty() {
            steps.push(Step::Key(name.to_owned()));
        }
        if part.ends_with("[]") {
            steps.push(Step::Item);
        }
    }
    steps
}

/// The path as the readers' errors write it: `[0]` for an array element, `*` for a chosen name.
pub(crate) fn path_text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let part = match step {
            Step::Key(name) => name,
            Step::Item => "[0]",
            Step::Name => "*",
        };
        if !text.is_empty() && *step != Step::Item {
            text.push('.');
        }
        text.push_str(part);
    }
    text
}

#[test]
fn paths_are_parsed_into_steps() {
    let at = |id: &str| path_text(&row(id).steps);
    assert_eq!(at("F-110"), "Address.Firstname");
    assert_eq!(at("F-148"), "IdentData.Additional.*.Type");
    assert_eq!(at("F-172"), "MultiSignOptions.SignParameters[0].Filename");
    assert_eq!(at("F-240"), "Hashes[0].*");
    assert_eq!(at("F-256"), "[0].Status[0].Kind");
    assert_eq!(at("F-235"), "IdentData.Images[0].Image");
}
