//! `identkit inbox list`: the deliveries, grouped by case and event.

use clap::Args;
use identkit_core::Secret;
use identkit_store::{Case, EventId, Store, StoredEvent};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::deliveries::{Cases, State, each_of, find};
use crate::case_id;
use crate::exit::Failure;
use crate::json_array::JsonArray;
use crate::output::{Format, prevent_wrapping, table};
use crate::progress::Progress;
use crate::store::{Missing, StoreArguments};
use crate::text::{id, plain};

/// Lists the deliveries, one row for each case and event: a table by the newest delivery, JSON by the age of the case.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,

    /// Lists only what is in this state.
    #[arg(long, value_enum)]
    state: Option<State>,

    /// Lists only this event, by the vendor's name.
    #[arg(long, value_name = "NAME")]
    event: Option<String>,

    /// Lists only the case with this id of the vendor; `-` reads it from standard input.
    #[arg(long, value_name = "ID")]
    case: Option<String>,

    /// The provider, if several have a case with this id.
    #[arg(long, value_name = "NAME", requires = "case")]
    provider: Option<String>,
}

/// All deliveries of one event of a case.
struct Group {
    provider: String,
    id: Option<Secret>,
    event: String,
    /// The newest delivery.
    newest: EventId,
    state: State,
    attempts: u64,
    received: Timestamp,
    first_received: Timestamp,
    deliveries: u64,
    dead: Option<String>,
}

impl Group {
    fn new(case: &Case, event: &StoredEvent) -> Self {
        Self {
            provider: case.provider.clone(),
            id: None,
            event: event.delivery.event.name.clone(),
            newest: event.id,
            state: event.state.into(),
            attempts: 0,
            received: event.delivery.received,
            first_received: event.delivery.received,
            deliveries: 0,
            dead: None,
        }
    }

    /// Adds a delivery, which is newer than those before.
    fn add(&mut self, case: &Case, event: StoredEvent) {
        self.newest = event.id;
        self.state = event.state.into();
        self.attempts = event.attempts;
        self.received = event.delivery.received;
        self.deliveries += 1;
        self.id = event.delivery.event.case_id.or(self.id.take());
        self.dead = case.dead.clone().filter(|_| self.state == State::Dead);
    }

    fn json(&self) -> Value {
        let mut members = Map::new();
        members.insert("provider".into(), self.provider.as_str().into());
        let id = self.id.as_ref().map(Secret::expose);
        members.insert(case_id::member(&self.provider), id.into());
        members.insert("event".into(), self.event.as_str().into());
        members.insert("state".into(), self.state.word().into());
        members.insert("received_at".into(), self.received.to_string().into());
        members.insert("first_received_at".into(), self.first_received.to_string().into());
        members.insert("deliveries".into(), self.deliveries.into());
        members.insert("attempts".into(), self.attempts.into());
        members.insert("dead".into(), self.dead.as_deref().into());
        members.insert("event_id".into(), self.newest.0.into());
        Value::Object(members)
    }
}

pub(super) async fn run(arguments: &Arguments, format: Format) -> Result<(), Failure> {
    let store = arguments.store.open(Missing::Fail).await?;
    let progress = Progress::new(format);
    match format {
        Format::Json => {
            let mut array = JsonArray::default();
            for_each(&store, arguments, &progress, |group| array.push(&group.json())).await?;
            array.end()
        }
        Format::Table => {
            let mut groups = Vec::new();
            for_each(&store, arguments, &progress, |group| {
                groups.push(group);
                Ok(())
            })
            .await?;
            show(groups, format)
        }
    }
}

/// Calls `each` with every group that is to be listed. Only the groups of one case are in memory.
async fn for_each(
    store: &Store,
    arguments: &Arguments,
    progress: &Progress,
    mut each: impl FnMut(Group) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let work = progress.count("deliveries");
    let mut of_case = async |case: Case| {
        for group in groups(store, &case).await? {
            work.add(group.deliveries);
            let is_listed = arguments.state.is_none_or(|state| group.state == state)
                && arguments.event.as_ref().is_none_or(|event| group.event == *event);
            if is_listed {
                each(group)?;
            }
        }
        Ok(())
    };
    if let Some(id) = &arguments.case {
        return of_case(find(store, id, arguments.provider.as_deref()).await?).await;
    }
    let mut cases = Cases::new(store);
    loop {
        let page = cases.page().await?;
        if page.is_empty() {
            return Ok(());
        }
        for case in page {
            of_case(case).await?;
        }
    }
}

/// The deliveries of a case by their event, in the order of the first of each.
async fn groups(store: &Store, case: &Case) -> Result<Vec<Group>, Failure> {
    let mut groups: Vec<Group> = Vec::new();
    each_of(store, case.id, |event| {
        let name = &event.delivery.event.name;
        let known = groups.iter().position(|group| group.event == *name);
        let at = known.unwrap_or_else(|| {
            groups.push(Group::new(case, &event));
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.add(case, event);
        }
    })
    .await?;
    Ok(groups)
}

fn show(mut groups: Vec<Group>, format: Format) -> Result<(), Failure> {
    groups.sort_by_key(|group| (group.received, group.newest));
    format.show(&Value::Null, |page| {
        if groups.is_empty() {
            return page.line("no deliveries");
        }
        let header = ["Received", "Provider", "Id", "Event", "State", "Deliveries", "Attempts", "Dead because"];
        let mut table = table(&header);
        for group in &groups {
            table.add_row([
                group.received.to_string(),
                plain(&group.provider),
                group.id.as_ref().map(|text| id(text.expose())).unwrap_or_default(),
                plain(&group.event),
                group.state.word().to_owned(),
                group.deliveries.to_string(),
                group.attempts.to_string(),
                plain(group.dead.as_deref().unwrap_or_default()),
            ]);
        }
        prevent_wrapping(&mut table, &header, &["Received", "Id"]);
        page.table(table);
        if groups.iter().any(|group| group.state == State::Dead) {
            page.note("dead deliveries are given up until you replay them: identkit inbox replay --dead");
        }
    })
}
