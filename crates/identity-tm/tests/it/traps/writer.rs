//! The strict writer of putOrder.

use identkit_conformance::example_case;

use super::*;

#[test]
fn at_43_the_address_is_required_whatever_the_product() {
    for product in [0_u32, 12, 16] {
        let mut without = plain_order().product(product);
        without.address = None;
        rejects(&without, "Address", "T-056");
    }
}

#[test]
fn at_44_countries_are_two_capital_letters_in_both_places() {
    let both = |country: &str| {
        let address = plain_order().address.unwrap().country(country);
        plain_order().address(address).ident_data(OrderIdentData::default().country(country))
    };
    accepts(&both("AT"));
    for odd in ["de", "DEU", "D", "276", "Ö1", "D ", "Deutschland"] {
        let expected = [("Address.Country".to_owned(), "AT-44"), ("IdentData.Country".to_owned(), "AT-44")];
        assert_eq!(faults(&both(odd), &dialect()), expected, "{odd}");
    }
    // The table of Address alone has 3 characters.
    let longer = allowing(|dialect| dialect.three_letter_countries = true);
    assert_eq!(faults(&both("DEU"), &longer), [("IdentData.Country".to_owned(), "AT-44")]);
    for odd in ["deu", "D", "DEUT", "276", "Ö1"] {
        assert!(faults(&both(odd), &longer).contains(&("Address.Country".to_owned(), "AT-44")), "{odd}");
    }
    assert_eq!(ident_data(&json!({"IdentData": {"Country": "DEU"}})).checked().unwrap().country, Some("DEU".into()));
}

#[test]
fn at_45_a_postal_code_is_never_cut_and_a_longer_one_needs_the_dialect() {
    let both = |zip: &str| {
        let address = plain_order().address.unwrap().zip_code(zip);
        plain_order().address(address).ident_data(OrderIdentData::default().zip_code(zip))
    };
    accepts(&both("43000"));
    let dutch = both("1012 AB");
    let expected = [("Address.ZipCode".to_owned(), "AT-45"), ("IdentData.ZipCode".to_owned(), "AT-45")];
    assert_eq!(faults(&dutch, &dialect()), expected);
    let sent = sent_json(&dutch, &allowing(|dialect| dialect.long_zip_codes = true));
    assert_eq!(sent["Address"]["ZipCode"], "1012 AB");
    let read = ident_data(&json!({"IdentData": {"ZipCode": "1012 AB"}}));
    assert_eq!(read.checked().unwrap().zip_code, Some("1012 AB".into()));
}

#[test]
fn at_46_the_same_field_has_another_length_elsewhere_and_lengths_count_characters() {
    let street = "ö".repeat(51);
    let address = plain_order().address.unwrap().street(street.clone());
    rejects(&plain_order().address(address), "Address.Street", "T-005");
    accepts(&plain_order().ident_data(OrderIdentData::default().street(street)));
    let fifty = plain_order().address.unwrap().street("ö".repeat(50));
    accepts(&plain_order().address(fifty));
    let long = "x".repeat(1000);
    let read = ident_data(&json!({"IdentData": {"Street": long, "Email": long}}));
    assert_eq!(read.checked().unwrap().street.as_ref().unwrap().expose().len(), 1000, "the reader has no limits");
}

#[test]
fn at_47_a_mail_address_is_trimmed_outside_and_refused_with_blanks_inside() {
    let order = plain_order().email(" \te.mustermann@example.com ");
    accepts(&order);
    assert!(order.check(&dialect()).is_ok(), "check judges what will be sent");
    assert_eq!(sent_json(&order, &dialect())["Email"], "e.mustermann@example.com");
    for odd in ["e mustermann@example.com", "e@exam ple.com", "e.example.com", "@example.com", "e@", "e@@x.de", "e@.de"]
    {
        rejects(&plain_order().email(odd), "Email", "AT-47");
    }
}

#[test]
fn at_48_the_name_at_birth_has_three_states() {
    let order = |data| sent_json(&plain_order().ident_data(data), &dialect())["IdentData"].clone();
    assert_eq!(order(OrderIdentData::default().surname("M")), json!({"Surname": "M"}), "not determined");
    assert_eq!(order(OrderIdentData::default().birthname("")), json!({"Birthname": ""}), "determined");
    assert_eq!(order(OrderIdentData::default().birthname("Gabler")), json!({"Birthname": "Gabler"}), "checked");
    let null = order_of(&json!({"IdentData": {"Birthname": null}}));
    assert!(null.ident_data.unwrap().birthname.is_none(), "null means the same as absent");
}

#[test]
fn at_49_an_empty_field_is_sent_and_an_absent_one_is_not() {
    let empty = OrderIdentData::default().firstname("").birthdate("").country("").gender("").mobile("").email("");
    let order = plain_order().ident_data(empty);
    accepts(&order);
    let expected = json!({"Firstname": "", "Country": "", "Birthdate": "", "Gender": "", "Email": "", "Mobile": ""});
    assert_eq!(sent_json(&order, &dialect())["IdentData"], expected);
}

#[test]
fn at_50_gender_is_written_in_small_letters_and_the_port_leaves_a_third_one_out() {
    use identkit_core::Gender;
    for (gender, good) in [("female", true), ("male", true), ("FEMALE", false), ("m", false), ("diverse", false)] {
        let order = plain_order().ident_data(OrderIdentData::default().gender(gender));
        if good {
            accepts(&order);
        } else {
            rejects(&order, "IdentData.Gender", "AT-50");
        }
    }
    let read = ident_data(&json!({"IdentData": {"Gender": "diverse"}}));
    assert_eq!(read.checked().unwrap().gender, Some("diverse".into()), "the reader keeps what comes");
    for (gender, sent) in
        [(Gender::Female, json!("female")), (Gender::Male, json!("male")), (Gender::Other, Value::Null)]
    {
        let client = client([reply(202, r#"{"OrderID":"1"}"#)]);
        let mut case = example_case(Purpose::Identification);
        case.person.gender = Some(gender);
        block_on(client.open(&case, &options())).unwrap();
        let body: Value = serde_json::from_slice(&client.sent()[0].body).unwrap();
        assert_eq!(body["IdentData"]["Gender"], sent);
    }
}

#[test]
fn at_51_phone_numbers_are_international_with_a_plus_and_7_to_15_digits() {
    for good in ["+4917012", "+491701234567", "+123456789012345", " +491701234567 "] {
        accepts(&plain_order().phone(good).mobile(good));
    }
    for odd in ["491701234567", "00491701234567", "+49 170 1234567", "+491701", "+1234567890123456", "+49170123456x"] {
        let expected = [("Phone".to_owned(), "AT-51"), ("Mobile".to_owned(), "AT-51")];
        assert_eq!(faults(&plain_order().phone(odd).mobile(odd), &dialect()), expected, "{odd}");
    }
}

#[test]
fn at_52_add_is_a_sum_that_is_always_written_and_keeps_bits_of_later_versions() {
    for add in [0_u64, 8, 4096 | 8192, 131_072 | 32, 8_388_608 | 256, 1 << 40] {
        let order = plain_order().add(add);
        accepts(&order);
        assert_eq!(sent_json(&order, &dialect())["Add"], add);
        assert_eq!(order_of(&json!({ "Add": add })).add, Some(add));
    }
    let mut order = plain_order();
    order.add = None;
    rejects(&order, "Add", "T-056");
    rejects(&plain_order().product(15_u32).add(8_u64 | 16), "Add", "T-052");
}
