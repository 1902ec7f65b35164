//! Misspelled names in a JSON input. The client sends unlisted elements unchanged, so a misspelled one has no effect.

use serde_json::Value;

/// The names of an object: its place and the names that the document lists. `*` in a place is any name.
pub(crate) type Listed = (&'static str, &'static [&'static str]);

/// A note for each name that is nearly a listed one. Other names are not reported: they can be personal data.
pub(crate) fn notes(json: &[u8], listed: &[Listed]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Ok(value) = serde_json::from_slice(json) {
        collect(&value, "", "", listed, &mut notes);
    }
    notes
}

/// `place` is the name of the object in messages, `pattern` its place in the list.
fn collect(value: &Value, place: &str, pattern: &str, listed: &[Listed], notes: &mut Vec<String>) {
    match value {
        Value::Array(many) => many.iter().for_each(|one| collect(one, place, pattern, listed, notes)),
        Value::Object(members) => {
            let names = listed.iter().find(|(known, _)| *known == pattern).map(|(_, names)| *names);
            let below =
                |base: &str, name: &str| if base.is_empty() { name.to_owned() } else { format!("{base}.{name}") };
            for (name, member) in members {
                if let Some(names) = names.filter(|names| !names.contains(&name.as_str()))
                    && let Some(nearest) = nearest(name, names)
                {
                    let name = below(place, name);
                    notes.push(format!("{name} is not in the document and has no effect; did you mean {nearest}?"));
                }
                let any = below(pattern, "*");
                let is_any = listed.iter().any(|(known, _)| *known == any);
                let pattern = if is_any { any } else { below(pattern, name) };
                collect(member, &below(place, name), &pattern, listed, notes);
            }
        }
        _ => {}
    }
}

/// The listed name that a name is nearly equal to: up to two letters differ, or only case and separators.
fn nearest(name: &str, listed: &[&'static str]) -> Option<&'static str> {
    let plain = |name: &str| name.replace(['_', '-', ' '], "").to_lowercase();
    let wanted = plain(name);
    let distances = listed.iter().map(|listed| (strsim::damerau_levenshtein(&wanted, &plain(listed)), *listed));
    let (distance, nearest) = distances.min()?;
    // In a short name, two other letters make another word.
    let most = if nearest.len() > 5 { 2 } else { 1 };
    (distance <= most).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &[Listed] = &[
        ("", &["WebhookURL", "Ref", "Files", "Extra"]),
        ("WebhookURL", &["AfterVideo", "OnFinal"]),
        ("Files", &["Name"]),
        ("Extra.*", &["Comment"]),
    ];

    #[test]
    fn a_misspelled_name_is_reported_with_its_place() {
        let json = br#"{"WebhookUrl":{"AfterVideo":1},"WebhookURL":{"onFinal":1},"Files":[{"Name":1},{"name":1}],
                        "Extra":{"anything":{"Coment":1}},"ref":1,"Erika":1,"Reference":1}"#;
        let notes = notes(json, LISTED);
        let words: Vec<(&str, &str)> =
            notes.iter().map(|note| (note.split(' ').next().unwrap(), note.rsplit(' ').next().unwrap())).collect();
        let mut words = words;
        words.sort_unstable();
        let expected = [
            ("Extra.anything.Coment", "Comment?"),
            ("Files.name", "Name?"),
            ("WebhookURL.onFinal", "OnFinal?"),
            ("WebhookUrl", "WebhookURL?"),
            ("ref", "Ref?"),
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn a_text_that_is_not_json_gives_no_note() {
        assert!(notes(b"{", LISTED).is_empty() && notes(b"[1]", LISTED).is_empty());
    }
}
