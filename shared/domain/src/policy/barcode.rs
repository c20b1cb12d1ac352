//! How the labels are built that a scale prints: which digits name the item,
//! which carry the price or the weight.

use serde::{Deserialize, Serialize};

use super::PolicyError;

/// Lengths that a label may have, its last digit being the GS1 check digit.
const LENGTHS: [usize; 4] = [8, 12, 13, 14];

/// The labels of the chain; the default has none, so that every code names a
/// product exactly or not at all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BarcodePolicy {
    /// The sorts of labels; of two that fit a code, the longer prefix wins.
    pub labels: Vec<LabelRule>,
}

/// One sort of label: prefix, item, an inner check digit if there is one,
/// value, and the check digit of the whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRule {
    /// The digits that it begins with, such as `21`.
    pub prefix: String,
    /// How many digits name the item.
    pub item_digits: u8,
    /// How many digits carry the value.
    pub value_digits: u8,
    /// What they carry.
    pub value: LabelledValue,
    /// How many of them stand behind the point.
    pub decimals: u8,
    /// Whether a check digit of the value stands in front of it, as GS1 defines
    /// it for values of four or five digits.
    #[serde(default)]
    pub inner_check_digit: bool,
}

/// What a label carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelledValue {
    /// What the package costs.
    Price,
    /// What it weighs, in the product's unit.
    Weight,
}

impl LabelRule {
    /// How many digits such a label has.
    #[must_use]
    pub fn length(&self) -> usize {
        let digits = usize::from(self.item_digits) + usize::from(self.value_digits);
        self.prefix.len() + digits + usize::from(self.inner_check_digit) + 1
    }
}

impl BarcodePolicy {
    /// What is wrong with the labels; nothing for a policy that can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyError> {
        let mut errors = Vec::new();
        'labels: for (i, rule) in self.labels.iter().enumerate() {
            let mut wrong = |field: &str, detail: String| {
                errors.push(PolicyError::new(format!("/labels/{i}/{field}"), detail));
            };
            let digits = rule.prefix.bytes().all(|byte| byte.is_ascii_digit());
            if !digits || !(1..=6).contains(&rule.prefix.len()) {
                wrong("prefix", "use 1 to 6 digits, such as 21".to_owned());
            }
            for (field, digits) in [
                ("item_digits", rule.item_digits),
                ("value_digits", rule.value_digits),
            ] {
                if !(1..=10).contains(&digits) {
                    wrong(field, format!("{digits} is not from 1 to 10"));
                    continue 'labels;
                }
            }
            if !LENGTHS.contains(&rule.length()) {
                let length = rule.length();
                let detail = format!(
                    "with its check digit the label has {length} digits; make it 8, 12, 13 or 14"
                );
                wrong("item_digits", detail);
            }
            if rule.decimals > rule.value_digits || rule.decimals > 4 {
                let detail = "use at most 4 decimals, and no more than the value has digits";
                wrong("decimals", detail.to_owned());
            }
            if rule.inner_check_digit && !matches!(rule.value_digits, 4 | 5) {
                let detail = "an inner check digit is defined for values of 4 or 5 digits only";
                wrong("inner_check_digit", detail.to_owned());
            }
            let same =
                |other: &LabelRule| other.prefix == rule.prefix && other.length() == rule.length();
            if self.labels[..i].iter().any(same) {
                let detail = format!("another label of this length begins with {}", rule.prefix);
                wrong("prefix", detail);
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validate(json: &str) -> Vec<String> {
        let policy: BarcodePolicy = serde_json::from_str(json).unwrap();
        policy
            .validate()
            .into_iter()
            .map(|error| error.pointer)
            .collect()
    }

    #[test]
    fn labels_that_cannot_be_read_are_named() {
        let rule = |prefix: &str, item: u8, value: u8, decimals: u8, inner: bool| {
            format!(
                r#"{{"prefix":"{prefix}","item_digits":{item},"value_digits":{value},
                    "value":"price","decimals":{decimals},"inner_check_digit":{inner}}}"#
            )
        };
        let of = |rules: &[String]| validate(&format!(r#"{{"labels":[{}]}}"#, rules.join(",")));
        assert_eq!(validate("{}"), [""; 0]);
        assert_eq!(of(&[rule("21", 5, 5, 2, false)]), [""; 0]);
        assert_eq!(of(&[rule("21", 5, 4, 2, true)]), [""; 0]);
        assert_eq!(of(&[rule("2x", 5, 5, 2, false)]), ["/labels/0/prefix"]);
        assert_eq!(of(&[rule("21", 5, 8, 2, false)]), ["/labels/0/item_digits"]);
        assert_eq!(of(&[rule("21", 0, 5, 2, false)]), ["/labels/0/item_digits"]);
        assert_eq!(of(&[rule("21", 5, 5, 5, false)]), ["/labels/0/decimals"]);
        assert_eq!(
            of(&[rule("2", 4, 6, 2, true)]),
            ["/labels/0/inner_check_digit"]
        );
        let twice = [rule("21", 5, 5, 2, false), rule("21", 6, 4, 2, false)];
        assert_eq!(of(&twice), ["/labels/1/prefix"]);
    }
}
