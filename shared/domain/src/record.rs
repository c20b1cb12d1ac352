//! What the records of stock documents have in common: their limits, and why
//! one is unsound.

use std::fmt;

use crate::receipt::{MAX_LINES, MAX_TEXT};

/// A rule that a record breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {record} is broken: {problem}{}", At(*line))]
pub struct Unsound {
    /// What sort of record, in words.
    pub record: &'static str,
    /// What is wrong.
    pub problem: &'static str,
    /// The line it is wrong on, from 1.
    pub line: Option<usize>,
}

struct At(Option<usize>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
}

/// Checks one sort of record, remembering which.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check(pub(crate) &'static str);

impl Check {
    /// Refuses the record unless `condition` holds.
    pub(crate) fn that(self, condition: bool, problem: &'static str) -> Result<(), Unsound> {
        self.refuse_unless(condition, problem, None)
    }

    /// Refuses line `index` (from 0) unless `condition` holds.
    pub(crate) fn line(
        self,
        index: usize,
        condition: bool,
        problem: &'static str,
    ) -> Result<(), Unsound> {
        self.refuse_unless(condition, problem, Some(index + 1))
    }

    /// 1 to [`MAX_LINES`] lines.
    pub(crate) fn lines(self, count: usize) -> Result<(), Unsound> {
        self.that(count > 0, "it has no lines")?;
        self.that(count <= MAX_LINES, "it has more than 500 lines")
    }

    /// No text longer than [`MAX_TEXT`].
    pub(crate) fn texts<'a>(
        self,
        texts: impl IntoIterator<Item = &'a Option<String>>,
    ) -> Result<(), Unsound> {
        let fit = texts
            .into_iter()
            .flatten()
            .all(|text| text.len() <= MAX_TEXT);
        self.that(fit, "a text is longer than 200 bytes")
    }

    fn refuse_unless(
        self,
        condition: bool,
        problem: &'static str,
        line: Option<usize>,
    ) -> Result<(), Unsound> {
        if condition {
            return Ok(());
        }
        Err(Unsound {
            record: self.0,
            problem,
            line,
        })
    }
}
