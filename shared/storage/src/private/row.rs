//! The bytes of a page: a minicbor array of changes, each an array of numbered
//! fields; new ones come last and are optional.

use evertill_domain::DocumentId;
use minicbor::{Decode, Encode};

use super::Customer;

/// One change: who ordered, or that there is nothing to know any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The order.
    pub document: DocumentId,
    /// Its customer; none takes them back.
    pub customer: Option<Customer>,
}

/// Bytes that are no changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a private page cannot be read: {0}")]
pub struct UnreadableRows(String);

#[derive(Encode, Decode)]
#[cbor(array)]
struct RowFields<'a> {
    #[cbor(b(0), with = "minicbor::bytes")]
    document: &'a [u8],
    #[b(1)]
    customer: Option<CustomerFields<'a>>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct CustomerFields<'a> {
    #[b(0)]
    name: Option<&'a str>,
    #[b(1)]
    phone: Option<&'a str>,
    #[b(2)]
    address: Option<&'a str>,
}

/// The bytes of some changes.
pub(super) fn encode(rows: &[Row]) -> Vec<u8> {
    let fields: Vec<RowFields<'_>> = rows.iter().map(fields).collect();
    minicbor::to_vec(fields).expect("invariant: writing to memory does not fail")
}

fn fields(row: &Row) -> RowFields<'_> {
    RowFields {
        document: row.document.as_bytes(),
        customer: row.customer.as_ref().map(|customer| CustomerFields {
            name: customer.name.as_deref(),
            phone: customer.phone.as_deref(),
            address: customer.address.as_deref(),
        }),
    }
}

/// The changes of a page.
///
/// # Errors
/// [`UnreadableRows`] for bytes that this version does not read.
pub fn decode(bytes: &[u8]) -> Result<Vec<Row>, UnreadableRows> {
    let fields: Vec<RowFields<'_>> =
        minicbor::decode(bytes).map_err(|error| UnreadableRows(error.to_string()))?;
    let row = |fields: RowFields<'_>| {
        let document = fields.document.try_into();
        let document = document
            .map_err(|_| UnreadableRows("an order's id does not have 16 bytes".to_owned()))?;
        Ok(Row {
            document: DocumentId::from_bytes(document),
            customer: fields.customer.map(|customer| Customer {
                name: customer.name.map(str::to_owned),
                phone: customer.phone.map(str::to_owned),
                address: customer.address.map(str::to_owned),
            }),
        })
    };
    fields.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_survive_the_wire_and_older_bytes_stay_readable() {
        let rows = vec![
            Row {
                document: DocumentId::from_bytes([1; 16]),
                customer: Some(Customer {
                    name: Some("Ann".to_owned()),
                    phone: None,
                    address: Some("{}".to_owned()),
                }),
            },
            Row {
                document: DocumentId::from_bytes([2; 16]),
                customer: None,
            },
        ];
        let bytes = encode(&rows);
        assert_eq!(decode(&bytes), Ok(rows));
        let golden = [
            &[0x82, 0x82, 0x50][..],
            &[1; 16],
            &[
                0x83, 0x63, b'A', b'n', b'n', 0xf6, 0x62, b'{', b'}', 0x81, 0x50,
            ],
            &[2; 16],
        ];
        assert_eq!(bytes, golden.concat());
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err());
        }
    }
}
