//! Decimal texts: amounts and quantities as requests send them and views show
//! them.
//!
//! JSON numbers are read as binary fractions by most programs, so an amount is
//! a string; only whole pieces may come as a JSON integer. Figures of
//! projections may exceed the limits of one receipt and are written from plain
//! 64-bit integers.
//!
//! Invariant: what is shown is exact, and reads back as the same figure.

use std::fmt;

use evertill_domain::rejection::Rejection;
use evertill_domain::{Currency, Money, Quantity, Unit};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use utoipa::ToSchema;

/// An amount of money in a request: a decimal string such as `"12.50"`.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, example = "12.50")]
pub struct AmountText(String);

impl AmountText {
    /// The amount in `currency`.
    ///
    /// # Errors
    /// The text is no amount, too precise for the currency, or too large.
    pub fn read(&self, pointer: &str, currency: Currency) -> Result<Money, Rejection> {
        Money::parse_decimal(&self.0, currency)
            .map_err(|error| Rejection::new(pointer, error.code(), error.to_string()))
    }
}

impl<'de> Deserialize<'de> for AmountText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AmountVisitor).map(Self)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal string such as \"12.50\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

/// A quantity in a request: a decimal string in the product's unit, or a JSON
/// integer for a product counted in pieces.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, example = "2")]
pub struct QuantityText(Sent);

/// The text of a quantity, and whether it came as a JSON integer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    text: String,
    integer: bool,
}

impl QuantityText {
    /// The quantity in `unit`.
    ///
    /// # Errors
    /// The text is no quantity, too precise for the unit, or too large; or a
    /// JSON integer was sent for a unit that is not counted in pieces.
    pub fn read(&self, pointer: &str, unit: Unit) -> Result<Quantity, Rejection> {
        let Sent { text, integer } = &self.0;
        if *integer && unit != Unit::Each {
            let detail = format!(
                "the product is counted in {unit}; send its quantity as a decimal string such \
                 as \"{text}\""
            );
            return Err(Rejection::new(pointer, "wrong_type", detail));
        }
        Quantity::parse_decimal(text, unit)
            .map_err(|error| Rejection::new(pointer, error.code(), error.to_string()))
    }
}

impl<'de> Deserialize<'de> for QuantityText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor).map(Self)
    }
}

struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Sent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal string such as \"0.75\", or an integer for whole pieces")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Sent, E> {
        let text = text.to_owned();
        let integer = false;
        Ok(Sent { text, integer })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Sent, E> {
        let text = number.to_string();
        let integer = true;
        Ok(Sent { text, integer })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Sent, E> {
        let text = number.to_string();
        let integer = true;
        Ok(Sent { text, integer })
    }
}

/// Minor units as a decimal string with all decimals of the currency.
#[must_use]
pub fn minor_text(minor: i64, currency: Currency) -> String {
    scaled(minor, currency.decimals(), false)
}

/// Thousandths as a decimal string without trailing zeros.
#[must_use]
pub fn thousandths_text(thousandths: i64) -> String {
    scaled(thousandths, 3, true)
}

fn scaled(value: i64, decimals: u32, trim: bool) -> String {
    let scale = 10_u64.pow(decimals);
    let (whole, fraction) = (value.unsigned_abs() / scale, value.unsigned_abs() % scale);
    let sign = if value < 0 { "-" } else { "" };
    if decimals == 0 || (trim && fraction == 0) {
        return format!("{sign}{whole}");
    }
    let fraction = format!("{fraction:0width$}", width = decimals as usize);
    let fraction = if trim {
        fraction.trim_end_matches('0')
    } else {
        &fraction
    };
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_the_domain_writes_them() {
        for minor in [0, 1, -1, 5, 100, -12_345, Money::MAX_MINOR] {
            let money = Money::new(minor, Currency::USD).unwrap();
            assert_eq!(minor_text(minor, Currency::USD), money.to_decimal_string());
            let quantity = Quantity::from_thousandths(minor.min(1_000_000)).unwrap();
            let text = thousandths_text(quantity.thousandths());
            assert_eq!(text, quantity.to_string());
        }
        assert_eq!(minor_text(i64::MIN, Currency::USD), "-92233720368547758.08");
        assert_eq!(minor_text(-7, "JPY".parse().unwrap()), "-7");
    }

    #[test]
    fn an_amount_is_a_string_and_pieces_may_be_an_integer() {
        let amount = |json: &str| serde_json::from_str::<AmountText>(json);
        let read = amount("\"12.5\"").unwrap().read("/a", Currency::USD);
        assert_eq!(read.unwrap().minor(), 1_250);
        assert!(
            amount("12.5")
                .unwrap_err()
                .to_string()
                .contains("decimal string")
        );
        let precise = amount("\"1.005\"").unwrap().read("/a", Currency::USD);
        assert_eq!(precise.unwrap_err().code, "too_precise");

        let quantity = |json: &str| serde_json::from_str::<QuantityText>(json).unwrap();
        let pieces = quantity("3").read("/q", Unit::Each).unwrap();
        assert_eq!(pieces.thousandths(), 3_000);
        let weighed = quantity("3").read("/q", Unit::Kilogram).unwrap_err();
        assert_eq!(
            (weighed.pointer.as_str(), weighed.code),
            ("/q", "wrong_type")
        );
        let weighed = quantity("\"0.512\"").read("/q", Unit::Kilogram).unwrap();
        assert_eq!(weighed.thousandths(), 512);
        let huge = quantity("18446744073709551615").read("/q", Unit::Each);
        assert_eq!(huge.unwrap_err().code, "too_large");
        assert!(serde_json::from_str::<QuantityText>("1.5").is_err());
        assert!(serde_json::from_str::<QuantityText>("null").is_err());
    }
}
