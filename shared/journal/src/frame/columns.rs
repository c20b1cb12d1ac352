//! The payload of a frame: one column per kind of value.
//!
//! Values of one kind side by side compress better than entry after entry. The
//! columns are byte strings of numbers in LEB128, or of raw bodies:
//!
//! ```text
//! payload = lengths of tags, clocks, counts and their bytes; the rest is bodies
//! tag     = 0  the entry as it is: length, bytes
//!         = 1  an entry of several or unusual parts: hlc, their number, and for
//!              each its flags, n, the document if not derived, length, body
//!         = 2 + form  a plain entry of one new document in that form: hlc, length, body
//! ```
//!
//! Invariant: reading is total; every length is checked against what is there.

/// Tag of an entry carried as it is.
pub(super) const VERBATIM: u8 = 0;
/// Tag of an entry whose parts are listed.
pub(super) const PARTS: u8 = 1;
/// Lowest tag of an entry with one new document; the part's form is added.
pub(super) const SIMPLE: u8 = 2;

/// Part flag: the document id derives from the part's origin.
pub(super) const DERIVED: u64 = 1;
/// Part flag: the body is a short form, whose number stands in the bits above.
pub(super) const SHORT: u64 = 2;
/// Where a part's form stands in its flags.
pub(super) const FORM_SHIFT: u32 = 2;

/// The columns being written.
#[derive(Default)]
pub(super) struct Writer {
    tags: Vec<u8>,
    clocks: Vec<u8>,
    counts: Vec<u8>,
    bodies: Vec<u8>,
}

impl Writer {
    pub(super) fn tag(&mut self, tag: u8) {
        self.tags.push(tag);
    }

    /// A number that follows the clock of the entry before.
    pub(super) fn clock(&mut self, value: u64) {
        put_number(&mut self.clocks, value);
    }

    /// A length or other small number.
    pub(super) fn count(&mut self, value: u64) {
        put_number(&mut self.counts, value);
    }

    /// A body of known length.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bodies.extend_from_slice(bytes);
    }

    /// A body with its length.
    pub(super) fn body(&mut self, bytes: &[u8]) {
        self.count(bytes.len() as u64);
        self.raw(bytes);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(
            16 + self.tags.len() + self.clocks.len() + self.counts.len() + self.bodies.len(),
        );
        for column in [&self.tags, &self.clocks, &self.counts] {
            put_number(&mut out, column.len() as u64);
        }
        for column in [self.tags, self.clocks, self.counts, self.bodies] {
            out.extend(column);
        }
        out
    }
}

/// The columns being read. Every method gives `None` when nothing fits.
pub(super) struct Reader<'a> {
    tags: &'a [u8],
    clocks: &'a [u8],
    counts: &'a [u8],
    bodies: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(mut payload: &'a [u8]) -> Option<Self> {
        let mut lengths = [0; 3];
        for length in &mut lengths {
            *length = take_number(&mut payload)?;
        }
        let [tags, clocks, counts] = lengths.map(|length| take(&mut payload, length));
        Some(Self {
            tags: tags?,
            clocks: clocks?,
            counts: counts?,
            bodies: payload,
        })
    }

    pub(super) fn tag(&mut self) -> Option<u8> {
        take(&mut self.tags, 1).and_then(|tag| tag.first().copied())
    }

    pub(super) fn clock(&mut self) -> Option<u64> {
        take_number(&mut self.clocks)
    }

    pub(super) fn count(&mut self) -> Option<u64> {
        take_number(&mut self.counts)
    }

    pub(super) fn raw<const N: usize>(&mut self) -> Option<[u8; N]> {
        take(&mut self.bodies, N as u64)?.try_into().ok()
    }

    pub(super) fn body(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        take(&mut self.bodies, length)
    }

    /// Whether every column was read to its end.
    pub(super) fn is_empty(&self) -> bool {
        [self.tags, self.clocks, self.counts, self.bodies]
            .iter()
            .all(|column| column.is_empty())
    }
}

/// The distance between two clock readings, as a number that is small both ways.
pub(super) fn zigzag(from: u64, to: u64) -> u64 {
    let distance = to.wrapping_sub(from).cast_signed();
    ((distance << 1) ^ (distance >> 63)).cast_unsigned()
}

/// The reading at this distance.
pub(super) fn unzigzag(from: u64, distance: u64) -> u64 {
    let negative = 0_u64.wrapping_sub(distance & 1);
    from.wrapping_add((distance >> 1) ^ negative)
}

fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

fn take_number(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        let bits = u64::from(byte & 0x7f);
        if (bits << shift) >> shift != bits {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(input: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let length = usize::try_from(length).ok()?;
    let (taken, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_distances_round_trip() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, value);
            assert_eq!(take_number(&mut out.as_slice()), Some(value));
            for from in [0, 1, 1 << 40, u64::MAX] {
                assert_eq!(unzigzag(from, zigzag(from, value)), value);
            }
        }
        assert_eq!(take_number(&mut [0xff_u8; 11].as_slice()), None);
        assert_eq!(take_number(&mut [0x80_u8].as_slice()), None);
    }
}
