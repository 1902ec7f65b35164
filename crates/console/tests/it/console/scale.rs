//! Pages of a sandbox with 50,000 orders.

use serde_json::json;

use super::support::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn pages_stay_small_with_50_000_orders() {
    const ORDERS: usize = 50_000;
    let bench = Bench::new().await;
    for number in 0..ORDERS {
        bench.put(json!({ "Ref": format!("customer-{number}") })).await;
    }
    for (path, words) in [
        ("/", "50,000 orders"),
        ("/?search=customer-4711", "11 orders found"),
        ("/?status=7&search=CUSTOMER-49999", "1 order found"),
        ("/clock", "50001"),
        ("/journal", "putOrder"),
        ("/outbox", "email"),
    ] {
        let page = bench.page(path).await;
        assert!(page.text().contains(words), "{path}: {}", &page.text()[..300]);
        assert!(page.body.len() <= 100 * 1024, "{path}: {} bytes", page.body.len());
    }
}
