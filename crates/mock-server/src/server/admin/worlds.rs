//! Worlds.

use super::{Context, Created, Json, NoMembers, Problem, ProblemKind, Route, input, route, word};
use crate::journal::Time;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::Accounts;
use crate::clock::Mode;
use crate::sandbox::json_key;
use crate::worlds::NewWorld;
use crate::{Profile, Sandbox};

const DEFAULT_SNAPSHOT: &str = "snapshot";

const ID: &str = "^[A-Za-z0-9._-]{1,64}$";

pub(super) fn routes() -> Vec<Route> {
    const NEW: &[ProblemKind] = &[
        ProblemKind::InvalidWorld,
        ProblemKind::InvalidId,
        ProblemKind::DuplicateWorld,
        ProblemKind::DuplicateCredentials,
    ];
    vec![
        route(Method::GET, "worlds", "listWorlds", "All worlds", list),
        route(Method::POST, "worlds", "createWorld", "Creates a world with its own credentials", create)
            .describe(
                "A vendor call with these credentials goes to this world; a client needs nothing else. The defaults \
                 are those of the default world.",
            )
            .problems(NEW),
        route(Method::GET, "worlds/{world}", "getWorld", "A world, with the names of its snapshots", get),
        route(Method::DELETE, "worlds/{world}", "deleteWorld", "Deletes a world", delete)
            .problems(&[ProblemKind::DefaultWorld]),
        route(Method::POST, "worlds/{world}/fork", "forkWorld", "Copies a world", fork)
            .describe("The copy has its own credentials and clock.")
            .problems(NEW),
        route(Method::POST, "worlds/{world}/snapshot", "keepSnapshot", "Takes a snapshot of a world", keep)
            .describe("Replaces a snapshot of the same name. A world has at most 100 snapshots.")
            .problems(&[ProblemKind::InvalidWorld, ProblemKind::InvalidId, ProblemKind::SnapshotLimit]),
        route(Method::POST, "worlds/{world}/restore", "restoreSnapshot", "Restores a snapshot", restore)
            .describe("Restores the whole world, including its time. The world keeps its current credentials.")
            .problems(&[ProblemKind::InvalidWorld, ProblemKind::UnknownSnapshot]),
        route(Method::POST, "reset", "resetWorld", "Resets a world", reset)
            .describe("The world is empty again, with the same seed and credentials. Its snapshots remain."),
    ]
}

/// The ids of all worlds.
#[derive(Serialize, JsonSchema)]
struct WorldList {
    #[schemars(inner(regex(pattern = ID)))]
    worlds: Vec<String>,
}

async fn list(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<WorldList>, Problem> {
    Ok(Json(WorldList { worlds: context.worlds.ids() }))
}

/// A world.
#[derive(Serialize, JsonSchema)]
struct World {
    #[schemars(regex(pattern = ID), example = &"my-test")]
    id: String,
    /// Time in the world.
    now: Time,
    /// Mode of the clock.
    #[schemars(extend("enum" = ["frozen", "real", "scaled"]))]
    clock: &'static str,
    /// Seed of all random values.
    seed: u64,
    profile: Profile,
    #[serde(flatten)]
    accounts: Accounts,
    /// Names of the snapshots; only in the response of `getWorld`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    snapshots: Option<Vec<String>>,
}

impl World {
    fn new(id: &str, sandbox: &Sandbox) -> Self {
        let (seed, profile) = sandbox.with_world(|world| (world.seed(), world.profile));
        let accounts = sandbox.accounts().into_iter().map(|(vendor, account)| (json_key(vendor), account)).collect();
        let clock = sandbox.clock().mode().name();
        let accounts = Accounts(accounts);
        Self { id: id.to_owned(), now: Time(sandbox.now()), clock, seed, profile, accounts, snapshots: None }
    }
}

async fn get(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<World>, Problem> {
    let mut world = World::new(&context.world, &context.sandbox()?);
    world.snapshots = Some(context.worlds.snapshots(&context.world)?);
    Ok(Json(world))
}

/// A new world.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = serde_json::json!({ "id": "my-test", "seed": 7, "profile": "literal", "clock": "frozen" }))]
pub(super) struct WorldRequest {
    /// Id of the world.
    #[schemars(regex(pattern = ID), example = &"my-test")]
    id: Option<String>,
    /// Seed of all random values.
    seed: Option<u64>,
    /// Which requests the vendors accept.
    #[serde(default, deserialize_with = "word")]
    profile: Option<Profile>,
    /// Mode of the clock. For `scaled`, use `POST clock/mode`.
    #[serde(default, deserialize_with = "word")]
    clock: Option<ClockName>,
    /// Initial time.
    now: Option<Time>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum ClockName {
    Frozen,
    Real,
}

input!(WorldRequest, InvalidWorld, true);

async fn create(context: Context, _: NoMembers, body: WorldRequest) -> Result<Created<World>, Problem> {
    let mut wanted = NewWorld::default();
    (wanted.id, wanted.seed, wanted.profile, wanted.start) =
        (body.id, body.seed, body.profile, body.now.map(|now| now.0));
    wanted.mode = body.clock.map(|clock| match clock {
        ClockName::Frozen => Mode::Frozen,
        ClockName::Real => Mode::Real,
    });
    let (id, sandbox) = context.worlds.create(&wanted)?;
    Ok(Json(World::new(&id, &sandbox)))
}

/// A copy of a world.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = serde_json::json!({ "id": "copy" }))]
pub(super) struct Fork {
    /// Id of the copy.
    #[schemars(regex(pattern = ID))]
    id: Option<String>,
}

input!(Fork, InvalidWorld, true);

async fn fork(context: Context, _: NoMembers, body: Fork) -> Result<Created<World>, Problem> {
    let (id, sandbox) = context.worlds.fork(&context.world, body.id.as_deref())?;
    Ok(Json(World::new(&id, &sandbox)))
}

/// The name of a snapshot.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = serde_json::json!({ "snapshot": "before-payment" }))]
pub(super) struct SnapshotName {
    /// Name of the snapshot. The default is `snapshot`.
    #[schemars(regex(pattern = ID))]
    snapshot: Option<String>,
}

input!(SnapshotName, InvalidWorld, true);

/// A snapshot.
#[derive(Serialize, JsonSchema)]
struct Snapshot {
    #[schemars(regex(pattern = ID))]
    world: String,
    #[schemars(regex(pattern = ID))]
    snapshot: String,
    now: Time,
}

async fn keep(context: Context, _: NoMembers, body: SnapshotName) -> Result<Created<Snapshot>, Problem> {
    let snapshot = body.snapshot.unwrap_or_else(|| DEFAULT_SNAPSHOT.to_owned());
    let now = context.worlds.keep_snapshot(&context.world, &snapshot)?;
    Ok(Json(Snapshot { world: context.world, snapshot, now: Time(now) }))
}

async fn restore(context: Context, _: NoMembers, body: SnapshotName) -> Result<Json<World>, Problem> {
    let name = body.snapshot.unwrap_or_else(|| DEFAULT_SNAPSHOT.to_owned());
    let sandbox = context.worlds.restore(&context.world, &name)?;
    Ok(Json(World::new(&context.world, &sandbox)))
}

/// A deleted world.
#[derive(Serialize, JsonSchema)]
struct Deleted {
    #[schemars(regex(pattern = ID))]
    deleted: String,
}

async fn delete(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<Deleted>, Problem> {
    context.worlds.delete(&context.world)?;
    Ok(Json(Deleted { deleted: context.world }))
}

async fn reset(context: Context, _: NoMembers, _: NoMembers) -> Result<Json<World>, Problem> {
    let sandbox = context.worlds.reset(&context.world)?;
    Ok(Json(World::new(&context.world, &sandbox)))
}
