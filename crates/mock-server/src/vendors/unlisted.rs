//! Elements of requests that the document does not list: probably misspelled ones.

use identkit_core::Violation;
use identkit_wire::Extra;

use crate::rules::Rule;

/// An object of a request: its place, its unlisted elements, and the names that the document lists.
pub(super) type Part<'a> = (&'static str, &'a Extra, &'static [&'static str]);

/// Returns the listed name that a name is nearly equal to: up to two letters differ, or only upper and lower case and
/// separators.
pub(super) fn nearest(name: &str, listed: &[&'static str]) -> Option<&'static str> {
    let plain = |name: &str| name.replace(['_', '-', ' '], "").to_lowercase();
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

/// Maximum number of unlisted elements of a request for which the nearest listed name is looked for: the search takes long,
/// and other calls wait for it.
const MOST: usize = 100;

/// Whether a part has an element whose name is not nearly a listed one. Of many elements, not all are compared.
#[cfg(any(feature = "identity-tm", test))]
pub(super) fn has_unknown(extra: &Extra, listed: &[&'static str]) -> bool {
    extra.len() > MOST || extra.keys().any(|name| nearest(name, listed).is_none())
}

/// Returns a warning for each element whose name is nearly a listed one, among the first unlisted elements of the request.
/// Other unlisted elements are not reported: their names can be personal data.
pub(super) fn misspelled<'a>(parts: impl IntoIterator<Item = Part<'a>>, rule: &Rule) -> Vec<Violation> {
    let mut found = Vec::new();
    let names =
        parts.into_iter().flat_map(|(place, extra, listed)| extra.keys().map(move |name| (place, name, listed)));
    for (place, name, listed) in names.take(MOST) {
        let Some(nearest) = nearest(name, listed) else { continue };
        let field = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        let message = format!("is not in the document and has no effect; did you mean `{nearest}`?");
        found.push(rule.violation(field, message, rule.section));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_elements_are_compared_with_the_listed_ones() {
        const LISTED: &[&str] = &["Ref"];
        let (mut extra, mut nearly) = (Extra::default(), Extra::default());
        extra.extend((0..MOST + 5).map(|index| (format!("Re{index:04}"), 1.into())));
        nearly.extend((0..MOST).map(|index| (format!("ref{}", "_".repeat(index + 1)), 1.into())));
        let rule = &Rule::new(crate::rules::Source::Sandbox, "M-08", "sandbox", "A rule");
        assert_eq!(misspelled([("", &nearly, LISTED), ("", &nearly, LISTED)], rule).len(), MOST);
        assert!(misspelled([("", &extra, LISTED), ("", &nearly, LISTED)], rule).is_empty());
        assert!(has_unknown(&extra, LISTED) && !has_unknown(&nearly, LISTED));
    }

    #[test]
    fn only_names_that_are_nearly_listed_have_a_nearest_name() {
        const LISTED: [&str; 6] = ["WebhookURL", "RedirectURL", "Ref", "Email", "person_first_name", "Mobile"];
        for (name, expected) in [
            ("WebhookUrl", Some("WebhookURL")),
            ("Webhook_URL", Some("WebhookURL")),
            ("WebhookURLs", Some("WebhookURL")),
            ("WebohokUR", Some("WebhookURL")),
            ("RedirctUrl", Some("RedirectURL")),
            ("ref", Some("Ref")),
            ("Reff", Some("Ref")),
            ("EMail", Some("Email")),
            ("PersonFirstName", Some("person_first_name")),
            ("Reference", None),
            ("Erika", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &LISTED), expected, "{name}");
        }
        assert_eq!(nearest("Ref", &[]), None);
    }
}
