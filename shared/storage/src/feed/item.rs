//! A feed item: the parts of one entry that concern a location, with what its
//! reader needs to gate them (origin, actor, place) and nothing else.
//!
//! The bytes are a CBOR array with numbered fields; new ones come last:
//!
//! ```text
//! [1, origin, seq, actor, hlc, location, reissue / null, parts, cells, minter / null,
//!  requests, returned, * later fields]
//! parts    = [[n, n_end, document, change], ...]
//! reissue  = [replica, seq]
//! cells    = bytes, what the hub says of its rights at the location
//! requests = [[sku, quantity, expires], ...]
//! ```
//!
//! A *returned* item is a whole entry of an earlier machine of the location, in
//! the order of its journal: whoever takes the place over gets its history back.
//!

//! Invariant: decoding is total and takes memory in proportion to its input.

use evertill_domain::rights::{CellsError, PairCells, decode_cells, encode_cells};
use evertill_domain::{ActorId, DocumentId, Hlc, LocationId, ReplicaId, Seq, Sku, Timestamp};
use evertill_journal::{MAX_ENTRY_BYTES, MAX_PARTS, Part};
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

const SCHEMA: u16 = 1;
/// Fields of the first version; those after them may be missing.
const LEAST_FIELDS: u64 = 8;
const FIELDS: u64 = 12;
const REQUEST_FIELDS: u64 = 3;
/// Most requests of one item: an order has at most so many lines.
const MAX_REQUESTS: u64 = 500;
const PART_FIELDS: u64 = 4;

/// Longest item: an entry of the largest size, with room for what stands
/// around its parts.
pub const MAX_ITEM_BYTES: usize = MAX_ENTRY_BYTES + (64 << 10);

/// The parts of one entry that concern a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The journal that the entry stands in.
    pub origin: ReplicaId,
    /// Its number there.
    pub seq: Seq,
    /// The actor that wrote its changes.
    pub actor: ActorId,
    /// When it was written, by its author's clock.
    pub hlc: Hlc,
    /// Where its author stands.
    pub location: LocationId,
    /// Where it was first written, if it is a reissued one.
    pub reissue: Option<(ReplicaId, Seq)>,
    /// The parts, `n` ascending.
    pub parts: Vec<ItemPart>,
    /// What a hub's own entry says of the hub's rights at the location; bytes
    /// of [`encode_cells`], empty for nothing.
    pub cells: Vec<u8>,
    /// The replica that mints at the location from here on.
    pub minter: Option<ReplicaId>,
    /// Rights that the hub asks the location's minter for.
    pub requests: Vec<GrantRequest>,
    /// Whether it is an entry of an earlier machine of the location, whole and
    /// in its turn. Its cells are then those of the entry.
    pub returned: bool,
}

/// A wish of the hub for more rights at the feed's location. Its place in the
/// feed is its id: it is answered once, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRequest {
    /// The product.
    pub sku: Sku,
    /// How much more the hub could promise at once, in thousandths.
    pub quantity: i64,
    /// When nobody waits for the answer any more.
    pub expires: Timestamp,
}

/// One part of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPart {
    /// The part as it stands in the entry.
    pub part: Part,
    /// The number that its events stay below: that of the entry's next part,
    /// which may not be in the item.
    pub n_end: u32,
}

/// Bytes that are not a feed item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a feed item: {0}")]
pub struct ItemError(String);

impl Item {
    /// The item's bytes.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "writing to memory cannot fail")]
    pub fn encode(&self) -> Vec<u8> {
        let size: usize = self
            .parts
            .iter()
            .map(|part| part.part.change.len() + 40)
            .sum();
        let mut encoder = Encoder::new(Vec::with_capacity(96 + size));
        self.write(&mut encoder)
            .expect("invariant: writing to memory cannot fail");
        encoder.into_writer()
    }

    /// Reads an item. Total: any bytes give an item or an error.
    ///
    /// # Errors
    /// [`ItemError`] when the bytes are no item or exceed a limit.
    pub fn decode(bytes: &[u8]) -> Result<Self, ItemError> {
        if bytes.len() > MAX_ITEM_BYTES {
            let found = bytes.len();
            return Err(ItemError(format!(
                "{found} bytes exceed the limit of {MAX_ITEM_BYTES}"
            )));
        }
        let mut decoder = Decoder::new(bytes);
        let item = read(&mut decoder).map_err(|error| ItemError(error.to_string()))?;
        if decoder.position() != bytes.len() {
            return Err(ItemError("bytes follow the item".to_owned()));
        }
        Ok(item)
    }

    /// The number that ids and event keys of its changes derive from.
    #[must_use]
    pub fn written_as(&self) -> Seq {
        self.reissue.map_or(self.seq, |(_, seq)| seq)
    }

    /// What it says of the rights of its origin at `location`: the hub's own, or
    /// those of an earlier machine there.
    ///
    /// # Errors
    /// Why its rights cannot count, in words: the bytes are none, or it speaks
    /// of another location's, or for a replica that it may not speak for.
    pub fn rights_at(&self, location: &LocationId, hub: ReplicaId) -> Result<PairCells, String> {
        if self.cells.is_empty() {
            return Ok(PairCells::new());
        }
        let cells = decode_cells(&self.cells).map_err(|error: CellsError| error.to_string())?;
        if self.reissue.is_some() {
            return Ok(PairCells::new());
        }
        if self.origin != hub && !self.returned {
            return Err("it speaks of rights, and is not the hub's own entry".to_owned());
        }
        match cells.keys().find(|(other, _)| other != location) {
            Some((other, _)) => Err(format!(
                "it speaks of rights of location {other}, and may only of {location}"
            )),
            None => Ok(cells),
        }
    }

    /// Whether outflows in it burn rights of its origin without a word, as in
    /// the journal that it comes from.
    #[must_use]
    pub fn burns(&self) -> bool {
        self.returned && self.reissue.is_none()
    }

    /// Carries what the hub says of its rights at the feed's location.
    pub fn set_rights(&mut self, cells: &PairCells) {
        self.cells = if cells.is_empty() {
            Vec::new()
        } else {
            encode_cells(cells)
        };
    }

    fn write(
        &self,
        e: &mut Encoder<Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        e.array(FIELDS)?
            .u16(SCHEMA)?
            .u64(self.origin.0)?
            .u64(self.seq)?
            .bytes(&self.actor.0)?
            .u64(self.hlc.0)?
            .str(self.location.as_str())?;
        match self.reissue {
            Some((replica, seq)) => e.array(2)?.u64(replica.0)?.u64(seq)?,
            None => e.null()?,
        };
        e.array(self.parts.len() as u64)?;
        for ItemPart { part, n_end } in &self.parts {
            e.array(PART_FIELDS)?
                .u32(part.n)?
                .u32(*n_end)?
                .bytes(part.document.as_bytes())?
                .bytes(&part.change)?;
        }
        e.bytes(&self.cells)?;
        match self.minter {
            Some(replica) => e.u64(replica.0)?,
            None => e.null()?,
        };
        e.array(self.requests.len() as u64)?;
        for request in &self.requests {
            e.array(REQUEST_FIELDS)?
                .str(request.sku.as_str())?
                .i64(request.quantity)?
                .i64(request.expires.as_millis())?;
        }
        e.bool(self.returned)?;
        Ok(())
    }
}

type Decoded<T> = Result<T, minicbor::decode::Error>;

fn read(d: &mut Decoder<'_>) -> Decoded<Item> {
    let fields = length(d, LEAST_FIELDS, "an item has at least eight fields")?;
    let schema = d.u16()?;
    if schema == 0 {
        return Err(wrong("schemas are numbered from 1"));
    }
    let mut item = Item {
        origin: ReplicaId(d.u64()?),
        seq: d.u64()?,
        actor: ActorId(array(d.bytes()?, "an actor has sixteen bytes")?),
        hlc: Hlc(d.u64()?),
        location: d.str()?.parse().map_err(|_| wrong("no location"))?,
        reissue: reissue(d)?,
        parts: parts(d)?,
        cells: Vec::new(),
        minter: None,
        requests: Vec::new(),
        returned: false,
    };
    if fields > LEAST_FIELDS {
        item.cells = d.bytes()?.to_vec();
    }
    if fields > LEAST_FIELDS + 1 {
        item.minter = if d.datatype()? == Type::Null {
            d.null()?;
            None
        } else {
            Some(ReplicaId(d.u64()?))
        };
    }
    if fields > LEAST_FIELDS + 2 {
        item.requests = requests(d)?;
    }
    if fields > LEAST_FIELDS + 3 {
        item.returned = d.bool()?;
    }
    (FIELDS..fields).try_for_each(|_| d.skip())?;
    if item.seq == 0 {
        return Err(wrong("the first entry of a journal has number 1"));
    }
    if !item.parts.is_sorted_by(|a, b| a.part.n < b.part.n) {
        return Err(wrong("parts are numbered in ascending order"));
    }
    Ok(item)
}

fn reissue(d: &mut Decoder<'_>) -> Decoded<Option<(ReplicaId, Seq)>> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    let fields = length(d, 2, "a reissue names replica and number")?;
    let first = (ReplicaId(d.u64()?), d.u64()?);
    (2..fields).try_for_each(|_| d.skip())?;
    Ok(Some(first))
}

fn requests(d: &mut Decoder<'_>) -> Decoded<Vec<GrantRequest>> {
    let count = length(d, 0, "requests are a list")?;
    if count > MAX_REQUESTS {
        return Err(wrong("an item asks for too much"));
    }
    (0..count)
        .map(|_| {
            let fields = length(d, REQUEST_FIELDS, "a request has at least three fields")?;
            let request = GrantRequest {
                sku: d.str()?.parse().map_err(|_| wrong("no SKU"))?,
                quantity: d.i64()?,
                expires: Timestamp::from_millis(d.i64()?),
            };
            (REQUEST_FIELDS..fields).try_for_each(|_| d.skip())?;
            Ok(request)
        })
        .collect()
}

fn parts(d: &mut Decoder<'_>) -> Decoded<Vec<ItemPart>> {
    let count = length(d, 0, "parts are a list")?;
    if count > MAX_PARTS as u64 {
        return Err(wrong("an item has too many parts"));
    }
    (0..count)
        .map(|_| {
            let fields = length(d, PART_FIELDS, "a part has at least four fields")?;
            let n = d.u32()?;
            let n_end = d.u32()?;
            let document = array(d.bytes()?, "a document has sixteen bytes")?;
            let part = Part {
                n,
                document: DocumentId::from_bytes(document),
                change: d.bytes()?.to_vec(),
            };
            (PART_FIELDS..fields).try_for_each(|_| d.skip())?;
            Ok(ItemPart { part, n_end })
        })
        .collect()
}

fn length(d: &mut Decoder<'_>, least: u64, rule: &'static str) -> Decoded<u64> {
    d.array()?
        .filter(|length| *length >= least)
        .ok_or_else(|| wrong(rule))
}

fn array<const N: usize>(bytes: &[u8], rule: &'static str) -> Decoded<[u8; N]> {
    bytes.try_into().map_err(|_| wrong(rule))
}

fn wrong(rule: &'static str) -> minicbor::decode::Error {
    minicbor::decode::Error::message(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        let part = |n| ItemPart {
            part: Part {
                n,
                document: DocumentId::derive(&ActorId([7; 16]), 9, n),
                change: vec![n.to_be_bytes()[3]; 50],
            },
            n_end: n + 1,
        };
        Item {
            origin: ReplicaId(u64::MAX),
            seq: 12,
            actor: ActorId([7; 16]),
            hlc: Hlc(99),
            location: "HUB".parse().unwrap(),
            reissue: Some((ReplicaId(4), 9)),
            parts: vec![part(0), part(4)],
            cells: vec![0x80],
            minter: Some(ReplicaId(5)),
            requests: vec![GrantRequest {
                sku: "A".parse().unwrap(),
                quantity: 3_000,
                expires: Timestamp::from_millis(77),
            }],
            returned: true,
        }
    }

    #[test]
    fn an_item_comes_back_as_it_was_written() {
        let item = item();
        assert_eq!(Item::decode(&item.encode()), Ok(item));
    }

    #[test]
    fn fields_of_a_later_version_are_passed_over() {
        let mut bytes = item().encode();
        bytes[0] += 1;
        bytes.extend([0x82, 0x01, 0x63, b'n', b'e', b'w']);
        assert_eq!(Item::decode(&bytes), Ok(item()));
    }

    #[test]
    fn no_cut_or_flipped_item_panics() {
        let bytes = item().encode();
        for at in 0..bytes.len() {
            assert!(Item::decode(&bytes[..at]).is_err());
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let _ = Item::decode(&flipped);
            }
        }
        let claims_many = [&bytes[..1], &[0x9b], &[0xff; 8]].concat();
        assert!(Item::decode(&claims_many).is_err());
    }
}
