//! The page tree of a file.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

/// Maximum number of ancestors of a page; more are a loop. Readers open a tree of 2,000.
const MAX_ANCESTORS: usize = 10_000;

/// The pages of a file, in the order in which readers show them.
#[derive(Default)]
pub(crate) struct Pages {
    pub(crate) ids: Vec<ObjectId>,
    /// Objects that [`Pages::new`] added or changed in the document.
    pub(crate) changed: BTreeSet<ObjectId>,
    /// Whether a part of the tree could not be read.
    pub(crate) is_incomplete: bool,
    visited: BTreeSet<ObjectId>,
}

impl Pages {
    /// Walks the page tree. A page or a node that is not an object of its own becomes one: the format requires it, and
    /// an annotation must refer to its page.
    pub(crate) fn new(document: &mut Document) -> Self {
        let mut pages = Self::default();
        let catalog = document.trailer.get(b"Root").and_then(Object::as_reference);
        let root = catalog.ok().and_then(|id| pages.child(document, id, b"Pages"));
        match root {
            Some(root) => pages.walk(document, root),
            None => pages.is_incomplete = true,
        }
        pages
    }

    /// Returns the object that an entry of a dictionary refers to, and gives a direct dictionary an object.
    fn child(&mut self, document: &mut Document, parent: ObjectId, key: &[u8]) -> Option<ObjectId> {
        let mut value = document.get_dictionary(parent).ok()?.get(key).ok()?.clone();
        if self.separate(document, &mut value, None) {
            document.get_dictionary_mut(parent).ok()?.set(key, value.clone());
            self.changed.insert(parent);
        }
        target(document, &value)
    }

    /// Moves a direct dictionary into an object of its own. Returns whether `value` was replaced by a reference.
    fn separate(&mut self, document: &mut Document, value: &mut Object, parent: Option<ObjectId>) -> bool {
        let Object::Dictionary(dictionary) = value else { return false };
        if let Some(parent) = parent {
            dictionary.set("Parent", parent);
        }
        let Ok(id) = document.try_add_object(std::mem::take(dictionary)) else { return false };
        *value = Object::Reference(id);
        self.changed.insert(id)
    }

    /// Walks a tree. Recursion would overflow the stack if the tree is deep.
    fn walk(&mut self, document: &mut Document, root: ObjectId) {
        let mut rest = vec![root];
        while let Some(id) = rest.pop() {
            let Some(kids) = self.kids(document, id) else { continue };
            for kid in kids.iter().rev() {
                match target(document, kid) {
                    Some(kid) => rest.push(kid),
                    None => self.is_incomplete = true,
                }
            }
        }
    }

    /// Adds a page, or returns the kids of a node.
    fn kids(&mut self, document: &mut Document, id: ObjectId) -> Option<Vec<Object>> {
        let Ok(node) = document.get_dictionary(id) else {
            self.is_incomplete = true;
            return None;
        };
        let kids = node.get(b"Kids").unwrap_or(&Object::Null);
        let (list, mut kids) = match document.dereference(kids) {
            Ok((list, Object::Array(kids))) => (list, kids.clone()),
            // An entry with the value null is absent.
            Ok((_, Object::Null)) => {
                self.ids.push(id);
                return None;
            }
            _ => {
                self.is_incomplete = true;
                return None;
            }
        };
        // A node that is visited twice would make the work exponential.
        if !self.visited.insert(id) {
            return None;
        }
        let mut is_changed = false;
        for kid in &mut kids {
            is_changed |= self.separate(document, kid, Some(id));
        }
        if is_changed {
            match list {
                Some(list) => document.set_object(list, kids.clone()),
                None => {
                    if let Ok(node) = document.get_dictionary_mut(id) {
                        node.set("Kids", kids.clone());
                    }
                }
            }
            self.changed.insert(list.unwrap_or(id));
        }
        Some(kids)
    }
}

/// Returns the id of the object that a reference leads to.
fn target(document: &Document, value: &Object) -> Option<ObjectId> {
    document.dereference(value).ok()?.0
}

/// Returns an entry of a page, or of its nearest ancestor that has it.
pub(crate) fn inherited<'a>(document: &'a Document, page: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    let mut node = page;
    for _ in 0..MAX_ANCESTORS {
        if let Ok(value) = node.get_deref(key, document)
            && !value.is_null()
        {
            return Some(value);
        }
        node = node.get_deref(b"Parent", document).ok()?.as_dict().ok()?;
    }
    None
}
