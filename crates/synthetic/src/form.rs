//! The form of a file: fields, signatures, and what they forbid.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId, decode_text_string};

/// Maximum depth of a field tree; a deeper one is a loop.
const MAX_DEPTH: usize = 32;

/// A field with a place on a page.
pub(crate) struct Field {
    pub(crate) id: ObjectId,
    /// Full name: the names of the field and its ancestors, joined by dots.
    pub(crate) name: String,
    /// The annotations that show the field; often the field itself.
    pub(crate) widgets: Vec<ObjectId>,
    pub(crate) is_signature: bool,
    /// Whether the field has a value. A signature field with a value is signed.
    pub(crate) has_value: bool,
}

/// Returns all fields of the form.
pub(crate) fn fields(document: &Document) -> Vec<Field> {
    let form = document.catalog().ok().and_then(|catalog| dictionary(document, catalog, b"AcroForm"));
    let roots = form.and_then(|form| array(document, form, b"Fields"));
    let mut walk = Walk { document, fields: Vec::new(), visited: BTreeSet::new() };
    for root in roots.into_iter().flatten() {
        walk.visit(root, &Ancestors::default(), 0);
    }
    walk.fields
}

/// What a field inherits.
#[derive(Clone, Default)]
struct Ancestors {
    name: String,
    is_signature: bool,
    has_value: bool,
}

struct Walk<'a> {
    document: &'a Document,
    fields: Vec<Field>,
    visited: BTreeSet<ObjectId>,
}

impl Walk<'_> {
    fn visit(&mut self, entry: &Object, ancestors: &Ancestors, depth: usize) {
        let Ok((Some(id), Object::Dictionary(field))) = self.document.dereference(entry) else { return };
        if depth >= MAX_DEPTH || !self.visited.insert(id) {
            return;
        }
        let mut own = ancestors.clone();
        if let Some(name) = name(self.document, field) {
            own.name = if own.name.is_empty() { name } else { format!("{}.{name}", own.name) };
        }
        if let Ok(kind) = field.get_deref(b"FT", self.document).and_then(Object::as_name) {
            own.is_signature = kind == b"Sig";
        }
        own.has_value |= field.get_deref(b"V", self.document).is_ok_and(|value| !value.is_null());
        let kids = array(self.document, field, b"Kids").map(Vec::as_slice).unwrap_or_default();
        let is_field = |kid: &&Object| {
            let kid = self.document.dereference(kid).and_then(|(_, kid)| kid.as_dict());
            kid.is_ok_and(|kid| kid.get_deref(b"T", self.document).is_ok_and(|name| !name.is_null()))
        };
        if kids.iter().find(is_field).is_some() {
            for kid in kids {
                self.visit(kid, &own, depth + 1);
            }
        } else {
            let mut widgets: Vec<_> = kids.iter().filter_map(|kid| self.document.dereference(kid).ok()?.0).collect();
            if widgets.is_empty() {
                widgets.push(id);
            }
            let Ancestors { name, is_signature, has_value } = own;
            self.fields.push(Field { id, name, widgets, is_signature, has_value });
        }
    }
}

fn name(document: &Document, field: &Dictionary) -> Option<String> {
    decode_text_string(field.get_deref(b"T", document).ok()?).ok()
}

/// What the signatures of a file forbid.
#[derive(Default)]
pub(crate) struct Locks {
    /// Whether every change is forbidden, as by a certification with `P` 1 (ISO 32000-1, 12.8.2.2).
    everything: bool,
    /// The locked fields of each signature (ISO 32000-1, 12.8.2.4).
    fields: Vec<FieldLock>,
}

/// Fields with these full names, or all others.
struct FieldLock {
    names: Vec<String>,
    are_excluded: bool,
}

impl Locks {
    pub(crate) fn new(document: &Document, fields: &[Field]) -> Self {
        let mut locks = Self::default();
        let permissions = document.catalog().ok().and_then(|catalog| dictionary(document, catalog, b"Perms"));
        let certification = permissions.and_then(|permissions| dictionary(document, permissions, b"DocMDP"));
        locks.add(document, certification);
        for field in fields.iter().filter(|field| field.is_signature && field.has_value) {
            let Ok(field) = document.get_dictionary(field.id) else { continue };
            locks.add(document, dictionary(document, field, b"V"));
            locks.everything |= dictionary(document, field, b"Lock").is_some_and(|lock| allows_nothing(document, lock));
        }
        locks
    }

    fn add(&mut self, document: &Document, signature: Option<&Dictionary>) {
        let references = signature.and_then(|signature| array(document, signature, b"Reference"));
        for reference in references.into_iter().flatten() {
            let Ok((_, Object::Dictionary(reference))) = document.dereference(reference) else { continue };
            let method = reference.get_deref(b"TransformMethod", document).and_then(Object::as_name);
            let Some(parameters) = dictionary(document, reference, b"TransformParams") else { continue };
            match method {
                Ok(b"DocMDP") => self.everything |= allows_nothing(document, parameters),
                Ok(b"FieldMDP") => {
                    let action = parameters.get_deref(b"Action", document).and_then(Object::as_name);
                    let names = array(document, parameters, b"Fields").into_iter().flatten();
                    let names = names.filter_map(|name| decode_text_string(document.dereference(name).ok()?.1).ok());
                    let is_include = action.is_ok_and(|action| action == b"Include");
                    self.fields.push(FieldLock { names: names.collect(), are_excluded: !is_include });
                }
                _ => {}
            }
        }
    }

    /// Whether a signature in the field of this name would break an earlier one.
    pub(crate) fn forbid(&self, name: &str) -> bool {
        let is_locked = |lock: &FieldLock| lock.names.iter().any(|listed| covers(listed, name)) != lock.are_excluded;
        self.everything || self.fields.iter().any(is_locked)
    }
}

/// Whether `name` is the field of the first name, or below it.
pub(crate) fn covers(field: &str, name: &str) -> bool {
    name.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn dictionary<'a>(document: &'a Document, owner: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
    owner.get_deref(key, document).ok()?.as_dict().ok()
}

fn array<'a>(document: &'a Document, owner: &'a Dictionary, key: &[u8]) -> Option<&'a Vec<Object>> {
    owner.get_deref(key, document).ok()?.as_array().ok()
}

fn allows_nothing(document: &Document, permissions: &Dictionary) -> bool {
    permissions.get_deref(b"P", document).and_then(Object::as_float).is_ok_and(|level| level < 2.0)
}
