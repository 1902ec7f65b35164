//! Finds the case that a command is about.

use clap::{Args, ValueEnum};
use identkit_collector::{CaseReader, CaseReport};
use identkit_core::Secret;
use identkit_store::{Case, CaseId, Store};

use crate::case_id;
use crate::exit::Failure;
use crate::input::standard_text;
use crate::signals::run_on_thread;
use crate::store::{Missing, StoreArguments};

/// What a text identifies a case by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    /// The id of the case in the store.
    Case,
    /// Your reference.
    Reference,
    /// The vendor's id.
    Vendor,
}

/// The case of a command.
#[derive(Clone, Debug, Args)]
// It is part of other structs of this name.
#[group(skip)]
pub(super) struct Arguments {
    /// Id of the case in the store, your reference, or the vendor's id; `-` reads it from standard input.
    #[arg(value_name = "ID|-")]
    id: String,

    /// What ID is, if it could be several.
    #[arg(long, value_enum)]
    by: Option<By>,

    #[command(flatten)]
    pub(super) store: StoreArguments,
}

impl Arguments {
    /// Opens the store, and finds the case.
    ///
    /// # Errors
    /// If there is none, or if several cases have the id.
    pub(super) async fn find(&self) -> Result<(Store, Case), Failure> {
        let store = self.store.open(Missing::Fail).await?;
        let id = match self.id.as_str() {
            "-" => run_on_thread(|| standard_text("ID")).await??,
            id => Secret::new(id),
        };
        let case = find(&store, id.expose(), self.by).await?;
        Ok((store, case))
    }

    /// Finds the case, and describes it.
    pub(super) async fn report(&self) -> Result<CaseReport, Failure> {
        let (store, case) = self.find().await?;
        report(&store, case.id).await
    }
}

/// Describes a case that exists.
pub(super) async fn report(store: &Store, case: CaseId) -> Result<CaseReport, Failure> {
    CaseReader::new(store.clone()).report(case).await?.ok_or_else(not_found)
}

async fn find(store: &Store, text: &str, by: Option<By>) -> Result<Case, Failure> {
    let is_tried = |kind: By| by.is_none_or(|by| by == kind);
    let (id, mut found) = (Secret::new(text), Vec::<Case>::new());
    if is_tried(By::Case)
        && let Ok(number) = text.parse()
    {
        found.extend(store.case(CaseId(number)).await?);
    }
    for provider in case_id::providers().filter(|_| !text.is_empty()) {
        if is_tried(By::Reference) {
            found.extend(store.case_by_reference(provider, &id).await?);
        }
        if is_tried(By::Vendor) {
            found.extend(store.case_by_vendor_id(provider, &id).await?);
        }
    }
    // One case can have the same text as reference and as id.
    found.sort_by_key(|case| case.id);
    found.dedup_by_key(|case| case.id);
    // The store also has cases that were opened elsewhere: it knows them from webhooks.
    if found.iter().any(|case| case.version > 0) {
        found.retain(|case| case.version > 0);
    }
    match <[Case; 1]>::try_from(found) {
        Ok([case]) if case.version > 0 => Ok(case),
        Ok(_) => Err(Failure::usage(
            "the case was opened elsewhere, and is known from webhooks only: identkit inbox show has them",
        )),
        Err(found) if found.is_empty() => Err(not_found()),
        Err(found) => {
            let ids: Vec<String> = found.iter().map(|case| case.id.0.to_string()).collect();
            let ids = ids.join(" and ");
            Err(Failure::usage(format!(
                "several cases have this id: {ids}; choose with --by case, --by reference or --by vendor"
            )))
        }
    }
}

fn not_found() -> Failure {
    Failure::usage("the store has no case with this id: identkit case list")
}
