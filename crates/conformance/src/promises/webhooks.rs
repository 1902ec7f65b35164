//! The webhooks: their URL, and the events that the mock vendor delivers.

use http::{Request, Uri};
use identkit_core::{Capability, CaseRef, Event, IdentityProvider, Kind, NewCase, Secret};
use identkit_mock_server::Sandbox;
use identkit_wire::{Callback, CallbackPath};
use serde_json::{Map, Value};

use super::Suite;

/// Base URL of a receiver that does not exist.
const BASE: &str = "https://shop.example/hooks";

const TOKEN: &str = "dG9rZW4tb2YtYS13ZWJob29r";

impl Suite<'_> {
    pub(super) async fn webhooks(&mut self, fresh: &Sandbox) {
        for callback in &self.harness.callbacks {
            let Some(template) = self.template(&**callback) else { continue };
            self.empty(&**callback);
            self.delivered(fresh, &**callback, template).await;
        }
    }

    /// Checks the URL for the vendor.
    fn template(&mut self, callback: &dyn Callback) -> Option<Secret> {
        let (base, token) = (Uri::from_static(BASE), Secret::new(TOKEN));
        let template = callback.url_template(&base, &token);
        let template = self.succeeds("a webhook has a URL", template)?;
        let path = template.expose().split('?').next().unwrap_or_default();
        let parsed = CallbackPath::parse(path);
        let name = callback.name();
        let own = (self.harness.name, token, name);
        let fits = path.starts_with(BASE) && parsed.is_some_and(|path| (path.provider, path.token, path.event) == own);
        self.check("a webhook URL contains the provider, the token and the event", fits, || name.to_owned());
        self.check("a webhook belongs to its provider", callback.provider() == self.harness.name, || {
            format!("{name} belongs to {}", callback.provider())
        });
        for (base, token) in [("https://shop.example/?a=b", TOKEN), (BASE, "with/slash"), (BASE, "")] {
            let result = callback.url_template(&Uri::from_static(base), &Secret::new(token));
            self.fails("an unusable base URL or token of a webhook is rejected", Kind::InvalidInput, result);
        }
        Some(template)
    }

    /// Parses a request that contains nothing of the vendor.
    fn empty(&mut self, callback: &dyn Callback) {
        let url = format!("{BASE}/{}/{TOKEN}/{}", self.harness.name, callback.name());
        let Ok(request) = Request::post(url).body(bytes::Bytes::new()) else { return };
        let none = match callback.parse(&request) {
            Ok(event) => event.case_id.is_none(),
            Err(error) => {
                self.check_error(&error);
                true
            }
        };
        self.check("a webhook without data names no case", none, || callback.name().to_owned());
    }

    /// Ends two cases whose webhook has this URL, and parses what the mock vendor sends.
    async fn delivered(&mut self, fresh: &Sandbox, callback: &dyn Callback, template: Secret) {
        let sandbox = fresh.fork();
        let mut case = self.harness.case.clone();
        if let Some(setting) = self.harness.webhook_setting {
            let settings = Map::from_iter([(setting.to_owned(), Value::from(template.expose()))]);
            let vendor = self.harness.name.replace('-', "_");
            let changed = sandbox.set_up(&Map::from_iter([(vendor, Value::Object(settings))]));
            self.check("the mock vendor has the setting of the webhook URL", changed.is_ok(), || {
                format!("{changed:?}")
            });
        } else if self.can(Capability::Webhook) {
            case.webhook_final = Some(template);
        } else {
            return;
        }
        let provider = self.harness.provider(&sandbox);
        let Some(first) = self.event(&sandbox, &*provider, &case, callback).await else { return };
        let Some(second) = self.event(&sandbox, &*provider, &case, callback).await else { return };
        let differ = first.1.key != second.1.key;
        self.check("the events of two cases have different keys", differ, || callback.name().to_owned());
        if self.can(Capability::RequestEvidence) {
            let options = self.options.clone();
            let read = self.limited(&sandbox, provider.evidence_after(&first.0, &second.1, &options)).await;
            let Some(read) = read else { return };
            let none = read.as_ref().map_or_else(|error| error.kind() == Kind::InvalidInput, Vec::is_empty);
            self.check("an event of another case announces no evidence", none, || format!("{read:?}"));
        }
    }

    /// Ends a case and parses the last webhook about it.
    async fn event(
        &mut self,
        sandbox: &Sandbox,
        provider: &dyn IdentityProvider,
        new: &NewCase,
        callback: &dyn Callback,
    ) -> Option<(CaseRef, Event)> {
        let options = self.options.clone();
        let opened = self.limited(sandbox, provider.open(new, &options)).await?;
        let opened = self.succeeds("a case with a webhook can be opened", opened)?;
        self.secrets.add(&opened);
        let id = opened.case.id.expose();
        let moved = sandbox.transition(id, &self.main().transition);
        self.check("the mock vendor plays the story", moved.is_ok(), || format!("{moved:?}"));
        let delivery = sandbox.deliveries(Some(id)).pop();
        self.check("the end of a case is announced by a webhook", delivery.is_some(), || "none was sent".into());
        let (head, body) = delivery?.request.0.into_parts();
        self.check("a webhook of the vendor is recognized", callback.recognize(&head), || callback.name().to_owned());
        let request = Request::from_parts(head, body);
        let event = callback.parse(&request);
        let event = self.succeeds("a webhook of the vendor can be parsed", event)?;
        self.check_debug(&event);
        let named = event.case_id.as_ref().map_or_else(
            || event.reference.is_some() && event.reference == new.reference,
            |case| *case == opened.case.id,
        );
        self.check("a webhook names its case", named, || format!("{} does not", callback.name()));
        let own = event.provider == self.harness.name;
        self.check("an event names its provider", own, || event.provider.clone());
        let same = callback.parse(&request).is_ok_and(|again| again.key == event.key);
        self.check("two deliveries of an event have the same key", same, || callback.name().to_owned());
        Some((opened.case, event))
    }
}
