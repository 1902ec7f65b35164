//! A world is saved completely, or saving fails; this includes the state of custom vendors.

use super::{call, founded, id_of, minimal, put, small, through_text};
use crate::support::*;

#[test]
fn values_that_cannot_be_saved_are_rejected_when_saving() {
    let vendors = vendors::all();
    let refused = |change: fn(&mut World)| {
        let mut world = founded();
        assert!(world.to_json(&vendors).is_ok());
        change(&mut world);
        match world.to_json(&vendors) {
            Err(SavedError::NotSaved { what }) => what,
            other => panic!("{other:?}"),
        }
    };
    let what = refused(|world| world.state::<Vec<u8>>().push(1));
    assert!(what.contains("no vendor saves the state") && what.contains("Vec<u8>"), "{what}");
    fn set(world: &mut World, vendor: &'static str) {
        world.set_timer(world.now, Timer { vendor, what: "nap", subject: String::new() });
    }
    assert!(refused(|world| set(world, "identity-tm")).contains("identity-tm/nap"));
    assert!(refused(|world| set(world, "elsewhere")).contains("elsewhere/nap"));
    let what = refused(|world| identity_tm::configure(world, |settings| settings.tan_tries = 0));
    assert!(what.ends_with("tan_tries"), "{what}");
    let what = refused(|world| {
        identity_tm::configure(world, |settings| settings.video_provisioning = jiff::SignedDuration::from_millis(500));
    });
    assert!(what.contains("whole seconds"), "{what}");
    let what = refused(|world| {
        let mut document = small();
        let deep = (0..124).fold(json!(1), |inner, _| json!([inner]));
        document.pointer_mut("/vendors/identity-tm/orders/0/request").unwrap()["Deep"] = deep;
        *world = World::from_json(&vendors::all(), &document).unwrap();
    });
    assert!(what.contains("nested deeper"), "{what}");
}

#[tokio::test]
async fn t_002_i_002_the_deepest_accepted_body_can_be_saved() {
    let bench = Harness::new();
    // Including the level of the body itself.
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "Deep": inner }));
    let order = |levels: usize| {
        let mut order = minimal();
        order["Deep"] = nested(levels - 1);
        order.to_string()
    };
    let ident = |levels: usize| {
        let sample = fixture("identify24", "S-012-ident-create-curl-body.json");
        let mut ident: Value = serde_json::from_slice(&sample).unwrap();
        ident["deep"] = nested(levels - 1);
        ident.to_string()
    };
    let token = bench.token().await;
    for levels in [65, 100, 124, 126] {
        let answer = bench.tm_call("PUT", "/putOrder", order(levels)).await;
        answer.refused(400, "body", "T-002", "[T] 3.1");
        let answer = bench.i24_call(&token, "POST", "/ident/create", ident(levels)).await;
        answer.refused(400, "body", "I-002", "[I] ident/create");
    }
    assert_eq!(bench.tm_call("PUT", "/putOrder", order(64)).await.status, 202);
    assert_eq!(bench.i24_call(&token, "POST", "/ident/create", ident(64)).await.status, 200);
    bench.sandbox.with_world(|world| through_text(world));
}

/// A custom vendor with state.
#[derive(Debug)]
struct Outsider {
    saves: bool,
}

impl MockVendor for Outsider {
    fn facts(&self) -> &'static VendorFacts {
        static FACTS: VendorFacts = VendorFacts::new("outsider", "outsider nowhere", |_| false);
        &FACTS
    }
    fn routes(&self) -> &[Route] {
        &[]
    }
    fn seed(&self, world: &mut World) {
        *world.state::<Vec<u8>>() = vec![1, 2, 3];
    }
    fn handle(&self, _: &mut World, _: &Request<Bytes>, _: Option<&Target<'_>>) -> CallOutcome {
        CallOutcome::Blocked
    }
    fn on_timer(&self, _: &mut World, _: &Timer) {}
    fn on_first_attempt(&self, _: &mut World, _: &str) {}
    fn transition(
        &self,
        _: &mut World,
        _: &str,
        _: &Transition,
    ) -> Option<Result<(), identkit_mock_server::Rejection>> {
        None
    }
    fn inspect(&self, _: &mut World, _: &str) -> Option<Value> {
        None
    }
    fn save(&self, shares: &mut identkit_mock_server::StateReader<'_>) -> Result<Value, SavedError> {
        match self.saves {
            true => Ok(json!(shares.get::<Vec<u8>>())),
            false => Ok(Value::Null),
        }
    }
    fn load(&self, world: &mut World, saved: &Value) -> Result<(), SavedError> {
        *world.state() = saved
            .as_array()
            .and_then(|items| items.iter().map(|item| u8::try_from(item.as_u64()?).ok()).collect::<Option<Vec<u8>>>())
            .ok_or_else(|| SavedError::damaged("", "expected bytes"))?;
        Ok(())
    }
}

#[test]
fn a_custom_vendor_saves_its_state_or_saving_fails() {
    let with = |saves| {
        let mut vendors = vendors::all();
        vendors.push(Box::new(Outsider { saves }) as Box<dyn MockVendor>);
        vendors
    };
    let mut world = founded();
    with(true)[2].seed(&mut world);
    assert!(matches!(world.to_json(&with(false)), Err(SavedError::NotSaved { .. })));
    let mut document = world.to_json(&with(true)).unwrap();
    let mut restored = World::from_json(&with(true), &document).unwrap();
    assert_eq!(*restored.state::<Vec<u8>>(), [1, 2, 3]);
    // With another set of vendors, state would be lost or missing.
    assert!(matches!(World::from_json(&vendors::all(), &document), Err(SavedError::Damaged { .. })));
    document["vendors"]["outsider"] = json!(["geheim"]);
    let error = World::from_json(&with(true), &document).unwrap_err();
    assert_eq!(error, SavedError::damaged("/vendors/outsider", "expected bytes"));
}

#[test]
fn a_world_can_be_saved_in_the_middle_of_every_story() {
    let tm = identity_tm::IdentityTm::new();
    for story in identity_tm::SCENARIOS {
        for product in [0, 12, 15, 16] {
            for add in [0, 8] {
                let mut world = founded();
                let mut order = minimal();
                order["Product"] = product.into();
                order["Add"] = add.into();
                if product == 15 && add == 0 {
                    order["eSignHash"] = json!({ "Hash": encode_base64(&[7; 32]), "Filename": "a" });
                }
                let id = id_of(&put(&mut world, &order));
                if tm.transition(&mut world, &id, &Transition::Scenario(story.to_owned())).unwrap().is_err() {
                    continue;
                }
                let mut restored = through_text(&world);
                while world.is_blocked(&id) {
                    tm.on_first_attempt(&mut world, &id);
                    tm.on_first_attempt(&mut restored, &id);
                    assert_eq!(tm.inspect(&mut world, &id), tm.inspect(&mut restored, &id));
                    restored = through_text(&restored);
                }
                assert_eq!(world.to_json(&vendors::all()), restored.to_json(&vendors::all()), "{story}");
            }
        }
    }
}

#[test]
fn two_thousand_orders_survive_saving() {
    let mut world = founded();
    let tm = identity_tm::IdentityTm::new();
    for index in 0..2_000_usize {
        let mut order = minimal();
        order["Ref"] = format!("ref-{index}").into();
        let id = id_of(&put(&mut world, &order));
        let story = ["positive", "negative", "fraud", "aborted"][index % 4];
        tm.transition(&mut world, &id, &Transition::Scenario(story.into())).unwrap().unwrap();
    }
    let restored = through_text(&world);
    assert_eq!(restored.deliveries.len(), 2_000 - 500);
    assert_eq!(restored.next_due(), world.next_due());
    let saved = restored.to_json(&vendors::all()).unwrap();
    assert_eq!(saved["vendors"]["identity-tm"]["orders"].as_array().unwrap().len(), 2_002);
}

#[test]
fn a_world_file_is_replaced_atomically_and_private() {
    let vendors = vendors::all();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let world = founded();
    std::fs::write(&path, "something else").unwrap();
    world.save_file(&vendors, &path).unwrap();
    let length = path.metadata().unwrap().len();
    let read = World::load_file(&vendors, &path, length).unwrap();
    assert!(read.to_json(&vendors).unwrap() == world.to_json(&vendors).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let limited = World::load_file(&vendors, &path, length - 1).map(drop);
    assert_eq!(limited, Err(SavedError::TooLarge { limit: length - 1 }));

    // If saving fails, the file is unchanged and no other file remains.
    let mut odd = world.clone();
    odd.state::<Vec<u8>>().push(1);
    assert!(odd.save_file(&vendors, &path).is_err());
    assert!(world.save_file(&vendors, &folder.path().join("no/such/folder")).is_err());
    assert!(world.save_file(&vendors, folder.path()).is_err(), "the path is a directory");
    assert_eq!(path.metadata().unwrap().len(), length);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let text = std::fs::read(&path).unwrap();
    for cut in (0..text.len() - 2).step_by(97) {
        std::fs::write(&path, &text[..cut]).unwrap();
        let cut = World::load_file(&vendors, &path, length).map(drop);
        assert!(matches!(cut, Err(SavedError::NotJson { .. })), "{cut:?}");
    }
    std::fs::write(&path, [b"\xef\xbb\xbf", &*text].concat()).unwrap();
    assert!(World::load_file(&vendors, &path, length + 3).is_ok(), "a byte order mark is ignored");
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(matches!(World::load_file(&vendors, &path, length), Err(SavedError::NotJson { line: 1, .. })));
    let missing = World::load_file(&vendors, &folder.path().join("nowhere"), 1).map(drop);
    assert_eq!(missing, Err(SavedError::File { kind: std::io::ErrorKind::NotFound }));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_of_a_world_have_the_same_future() {
    let bench = Harness::new();
    let mut one = bench.sandbox.with_world(|world| world.clone());
    let mut other = one.clone();
    let body = serde_json::to_value(order().get_target_link(true)).unwrap();
    for _ in 0..3 {
        let answer = call(&mut one, "PUT", "/putOrder", &body);
        assert_eq!(answer, call(&mut other, "PUT", "/putOrder", &body));
        assert_eq!(answer.0, 202);
    }
    assert_eq!(one.next_due(), other.next_due());
}
