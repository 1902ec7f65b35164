//! How deep a body of the admin API may be nested.

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nested_deeper_than_64_levels_is_refused_before_it_is_judged() {
    let bench = Harness::new();
    let door = Door::of(&bench.sandbox).await;
    let before = bench.sandbox.journal().last();
    // With the body's own level.
    let body =
        |name: &str, levels: usize| format!(r#"{{"{name}":{}1{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
    for (path, name, judged) in [
        ("clock/advance", "seconds", "admin-clock"),
        ("clock/mode", "mode", "admin-clock"),
        ("faults", "fault", "sandbox"),
        ("settings", "identity_tm", "sandbox"),
        ("webhooks", "mode", "admin-webhooks"),
        ("worlds", "seed", "admin-world"),
        ("journal/wait", "timeout", "admin-wait"),
    ] {
        for levels in [65, 100, 127, 1_000, 100_000] {
            let problem = door.problem("POST", path, &body(name, levels), 400, "admin-body").await;
            assert!(problem["detail"].as_str().unwrap().contains("64 levels"), "{path}, {levels}: {problem}");
        }
        door.problem("POST", path, &body(name, 64), 400, judged).await;
    }
    assert_eq!(bench.sandbox.journal().last(), before, "nothing was done");
}
