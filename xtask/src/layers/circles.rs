//! No circle of files: source files of one crate never use each other's items, directly or through others.
//!
//! The parser is `syn`; a name is resolved to the file that defines the item, through `use` and `pub use`. A private
//! import is a use; a re-export becomes one only where its name is used, so a parent that merely declares and
//! re-exports its children is in no circle.
//!
//! Not followed, so not seen: methods and fields (two files that hold `impl` blocks of one type are no circle by that
//! alone), and code that macros generate. The arguments of a macro call are searched for paths.
//!
//! Test code is left out: everything under `#[cfg(test)]` and `#[test]`.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::syntax::{attributes, is_test, parse};
use crate::finding::Verdict;

/// Reports each circle among files (path, text) of the repository, crate by crate.
pub(super) fn circles(sources: &[(String, String)]) -> Verdict {
    let texts: BTreeMap<&str, &str> = sources.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut findings = Vec::new();
    for root in texts.keys().filter(|path| is_root(path)) {
        let mut tree = Tree { texts: &texts, scopes: Vec::new(), uses: Vec::new() };
        let (folder, _) = root.rsplit_once('/').unwrap_or_default();
        let scope = tree.scope(root, None);
        tree.read_file(root, folder, scope)?;
        findings.extend(report(&tree.edges()));
    }
    Ok(findings)
}

/// Whether a file is the root of a library or a program.
fn is_root(path: &str) -> bool {
    path.ends_with("src/lib.rs")
        || path.ends_with("src/main.rs")
        || path.rsplit_once('/').is_some_and(|(folder, name)| folder.ends_with("src/bin") && name.ends_with(".rs"))
}

/// The uses of one file by another: each item with the line that uses it first.
type Edges<'a> = BTreeMap<&'a str, BTreeMap<&'a str, BTreeMap<String, usize>>>;

/// One finding for each strongly connected component of two or more files.
fn report(edges: &Edges) -> Vec<String> {
    let reachable: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|file| (*file, reach(edges, file))).collect();
    let joined = |a: &str, b: &str| reachable.get(a).is_some_and(|files| files.contains(b));
    let mut reported = BTreeSet::new();
    let mut findings = Vec::new();
    for file in edges.keys().filter(|file| joined(file, file)) {
        if reported.contains(file) {
            continue;
        }
        let circle: BTreeSet<&str> =
            edges.keys().copied().filter(|other| joined(file, other) && joined(other, file)).collect();
        let mut text = format!(
            "{} files use each other in a circle: move an item to the file below that needs it, or to a new file below both\n",
            circle.len()
        );
        for from in &circle {
            for (to, items) in edges.get(from).into_iter().flatten().filter(|(to, _)| circle.contains(*to)) {
                let names: Vec<&str> = items.keys().map(String::as_str).collect();
                let line = items.values().min().copied().unwrap_or_default();
                text.push_str(&format!("    {from}:{line} uses {} of {to}\n", names.join(", ")));
            }
        }
        reported.extend(circle);
        findings.push(text.trim_end().to_owned());
    }
    findings
}

/// The files that a file uses, directly or through others.
fn reach<'a>(edges: &Edges<'a>, start: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut todo = vec![start];
    while let Some(file) = todo.pop() {
        for next in edges.get(file).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(*next) {
                todo.push(next);
            }
        }
    }
    seen
}

/// The modules of one crate, and the paths that its code uses.
struct Tree<'a> {
    texts: &'a BTreeMap<&'a str, &'a str>,
    scopes: Vec<Scope<'a>>,
    uses: Vec<Use>,
}

/// The names of one module. Several inline modules may stand in one file.
struct Scope<'a> {
    file: &'a str,
    parent: Option<usize>,
    names: BTreeMap<String, Vec<Binding>>,
    globs: Vec<Vec<String>>,
}

/// What a name stands for.
#[derive(Clone)]
enum Binding {
    Module(usize),
    /// An item of this scope's file; a type has items of its own.
    Item {
        is_type: bool,
    },
    Import(Vec<String>),
}

/// A path in the code of a module.
struct Use {
    scope: usize,
    path: Vec<String>,
    line: usize,
}

/// What a path leads to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module(usize),
    Item { scope: usize, name: String, is_type: bool },
}

impl<'a> Tree<'a> {
    fn scope(&mut self, file: &'a str, parent: Option<usize>) -> usize {
        self.scopes.push(Scope { file, parent, names: BTreeMap::new(), globs: Vec::new() });
        self.scopes.len() - 1
    }

    /// Reads a file as the module `scope`; its child modules are in `folder`.
    fn read_file(&mut self, file: &'a str, folder: &str, scope: usize) -> Result<(), String> {
        let text = self.texts.get(file).copied().unwrap_or_default();
        let parsed = parse(file, text)?;
        if parsed.attrs.iter().any(is_test) {
            return Ok(());
        }
        self.read_items(&parsed.items, folder, scope)
    }

    fn read_items(&mut self, items: &[syn::Item], folder: &str, scope: usize) -> Result<(), String> {
        for item in items {
            if attributes(item).iter().any(is_test) {
                continue;
            }
            let name = match item {
                syn::Item::Mod(module) => {
                    self.read_module(module, folder, scope)?;
                    continue;
                }
                syn::Item::Const(item) => Some((&item.ident, false)),
                syn::Item::Static(item) => Some((&item.ident, false)),
                syn::Item::Fn(item) => Some((&item.sig.ident, false)),
                syn::Item::Macro(item) => item.ident.as_ref().map(|name| (name, false)),
                syn::Item::Enum(item) => Some((&item.ident, true)),
                syn::Item::Struct(item) => Some((&item.ident, true)),
                syn::Item::Trait(item) => Some((&item.ident, true)),
                syn::Item::Type(item) => Some((&item.ident, true)),
                syn::Item::Union(item) => Some((&item.ident, true)),
                _ => None,
            };
            if let Some((name, is_type)) = name {
                self.bind(scope, &name.to_string(), Binding::Item { is_type });
            }
            Reader { tree: self, scope }.visit_item(item);
        }
        Ok(())
    }

    fn read_module(&mut self, module: &syn::ItemMod, folder: &str, parent: usize) -> Result<(), String> {
        let name = module.ident.to_string();
        let below = format!("{folder}/{name}");
        let Some(file) = self.scopes.get(parent).map(|scope| scope.file) else { return Ok(()) };
        let file = match &module.content {
            Some(_) => file,
            None => {
                let places = [format!("{below}.rs"), format!("{below}/mod.rs")];
                let place = places.iter().find_map(|place| self.texts.get_key_value(place.as_str()));
                *place.ok_or_else(|| format!("{file} declares `mod {name}`, which has no file"))?.0
            }
        };
        let scope = self.scope(file, Some(parent));
        self.bind(parent, &name, Binding::Module(scope));
        match &module.content {
            Some((_, items)) => self.read_items(items, &below, scope),
            None => self.read_file(file, &below, scope),
        }
    }

    fn bind(&mut self, scope: usize, name: &str, binding: Binding) {
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.names.entry(name.to_owned()).or_default().push(binding);
        }
    }

    /// The uses of one file by another.
    fn edges(&self) -> Edges<'a> {
        let mut edges = Edges::new();
        for Use { scope, path, line } in &self.uses {
            let Some(from) = self.scopes.get(*scope).map(|scope| scope.file) else { continue };
            for target in self.resolve(*scope, path, &mut BTreeSet::new()) {
                let Target::Item { scope, name, .. } = target else { continue };
                let Some(to) = self.scopes.get(scope).map(|scope| scope.file).filter(|to| *to != from) else {
                    continue;
                };
                let first = edges.entry(from).or_default().entry(to).or_default().entry(name).or_insert(*line);
                *first = (*first).min(*line);
            }
        }
        edges
    }

    /// Everything of this crate that a path may lead to; nothing, when it leads out of the crate.
    fn resolve(&self, scope: usize, path: &[String], visited: &mut BTreeSet<(usize, usize)>) -> BTreeSet<Target> {
        let mut targets = BTreeSet::new();
        for (position, name) in path.iter().enumerate() {
            targets = match name.as_str() {
                "crate" => BTreeSet::from([Target::Module(0)]),
                "self" if position == 0 => BTreeSet::from([Target::Module(scope)]),
                "self" => targets,
                "super" if position == 0 => self.parents([Target::Module(scope)]),
                "super" => self.parents(targets),
                name if position == 0 => self.look_up(scope, name, visited),
                name => {
                    let mut next = BTreeSet::new();
                    for target in targets {
                        match target {
                            Target::Module(module) => next.extend(self.look_up(module, name, visited)),
                            Target::Item { is_type: true, .. } => drop(next.insert(target)),
                            Target::Item { .. } => {}
                        }
                    }
                    next
                }
            };
        }
        targets
    }

    fn parents(&self, targets: impl IntoIterator<Item = Target>) -> BTreeSet<Target> {
        let parent = |target| match target {
            Target::Module(module) => self.scopes.get(module)?.parent.map(Target::Module),
            Target::Item { .. } => None,
        };
        targets.into_iter().filter_map(parent).collect()
    }

    /// What a name of a module stands for; `visited` holds the imports that are being resolved.
    fn look_up(&self, module: usize, name: &str, visited: &mut BTreeSet<(usize, usize)>) -> BTreeSet<Target> {
        let mut targets = BTreeSet::new();
        let Some(scope) = self.scopes.get(module) else { return targets };
        let bindings = scope.names.get(name).into_iter().flatten();
        for binding in bindings.clone() {
            match binding {
                Binding::Module(child) => drop(targets.insert(Target::Module(*child))),
                Binding::Item { is_type } => {
                    targets.insert(Target::Item { scope: module, name: name.to_owned(), is_type: *is_type });
                }
                Binding::Import(path) => {
                    // The address of a binding is its identity for as long as the tree is borrowed.
                    let import = (module, std::ptr::from_ref(binding).addr());
                    if visited.insert(import) {
                        targets.extend(self.resolve(module, path, visited));
                        visited.remove(&import);
                    }
                }
            }
        }
        if bindings.count() == 0 {
            for glob in &scope.globs {
                let import = (module, std::ptr::from_ref(glob).addr());
                if visited.insert(import) {
                    let path: Vec<String> = glob.iter().cloned().chain([name.to_owned()]).collect();
                    let of_modules = self
                        .resolve(module, glob, visited)
                        .into_iter()
                        .any(|target| matches!(target, Target::Module(_)));
                    if of_modules {
                        targets.extend(self.resolve(module, &path, visited));
                    }
                    visited.remove(&import);
                }
            }
        }
        targets
    }
}

/// Collects imports and used paths of one module's code.
struct Reader<'t, 'a> {
    tree: &'t mut Tree<'a>,
    scope: usize,
}

impl Reader<'_, '_> {
    fn uses(&mut self, path: Vec<String>, line: usize) {
        self.tree.uses.push(Use { scope: self.scope, path, line });
    }

    fn import(&mut self, tree: &syn::UseTree, path: &[String], public: bool) {
        let longer = |name: &syn::Ident| path.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        let (path, name) = match tree {
            syn::UseTree::Path(inner) => return self.import(&inner.tree, &longer(&inner.ident), public),
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, path, public));
            }
            syn::UseTree::Glob(glob) => {
                if let Some(scope) = self.tree.scopes.get_mut(self.scope) {
                    scope.globs.push(path.to_vec());
                }
                return self.uses(path.to_vec(), glob.star_token.spans[0].start().line);
            }
            syn::UseTree::Name(leaf) if leaf.ident == "self" => (path.to_vec(), path.last().cloned()),
            syn::UseTree::Name(leaf) => (longer(&leaf.ident), Some(leaf.ident.to_string())),
            syn::UseTree::Rename(leaf) => (longer(&leaf.ident), Some(leaf.rename.to_string())),
        };
        if let Some(name) = name {
            self.tree.bind(self.scope, &name, Binding::Import(path.clone()));
        }
        if !public {
            self.uses(path, syn::spanned::Spanned::span(tree).start().line);
        }
    }

    /// Paths among tokens: the arguments of a macro call or an attribute, texts in an attribute included.
    fn tokens(&mut self, tokens: TokenStream, texts: bool) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut before = String::new();
        for token in tokens {
            let text = token.to_string();
            let joins = before.ends_with(':') && text == ":";
            match &token {
                TokenTree::Ident(name) => {
                    if before != "::" {
                        self.end(&mut path, line);
                    }
                    if before != "." {
                        line = name.span().start().line;
                        path.push(text.clone());
                    }
                }
                TokenTree::Group(group) => {
                    self.end(&mut path, line);
                    self.tokens(group.stream(), texts);
                }
                TokenTree::Literal(literal) if texts => {
                    if let Ok(path) = syn::parse_str::<syn::Path>(text.trim_matches('"'))
                        && path.segments.len() > 1
                    {
                        self.uses(segments(&path), literal.span().start().line);
                    }
                }
                _ => {}
            }
            before = if joins { "::".to_owned() } else { text };
            if !matches!(before.as_str(), ":" | "::") && !matches!(token, TokenTree::Ident(_)) {
                self.end(&mut path, line);
            }
        }
        self.end(&mut path, line);
    }

    fn end(&mut self, path: &mut Vec<String>, line: usize) {
        if !path.is_empty() {
            self.uses(std::mem::take(path), line);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_, '_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !attributes(item).iter().any(is_test) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !item.attrs.iter().any(is_test) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let public = !matches!(item.vis, syn::Visibility::Inherited);
        if item.leading_colon.is_none() {
            self.import(&item.tree, &[], public);
        }
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.uses(segments(path), syn::spanned::Spanned::span(path).start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        // The body of a definition is code of whoever calls the macro.
        if item.ident.is_none() {
            visit::visit_item_macro(self, item);
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone(), true);
        }
    }
}

fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

#[cfg(test)]
mod tests;
