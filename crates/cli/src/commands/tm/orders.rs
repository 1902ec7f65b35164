//! Commands on one order: place it, read its status, judge it.

use std::path::Path;

use identkit_core::{Kind, Outcome};
use identkit_identity_tm::messages::{
    Additional, Address, DriverLicense, EidSettings, EmailNotifications, IdCard, IdCardImages, LegitimationDocument,
    MultiSignOptions, OrderIdentData, RedirectUrl, SignHash, SignParameters, SignPdf, WebhookUrl,
};
use identkit_identity_tm::{Dialect, Finality, OrderFlavor, OrderId, PutOrder, SignedIdentData, random_reference};
use identkit_wire::{Dts, Operation as _};
use serde_json::{Value, json};

use super::client::Tm;
use crate::changes::{self, Changes};
use crate::context::{document, say_all, warn};
use crate::exit::Failure;
use crate::input::Input;
use crate::misspelled::{self, Foreign, Listed, Names};
use crate::output::{InterruptionNote, Page, others, say, table, to_json};
use crate::signed_form::SignedForm;
use crate::text::{id, plain};
use crate::verdict::{description, word};

/// The objects of an order and the names that the document lists ([T 3.1.3]).
const ELEMENTS: &[Listed] = &[
    ("", PutOrder::KEYS),
    ("eIDSettings", EidSettings::KEYS),
    ("RedirectURL", RedirectUrl::KEYS),
    ("WebhookURL", WebhookUrl::KEYS),
    ("Address", Address::KEYS),
    ("EmailNotifications", EmailNotifications::KEYS),
    ("LegitimationDocument", LegitimationDocument::KEYS),
    ("eSignPDF", SignPdf::KEYS),
    ("eSignHash", SignHash::KEYS),
    ("MultiSignOptions", MultiSignOptions::KEYS),
    ("MultiSignOptions.SignParameters", SignParameters::KEYS),
    ("IdentData", OrderIdentData::KEYS),
    ("IdentData.DriverLicence", DriverLicense::KEYS),
    ("IdentData.Additional.*", Additional::KEYS),
    ("IdentData.IDCard", IdCard::KEYS),
    ("IdentData.IDCard.Images", IdCardImages::KEYS),
];

/// Names of other vendors and of `NewCase` for elements of an order.
const FOREIGN: &[Foreign] = &[
    (&["webhookfinal", "webhook"], "; did you mean WebhookURL.OnFinal?"),
    (&["redirectsuccess", "redirect"], "; did you mean RedirectURL.Success?"),
    (&["redirectabort"], "; did you mean RedirectURL.Abort?"),
    (&["reference", "customid"], "; did you mean Ref?"),
    (&["personfirstname", "givennames"], "; did you mean Address.Firstname?"),
    (&["personlastname", "lastname", "familyname"], "; did you mean Address.Surname?"),
    (&["birthday"], "; did you mean IdentData.Birthdate?"),
    (&["mobilephone"], "; did you mean Mobile?"),
    (&["postalcode"], "; did you mean Address.ZipCode?"),
    (&["pdfcontent", "pdfurl", "documents"], "; did you mean eSignPDF?"),
];

/// Reads an order in the vendor's JSON format, and notes the names that have no effect.
pub(super) fn read(input: &Input) -> Result<PutOrder, Failure> {
    let order = PutOrder::from_json(&input.bytes).map_err(|error| input.unusable(&error))?;
    misspelled::notes(&input.bytes, Names { listed: ELEMENTS, foreign: FOREIGN })
        .iter()
        .for_each(|note| say(&format!("note: {note}")));
    Ok(order)
}

/// Notes what is sent in another form than in the input.
pub(super) fn note_changes(input: &Input, order: &PutOrder, dialect: &Dialect) {
    // An order that breaks a rule is rejected later.
    let sent = order.encode(dialect).ok().and_then(|sent| sent.body.as_bytes()).unwrap_or_default();
    let Changes { left_out, trimmed, reshaped } = Changes::new(&input.bytes, &sent);
    let notes = [
        (changes::LEFT_OUT, left_out),
        ("sent without the blanks around them", trimmed),
        ("sent in another form, as the document has it", reshaped),
    ];
    notes.iter().filter_map(|(what, names)| changes::note(what, names)).for_each(|note| say(&format!("note: {note}")));
}

/// Adds the signed data of an earlier order, byte for byte. Signed data in the order itself must pass the same check
/// (AT-71).
pub(super) fn with_signed_data(
    order: PutOrder,
    input: &Input,
    signed: Option<SignedForm>,
) -> Result<PutOrder, Failure> {
    let Some(SignedForm { option, name, bytes }) = signed else {
        let Some(form) = &order.ident_data_signed else { return Ok(order) };
        let form = SignedIdentData(form.expose().to_owned().into()).for_reuse().map_err(|error| {
            Failure::unsent(format!("IdentDataSigned in {} cannot be used: {}", input.name, error.detail()))
        })?;
        return Ok(order.ident_data_signed(form));
    };
    if order.ident_data_signed.is_some() {
        let input = &input.name;
        return Err(Failure::unsent(format!("{option} and IdentDataSigned in {input} are both given: remove one")));
    }
    if serde_json::from_slice(&bytes)
        .is_ok_and(|json: Value| json.get("base64").is_some() && json.get("identkit").is_some())
    {
        let why = "it is the output of --output json: pass a file that ident-data --signed -o wrote";
        return Err(Failure::unsent(format!("{name} cannot be used: {why}")));
    }
    let result = SignedIdentData(bytes.into());
    let form =
        result.for_reuse().map_err(|error| Failure::unsent(format!("{name} cannot be used: {}", error.detail())))?;
    Ok(order.ident_data_signed(form))
}

pub(super) async fn put(tm: &Tm<'_>, file: &Path, signed: Option<&Path>) -> Result<(), Failure> {
    let input = Input::read(file).await?;
    let signed = signed.map(SignedForm::read).transpose()?;
    let mut order = with_signed_data(read(&input)?, &input, signed)?;
    let client = tm.client()?;
    // The Ref is generated here and not by the client, so that it can be printed if the response is lost.
    let given = order.reference.as_ref().map(|reference| plain(reference.expose())).filter(|given| !given.is_empty());
    let (note, recovery) = if let Some(given) = given {
        // Standard input cannot be read again.
        let place = match file.as_os_str() == "-" {
            true => format!("Ref {given}"),
            false => format!("Ref, which is in {}", input.name),
        };
        (None, format!("before anything else, look for the order at the vendor by its {place}"))
    } else {
        let reference = random_reference();
        let with = format!("with the Ref {reference}: save it, the vendor can find the order by it");
        order = order.reference(reference);
        (Some(format!("the order may have been sent {with}")), format!("the order was sent {with}"))
    };
    note_changes(&input, &order, &tm.arguments.dialect());
    let reference = order.reference.as_ref().map_or("", |reference| reference.expose());
    tm.recorder.prepare(PutOrder::META, &[("Ref", reference)])?;
    let note = InterruptionNote::new(note);
    let result = client.put_order(&order, &tm.options).await;
    note.disarm();
    let placed = warn(result).map_err(|error| {
        let unknown = error.kind() == Kind::OutcomeUnknown;
        let failure = Failure::from(error);
        if unknown { failure.note(recovery) } else { failure }
    })?;
    let answer = &placed.value.answer;
    tm.recorder.add_name("OrderID", placed.value.order_id.expose());
    if let Some(url) = &answer.target_url {
        tm.recorder.add_last_resort("TargetURL", url.expose());
    }
    if order.get_target_link == Some(true) && answer.target_url.is_none() {
        say("note: the order asks for a link (getTargetLink), but the response has no TargetURL");
    }
    let (flavor, end) = end(placed.value.flavor);
    tm.show(document(to_json(answer), &placed, json!({ "flavour": flavor })), |page| {
        let mut rows = vec![("OrderID".to_owned(), id(placed.value.order_id.expose()))];
        let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
        if let Some(reference) = &answer.reference {
            row("Ref", id(reference.expose()));
        }
        if let Some(url) = &answer.target_url {
            row("TargetURL", plain(url.expose()));
        }
        if let Some(hashes) = &answer.video_hashes {
            row("ShortCode", plain(hashes.short_code.as_ref().map_or("", |code| code.expose())));
            row("LongCode", plain(hashes.long_code.as_ref().map_or("", |code| code.expose())));
        }
        // E.g. GiroURL, which the document does not list (AT-41).
        rows.extend(others(&to_json(answer), &["OrderID", "Ref", "TargetURL", "VideoHashes"]));
        rows.push(("ends with".to_owned(), end.to_owned()));
        page.pairs(rows);
    })
}

pub(super) async fn status(tm: &Tm<'_>, order_id: &OrderId, extended: bool) -> Result<(), Failure> {
    let client = tm.client()?;
    let response = warn(match extended {
        true => client.status(order_id, &tm.options).await,
        false => client.status_general(order_id, &tm.options).await,
    })?;
    let judge = |flavor| response.value.finality(flavor);
    let verdicts = if extended { Verdicts::judge(judge) } else { Verdicts::judge_part(judge) };
    tm.show(document(to_json(&response.value), &response, verdicts.json()), |page| {
        let mut table = table(&["Time", "Kind", "Meaning", "Text"]);
        for entry in response.value.timeline() {
            let kind = entry.kind;
            table.add_row([
                plain(entry.time.as_ref().map_or("", Dts::as_str)),
                kind.map_or_else(String::new, |kind| kind.0.to_string()),
                kind.and_then(|kind| kind.text()).map_or("", |text| text.english).to_owned(),
                plain(entry.text.as_ref().map_or("", |text| text.expose())),
            ]);
        }
        page.table(table);
        verdicts.table(page);
        if !extended {
            page.note("general codes only, which may hide a suspicion of fraud: add --extended for all codes");
        }
    })
}

pub(super) async fn finality(tm: &Tm<'_>, order_id: &OrderId) -> Result<(), Failure> {
    let response = warn(tm.client()?.status(order_id, &tm.options).await)?;
    let verdicts = Verdicts::judge(|flavor| response.value.finality(flavor));
    tm.show(document(json!({}), &response, verdicts.json()), |page| verdicts.table(page))
}

pub(super) async fn ping(tm: &Tm<'_>) -> Result<(), Failure> {
    let response = tm.server_status().await?;
    say_all(&response.warnings);
    tm.show(document(json!({ "up": true }), &response, json!({})), |page| {
        page.line(format!("up, responded in {:.1} ms", response.elapsed.as_secs_f64() * 1000.0))
    })
}

/// The two verdicts on an order of which only the id is known: its end depends on whether it is to be signed (AT-14).
pub(super) struct Verdicts {
    pub(super) identification: Verdict,
    pub(super) signature: Verdict,
}

/// A verdict, or `None` if the codes that were read decide nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict(Option<Outcome>);

impl Verdict {
    pub(super) fn word(self) -> &'static str {
        self.0.map_or("undecided", word)
    }

    pub(super) fn description(self) -> &'static str {
        self.0.map_or("cannot be decided from the general codes: use --extended", description)
    }
}

impl Verdicts {
    pub(super) fn judge(judge: impl Fn(OrderFlavor) -> Finality) -> Self {
        let verdict = |flavor| Verdict(Some(judge(flavor).outcome));
        Self { identification: verdict(OrderFlavor::IdentOnly), signature: verdict(OrderFlavor::Qes) }
    }

    /// Judges a part of an order's codes, which decides only a suspicion of fraud: the rest may report one (AT-06, AT-13).
    pub(super) fn judge_part(judge: impl Fn(OrderFlavor) -> Finality) -> Self {
        let Self { identification, signature } = Self::judge(judge);
        let decided = |Verdict(outcome): Verdict| {
            Verdict(outcome.filter(|outcome| matches!(outcome, Outcome::FraudSuspicion | Outcome::Unclear)))
        };
        Self { identification: decided(identification), signature: decided(signature) }
    }

    pub(super) fn json(&self) -> Value {
        let (identification, signature) = (self.identification.word(), self.signature.word());
        json!({ "verdict": { "if_identification": identification, "if_signature": signature } })
    }

    fn table(&self, page: &mut Page) {
        if self.identification == self.signature {
            return page.line(format!("Verdict: {}", self.identification.description()));
        }
        page.line(format!("Verdict on an identification: {}", self.identification.description()));
        page.line(format!("Verdict on a signature:       {}", self.signature.description()));
    }
}

/// The flavor of an order as a word, and the status that ends such an order.
fn end(flavor: OrderFlavor) -> (&'static str, &'static str) {
    match flavor {
        OrderFlavor::IdentOnly => ("identification", "a positive identification (status 6)"),
        OrderFlavor::Qes => ("signature", "the signature (status 84)"),
        OrderFlavor::SignAccountOnly => (
            "sign_me_account",
            "a positive identification (status 6), which creates a sign-me account; nothing is signed",
        ),
        OrderFlavor::Unknown => ("unknown", "unknown"),
    }
}
