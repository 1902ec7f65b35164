//! Signing what a master order is to have signed (`MultiSignOptions`, [T 3.1.3]): copies, made when the order is
//! placed, so that what becomes of the master afterwards changes nothing.
//!
//! Not documented, and assumed: the copies are without the master's signature, even where that is there already; and
//! they come after what the order has of its own.

use std::collections::BTreeSet;

use identkit_core::Pii;
use identkit_identity_tm::PutOrder;
use identkit_identity_tm::messages::SignParameters;
use identkit_identity_tm::order::{HashPlacement, Placement, Size};
use jiff::Timestamp;

use super::{OfMaster, Orders, documents, own_hashes, rules};
use crate::rules::Rule;
use crate::{Rejection, World};

impl OfMaster {
    fn names(&self) -> Vec<Option<&Pii<String>>> {
        let pdfs = self.pdfs.iter().map(|pdf| pdf.filename.as_ref());
        pdfs.chain(self.hashes.iter().map(|hash| hash.filename.as_ref())).collect()
    }
}

fn refuse<T>(field: &'static str, message: &'static str, rule: &Rule) -> Result<T, Rejection> {
    Err(rule.reject(400, field, message, "[T] 3.1.3"))
}

/// What the order signs of its master, each where it says; nothing when it names none.
pub(super) fn of_master(world: &mut World, order: &PutOrder) -> Result<OfMaster, Rejection> {
    const ID: &str = "MultiSignOptions.FirstOrderID";
    let rules = world.rules.clone();
    let Some(options) = &order.multi_sign_options else { return Ok(OfMaster::default()) };
    let id = options.first_order_id.as_ref().map_or("", |id| id.expose());
    let Some(master) = world.state::<Orders>().by_id.get(id).filter(|master| !master.gone) else {
        return refuse(ID, "the sandbox has no such order: place the master order first", &rules::T_060);
    };
    if master.deleted {
        return refuse(ID, "the data of the master order is deleted_order, its documents among it", &rules::AT_09);
    }
    let mut copies = OfMaster { pdfs: master.pdfs().cloned().collect(), hashes: master.hashes().cloned().collect() };
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
        // What is answered for a hash has no place.
        *hash = std::mem::take(hash).placement(HashPlacement::Default);
    }
    let mut names = BTreeSet::new();
    let mut all = own_hashes(order).iter().chain(&copies.hashes);
    if rules.enforce(&rules::AT_35_MASTER)
        && !all.all(|hash| names.insert(hash.filename.as_ref().map_or("", |name| name.expose())))
    {
        let message = "is the name of a hash of the master order too: nothing else would tell the results apart";
        return refuse("eSignHash.Filename", message, &rules::AT_35);
    }
    if let Err(refused) = signable(&copies, world.now) {
        rules.uphold(refused)?;
    }
    Ok(copies)
}

/// Every place is for a file of the master order. Without a name it is for the only one.
fn fits(master: &OfMaster, parameters: &[SignParameters]) -> Result<(), Rejection> {
    const NAME: &str = "MultiSignOptions.SignParameters.Filename";
    let names = master.names();
    for parameters in parameters {
        match &parameters.filename {
            Some(name) if !names.contains(&Some(name)) => {
                return refuse(NAME, "the master order has no file of this name", &rules::AT_32);
            }
            None if names.len() != 1 => {
                return refuse(NAME, "is required where the master order has several files", &rules::AT_32);
            }
            _ => {}
        }
    }
    Ok(())
}

fn find<'a>(parameters: &'a [SignParameters], name: Option<&Pii<String>>) -> Option<&'a SignParameters> {
    parameters.iter().find(|parameters| parameters.filename.is_none() || parameters.filename.as_ref() == name)
}

/// Where the signature goes: as it is said, otherwise wherever the vendor puts it, since the master's own place is
/// taken by the master's signature. The rules of the order have refused mixtures before.
fn placement(parameters: Option<&SignParameters>) -> Placement {
    let Some(said) = parameters else { return Placement::Default };
    match (said.signature_pos_x, said.signature_pos_y, &said.signature_field_name) {
        (Some(x), Some(y), _) => {
            let size = Size { width: said.signature_width, height: said.signature_height };
            Placement::At { x, y, page: said.signature_page, size }
        }
        (_, _, Some(name)) => Placement::Field(name.clone()),
        _ => said.signature_page.map_or(Placement::Default, Placement::Page),
    }
}

fn signable(copies: &OfMaster, now: Timestamp) -> Result<(), Rejection> {
    documents::sign_all(&PutOrder::default(), &copies.pdfs, "", now).map(drop).map_err(|error| {
        let mut refused = documents::not_signable(error);
        for fault in &mut refused.violations {
            fault.field = fault.field.replace("eSignPDF", "MultiSignOptions.SignParameters").into();
        }
        refused
    })
}
