//! Worlds.

use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::input::{Input, NoMembers, WorldQuery};
use super::problem::{Problem, ProblemKind};
use super::route::{Context, Created, Json, Route, route};
use super::schemas::Accounts;
use crate::Sandbox;
use crate::clock::Mode;
use crate::json_time::Time;
use crate::sandbox::in_json;
use crate::world::Profile;
use crate::worlds::NewWorld;

/// The name of a snapshot without a name.
const UNNAMED: &str = "snapshot";

/// The pattern of ids of worlds and names of snapshots.
const ID: &str = "^[A-Za-z0-9._-]{1,64}$";

pub(super) fn routes() -> Vec<Route> {
    let all = ("listWorlds", "All worlds", "Their ids, in order.");
    let new = ("createWorld", "Creates a world with credentials of its own", "The world.");
    let one = ("getWorld", "A world", "The world, with the names of its snapshots.");
    let deleted = ("deleteWorld", "Deletes a world", "The id of the world.");
    let copied = ("forkWorld", "Copies a world", "The copy, with its own credentials and clock.");
    let snapshot = ("keepSnapshot", "Takes a snapshot of a world", "The snapshot.");
    let restored = (
        "restoreSnapshot",
        "Restores a snapshot",
        "The world: all of it is as it was, its time included. It keeps its credentials.",
    );
    let again = (
        "resetWorld",
        "Resets a world",
        "The world: the same seed, the same credentials, and nothing in it. Its snapshots stay.",
    );
    vec![
        route(Method::GET, "worlds", all, list),
        route(Method::POST, "worlds", new, create)
            .describe(
                "A vendor's call with these credentials is answered by this world; a client needs nothing else. Members \
                 that are left out are as in the default world.",
            )
            .problems(&[
                ProblemKind::InvalidWorld,
                ProblemKind::InvalidId,
                ProblemKind::DuplicateWorld,
                ProblemKind::DuplicateCredentials,
            ]),
        route(Method::GET, "worlds/{world}", one, get),
        route(Method::DELETE, "worlds/{world}", deleted, delete).problems(&[ProblemKind::DefaultWorld]),
        route(Method::POST, "worlds/{world}/fork", copied, fork).problems(&[
            ProblemKind::InvalidWorld,
            ProblemKind::InvalidId,
            ProblemKind::DuplicateWorld,
            ProblemKind::DuplicateCredentials,
        ]),
        route(Method::POST, "worlds/{world}/snapshot", snapshot, keep)
            .describe("Replaces a snapshot of the same name. A world keeps at most 100.")
            .problems(&[ProblemKind::InvalidWorld, ProblemKind::InvalidId, ProblemKind::SnapshotLimit]),
        route(Method::POST, "worlds/{world}/restore", restored, restore)
            .problems(&[ProblemKind::InvalidWorld, ProblemKind::UnknownSnapshot]),
        route(Method::POST, "reset", again, reset),
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
    #[schemars(with = "Time")]
    now: Timestamp,
    /// Mode of the clock.
    #[schemars(extend("enum" = ["frozen", "real", "scaled"]))]
    clock: &'static str,
    /// Seed of everything random.
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
        let accounts = sandbox.accounts().into_iter().map(|(vendor, account)| (in_json(vendor), account)).collect();
        let clock = sandbox.clock().mode().name();
        let accounts = Accounts(accounts);
        Self { id: id.to_owned(), now: sandbox.now(), clock, seed, profile, accounts, snapshots: None }
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
    #[serde(default)]
    #[schemars(regex(pattern = ID), example = &"my-test")]
    id: Option<String>,
    /// Seed of everything random.
    #[serde(default)]
    seed: Option<u64>,
    /// How strictly requests are judged.
    #[serde(default)]
    profile: Option<Profile>,
    /// Mode of the clock; `POST clock/mode` can scale it.
    #[serde(default)]
    clock: Option<ClockName>,
    /// The time at the beginning.
    #[serde(default)]
    #[schemars(with = "Option<Time>")]
    now: Option<Timestamp>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum ClockName {
    Frozen,
    Real,
}

impl Input for WorldRequest {
    const INVALID: ProblemKind = ProblemKind::InvalidWorld;
    const OPTIONAL: bool = true;
}

async fn create(context: Context, _: NoMembers, body: WorldRequest) -> Result<Created<World>, Problem> {
    let mut wanted = NewWorld::default();
    (wanted.id, wanted.seed, wanted.profile, wanted.start) = (body.id, body.seed, body.profile, body.now);
    wanted.mode = body.clock.map(|clock| match clock {
        ClockName::Frozen => Mode::Frozen,
        ClockName::Real => Mode::Real,
    });
    let (id, sandbox) = context.worlds.create(&wanted)?;
    Ok(Created(World::new(&id, &sandbox)))
}

/// A copy of a world.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = serde_json::json!({ "id": "copy" }))]
pub(super) struct Fork {
    /// Id of the copy.
    #[serde(default)]
    #[schemars(regex(pattern = ID))]
    id: Option<String>,
}

impl Input for Fork {
    const INVALID: ProblemKind = ProblemKind::InvalidWorld;
    const OPTIONAL: bool = true;
}

async fn fork(context: Context, _: NoMembers, body: Fork) -> Result<Created<World>, Problem> {
    let (id, sandbox) = context.worlds.fork(&context.world, body.id.as_deref())?;
    Ok(Created(World::new(&id, &sandbox)))
}

/// The name of a snapshot.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = serde_json::json!({ "snapshot": "before-payment" }))]
pub(super) struct SnapshotName {
    /// Name of the snapshot. The default is `snapshot`.
    #[serde(default)]
    #[schemars(regex(pattern = ID))]
    snapshot: Option<String>,
}

impl Input for SnapshotName {
    const INVALID: ProblemKind = ProblemKind::InvalidWorld;
    const OPTIONAL: bool = true;
}

/// A snapshot.
#[derive(Serialize, JsonSchema)]
struct Snapshot {
    #[schemars(regex(pattern = ID))]
    world: String,
    #[schemars(regex(pattern = ID))]
    snapshot: String,
    #[schemars(with = "Time")]
    now: Timestamp,
}

async fn keep(context: Context, _: NoMembers, body: SnapshotName) -> Result<Created<Snapshot>, Problem> {
    let snapshot = body.snapshot.unwrap_or_else(|| UNNAMED.to_owned());
    let now = context.worlds.keep_snapshot(&context.world, &snapshot)?;
    Ok(Created(Snapshot { world: context.world, snapshot, now }))
}

async fn restore(context: Context, _: NoMembers, body: SnapshotName) -> Result<Json<World>, Problem> {
    let name = body.snapshot.unwrap_or_else(|| UNNAMED.to_owned());
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

async fn reset(context: Context, _: WorldQuery, _: NoMembers) -> Result<Json<World>, Problem> {
    let sandbox = context.worlds.reset(&context.world)?;
    Ok(Json(World::new(&context.world, &sandbox)))
}
