//! Checks the syntax of an order's texts.

use identkit_wire::holds_control;

/// Whether a text is a valid date as YYYY-MM-DD.
pub(super) fn is_date(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(shape) && text.parse::<jiff::civil::Date>().is_ok()
}

/// Whether a text has exactly one `@` with text around it, and no blanks.
pub(crate) fn is_mail_address(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(at) = bytes.iter().position(|byte| *byte == b'@') else { return false };
    let (local, domain) = (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default());
    !local.is_empty()
        && !matches!(domain, [] | [b'.', ..] | [.., b'.'])
        && !domain.contains(&b'@')
        && if text.is_ascii() {
            !bytes.contains(&b' ') && !holds_control(text)
        } else {
            !text.chars().any(|c| c.is_whitespace() || c.is_control())
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn t_005_a_date_is_valid_and_written_as_yyyy_mm_dd(text in "[0-9+ -]{8,12}|[0-2][0-9]{3}-[0-3][0-9]-[0-3][0-9]") {
            let shaped = text.len() == 10
                && text.bytes().enumerate().all(|(at, byte)| match at {
                    4 | 7 => byte == b'-',
                    _ => byte.is_ascii_digit(),
                });
            prop_assert_eq!(is_date(&text), shaped && text.parse::<jiff::civil::Date>().is_ok());
        }

        #[test]
        fn at_47_a_mail_address_has_one_at_with_text_around_it(text in "[ab@. \u{85}\u{a0}ü]{0,12}") {
            let parts: Vec<&str> = text.split('@').collect();
            let around = matches!(parts[..], [local, domain] if !local.is_empty()
                && !domain.is_empty() && !domain.starts_with('.') && !domain.ends_with('.'));
            let blank = text.chars().any(|c| c.is_whitespace() || c.is_control());
            prop_assert_eq!(is_mail_address(&text), around && !blank);
        }
    }

    #[test]
    fn t_005_leap_days_and_months_are_checked() {
        for (text, valid) in [("2024-02-29", true), ("2023-02-29", false), ("0000-01-01", true), ("2023-13-01", false)]
        {
            assert_eq!(is_date(text), valid, "{text}");
        }
    }
}
