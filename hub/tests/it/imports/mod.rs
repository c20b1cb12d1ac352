//! Imports against a real reference database.

use std::fmt::Write as _;
use std::path::PathBuf;

use evertill_hub::imports::{
    ImportError, ImportOptions, Progress, RejectFile, Summary, import_locations, import_products,
};
use evertill_storage::Role;
use evertill_storage::reference::{ReferenceStore, View};
use tempfile::TempDir;

mod figures;
mod locations;
mod products;
mod stock;

pub const HEADER: &str =
    "sku,barcode,name,department,category,price,cost,currency,tax_class,unit\n";

pub struct Hub {
    pub store: ReferenceStore,
    pub dir: TempDir,
    pub progress: Vec<Progress>,
}

type Import = fn(&ReferenceStore, &[u8], &mut ImportOptions<'_>) -> Result<Summary, ImportError>;

impl Hub {
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = ReferenceStore::open(dir.path(), Role::Hub).unwrap();
        Self {
            store,
            dir,
            progress: Vec::new(),
        }
    }

    pub fn reject_file(&self) -> PathBuf {
        self.dir.path().join("in.csv.rejects.csv")
    }

    pub fn run(
        &mut self,
        import: Import,
        text: &str,
        dry_run: bool,
    ) -> Result<Summary, ImportError> {
        let progress = &mut self.progress;
        let mut options = ImportOptions {
            dry_run,
            reject_file: RejectFile::for_file(&self.dir.path().join("in.csv"), self.dir.path()),
            progress: &mut |step| progress.push(step),
        };
        import(&self.store, text.as_bytes(), &mut options)
    }

    pub fn products(&mut self, rows: &str) -> Summary {
        self.run(import_products, &format!("{HEADER}{rows}"), false)
            .unwrap()
    }

    pub fn locations(&mut self, text: &str) -> Summary {
        self.run(import_locations, text, false).unwrap()
    }

    /// The one reason of a file's only refused row.
    pub fn refused(&mut self, row: &str) -> String {
        let summary = self.products(row);
        assert_eq!(
            (summary.rows, summary.rejected),
            (1, 1),
            "{row}: {summary:?}"
        );
        reasons(&summary).remove(0)
    }

    pub fn product(&self, sku: &str) -> Option<evertill_domain::Product> {
        self.store
            .read_blocking(|view| view.product(&sku.parse().unwrap()))
            .unwrap()
    }

    pub fn count(&self) -> u64 {
        self.store.read_blocking(View::count_products).unwrap()
    }
}

/// `line: reasons` of every refused row of a summary.
pub fn reasons(summary: &Summary) -> Vec<String> {
    summary
        .rejections
        .iter()
        .map(|rejection| {
            let mut text = rejection.line.to_string();
            for problem in &rejection.problems {
                write!(text, ": {problem}").unwrap();
            }
            text
        })
        .collect()
}

/// (rows, accepted, unchanged, rejected)
pub fn counts(summary: &Summary) -> (u64, u64, u64, u64) {
    (
        summary.rows,
        summary.accepted,
        summary.unchanged,
        summary.rejected,
    )
}
