//! Stock counts: what somebody counted, and what the count changed.
//!
//! A count takes time, and tills go on selling. So a request says up to which
//! entry of each journal the counter had seen, and whoever posts it compares
//! the counted figure with the fold of exactly these entries. Sales before and
//! after keep their own effect.
//!
//! Invariant: [`CountRequest::check`] and [`CountPosted::check`].

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{LocationId, ReplicaId, Seq, Sku};
use crate::quantity::{Quantity, Unit};
use crate::record::{Check, Unsound};
use crate::stock::{Bucket, Movement};
use crate::time::Timestamp;

/// Most journals that a request names; a location has one for each life of its
/// database.
pub const MAX_SEEN: usize = 256;

/// What somebody counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CountRequest {
    /// Where.
    pub location: LocationId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Who counted, as the retailer writes it.
    pub by: Option<String>,
    /// A count list, an import.
    pub reference: Option<String>,
    /// The counted figures, each (SKU, lot) once.
    pub lines: Vec<CountLine>,
    /// The last entry of each journal that the counter had seen, by replica.
    pub seen: Vec<(ReplicaId, Seq)>,
}

/// One counted figure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CountLine {
    /// What was counted.
    pub sku: Sku,
    /// What it is counted in.
    pub unit: Unit,
    /// How much there is; not below zero.
    pub counted: Quantity,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
}

/// Decides what a count comes to: each figure against what the records held at
/// the entries that the counter had seen, in thousandths by (SKU, lot); what
/// they do not list, they hold nothing of. Sales since then stay sold.
#[must_use]
pub fn decide_count(
    request: &CountRequest,
    expected: &BTreeMap<(Sku, Option<String>), i64>,
    now: Timestamp,
) -> CountPosted {
    let result = |line: &CountLine| CountResult {
        sku: line.sku.clone(),
        counted: line.counted,
        expected: expected
            .get(&(line.sku.clone(), line.lot.clone()))
            .copied()
            .unwrap_or(0),
        lot: line.lot.clone(),
    };
    CountPosted {
        location: request.location.clone(),
        posted_at: now,
        lines: request.lines.iter().map(result).collect(),
    }
}

/// What a count changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CountPosted {
    /// Where.
    pub location: LocationId,
    /// When.
    pub posted_at: Timestamp,
    /// The results, each (SKU, lot) once.
    pub lines: Vec<CountResult>,
}

/// One figure, as counted and as recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CountResult {
    /// What was counted.
    pub sku: Sku,
    /// How much there was; not below zero.
    pub counted: Quantity,
    /// How much there was by the records that the counter had seen, in
    /// thousandths; may be negative.
    pub expected: i64,
    /// The lot, where lots are tracked.
    pub lot: Option<String>,
}

impl CountRequest {
    /// Asserts every rule of a request, when it is written and when it is read.
    ///
    /// # Errors
    /// The first rule that is broken, and where.
    pub fn check(&self) -> Result<(), Unsound> {
        let check = Check("count request");
        check.lines(self.lines.len())?;
        check.texts([&self.by, &self.reference])?;
        let mut known = BTreeSet::new();
        for (i, line) in self.lines.iter().enumerate() {
            let counted = line.counted.thousandths() >= 0;
            check.line(i, counted, "a counted figure is below zero")?;
            check.line(i, line.counted.fits(line.unit), "a piece is not whole")?;
            check.line(
                i,
                known.insert((&line.sku, &line.lot)),
                "it is counted twice",
            )?;
            check.texts([&line.lot])?;
        }
        let few = self.seen.len() <= MAX_SEEN;
        check.that(few, "it names more than 256 journals")?;
        let ordered = self.seen.is_sorted_by(|a, b| a.0 < b.0);
        check.that(ordered, "its journals are not in order")
    }
}

impl CountPosted {
    /// Asserts every rule of a posting, when it is written and when it is read.
    ///
    /// # Errors
    /// The first rule that is broken, and where.
    pub fn check(&self) -> Result<(), Unsound> {
        let check = Check("posted count");
        check.lines(self.lines.len())?;
        let mut known = BTreeSet::new();
        for (i, line) in self.lines.iter().enumerate() {
            let counted = line.counted.thousandths() >= 0;
            check.line(i, counted, "a counted figure is below zero")?;
            check.line(i, line.variance().is_some(), "a variance is too large")?;
            check.line(
                i,
                known.insert((&line.sku, &line.lot)),
                "it is counted twice",
            )?;
            check.texts([&line.lot])?;
        }
        Ok(())
    }

    /// The goods that the count found or missed: the variance moves between
    /// sellable and adjustment.
    #[must_use]
    pub fn movements(&self) -> Vec<Movement> {
        self.lines
            .iter()
            .filter_map(CountResult::movement)
            .collect()
    }
}

impl CountResult {
    /// Counted less expected; `None` beyond the limit of a quantity, which no
    /// checked posting holds.
    #[must_use]
    pub fn variance(&self) -> Option<Quantity> {
        let variance = self.counted.thousandths().checked_sub(self.expected)?;
        Quantity::from_thousandths(variance).ok()
    }

    fn movement(&self) -> Option<Movement> {
        let variance = self.variance().filter(|variance| !variance.is_zero())?;
        let (from, to) = if variance.is_positive() {
            (Bucket::Adjustment, Bucket::Sellable)
        } else {
            (Bucket::Sellable, Bucket::Adjustment)
        };
        Some(Movement {
            sku: self.sku.clone(),
            from,
            to,
            quantity: variance.abs(),
            lot: self.lot.clone(),
            owner: None,
        })
    }
}
