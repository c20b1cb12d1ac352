//! Why a command is refused: which field, which rule, and what to do.
//!
//! Invariant: a refusal names at least one field, and its code never changes.

use std::fmt;

/// What a refusal is about; each class has its own kind of remedy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RejectionClass {
    /// The command breaks a rule: send another one.
    #[default]
    Unprocessable,
    /// The command was right, but what it acts on stands otherwise by now.
    Conflict,
    /// What the command acts on does not exist.
    NotFound,
}

/// One refused field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// JSON pointer into the command, such as `/lines/0/quantity`.
    pub pointer: String,
    /// Stable name of the rule, in `snake_case`.
    pub code: &'static str,
    /// What is wrong and how to mend it.
    pub detail: String,
    /// What it is about.
    pub class: RejectionClass,
}

/// Every refused field of a command; never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejections(Vec<Rejection>);

impl Rejection {
    /// A refusal from its three parts.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            detail: detail.into(),
            class: RejectionClass::Unprocessable,
        }
    }

    /// The same refusal, because the state stands against the command.
    #[must_use]
    pub fn as_conflict(self) -> Self {
        let class = RejectionClass::Conflict;
        Self { class, ..self }
    }

    /// The same refusal, because something does not exist.
    #[must_use]
    pub fn as_not_found(self) -> Self {
        let class = RejectionClass::NotFound;
        Self { class, ..self }
    }
}

impl Rejections {
    /// `Err` with the fields if there are any.
    ///
    /// # Errors
    /// The given fields.
    pub fn unless_empty(fields: Vec<Rejection>) -> Result<(), Self> {
        if fields.is_empty() {
            Ok(())
        } else {
            Err(Self(fields))
        }
    }

    /// The class of the whole: a rule that the command breaks comes first,
    /// because the command cannot be sent again as it is.
    #[must_use]
    pub fn class(&self) -> RejectionClass {
        let has = |class| self.0.iter().any(|field| field.class == class);
        if has(RejectionClass::Unprocessable) {
            RejectionClass::Unprocessable
        } else if has(RejectionClass::NotFound) {
            RejectionClass::NotFound
        } else {
            RejectionClass::Conflict
        }
    }

    /// The fields, in the order of the command.
    #[must_use]
    pub fn fields(&self) -> &[Rejection] {
        &self.0
    }
}

impl From<Rejection> for Rejections {
    fn from(field: Rejection) -> Self {
        Self(vec![field])
    }
}

impl fmt::Display for Rejections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, field) in self.0.iter().enumerate() {
            let gap = if i == 0 { "" } else { "; " };
            // What is about no field of the request needs no name of one.
            let colon = if field.pointer.is_empty() { "" } else { ": " };
            write!(f, "{gap}{}{colon}{}", field.pointer, field.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejections {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_field_if_there_is_one() {
        let whole = Rejection::new("", "closed", "the order is closed");
        assert_eq!(Rejections::from(whole.clone()).to_string(), whole.detail);
        let field = Rejection::new("/lines/0", "unknown_sku", "no such product");
        let both = Rejections(vec![whole, field]);
        assert_eq!(
            both.to_string(),
            "the order is closed; /lines/0: no such product"
        );
    }
}
