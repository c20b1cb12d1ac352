//! One row's fields, read into types, with every problem of the row collected.
//!
//! A person mends a row once, so all that is wrong with it is said at once: the
//! field, the reason, and what to write instead.

use csv::StringRecord;
use evertill_domain::{Currency, Money};

use super::table::Table;

/// Longest text field, in characters: a name fits on a receipt.
const TEXT_MAX_CHARS: usize = 200;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ImportProblem)]
pub struct Problem {
    /// The column; empty if it is the row as a whole.
    pub field: &'static str,
    /// Why, and what to do.
    pub reason: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.reason)
        } else {
            write!(f, "{}: {}", self.field, self.reason)
        }
    }
}

/// The fields of one row while it is read.
pub(super) struct Fields<'t> {
    table: &'t Table<'t>,
    record: &'t StringRecord,
    /// An earlier row of the same subject, whose fields stand in for empty ones.
    earlier: Option<&'t StringRecord>,
    problems: Vec<Problem>,
}

impl<'t> Fields<'t> {
    pub(super) fn new(
        table: &'t Table<'t>,
        record: &'t StringRecord,
        earlier: Option<&'t StringRecord>,
    ) -> Self {
        Self {
            table,
            record,
            earlier,
            problems: Vec::new(),
        }
    }

    /// The row's value, or all its problems.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }

    pub(super) fn refuse(&mut self, field: &'static str, reason: impl std::fmt::Display) {
        let reason = reason.to_string();
        self.problems.push(Problem { field, reason });
    }

    /// The field as written in this row, trimmed.
    pub(super) fn own(&self, field: &str) -> &'t str {
        self.table.field(self.record, field)
    }

    /// The field, trimmed; an empty one is inherited.
    pub(super) fn text(&self, field: &str) -> &'t str {
        match (self.own(field), self.earlier) {
            ("", Some(earlier)) => self.table.field(earlier, field),
            (own, _) => own,
        }
    }

    /// A text that may be empty.
    pub(super) fn words(&mut self, field: &'static str) -> String {
        let text = self.text(field);
        if text.chars().count() > TEXT_MAX_CHARS {
            self.refuse(
                field,
                format!("it is longer than {TEXT_MAX_CHARS} characters: shorten it"),
            );
        } else if text.chars().any(char::is_control) {
            self.refuse(
                field,
                "it holds a line break or control character: remove it",
            );
        }
        text.to_owned()
    }

    /// A value that must be there.
    pub(super) fn needed<T>(&mut self, field: &'static str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        if self.text(field).is_empty() {
            self.refuse(field, "it is empty: fill it in");
            return None;
        }
        self.given(field)
    }

    /// A value that may be absent.
    pub(super) fn given<T>(&mut self, field: &'static str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        match self.text(field) {
            "" => None,
            text => self.read(field, text.parse()),
        }
    }

    /// A whole number from 0 to `most` that may be absent.
    pub(super) fn whole(&mut self, field: &'static str, most: u32) -> Option<u32> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        let number = text.parse().ok().filter(|number| *number <= most);
        if number.is_none() {
            let reason = format!("\"{text}\" does not fit: write a whole number from 0 to {most}");
            self.refuse(field, reason);
        }
        number
    }

    /// The value of a field that was read, or its error as a problem.
    pub(super) fn read<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(field, error);
                None
            }
        }
    }

    /// An amount of zero or more that may be absent; it needs a currency.
    pub(super) fn amount(
        &mut self,
        field: &'static str,
        currency: Option<Currency>,
    ) -> Option<Money> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        let Some(currency) = currency else {
            if self.text("currency").is_empty() {
                self.refuse(
                    "currency",
                    format!("{field} needs one: write its code, such as USD"),
                );
            }
            return None;
        };
        self.money(field, currency)
    }

    /// An amount of zero or more in a currency that is known; may be absent.
    pub(super) fn money(&mut self, field: &'static str, currency: Currency) -> Option<Money> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        let amount = self.read(field, Money::parse_decimal(text, currency))?;
        if amount.is_negative() {
            self.refuse(field, format!("{text} is below zero: write 0 or more"));
            return None;
        }
        Some(amount)
    }
}
