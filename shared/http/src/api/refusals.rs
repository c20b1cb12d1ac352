//! Collecting what does not convert, so that one answer names every field.
//!
//! Invariant: a value that was refused is never used.

use evertill_domain::receipt::MAX_TEXT;
use evertill_domain::rejection::{Rejection, Rejections};

/// Fields refused so far.
#[derive(Debug, Default)]
pub(super) struct Refusals(Vec<Rejection>);

impl Refusals {
    /// The value, or nothing after noting why not.
    pub(super) fn keep<T>(&mut self, read: Result<T, Rejection>) -> Option<T> {
        read.map_err(|refused| self.0.push(refused)).ok()
    }

    /// Notes a refusal.
    pub(super) fn add(&mut self, refused: Rejection) {
        self.0.push(refused);
    }

    /// A free text that is on the receipt: not blank and not too long.
    pub(super) fn text(&mut self, pointer: &str, text: Option<&String>) -> Option<String> {
        let text = text?;
        if text.trim().is_empty() {
            let detail = "the text is empty; leave the field out or fill it in";
            self.add(Rejection::new(pointer, "empty_text", detail));
        } else if text.len() > MAX_TEXT {
            let detail = format!("the text has {} bytes; the limit is {MAX_TEXT}", text.len());
            self.add(Rejection::new(pointer, "text_too_long", detail));
        } else if text.chars().any(char::is_control) {
            let detail = "the text has control characters; send one line of plain text";
            self.add(Rejection::new(pointer, "not_plain_text", detail));
        }
        Some(text.clone())
    }

    /// The value, if nothing was refused.
    ///
    /// # Errors
    /// Every field that was.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Rejections> {
        Rejections::unless_empty(self.0)?;
        Ok(value.expect("invariant: a value is missing only after a refusal"))
    }
}

/// Whether a text could be a payment card's number: 13 to 19 digits, grouped or
/// not, whose last is the Luhn check digit.
pub(super) fn looks_like_card_number(text: &str) -> bool {
    let mut digits = Vec::with_capacity(19);
    for c in text.trim().chars() {
        match c.to_digit(10) {
            Some(digit) => digits.push(digit),
            None if c == ' ' || c == '-' => {}
            None => return false,
        }
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit) {
            (0, digit) => *digit,
            (_, digit) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_known_by_their_check_digit() {
        for text in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "5500-0000-0000-0004",
        ] {
            assert!(looks_like_card_number(text), "{text}");
        }
        for text in [
            "4111111111111112",
            "0042",
            "",
            "A4111111111111111",
            "**** 1111",
        ] {
            assert!(!looks_like_card_number(text), "{text}");
        }
    }
}
