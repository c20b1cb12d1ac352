//! Text that looks like a card number.
//!
//! Such text is refused wherever it stands and never logged: a number that was
//! never stored cannot be lost.

use crate::rejection::Rejection;

/// Whether a text holds 13 to 19 digits, in one piece or in groups set off by
/// single blanks or hyphens, that pass the check of ISO/IEC 7812 (Luhn) and
/// begin as payment cards do (2 to 6).
#[must_use]
pub fn looks_like_card_number(text: &str) -> bool {
    let mut groups: Vec<String> = vec![String::new()];
    let mut gap = false;
    for c in text.chars() {
        match c {
            '0'..='9' => {
                gap = false;
                let last = groups.last_mut();
                last.expect("invariant: there is a group").push(c);
            }
            ' ' | '-' if !gap => {
                gap = true;
                groups.push(String::new());
            }
            _ => {
                if is_any_card(&groups) {
                    return true;
                }
                gap = false;
                groups = vec![String::new()];
            }
        }
    }
    is_any_card(&groups)
}

/// Whether a text is an international telephone number: `+` or `00`, then at most
/// 15 digits (ITU-T E.164). One in ten of those would pass a card's check by
/// chance; a card's number written like that has 16.
#[must_use]
pub fn is_international_phone(text: &str) -> bool {
    let text = text.trim();
    let Some(number) = text.strip_prefix('+').or_else(|| text.strip_prefix("00")) else {
        return false;
    };
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let plain = |c: char| c.is_ascii_digit() || " -()/.".contains(c);
    number.chars().all(plain) && (1..=15).contains(&digits)
}

/// The refusal of every text that looks like a card number; the text itself is
/// not repeated.
#[must_use]
pub fn refuse_card_numbers<'a>(
    texts: impl IntoIterator<Item = (String, &'a str)>,
) -> Vec<Rejection> {
    let cards = texts
        .into_iter()
        .filter(|(_, text)| looks_like_card_number(text));
    cards
        .map(|(pointer, _)| {
            let detail = "it looks like a card number; send the payment provider's reference";
            Rejection::new(pointer, "card_number", detail)
        })
        .collect()
}

/// Whether some neighbouring groups together are a card number.
fn is_any_card(groups: &[String]) -> bool {
    for first in 0..groups.len() {
        let mut digits = String::new();
        for group in &groups[first..] {
            digits.push_str(group);
            if digits.len() > 19 {
                break;
            }
            if is_card(&digits) {
                return true;
            }
        }
    }
    false
}

fn is_card(digits: &str) -> bool {
    let issued = matches!(digits.as_bytes().first(), Some(b'2'..=b'6'));
    if !(13..=19).contains(&digits.len()) || !issued {
        return false;
    }
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, digit)| {
            let digit = u32::from(digit - b'0');
            let twice = digit * 2;
            match (i % 2, twice > 9) {
                (0, _) => digit,
                (_, true) => twice - 9,
                (_, false) => twice,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_seen_however_they_are_written() {
        for text in [
            "4111111111111111",
            "card 4111 1111 1111 1111 exp 12/27",
            "4111 1111 1111 1111 12",
            "378282246310005",
            "no: 5555-5555-5555-4444.",
        ] {
            assert!(looks_like_card_number(text), "{text}");
        }
        for text in [
            "",
            "W-1001",
            "4111111111111112",
            "1483228800123",
            "123e4567-e89b-12d3-a456-426614174000",
            "41111111 / 11111111",
            "+49 30 1234567",
            "0000000000000000",
        ] {
            assert!(!looks_like_card_number(text), "{text}");
        }
    }

    #[test]
    fn telephone_numbers_are_not_taken_for_cards() {
        for text in [
            "+49 1511 2345 678",
            "0049 (30) 1234-56789",
            "+1 312 555 0100",
        ] {
            assert!(is_international_phone(text), "{text}");
        }
        assert!(
            looks_like_card_number("+4915112345678"),
            "its digits would pass"
        );
        for text in [
            "+4111 1111 1111 1111",
            "4111111111111111",
            "030 1234567",
            "+49 ask for Ann",
            "+",
        ] {
            assert!(!is_international_phone(text), "{text}");
        }
    }

    #[test]
    fn a_refusal_does_not_repeat_the_number() {
        let refused = refuse_card_numbers([
            ("/note".to_owned(), "4111111111111111"),
            ("/ref".to_owned(), "x"),
        ]);
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].pointer, "/note");
        assert!(!refused[0].detail.contains("4111"));
    }
}
