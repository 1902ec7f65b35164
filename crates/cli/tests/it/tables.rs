//! Tables in a pipe: a script needs the same columns for every response.

use crate::support::{ORDER, Server, Vendor};
use serde_json::{Value, json};

/// The first line, and the number of cells of each line that has several.
fn columns(line: &str, body: &Value) -> (String, Vec<usize>) {
    let output = Server::json("200 OK", body.to_string()).run(line).ends_with(0, &[]).stdout.clone();
    let cells = output.lines().map(|line| line.split('\t').count()).filter(|count| *count > 1).collect();
    (output.lines().next().unwrap().to_owned(), cells)
}

#[test]
fn the_columns_of_a_piped_list_do_not_depend_on_its_data() {
    let header = "OrderID\tRef\tTime\tKind\tMeaning\tText\tVerdict";
    for order in [
        json!({ "OrderID": ORDER }),
        json!({ "OrderID": ORDER, "Ref": "my-ref", "Status": [{ "Kind": 6, "Text": "checked" }] }),
        json!({ "OrderID": ORDER, "Status": [{ "Kind": 6, "Time": "2020-09-10T12:00:00+02:00" }] }),
    ] {
        let shown = columns("tm statuses --from 2020-09-10 --to 2020-09-11", &json!([order]));
        assert_eq!(shown, (header.to_owned(), vec![7, 7]), "{order}");
    }
}

#[test]
fn the_columns_of_the_data_of_one_result_are_fixed() {
    let entry = |kind: u8| json!({ "Type": kind, "Surname": "Mustermann" });
    for data in [json!([entry(1)]), json!([entry(1), entry(2)]), json!([entry(2)])] {
        let shown = columns(&format!("tm ident-data {ORDER}"), &json!({ "OrderID": ORDER, "IdentData": data }));
        assert_eq!(shown, ("Element\tChecked\tGiven".to_owned(), vec![3, 3]), "{data}");
    }
}
