//! Recordings and the signed form, against a sandbox whose account supports all of them.

use std::process::Command;
use std::sync::Arc;

use crate::support::{Server, Vendor, names, place};
use identkit_core::Secret;
use identkit_mock_server::vendors::identity_tm::{Settings, configure};
use identkit_mock_server::{Sandbox, server};
use identkit_transport::http::{HyperTransport, TlsConfig};
use jiff::SignedDuration;

/// A sandbox in the test process, so that the test can change its account and play a person.
struct Account {
    sandbox: Sandbox,
    served: server::Listener,
    runtime: tokio::runtime::Runtime,
}

impl Account {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let _entered = runtime.enter();
        let receiver = HyperTransport::new(&TlsConfig::bundled().unwrap());
        let sandbox = Sandbox::builder().seed(7).webhook_transport(Arc::new(receiver)).start();
        let served = runtime.block_on(server::vendors(&sandbox, "127.0.0.1:0".parse().unwrap(), None)).unwrap();
        drop(_entered);
        let account = Self { sandbox, served, runtime };
        account.configure(|settings| {
            settings.customer_id = "customer".to_owned();
            settings.customer_code = "code".to_owned();
            settings.record_video = true;
            settings.voice_files = true;
            settings.video_provisioning = SignedDuration::ZERO;
        });
        account
    }

    /// Places an order with something to sign and plays the person.
    fn placed(&self, story: &str) -> String {
        let id = place(&mut self.identkit(), &crate::signing::to_sign());
        let _entered = self.runtime.enter();
        self.sandbox.play(&id, story).unwrap();
        id
    }

    fn configure(&self, set: impl FnOnce(&mut Settings)) {
        self.sandbox.with_world(|world| configure(world, set));
    }
}

impl Vendor for Account {
    fn identkit(&self) -> Command {
        format!("{}/api/2.10", self.served.url()).identkit()
    }
}

#[test]
fn at_38_a_placeholder_is_rejected_until_the_callback() {
    let account = Account::start();
    let id = account.placed("identified");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();

    let early = account.run(&format!("tm video get {id} -o {} --output json", at("early.mp4")));
    let early = early.ends_with(0, &["may be a placeholder"]).json();
    assert_eq!(early["identkit"]["provisioned"], "unknown");
    let placeholder = early["files"][0]["sha256"].as_str().unwrap();
    let get = format!("tm video get {id} -o {} --placeholder-sha256 {placeholder}", at("video.mp4"));
    account.run(&get).fails_with(1, &["a placeholder", "nothing was written"]);
    assert!(!folder.path().join("video.mp4").exists());

    let receiver = Server::json("200 OK", "");
    let url = format!("{}/video?order={id}", receiver.url());
    let result = account.run(&format!("tm video request {id} --callback-url {url}"));
    result.ends_with(0, &[]).shows(&["calls the callback URL"]);
    while receiver.calls().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(receiver.calls(), [format!("GET /video?order={id}")]);

    let json = account.json(&format!("{get} --callback-received"));
    assert_eq!(json["identkit"]["provisioned"], "callback_received");
    assert_eq!(json["identkit"]["compared"], true);
    assert_ne!(json["files"][0]["sha256"], placeholder);
    let video = std::fs::read(folder.path().join("video.mp4")).unwrap();
    assert_eq!((&video[4..8], json["files"][0]["bytes"].as_u64()), (&b"ftyp"[..], Some(video.len() as u64)));
}

#[test]
fn voice_is_an_mp3_if_the_account_supports_it() {
    let account = Account::start();
    let id = account.placed("identified");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("voice");
    let voice = format!("tm voice {id} -o {}", out.display());
    let output = account.json(&voice);
    let path = output["files"][0]["path"].as_str().unwrap();
    assert_eq!(path, out.join(format!("sound_{id}.mp3")).display().to_string());
    let sound = std::fs::read(path).unwrap();
    assert!(sound.starts_with(b"ID3") || sound.starts_with(&[0xff]), "{:?}", &sound[..4]);

    // The same response with escaped slashes (AT-40) is the same file, not a second one.
    account.configure(|settings| settings.escape_slashes = true);
    account.run(&voice).ends_with(0, &[]);
    assert_eq!(names(&out).len(), 1);
    account.configure(|settings| settings.voice_files = false);
    account.run(&voice).fails_with(5, &["getVoiceFiles", "HTTP 400"]);
}

#[test]
fn at_71_only_the_unchanged_signed_form_can_be_reused() {
    let account = Account::start();
    let id = account.placed("signed");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ident.signed");
    for as_json in [false, true] {
        account.configure(|settings| settings.signed_as_json_string = as_json);
        let get = format!("tm ident-data {id} --signed");
        account.run(&format!("{get} --force -o {}", file.display())).ends_with(0, &[]);
        let stored = std::fs::read_to_string(&file).unwrap();
        assert_eq!(account.run(&get).ends_with(0, &[]).stdout, stored);
        assert_eq!(stored.starts_with('"'), as_json);

        let data = identkit_identity_tm::SignedIdentData(stored.clone().into_bytes().into());
        let text = data.for_reuse().unwrap();
        let reused = |text: &Secret| {
            let mut changes = crate::signing::to_sign();
            changes["IdentDataSigned"] = text.expose().into();
            let id = place(&mut account.identkit(), &changes);
            account.sandbox.inspect(&id).unwrap()["reuse"].as_str().unwrap().to_owned()
        };
        assert_eq!(reused(&text), "accepted");
        let longer = Secret::new(format!("{}\n", text.expose()));
        assert!(reused(&longer).contains("tampered"), "an additional line break invalidates it");
    }
}
