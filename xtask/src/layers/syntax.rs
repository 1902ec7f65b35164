//! Helpers for parsed source files.

pub(crate) fn parse(path: &str, text: &str) -> Result<syn::File, String> {
    syn::parse_file(text).map_err(|error| format!("parsing {path}:{}: {error}", error.span().start().line))
}

/// Whether an attribute marks its item as test code: `#[test]`, `#[cfg(test)]`, `#[cfg(all(test, unix))]`.
pub(crate) fn is_test(attribute: &syn::Attribute) -> bool {
    let last = attribute.path().segments.last().map(|segment| segment.ident.to_string());
    match (last.as_deref(), &attribute.meta) {
        (Some("test"), _) => true,
        (Some("cfg"), syn::Meta::List(list)) => {
            let condition = list.tokens.to_string();
            condition.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "test")
                && !condition.contains("not")
        }
        _ => false,
    }
}

pub(crate) fn is_test_item(item: &syn::Item) -> bool {
    parts(item).0.iter().any(is_test)
}

/// Returns the name of an item that a path can name, and whether it is a type.
pub(crate) fn name(item: &syn::Item) -> Option<(&syn::Ident, bool)> {
    parts(item).1
}

fn parts(item: &syn::Item) -> (&[syn::Attribute], Option<(&syn::Ident, bool)>) {
    match item {
        syn::Item::Const(item) => (&item.attrs, Some((&item.ident, false))),
        syn::Item::Fn(item) => (&item.attrs, Some((&item.sig.ident, false))),
        syn::Item::Static(item) => (&item.attrs, Some((&item.ident, false))),
        syn::Item::Enum(item) => (&item.attrs, Some((&item.ident, true))),
        syn::Item::Struct(item) => (&item.attrs, Some((&item.ident, true))),
        syn::Item::Trait(item) => (&item.attrs, Some((&item.ident, true))),
        syn::Item::Type(item) => (&item.attrs, Some((&item.ident, true))),
        syn::Item::Union(item) => (&item.attrs, Some((&item.ident, true))),
        syn::Item::Macro(item) => (&item.attrs, item.ident.as_ref().map(|name| (name, false))),
        syn::Item::Impl(item) => (&item.attrs, None),
        syn::Item::Mod(item) => (&item.attrs, None),
        syn::Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}
