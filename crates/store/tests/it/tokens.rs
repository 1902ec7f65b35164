//! Tokens of webhook URLs, and the store as an inbox.

use identkit_core::{CaseRef, Event, Inbox, Secret, Tokens, WebhookDelivery};
use identkit_store::{Finish, Intent, Store};

use crate::support::{Opened, PROVIDER, all, assert_conflict, at, case_of};

async fn is_valid(store: &Store, event: &str, token: &Secret, seconds: i64) -> bool {
    store.is_valid(PROVIDER, event, token, at(seconds)).await.unwrap()
}

pub(crate) async fn an_event_without_a_case_is_kept(Opened { store, .. }: &Opened) {
    let delivery = WebhookDelivery::new(Event::new(PROVIDER, "OnFinal", "the key"), at(1));
    Inbox::accept(store, delivery.clone()).await.unwrap();
    assert_eq!(all(store).await.into_iter().map(|event| event.delivery).collect::<Vec<_>>(), [delivery]);
    assert!(case_of(store, "the key").await.is_some());
}

pub(crate) async fn a_token_is_for_one_event_of_one_provider(Opened { store, other, .. }: &Opened) {
    let token = store.create_token(PROVIDER, "OnFinal").await.unwrap();
    assert_eq!(token.expose().len(), 43);
    assert_ne!(store.create_token(PROVIDER, "OnFinal").await.unwrap(), token);
    let url_safe = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    assert!(token.expose().chars().all(url_safe), "{}", token.expose());
    for store in [store, other] {
        assert!(is_valid(store, "OnFinal", &token, 0).await);
        assert!(!is_valid(store, "AfterVideo", &token, 0).await);
        assert!(!store.is_valid("identify24", "OnFinal", &token, at(0)).await.unwrap());
        for (place, _) in token.expose().char_indices() {
            let mut changed = token.expose().to_owned();
            let character = if changed[place..].starts_with('A') { "B" } else { "A" };
            changed.replace_range(place..=place, character);
            assert!(!is_valid(store, "OnFinal", &changed.into(), 0).await);
        }
        for wrong in ["", &token.expose()[1..], &format!("{}A", token.expose())] {
            assert!(!is_valid(store, "OnFinal", &wrong.into(), 0).await);
        }
    }
}

pub(crate) async fn a_token_of_a_case_ends_with_the_case(Opened { store, .. }: &Opened) {
    let claim = store.create(&Intent::new(PROVIDER, "ref-1", at(0))).await.unwrap();
    let token = store.create_case_token(&claim, PROVIDER, "OnFinal").await.unwrap();
    let account = store.create_token(PROVIDER, "OnFinal").await.unwrap();
    store.finish(&claim, Finish::Done).await.unwrap();
    assert!(is_valid(store, "OnFinal", &token, 1_000_000_000).await);
    assert_conflict(store.create_case_token(&claim, PROVIDER, "OnFinal").await);
    store.purge(claim.case()).await.unwrap();
    assert!(!is_valid(store, "OnFinal", &token, 1).await);
    assert!(is_valid(store, "OnFinal", &account, 1).await);
}

pub(crate) async fn replaced_tokens_expire_and_those_of_cases_do_not(Opened { store, .. }: &Opened) {
    let claim = store.create(&Intent::new(PROVIDER, "ref-1", at(0))).await.unwrap();
    let of_case = store.create_case_token(&claim, PROVIDER, "status").await.unwrap();
    let of_other_event = store.create_token(PROVIDER, "OnFinal").await.unwrap();
    let first = store.create_token(PROVIDER, "status").await.unwrap();
    let second = store.replace_tokens(PROVIDER, "status", at(10)).await.unwrap();
    let third = store.replace_tokens(PROVIDER, "status", at(20)).await.unwrap();
    let valid = async |seconds| {
        let mut valid = Vec::new();
        for token in [&first, &second, &third, &of_case] {
            valid.push(is_valid(store, "status", token, seconds).await);
        }
        valid
    };
    // A later replacement does not extend the first one's time.
    assert_eq!(valid(9).await, [true, true, true, true]);
    assert_eq!(valid(10).await, [false, true, true, true]);
    assert_eq!(valid(20).await, [false, false, true, true]);
    assert!(is_valid(store, "OnFinal", &of_other_event, 20).await);
    assert_eq!(store.remove_expired_tokens(at(9)).await.unwrap(), 0);
    assert_eq!(store.remove_expired_tokens(at(10)).await.unwrap(), 1);
    assert_eq!(valid(9).await, [false, true, true, true]);
    assert_eq!(store.remove_expired_tokens(at(100)).await.unwrap(), 1);
    assert_eq!(valid(9).await, [false, false, true, true]);
}

pub(crate) async fn a_token_can_be_added_again_but_not_revived(Opened { store, .. }: &Opened) {
    let token = store.create_token(PROVIDER, "status").await.unwrap();
    store.replace_tokens(PROVIDER, "status", at(10)).await.unwrap();
    store.add_token(PROVIDER, "status", &token).await.unwrap();
    assert!(!is_valid(store, "status", &token, 10).await);
    store.add_token(PROVIDER, "OnFinal", &token).await.unwrap();
    assert!(is_valid(store, "OnFinal", &token, 10).await);
}

pub(crate) async fn a_rotation_replaces_all_and_can_be_repeated(Opened { store, .. }: &Opened) {
    let claim = store.create(&Intent::new(PROVIDER, "ref-1", at(0))).await.unwrap();
    let of_case = store.create_case_token(&claim, PROVIDER, "status").await.unwrap();
    let mut old = Vec::new();
    for event in ["status", "OnFinal", "AfterVideo"] {
        old.push((event, store.create_token(PROVIDER, event).await.unwrap()));
    }
    let new = [("status", Store::random_token().unwrap()), ("OnFinal", Store::random_token().unwrap())];
    assert!(!is_valid(store, "status", &new[0].1, 0).await);
    // It is repeated if its outcome is unknown: the new tokens do not expire.
    for _ in 0..2 {
        store.rotate_tokens(new.iter().map(|(event, token)| (PROVIDER, *event, token)), at(10)).await.unwrap();
        for (event, token) in &new {
            assert!(is_valid(store, event, token, 1_000_000_000).await, "{event}");
        }
    }
    for (event, token) in &old {
        assert!(is_valid(store, event, token, 9).await, "{event}");
        assert_eq!(is_valid(store, event, token, 10).await, *event == "AfterVideo", "{event}");
    }
    assert!(is_valid(store, "status", &of_case, 1_000_000_000).await);
}

pub(crate) async fn at_38_a_token_of_a_case_is_for_its_id_only(Opened { store, other, .. }: &Opened) {
    let is_for = async |token: &Secret, id: &str| {
        let here = store.is_for_case(PROVIDER, "Recording", token, &id.into()).await.unwrap();
        assert_eq!(other.is_for_case(PROVIDER, "Recording", token, &id.into()).await.unwrap(), here);
        here
    };
    let (mut tokens, mut claims) = (Vec::new(), Vec::new());
    for reference in ["ref-1", "ref-2"] {
        let claim = store.create(&Intent::new(PROVIDER, reference, at(0))).await.unwrap();
        tokens.push(store.create_case_token(&claim, PROVIDER, "Recording").await.unwrap());
        claims.push(claim);
    }
    let name = async |index: usize, id: &str| {
        let mut case = store.case(claims[index].case()).await.unwrap().unwrap();
        case.opened = Some(CaseRef::new(PROVIDER, id));
        store.save(&claims[index], &mut case, &[], at(1)).await.unwrap();
    };
    name(0, "order-1").await;
    assert!(is_for(&tokens[0], "order-1").await);
    assert!(!is_for(&tokens[0], "order-2").await, "also if no case has the id yet");
    // The response with the second id is still to be saved. A webhook can be faster.
    assert!(is_for(&tokens[1], "order-2").await);
    let mut event = Event::new(PROVIDER, "Recording", "key");
    event.case_id = Some("order-2".into());
    store.accept(&WebhookDelivery::new(event, at(1))).await.unwrap();
    assert!(is_for(&tokens[1], "order-2").await);
    assert!(!is_for(&tokens[1], "order-1").await, "it is the id of another case");
    name(1, "order-2").await;
    assert!(is_for(&tokens[1], "order-2").await && !is_for(&tokens[1], "order-3").await);
    // A token of the whole account is for all cases, and an unknown one for none.
    let account = store.create_token(PROVIDER, "Recording").await.unwrap();
    assert!(is_for(&account, "order-1").await && is_for(&account, "order-3").await);
    assert!(!is_for(&Store::random_token().unwrap(), "order-1").await);
    assert!(!store.is_for_case(PROVIDER, "OnFinal", &tokens[0], &"order-1".into()).await.unwrap());
    store.purge(claims[0].case()).await.unwrap();
    assert!(!is_for(&tokens[0], "order-1").await);
}
