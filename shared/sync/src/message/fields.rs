//! Reading arrays of numbered fields without trusting any length.

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

/// The fields of one array, read in order; those that are left are skipped.
pub(super) struct Fields<'a, 'b> {
    decoder: &'a mut Decoder<'b>,
    left: u64,
}

impl<'a, 'b> Fields<'a, 'b> {
    /// Reads an array with `read`, then skips the fields that a newer version added.
    pub(super) fn read<T>(
        decoder: &'a mut Decoder<'b>,
        read: impl FnOnce(&mut Fields<'_, 'b>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let left = decoder
            .array()?
            .ok_or_else(|| Error::message("an array without a length"))?;
        let mut fields = Fields { decoder, left };
        let value = read(&mut fields)?;
        while fields.left > 0 {
            fields.next()?.skip()?;
        }
        Ok(value)
    }

    /// The decoder, standing before the next field.
    pub(super) fn next(&mut self) -> Result<&mut Decoder<'b>, Error> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| Error::message("a field is missing"))?;
        Ok(self.decoder)
    }

    /// How many fields are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn u8(&mut self) -> Result<u8, Error> {
        self.next()?.u8()
    }

    pub(super) fn u16(&mut self) -> Result<u16, Error> {
        self.next()?.u16()
    }

    pub(super) fn u64(&mut self) -> Result<u64, Error> {
        self.next()?.u64()
    }

    pub(super) fn i64(&mut self) -> Result<i64, Error> {
        self.next()?.i64()
    }

    /// A text of at most `limit` bytes.
    pub(super) fn text(&mut self, limit: usize) -> Result<&'b str, Error> {
        let text = self.next()?.str()?;
        if text.len() > limit {
            return Err(Error::message("a text is too long"));
        }
        Ok(text)
    }

    /// Bytes, at most `limit` of them.
    pub(super) fn bytes(&mut self, limit: usize) -> Result<&'b [u8], Error> {
        let bytes = self.next()?.bytes()?;
        if bytes.len() > limit {
            return Err(Error::message("a byte string is too long"));
        }
        Ok(bytes)
    }

    /// Exactly 32 bytes.
    pub(super) fn hash(&mut self) -> Result<[u8; 32], Error> {
        self.bytes(32)?
            .try_into()
            .map_err(|_| Error::message("a hash does not have 32 bytes"))
    }

    /// A field that may be null.
    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if self.left > 0 && self.decoder.datatype()? == Type::Null {
            self.next()?.null()?;
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// A field that is an array of fields itself.
    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Fields<'_, 'b>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        Fields::read(self.next()?, read)
    }
}
