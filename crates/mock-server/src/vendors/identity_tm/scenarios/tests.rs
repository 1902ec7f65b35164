use std::collections::BTreeSet;

use identkit_identity_tm::messages::{Address, SignHash};
use identkit_identity_tm::{OrderId, PutOrder};
use identkit_wire::OneOrMany;

use super::SCENARIOS;
use super::scripts::{Account, Stage};
use crate::rules::Rules;
use crate::vendors::identity_tm::orders::{Order, Step};
use crate::vendors::identity_tm::settings::Settings;
use crate::world::text::Written as _;

#[test]
fn every_step_of_every_story_has_a_saved_form() {
    let hash = || OneOrMany::One(SignHash::default().filename("a"));
    let usual = |product: u32| PutOrder::default().product(product).address(Address::default());
    let orders = [
        usual(0),
        usual(12),
        usual(15).sign_hash(hash()),
        usual(15).add(8_u64),
        usual(15),
        usual(16),
        PutOrder::default(),
    ];
    let mut texts = BTreeSet::new();
    for request in orders {
        for (exists, verified) in [(false, false), (true, false), (true, true)] {
            let order = Order::new(OrderId::received("1"), request.clone(), jiff::Timestamp::UNIX_EPOCH);
            let (settings, rules) = (Settings::default(), Rules::default());
            let stage =
                Stage { order: &order, settings: &settings, account: Account { exists, verified }, rules: &rules };
            for steps in SCENARIOS.into_iter().filter_map(|name| stage.scenario(name).ok()) {
                let saved = serde_json::to_value(&steps).unwrap();
                assert_eq!(serde_json::from_value::<Vec<Step>>(saved).unwrap(), steps);
                texts.extend(steps.into_iter().filter_map(|step| match step {
                    Step::Status(_, text) => text.map(|text| text.write()),
                    _ => None,
                }));
            }
        }
    }
    assert_eq!(texts.into_iter().collect::<Vec<_>>(), ["TAN", "signme Passwort"]);
}
