//! `cargo xtask growth`: checks that a public type of a library can grow without breaking its users, as README.md
//! promises.
//!
//! - A public enum is `#[non_exhaustive]`.
//! - A public struct of which all fields are public is `#[non_exhaustive]`, or it has a `Default`, so that a literal
//!   can end in `..Default::default()`.
//! - A `#[non_exhaustive]` struct has a `Default` or a constructor if others create it.
//! - [`COMPLETE`] and [`RETURNED`] list every exception with its reason.
//!
//! It reads the sources of the published libraries without the code that macros generate.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use crate::finding::Verdict;
use crate::layers::syntax::{is_test, is_test_item, parse};
use crate::workspace::Workspace;

/// Exhaustive types, and why they will not grow.
const COMPLETE: &[(&str, &str)] = &[
    ("core::CaseRef", "its opaque state is the provider's to extend"),
    ("core::Delivery", "a request was sent, not sent, or perhaps sent"),
    ("core::Document", "a name and its content"),
    ("core::Window", "a begin and an end"),
    ("identity-tm::IdentDataBody", "the document's JSON, or anything else"),
    ("identity-tm::OrderCallback", "the sandbox must send each webhook of the document"),
    ("identity-tm::OrderFlavor", "a caller must decide what ends each kind of order"),
    ("identity-tm::SignedPdfs", "one document, or several"),
    ("mock-server::Scope", "docs/rules.md must name each"),
    ("mock-server::Switchable", "a rule can be switched off or not"),
    ("mock-server::Timer", "the key of a timer"),
    ("mock-server::Unit", "a limit counts statuses or orders"),
    ("store::Arrival", "an engine must say either"),
    ("store::CaseRow", "an engine must store every column"),
    ("store::Change", "an engine must store every column"),
    ("store::EntryRow", "an engine must store every column"),
    ("store::EventRow", "an engine must store every column"),
    ("store::Held", "the key of a claim"),
    ("store::Lease", "the key of a claim"),
    ("store::NewCaseRow", "an engine must store every column"),
    ("store::RecordRow", "an engine must store every column"),
    ("store::SealedRow", "an engine must store every column"),
    ("store::TokenRow", "an engine must store every column"),
    ("wire::AmbiguityPolicy", "the engine must decide for each"),
    ("wire::Answer", "the engine must judge each"),
    ("wire::Blob", "a writer must handle each form"),
    ("wire::BodyMode", "the engine must read each"),
    ("wire::Node", "JSON has no other values"),
    ("wire::OneOrMany", "one value, or several"),
    ("wire::Part", "a transport must send each"),
    ("wire::Piece", "a reader must handle each piece of a file"),
    ("wire::Received", "a decoder must handle both forms of a body"),
    ("wire::RetrySafety", "the engine must decide for each"),
    ("wire::TextFault", "the command line words each"),
];

/// `#[non_exhaustive]` structs that only identkit creates, without a constructor, and what returns them.
const RETURNED: &[(&str, &str)] = &[
    ("core::FoundId", "Error::salvaged_ids"),
    ("identity-tm::StatusText", "CATALOGUE"),
    ("identity-tm::VideoDownload", "IdentityTm::save_video"),
    ("mock-server::Advanced", "Sandbox::advance"),
    ("mock-server::Answer", "the journal"),
    ("mock-server::Attempt", "Sandbox::deliveries"),
    ("mock-server::DeliveryAttempt", "the journal"),
    ("mock-server::Difference", "the journal"),
    ("mock-server::Entry", "the journal"),
    ("mock-server::InjectedRule", "Sandbox::faults"),
    ("mock-server::NearMiss", "the journal"),
    ("store::Case", "Store::case"),
    ("store::StoredEntry", "Store::entries"),
    ("store::StoredEvent", "Store::events"),
    ("store::StoredResponse", "Store::responses"),
    ("store::UnreadableEvent", "Store::event_page"),
    ("transport::AttemptReport", "Observer"),
    ("transport::CallInfo", "Observer"),
    ("transport::CallReport", "Observer"),
    ("transport::StreamReport", "Observer"),
    ("wire::JsonFault", "the JSON reader"),
];

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let mut types = Vec::new();
    for package in ws.metadata()?.workspace_packages() {
        let is_library = package.targets.iter().any(|target| target.is_lib());
        let Some(folder) = package.manifest_path.parent().filter(|_| is_library && package.publish.is_none()) else {
            continue;
        };
        let folder = folder.strip_prefix(ws.root()).unwrap_or(folder).join("src");
        let sources = ws.read_all(|path| path.starts_with(folder.as_str()) && path.ends_with(".rs"))?;
        types.extend(read(package.name.trim_start_matches("identkit-"), &sources)?);
    }
    Ok(judge(&types, COMPLETE, RETURNED))
}

/// A public type whose fields or variants others can name.
struct Type {
    /// Crate and name, e.g. `core::Delivery`.
    name: String,
    /// File and line.
    place: String,
    is_enum: bool,
    non_exhaustive: bool,
    /// Whether it implements `Default`.
    has_default: bool,
    /// Whether it has a public function without `self` that returns it.
    has_constructor: bool,
}

fn judge(types: &[Type], complete: &[(&str, &str)], returned: &[(&str, &str)]) -> Vec<String> {
    let listed = |list: &[(&str, &str)], name: &str| list.iter().any(|(listed, _)| *listed == name);
    let mut findings = Vec::new();
    let (mut exhaustive, mut without_constructor) = (BTreeSet::new(), BTreeSet::new());
    for Type { name, place, is_enum, non_exhaustive, has_default, has_constructor } in types {
        match (is_enum, non_exhaustive) {
            (true, false) | (false, false) if *is_enum || !has_default => {
                exhaustive.insert(name.as_str());
                if !listed(complete, name) {
                    let instead = if *is_enum { "" } else { " (with a constructor or a Default)" };
                    findings.push(format!(
                        "{place} `{name}` cannot grow without breaking its users: make it #[non_exhaustive]{instead}, or list it in xtask/src/growth.rs with the reason"
                    ));
                }
            }
            (false, true) if !has_default && !has_constructor => {
                without_constructor.insert(name.as_str());
                if !listed(returned, name) {
                    findings.push(format!(
                        "{place} others cannot create `{name}`: add a constructor or a Default, or list it in xtask/src/growth.rs with what returns it"
                    ));
                }
            }
            _ => {}
        }
    }
    for (list, found, name) in [(complete, &exhaustive, "COMPLETE"), (returned, &without_constructor, "RETURNED")] {
        let outdated = list.iter().filter(|(listed, _)| !found.contains(listed));
        findings.extend(
            outdated.map(|(listed, _)| {
                format!("`{listed}` needs no exception: remove it from {name} in xtask/src/growth.rs")
            }),
        );
    }
    findings
}

/// Reads the types of one crate.
fn read(krate: &str, sources: &[(String, String)]) -> Result<Vec<Type>, String> {
    let mut found = Found::default();
    for (path, text) in sources {
        let file = parse(path, text)?;
        if !file.attrs.iter().any(is_test) {
            found.path.clone_from(path);
            found.visit_file(&file);
        }
    }
    let Found { mut types, defaults, constructors, .. } = found;
    for each in &mut types {
        each.has_default |= defaults.contains(&each.name);
        each.has_constructor = constructors.contains(&each.name);
        each.name = format!("{krate}::{}", each.name);
    }
    types.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(types)
}

#[derive(Default)]
struct Found {
    path: String,
    types: Vec<Type>,
    /// Types with an `impl Default`.
    defaults: BTreeSet<String>,
    constructors: BTreeSet<String>,
}

impl Found {
    fn add(&mut self, name: &syn::Ident, attributes: &[syn::Attribute], is_enum: bool) {
        let has = |what: &str| attributes.iter().any(|attribute| attribute.path().is_ident(what));
        let derives = |attribute: &syn::Attribute| match &attribute.meta {
            syn::Meta::List(list) if list.path.is_ident("derive") => {
                list.tokens.clone().into_iter().any(|token| token.to_string() == "Default")
            }
            _ => false,
        };
        self.types.push(Type {
            name: name.to_string(),
            place: format!("{}:{}", self.path, name.span().start().line),
            is_enum,
            non_exhaustive: has("non_exhaustive"),
            has_default: attributes.iter().any(derives),
            has_constructor: false,
        });
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if is_public(&item.vis) && !item.variants.is_empty() {
            self.add(&item.ident, &item.attrs, true);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let syn::Fields::Named(fields) = &item.fields else { return };
        if is_public(&item.vis) && !fields.named.is_empty() && fields.named.iter().all(|field| is_public(&field.vis)) {
            self.add(&item.ident, &item.attrs, false);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let Some(of) = last_name(&item.self_ty) else { return };
        match &item.trait_ {
            Some((path, _)) if path.segments.last().is_some_and(|last| last.ident == "Default") => {
                self.defaults.insert(of);
            }
            Some(_) => {}
            None => {
                let creates = item.items.iter().any(|function| match function {
                    syn::ImplItem::Fn(function) => {
                        is_public(&function.vis)
                            && function.sig.receiver().is_none()
                            && returns(&function.sig.output, &of)
                    }
                    _ => false,
                });
                if creates {
                    self.constructors.insert(of);
                }
            }
        }
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn last_name(of: &syn::Type) -> Option<String> {
    match of {
        syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}

/// Whether a function returns the type, also in a `Result` or an `Option`.
fn returns(output: &syn::ReturnType, of: &str) -> bool {
    struct Names<'a>(&'a str, bool);
    impl<'ast> Visit<'ast> for Names<'_> {
        fn visit_ident(&mut self, name: &'ast proc_macro2::Ident) {
            self.1 |= name == "Self" || name == self.0;
        }
    }
    let mut names = Names(of, false);
    names.visit_return_type(output);
    names.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(code: &str, complete: &[(&str, &str)], returned: &[(&str, &str)]) -> Vec<String> {
        let sources = [("crates/core/src/lib.rs".to_owned(), code.to_owned())];
        judge(&read("core", &sources).unwrap(), complete, returned)
    }

    #[test]
    fn a_type_that_cannot_grow_is_found() {
        for code in [
            "pub enum One { A }",
            "pub struct One { pub a: u8 }",
            "mod inner { pub struct One { pub a: u8 } }",
            "pub struct One { pub a: u8 } impl One { pub fn new() -> Self { Self { a: 1 } } }",
            "#[derive(Default)] pub enum One { #[default] A }",
        ] {
            let found = findings(code, &[], &[]);
            let place = "crates/core/src/lib.rs:1 `core::One` cannot grow";
            assert!(matches!(&found[..], [one] if one.starts_with(place)), "{code}: {found:?}");
            assert_eq!(findings(code, &[("core::One", "complete")], &[]), [""; 0], "{code}");
        }
    }

    #[test]
    fn a_non_exhaustive_struct_without_a_constructor_is_found() {
        for code in [
            "#[non_exhaustive] pub struct One { pub a: u8 }",
            "#[non_exhaustive] pub struct One { pub a: u8 } impl One { pub fn a(&self) -> Self { Self { a: 1 } } }",
            "#[non_exhaustive] pub struct One { pub a: u8 } impl One { fn new() -> Self { Self { a: 1 } } }",
        ] {
            let found = findings(code, &[], &[]);
            assert!(matches!(&found[..], [one] if one.contains("others cannot create `core::One`")), "{found:?}");
            assert_eq!(findings(code, &[], &[("core::One", "Client::one")]), [""; 0], "{code}");
        }
    }

    #[test]
    fn types_that_can_grow_and_private_ones_are_accepted() {
        for code in [
            "#[non_exhaustive] pub enum One { A }",
            "#[derive(Clone, Default)] pub struct One { pub a: u8 }",
            "pub struct One { pub a: u8 } impl Default for One { fn default() -> Self { Self { a: 1 } } }",
            "pub struct One { pub a: u8, b: u8 }",
            "pub struct One(pub u8);",
            "pub enum Never {}",
            "pub(crate) enum One { A } struct Two { pub a: u8 }",
            "#[non_exhaustive] pub struct One { pub a: u8 } impl One { pub fn new() -> Result<Self, u8> { Err(1) } }",
            "#[non_exhaustive] pub struct One<T> { pub a: T } impl<T> One<T> { pub fn new(a: T) -> One<T> { One { a } } }",
            "#[cfg(test)] mod tests { pub enum One { A } }",
        ] {
            assert_eq!(findings(code, &[], &[]), [""; 0], "{code}");
        }
    }

    #[test]
    fn an_exception_that_is_not_needed_is_found() {
        let found = findings("#[non_exhaustive] pub enum One { A }", &[("core::One", "")], &[("core::Two", "")]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.concat().contains("`core::One` needs no exception: remove it from COMPLETE"));
        assert!(found.concat().contains("`core::Two` needs no exception: remove it from RETURNED"));
    }
}
