//! The vendors' ids of cases, in JSON and for searches.

use crate::providers::{CALLABLE, ID_KINDS};

/// Returns the member that holds the vendor's id of a case: the vendor's own name of it in lower case, or `case_id`
/// for a provider without one.
pub(crate) fn member(provider: &str) -> String {
    match ID_KINDS.iter().find(|kind| kind.created_by.provider == provider) {
        Some(kind) => snake_case(kind.name),
        None => "case_id".to_owned(),
    }
}

/// Returns the names of all providers.
pub(crate) fn providers() -> impl Iterator<Item = &'static str> {
    let known = ID_KINDS.iter().map(|kind| kind.created_by.provider);
    known.chain(CALLABLE.iter().map(|provider| provider.name))
}

fn snake_case(name: &str) -> String {
    let (mut words, mut after_small) = (String::new(), false);
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_small {
            words.push('_');
        }
        after_small = c.is_ascii_lowercase();
        words.push(c.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_has_its_name_of_the_id() {
        let names: Vec<(&str, String)> = providers().map(|name| (name, member(name))).collect();
        let expected = [("identity-tm", "order_id".to_owned()), ("identify24", "ident_id".to_owned())];
        assert_eq!(names.get(..2), Some(&expected[..]));
        assert_eq!(member("other"), "case_id");
    }
}
