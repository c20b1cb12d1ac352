//! The reject file: the rows that were not taken, each with its line and the
//! reason, in a form that can be mended and imported as it is.
//!
//! Invariant: the file appears complete or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::row::Problem;
use super::table::{REJECT_COLUMNS, RawRow, Table};

/// A row that was not taken.
#[derive(Debug)]
pub(super) struct Rejected {
    pub(super) row: RawRow,
    pub(super) problems: Vec<Problem>,
}

impl Rejected {
    /// All that is wrong with the row, in one line.
    pub(super) fn reason(&self) -> String {
        let all: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        all.join("; ")
    }
}

/// Where rejected rows are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectFile {
    /// FILE.rejects.csv beside the file, if there is one.
    pub beside: Option<PathBuf>,
    /// Where else, if that cannot be written or there is no file.
    pub fallback: PathBuf,
}

impl RejectFile {
    /// Beside an imported file, or in the data folder if that folder is
    /// read-only.
    #[must_use]
    pub fn for_file(file: &Path, data: &Path) -> Self {
        let mut name = file.file_name().unwrap_or_default().to_os_string();
        name.push(".rejects.csv");
        Self {
            beside: Some(file.with_file_name(&name)),
            fallback: data.join(name),
        }
    }

    /// In the data folder, for rows that came over HTTP; `name` is the kind of
    /// import.
    #[must_use]
    pub fn for_upload(name: &str, data: &Path) -> Self {
        Self {
            beside: None,
            fallback: data.join(format!("{name}.rejects.csv")),
        }
    }

    /// Writes the rejected rows; returns where.
    pub(super) fn write(
        &self,
        table: &Table<'_>,
        rejected: &[Rejected],
    ) -> Result<PathBuf, std::io::Error> {
        let text = render(table, rejected)?;
        if let Some(beside) = &self.beside
            && put(beside, &text).is_ok()
        {
            return Ok(beside.clone());
        }
        put(&self.fallback, &text)?;
        Ok(self.fallback.clone())
    }
}

fn render(table: &Table<'_>, rejected: &[Rejected]) -> Result<Vec<u8>, std::io::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = table.header.iter().map(String::as_str);
    writer.write_record(header.chain(REJECT_COLUMNS))?;
    for row in rejected {
        let mut fields = table.original(&row.row.record);
        fields.push(row.row.line.to_string());
        fields.push(row.reason());
        writer.write_record(&fields)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// Writes beside the target and renames, so that a half-written file is never
/// taken for the whole.
fn put(path: &Path, bytes: &[u8]) -> Result<(), std::io::Error> {
    let mut draft = path.as_os_str().to_os_string();
    draft.push(".tmp");
    let draft = PathBuf::from(draft);
    let mut file = std::fs::File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}
