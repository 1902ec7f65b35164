//! Crates of a few files that use each other in different ways.

use super::circles;

/// The findings of a crate of these files. The first one is the root.
fn findings_in(files: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<_> =
        files.iter().map(|(name, text)| (format!("crates/x/src/{name}.rs"), (*text).to_owned())).collect();
    circles(&sources).unwrap()
}

/// The findings of a crate with two modules, where `b` uses an item of `a`.
fn with(a: &str) -> Vec<String> {
    let a = format!("pub struct A; pub enum Kind {{ One }} {a}");
    findings_in(&[
        ("lib", "mod a; mod b; pub(crate) use b::{B, make}; pub mod prelude { pub use crate::b::*; }"),
        ("a", &a),
        (
            "b",
            "use crate::a::A; pub struct B(A); impl B { pub fn new() -> Self { B(A) } } pub fn make() {} macro_rules! call { () => {} } pub(crate) use call;",
        ),
    ])
}

#[test]
fn files_that_use_each_other_are_found_with_their_items() {
    let findings = with("\nfn use_it() { crate::b::make() }");
    assert_eq!(findings.len(), 1, "{findings:?}");
    let text = findings.concat();
    assert!(text.contains("2 files use each other in a circle: move an item"), "{text}");
    assert!(text.contains("crates/x/src/a.rs:2 uses make of crates/x/src/b.rs"), "{text}");
    assert!(text.contains("crates/x/src/b.rs:1 uses A of crates/x/src/a.rs"), "{text}");
}

#[test]
fn every_way_to_name_an_item_is_a_use() {
    for uses in [
        "use crate::b::B as Other;",
        "use crate::B as _;",
        "use super::b; fn f() { b::make() }",
        "use super::b::{self, make as other};",
        "use crate::prelude::*; fn f() -> Option<B> { None }",
        "fn f() { let _ = super::b::B::new(); }",
        "fn f() { use crate::b::make; make() }",
        "fn f() { assert!(x, \"{:?}\", crate::b::make()) }",
        "fn f() { crate::b::call!() }",
        "#[derive(X)] #[x(with = \"crate::b::make\")] struct C;",
        "mod inner { use super::super::b::B; }",
        "impl A { fn f(&self, b: crate::B) {} }",
        "const SIZE: usize = size_of::<crate::b::B>();",
    ] {
        assert_eq!(with(uses).len(), 1, "{uses}");
    }
}

#[test]
fn tests_comments_and_other_crates_are_not_uses() {
    for code in [
        "/// See [`crate::b::B`].\nstruct C;",
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(all(test, unix))] use crate::b::B;",
        "#[test] fn f() { crate::b::make() }",
        "impl A { #[cfg(test)] fn f(&self, b: crate::B) {} }",
        "use ::b::B;",
        "use other::b::B;",
        "use crate::b;",
        "pub use crate::b::B;",
        "pub(in crate::b) struct C;",
        "fn f(x: X) { x.make() }",
        "fn make() {} fn f() { make() }",
        "macro_rules! later { () => { $crate::b::make() } }",
    ] {
        assert_eq!(with(code), Vec::<String>::new(), "{code}");
    }
    assert_eq!(with("#[cfg(not(test))] use crate::b::B;").len(), 1);
}

#[test]
fn a_parent_that_only_declares_and_re_exports_is_in_no_circle() {
    let child = "use super::Error; pub struct Child; pub fn read() -> Error { Error }";
    let other = "pub struct Error;";
    let parent = "mod child; mod error; pub use child::{Child, read}; pub use error::Error;";
    assert_eq!(
        findings_in(&[("lib", "mod p; pub use p::Child;"), ("p/mod", parent), ("p/child", child), ("p/error", other)]),
        [""; 0]
    );
    for uses in ["fn f() { read() }", "fn f() { child::read() }", "struct All(Child);"] {
        let parent = format!("mod child; pub use child::{{Child, read}}; pub struct Error; {uses}");
        let findings = findings_in(&[("lib", "mod p;"), ("p/mod", &parent), ("p/child", child)]);
        assert!(findings.concat().contains("child.rs:1 uses Error of crates/x/src/p/mod.rs"), "{uses}: {findings:?}");
    }
}

#[test]
fn a_type_with_methods_in_two_files_is_in_no_circle() {
    let first = "pub struct T; impl T { pub fn new() -> Self { Self } pub fn run(&self) { self.more() } }";
    let second = "use crate::first::T; impl T { pub(crate) fn more(&self) { T::new(); } }";
    assert_eq!(findings_in(&[("lib", "mod first; mod second;"), ("first", first), ("second", second)]), [""; 0]);
}

#[test]
fn a_long_circle_is_one_finding_and_two_circles_are_two() {
    let ring = [
        ("main", "mod a; mod b; mod c; mod d; mod e; fn main() { a::f(); d::f() }"),
        ("a", "pub fn f() { crate::b::f() }"),
        ("b", "pub fn f() { crate::c::f() }"),
        ("c", "pub fn f() { crate::a::f(); crate::e::g() }"),
        ("d", "pub fn f() { crate::e::f() }"),
        ("e", "pub fn f() { crate::d::f() } pub fn g() {}"),
    ];
    let findings = findings_in(&ring);
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings.first().is_some_and(|text| text.starts_with("3 files") && !text.contains("e.rs")), "{findings:?}");
    assert!(findings.last().is_some_and(|text| text.starts_with("2 files")), "{findings:?}");
}

#[test]
fn invalid_code_is_an_error() {
    let broken = |text: &str| circles(&[("crates/x/src/lib.rs".to_owned(), text.to_owned())]).unwrap_err().to_string();
    assert!(broken("\nfn f( {").contains("crates/x/src/lib.rs:2"));
    assert!(broken("mod gone;").contains("`mod gone`, which has no file"));
}
