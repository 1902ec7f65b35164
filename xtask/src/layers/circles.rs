//! Finds circles of files: source files of one crate must not use each other's items, directly or through others.
//!
//! The parser is `syn`. A name is resolved to the file that defines the item, through `use` and `pub use`. A private
//! import counts as a use. A re-export counts only where its name is used, so a parent that only declares and
//! re-exports its children is in no circle.
//!
//! Methods, fields and the code that macros generate are ignored: two files with `impl` blocks of one type are not a
//! circle for that reason alone. The arguments of a macro call are searched for paths.
//!
//! Test code is ignored: everything under `#[cfg(test)]` and `#[test]`.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::syntax::{is_test, is_test_item, name, parse};
use crate::finding::Verdict;

/// Finds the circles among the files (path, text) of the repository, crate by crate.
pub(super) fn circles(sources: &[(String, String)]) -> Verdict {
    let texts: BTreeMap<&str, &str> = sources.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut findings = Vec::new();
    for root in texts.keys().filter(|path| is_root(path)) {
        let mut names = Names::default();
        let (folder, _) = root.rsplit_once('/').unwrap_or_default();
        names.read_file(&texts, root, folder, "crate")?;
        findings.extend(report(&names.edges()));
    }
    Ok(findings)
}

/// Whether a file is the root of a library or binary.
fn is_root(path: &str) -> bool {
    path.ends_with("src/lib.rs")
        || path.ends_with("src/main.rs")
        || path.rsplit_once('/').is_some_and(|(folder, name)| folder.ends_with("src/bin") && name.ends_with(".rs"))
}

/// Uses: using file, used file, and each used item with the first line that uses it.
type Edges<'a> = BTreeMap<&'a str, BTreeMap<&'a str, BTreeMap<String, usize>>>;

/// Returns a finding for each strongly connected component of two or more files.
fn report(edges: &Edges) -> Vec<String> {
    let reachable: BTreeMap<&str, BTreeSet<&str>> =
        edges.keys().map(|file| (*file, reachable_from(edges, file))).collect();
    let reaches = |a: &str, b: &str| reachable.get(a).is_some_and(|files| files.contains(b));
    let mut reported = BTreeSet::new();
    let mut findings = Vec::new();
    for file in edges.keys().filter(|file| reaches(file, file)) {
        if reported.contains(file) {
            continue;
        }
        let circle: BTreeSet<&str> =
            edges.keys().copied().filter(|other| reaches(file, other) && reaches(other, file)).collect();
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

/// Returns the files that a file uses, directly or through others.
fn reachable_from<'a>(edges: &Edges<'a>, start: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut todo = vec![start];
    while let Some(file) = todo.pop() {
        for next in edges.get(file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(*next) {
                todo.push(next);
            }
        }
    }
    found
}

/// The names and the used paths of one crate. A name is a full path, e.g. `crate::driver::Policy`.
#[derive(Default)]
struct Names<'a> {
    /// File of each module. A file can contain several inline modules.
    modules: BTreeMap<String, &'a str>,
    /// Items, and whether each is a type, which has associated items.
    items: BTreeMap<String, bool>,
    /// Paths to which an imported name can refer.
    imports: BTreeMap<String, Vec<Vec<String>>>,
    /// Paths of which a module imports all names.
    globs: BTreeMap<String, Vec<Vec<String>>>,
    /// Paths in the code, each with its module and line.
    uses: Vec<(String, Vec<String>, usize)>,
}

impl<'a> Names<'a> {
    /// Reads a file as a module; its child modules are in `folder`.
    fn read_file(
        &mut self,
        texts: &BTreeMap<&'a str, &str>,
        file: &'a str,
        folder: &str,
        module: &str,
    ) -> Result<(), String> {
        self.modules.insert(module.to_owned(), file);
        let parsed = parse(file, texts.get(file).copied().unwrap_or_default())?;
        if parsed.attrs.iter().any(is_test) {
            return Ok(());
        }
        self.read_items(texts, &parsed.items, folder, module)
    }

    fn read_items(
        &mut self,
        texts: &BTreeMap<&'a str, &str>,
        items: &[syn::Item],
        folder: &str,
        module: &str,
    ) -> Result<(), String> {
        for item in items.iter().filter(|item| !is_test_item(item)) {
            if let Some((name, is_type)) = name(item) {
                *self.items.entry(format!("{module}::{name}")).or_default() |= is_type;
            }
            let syn::Item::Mod(child) = item else {
                Reader { names: self, module }.visit_item(item);
                continue;
            };
            let (full, below) = (format!("{module}::{}", child.ident), format!("{folder}/{}", child.ident));
            let file = self.modules.get(module).copied().unwrap_or_default();
            if let Some((_, items)) = &child.content {
                self.modules.insert(full.clone(), file);
                self.read_items(texts, items, &below, &full)?;
            } else {
                let places = [format!("{below}.rs"), format!("{below}/mod.rs")];
                let place = places.iter().find_map(|place| Some(*texts.get_key_value(place.as_str())?.0));
                let place = place.ok_or_else(|| format!("{file} declares `mod {}`, which has no file", child.ident))?;
                self.read_file(texts, place, &below, &full)?;
            }
        }
        Ok(())
    }

    /// Returns the uses of one file by another.
    fn edges(&self) -> Edges<'a> {
        let mut edges = Edges::new();
        for (module, path, line) in &self.uses {
            let Some(from) = self.modules.get(module) else { continue };
            for item in self.resolve(module, path, &mut BTreeSet::new()) {
                let Some((home, name)) = item.rsplit_once("::").filter(|_| self.items.contains_key(&item)) else {
                    continue;
                };
                if let Some(to) = self.modules.get(home).filter(|to| *to != from) {
                    let items = edges.entry(*from).or_default().entry(*to).or_default();
                    let first = items.entry(name.to_owned()).or_insert(*line);
                    *first = (*first).min(*line);
                }
            }
        }
        edges
    }

    /// Returns all items of this crate to which a path can refer. `visited` contains the paths that are being resolved.
    fn resolve(
        &self,
        module: &str,
        path: &[String],
        visited: &mut BTreeSet<(String, Vec<String>)>,
    ) -> BTreeSet<String> {
        let key = (module.to_owned(), path.to_vec());
        if !visited.insert(key.clone()) {
            return BTreeSet::new();
        }
        let mut targets = BTreeSet::from([module.to_owned()]);
        for name in path {
            targets = match name.as_str() {
                "crate" => BTreeSet::from(["crate".to_owned()]),
                "self" => targets,
                "super" => {
                    let modules = targets.iter().filter(|target| self.modules.contains_key(*target));
                    modules.filter_map(|module| Some(module.rsplit_once("::")?.0.to_owned())).collect()
                }
                name => targets.iter().flat_map(|target| self.look_up(target, name, visited)).collect(),
            };
        }
        visited.remove(&key);
        targets
    }

    /// Returns the items to which a name in a module or type refers.
    fn look_up(&self, target: &str, name: &str, visited: &mut BTreeSet<(String, Vec<String>)>) -> BTreeSet<String> {
        let mut targets = BTreeSet::new();
        if self.items.get(target) == Some(&true) {
            targets.insert(target.to_owned());
        }
        if !self.modules.contains_key(target) {
            return targets;
        }
        let full = format!("{target}::{name}");
        let imports = self.imports.get(&full);
        for path in imports.into_iter().flatten() {
            targets.extend(self.resolve(target, path, visited));
        }
        if self.modules.contains_key(&full) || self.items.contains_key(&full) {
            targets.insert(full);
        } else if imports.is_none() {
            for glob in self.globs.get(target).into_iter().flatten() {
                if self.resolve(target, glob, visited).iter().any(|origin| self.modules.contains_key(origin)) {
                    let path = [&glob[..], &[name.to_owned()]].concat();
                    targets.extend(self.resolve(target, &path, visited));
                }
            }
        }
        targets
    }
}

/// Collects imports and used paths of one module's code.
struct Reader<'r, 'a> {
    names: &'r mut Names<'a>,
    module: &'r str,
}

impl Reader<'_, '_> {
    fn uses(&mut self, path: Vec<String>, at: impl Spanned) {
        self.names.uses.push((self.module.to_owned(), path, at.span().start().line));
    }

    fn import(&mut self, tree: &syn::UseTree, path: &[String], public: bool) {
        let longer = |name: &syn::Ident| [path, &[name.to_string()]].concat();
        let (path, name) = match tree {
            syn::UseTree::Path(inner) => return self.import(&inner.tree, &longer(&inner.ident), public),
            syn::UseTree::Group(group) => return group.items.iter().for_each(|tree| self.import(tree, path, public)),
            syn::UseTree::Glob(_) => {
                self.names.globs.entry(self.module.to_owned()).or_default().push(path.to_vec());
                return self.uses(path.to_vec(), tree);
            }
            syn::UseTree::Name(leaf) if leaf.ident == "self" => (path.to_vec(), path.last().cloned()),
            syn::UseTree::Name(leaf) => (longer(&leaf.ident), Some(leaf.ident.to_string())),
            syn::UseTree::Rename(leaf) => (longer(&leaf.ident), Some(leaf.rename.to_string())),
        };
        let full = format!("{}::{}", self.module, name.unwrap_or_default());
        self.names.imports.entry(full).or_default().push(path.clone());
        if !public {
            self.uses(path, tree);
        }
    }

    /// Collects paths in the arguments of a macro call or an attribute, and if `texts` also in string literals.
    fn tokens(&mut self, tokens: TokenStream, texts: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |token: &TokenTree, c| matches!(token, TokenTree::Punct(punct) if punct.as_char() == c);
        let mut rest = tokens.as_slice();
        while let [token, after @ ..] = rest {
            rest = after;
            match (token, after) {
                // A field or a method.
                (_, [TokenTree::Ident(_), after @ ..]) if is(token, '.') => rest = after,
                (TokenTree::Ident(first), _) => {
                    let mut path = vec![first.to_string()];
                    while let [one, two, TokenTree::Ident(next), after @ ..] = rest
                        && is(one, ':')
                        && is(two, ':')
                    {
                        path.push(next.to_string());
                        rest = after;
                    }
                    self.uses(path, first);
                }
                (TokenTree::Group(group), _) => self.tokens(group.stream(), texts),
                (TokenTree::Literal(literal), _) if texts => {
                    if let Ok(path) = syn::parse_str::<syn::Path>(literal.to_string().trim_matches('"'))
                        && path.segments.len() > 1
                    {
                        self.uses(segments(&path), literal);
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_, '_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test_item(item) {
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
            self.uses(segments(path), path);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        // The body of a macro definition belongs to its callers.
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
