//! Misspelled and misplaced names in a JSON input. The client sends unlisted elements unchanged, so they have no effect.

use serde_json::Value;

/// The names of an object: its place and the names that the document lists. `*` in a place is any name.
pub(crate) type Listed = (&'static str, &'static [&'static str]);

/// Names that other vendors or this workspace have for something, without case and separators, and the advice about them:
/// the end of a note.
pub(crate) type Foreign = (&'static [&'static str], &'static str);

/// The names that a vendor has, and those that it does not have.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) listed: &'a [Listed],
    pub(crate) foreign: &'a [Foreign],
}

/// A note for each name that is nearly a listed one, is listed at another place, or is a foreign one. Other names are not
/// reported: they can be personal data.
pub(crate) fn notes(json: &[u8], names: Names<'_>) -> Vec<String> {
    let mut notes = Notes { texts: Vec::new(), searched: 0 };
    if let Ok(value) = serde_json::from_slice(json) {
        collect(&value, "", "", names, &mut notes);
    }
    if notes.searched > MOST {
        let rest = notes.searched - MOST;
        let text = format!("{rest} more names are not in the document; they were not checked for misspelled ones");
        notes.texts.push(text);
    }
    notes.texts
}

/// Maximum number of names that the document does not list for which the nearest listed one is looked for: the search
/// takes long.
const MOST: usize = 100;

struct Notes {
    texts: Vec<String>,
    /// Number of names that the document does not list.
    searched: usize,
}

/// `place` is the name of the object in messages, `pattern` its place in the list.
fn collect(value: &Value, place: &str, pattern: &str, known: Names<'_>, notes: &mut Notes) {
    match value {
        Value::Array(many) => many.iter().for_each(|one| collect(one, place, pattern, known, notes)),
        Value::Object(members) => {
            let listed = known.listed;
            let names = listed.iter().find(|(known, _)| *known == pattern).map(|(_, names)| *names);
            for (name, member) in members {
                if let Some(names) = names.filter(|names| !names.contains(&name.as_str())) {
                    notes.searched += 1;
                    if notes.searched <= MOST
                        && let Some(advice) = advice(name, names, known)
                    {
                        let name = below(place, name);
                        notes.texts.push(format!("{name} is not in the document and has no effect{advice}"));
                    }
                }
                let any = below(pattern, "*");
                let is_any = listed.iter().any(|(known, _)| *known == any);
                let pattern = if is_any { any } else { below(pattern, name) };
                collect(member, &below(place, name), &pattern, known, notes);
            }
        }
        _ => {}
    }
}

fn below(base: &str, name: &str) -> String {
    if base.is_empty() { name.to_owned() } else { format!("{base}.{name}") }
}

/// The end of the note on a name that its object, which has `names`, does not list.
fn advice(name: &str, names: &[&'static str], known: Names<'_>) -> Option<String> {
    let meant = |name: &str| format!("; did you mean {name}?");
    if let Some(nearest) = nearest(name, names) {
        return Some(meant(nearest));
    }
    let wanted = plain(name);
    if let Some((_, advice)) = known.foreign.iter().find(|(foreign, _)| foreign.contains(&wanted.as_str())) {
        return Some((*advice).to_owned());
    }
    let same = |listed: &&&str| plain(listed) == wanted;
    known.listed.iter().find_map(|(place, names)| Some(meant(&below(place, names.iter().find(same)?))))
}

/// A name without case and separators.
fn plain(name: &str) -> String {
    name.replace(['_', '-', ' '], "").to_lowercase()
}

/// The listed name that a name is nearly equal to: up to two letters differ, or only case and separators.
pub(crate) fn nearest<'a>(name: &str, listed: &[&'a str]) -> Option<&'a str> {
    let wanted = plain(name);
    let length = wanted.chars().count();
    let plain = listed.iter().map(|listed| (plain(listed), *listed));
    // The distance is at least the difference in length, and takes long to calculate if a name is long.
    let similar = plain.filter(|(plain, _)| plain.len().abs_diff(length) <= 2);
    let distances = similar.map(|(plain, listed)| (strsim::damerau_levenshtein(&wanted, &plain), listed));
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
    const NAMES: Names<'_> = Names { listed: LISTED, foreign: &[(&["redirecturl"], ": nothing redirects")] };

    #[test]
    fn a_name_of_another_place_or_vendor_is_reported() {
        let json = br#"{"on_final":1,"redirect_URL":1,"WebhookURL":{"Name":1},"Files":[{"Ref":1,"Erika":1}]}"#;
        let mut notes = notes(json, NAMES);
        notes.sort_unstable();
        let expected = [
            "Files.Ref is not in the document and has no effect; did you mean Ref?",
            "WebhookURL.Name is not in the document and has no effect; did you mean Files.Name?",
            "on_final is not in the document and has no effect; did you mean WebhookURL.OnFinal?",
            "redirect_URL is not in the document and has no effect: nothing redirects",
        ];
        assert_eq!(notes, expected);
    }

    #[test]
    fn a_misspelled_name_is_reported_with_its_place() {
        let json = br#"{"WebhookUrl":{"AfterVideo":1},"WebhookURL":{"onFinal":1},"Files":[{"Name":1},{"name":1}],
                        "Extra":{"anything":{"Coment":1}},"ref":1,"Erika":1,"Reference":1}"#;
        let notes = notes(json, NAMES);
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
    fn only_the_first_names_are_compared_with_the_listed_ones() {
        let members: Vec<String> = (0..MOST + 7).map(|index| format!(r#""Re{index:03}":1"#)).collect();
        let found = notes(format!("{{{}}}", members.join(",")).as_bytes(), NAMES);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("7 more names are not in the document"), "{found:?}");
        let members: Vec<String> = (0..MOST).map(|index| format!(r#"{{"reF":{index}}}"#)).collect();
        let found = notes(format!("[{},{{\"RefX\":1}}]", members.join(",")).as_bytes(), NAMES);
        assert_eq!(found.len(), MOST + 1);
        assert!(found[MOST].starts_with("1 more names"), "{}", found[MOST]);
    }

    #[test]
    fn a_text_that_is_not_json_gives_no_note() {
        assert!(notes(b"{", NAMES).is_empty() && notes(b"[1]", NAMES).is_empty());
    }
}
