//! One call of the admin API: how it is called, what it does, and what the document says about it.

use std::sync::Arc;

use http::header::HeaderMap;
use http::{Method, Response};
use identkit_core::{BoxFuture, Content};
use identkit_wire::json;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::input::{Form, Input};
use super::problem::{Problem, ProblemKind};
use crate::{Sandbox, Worlds};

/// The response, or why there is none.
pub(super) type Answer = Result<Response<Content>, Problem>;

/// What a call is about.
pub(super) struct Context {
    pub(super) worlds: Worlds,
    /// Id of the world, which need not exist.
    pub(super) world: String,
    /// Value of `{id}` in the path.
    pub(super) id: String,
    pub(super) headers: HeaderMap,
}

impl Context {
    /// The world.
    pub(super) fn sandbox(&self) -> Result<Sandbox, Problem> {
        self.worlds.get(&self.world).ok_or_else(|| Problem::unknown_world(&self.worlds.ids()))
    }
}

/// What a call returns.
pub(super) trait Output {
    /// HTTP status.
    const STATUS: u16 = 200;
    /// Media type.
    const MEDIA: &str = "application/json";

    /// Writes the response.
    fn response(self) -> Answer;

    /// Schema of the body.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

fn write<T: Serialize>(status: u16, value: &T) -> Answer {
    let failure = |error: String| Problem::new(ProblemKind::Internal, error);
    // By way of a value, so that the names are in order.
    let value = serde_json::to_value(value).map_err(|error| failure(error.to_string()))?;
    json::response(status, &value).map_err(|error| failure(error.to_string()))
}

/// JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize + JsonSchema> Output for Json<T> {
    fn response(self) -> Answer {
        write(Self::STATUS, &self.0)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// JSON of something new.
pub(super) struct Created<T>(pub(super) T);

impl<T: Serialize + JsonSchema> Output for Created<T> {
    const STATUS: u16 = 201;

    fn response(self) -> Answer {
        write(Self::STATUS, &self.0)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// Parameters of a query, decoded; the value of one without `=` is `None`.
pub(super) type Pairs = [(String, Option<String>)];

type Run = dyn Fn(Context, &Pairs, &[u8]) -> BoxFuture<'static, Answer> + Send + Sync;

/// Schemas of a call.
pub(super) struct Schemas {
    pub(super) query: Schema,
    /// Schema of the body, and whether the body is required.
    pub(super) body: Option<(Schema, bool)>,
    pub(super) output: Schema,
}

/// One call.
pub(super) struct Route {
    pub(super) method: Method,
    /// Below the root; `{name}` stands for any one segment.
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// Meaning of the response.
    pub(super) returns: &'static str,
    /// Meaning of `{id}`, and an example.
    pub(super) id: (&'static str, &'static str),
    /// The problems of this call alone.
    pub(super) problems: &'static [ProblemKind],
    /// Calls whose `{id}` stands in the response at a pointer.
    pub(super) links: &'static [(&'static str, &'static str)],
    /// Whether it is about one world.
    pub(super) has_world: bool,
    pub(super) status: u16,
    pub(super) media: &'static str,
    /// Makes the schemas with the generators for input and output.
    pub(super) schemas: fn(&mut SchemaGenerator, &mut SchemaGenerator) -> Schemas,
    pub(super) run: Box<Run>,
}

/// A call that is answered by a function.
pub(super) fn route<Q: Input, B: Input, O: Output, F>(
    method: Method,
    path: &'static str,
    (name, summary, returns): (&'static str, &'static str, &'static str),
    handler: impl Fn(Context, Q, B) -> F + Send + Sync + 'static,
) -> Route
where
    F: Future<Output = Result<O, Problem>> + Send + 'static,
{
    let (query, body, handler) = (Form::query::<Q>(), Form::body::<B>(), Arc::new(handler));
    Route {
        method,
        path,
        name,
        summary,
        description: "",
        returns,
        id: ("", ""),
        problems: &[],
        links: &[],
        has_world: query.has("world") || path.contains("{world}"),
        status: O::STATUS,
        media: O::MEDIA,
        schemas: |input, output| Schemas {
            query: Q::json_schema(input),
            body: (!Form::body::<B>().is_empty()).then(|| (input.subschema_for::<B>(), !B::OPTIONAL)),
            output: O::schema(output),
        },
        run: Box::new(move |context, pairs, bytes| {
            let input = query.read_query::<Q>(pairs).and_then(|query| Ok((query, body.read_body::<B>(bytes)?)));
            let handler = Arc::clone(&handler);
            Box::pin(async move {
                let (query, body) = input?;
                handler(context, query, body).await?.response()
            })
        }),
    }
}

impl Route {
    pub(super) fn describe(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    pub(super) fn id(mut self, meaning: &'static str, example: &'static str) -> Self {
        self.id = (meaning, example);
        self
    }

    pub(super) fn problems(mut self, problems: &'static [ProblemKind]) -> Self {
        self.problems = problems;
        self
    }

    pub(super) fn links(mut self, links: &'static [(&'static str, &'static str)]) -> Self {
        self.links = links;
        self
    }
}
