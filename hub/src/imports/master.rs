//! Imports of products and locations: read, compare with what is there, write
//! one batch.
//!
//! The comparison and the batch name the version they were made on; if somebody
//! else changed the reference data in between, both are done again.
//!
//! Invariant: an import is one version or none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use evertill_domain::{Barcode, Location, Product, Sku, TaxClassName};
use evertill_storage::reference::{Batch, Change, ReferenceError, ReferenceStore, View};

use super::locations::{self, Locations};
use super::products::{self, Drafts};
use super::reject::Rejected;
use super::row::Problem;
use super::table::{Columns, RawRow, Table};
use super::{
    ImportError, ImportKind, ImportOptions, PROGRESS_ROWS, Progress, Rejection, SHOWN_REJECTIONS,
    Summary,
};

/// How often a decision is made again because the data moved.
const ATTEMPTS: usize = 5;

/// Imports a file of products. Blocks: call it on a blocking thread.
///
/// # Errors
/// The file cannot be read at all, or the database failed; refused rows are no
/// error.
pub fn import_products(
    store: &ReferenceStore,
    bytes: &[u8],
    options: &mut ImportOptions<'_>,
) -> Result<Summary, ImportError> {
    let kind = ImportKind::Products;
    let classes = tax_classes(store);
    let mut drafts = Drafts::default();
    let table = read(kind, bytes, products::COLUMNS, options, |table, row| {
        drafts.take(table, row, &classes);
    })?;
    attempt(kind, || {
        let decided = store.read_blocking(|view| decide_products(view, &mut drafts))?;
        let reject_file = write_rejects(kind, &table, &mut drafts.rejected, options)?;
        let version = write(store, &decided, options, |batch, product| {
            batch.put_product(product)
        })?;
        Ok(summary(
            &decided,
            version,
            &drafts.rejected,
            reject_file,
            options,
        ))
    })
}

/// Imports a file of locations. Blocks: call it on a blocking thread.
///
/// # Errors
/// As [`import_products`].
pub fn import_locations(
    store: &ReferenceStore,
    bytes: &[u8],
    options: &mut ImportOptions<'_>,
) -> Result<Summary, ImportError> {
    let kind = ImportKind::Locations;
    let mut locations = Locations::default();
    let table = read(kind, bytes, locations::COLUMNS, options, |table, row| {
        locations.take(table, row);
    })?;
    attempt(kind, || {
        let decided = store.read_blocking(|view| decide_locations(view, &locations))?;
        let reject_file = write_rejects(kind, &table, &mut locations.rejected, options)?;
        let version = write(store, &decided, options, |batch, location| {
            batch.put_location(location)
        })?;
        Ok(summary(
            &decided,
            version,
            &locations.rejected,
            reject_file,
            options,
        ))
    })
}

/// What an import would write, decided on one version of the reference data.
struct Decided<T> {
    version: u64,
    changed: Vec<T>,
    accepted: u64,
    unchanged: u64,
}

impl<T> Decided<T> {
    fn on(view: &View) -> Self {
        Self {
            version: view.position().version,
            changed: Vec::new(),
            accepted: 0,
            unchanged: 0,
        }
    }
}

/// Reads a file row by row, reporting progress.
pub(super) fn read<'b>(
    kind: ImportKind,
    bytes: &'b [u8],
    columns: Columns,
    options: &mut ImportOptions<'_>,
    mut take: impl FnMut(&Table<'b>, RawRow),
) -> Result<Table<'b>, ImportError> {
    let kind = kind.as_str();
    let failed = |source| ImportError::Table { kind, source };
    let table = Table::open(bytes, columns).map_err(failed)?;
    let bytes_total = table.bytes();
    let mut rows = 0;
    table
        .each(|row, bytes| {
            take(&table, row);
            rows += 1;
            if rows % PROGRESS_ROWS == 0 {
                (options.progress)(Progress {
                    rows,
                    bytes,
                    bytes_total,
                });
            }
        })
        .map_err(failed)?;
    (options.progress)(Progress {
        rows,
        bytes: bytes_total,
        bytes_total,
    });
    Ok(table)
}

/// Decides and writes, again if the data moved in between.
fn attempt(
    kind: ImportKind,
    mut run: impl FnMut() -> Result<Summary, Stopped>,
) -> Result<Summary, ImportError> {
    let mut tries = 1;
    loop {
        match run() {
            Err(Stopped::Reference(ReferenceError::Moved { .. })) if tries < ATTEMPTS => tries += 1,
            Err(Stopped::Reference(source)) => {
                let kind = kind.as_str();
                return Err(ImportError::Reference { kind, source });
            }
            Err(Stopped::Import(error)) => return Err(error),
            Ok(summary) => return Ok(summary),
        }
    }
}

/// Why an attempt did not end.
enum Stopped {
    Reference(ReferenceError),
    Import(ImportError),
}

impl From<ImportError> for Stopped {
    fn from(error: ImportError) -> Self {
        Self::Import(error)
    }
}

impl From<ReferenceError> for Stopped {
    fn from(error: ReferenceError) -> Self {
        Self::Reference(error)
    }
}

/// Writes what was decided as one batch, unless this is a dry run; returns the
/// version that is live then.
fn write<T>(
    store: &ReferenceStore,
    decided: &Decided<T>,
    options: &ImportOptions<'_>,
    put: impl Fn(&mut Batch<'_>, &T) -> Result<Change, ReferenceError>,
) -> Result<u64, Stopped> {
    if options.dry_run || decided.changed.is_empty() {
        return Ok(decided.version);
    }
    let ((), version) = store.batch_blocking(Some(decided.version), |batch| {
        for item in &decided.changed {
            put(batch, item)?;
        }
        Ok::<_, ReferenceError>(())
    })?;
    Ok(version)
}

fn decide_locations(
    view: &View,
    locations: &Locations,
) -> Result<Decided<Location>, ReferenceError> {
    let mut decided = Decided::on(view);
    for (_, location) in locations.found.values() {
        if view.listed_location(&location.id)?.as_ref() == Some(location) {
            decided.unchanged += 1;
        } else {
            decided.accepted += 1;
            decided.changed.push(location.clone());
        }
    }
    Ok(decided)
}

fn decide_products(view: &View, drafts: &mut Drafts) -> Result<Decided<Product>, ReferenceError> {
    // A refused row may have been what another one relied on: a parent, or the
    // product that gives a barcode away.
    while refuse_conflicts(view, drafts)? {}
    let mut decided = Decided::on(view);
    for (sku, draft) in &drafts.products {
        let product = draft.product();
        let rows = draft.rows.len() as u64;
        if view.product(sku)?.as_ref() == Some(&product) {
            decided.unchanged += rows;
        } else {
            decided.accepted += rows;
            decided.changed.push(product);
        }
    }
    Ok(decided)
}

/// Moves the rows that conflict with what the store holds to the rejects; false
/// when there are none.
fn refuse_conflicts(view: &View, drafts: &mut Drafts) -> Result<bool, ReferenceError> {
    let taken = taken_barcodes(view, drafts)?;
    let orphans = orphans(view, drafts)?;
    if taken.is_empty() && orphans.is_empty() {
        return Ok(false);
    }
    drafts.refuse(|sku, row| {
        let owner = row.barcode.as_ref().and_then(|code| taken.get(code));
        match (owner, orphans.contains(sku)) {
            (Some(owner), _) => Some(Problem {
                field: "barcode",
                reason: format!("it belongs to {owner}: remove it there first"),
            }),
            (None, true) => Some(Problem {
                field: "parent",
                reason: "no product has this SKU: import it first or leave it empty".to_owned(),
            }),
            (None, false) => None,
        }
    });
    Ok(true)
}

/// Barcodes of the file that another product keeps, and which. A product of the
/// file gives up the barcodes that the file does not list for it.
fn taken_barcodes(view: &View, drafts: &Drafts) -> Result<BTreeMap<Barcode, Sku>, ReferenceError> {
    let mut taken = BTreeMap::new();
    for (sku, draft) in &drafts.products {
        for barcode in draft.rows.iter().filter_map(|row| row.barcode.as_ref()) {
            let owner = view.barcode_owner(barcode)?;
            if let Some(owner) = owner.filter(|owner| owner != sku)
                && !drafts.products.contains_key(&owner)
            {
                taken.insert(barcode.clone(), owner);
            }
        }
    }
    Ok(taken)
}

/// Products of the file whose parent is neither in it nor in the store.
fn orphans(view: &View, drafts: &Drafts) -> Result<BTreeSet<Sku>, ReferenceError> {
    let mut orphans = BTreeSet::new();
    for (sku, draft) in &drafts.products {
        if let Some(parent) = draft.parent()
            && !drafts.products.contains_key(parent)
            && view.product(parent)?.is_none()
        {
            orphans.insert(sku.clone());
        }
    }
    Ok(orphans)
}

/// The tax classes that the policy in force knows, anywhere in the chain.
fn tax_classes(store: &ReferenceStore) -> BTreeSet<TaxClassName> {
    let tax = &store.policies().tax;
    let there = tax
        .locations
        .values()
        .flat_map(|there| there.classes.keys());
    let mut classes: BTreeSet<TaxClassName> = tax.classes.keys().chain(there).cloned().collect();
    classes.insert(TaxClassName::zero());
    classes
}

/// Writes the reject file before anything is imported: if it cannot be written,
/// the operator would never learn which rows are missing.
pub(super) fn write_rejects(
    kind: ImportKind,
    table: &Table<'_>,
    rejected: &mut [Rejected],
    options: &ImportOptions<'_>,
) -> Result<Option<PathBuf>, ImportError> {
    rejected.sort_by_key(|rejected| rejected.row.line);
    if rejected.is_empty() || options.dry_run {
        return Ok(None);
    }
    options
        .reject_file
        .write(table, rejected)
        .map(Some)
        .map_err(|source| ImportError::RejectFile {
            kind: kind.as_str(),
            path: options.reject_file.fallback.clone(),
            source,
        })
}

fn summary<T>(
    decided: &Decided<T>,
    version: u64,
    rejected: &[Rejected],
    reject_file: Option<PathBuf>,
    options: &ImportOptions<'_>,
) -> Summary {
    let count = rejected.len() as u64;
    Summary {
        rows: decided.accepted + decided.unchanged + count,
        accepted: decided.accepted,
        unchanged: decided.unchanged,
        rejected: count,
        reject_file,
        rejections: shown(rejected),
        version,
        dry_run: options.dry_run,
    }
}

/// The first refused rows, as a summary repeats them.
pub(super) fn shown(rejected: &[Rejected]) -> Vec<Rejection> {
    rejected
        .iter()
        .take(SHOWN_REJECTIONS)
        .map(|rejected| Rejection {
            line: rejected.row.line,
            problems: rejected.problems.clone(),
        })
        .collect()
}
