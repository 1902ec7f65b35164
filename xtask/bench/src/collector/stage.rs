//! The vendor of a slice: a sandbox in this process, and its client.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use identkit_collector::{ArtifactSink, DiscardSink, FolderSink};
use identkit_core::{
    Address, Content, Delivery, Document, Inbox, Kind, NewCase, Person, Purpose, Secret, Tokens, async_trait,
};
use identkit_identity_tm::{Credentials, IdentityTm};
use identkit_mock_server::{Sandbox, VirtualClock};
use identkit_transport::{AttemptContext, Failure, Transport};
use identkit_webhook::Receiver;
use identkit_wire::Body;

/// Number of cases that the vendor remembers: its memory must not grow.
const REMEMBERED: usize = 1_000;

/// Memory of the sink that discards artifacts.
const DISCARDED: u64 = 16 * 1024 * 1024;

/// Delivers the vendor's webhooks without a socket.
struct Webhooks(Arc<Receiver>);

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhooks")
    }
}

#[async_trait]
impl Transport for Webhooks {
    async fn send(&self, request: Request<Body>, context: &AttemptContext) -> Result<Response<Content>, Failure> {
        let failed = |_| Failure::new(Delivery::NotSent, Kind::Storage, "the body cannot be read");
        let (head, body) = request.into_parts();
        let chunks: Vec<Bytes> = body.read().collect::<Result<_, _>>().map_err(failed)?;
        context.mark_sent();
        let response = self.0.handle(Request::from_parts(head, Bytes::from(chunks.concat()))).await;
        Ok(response.map(Content::from_bytes))
    }
}

/// The vendor.
#[derive(Clone)]
pub struct Stage {
    pub vendor: Arc<IdentityTm>,
    sandbox: Sandbox,
}

impl Stage {
    /// Starts a vendor at this time, with other ids for each seed, that delivers its webhooks to this inbox.
    pub fn start(clock: VirtualClock, seed: u64, inbox: Arc<dyn Inbox>, tokens: Arc<dyn Tokens>) -> Self {
        let receiver = Receiver::new(identkit_identity_tm::callbacks(), inbox, Arc::new(clock.clone()));
        let sandbox = Sandbox::builder()
            .clock(clock.clone())
            .seed(seed)
            .keep_cases(REMEMBERED)
            .webhook_transport(Arc::new(Webhooks(Arc::new(receiver.tokens(tokens)))))
            .start();
        let [id, code] = sandbox.credentials("identity-tm");
        let vendor = IdentityTm::builder(Credentials::new(id, Secret::new(code)))
            .transport(sandbox.transport())
            .clock(Arc::new(clock))
            .build()
            .unwrap();
        Self { vendor: Arc::new(vendor), sandbox }
    }

    /// The person identifies and signs.
    pub fn play(&self, case: &Secret) {
        self.sandbox.play(case.expose(), "signed").unwrap();
    }
}

pub fn sink(folder: &Path, name: &str) -> Arc<dyn ArtifactSink> {
    match name {
        "discard" => Arc::new(DiscardSink::new(DISCARDED)),
        "folder" => Arc::new(FolderSink::open(folder.join("evidence")).unwrap()),
        _ => panic!("unknown sink: {name}"),
    }
}

/// A signature case: its evidence is the data of the person, the report and the signed document.
pub fn signature(reference: String, pdf: &Bytes) -> NewCase {
    let address = Address {
        street: Some("Heidestr.".into()),
        house_number: Some("17".into()),
        postal_code: Some("51147".into()),
        city: Some("Köln".into()),
        country: Some("DE".into()),
        ..Address::default()
    };
    let person = Person {
        given_names: "Erika".into(),
        family_name: "Mustermann".into(),
        email: Some("e.mustermann@example.com".into()),
        mobile: Some("+491711234567".into()),
        address,
        ..Person::default()
    };
    let documents = vec![Document { name: "contract.pdf".to_owned(), pdf: pdf.clone() }];
    NewCase { purpose: Purpose::Signature, reference: Some(reference.into()), person, documents, ..NewCase::default() }
}
