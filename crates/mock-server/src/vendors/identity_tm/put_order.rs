//! `putOrder`: checks and places an order, [T 3.1].

use identkit_core::{Pii, Secret, Violation};
use identkit_identity_tm::messages::{
    Additional, Address, DriverLicense, EidSettings, EmailNotifications, IdCard, IdCardImages, LegitimationDocument,
    MultiSignOptions, OrderIdentData, PutOrderAnswer, RedirectUrl, SignHash, SignParameters, SignPdf, StatusEntry,
    VideoHashes, WebhookUrl,
};
use identkit_identity_tm::order::Add;
use identkit_identity_tm::{Dialect, OrderFlavor, OrderId, PROVIDER, PutOrder, StatusKind};
use identkit_wire::json::Blob;

use super::facts::{LANDING_HOST, LANDING_PATH};
use super::signing::bank_of;
use super::{
    FACTS, Feature, GiroKey, Order, Orders, Settings, TIME_OUT, account, documents, dts, multi_sign, not_enabled,
    outbox, own_hashes, own_pdfs, reuse, rules,
};
use crate::vendors::unlisted::{Part, has_unknown, misspelled};
use crate::{Profile, Rejection, Timer, World};

pub(super) fn put_order(world: &mut World, order: PutOrder) -> Result<PutOrderAnswer, Rejection> {
    let rules = world.rules.clone();
    if world.profile == Profile::Strict {
        if rules.enforce(&rules::M_08_ELEMENTS) {
            unlisted(&parts(&order), "order")?;
        }
        if rules.enforce(&rules::AT_47_BLANKS) {
            blanks(&order)?;
        }
        if rules.enforce(&rules::AT_34) && !own_pdfs(&order).is_empty() && !own_hashes(&order).is_empty() {
            let message = "conflicts with eSignPDF: not described; only the profile strict rejects it";
            return Err(rules::AT_34.reject(400, "eSignHash", message, TABLE));
        }
    }
    if world.enforces(&rules::M_08_MISSPELLED) {
        misspelled(parts(&order), &rules::M_08_MISSPELLED).into_iter().for_each(|warning| world.warn(warning));
    }
    let order = order.normalized();
    let settings = &world.state::<Orders>().settings;
    let enabled = |product: u32| !settings.products_not_enabled.contains(&product);
    if rules.enforce(&rules::T_006_PRODUCTS) && !order.product.is_none_or(enabled) {
        return Err(not_enabled("Product"));
    }
    if rules.enforce(&rules::T_006_GIRO)
        && order.get_giro_link.as_ref().is_some_and(|link| !link.expose().is_empty())
        && settings.not_enabled.contains(&Feature::Giro)
    {
        return Err(not_enabled("getGiroLink"));
    }
    let account_required = !settings.sign_me_account_optional;
    rules.uphold(check(&order, settings))?;
    let wanted_account = wanted_account(world, &order);
    if rules.enforce(&rules::T_051_ACCOUNT) && account_required && wanted_account == Some(false) {
        let message = "must not contain 16: Email has no sign-me account that can sign (UserExists and UserIsAbleToSign of checkSignmeUser)";
        return Err(rules::T_051_ACCOUNT.reject(400, "Add", message, "[T] 8.3"));
    }
    if rules.enforce(&rules::T_006) && order.product.is_some_and(|product| !matches!(product, 0 | 12 | 15 | 16)) {
        // The client only warns: an account may have products of a later version.
        let fault = rules::T_006.violation("Product", "must be 0, 12, 15 or 16", "[T] 3.1.3");
        return Err(Rejection::new(400, fault));
    }
    if let Err(error) = documents::check_signable(world, &order, own_pdfs(&order))? {
        rules.uphold(documents::not_signable(error))?;
    }
    let of_master = multi_sign::files_of_master(world, &order)?;
    let answer = create(world, order)?;
    if let Some(id) = &answer.order_id {
        if let Some(order) = world.state::<Orders>().by_id.get_mut(id.expose()) {
            order.of_master = of_master;
            order.uses_account = wanted_account == Some(true);
        }
        reuse::apply(world, id);
    }
    Ok(answer)
}

/// Returns all violations of the document's rules. The client's default dialect is stricter.
fn check(order: &PutOrder, settings: &Settings) -> Rejection {
    let mut dialect = Dialect::default();
    // Any text of at most 100 characters: the report of [T 3.4.5] shows a Ref with a blank (AT-20).
    dialect.any_reference = true;
    // Not described, therefore allowed (AT-34).
    dialect.pdf_and_hash_together = true;
    // `Filename` is optional. Several hashes need unique names, because results are identified by name.
    dialect.same_file_names = order.sign_hash.as_ref().is_none_or(|hashes| hashes.as_slice().len() < 2);
    // The length in the table (AT-44).
    dialect.three_letter_countries = true;
    let mut refused = match order.check(&dialect) {
        Ok(_) => Rejection::invalid(Vec::new()),
        Err(error) => FACTS.reject(&error, TABLE),
    };
    let other_images = other_images(order, &refused.violations);
    refused.violations.extend(other_images);
    if settings.address_optional && order.address.is_none() {
        refused.violations.retain(|fault| fault.field != "Address");
    }
    refused
}

/// Returns a violation for each image of the ID document that is Base64, but not of a JPEG, [T 3.1.3]. The client does not
/// check the content. `known` has the violations of the Base64.
fn other_images(order: &PutOrder, known: &[Violation]) -> Vec<Violation> {
    let card = order.ident_data.as_ref().and_then(|data| data.id_card.as_ref());
    let Some(images) = card.and_then(|card| card.images.as_ref()) else { return Vec::new() };
    let fields = [("IdentData.IDCard.Images.Front", &images.front), ("IdentData.IDCard.Images.Back", &images.back)];
    // An empty text asks the agent to take the image (AT-49).
    let is_empty = |image: &Blob| matches!(image, Blob::Text(text) if text.expose().is_empty());
    let is_other = |image: &Blob| !is_empty(image) && image.first_bytes(JPEG.len()) != JPEG;
    let others = fields.into_iter().filter(|(field, image)| {
        image.as_ref().is_some_and(is_other) && !known.iter().any(|violation| violation.field == *field)
    });
    others.map(|(field, _)| rules::T_005.violation(field, "must be a JPEG in Base64", TABLE)).collect()
}

/// The first bytes of a JPEG.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

/// Whether the person's sign-me account can sign, if an order is to use it, [T 8.3].
fn wanted_account(world: &mut World, order: &PutOrder) -> Option<bool> {
    let wants = order.flavor() == OrderFlavor::Qes && Add(order.add.unwrap_or_default()).contains(Add::USE_ACCOUNT);
    let email = order.email.as_ref().map_or("", |email| email.expose().trim());
    wants.then(|| account(world, email, None) == (true, true))
}

/// Returns the link to the bank, if the order requests it. The result for a bank that getBankList does not name is not
/// documented: the response has no link, and the profile `strict` rejects the order.
fn giro_link(world: &mut World, request: &PutOrder) -> Result<Option<String>, Rejection> {
    let Some(wanted) = request.get_giro_link.as_ref().filter(|wanted| !wanted.expose().is_empty()) else {
        return Ok(None);
    };
    if bank_of(wanted.expose())?.is_none() {
        if world.profile == Profile::Strict && world.enforces(&rules::AT_41) {
            let message = "must be the BIC or a German IBAN of a bank that getBankList returns";
            return Err(rules::AT_41.reject(400, "getGiroLink", message, "[T] 3.1.3"));
        }
        return Ok(None);
    }
    let hash = world.random_text(HEX, 32);
    Ok(Some(format!("https://www.identity.tm/giro/{hash}")))
}

fn create(world: &mut World, request: PutOrder) -> Result<PutOrderAnswer, Rejection> {
    let now = world.now;
    let giro = giro_link(world, &request)?;
    let id = loop {
        let id = format!("9992{}", world.random_text(b"0123456789ABCDEF", 10));
        if !world.state::<Orders>().by_id.contains_key(&id) {
            break id;
        }
    };
    world.set_request_case(&id);
    let mut answer = PutOrderAnswer::default().order_id(OrderId::new(&*id));
    answer.reference = world.state::<Orders>().settings.required(request.reference.clone());
    let mut link = None;
    if request.get_target_link == Some(true) {
        let hash = world.random_text(HEX, 32);
        let path = format!("{LANDING_PATH}{hash}");
        let pages = world.state::<Orders>().settings.landing_pages;
        answer = answer.target_url(pages.url(world, &path, LANDING_HOST));
        link = Some(hash);
    }
    // The mail has a link as well.
    let link = world.has_landing_pages().then(|| link.unwrap_or_else(|| world.derived_text(HEX, 32)));
    let by_video = matches!(request.product, Some(12 | 15)) || !world.enforces(&rules::T_054);
    if request.get_video_hashes == Some(true) && by_video {
        let short = world.random_text(b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 5);
        let long = world.random_text(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-", 20);
        answer = answer.video_hashes(VideoHashes::default().short_code(short).long_code(long));
    }
    let link_replaces_mail = world.enforces(&rules::AT_84);
    let settings = &world.state::<Orders>().settings;
    // Without the link, the vendor sends an e-mail; with it, that is not documented (AT-84).
    let mailed = !link_replaces_mail || request.get_target_link != Some(true) || settings.mail_beside_link;
    if let Some(link) = giro {
        if settings.giro_key == GiroKey::TargetUrl && answer.target_url.is_none() {
            answer = answer.target_url(link);
        } else {
            answer.extra.insert("GiroURL".to_owned(), link.into());
        }
    }
    let mut order = Order::new(OrderId::new(&*id), request, now);
    order.link = link.map(Secret::new);
    let entry = |kind| StatusEntry::default().kind(kind).time(dts(now));
    order.status.push(entry(StatusKind::INITIALIZED));
    if mailed {
        order.status.push(entry(StatusKind(7)));
    }
    let orders = world.state::<Orders>();
    orders.by_id.insert(id.clone(), Box::new(order));
    orders.opened.push(id.clone());
    let time_out = orders.settings.time_out;
    if let Ok(at) = now.checked_add(time_out) {
        world.set_timer(at, Timer { vendor: PROVIDER, what: TIME_OUT, subject: id });
    }
    if mailed {
        outbox::landing_page(world, answer.order_id.as_ref().map_or("", |id| id.expose()));
    }
    keep_bound(world);
    Ok(answer)
}

fn keep_bound(world: &mut World) {
    let mut opened = std::mem::take(&mut world.state::<Orders>().opened);
    let oldest = world.evict_oldest(PROVIDER, &mut opened);
    let orders = world.state::<Orders>();
    orders.opened = opened;
    if !oldest.is_empty() {
        oldest.iter().for_each(|id| drop(orders.by_id.remove(id)));
        orders.reported.retain(|(id, _)| !oldest.contains(id));
    }
}

const TABLE: &str = "[T] 3.1.3";

const HEX: &[u8] = b"0123456789ABCDEF";

fn refuse(faults: Vec<Violation>) -> Result<(), Rejection> {
    Rejection::invalid(faults).or_ok()
}

/// The objects of an order.
fn parts(order: &PutOrder) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = vec![("", &order.extra, PutOrder::KEYS)];
    macro_rules! add {
        ($($place:literal, $type:ident: $parts:expr;)+) => {
            $(parts.extend($parts.into_iter().map(|part: &$type| ($place, &part.extra, $type::KEYS)));)+
        };
    }
    let (options, data) = (order.multi_sign_options.as_ref(), order.ident_data.as_ref());
    let card = data.and_then(|data| data.id_card.as_ref());
    add! {
        "eIDSettings", EidSettings: &order.eid_settings;
        "RedirectURL", RedirectUrl: &order.redirect_url;
        "WebhookURL", WebhookUrl: &order.webhook_url;
        "Address", Address: &order.address;
        "EmailNotifications", EmailNotifications: &order.email_notifications;
        "LegitimationDocument", LegitimationDocument: order.legitimation_document.iter().flatten();
        "eSignPDF", SignPdf: own_pdfs(order);
        "eSignHash", SignHash: own_hashes(order);
        "MultiSignOptions", MultiSignOptions: options;
        "MultiSignOptions.SignParameters", SignParameters: options.and_then(|options| options.sign_parameters.as_ref()).into_iter().flatten();
        "IdentData", OrderIdentData: data;
        "IdentData.DriverLicence", DriverLicense: data.and_then(|data| data.driver_license.as_ref());
        "IdentData.Additional", Additional: data.and_then(|data| data.additional.as_ref()).into_iter().flat_map(|details| details.values());
        "IdentData.IDCard", IdCard: card;
        "IdentData.IDCard.Images", IdCardImages: card.and_then(|card| card.images.as_ref());
    }
    parts
}

/// Rejects elements that the tables do not list. The message quotes a name only if it is nearly a listed one: it may be
/// personal data. `whole` names the request.
pub(super) fn unlisted(parts: &[Part<'_>], whole: &'static str) -> Result<(), Rejection> {
    let rule = &rules::M_08_ELEMENTS;
    let mut faults = misspelled(parts.iter().copied(), rule);
    for &(place, extra, listed) in parts {
        if has_unknown(extra, listed) {
            let message = "has an element that the document does not list; only the profile strict rejects it";
            faults.push(rule.violation(if place.is_empty() { whole } else { place }, message, TABLE));
        }
    }
    refuse(faults)
}

/// Rejects blanks around e-mail addresses and phone numbers. The document's own example has one (AT-47); the profile
/// `literal` trims it.
pub(super) fn blanks(order: &PutOrder) -> Result<(), Rejection> {
    let data = order.ident_data.as_ref();
    let given: [(&'static str, Option<&Pii<String>>); 5] = [
        ("Email", order.email.as_ref()),
        ("Phone", order.phone.as_ref()),
        ("Mobile", order.mobile.as_ref()),
        ("IdentData.Email", data.and_then(|data| data.email.as_ref())),
        ("IdentData.Mobile", data.and_then(|data| data.mobile.as_ref())),
    ];
    let blank = |text: &Pii<String>| text.expose().trim().len() != text.expose().len();
    let faults = given.into_iter().filter(|(_, text)| text.is_some_and(blank));
    refuse(
        faults.map(|(field, _)| rules::AT_47.violation(field, "must not start or end with a blank", TABLE)).collect(),
    )
}
