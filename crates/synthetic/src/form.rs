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
    /// The annotation that shows the field; often the field itself.
    pub(crate) widget: ObjectId,
    pub(crate) is_signature: bool,
    /// Whether the field has a value. A signature field with a value is signed.
    pub(crate) has_value: bool,
}

/// Returns all fields of the form.
pub(crate) fn fields(document: &Document) -> Vec<Field> {
    let form = document.catalog().and_then(|catalog| catalog.get_deref(b"AcroForm", document));
    let roots = form.and_then(Object::as_dict).and_then(|form| form.get_deref(b"Fields", document));
    let mut walk = Walk { document, fields: Vec::new(), visited: BTreeSet::new() };
    for root in roots.and_then(Object::as_array).into_iter().flatten() {
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
        let kids = field.get_deref(b"Kids", self.document).and_then(Object::as_array);
        let kids = kids.map(Vec::as_slice).unwrap_or_default();
        let is_field = |kid: &&Object| {
            let kid = self.document.dereference(kid).and_then(|(_, kid)| kid.as_dict());
            kid.is_ok_and(|kid| kid.has(b"T"))
        };
        if kids.iter().find(is_field).is_some() {
            for kid in kids {
                self.visit(kid, &own, depth + 1);
            }
        } else {
            let widget = kids.iter().find_map(|kid| self.document.dereference(kid).ok()?.0);
            let Ancestors { name, is_signature, has_value } = own;
            self.fields.push(Field { id, name, widget: widget.unwrap_or(id), is_signature, has_value });
        }
    }
}

fn name(document: &Document, field: &Dictionary) -> Option<String> {
    decode_text_string(field.get_deref(b"T", document).ok()?).ok()
}

/// Whether a signature forbids every later change, as a certification with `P` 1 does (ISO 32000-1, 12.8.2.2).
pub(crate) fn forbids_changes(document: &Document, fields: &[Field]) -> bool {
    let certification = document
        .catalog()
        .and_then(|catalog| catalog.get_deref(b"Perms", document))
        .and_then(Object::as_dict)
        .and_then(|permissions| permissions.get_deref(b"DocMDP", document))
        .and_then(Object::as_dict);
    let entry = |field: &Field, key: &[u8]| -> Option<&Dictionary> {
        document.get_dictionary(field.id).ok()?.get_deref(key, document).ok()?.as_dict().ok()
    };
    let signed = || fields.iter().filter(|field| field.is_signature && field.has_value);
    let signatures = signed().filter_map(|field| entry(field, b"V"));
    let mut locks = signed().filter_map(|field| entry(field, b"Lock"));
    certification.ok().into_iter().chain(signatures).any(|signature| is_final(document, signature))
        || locks.any(|lock| allows_nothing(document, lock))
}

fn is_final(document: &Document, signature: &Dictionary) -> bool {
    let references = signature.get_deref(b"Reference", document).and_then(Object::as_array);
    references.into_iter().flatten().any(|reference| {
        let Ok((_, Object::Dictionary(reference))) = document.dereference(reference) else { return false };
        let method = reference.get_deref(b"TransformMethod", document).and_then(Object::as_name);
        let parameters = reference.get_deref(b"TransformParams", document).and_then(Object::as_dict);
        method.is_ok_and(|method| method == b"DocMDP") && parameters.is_ok_and(|p| allows_nothing(document, p))
    })
}

fn allows_nothing(document: &Document, permissions: &Dictionary) -> bool {
    permissions.get_deref(b"P", document).and_then(Object::as_float).is_ok_and(|level| level < 2.0)
}
