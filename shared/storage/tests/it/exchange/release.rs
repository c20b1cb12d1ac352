//! The ways out of quarantine, and what it must not touch.

use evertill_domain::{Event, event};
use evertill_storage::ingest::RefusalRule;
use evertill_storage::projection::documents;
use evertill_storage::quarantine::{self, CaseState, SettleError};

use super::events::{extend, posted, request};
use super::quarantine::parks;
use super::world::{Forger, Hub, Random, Site, fingerprint};
use crate::ledger::world::now;

/// A hub with a count request, parked because its document came with a bad
/// part; two stores' entries wait for it.
fn chain_of_waiting() -> (Hub, Forger, Forger) {
    let hub = Hub::new();
    let mut forger = Forger::new("S001", 1);
    let opening = forger.open(&[request("S001", "A", 5)]);
    let first = extend(&mut forger, &[&opening], &posted("S001", "A", 5, 1));
    let mut second = Forger::new("S001", 2);
    extend(&mut second, &[&opening, &first], &posted("S001", "A", 7, 5));
    (hub, forger, second)
}

#[test]
fn what_waits_for_a_document_applies_when_it_arrives() {
    let (hub, first, second) = chain_of_waiting();
    let ingested = hub.take(&second.peer, &second.frame()).unwrap();
    assert_eq!((ingested.applied, ingested.parked), (1, 1));
    let case = hub.case();
    assert_eq!(case.rule, "gate.history");
    assert_eq!(
        case.waits_for,
        Some(first.entries[1].entry.parts[0].document)
    );

    let ingested = hub.take(&first.peer, &first.frame()).unwrap();
    assert_eq!((ingested.applied, ingested.released), (3, 1));
    let case = quarantine::find(&hub.conn, case.id).unwrap().unwrap();
    assert_eq!(
        (case.state, case.resolved_by.as_deref()),
        (CaseState::Released, Some("arrival"))
    );

    let straight = Hub::new();
    straight.take(&first.peer, &first.frame()).unwrap();
    straight.take(&second.peer, &second.frame()).unwrap();
    assert_eq!(fingerprint(&hub.conn), fingerprint(&straight.conn));
}

#[test]
fn a_retry_releases_dependants_in_order() {
    let (hub, mut first, second) = chain_of_waiting();
    // The request stands in an entry that also claims the actor of nobody: the
    // hub learns later that the journal's first start was right after all.
    let start = first.entries[0].clone();
    let squatter = start.entry.started_actor().unwrap();
    hub.conn
        .execute("INSERT INTO actor VALUES (?1, 1, 1)", [squatter.0])
        .unwrap();
    let ingested = hub.take(&first.peer, &first.frame()).unwrap();
    assert_eq!((ingested.applied, ingested.parked), (0, 3));
    hub.take(&second.peer, &second.frame()).unwrap();
    let cases: Vec<_> = hub.cases().into_iter().map(|case| case.id).collect();
    assert_eq!(cases.len(), 4);

    // Nothing has changed yet: the retry says so and changes nothing.
    let retried = quarantine::retry(&hub.conn, cases[0], "kim", now()).unwrap();
    assert!(retried.released.is_empty() && retried.still.unwrap().contains("actor"));
    assert_eq!(hub.cases().len(), 4);

    hub.conn
        .execute("DELETE FROM actor WHERE replica = 1", [])
        .unwrap();
    let retried = quarantine::retry(&hub.conn, cases[0], "kim", now()).unwrap();
    assert_eq!((retried.released, retried.more), (cases.clone(), false));
    assert!(hub.cases().is_empty());
    let orders: Vec<i64> = hub
        .conn
        .prepare("SELECT resolution FROM quarantine ORDER BY id")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(orders.is_sorted_by(|a, b| a < b), "{orders:?}");
    let straight = Hub::new();
    straight.take(&first.peer, &first.frame()).unwrap();
    straight.take(&second.peer, &second.frame()).unwrap();
    assert_eq!(fingerprint(&hub.conn), fingerprint(&straight.conn));
    first.sell(1, &[("A", 1)]);
}

#[test]
fn a_dismissed_case_stays_out_and_is_settled_once() {
    let hub = parks("gate.business", |forger| {
        forger.open_bytes(&[b"noise".to_vec()]);
    });
    let before = fingerprint(&hub.conn);
    let id = hub.case().id;
    let case = quarantine::dismiss(&hub.conn, id, "kim", now()).unwrap();
    assert_eq!(case.state, CaseState::Dismissed);
    assert_eq!(
        (case.resolved_by.as_deref(), case.resolved_at),
        (Some("kim"), Some(now()))
    );
    assert_eq!(fingerprint(&hub.conn), before);
    for again in [
        quarantine::dismiss(&hub.conn, id, "kim", now()).map(drop),
        quarantine::retry(&hub.conn, id, "kim", now()).map(drop),
    ] {
        assert!(matches!(again, Err(SettleError::Settled { .. })));
    }
    let unknown = quarantine::retry(&hub.conn, id + 1, "kim", now());
    assert!(matches!(unknown, Err(SettleError::Unknown { .. })));
}

#[test]
fn a_stopped_journal_goes_on_after_a_persons_retry() {
    let hub = Hub::new();
    let mut honest = Forger::new("S001", 1);
    honest.sell(1, &[("A", 1)]);
    let mut fork = Forger::new("S001", 1);
    fork.sell(1, &[("B", 1)]);
    hub.take(&honest.peer, &honest.frame()).unwrap();
    assert_eq!(
        hub.refused(&fork.peer, &fork.frame()).rule,
        RefusalRule::Chain
    );
    let id = hub.case().id;
    let retried = quarantine::retry(&hub.conn, id, "kim", now()).unwrap();
    assert_eq!(retried.released, [id]);
    honest.sell(2, &[("A", 1)]);
    hub.take(&honest.peer, &honest.frame_after(2)).unwrap();
    assert_eq!(hub.receipts(), 2);
    // The fork is found again, and stops it again.
    assert_eq!(
        hub.refused(&fork.peer, &fork.frame()).rule,
        RefusalRule::Chain
    );
}

#[test]
fn cases_are_listed_page_by_page() {
    let hub = Hub::new();
    let mut forger = Forger::new("S001", 1);
    for _ in 0..7 {
        forger.open_bytes(&[b"noise".to_vec()]);
    }
    hub.take(&forger.peer, &forger.frame()).unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = quarantine::page(&hub.conn, Some(CaseState::Open), after, 3).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|case| case.seq));
    }
    assert_eq!(seen, (2..=8).collect::<Vec<_>>());
    assert_eq!(quarantine::open_cases(&hub.conn).unwrap(), 7);
    assert!(
        quarantine::page(&hub.conn, Some(CaseState::Released), None, 3)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn an_event_of_a_later_release_is_kept_and_moves_nothing() {
    let hub = Hub::new();
    let mut forger = Forger::new("S001", 1);
    // [4711, ["new"]]
    let later = vec![0x82, 0x19, 0x12, 0x67, 0x81, 0x63, b'n', b'e', b'w'];
    assert_eq!(
        event::decode(&later).unwrap(),
        Event::Unknown { kind: 4711 }
    );
    let part = forger.open_bytes(std::slice::from_ref(&later));
    let ingested = hub.take(&forger.peer, &forger.frame()).unwrap();
    assert_eq!((ingested.applied, ingested.parked), (2, 0));
    let document = documents::load(&hub.conn, &part.document).unwrap().unwrap();
    assert_eq!(document.events().into_values().collect::<Vec<_>>(), [later]);
}

#[test]
fn permutations_of_what_depends_on_each_other_give_the_same_tables() {
    // One journal opens documents, two others extend them, each frame a single
    // entry: whatever comes first, the tables end up the same.
    let mut opener = Forger::new("S001", 1);
    let mut writers = [Forger::new("S001", 2), Forger::new("S001", 3)];
    for _ in 0..4 {
        let opening = opener.open(&[request("S001", "A", 5)]);
        let mut changes = vec![opening];
        for writer in &mut writers {
            let known: Vec<_> = changes.iter().collect();
            let part = extend(writer, &known, &posted("S001", "A", 5, 4));
            changes.push(part);
        }
    }
    let [two, three] = writers;
    let all = [opener, two, three];
    let mut expected = None;
    for seed in 1..=40_u64 {
        let mut random = Random(seed * 0x9e37_79b9);
        let hub = Hub::new();
        let mut sent = [0; 3];
        while sent
            .iter()
            .zip(&all)
            .any(|(sent, forger)| *sent < forger.entries.len())
        {
            let at = random.below(3);
            if sent[at] < all[at].entries.len() {
                let size = 1 + random.below(3);
                let mut frame = all[at].frame_after(sent[at]);
                if (frame.count as usize) > size {
                    let mut short = Forger::silent("S001", 9);
                    short.replica = all[at].replica;
                    short.entries = all[at].entries[..sent[at] + size].to_vec();
                    frame = short.frame_after(sent[at]);
                }
                sent[at] += frame.count as usize;
                hub.take(&all[at].peer, &frame).unwrap();
            }
        }
        assert!(hub.cases().is_empty(), "seed {seed}: {:?}", hub.cases());
        let found = fingerprint(&hub.conn);
        assert_eq!(*expected.get_or_insert(found.clone()), found, "seed {seed}");
    }
}

#[test]
fn a_store_is_not_delayed_by_the_quarantine_of_another() {
    let hub = Hub::new();
    let mut bad = Forger::new("S001", 1);
    for _ in 0..100 {
        bad.open_bytes(&[b"noise".to_vec()]);
    }
    let mut good = Site::new("S002", 2);
    good.sell(&[("A", 1)]);
    hub.take(&bad.peer, &bad.frame()).unwrap();
    hub.take_all(&good);
    assert_eq!((hub.receipts(), hub.cases().len()), (1, 100));
}
