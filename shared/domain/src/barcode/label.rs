//! Labels that a scale prints: an item and its price or weight in one code.
//!
//! A caller looks for the code itself first; only a code that names no product
//! is read as a label.
//!
//! Invariant: a label's own check digits are right, and what it says is never
//! changed: a price label's amount stands and its quantity is derived, a weight
//! label's quantity stands and its amount is weight × price.

use super::{check_digit, is_valid_gtin};
use crate::money::{Currency, Money, extend_price, quantity_for_price};
use crate::policy::{BarcodePolicy, LabelRule, LabelledValue};
use crate::product::Product;
use crate::quantity::{Quantity, Unit};

/// What a code turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scan {
    /// A code that only a product itself can have.
    Plain,
    /// A label.
    Label(Label),
}

/// An item and what its label says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The label's prefix.
    prefix: String,
    /// The digits of the item.
    item: String,
    /// How many digits stand between the item and the last check digit.
    filling: usize,
    /// What it says.
    pub value: LabelValue,
}

/// What a label says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LabelValue {
    /// What the package costs.
    Price(Money),
    /// How much is in it, in the product's unit.
    Weight(Quantity),
}

/// Quantity and amount of a labelled package; `None` where the product lacks the
/// price to derive it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Labelled {
    /// How much.
    pub quantity: Option<Quantity>,
    /// What it costs.
    pub amount: Option<Money>,
}

/// Reads a code by the labels of the policy; prices are in `currency`.
#[must_use]
pub fn scan(code: &str, policy: &BarcodePolicy, currency: Currency) -> Scan {
    if !is_valid_gtin(code) {
        return Scan::Plain;
    }
    policy
        .labels
        .iter()
        .filter(|rule| rule.length() == code.len() && code.starts_with(&rule.prefix))
        .max_by_key(|rule| rule.prefix.len())
        .and_then(|rule| read(code, rule, currency))
        .map_or(Scan::Plain, Scan::Label)
}

fn read(code: &str, rule: &LabelRule, currency: Currency) -> Option<Label> {
    let rest = code.get(rule.prefix.len()..code.len() - 1)?;
    let (item, filling) = rest.split_at_checked(usize::from(rule.item_digits))?;
    let inner = usize::from(rule.inner_check_digit);
    let (check, digits) = filling.split_at_checked(inner)?;
    if !check.is_empty() && check != value_check_digit(digits)?.to_string() {
        return None;
    }
    let point = digits.len().checked_sub(usize::from(rule.decimals))?;
    let (whole, fraction) = digits.split_at_checked(point)?;
    let text = if fraction.is_empty() {
        whole.to_owned()
    } else {
        format!("0{whole}.{fraction}")
    };
    let value = match rule.value {
        LabelledValue::Price => LabelValue::Price(Money::parse_decimal(&text, currency).ok()?),
        // The finest unit there is; whether the product's takes it shows later.
        LabelledValue::Weight => {
            LabelValue::Weight(Quantity::parse_decimal(&text, Unit::Kilogram).ok()?)
        }
    };
    Some(Label {
        prefix: rule.prefix.clone(),
        item: item.to_owned(),
        filling: filling.len(),
        value,
    })
}

impl Label {
    /// Codes under which master data may hold the item, in the order to try: the
    /// label with zeros for its value, prefix and item, the item alone.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        let Self { prefix, item, .. } = self;
        let blank = format!("{prefix}{item}{}", "0".repeat(self.filling));
        let mut codes = Vec::with_capacity(4);
        codes.extend(check_digit(&blank).map(|digit| format!("{blank}{digit}")));
        codes.push(format!("{prefix}{item}"));
        codes.push(item.clone());
        let bare = item.trim_start_matches('0');
        if !bare.is_empty() && bare != item {
            codes.push(bare.to_owned());
        }
        codes
    }

    /// What the label says of a product; `None` if it says a weight of
    /// something that is counted otherwise.
    #[must_use]
    pub fn of(&self, product: &Product) -> Option<Labelled> {
        match self.value {
            LabelValue::Weight(quantity) => {
                let amount = product
                    .price
                    .and_then(|price| extend_price(quantity, price).ok());
                quantity.fits(product.unit).then_some(Labelled {
                    quantity: Some(quantity),
                    amount,
                })
            }
            LabelValue::Price(amount) => Some(Labelled {
                quantity: bought(amount, product),
                amount: Some(amount),
            }),
        }
    }
}

/// How much of a product an amount buys: one package of what is counted in
/// pieces, else what the price gives.
fn bought(amount: Money, product: &Product) -> Option<Quantity> {
    if product.unit == Unit::Each {
        return Some(Quantity::ONE);
    }
    let price = product
        .price
        .filter(|price| price.currency() == amount.currency())?;
    let quantity = quantity_for_price(amount, price).ok().flatten()?;
    (quantity.fits(product.unit) && quantity.is_positive()).then_some(quantity)
}

/// The check digit of a value of four or five digits; `None` for any other.
///
/// Source: GS1 General Specifications, section 7.9.2 to 7.9.4 (check digits of
/// price and weight fields).
fn value_check_digit(digits: &str) -> Option<u32> {
    const TWO_MINUS: [u32; 10] = [0, 2, 4, 6, 8, 9, 1, 3, 5, 7];
    const THREE: [u32; 10] = [0, 3, 6, 9, 2, 5, 8, 1, 4, 7];
    const FIVE_PLUS: [u32; 10] = [0, 5, 1, 6, 2, 7, 3, 8, 4, 9];
    const FIVE_MINUS: [u32; 10] = [0, 5, 9, 4, 8, 3, 7, 2, 6, 1];
    let digits: Vec<usize> = digits
        .bytes()
        .map(|byte| byte.is_ascii_digit().then(|| usize::from(byte - b'0')))
        .collect::<Option<_>>()?;
    let weigh = |tables: &[[u32; 10]]| -> u32 {
        let weighed = tables.iter().zip(&digits);
        weighed.map(|(table, digit)| table[*digit]).sum()
    };
    match digits.len() {
        4 => Some(weigh(&[TWO_MINUS, TWO_MINUS, THREE, FIVE_MINUS]) * 3 % 10),
        5 => {
            let sum = weigh(&[FIVE_PLUS, TWO_MINUS, FIVE_MINUS, FIVE_PLUS, TWO_MINUS]);
            let missing = (10 - sum % 10) % 10;
            // The digit whose weight 5- is what is missing to the next ten.
            let found = FIVE_MINUS.iter().position(|weight| *weight == missing)?;
            u32::try_from(found).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> BarcodePolicy {
        serde_json::from_str(
            r#"{"labels":[
                {"prefix":"2","item_digits":6,"value_digits":5,"value":"price","decimals":2},
                {"prefix":"21","item_digits":5,"value_digits":5,"value":"weight","decimals":3},
                {"prefix":"22","item_digits":5,"value_digits":4,"value":"price","decimals":2,
                 "inner_check_digit":true}]}"#,
        )
        .unwrap()
    }

    /// A code with its check digit.
    fn whole(digits: &str) -> String {
        format!("{digits}{}", check_digit(digits).unwrap())
    }

    fn label(digits: &str) -> Option<Label> {
        match scan(&whole(digits), &policy(), Currency::USD) {
            Scan::Label(label) => Some(label),
            Scan::Plain => None,
        }
    }

    fn ham(unit: Unit, cents: i64) -> Product {
        let mut ham = Product::new("12345".parse().unwrap(), "Ham");
        ham.unit = unit;
        ham.price = Some(Money::new(cents, Currency::USD).unwrap());
        ham
    }

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).unwrap()
    }

    #[test]
    fn gs1s_own_examples_of_value_check_digits() {
        assert_eq!(value_check_digit("2875"), Some(9));
        assert_eq!(value_check_digit("14685"), Some(6));
        assert_eq!(value_check_digit("287"), None);
    }

    #[test]
    fn a_weight_label_keeps_its_weight() {
        let label = label("211234500512").unwrap();
        let said = label.of(&ham(Unit::Kilogram, 1_200)).unwrap();
        assert_eq!(said.quantity.unwrap().thousandths(), 512);
        assert_eq!(said.amount, Some(usd(614)));
        assert_eq!(label.of(&ham(Unit::Each, 1_200)), None);
        assert_eq!(
            label.codes(),
            [
                whole("211234500000"),
                "2112345".to_owned(),
                "12345".to_owned()
            ]
        );
    }

    #[test]
    fn a_price_label_keeps_its_price_and_derives_the_weight() {
        let label = label("200067800307").unwrap();
        let said = label.of(&ham(Unit::Kilogram, 1_200)).unwrap();
        assert_eq!(
            (said.amount, said.quantity.unwrap().thousandths()),
            (Some(usd(307)), 256)
        );
        let piece = label.of(&ham(Unit::Each, 1_200)).unwrap();
        assert_eq!(
            (piece.amount, piece.quantity),
            (Some(usd(307)), Some(Quantity::ONE))
        );
        let mut unpriced = ham(Unit::Kilogram, 0);
        unpriced.price = None;
        assert_eq!(label.of(&unpriced).unwrap().quantity, None);
        assert_eq!(label.codes().last().unwrap(), "678");
    }

    #[test]
    fn wrong_check_digits_make_no_label() {
        assert!(label("221234592875").is_some());
        assert!(label("221234582875").is_none());
        assert_eq!(scan("2112345005120", &policy(), Currency::USD), Scan::Plain);
        assert_eq!(
            scan(&whole("400638133393"), &policy(), Currency::USD),
            Scan::Plain
        );
        let yen = "JPY".parse().unwrap();
        assert_eq!(scan(&whole("200067800307"), &policy(), yen), Scan::Plain);
    }
}
