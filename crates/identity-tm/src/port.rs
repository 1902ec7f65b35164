//! The neutral port of this vendor: maps between the vendor's messages and the domain types.

use std::time::Duration;

use async_trait::async_trait;
use identkit_core::{
    Artifact, CallOptions, Capability, CaseRef, CaseStatus, ChangesPage, Content, Cursor, DeletePermit, Descriptor,
    Error, Evidence, EvidenceItem, EvidenceKind, IdentityProvider, Kind, NewCase, Opened, Outcome, Pii, Purpose,
    Secret, Window,
};
use identkit_wire::Dts;
use identkit_wire::json::{self, Blob};

use crate::messages::{Address, ListedOrder, OrderIdentData, OrderStatus, StatusEntry};
use crate::operations::SignedPdfs;
use crate::order::{Gender, NewOrder, ToSign};
use crate::{Dialect, Finality, IdentityTm, OrderFlavor, OrderId, PROVIDER, PutOrder};

static DESCRIPTOR: Descriptor = Descriptor::new(
    PROVIDER,
    "identity Trust Management Customer Services API 2.10c",
    &[
        Capability::Open,
        Capability::Sign,
        Capability::Status,
        Capability::Evidence,
        Capability::Cancel,
        Capability::Delete,
        Capability::Changes,
        Capability::Webhook,
        Capability::Redirect,
    ],
    // [T 3.10]: 7 days after fulfillment.
    Duration::from_secs(7 * 86_400),
);

/// State of a case, saved in [`CaseRef::state`].
#[derive(serde::Serialize, serde::Deserialize)]
struct State {
    #[serde(rename = "flavour")]
    flavor: OrderFlavor,
}

impl State {
    fn read(case: &CaseRef) -> Self {
        let known = case.state.as_ref().and_then(|state| json::read(state.expose().as_bytes()).ok());
        known.unwrap_or(Self { flavor: OrderFlavor::Unknown })
    }

    fn pack(&self) -> Result<Secret, Error> {
        let bytes = json::write(self)?;
        Ok(Secret::new(String::from_utf8_lossy(&bytes)))
    }
}

fn new_order(case: &NewCase, dialect: &Dialect) -> Result<PutOrder, Error> {
    let person = &case.person;
    let address = &person.address;
    let street = match (&address.street, &address.house_number) {
        (Some(street), Some(number)) => Some(Pii::new(format!("{} {}", street.expose(), number.expose()))),
        (street, _) => street.clone(),
    };
    let mut contact = Address::default().firstname(person.given_names.clone()).surname(person.family_name.clone());
    contact.street.clone_from(&street);
    contact.zip_code.clone_from(&address.postal_code);
    contact.city.clone_from(&address.city);
    contact.country.clone_from(&address.country);

    let mut data = OrderIdentData::default().firstname(person.given_names.clone()).surname(person.family_name.clone());
    data.street = street;
    data.zip_code.clone_from(&address.postal_code);
    data.city.clone_from(&address.city);
    data.country.clone_from(&address.country);
    data.birthdate = person.birth_date.as_ref().map(|date| Pii::new(date.expose().to_string()));
    data.birthplace.clone_from(&person.birthplace);
    data.nationality.clone_from(&person.nationality);
    // The vendor defines no third gender (AT-50): the element is left out.
    data.gender = match person.gender {
        Some(identkit_core::Gender::Female) => Some(Gender::Female.into()),
        Some(identkit_core::Gender::Male) => Some(Gender::Male.into()),
        _ => None,
    };

    let email = person.email.clone().unwrap_or_default();
    let mut order = match case.purpose {
        Purpose::Signature => NewOrder::signature(email, contact),
        _ if !case.documents.is_empty() => {
            let detail = "a case with documents to sign needs the purpose Signature";
            return Err(Error::new(Kind::InvalidInput, detail));
        }
        _ => NewOrder::identification(email, contact),
    };
    order = order.target_link().ident_data(data).redirect(case.redirect_success.clone(), case.redirect_abort.clone());
    if let Some(reference) = &case.reference {
        order = order.reference(reference.clone());
    }
    if let Some(mobile) = &person.mobile {
        order = order.mobile(mobile.clone());
    }
    if let Some(webhook) = &case.webhook_final {
        order = order.on_final(webhook.clone());
    }
    for document in &case.documents {
        order = order.sign(ToSign::pdf(document.name.as_str(), Blob::from_bytes(document.pdf.clone())));
    }
    order.build_for(dialect)
}

fn order_id(case: &CaseRef) -> Result<OrderId, Error> {
    if case.provider != PROVIDER {
        return Err(Error::new(Kind::InvalidInput, "the case belongs to another provider"));
    }
    Ok(OrderId::new(case.id.expose()))
}

impl IdentityTm {
    async fn verdict(&self, case: &CaseRef, options: &CallOptions) -> Result<(Finality, CaseStatus), Error> {
        let status = self.status(&order_id(case)?, options).await?.value;
        let finality = status.finality(State::read(case).flavor);
        let case_status = case_status(&finality, &status.timeline());
        Ok((finality, case_status))
    }
}

/// Maps a verdict and its status entries, oldest first, to the port.
fn case_status(finality: &Finality, timeline: &[&StatusEntry]) -> CaseStatus {
    let since = timeline
        .iter()
        .filter(|entry| entry.kind.is_some_and(|kind| finality.because.contains(&kind)))
        .find_map(|entry| entry.time.as_ref().and_then(Dts::timestamp));
    let vendor_codes = timeline.iter().filter_map(|entry| entry.kind).map(|kind| kind.0.to_string()).collect();
    let mut status = CaseStatus::new(finality.outcome, vendor_codes);
    status.since = since;
    status
}

/// Maps an order of a window. Its earlier statuses and its flavor are not known here: unless the codes end an order of
/// any flavor, the outcome is unknown (AT-14).
fn changed_case(order: ListedOrder) -> Option<(Secret, CaseStatus)> {
    let id = order.order_id.filter(|id| !id.expose().is_empty())?;
    let mut status = OrderStatus::default();
    status.status = order.status;
    let mut finality = status.finality(OrderFlavor::Unknown);
    if !finality.is_final() && finality.outcome != Outcome::Unclear {
        finality.outcome = Outcome::Unknown;
    }
    Some((Secret::new(id.expose()), case_status(&finality, &status.timeline())))
}

#[async_trait]
impl IdentityProvider for IdentityTm {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    async fn open(&self, case: &NewCase, options: &CallOptions) -> Result<Opened, Error> {
        let placed = self.put_order(&new_order(case, self.dialect())?, options).await?.value;
        let state = State { flavor: placed.flavor }.pack()?;
        let id = Secret::new(placed.order_id.expose());
        let case = CaseRef { provider: PROVIDER.to_owned(), id, state: Some(state) };
        Ok(Opened::new(case, placed.answer.target_url))
    }

    async fn status(&self, case: &CaseRef, options: &CallOptions) -> Result<CaseStatus, Error> {
        Ok(self.verdict(case, options).await?.1)
    }

    async fn evidence_list(&self, case: &CaseRef, options: &CallOptions) -> Result<Vec<EvidenceItem>, Error> {
        let (finality, _) = self.verdict(case, options).await?;
        if finality.outcome == Outcome::Unclear {
            let detail = "a status of the order cannot be read, so its evidence is not known";
            return Err(Error::new(Kind::Protocol, detail).with_operation("getStatus/ExtendedList"));
        }
        if !finality.data_expected() {
            return Ok(Vec::new());
        }
        let mut items = vec![
            EvidenceItem { kind: EvidenceKind::IdentData, index: 0 },
            EvidenceItem { kind: EvidenceKind::Report, index: 0 },
        ];
        if finality.outcome == Outcome::Signed {
            let signed = self.signed_pdfs(&order_id(case)?, options).await?.value;
            let count = match &signed {
                SignedPdfs::One(_) => 1,
                SignedPdfs::Many(many) => u32::try_from(many.len()).unwrap_or(u32::MAX),
            };
            items.extend((0..count).map(|index| EvidenceItem { kind: EvidenceKind::SignedDocument, index }));
        }
        Ok(items)
    }

    async fn evidence(&self, case: &CaseRef, item: &EvidenceItem, options: &CallOptions) -> Result<Evidence, Error> {
        let id = order_id(case)?;
        let missing = || Error::new(Kind::NotFound, "the case does not have this piece of evidence");
        let content = match item.kind {
            EvidenceKind::IdentData if item.index == 0 => {
                let data = self.ident_data_with_method(&id, options).await?.value;
                Content::from_bytes(json::write(&data)?)
            }
            EvidenceKind::Report if item.index == 0 => {
                Artifact::Pdf.checked(self.ident_data_pdf(&id, options).await?.value)
            }
            EvidenceKind::SignedDocument => match self.signed_pdfs(&id, options).await?.value {
                SignedPdfs::One(content) if item.index == 0 => Artifact::Pdf.checked(content),
                SignedPdfs::One(_) => return Err(missing()),
                SignedPdfs::Many(many) => {
                    let index = usize::try_from(item.index).unwrap_or(usize::MAX);
                    let pdf = many.get(index).ok_or_else(missing)?.to_bytes()?;
                    Artifact::Pdf.check(&pdf)?;
                    Content::from_bytes(pdf)
                }
            },
            _ => return Err(missing()),
        };
        Ok(Evidence::new(item.clone(), content))
    }

    async fn cancel(&self, case: &CaseRef, options: &CallOptions) -> Result<(), Error> {
        self.cancel_order(&order_id(case)?, options).await.map(drop)
    }

    async fn delete(&self, case: &CaseRef, _: &DeletePermit, options: &CallOptions) -> Result<(), Error> {
        self.delete_ident_data(&order_id(case)?, options).await.map(|_| ())
    }

    async fn changes(
        &self,
        window: Window,
        after: Option<&Cursor>,
        options: &CallOptions,
    ) -> Result<ChangesPage, Error> {
        let mut feed = match after {
            None => self.status_pages(window, options),
            Some(Cursor(position)) => self.status_pages_from(window, position, options)?,
        };
        let Some(orders) = feed.next().await? else { return Ok(ChangesPage::default()) };
        // Without an id an order cannot be read again.
        let cases = orders.into_iter().filter_map(changed_case).collect();
        Ok(ChangesPage::new(cases, feed.position()?.map(Cursor)))
    }
}
