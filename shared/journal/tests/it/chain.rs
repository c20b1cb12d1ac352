//! What a broken chain is made of, and that each break is named.

use evertill_domain::ReplicaId;
use evertill_journal::{BreakReason, Chain, ChainBreak, EntryHash, Sealed, Watermark};

use crate::support::*;

fn walk(entries: &[Sealed]) -> Result<Watermark, ChainBreak> {
    let mut chain = Chain::new(REPLICA);
    entries.iter().try_for_each(|sealed| chain.next(sealed))?;
    Ok(chain.head)
}

#[test]
fn a_whole_journal_verifies() {
    let entries = journal(20);
    assert_eq!(walk(&entries).unwrap(), entries[19].watermark());
}

#[test]
fn a_tampered_entry_is_found() {
    let mut entries = journal(20);
    let mut entry = entries[9].entry.clone();
    entry.parts[0].change[0] ^= 1;
    entries[9] = Sealed::seal(entry).unwrap();
    let found = walk(&entries).unwrap_err();
    assert_eq!((found.replica, found.seq), (REPLICA, 11));
    assert!(matches!(found.reason, BreakReason::Altered { .. }));
}

#[test]
fn reordered_entries_are_found() {
    let mut entries = journal(20);
    entries.swap(9, 10);
    let found = walk(&entries).unwrap_err();
    assert_eq!(found.seq, 11);
    assert_eq!(
        found.reason,
        BreakReason::Missing {
            expected: 10,
            found: 11
        }
    );
}

#[test]
fn missing_and_repeated_entries_are_found() {
    let mut entries = journal(20);
    entries.remove(4);
    let found = walk(&entries).unwrap_err();
    assert_eq!(
        found.reason,
        BreakReason::Missing {
            expected: 5,
            found: 6
        }
    );
    let mut entries = journal(20);
    entries.insert(4, entries[3].clone());
    let found = walk(&entries).unwrap_err();
    assert_eq!(
        found.reason,
        BreakReason::Repeated {
            expected: 5,
            found: 4
        }
    );
}

#[test]
fn a_foreign_entry_is_found() {
    let mut entries = journal(5);
    let mut entry = entries[2].entry.clone();
    entry.replica = ReplicaId(5);
    entries[2] = Sealed::seal(entry).unwrap();
    let found = walk(&entries).unwrap_err();
    assert_eq!(
        found.reason,
        BreakReason::Foreign {
            found: ReplicaId(5)
        }
    );
    assert_ne!(
        EntryHash::genesis(REPLICA),
        EntryHash::genesis(ReplicaId(5))
    );
}

#[test]
fn a_break_leaves_the_chain_where_it_was() {
    let entries = journal(5);
    let mut chain = Chain::new(REPLICA);
    chain.next(&entries[0]).unwrap();
    assert!(chain.next(&entries[2]).is_err());
    assert_eq!(chain.head, entries[0].watermark());
    chain.next(&entries[1]).unwrap();
}
