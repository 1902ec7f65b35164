//! The rows of `docs/contract/fields.tsv`, and where each of them stands in a JSON text.

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

/// The name that generated texts have where the integrator chooses it.
pub(crate) const CHOSEN: &str = "detail";

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) vendor: &'static str,
    pub(crate) endpoint: String,
    pub(crate) request: bool,
    pub(crate) path: String,
    /// The type as it is printed: `S`, `N`, `B`, `O`, `A`, `DS`, `DTS`, `PN`, or several of them.
    pub(crate) kind: String,
    /// The most characters; `of_name` when they are the name's.
    pub(crate) most: Option<usize>,
    pub(crate) of_name: bool,
    /// Printed as required, or required by sense.
    pub(crate) required: bool,
    /// Printed in an example only, or in the changelog only.
    pub(crate) aside: bool,
    pub(crate) note: String,
    pub(crate) steps: Vec<Step>,
}

impl Row {
    /// Whether it holds other elements.
    pub(crate) fn is_container(&self) -> bool {
        matches!(self.kind.as_str(), "O" | "A" | "O/A" | "O (A)" | "")
    }

    /// The last name of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap().trim_end_matches("[]")
    }

    /// The path of the object that it stands in, without a dot at its end.
    pub(crate) fn parent(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }

    /// A wrapper round the other elements of the text, by its note.
    pub(crate) fn is_wrapper(&self) -> bool {
        self.note.starts_with("wrapper")
    }
}

/// Every row of both vendors.
pub(crate) fn all() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| parse(include_str!("../../../../../docs/contract/fields.tsv")))
}

/// Every row of a vendor.
pub(crate) fn of(vendor: &str) -> impl Iterator<Item = &'static Row> {
    all().iter().filter(move |row| row.vendor == vendor)
}

/// The row with this number.
pub(crate) fn row(id: &str) -> &'static Row {
    all().iter().find(|row| row.id == id).unwrap()
}

/// The rows of the same endpoint and direction, in their order.
pub(crate) fn beside(row: &Row) -> impl Iterator<Item = &'static Row> {
    let (endpoint, request) = (row.endpoint.clone(), row.request);
    of(row.vendor).filter(move |other| other.endpoint == endpoint && other.request == request)
}

/// The endpoints of one direction of identity.TM, each once.
pub(crate) fn endpoints(request: bool) -> BTreeSet<&'static str> {
    of(IDENTITY_TM).filter(|row| row.request == request).map(|row| &*row.endpoint).collect()
}

fn parse(table: &'static str) -> Vec<Row> {
    let mut rows: Vec<Row> = table.lines().skip(1).map(read).collect();
    for wrapper in rows.iter_mut().filter(|row| row.is_wrapper()) {
        wrapper.steps.insert(0, Step::Item);
    }
    // Elements of an array whose rows leave out its brackets: `Hashes.<Name>`.
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
    let [id, vendor, endpoint, direction, path, kind, most, required, note] = columns[..] else {
        panic!("a row of the contract has {} columns: {line}", columns.len());
    };
    Row {
        id: id.to_owned(),
        vendor,
        endpoint: endpoint.to_owned(),
        request: match direction {
            "req" => true,
            // A webhook is sent by the sandbox, like an answer.
            "resp" | "in" => false,
            other => panic!("{id}: {other} is no direction"),
        },
        path: path.to_owned(),
        kind: kind.to_owned(),
        most: most.split(' ').next().filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()),
        of_name: most.ends_with("(name)"),
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

/// The path as our readers tell it: `[0]` for an element of an array, `*` for a chosen name.
pub(crate) fn told(steps: &[Step]) -> String {
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
fn paths_are_taken_apart_as_they_stand_in_a_json_text() {
    let at = |id: &str| told(&row(id).steps);
    assert_eq!(at("F-110"), "Address.Firstname");
    assert_eq!(at("F-148"), "IdentData.Additional.*.Type");
    assert_eq!(at("F-172"), "MultiSignOptions.SignParameters[0].Filename");
    assert_eq!(at("F-240"), "Hashes[0].*");
    assert_eq!(at("F-256"), "[0].Status[0].Kind");
    assert_eq!(at("F-235"), "IdentData.Images[0].Image");
}
