//! Reading a CSV file: encoding, header, and rows with their line numbers.
//!
//! What makes a whole file unreadable (not UTF-8, a header that does not fit) is
//! an error before anything is imported; what is wrong with one row is a problem
//! of that row and stops nothing else.
//!
//! Invariant: a row has exactly one field per column of the header, in the
//! header's order, and knows the line it starts on.

use csv::{ReaderBuilder, StringRecord};

/// Largest file that is read, in bytes.
pub const FILE_MAX_BYTES: usize = 512 << 20;
/// Longest field; a longer one usually comes from a quote that is never closed.
const FIELD_MAX_BYTES: usize = 4_096;
/// Columns that a reject file adds: ignored, so that it can be mended and
/// imported as it is.
pub(super) const REJECT_COLUMNS: [&str; 2] = ["line", "reason"];

/// Why a file cannot be imported at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The file is empty.
    #[error("the file is empty: its first line must name the columns {wanted}")]
    Empty {
        /// The columns.
        wanted: String,
    },
    /// The file is larger than [`FILE_MAX_BYTES`].
    #[error("the file has {bytes} bytes, the limit is {FILE_MAX_BYTES}: split it")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The file is in another encoding.
    #[error("line {line} is not UTF-8: save the file as CSV UTF-8 and import it again")]
    NotUtf8 {
        /// The first line that is not.
        line: u64,
    },
    /// A column that does not exist.
    #[error("line 1: unknown column \"{column}\": the columns are {known}")]
    UnknownColumn {
        /// What the header says.
        column: String,
        /// Every column there is.
        known: String,
    },
    /// A column that must be there.
    #[error("line 1: column \"{column}\" is missing: the columns are {known}")]
    MissingColumn {
        /// The missing one.
        column: &'static str,
        /// Every column there is.
        known: String,
    },
    /// A column that is there twice.
    #[error("line 1: column \"{column}\" is there twice: remove one")]
    DuplicateColumn {
        /// The column.
        column: String,
    },
    /// The header is separated by something else.
    #[error("line 1: the columns are separated by {found}: save the file with commas")]
    Separator {
        /// What separates them.
        found: &'static str,
    },
    /// The file cannot be taken apart.
    #[error("the file cannot be read as CSV: {0}")]
    Csv(String),
}

/// The columns of one kind of file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    /// Those a header must have.
    pub(super) required: &'static [&'static str],
    /// Those it may have.
    pub(super) optional: &'static [&'static str],
}

impl Columns {
    fn known(&self) -> String {
        let mut known = self.required.join(",");
        if !self.optional.is_empty() {
            known.push_str(" and optionally ");
            known.push_str(&self.optional.join(","));
        }
        known
    }
}

/// A file whose header fits.
pub(super) struct Table<'a> {
    text: &'a str,
    /// The header as written, without the columns of a reject file.
    pub(super) header: Vec<String>,
    /// For each field of a line: its place among the columns, or none to ignore.
    places: Vec<Option<&'static str>>,
}

/// One line of the file after the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawRow {
    /// Line it starts on; the header is line 1.
    pub(super) line: u64,
    /// Its fields, as written.
    pub(super) record: StringRecord,
    /// What is wrong with its shape, if anything.
    pub(super) misshapen: Option<String>,
}

impl<'a> Table<'a> {
    /// Checks encoding and header.
    pub(super) fn open(bytes: &'a [u8], columns: Columns) -> Result<Self, TableError> {
        if bytes.len() > FILE_MAX_BYTES {
            let bytes = bytes.len();
            return Err(TableError::TooLarge { bytes });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| TableError::NotUtf8 {
            line: 1 + count_lines(&bytes[..error.valid_up_to()]),
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = reader(text);
        let mut header = StringRecord::new();
        let found = reader
            .read_record(&mut header)
            .map_err(|error| TableError::Csv(error.to_string()))?;
        if !found {
            let wanted = columns.known();
            return Err(TableError::Empty { wanted });
        }
        let places = place_columns(&header, columns)?;
        let header = header
            .iter()
            .zip(&places)
            .filter(|(_, place)| place.is_some())
            .map(|(name, _)| name.trim().to_owned())
            .collect();
        Ok(Self {
            text,
            header,
            places,
        })
    }

    /// The size of what is read, for progress.
    pub(super) fn bytes(&self) -> u64 {
        self.text.len() as u64
    }

    /// Hands every line after the header to `take`, with the bytes read so far.
    pub(super) fn each(&self, mut take: impl FnMut(RawRow, u64)) -> Result<(), TableError> {
        let mut reader = reader(self.text);
        let mut record = StringRecord::new();
        let mut lines = Lines::new(self.text.as_bytes());
        let mut header_is_read = false;
        loop {
            let more = reader
                .read_record(&mut record)
                .map_err(|error| TableError::Csv(error.to_string()))?;
            if !more {
                return Ok(());
            }
            if !header_is_read {
                header_is_read = true;
                continue;
            }
            let start = record.position().map_or(0, csv::Position::byte);
            let row = RawRow {
                line: lines.at(start),
                misshapen: self.misshapen(&record),
                record: record.clone(),
            };
            take(row, reader.position().byte());
        }
    }

    /// The trimmed field of a column; empty if the file has no such column.
    pub(super) fn field<'r>(&self, record: &'r StringRecord, column: &str) -> &'r str {
        self.places
            .iter()
            .position(|place| *place == Some(column))
            .and_then(|index| record.get(index))
            .map_or("", str::trim)
    }

    /// The fields of a row as a reject file repeats them: one per column of
    /// [`Self::header`]. What a row has too much goes with the last field.
    pub(super) fn original(&self, record: &StringRecord) -> Vec<String> {
        let mut fields: Vec<String> = Vec::new();
        for (index, field) in record.iter().enumerate() {
            match self.places.get(index) {
                Some(Some(_)) => fields.push(field.to_owned()),
                Some(None) => {}
                None => match fields.last_mut() {
                    Some(last) => {
                        last.push(',');
                        last.push_str(field);
                    }
                    None => fields.push(field.to_owned()),
                },
            }
        }
        fields.resize(self.header.len(), String::new());
        fields
    }

    fn misshapen(&self, record: &StringRecord) -> Option<String> {
        if record.iter().any(|field| field.len() > FIELD_MAX_BYTES) {
            return Some(format!(
                "a field has more than {FIELD_MAX_BYTES} bytes: look for a quote that is not closed"
            ));
        }
        let (found, wanted) = (record.len(), self.places.len());
        (found != wanted).then(|| {
            format!(
                "the row has {found} fields and the header {wanted}: \
                 put fields that contain a comma in double quotes"
            )
        })
    }
}

fn reader(text: &str) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.split(|byte| *byte == b'\n').skip(1).count() as u64
}

/// Line numbers as an editor shows them. The reader's own count starts a record
/// before the blank lines that precede it.
struct Lines<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            counted: 0,
            line: 1,
        }
    }

    /// The line of the first text at or after a byte; bytes only ever rise.
    fn at(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        let blank = self.bytes.get(byte..).map_or(0, |rest| {
            rest.iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count()
        });
        let start = (byte + blank).min(self.bytes.len());
        self.line += count_lines(&self.bytes[self.counted..start]);
        self.counted = start;
        self.line
    }
}

fn place_columns(
    header: &StringRecord,
    columns: Columns,
) -> Result<Vec<Option<&'static str>>, TableError> {
    check_separator(header)?;
    let mut places: Vec<Option<&'static str>> = Vec::new();
    for name in header {
        let name = name.trim().to_ascii_lowercase();
        let known = columns
            .required
            .iter()
            .chain(columns.optional)
            .find(|column| **column == name)
            .copied();
        if known.is_some() && places.contains(&known) {
            return Err(TableError::DuplicateColumn { column: name });
        }
        if known.is_none() && !REJECT_COLUMNS.contains(&name.as_str()) {
            let column = name.chars().take(80).collect();
            let known = columns.known();
            return Err(TableError::UnknownColumn { column, known });
        }
        places.push(known);
    }
    match columns
        .required
        .iter()
        .find(|column| !places.contains(&Some(**column)))
    {
        Some(column) => Err(TableError::MissingColumn {
            column,
            known: columns.known(),
        }),
        None => Ok(places),
    }
}

fn check_separator(header: &StringRecord) -> Result<(), TableError> {
    let single = header.len() == 1;
    let name = header.get(0).unwrap_or_default();
    let found = match (single, name.contains(';'), name.contains('\t')) {
        (true, true, _) => "semicolons",
        (true, _, true) => "tabs",
        _ => return Ok(()),
    };
    Err(TableError::Separator { found })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        required: &["sku", "name"],
        optional: &["price"],
    };

    fn rows(text: &str) -> Vec<(u64, Vec<String>, bool)> {
        let table = Table::open(text.as_bytes(), COLUMNS).unwrap();
        let mut rows = Vec::new();
        table
            .each(|row, _| {
                let fields = ["sku", "name", "price"]
                    .map(|column| table.field(&row.record, column).to_owned());
                rows.push((row.line, fields.to_vec(), row.misshapen.is_some()));
            })
            .unwrap();
        rows
    }

    fn refused(text: &[u8]) -> String {
        Table::open(text, COLUMNS).err().unwrap().to_string()
    }

    #[test]
    fn order_case_bom_crlf_quotes_and_blank_lines_do_not_matter() {
        let text = "\u{feff}Price, NAME ,sku\r\n1.50,\"Milk, \"\"whole\"\"\",A\r\n\r\n,Tea,B\r\n";
        assert_eq!(
            rows(text),
            [
                (
                    2,
                    vec!["A".into(), "Milk, \"whole\"".into(), "1.50".into()],
                    false
                ),
                (4, vec!["B".into(), "Tea".into(), String::new()], false),
            ]
        );
        assert_eq!(rows("sku,name").len(), 0);
        assert_eq!(rows("sku,name\nA,\"two\nlines\"\nB,x")[1].0, 4);
    }

    #[test]
    fn the_header_must_fit() {
        assert!(refused(b"").contains("empty"));
        assert!(refused(b"sku,name,colour\n").contains("\"colour\""));
        assert!(refused(b"sku\nA\n").contains("\"name\" is missing"));
        assert!(refused(b"sku,name,SKU\n").contains("\"sku\" is there twice"));
        assert!(refused(b"sku;name;price\n").contains("semicolons"));
        assert!(refused(b"sku\tname\n").contains("tabs"));
    }

    #[test]
    fn another_encoding_is_named_with_its_line() {
        let latin1 = b"sku,name\nA,Tea\nB,Caf\xe9\n";
        assert!(refused(latin1).starts_with("line 3 is not UTF-8"));
        let utf16 = [0xff, 0xfe, b's', 0, b'k', 0];
        assert!(refused(&utf16).starts_with("line 1 is not UTF-8"));
    }

    #[test]
    fn a_row_of_another_shape_is_told_apart() {
        let found = rows("sku,name\nA\nB,Tea,3,4\nC,Milk\n");
        assert_eq!(
            found.iter().map(|row| (row.0, row.2)).collect::<Vec<_>>(),
            [(2, true), (3, true), (4, false)]
        );
        let open_quote = format!("sku,name\nA,\"Tea\n{}", "B,Milk\n".repeat(1_000));
        let found = rows(&open_quote);
        assert_eq!((found.len(), found[0].0, found[0].2), (1, 2, true));
    }

    #[test]
    fn a_reject_file_can_be_read_again() {
        let text = "sku,name,line,reason\nA,Tea,7,\"no, really\"\n";
        let table = Table::open(text.as_bytes(), COLUMNS).unwrap();
        assert_eq!(table.header, ["sku", "name"]);
        let mut originals = Vec::new();
        table
            .each(|row, _| originals.push(table.original(&row.record)))
            .unwrap();
        assert_eq!(originals, [["A", "Tea"]]);
    }
}
