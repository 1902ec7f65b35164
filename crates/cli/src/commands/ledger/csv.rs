//! Comma-separated values as in RFC 4180.

/// A line of values with its line break, which is LF, so that a terminal can show it. A value is quoted if it must be. One that a spreadsheet would take for a formula
/// gets an apostrophe.
pub(super) fn line(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("{}\n", values.join(","))
}

fn quoted(value: &str) -> String {
    let value = if value.starts_with(['=', '+', '-', '@']) { format!("'{value}") } else { value.to_owned() };
    match value.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_if_it_must_be() {
        let values = ["a", "a,b", "say \"a\"", "two\nlines", "=1+1", ""].map(str::to_owned);
        assert_eq!(line(&values), "a,\"a,b\",\"say \"\"a\"\"\",\"two\nlines\",'=1+1,\n");
    }
}
