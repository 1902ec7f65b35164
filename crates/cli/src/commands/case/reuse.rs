//! The signed data of an earlier case for `identkit case open`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use identkit_collector::DeletePolicy;
use identkit_core::{IdentityProvider, Secret};
use identkit_store::CaseId;

use super::act::collector;
use super::work::SinkArguments;
use crate::connection::Route;
use crate::exit::Failure;
use crate::input::{secret_of, standard_text};
use crate::output::say;
use crate::signals::run_on_thread;
use crate::signed_form::SignedForm;
use crate::store::{Missing, StoreArguments};
use crate::values::age;

/// What happens if the person has no signed data that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Sends the case without them: the vendor identifies the person. A note says why.
    IfPossible,
    /// Sends nothing, and fails.
    Only,
}

/// The person of a new case, and whether signed data of an earlier one are sent.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Re-use of an identification")]
pub(super) struct ReuseArguments {
    /// File with your own name of the person in one line, e.g. a customer number; `-` reads standard input.
    ///
    /// The signed result of the case is collected (--signed-data), so that a later case of the same person can use it. The store
    /// has a keyed hash of the name only. Give each person another name: the vendor does not check that it is the same one.
    #[arg(long, value_name = "FILE|-")]
    person_file: Option<PathBuf>,

    /// Sends the signed data of the person's newest case that has any, so that the person signs without another
    /// identification. Without MODE: if-possible.
    #[arg(long, value_enum, value_name = "MODE", num_args = 0..=1, require_equals = true,
          default_missing_value = "if-possible", requires = "person_file", conflicts_with = "ident_data_signed")]
    reuse: Option<Mode>,

    /// Sends no signed data that were collected longer ago than this, e.g. 90d.
    #[arg(long, value_name = "AGE", value_parser = age, requires = "reuse")]
    reuse_max_age: Option<Duration>,

    #[command(flatten)]
    sink: SinkArguments,
}

/// The person of a new case, and the signed data that are sent.
#[derive(Default)]
pub(super) struct Reuse {
    pub(super) person: Option<Secret>,
    pub(super) form: Option<SignedForm>,
    /// The case whose data they are.
    pub(super) case: Option<CaseId>,
}

impl ReuseArguments {
    /// The option that needs a vendor that can reuse signed data, if one is given.
    pub(super) fn option(&self) -> Option<&'static str> {
        let reuse = self.reuse.map(|_| "--reuse");
        reuse.or_else(|| self.person_file.as_ref().map(|_| "--person-file"))
    }

    /// Whether the case is to contain signed data.
    pub(super) fn sends_data(&self) -> bool {
        self.reuse.is_some()
    }

    /// Whether the person is read from standard input.
    pub(super) fn reads_standard_input(&self) -> bool {
        self.person_file.as_deref() == Some(Path::new("-"))
    }

    /// Reads the person, and finds the signed data.
    ///
    /// # Errors
    /// If the file, the store or the sink cannot be read, or with `only` if the person has no data that can be used.
    pub(super) async fn read(
        &self,
        store: &StoreArguments,
        provider: &Arc<dyn IdentityProvider>,
        lease: Duration,
        route: &Route,
    ) -> Result<Reuse, Failure> {
        let Some(file) = &self.person_file else { return Ok(Reuse::default()) };
        let person = match self.reads_standard_input() {
            true => run_on_thread(|| standard_text("--person-file")).await??,
            false => secret_of("--person-file", file)?,
        };
        if person.expose().trim().is_empty() {
            return Err(Failure::unsent("the name in --person-file is empty"));
        }
        let mut reuse = Reuse { person: Some(person.clone()), ..Reuse::default() };
        let Some(mode) = self.reuse else { return Ok(reuse) };
        let store = store.open(Missing::Create).await?;
        let name = provider.descriptor().name;
        let sink = self.sink.open(&store, route).await?;
        let collector = collector(&store, sink, Arc::clone(provider), lease, DeletePolicy::Never)?;
        let found = collector.signed_data(name, &person, self.reuse_max_age).await;
        let found =
            found.map_err(|error| Failure::from(error).note("the signed data cannot be read; nothing was sent"))?;
        match (found, mode) {
            (Ok(data), _) => {
                reuse.case = Some(data.case);
                let name = format!("the signed data of case {}", data.case.0);
                reuse.form = Some(SignedForm { option: "--reuse", name, bytes: data.bytes.expose().clone() });
            }
            (Err(why), Mode::IfPossible) => say(&format!("note: no signed data are sent, because {why}")),
            (Err(why), Mode::Only) => return Err(Failure::unsent(format!("--reuse=only: {why}"))),
        }
        Ok(reuse)
    }
}
