//! Barcodes: the codes printed on goods and the check digit of GS1 numbers.
//!
//! Invariant: a [`Barcode`] is 1 to 48 printable ASCII characters without a
//! blank at either end, the set that Code 128 and the GTIN family can print.

pub use label::{Label, LabelValue, Labelled, Scan, scan};

use crate::ids::{is_printable, text_id};

mod label;

text_id!(
    /// A code that a scanner reads: digits of a GTIN, or text of a Code 128.
    Barcode,
    "barcode",
    "use 1 to 48 printable ASCII characters without a blank at either end",
    |text| is_printable(text, 48)
);

/// The GS1 check digit (mod 10) for the digits before it: weights 3 and 1
/// alternate from the right. `None` if a character is no digit.
///
/// Source: GS1 General Specifications, 7.9.1.
#[must_use]
pub fn check_digit(digits: &str) -> Option<u8> {
    let mut sum = 0_u32;
    for (position, byte) in digits.bytes().rev().enumerate() {
        if !byte.is_ascii_digit() {
            return None;
        }
        let weight = if position % 2 == 0 { 3 } else { 1 };
        sum = (sum + u32::from(byte - b'0') * weight) % 10;
    }
    u8::try_from((10 - sum) % 10).ok()
}

/// Whether a code is a GTIN-8, -12, -13 or -14 with a correct check digit.
#[must_use]
pub fn is_valid_gtin(code: &str) -> bool {
    if !matches!(code.len(), 8 | 12 | 13 | 14) || !code.is_ascii() {
        return false;
    }
    let (digits, last) = code.split_at(code.len() - 1);
    check_digit(digits).is_some_and(|digit| last.as_bytes() == [b'0' + digit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_have_known_check_digits() {
        for code in [
            "96385074",
            "036000291452",
            "4006381333931",
            "10614141000415",
        ] {
            assert!(is_valid_gtin(code), "{code}");
            let (digits, last) = code.split_at(code.len() - 1);
            assert_eq!(check_digit(digits).unwrap().to_string(), last);
        }
        for code in [
            "96385075",
            "4006381333930",
            "400638133393",
            "40063813339x1",
            "",
        ] {
            assert!(!is_valid_gtin(code), "{code}");
        }
    }
}
