//! Taking in journals: what is applied, what is skipped, who is refused.

use evertill_documents::create;
use evertill_domain::{Hlc, ReplicaId, Timestamp, event};
use evertill_journal::Entry;
use evertill_storage::ingest::{self, IngestError, RefusalRule, WILD_CLOCK_MS};
use evertill_storage::journal;
use evertill_storage::projection::{receipts, stock};
use evertill_storage::quarantine::{CaseKind, REFUSALS_LIMIT};

use super::world::{Forger, Hub, Random, Site, fingerprint};
use crate::ledger::world::now;

#[test]
fn what_a_store_sold_is_at_the_hub_as_at_the_store() {
    let mut site = Site::new("S001", 1);
    let sold = site.sell(&[("A", 2), ("B", 1)]);
    site.sell(&[("A", 1)]);
    let hub = Hub::new();
    let ingested = hub.take(&site.peer(), &site.frames(50)[0]).unwrap();
    assert_eq!(
        (ingested.applied, ingested.parked, ingested.duplicates),
        (3, 0, 0)
    );
    assert_eq!(
        ingested.at,
        journal::head(&site.conn, site.author.replica).unwrap()
    );
    assert_eq!(
        ingested.at,
        journal::head(&hub.conn, site.author.replica).unwrap()
    );

    let here = receipts::by_id(&hub.conn, &sold.documents[0])
        .unwrap()
        .unwrap();
    let there = receipts::by_id(&site.conn, &sold.documents[0])
        .unwrap()
        .unwrap();
    assert_eq!(here, there);
    let sku = "A".parse().unwrap();
    let figures = stock::of(&hub.conn, &site.author.location, &sku)
        .unwrap()
        .unwrap();
    assert_eq!(figures.on_hand(), -3_000);
    let (at_hub, at_site) = (fingerprint(&hub.conn), fingerprint(&site.conn));
    for table in [
        "stock",
        "day",
        "day_tax",
        "day_tender",
        "receipt",
        "document",
    ] {
        assert_eq!(at_hub[table], at_site[table], "{table}");
    }
}

#[test]
fn frames_that_come_twice_change_nothing_the_second_time() {
    let mut site = Site::new("S001", 1);
    (0..6).for_each(|_| drop(site.sell(&[("A", 1)])));
    let hub = Hub::new();
    let all = &site.frames(50)[0];
    let some = &site.frames(4)[0];
    hub.take(&site.peer(), some).unwrap();
    let ingested = hub.take(&site.peer(), all).unwrap();
    assert_eq!((ingested.duplicates, ingested.applied), (4, 3));
    let before = fingerprint(&hub.conn);
    for frame in [all, some, &site.frames(4)[1]] {
        let again = hub.take(&site.peer(), frame).unwrap();
        assert_eq!((again.applied, again.parked), (0, 0));
        assert_eq!(again.at.seq, 7);
    }
    assert_eq!(fingerprint(&hub.conn), before);
}

#[test]
fn any_order_and_grouping_of_stores_gives_the_same_tables() {
    let mut sites = Vec::new();
    for id in 1..=3 {
        let mut site = Site::new(&format!("S00{id}"), id);
        for sale in 0..12 {
            site.sell(&[("A", 1 + sale % 3), ("B", 2)]);
        }
        sites.push(site);
    }
    let mut expected = None;
    for seed in 1..=20_u64 {
        let mut random = Random(seed * 0x9e37_79b9);
        let hub = Hub::new();
        let mut queues: Vec<_> = sites
            .iter()
            .map(|site| {
                let frames = site.frames(1 + random.below(5));
                (
                    site.peer(),
                    frames
                        .into_iter()
                        .collect::<std::collections::VecDeque<_>>(),
                )
            })
            .collect();
        while queues.iter().any(|(_, frames)| !frames.is_empty()) {
            let mut group = Vec::new();
            for _ in 0..=random.below(4) {
                let at = random.below(queues.len());
                let (peer, frames) = &mut queues[at];
                // Sometimes a frame is lost on the way back and comes again.
                let Some(frame) = frames.front().cloned() else {
                    continue;
                };
                if random.below(4) > 0 {
                    frames.pop_front();
                }
                group.push((peer.clone(), frame));
            }
            let group: Vec<_> = group.iter().map(|(peer, frame)| (peer, frame)).collect();
            for result in ingest::group(&hub.conn, &group, now()).unwrap() {
                result.unwrap();
            }
        }
        assert!(hub.cases().is_empty());
        let found = fingerprint(&hub.conn);
        assert_eq!(*expected.get_or_insert(found.clone()), found, "seed {seed}");
    }
}

#[test]
fn a_gap_is_refused_without_stopping_the_journal() {
    let mut site = Site::new("S001", 1);
    (0..5).for_each(|_| drop(site.sell(&[("A", 1)])));
    let hub = Hub::new();
    let frames = site.frames(2);
    let refusal = hub.refused(&site.peer(), &frames[1]);
    assert_eq!((refusal.rule, refusal.seq), (RefusalRule::Frame, 1));
    let case = hub.case();
    assert_eq!(
        (case.kind, case.rule.as_str()),
        (CaseKind::Replica, "frame")
    );
    hub.refused(&site.peer(), &frames[1]);
    assert_eq!(hub.cases().len(), 1, "one case for one fault");
    for frame in &frames {
        hub.take(&site.peer(), frame).unwrap();
    }
    assert_eq!(hub.receipts(), 5);
}

#[test]
fn two_histories_of_one_journal_stop_it_and_nobody_else() {
    let mut honest = Forger::new("S001", 1);
    honest.sell(1, &[("A", 1)]);
    let mut fork = Forger::new("S001", 1);
    fork.sell(1, &[("B", 1)]);
    fork.sell(2, &[("B", 1)]);
    let mut other = Site::new("S002", 2);
    other.sell(&[("A", 1)]);

    let hub = Hub::new();
    hub.take(&honest.peer, &honest.frame()).unwrap();
    let (fork_frame, other_frame) = (fork.frame(), other.frames(50).remove(0));
    let results = ingest::group(
        &hub.conn,
        &[(&fork.peer, &fork_frame), (&other.peer(), &other_frame)],
        now(),
    )
    .unwrap();
    let [Err(IngestError::Refused(refusal)), Ok(taken)] = results.as_slice() else {
        panic!("{results:?}");
    };
    assert_eq!((refusal.rule, refusal.seq), (RefusalRule::Chain, 2));
    assert_eq!(taken.applied, 2);
    let state = journal::state(&hub.conn, honest.replica).unwrap().unwrap();
    assert!(state.stopped && state.head == honest.head());
    assert_eq!(hub.case().rule, "chain");

    // Nothing more of it is taken, not even what would continue the old history.
    honest.sell(2, &[("A", 1)]);
    let refusal = hub.refused(&honest.peer, &honest.frame_after(2));
    assert_eq!(refusal.rule, RefusalRule::Stopped);
    assert_eq!(hub.cases().len(), 1);
}

#[test]
fn the_same_fork_is_found_when_it_starts_beyond_the_head() {
    let mut honest = Forger::new("S001", 1);
    honest.sell(1, &[("A", 1)]);
    let mut fork = Forger::new("S001", 1);
    fork.sell(1, &[("B", 1)]);
    fork.sell(2, &[("B", 1)]);
    let hub = Hub::new();
    hub.take(&honest.peer, &honest.frame()).unwrap();
    // A short form is rebuilt upon the head held here, so it comes out as
    // another entry than was sent; a verbatim one names its predecessor.
    let refusal = hub.refused(&fork.peer, &fork.frame_after(2));
    assert!(
        matches!(refusal.rule, RefusalRule::Frame | RefusalRule::Chain),
        "{refusal}"
    );
    assert_eq!(hub.head(honest.replica), 2);
}

#[test]
fn nobody_continues_the_journal_of_another_machine() {
    let mut owner = Forger::new("S001", 1);
    owner.sell(1, &[("A", 1)]);
    let hub = Hub::new();
    hub.take(&owner.peer, &owner.frame()).unwrap();
    owner.sell(2, &[("A", 1)]);
    let thief = Forger::new("S002", 2).peer;
    let refusal = hub.refused(&thief, &owner.frame_after(2));
    assert_eq!(refusal.rule, RefusalRule::Owner);
    let case = hub.case();
    assert_eq!(
        (case.rule.as_str(), case.location.as_str()),
        ("owner", "S002")
    );
    assert!(case.reason.contains("S001"), "{}", case.reason);
    let state = journal::state(&hub.conn, owner.replica).unwrap().unwrap();
    assert!(!state.stopped, "the owner is not to blame");
    hub.take(&owner.peer, &owner.frame_after(2)).unwrap();
    assert_eq!(hub.receipts(), 2);
}

#[test]
fn a_wild_clock_is_accepted_and_not_merged() {
    let clock = |hub: &Hub| -> u64 {
        let read = |row: &evertill_storage::rusqlite::Row<'_>| row.get::<_, i64>(0);
        let hlc = hub
            .conn
            .query_row("SELECT hlc FROM local", [], read)
            .unwrap();
        hlc.cast_unsigned()
    };
    let ahead = |ms: u64| {
        Hlc::at(Timestamp::from_millis(
            now().as_millis() + i64::try_from(ms).unwrap(),
        ))
    };
    let hub = Hub::new();
    let mut near = Forger::new("S001", 1);
    near.hlc = ahead(WILD_CLOCK_MS - 1_000);
    near.sell(1, &[("A", 1)]);
    let ingested = hub.take(&near.peer, &near.frame()).unwrap();
    assert_eq!(ingested.wild_clock, None);
    assert_eq!(clock(&hub), near.hlc.0);

    let mut wild = Forger::new("S002", 2);
    wild.hlc = ahead(WILD_CLOCK_MS * 100);
    wild.sell(1, &[("A", 1)]);
    let ingested = hub.take(&wild.peer, &wild.frame()).unwrap();
    assert_eq!(ingested.applied, 2);
    assert_eq!(ingested.wild_clock, Some((2, wild.hlc)));
    assert_eq!(clock(&hub), near.hlc.0);
}

#[test]
fn what_is_written_again_counts_once_and_a_rebuild_agrees() {
    // A journal that carries its own sale a second time, as one does that was
    // written again after a restore, adds nothing; so does its rebuild.
    let mut forger = Forger::new("S001", 1);
    let part = forger.sell(1, &[("A", 1)]);
    let mut again = Entry::after(forger.replica, &forger.head(), forger.hlc);
    again.reissue = Some((forger.replica, 2));
    again.parts = vec![part];
    forger.seal(again);
    let hub = Hub::new();
    let ingested = hub.take(&forger.peer, &forger.frame()).unwrap();
    assert_eq!(
        (ingested.applied, ingested.parked),
        (3, 0),
        "{:?}",
        hub.cases()
    );
    assert_eq!(hub.receipts(), 1);
    fingerprint(&hub.conn);
}

#[test]
fn what_is_written_again_is_listed_once() {
    // Of the entry that is written again, one sale is held here and one is not.
    let mut forger = Forger::new("S001", 1);
    let held = forger.sell(1, &[("A", 1)]);
    let lost = event::encode(&forger.receipt(2, &[("A", 1)]));
    let mut again = Entry::after(forger.replica, &forger.head(), forger.hlc);
    again.reissue = Some((forger.replica, 2));
    again.parts = vec![held, create(&forger.actor, 2, 1, &[lost])];
    forger.seal(again);
    let hub = Hub::new();
    hub.take(&forger.peer, &forger.frame()).unwrap();
    assert!(hub.cases().is_empty(), "{:?}", hub.cases());
    for location in [None, Some(&forger.peer.location)] {
        let page = receipts::page(&hub.conn, location, None, 10).unwrap();
        let listed = page.iter().map(|(_, found)| found.receipt.number.seq);
        assert_eq!(listed.collect::<Vec<_>>(), [1, 2]);
    }
    fingerprint(&hub.conn);
}

#[test]
fn a_machine_that_invents_journals_fills_no_disk() {
    let hub = Hub::new();
    let site = Site::new("S001", 1);
    let mut frame = site.frames(50).remove(0);
    for replica in 0..300 {
        frame.replica = ReplicaId(1_000 + replica);
        assert_eq!(hub.refused(&site.peer(), &frame).rule, RefusalRule::Frame);
    }
    assert_eq!(hub.cases().len(), REFUSALS_LIMIT as usize);
    // Others are not silenced by it, and its own journal is taken.
    hub.refused(&Site::new("S002", 2).peer(), &frame);
    assert_eq!(hub.cases().len(), REFUSALS_LIMIT as usize + 1);
    hub.take_all(&site);
}
