//! LEB128 numbers, as automerge writes them.
//!
//! Invariant: reading is total. Over-long forms are read, because whether a
//! change is canonical is decided by writing it again.

/// Appends an unsigned number in its shortest form.
pub(crate) fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Appends a signed number in its shortest form.
pub(crate) fn put_signed(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let byte = (value.cast_unsigned() & 0x7f) as u8;
        value >>= 7;
        // The sign is bit 6 of the last byte; what remains must repeat it.
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// Reads an unsigned number; `None` when it is cut off or exceeds 64 bits.
pub(crate) fn take_unsigned(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let bits_and_more = take_byte(input)?;
        let bits = u64::from(bits_and_more & 0x7f);
        if (bits << shift) >> shift != bits {
            return None;
        }
        value |= bits << shift;
        if bits_and_more & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Reads a signed number; `None` when it is cut off or exceeds 64 bits.
pub(crate) fn take_signed(input: &mut &[u8]) -> Option<i64> {
    let mut value = 0_i128;
    for shift in (0..70).step_by(7) {
        let byte = take_byte(input)?;
        value |= i128::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            if byte & 0x40 != 0 {
                value -= 1_i128 << (shift + 7);
            }
            return i64::try_from(value).ok();
        }
    }
    None
}

fn take_byte(input: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = input.split_first()?;
    *input = rest;
    Some(*byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_in_their_shortest_form() {
        for value in [
            0,
            1,
            127,
            128,
            16_383,
            16_384,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let mut out = Vec::new();
            put_unsigned(&mut out, value);
            assert_eq!(take_unsigned(&mut out.as_slice()), Some(value));
        }
        for value in [
            0,
            1,
            -1,
            63,
            64,
            -64,
            -65,
            8_191,
            -8_193,
            i64::MAX,
            i64::MIN,
        ] {
            let mut out = Vec::new();
            put_signed(&mut out, value);
            assert_eq!(take_signed(&mut out.as_slice()), Some(value), "{value}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(take_unsigned(&mut [0xff_u8; 10].as_slice()), None);
        assert_eq!(take_unsigned(&mut [0x80_u8, 0x80].as_slice()), None);
        assert_eq!(take_signed(&mut [0xff_u8; 12].as_slice()), None);
        let above: &[u8] = &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
        assert_eq!(take_unsigned(&mut { above }), Some(1 << 63));
        assert_eq!(take_signed(&mut { above }), None);
    }
}
