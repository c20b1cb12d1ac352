//! The bytes of cells in a journal entry, version 1.
//!
//! ```text
//! cells = [* pair]
//! pair  = [location, sku, mint, used, release, burn, [* [receiver, sent]], * later fields]
//! ```
//!
//! An entry says only the counters of its own replica, so no replica can raise
//! another's. They are the values after the entry, in thousandths. Pairs and
//! receivers stand in ascending order, each once.

use std::collections::BTreeMap;

use minicbor::{Decoder, Encoder};

use super::{CellWrite, Own};
use crate::ids::{LocationId, ReplicaId, Sku};

/// What an entry writes, by (location, SKU).
pub type PairCells = BTreeMap<(LocationId, Sku), CellWrite>;

/// No entry touches more pairs: a document has at most 500 lines, and an entry
/// few documents.
const MAX_PAIRS: u64 = 4_096;
/// A pair has few replicas: node and hub, and their former lives.
const MAX_RECEIVERS: u64 = 64;
const FIELDS: u64 = 7;

/// Bytes that are no cells.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the bytes are no cells of rights: {0}")]
pub struct CellsError(String);

/// The bytes of what an entry writes.
#[must_use]
pub fn encode_cells(cells: &PairCells) -> Vec<u8> {
    let mut e = Encoder::new(Vec::with_capacity(1 + cells.len() * 48));
    write(&mut e, cells).expect("invariant: writing to memory cannot fail");
    e.into_writer()
}

fn write(
    e: &mut Encoder<Vec<u8>>,
    cells: &PairCells,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    e.array(cells.len() as u64)?;
    for ((location, sku), write) in cells {
        e.array(FIELDS)?
            .str(location.as_str())?
            .str(sku.as_str())?
            .i64(write.own.mint)?
            .i64(write.own.used)?
            .i64(write.own.release)?
            .i64(write.own.burn)?
            .array(write.sent.len() as u64)?;
        for (to, sent) in &write.sent {
            e.array(2)?.u64(to.0)?.i64(*sent)?;
        }
    }
    Ok(())
}

/// Reads what an entry writes. Total; memory stays in proportion to the bytes.
///
/// # Errors
/// When the bytes are no cells, or a counter is negative.
pub fn decode_cells(bytes: &[u8]) -> Result<PairCells, CellsError> {
    let mut d = Decoder::new(bytes);
    let cells = read(&mut d).map_err(|error| CellsError(error.to_string()))?;
    if d.position() != bytes.len() {
        return Err(CellsError("bytes follow them".to_owned()));
    }
    if cells.values().any(|write| !write.is_sound()) {
        return Err(CellsError("a counter is negative".to_owned()));
    }
    Ok(cells)
}

fn read(d: &mut Decoder<'_>) -> Result<PairCells, minicbor::decode::Error> {
    let mut cells = PairCells::new();
    for _ in 0..list(d, MAX_PAIRS)? {
        let fields = list(d, u64::from(u16::MAX))?;
        if fields < FIELDS {
            return Err(minicbor::decode::Error::message("a pair lacks fields"));
        }
        let location: LocationId = text(d)?;
        let sku: Sku = text(d)?;
        let own = Own {
            mint: d.i64()?,
            used: d.i64()?,
            release: d.i64()?,
            burn: d.i64()?,
        };
        let mut sent = BTreeMap::new();
        for _ in 0..list(d, MAX_RECEIVERS)? {
            if list(d, 2)? != 2 {
                return Err(minicbor::decode::Error::message("a receiver is no pair"));
            }
            let to = ReplicaId(d.u64()?);
            ascending(sent.last_key_value().is_none_or(|(last, _)| *last < to))?;
            sent.insert(to, d.i64()?);
        }
        for _ in FIELDS..fields {
            d.skip()?;
        }
        let key = (location, sku);
        ascending(cells.last_key_value().is_none_or(|(last, _)| *last < key))?;
        cells.insert(key, CellWrite { own, sent });
    }
    Ok(cells)
}

fn list(d: &mut Decoder<'_>, most: u64) -> Result<u64, minicbor::decode::Error> {
    let length = d.array()?;
    length
        .filter(|length| *length <= most)
        .ok_or_else(|| minicbor::decode::Error::message("a list is too long or has no length"))
}

fn text<T: std::str::FromStr>(d: &mut Decoder<'_>) -> Result<T, minicbor::decode::Error> {
    let text = d.str()?;
    text.parse()
        .map_err(|_| minicbor::decode::Error::message("a text is no identifier"))
}

fn ascending(condition: bool) -> Result<(), minicbor::decode::Error> {
    if condition {
        return Ok(());
    }
    Err(minicbor::decode::Error::message("keys do not ascend"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> PairCells {
        let key = ("S001".parse().unwrap(), "SKU-1".parse().unwrap());
        let own = Own {
            mint: 5_000,
            used: 1_000,
            release: 0,
            burn: 250,
        };
        let sent = BTreeMap::from([(ReplicaId(7), 2_000), (ReplicaId(9), 1_000)]);
        PairCells::from([(key, CellWrite { own, sent })])
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(decode_cells(&encode_cells(&some())), Ok(some()));
        assert_eq!(decode_cells(&[0x80]), Ok(PairCells::new()));
    }

    #[test]
    fn golden_bytes_of_version_1() {
        let golden = "81876453303031655 34b552d311913881903e80018fa8282071907d082091903e8";
        assert_eq!(hex::encode(encode_cells(&some())), golden.replace(' ', ""));
    }

    #[test]
    fn bytes_that_are_no_cells_are_refused() {
        let whole = encode_cells(&some());
        for cut in 0..whole.len() {
            assert!(decode_cells(&whole[..cut]).is_err(), "cut at {cut}");
        }
        let mut negative = some();
        for write in negative.values_mut() {
            write.own.mint = -1;
        }
        assert!(decode_cells(&encode_cells(&negative)).is_err());
        assert!(decode_cells(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err());
    }
}
