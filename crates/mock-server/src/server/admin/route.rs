//! A route of the admin API: method and path, handler, and the texts and schemas for the OpenAPI document.

use std::sync::{Arc, OnceLock};

use http::header::HeaderMap;
use http::{Method, Response};
use identkit_core::{BoxFuture, Content};
use identkit_wire::json;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::input::{Form, Input, Pairs};
use super::problem::{Problem, ProblemKind};
use crate::{Sandbox, Worlds};

pub(super) type Answer = Result<Response<Content>, Problem>;

pub(super) struct Context {
    pub(super) worlds: Worlds,
    /// Id of the world, which need not exist.
    pub(super) world: String,
    pub(super) id: String,
    pub(super) headers: HeaderMap,
}

impl Context {
    pub(super) fn sandbox(&self) -> Result<Sandbox, Problem> {
        self.worlds.get(&self.world).ok_or_else(|| Problem::unknown_world(&self.worlds.ids()))
    }
}

pub(super) trait Output {
    const STATUS: u16 = 200;
    const MEDIA: &str = "application/json";

    fn response(self) -> Answer;

    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

pub(super) struct Json<T, const STATUS: u16 = 200>(pub(super) T);

pub(super) type Created<T> = Json<T, 201>;

impl<T: Serialize + JsonSchema, const STATUS: u16> Output for Json<T, STATUS> {
    const STATUS: u16 = STATUS;

    fn response(self) -> Answer {
        let failure = |error: String| Problem::new(ProblemKind::Internal, error);
        // A `Value` sorts the names.
        let value = serde_json::to_value(self.0).map_err(|error| failure(error.to_string()))?;
        json::response(STATUS, &value).map_err(|error| failure(error.to_string()))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

type Run = dyn Fn(Context, &Pairs, &[u8]) -> BoxFuture<'static, Answer> + Send + Sync;

pub(super) struct Schemas {
    pub(super) query: Schema,
    /// Schema of the body, and whether the body is required.
    pub(super) body: Option<(Schema, bool)>,
    pub(super) output: Schema,
}

pub(super) struct Route {
    pub(super) method: Method,
    /// Path below the root; `{name}` stands for any one segment.
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// Meaning of `{id}`, and an example.
    pub(super) id: (&'static str, &'static str),
    /// Problems that only this call returns.
    pub(super) problems: &'static [ProblemKind],
    /// JSON pointer into the response, and the calls that take the value there as `{id}`.
    pub(super) links: (&'static str, &'static [&'static str]),
    /// Whether the query has the parameter `world`.
    pub(super) takes_world: bool,
    pub(super) status: u16,
    pub(super) media: &'static str,
    /// Creates the schemas with the generators for input and output.
    pub(super) schemas: fn(&mut SchemaGenerator, &mut SchemaGenerator) -> Schemas,
    pub(super) run: Box<Run>,
}

pub(super) fn route<Q: Input, B: Input, O: Output, F>(
    method: Method,
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    handler: impl Fn(Context, Q, B) -> F + Send + Sync + 'static,
) -> Route
where
    F: Future<Output = Result<O, Problem>> + Send + 'static,
{
    // Every call except those of `worlds` and `version` applies to one world.
    let takes_world = !path.starts_with("worlds") && path != "version";
    // Made at the first call: the schemas of all routes would be the largest part of the sandbox's start.
    let forms = OnceLock::new();
    let handler = Arc::new(handler);
    Route {
        method,
        path,
        name,
        summary,
        description: "",
        id: ("", ""),
        problems: &[],
        links: ("", &[]),
        takes_world,
        status: O::STATUS,
        media: O::MEDIA,
        schemas: |input, output| Schemas {
            query: Q::json_schema(input),
            body: (!Form::body::<B>().is_empty()).then(|| (input.subschema_for::<B>(), !B::OPTIONAL)),
            output: O::schema(output),
        },
        run: Box::new(move |context, pairs, bytes| {
            let (query, body) = forms.get_or_init(|| (Form::query::<Q>(takes_world), Form::body::<B>()));
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
    pub(super) fn describe(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    pub(super) fn id(self, meaning: &'static str, example: &'static str) -> Self {
        Self { id: (meaning, example), ..self }
    }

    pub(super) fn problems(self, problems: &'static [ProblemKind]) -> Self {
        Self { problems, ..self }
    }

    pub(super) fn links(self, pointer: &'static str, calls: &'static [&'static str]) -> Self {
        Self { links: (pointer, calls), ..self }
    }
}
