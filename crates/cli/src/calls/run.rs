//! Makes a call and shows its result.

use std::process::ExitCode;

use http::Request;
use http::header::CONTENT_TYPE;
use identkit_core::{Artifact, Content, Kind, Secret};
use identkit_transport::Response;
use identkit_wire::{Params, RetrySafety, is_json_object};
use serde_json::{Value, json};

use super::Given;
use super::arguments::{Arguments, command_name, is_file, must_confirm, takes_body, variable};
use crate::context::{Api, Context, document, secret, warn};
use crate::exit::Failure;
use crate::input::{Input, confirm, require_terminal};
use crate::output::Format;
use crate::save::{check_place, existing, save};
use crate::text::plain;

/// Maximum size in bytes of a result that is shown.
const MAX_SHOWN: u64 = 64 * 1024 * 1024;

pub(crate) async fn run(arguments: &Arguments, format: Format) -> Result<ExitCode, Failure> {
    let variable = variable(arguments.provider, "base_url");
    let api = Api {
        base_url: &arguments.base_url,
        variable: &variable,
        secret_ids: true,
        changes: arguments.call.meta.safety != RetrySafety::Safe,
        is_probe: false,
    };
    let context = Context::new(arguments, api, &arguments.connection, &arguments.trace, format)?;
    let result = call(&context).await;
    // No call is known to exist at every base URL.
    context.finish(result, async { Ok(()) }).await.map(|()| ExitCode::SUCCESS)
}

async fn call(context: &Context<'_, Arguments>) -> Result<(), Failure> {
    let Arguments { provider, call, body, out, force, yes, .. } = context.arguments;
    let meta = call.meta;
    let (params, request) = request(context.arguments, body.is_some()).await?;
    if let Some(out) = out {
        check_place("--out", out, existing(*force))?;
    }
    let credentials = credentials(context.arguments)?;
    if must_confirm(meta) {
        if !yes {
            require_terminal()?;
        }
        let question = format!("Send {} to {}?", command_name(meta), provider.name);
        confirm(*yes, question, "nothing was sent").await?;
    }
    let deadline = context.stream_deadline();
    let given = Given {
        base_url: context.arguments.base_url.clone(),
        transport: context.transport()?,
        observer: context.observer(),
        credentials,
        params,
        request,
        options: context.options.clone(),
    };
    let response = warn((call.send)(given).await).map_err(|error| match body {
        None if takes_body(meta) && error.kind() == Kind::InvalidInput => {
            Failure::unsent("--body is missing: pass the file with the request, or - to read standard input")
        }
        _ => error.into(),
    })?;
    let (shown, response) = response.split();
    let (head, content) = shown.into_parts();
    let content = deadline.limit(content);
    match out.as_ref().filter(|_| is_file(meta)) {
        Some(out) => {
            let media_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let content = match media_type.starts_with("application/pdf") {
                true => Artifact::Pdf.checked(content),
                false => content,
            };
            let saved = save(out, existing(*force), content, |_| Ok(())).await?;
            let result = json!({ "file": saved.json(), "media_type": media_type });
            context.show(document(result, &response, json!({})), |page| page.line(saved.path.display().to_string()))
        }
        None => show(context, content, &response).await,
    }
}

/// Shows a result in the vendor's JSON.
async fn show(context: &Context<'_, Arguments>, content: Content, response: &Response<()>) -> Result<(), Failure> {
    let body = content.collect(MAX_SHOWN).await?;
    let value: Value = match body.as_ref() {
        [] => json!({}),
        body => {
            serde_json::from_slice(body).map_err(|error| Failure::local(format!("the result is not JSON: {error}")))?
        }
    };
    let members = value.as_object().cloned().unwrap_or_default();
    for name in context.arguments.call.meta.ids {
        if let Some(id) = members.get(*name).and_then(Value::as_str) {
            context.recorder.add_secret(name, id);
        }
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows: Vec<(String, String)> = members.iter().map(|(name, value)| (name.clone(), plain(&text(value)))).collect();
    let json = if value.is_object() { value } else { json!({ "result": value }) };
    let listed = (rows.is_empty() && !body.is_empty()).then(|| text(&json));
    context.show(document(json, response, json!({})), |page| match (listed, rows.is_empty()) {
        (Some(text), _) => page.line(text),
        (None, true) => page.line("done"),
        (None, false) => page.pairs(rows),
    })
}

/// The request as the vendor would receive it, with the parameters of its path.
async fn request(arguments: &Arguments, has_body: bool) -> Result<(Params, Request<bytes::Bytes>), Failure> {
    let meta = arguments.call.meta;
    let given: Vec<(&'static str, &str)> =
        arguments.params.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = meta.path(&given)?;
    let params = meta.match_path(&path, false).unwrap_or_default();
    let body = match &arguments.body {
        Some(file) => Input::read(file).await?.bytes,
        None => Vec::new(),
    };
    let mut request = Request::new(bytes::Bytes::from(body));
    *request.method_mut() = meta.method.clone();
    *request.uri_mut() = path.parse().unwrap_or_default();
    if has_body && is_json_object(request.body()) {
        request.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    }
    Ok((params, request))
}

fn credentials(arguments: &Arguments) -> Result<Vec<(&'static str, Secret)>, Failure> {
    let names = arguments.provider.credentials.iter().zip(&arguments.credentials);
    names
        .map(|(name, (value, file))| {
            let variable = variable(arguments.provider, name);
            let value = secret(value.as_ref(), file.as_deref(), (&format!("--{name}"), &variable))?;
            Ok((*name, value))
        })
        .collect()
}
