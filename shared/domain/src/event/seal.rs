//! The bytes of a seal, version 1: a record of the fields below, in order.

use minicbor::Decoder;

use super::record::{Field, Out, length, next, put_absent, put_length, record, skip};
use super::wire::Read;
use crate::seal::ReplicaSeal;

/// A seal's hash travels as bytes.
struct Hash([u8; 32]);

impl Field for Hash {
    fn put(&self, e: &mut Out) {
        e.bytes(&self.0)
            .expect("invariant: writing to memory cannot fail");
    }

    fn get(d: &mut Decoder<'_>) -> Read<Self> {
        let bytes = d.bytes().map_err(|error| error.to_string())?;
        let hash = bytes.try_into().map(Self);
        hash.map_err(|_| "a hash has 32 bytes".to_owned())
    }
}

struct Fields {
    location: crate::ids::LocationId,
    replica: u64,
    seq: u64,
    hash: Hash,
    sealed_at: crate::time::Timestamp,
    reason: String,
    approvers: Vec<String>,
    recount: bool,
}

record!(Fields {
    location,
    replica,
    seq,
    hash,
    sealed_at,
    reason,
    approvers,
    recount,
});

pub(super) fn write(seal: &ReplicaSeal, e: &mut Out) {
    let fields = Fields {
        location: seal.location.clone(),
        replica: seal.replica.0,
        seq: seal.seq,
        hash: Hash(seal.hash),
        sealed_at: seal.sealed_at,
        reason: seal.reason.clone(),
        approvers: seal.approvers.clone(),
        recount: seal.recount,
    };
    fields.put(e);
}

pub(super) fn read(d: &mut Decoder<'_>) -> Read<ReplicaSeal> {
    let fields = Fields::get(d)?;
    let seal = ReplicaSeal {
        location: fields.location,
        replica: crate::ids::ReplicaId(fields.replica),
        seq: fields.seq,
        hash: fields.hash.0,
        sealed_at: fields.sealed_at,
        reason: fields.reason,
        approvers: fields.approvers,
        recount: fields.recount,
    };
    seal.check().map_err(|unsound| unsound.to_string())?;
    Ok(seal)
}
