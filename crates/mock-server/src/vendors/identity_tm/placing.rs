//! `putOrder`: an order is checked and placed, [T 3.1].

use identkit_core::Violation;
use identkit_identity_tm::messages::PutOrderAnswer;
use identkit_identity_tm::{Dialect, PutOrder};

use super::orders::{self, Orders};
use super::refusals::not_enabled;
use super::settings::{Feature, Settings};
use super::{checks, documents, multi_sign, reuse};
use crate::vendor::Refused;
use crate::{Profile, World};

pub(super) fn put_order(world: &mut World, order: PutOrder) -> Result<PutOrderAnswer, Refused> {
    let rules = world.rules.clone();
    if world.profile == Profile::Strict {
        if rules.enforce("M-08/elements") {
            checks::unlisted(&order)?;
        }
        if rules.enforce("AT-47/blanks") {
            checks::blanks(&order)?;
        }
    }
    let order = order.normalised();
    let settings = &world.part::<Orders>().settings;
    let enabled = |product: u32| !settings.products_not_enabled.contains(&product);
    if rules.enforce("T-006/products") && !order.product.is_none_or(enabled) {
        return Err(not_enabled("Product"));
    }
    if rules.enforce("T-006/giro") && order.get_giro_link.is_some() && settings.not_enabled.contains(&Feature::Giro) {
        return Err(not_enabled("getGiroLink"));
    }
    rules.uphold(check(&order, settings))?;
    if rules.enforce("T-006") && order.product.is_some_and(|product| !matches!(product, 0 | 12 | 15 | 16)) {
        // Our writer only warns: an account may have products of a later version.
        let fault = Violation::new("Product", "must be 0, 12, 15 or 16", "T-006", "[T] 3.1.3");
        return Err(Refused::new(400, fault));
    }
    if let Err(error) = documents::sign_all(&order, multi_sign::own_pdfs(&order), "", world.now) {
        rules.uphold(documents::not_signable(error))?;
    }
    let of_master = multi_sign::of_master(world, &order)?;
    let answer = orders::create(world, order)?;
    if let Some(id) = &answer.order_id {
        if let Some(order) = world.part::<Orders>().by_id.get_mut(id.expose()) {
            order.of_master = of_master;
        }
        reuse::apply(world, id);
    }
    Ok(answer)
}

/// All that the document itself forbids; no faults when that is nothing. Our writer is stricter by default, for the sake
/// of whoever uses it.
fn check(order: &PutOrder, settings: &Settings) -> Refused {
    let mut dialect = Dialect::default();
    // Any text of 100 characters; the report of [T 3.4.5] shows a Ref with a blank (AT-20).
    dialect.any_reference = true;
    // Not described, and so not refused (AT-34).
    dialect.pdf_and_hash_together = true;
    // `Filename` is optional. Of several hashes each needs one of its own, since nothing else tells the results apart.
    dialect.same_file_names = order.sign_hash.as_ref().is_none_or(|hashes| hashes.as_slice().len() < 2);
    // The length in the table (AT-44).
    dialect.three_letter_countries = true;
    let Err(error) = order.check(&dialect) else { return Refused { status: 400, violations: Vec::new() } };
    let mut refused = Refused::invalid(&error, "[T] 3.1.3");
    if settings.address_optional && order.address.is_none() {
        refused.violations.retain(|fault| fault.field != "Address");
    }
    refused
}
