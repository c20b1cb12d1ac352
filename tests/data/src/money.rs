//! Amounts of the source: decimals with two places, kept as cents.

use anyhow::{Context as _, Result, ensure};

/// Hundredths of a dollar.
pub type Cents = i64;

/// Reads an amount such as `12.30`.
pub(crate) fn cents(text: &str) -> Result<Cents> {
    let what = || format!("\"{text}\" is no amount");
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    ensure!(part.len() <= 2, "{} with two places", what());
    let scale = if part.len() == 1 { 10 } else { 1 };
    let whole: i64 = whole.parse().with_context(what)?;
    let part: i64 = part.parse().with_context(what)?;
    ensure!(whole >= 0, "{} that is not negative", what());
    Ok(whole * 100 + part * scale)
}

/// An amount as text.
#[must_use]
pub fn decimal(cents: Cents) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// Thousandths as text, without zeros at the end.
pub(crate) fn thousandths(quantity: u64) -> String {
    let text = format!("{}.{:03}", quantity / 1_000, quantity % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_survive_being_read_and_written() {
        for text in ["0.00", "0.05", "12.30", "1234.56"] {
            assert_eq!(decimal(cents(text).unwrap()), text);
        }
        assert_eq!(cents("7").unwrap(), 700);
        assert_eq!(decimal(-5), "-0.05");
        assert!(cents("1.234").is_err() && cents("-1.00").is_err() && cents("x").is_err());
    }

    #[test]
    fn thousandths_have_no_zeros_at_the_end() {
        assert_eq!(thousandths(13_370), "13.37");
        assert_eq!(thousandths(2_000), "2");
    }
}
