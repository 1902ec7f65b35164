//! Signing the files of a master order (`MultiSignOptions`, [T 3.1.3]). The files are copied when the order is placed, so
//! later changes of the master have no effect.
//!
//! Not documented, and assumed: the copies lack the master's signature, even if the master is signed already; and they
//! follow the order's own files.

use std::collections::BTreeSet;

use identkit_core::Pii;
use identkit_identity_tm::PutOrder;
use identkit_identity_tm::messages::SignParameters;
use identkit_identity_tm::order::{HashPlacement, Placement, Size};
use identkit_synthetic::Error as SyntheticError;

use super::{MasterFiles, Orders, documents, own_hashes, rules};
use crate::rules::Rule;
use crate::{Rejection, World};

impl MasterFiles {
    fn names(&self) -> Vec<Option<&Pii<String>>> {
        let pdfs = self.pdfs.iter().map(|pdf| pdf.filename.as_ref());
        pdfs.chain(self.hashes.iter().map(|hash| hash.filename.as_ref())).collect()
    }
}

fn refuse<T>(field: &'static str, message: &'static str, rule: &Rule) -> Result<T, Rejection> {
    Err(rule.reject(400, field, message, "[T] 3.1.3"))
}

/// Returns the files that the order signs of its master, with their positions; empty if it names no master.
pub(super) fn files_of_master(world: &mut World, order: &PutOrder) -> Result<MasterFiles, Rejection> {
    const ID: &str = "MultiSignOptions.FirstOrderID";
    let rules = world.rules.clone();
    let Some(options) = &order.multi_sign_options else { return Ok(MasterFiles::default()) };
    let id = options.first_order_id.as_ref().map_or("", |id| id.expose());
    let Some(master) = world.state::<Orders>().by_id.get(id).filter(|master| !master.gone) else {
        return refuse(ID, "the sandbox has no such order: place the master order first", &rules::T_060);
    };
    if master.deleted {
        return refuse(ID, "the data of the master order is deleted, including its documents", &rules::AT_09);
    }
    let mut copies = MasterFiles { pdfs: master.pdfs().cloned().collect(), hashes: master.hashes().cloned().collect() };
    if rules.enforce(&rules::T_052_MASTER) && copies.pdfs.is_empty() && copies.hashes.is_empty() {
        return refuse(ID, "the master order has nothing to sign: it needs eSignPDF or eSignHash", &rules::T_052);
    }
    let parameters = options.sign_parameters.as_deref().unwrap_or_default();
    if rules.enforce(&rules::AT_32) {
        fits(&copies, parameters)?;
    }
    for pdf in &mut copies.pdfs {
        let placement = placement(find(parameters, pdf.filename.as_ref()));
        *pdf = std::mem::take(pdf).placement(placement);
    }
    for hash in &mut copies.hashes {
        // A signed hash has no position.
        *hash = std::mem::take(hash).placement(HashPlacement::Default);
    }
    let mut names = BTreeSet::new();
    let mut all = own_hashes(order).iter().chain(&copies.hashes);
    if rules.enforce(&rules::AT_35_MASTER)
        && !all.all(|hash| names.insert(hash.filename.as_ref().map_or("", |name| name.expose())))
    {
        let message =
            "must be unique: a hash of the master order has the same name, and results are identified by name";
        return refuse("eSignHash.Filename", message, &rules::AT_35);
    }
    if let Err(error) = documents::check_signable(world, order, &copies.pdfs)? {
        rules.uphold(not_signable(error))?;
    }
    Ok(copies)
}

/// Checks that all parameters are for different files of the master order. Without a name they are for its only file. Two
/// for the same file are not documented: one of them would have no effect.
fn fits(master: &MasterFiles, parameters: &[SignParameters]) -> Result<(), Rejection> {
    const NAME: &str = "MultiSignOptions.SignParameters.Filename";
    let names = master.names();
    let mut files = BTreeSet::new();
    for parameters in parameters {
        let named = parameters.filename.as_ref().or_else(|| names.first().copied().flatten());
        match &parameters.filename {
            Some(name) if !names.contains(&Some(name)) => {
                return refuse(NAME, "the master order has no file of this name", &rules::AT_32);
            }
            None if names.len() != 1 => {
                return refuse(NAME, "is required because the master order has several files", &rules::AT_32);
            }
            _ if !files.insert(named.map(|name| name.expose())) => {
                return refuse(NAME, "must be unique: other SignParameters are for the same file", &rules::AT_32);
            }
            _ => {}
        }
    }
    Ok(())
}

fn find<'a>(parameters: &'a [SignParameters], name: Option<&Pii<String>>) -> Option<&'a SignParameters> {
    parameters.iter().find(|parameters| parameters.filename.is_none() || parameters.filename.as_ref() == name)
}

/// Returns the position of the signature. Without parameters the vendor chooses, because the master's own position has
/// the master's signature. Contradictory parameters were rejected before.
fn placement(parameters: Option<&SignParameters>) -> Placement {
    let Some(given) = parameters else { return Placement::Default };
    match (&given.signature_field_name, given.signature_pos_x, given.signature_pos_y) {
        // A field replaces a position (AT-85).
        (Some(name), ..) => Placement::Field(name.clone()),
        (None, Some(x), Some(y)) => {
            let size = Size { width: given.signature_width, height: given.signature_height };
            Placement::At { x, y, page: given.signature_page, size }
        }
        _ => given.signature_page.map_or(Placement::Default, Placement::Page),
    }
}

fn not_signable(error: SyntheticError) -> Rejection {
    let mut refused = documents::not_signable(error);
    for fault in &mut refused.violations {
        fault.field = fault.field.replace("eSignPDF", "MultiSignOptions.SignParameters").into();
    }
    refused
}
