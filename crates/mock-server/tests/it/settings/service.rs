//! The service is up, down or silent.

use super::ALL_TIME;
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn at_80_the_service_is_up_down_or_silent_in_process() {
    let bench = Harness::listing_examples();
    for (service, health) in
        [(Service::Up, Health::Up), (Service::Down, Health::Down), (Service::Silent, Health::Unreachable)]
    {
        bench.set_up(|settings| settings.service = service);
        assert_eq!(bench.tm().health(&options()).await, health);
        // Other calls work: the document has no other 5xx.
        assert_eq!(bench.tm_call("POST", "/getAllStatus", ALL_TIME).await.status, 200);
    }
    bench.set_up(|settings| settings.service = Service::Down);
    bench.tm_call("GET", "/serverStatus", "").await.refused(500, "serverStatus", "AT-80", "[T] 7.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_80_a_silent_service_closes_the_connection() {
    let bench = Harness::configured(|settings| settings.service = Service::Silent);
    let address = any();
    let listening = identkit_mock_server::server::vendors(&bench.sandbox, address, None).await.unwrap();
    let tm = crate::network::client(&listening.url(), crate::support::net::plain());
    assert_eq!(tm.health(&options()).await, Health::Unreachable);
    bench.set_up(|settings| settings.service = Service::Up);
    assert_eq!(tm.health(&options()).await, Health::Up);
}
