//! Imports of stock: rows of a file become counted quantities, which
//! [`super::posting`] compares with what is known and posts.
//!
//! A row needs a product that is known, because its unit says what a quantity
//! may be. A location need not be listed; an unlisted one has its defaults.
//!
//! Invariant: within a file a SKU has one row for each location.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::time::business_date;
use evertill_domain::{Location, LocationId, Money, Quantity, Sku, Timestamp, Unit};
use evertill_storage::imports::{self, EarlierImport};
use evertill_storage::reference::{ReferenceError, View};

use super::posting::{self, Counts, Place, StockFile};
use super::reject::Rejected;
use super::row::{Fields, Problem};
use super::table::{Columns, RawRow, Table};
use super::{ImportError, ImportKind, ImportOptions, Summary, master};
use crate::state::{HUB_LOCATION, Hub};

/// Imports a file of stock. A file whose bytes were imported before changes
/// nothing. Blocks: call it on a blocking thread.
///
/// # Errors
/// The file cannot be read at all, or a database failed; refused rows are no
/// error.
pub fn import_stock(
    hub: &Hub,
    bytes: &[u8],
    options: &mut ImportOptions<'_>,
) -> Result<Summary, ImportError> {
    let now = hub.now();
    let hash = *blake3::hash(bytes).as_bytes();
    let earlier = hub
        .store()
        .read_blocking(move |conn| imports::earlier(conn, &hash))?;
    let (table, mut rows, version) = read(hub, bytes, earlier.as_ref(), options)?;
    let reject_file =
        master::write_rejects(ImportKind::Stock, &table, &mut rows.rejected, options)?;
    let rejected = rows.rejected.len() as u64;
    let rejections = master::shown(&rows.rejected);
    let file = rows.into_file(hash, now);
    let Counts {
        accepted,
        unchanged,
    } = if options.dry_run {
        hub.store()
            .read_blocking(move |conn| posting::look(conn, &file))?
    } else {
        let author = hub.author()?;
        hub.store()
            .write_blocking("import stock", move |tx| posting::post(tx, &author, &file))?
    };
    Ok(Summary {
        rows: accepted + unchanged + rejected,
        accepted,
        unchanged,
        rejected,
        reject_file,
        rejections,
        version,
        dry_run: options.dry_run,
    })
}

/// Reads a file over one version of the reference data, which is returned with
/// its rows.
fn read<'b>(
    hub: &Hub,
    bytes: &'b [u8],
    earlier: Option<&EarlierImport>,
    options: &mut ImportOptions<'_>,
) -> Result<(Table<'b>, Rows, u64), ImportError> {
    let kind = ImportKind::Stock;
    hub.reference().read_blocking(|view| {
        let mut rows = StockRows::new(view);
        let mut failed = None;
        let refused: BTreeSet<u64> = earlier
            .map(|earlier| earlier.refused.iter().copied().collect())
            .unwrap_or_default();
        let table = master::read(kind, bytes, COLUMNS, options, |table, row| {
            if failed.is_none() {
                let refused = refused.contains(&row.line);
                failed = rows.take(table, row, refused).err();
            }
        })?;
        match failed {
            Some(source) => Err(ImportError::reference(kind, source)),
            None => Ok((table, rows.rows, view.position().version)),
        }
    })
}

const COLUMNS: Columns = Columns {
    required: &["location", "sku", "quantity", "unit_cost"],
    optional: &[],
};

/// What a row says: so much of a SKU is at a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StockRow {
    pub(super) line: u64,
    pub(super) sku: Sku,
    pub(super) unit: Unit,
    pub(super) counted: Quantity,
    pub(super) cost: Option<Money>,
}

/// The rows of a file by location, in the order of the file, and those that
/// could not be read.
#[derive(Default)]
struct Rows {
    /// The locations of the file with their master data.
    locations: BTreeMap<LocationId, Location>,
    found: BTreeMap<LocationId, Vec<StockRow>>,
    rejected: Vec<Rejected>,
}

impl Rows {
    fn into_file(self, hash: [u8; 32], now: Timestamp) -> StockFile {
        let place = |(id, rows): (LocationId, Vec<StockRow>)| {
            let there = &self.locations[&id];
            let starts = there.day_starts_at_minutes;
            Place {
                business_date: business_date(now, &there.time_zone, starts),
                location: id,
                rows,
            }
        };
        let refused = self.rejected.iter().map(|rejected| rejected.row.line);
        StockFile {
            hash,
            refused: refused.collect(),
            places: self.found.into_iter().map(place).collect(),
            now,
        }
    }
}

/// Rows while they are read.
struct StockRows<'v> {
    view: &'v View,
    rows: Rows,
    units: BTreeMap<Sku, Option<Unit>>,
    lines: BTreeMap<(LocationId, Sku), u64>,
}

impl<'v> StockRows<'v> {
    fn new(view: &'v View) -> Self {
        Self {
            view,
            rows: Rows::default(),
            units: BTreeMap::new(),
            lines: BTreeMap::new(),
        }
    }

    /// Takes the next row of the file. A row that was refused when this file
    /// was first imported is refused again, because the same file changes
    /// nothing.
    fn take(
        &mut self,
        table: &Table<'_>,
        row: RawRow,
        refused_before: bool,
    ) -> Result<(), ReferenceError> {
        let read = match &row.misshapen {
            Some(reason) => Err(problem(reason.clone())),
            None => match self.read(table, &row)? {
                Ok(_) if refused_before => Err(problem(
                    "this file was imported before and this row refused then: \
                     import it from the reject file"
                        .to_owned(),
                )),
                read => read,
            },
        };
        match read {
            Ok((location, stock)) => {
                let key = (location.clone(), stock.sku.clone());
                self.lines.insert(key, row.line);
                self.rows.found.entry(location).or_default().push(stock);
            }
            Err(problems) => self.rows.rejected.push(Rejected { row, problems }),
        }
        Ok(())
    }

    fn read(
        &mut self,
        table: &Table<'_>,
        row: &RawRow,
    ) -> Result<Result<(LocationId, StockRow), Vec<Problem>>, ReferenceError> {
        let mut fields = Fields::new(table, &row.record, None);
        let location = self.location(&mut fields)?;
        let sku: Option<Sku> = fields.needed("sku");
        let unit = match &sku {
            Some(sku) => self.unit(sku)?,
            None => None,
        };
        if sku.is_some() && unit.is_none() {
            fields.refuse("sku", "no product has this SKU: import it first");
        }
        let counted = counted(&mut fields, unit);
        let currency = location.as_ref().map(|there| there.currency);
        let cost = match currency {
            Some(currency) => fields.money("unit_cost", currency),
            None => None,
        };
        if let (Some(location), Some(sku)) = (&location, &sku)
            && let Some(line) = self.lines.get(&(location.id.clone(), sku.clone()))
        {
            fields.refuse(
                "sku",
                format!("line {line} has it already for this location: keep one of them"),
            );
        }
        let stock = || {
            let stock = StockRow {
                line: row.line,
                sku: sku?,
                unit: unit?,
                counted: counted?,
                cost,
            };
            Some((location?.id, stock))
        };
        let stock = stock();
        Ok(fields.finish(stock))
    }

    fn location(&mut self, fields: &mut Fields<'_>) -> Result<Option<Location>, ReferenceError> {
        let Some(id) = fields.needed::<LocationId>("location") else {
            return Ok(None);
        };
        if id.as_str() == HUB_LOCATION {
            fields.refuse("location", "HUB is the hub itself: write the id of a store");
            return Ok(None);
        }
        if let Some(known) = self.rows.locations.get(&id) {
            return Ok(Some(known.clone()));
        }
        let there = self.view.location(&id)?;
        self.rows.locations.insert(id, there.clone());
        Ok(Some(there))
    }

    fn unit(&mut self, sku: &Sku) -> Result<Option<Unit>, ReferenceError> {
        if let Some(known) = self.units.get(sku) {
            return Ok(*known);
        }
        let unit = self.view.product(sku)?.map(|product| product.unit);
        self.units.insert(sku.clone(), unit);
        Ok(unit)
    }
}

/// What is wrong with a row as a whole.
fn problem(reason: String) -> Vec<Problem> {
    let field = "";
    vec![Problem { field, reason }]
}

/// The quantity in the product's unit; what a shelf holds is never below zero.
fn counted(fields: &mut Fields<'_>, unit: Option<Unit>) -> Option<Quantity> {
    let text = fields.text("quantity");
    if text.is_empty() {
        fields.refuse("quantity", "it is empty: write how much there is");
        return None;
    }
    let counted = fields.read("quantity", Quantity::parse_decimal(text, unit?))?;
    if counted.thousandths() < 0 {
        fields.refuse("quantity", format!("{text} is below zero: write 0 or more"));
        return None;
    }
    Some(counted)
}
