//! Recordings and the signed form by hand, against the sandbox, with an account that is set up for all of them.

use std::process::Command;
use std::sync::Arc;

use crate::support::{Ran, Server, Then, identkit, place, run};
use identkit_core::Secret;
use identkit_mock_server::vendors::identity_tm::configure;
use identkit_mock_server::{Sandbox, Transition, server};
use identkit_transport::http::{HyperTransport, TlsConfig};
use jiff::SignedDuration;

/// A sandbox in this process, where the account can be set up and a person be played without waiting.
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
        let sandbox = Sandbox::builder().seed(7).webhooks_through(Arc::new(receiver)).start();
        sandbox.with_world(|world| {
            configure(world, |settings| {
                settings.customer_id = "customer".to_owned();
                settings.customer_code = "code".to_owned();
                settings.record_video = true;
                settings.voice_files = true;
                settings.video_provisioning = SignedDuration::ZERO;
            });
        });
        let served = runtime.block_on(server::vendors(&sandbox, "127.0.0.1:0".parse().unwrap(), None)).unwrap();
        drop(_entered);
        Self { sandbox, served, runtime }
    }

    fn identkit(&self) -> Command {
        let mut command = identkit();
        command
            .env("IDENTKIT_TM_BASE_URL", format!("{}/api/2.10", self.served.url()))
            .env("IDENTKIT_TM_CUSTOMER_ID", "customer")
            .env("IDENTKIT_TM_CUSTOMER_CODE", "code");
        command
    }

    /// Places an order with something to sign, and has the person identified by video.
    fn identified(&self) -> String {
        self.placed("identified")
    }

    fn placed(&self, story: &str) -> String {
        let id = place(&mut self.identkit(), &crate::signing::to_sign());
        let _entered = self.runtime.enter();
        self.sandbox.transition(&id, &Transition::Scenario(story.to_owned())).unwrap().unwrap();
        id
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(self.identkit().arg("tm").args(arguments))
    }
}

#[test]
fn at_38_the_placeholder_is_refused_until_the_callback_came_and_then_the_recording_is_saved() {
    let account = Account::start();
    let id = account.identified();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();

    let early = account.run(&["video", "get", &id, "-o", &at("early.mp4"), "--output", "json"]);
    let early = early.ends_with(0, &["may be a placeholder"]).json();
    assert_eq!(early["identkit"]["provisioned"], "unknown");
    let placeholder = early["files"][0]["sha256"].as_str().unwrap();
    account
        .run(&["video", "get", &id, "-o", &at("video.mp4"), "--placeholder-sha256", placeholder])
        .fails_with(1, &["a placeholder", "nothing was written"]);
    assert!(!folder.path().join("video.mp4").exists());

    let receiver = Server::always(|| Then::json("200 OK", ""));
    let url = format!("{}/video?order={id}", receiver.url());
    let ran = account.run(&["video", "request", &id, "--callback-url", &url]);
    assert!(ran.ends_with(0, &[]).stdout.contains("calls the callback URL"), "{ran:#?}");
    while receiver.calls().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(receiver.calls(), [format!("GET /video?order={id}")]);

    let get = ["video", "get", &id, "-o", &at("video.mp4"), "--callback-received", "--output", "json"];
    let told = account.run(&[&get[..], &["--placeholder-sha256", placeholder]].concat());
    let told = told.ends_with(0, &[]).json();
    assert_eq!(
        (&told["identkit"]["provisioned"], &told["identkit"]["compared"]),
        (&"callback_received".into(), &true.into())
    );
    assert_ne!(told["files"][0]["sha256"], placeholder);
    let video = std::fs::read(folder.path().join("video.mp4")).unwrap();
    assert_eq!((&video[4..8], told["files"][0]["bytes"].as_u64()), (&b"ftyp"[..], Some(video.len() as u64)));
}

#[test]
fn an_order_that_was_not_filmed_has_no_recording() {
    let account = Account::start();
    account.sandbox.with_world(|world| configure(world, |settings| settings.record_video = false));
    let id = account.identified();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("video.mp4").display().to_string();
    account.run(&["video", "get", &id, "-o", &out]).fails_with(5, &["getVideoFileBinary", "HTTP 400"]);
    account
        .run(&["video", "request", &id, "--callback-url", "https://example.com/"])
        .fails_with(5, &["getVideoFileBinaryAsync", "HTTP 400"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    account.run(&["video", "get", "99920000000000", "-o", &out]).fails_with(4, &[]);
}

#[test]
fn the_sound_is_an_mp3_and_comes_where_the_account_is_set_up_for_it() {
    let account = Account::start();
    let id = account.identified();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("voice");
    let ran = account.run(&["voice", &id, "-o", &out.display().to_string(), "--output", "json"]);
    let told = ran.ends_with(0, &[]).json();
    let path = told["files"][0]["path"].as_str().unwrap();
    assert_eq!(path, out.join(format!("sound_{id}.mp3")).display().to_string());
    let sound = std::fs::read(path).unwrap();
    assert!(sound.starts_with(b"ID3") || sound.starts_with(&[0xff]), "{:?}", &sound[..4]);

    // The same answer, its slashes written as some do (AT-40), is the same file and not a second one.
    account.sandbox.with_world(|world| configure(world, |settings| settings.escape_slashes = true));
    account.run(&["voice", &id, "-o", &out.display().to_string()]).ends_with(0, &[]);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
    account.sandbox.with_world(|world| configure(world, |settings| settings.voice_files = false));
    account.run(&["voice", &id, "-o", &out.display().to_string()]).fails_with(5, &["getVoiceFiles", "HTTP 400"]);
}

#[test]
fn at_71_the_signed_form_identifies_the_person_again_only_as_it_came() {
    let account = Account::start();
    let id = account.placed("signed");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ident.signed");
    for as_json in [false, true] {
        account.sandbox.with_world(|world| configure(world, |settings| settings.signed_as_json_string = as_json));
        account.run(&["ident-data", &id, "--signed", "--force", "-o", &file.display().to_string()]).ends_with(0, &[]);
        let stored = std::fs::read_to_string(&file).unwrap();
        assert_eq!(account.run(&["ident-data", &id, "--signed"]).ends_with(0, &[]).stdout, stored);
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
        assert!(reused(&longer).contains("tampered"), "a line break more breaks it");
    }
}
