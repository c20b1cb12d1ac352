//! The columns of a change, and the operations they spell.
//!
//! Only six columns ever occur in a document's changes. The others are decoded
//! as far as their lengths and spelling can be judged, so that a refusal names
//! the first rule that is broken.
//!
//! Invariant: [`Operations::events`] is `Some` only if every operation puts a
//! byte string under a key of the root map that was never written before.

use super::runs::{self, Value};

/// The key of an operation, as text.
pub(crate) const KEY: u64 = 0x15;
/// Whether an operation inserts into a sequence.
pub(crate) const INSERT: u64 = 0x34;
/// What an operation does.
pub(crate) const ACTION: u64 = 0x42;
/// Type and length of an operation's value.
pub(crate) const VALUE_META: u64 = 0x56;
/// The bytes of the values.
pub(crate) const VALUE: u64 = 0x57;
/// How many earlier operations an operation replaces.
pub(crate) const REPLACED: u64 = 0x70;
/// The columns of a change that only adds events, in their order.
pub(crate) const EVENT_COLUMNS: [u64; 6] = [KEY, INSERT, ACTION, VALUE_META, VALUE, REPLACED];

/// The action that puts a value under a key.
pub(crate) const PUT: u64 = 1;
/// The low bits of a value's meta number that say it is a byte string.
pub(crate) const BYTES: u64 = 7;
/// The bit of a specification that says the column is compressed.
const DEFLATED: u64 = 8;
/// No column of ours holds more values than this; the gate's limit is lower.
const LIMIT: usize = 1 << 16;

/// One column as it stands in the chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column<'a> {
    /// Id, compression bit and type.
    pub(crate) specification: u64,
    /// The encoded values.
    pub(crate) data: &'a [u8],
}

impl Column<'_> {
    /// Whether the column is compressed, and its values cannot be counted.
    pub(crate) fn is_deflated(&self) -> bool {
        self.specification & DEFLATED != 0
    }

    /// How many values the column claims, and whether its runs are whole.
    pub(crate) fn claimed(&self, limit: u64) -> (u64, bool) {
        match self.specification & 7 {
            3 => runs::claimed::<i64>(self.data, limit),
            4 => runs::claimed_booleans(self.data, limit),
            5 => runs::claimed::<&[u8]>(self.data, limit),
            7 => (0, true),
            _ => runs::claimed::<u64>(self.data, limit),
        }
    }

    /// Whether the values are spelled as automerge would spell them. The
    /// column's claim must have been checked.
    pub(crate) fn is_canonical(&self) -> bool {
        match self.specification & 7 {
            3 => self.respells::<i64>(),
            4 => runs::decode_booleans(self.data, LIMIT).is_some_and(|values| {
                let mut again = Vec::with_capacity(self.data.len());
                runs::encode_booleans(&mut again, &values);
                again == self.data
            }),
            5 => runs::decode::<&[u8]>(self.data, LIMIT).is_some_and(|values| {
                let mut again = Vec::with_capacity(self.data.len());
                runs::encode(&mut again, &values);
                again == self.data
            }),
            7 => true,
            _ => self.respells::<u64>(),
        }
    }

    fn respells<T: for<'b> Value<'b> + Clone>(&self) -> bool {
        runs::decode::<T>(self.data, LIMIT).is_some_and(|values| {
            let mut again = Vec::with_capacity(self.data.len());
            runs::encode(&mut again, &values);
            again == self.data
        })
    }
}

/// The operations of a change, column by column.
pub(crate) struct Operations<'a> {
    /// How many there are.
    pub(crate) count: usize,
    keys: Vec<Option<&'a [u8]>>,
    inserts: Vec<bool>,
    actions: Vec<Option<u64>>,
    /// Type and bytes of each value.
    values: Vec<(u64, &'a [u8])>,
    replaced: Vec<Option<u64>>,
    /// Whether the change has other columns than those of events.
    others: bool,
}

impl<'a> Operations<'a> {
    /// Decodes the columns; `None` when one is malformed, repeated, or has not
    /// as many values as there are operations.
    pub(crate) fn decode(columns: &[Column<'a>]) -> Option<Self> {
        let find = |specification: u64| {
            let mut found = columns
                .iter()
                .filter(|column| column.specification == specification);
            let data = found.next().map_or([].as_slice(), |column| column.data);
            found.next().is_none().then_some(data)
        };
        let actions = runs::decode::<u64>(find(ACTION)?, LIMIT)?;
        let count = actions.len();
        let meta = runs::decode::<u64>(find(VALUE_META)?, count)?;
        let operations = Self {
            count,
            keys: padded(runs::decode(find(KEY)?, count)?, count),
            inserts: runs::decode_booleans(find(INSERT)?, count)?,
            values: split_values(&meta, find(VALUE)?)?,
            replaced: runs::decode(find(REPLACED)?, count)?,
            others: columns
                .iter()
                .any(|column| !EVENT_COLUMNS.contains(&column.specification)),
            actions,
        };
        let whole = operations.inserts.len() == count
            && operations.values.len() == count
            && operations.replaced.len() == count
            && operations.keys.len() == count;
        let texts = operations.keys.iter().flatten();
        let readable = texts
            .into_iter()
            .all(|key| std::str::from_utf8(key).is_ok());
        (whole && readable).then_some(operations)
    }

    /// The events that the operations add, as key and bytes; `None` when one of
    /// them does anything else.
    pub(crate) fn events(&self) -> Option<impl Iterator<Item = (&'a str, &'a [u8])>> {
        let only_adds = !self.others
            && self.count > 0
            && self.inserts.iter().all(|insert| !insert)
            && self.actions.iter().all(|action| *action == Some(PUT))
            && self.replaced.iter().all(|count| *count == Some(0))
            && self.keys.iter().all(Option::is_some)
            && self
                .values
                .iter()
                .all(|(kind, bytes)| *kind == BYTES && !bytes.is_empty());
        let pairs = self.keys.iter().flatten().zip(&self.values);
        only_adds.then(|| {
            pairs.map(|(key, (_, bytes))| (std::str::from_utf8(key).unwrap_or_default(), *bytes))
        })
    }
}

/// Trailing nulls are not written by automerge when a column has only nulls.
fn padded<T: Clone>(mut values: Vec<Option<T>>, count: usize) -> Vec<Option<T>> {
    if values.is_empty() {
        values.resize(count, None);
    }
    values
}

/// Cuts the value column into the lengths that the meta column gives.
fn split_values<'a>(meta: &[Option<u64>], mut data: &'a [u8]) -> Option<Vec<(u64, &'a [u8])>> {
    let values = meta
        .iter()
        .map(|meta| {
            let meta = (*meta)?;
            Some((meta & 0xf, super::take(&mut data, meta >> 4)?))
        })
        .collect::<Option<_>>()?;
    data.is_empty().then_some(values)
}
