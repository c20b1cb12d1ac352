//! The gate: each rule alone, and their order.

use automerge::transaction::Transactable;
use automerge::{ObjType, ROOT};
use evertill_documents::gate::{Expected, GateRule, Limits, check};
use evertill_documents::{ChangeInfo, Document, append, create};
use evertill_domain::{DocumentId, Event};

use crate::support::*;

fn opened() -> Vec<u8> {
    create(&actor(1), 7, 0, &[event(1)]).change
}

#[track_caller]
fn rejected(change: &[u8], expected: &Expected<'_>) -> GateRule {
    let rejection = check(change, expected, &Limits::default()).unwrap_err();
    assert!(!rejection.detail.is_empty());
    rejection.rule
}

/// The six columns of a change with one event.
fn columns() -> Vec<(u64, Vec<u8>)> {
    let key = b"0101010101010101.7.0";
    let key = [&[0x7f, 20], key.as_slice()].concat();
    vec![
        (0x15, key),
        (0x34, vec![1]),
        (0x42, vec![0x7f, 1]),
        (0x56, vec![0x7f, 0x57]),
        (0x57, event(1)),
        (0x70, vec![0x7f, 0]),
    ]
}

fn built(columns: &[(u64, Vec<u8>)]) -> Vec<u8> {
    chunk(1, &with_columns(body_head(actor(1)), columns))
}

#[test]
fn an_opening_change_passes() {
    let gated = check(&opened(), &opening(actor(1), &[]), &Limits::default()).unwrap();
    assert_eq!(gated.events.len(), 1);
    assert_eq!(gated.events[0].0.to_string(), "0101010101010101.7.0");
    assert_eq!(gated.events[0].1, event(1));
    assert_eq!(gated.decoded, [Event::Unknown { kind: 99 }]);
    assert!(!gated.duplicate);
    // The hand-made columns of the other tests are right to begin with.
    assert_eq!(built(&columns()), opened());
}

#[test]
fn rule_1_size() {
    let change = create(&actor(1), 7, 0, &[vec![0; 300_000]]).change;
    assert_eq!(rejected(&change, &opening(actor(1), &[])), GateRule::Size);
}

#[test]
fn rule_2_documents_compressed_changes_and_bundles() {
    for kind in [0, 2, 3, 4, 255] {
        let change = chunk(kind, body(&opened()));
        assert_eq!(
            rejected(&change, &opening(actor(1), &[])),
            GateRule::ChunkType
        );
    }
    let mut document = automerge(actor(1));
    let large = [vec![7; 600]];
    commit(&mut document, actor(1), 7, 0, &large);
    let saved = document.save();
    assert_eq!(
        rejected(&saved, &opening(actor(1), &[])),
        GateRule::ChunkType
    );
    let mut change = document.get_last_local_change().unwrap().clone();
    let compressed = change.bytes().to_vec();
    assert_eq!(
        compressed[8], 2,
        "automerge compresses a change of this size"
    );
    assert_eq!(
        rejected(&compressed, &opening(actor(1), &[])),
        GateRule::ChunkType
    );
    for bytes in [&b""[..], b"junk", &opened()[1..]] {
        assert_eq!(
            rejected(bytes, &opening(actor(1), &[])),
            GateRule::ChunkType
        );
    }
}

#[test]
fn rule_3_claims_of_a_million_million_operations() {
    let mut huge = Vec::new();
    signed(&mut huge, 1_000_000_000_000);
    let run = |value: &[u8]| [huge.as_slice(), value].concat();
    let mut nulls = vec![0];
    unsigned(&mut nulls, 1_000_000_000_000);
    let mut booleans = Vec::new();
    unsigned(&mut booleans, 1_000_000_000_000);
    let mut literal = Vec::new();
    signed(&mut literal, i64::MIN);
    let claims = [
        (0x42, run(&[1])),
        (0x15, run(&[1, b'k'])),
        (0x15, nulls.clone()),
        (0x34, booleans),
        (0x13, run(&[1])),
        (0x56, run(&[0])),
        (0x70, literal),
        (0x01, nulls),
    ];
    for (specification, data) in claims {
        let change = built(&[(specification, data)]);
        assert!(change.len() <= 104, "{} bytes", change.len());
        assert_eq!(
            rejected(&change, &opening(actor(1), &[])),
            GateRule::Operations
        );
    }
}

#[test]
fn rule_3_the_104_byte_change() {
    let mut huge = Vec::new();
    signed(&mut huge, 1_000_000_000_000);
    let run = |value: u8| [huge.as_slice(), &[value]].concat();
    let mut booleans = Vec::new();
    unsigned(&mut booleans, 1_000_000_000_000);
    let columns = [
        (0x15, [huge.as_slice(), &[1, b'k']].concat()),
        (0x34, booleans.clone()),
        (0x42, run(1)),
        (0x56, run(0)),
        (0x70, run(0)),
        (0x94, booleans),
    ];
    let change = built(&columns);
    assert_eq!(change.len(), 104);
    let rejection = check(&change, &opening(actor(1), &[]), &Limits::default()).unwrap_err();
    assert_eq!(rejection.rule, GateRule::Operations);
    assert!(rejection.detail.contains("1000000000000"), "{rejection}");
}

#[test]
fn rule_3_a_compressed_column_cannot_be_counted() {
    let mut columns = columns();
    columns[4].0 |= 8;
    assert_eq!(
        rejected(&built(&columns), &opening(actor(1), &[])),
        GateRule::Operations
    );
}

#[test]
fn rule_4_wrong_checksum_cut_off_and_columns_that_disagree() {
    let expected = opening(actor(1), &[]);
    let change = opened();
    for at in [4, 5, 6, 7, change.len() - 1] {
        let mut altered = change.clone();
        altered[at] ^= 1;
        assert_eq!(rejected(&altered, &expected), GateRule::Decode);
    }
    for length in 10..change.len() {
        assert_eq!(rejected(&change[..length], &expected), GateRule::Decode);
    }
    assert_eq!(
        rejected(&[change, vec![0]].concat(), &expected),
        GateRule::Decode
    );
    let mut columns = columns();
    columns[2].1 = vec![2, 1];
    assert_eq!(rejected(&built(&columns), &expected), GateRule::Decode);
}

#[test]
fn rule_5_other_spellings() {
    let expected = opening(actor(1), &[]);
    let right = columns();
    let spell = |at: usize, data: Vec<u8>| {
        let mut columns = right.clone();
        columns[at].1 = data;
        rejected(&built(&columns), &expected)
    };
    // A run of one, an over-long count, an over-long value, an empty run.
    assert_eq!(spell(2, vec![1, 1]), GateRule::Canonical);
    assert_eq!(spell(2, vec![0xff, 0x7f, 1]), GateRule::Canonical);
    assert_eq!(spell(3, vec![0x7f, 0xd7, 0x80, 0x00]), GateRule::Canonical);
    assert_eq!(spell(1, vec![1, 0]), GateRule::Canonical);
    let mut swapped = right.clone();
    swapped.swap(1, 2);
    assert_eq!(rejected(&built(&swapped), &expected), GateRule::Canonical);
    let mut empty = right.clone();
    empty.push((0x95, Vec::new()));
    assert_eq!(rejected(&built(&empty), &expected), GateRule::Canonical);
    let mut head = body_head(actor(1));
    head.splice(18..19, [0x81, 0x00]);
    let change = chunk(1, &with_columns(head, &right));
    assert_eq!(rejected(&change, &expected), GateRule::Canonical);
}

#[test]
fn rule_6_another_actors_change() {
    let change = create(&actor(2), 7, 0, &[event(1)]).change;
    assert_eq!(rejected(&change, &opening(actor(1), &[])), GateRule::Actor);
}

/// A document of two changes by two actors, and what the gate knows of it.
fn two_writers() -> (Document, Vec<ChangeInfo>) {
    let first = create(&actor(2), 1, 0, &[event(2)]);
    let mut document = Document::load(first.document, [&first.change]).unwrap();
    let second = append(&document, &actor(1), 3, 0, &[event(3)]);
    document.apply(&second.change).unwrap();
    let known = document.changes_info().to_vec();
    (document, known)
}

#[test]
fn rule_7_history() {
    let (document, known) = two_writers();
    let expected = Expected {
        document: document.id(),
        ..opening(actor(1), &known)
    };
    let next = append(&document, &actor(1), 7, 0, &[event(4)]).change;
    assert!(check(&next, &expected, &Limits::default()).is_ok());
    let reject = |change: &[u8], known| rejected(change, &Expected { known, ..expected });
    // It extends a document that is not there, or lacks what it builds on.
    assert_eq!(reject(&next, &[]), GateRule::History);
    assert_eq!(reject(&next, &known[..1]), GateRule::History);
    // It opens a document that exists.
    assert_eq!(reject(&opened(), &known), GateRule::History);
    // It forgets its own earlier change.
    let older =
        Document::load(document.id(), [create(&actor(2), 1, 0, &[event(2)]).change]).unwrap();
    let fork = append(&older, &actor(1), 7, 0, &[event(5)]).change;
    assert_eq!(reject(&fork, &known), GateRule::History);
    // Sequence and operation numbers that do not continue: bytes 1+32+17 on.
    for at in [50, 51] {
        let mut altered = body(&next).to_vec();
        altered[at] += 1;
        assert_eq!(reject(&chunk(1, &altered), &known), GateRule::History);
    }
    // Another actor with the same prefix could overwrite keys.
    let mut twin = known.clone();
    twin[0].actor.0 = [1; 16];
    twin[0].actor.0[15] = 9;
    assert_eq!(reject(&next, &twin), GateRule::History);
}

#[test]
fn rule_7_an_opening_change_starts_at_one() {
    for at in [18, 19] {
        let mut altered = body(&opened()).to_vec();
        altered[at] += 1;
        let change = chunk(1, &altered);
        assert_eq!(
            rejected(&change, &opening(actor(1), &[])),
            GateRule::History
        );
    }
}

#[test]
fn a_change_already_held_is_a_duplicate() {
    let change = opened();
    let known = [ChangeInfo::read(&change).unwrap()];
    let gated = check(&change, &opening(actor(1), &known), &Limits::default()).unwrap();
    assert!(gated.duplicate);
}

#[test]
fn rule_8_document_keys_and_values() {
    let expected = opening(actor(1), &[]);
    let elsewhere = Expected {
        document: DocumentId::derive(&actor(1), 8, 0),
        ..expected
    };
    assert_eq!(rejected(&opened(), &elsewhere), GateRule::Shape);
    for (seq, n) in [(8, 0), (7, 1)] {
        let change = create(&actor(1), seq, n, &[event(1)]).change;
        assert_eq!(rejected(&change, &expected), GateRule::Shape);
    }
    let crowded = create(&actor(1), 7, 0, &[event(1), event(2)]).change;
    let next_part = Expected {
        n_end: 1,
        ..expected
    };
    assert_eq!(rejected(&crowded, &next_part), GateRule::Shape);
    let extra = [body(&opened()), b"extra"].concat();
    assert_eq!(rejected(&chunk(1, &extra), &expected), GateRule::Shape);
    let mut timed = body(&opened()).to_vec();
    timed[20] = 1;
    assert_eq!(rejected(&chunk(1, &timed), &expected), GateRule::Shape);
}

#[test]
fn rule_8_what_automerge_can_do_but_no_event_does() {
    let key = "0101010101010101.7.0";
    let reject = |edit: &dyn Fn(&mut automerge::AutoCommit)| {
        let mut document = automerge(actor(1));
        edit(&mut document);
        rejected(&last_change(&mut document), &opening(actor(1), &[]))
    };
    assert_eq!(
        reject(&|d| d.put(ROOT, key, "text").unwrap()),
        GateRule::Shape
    );
    assert_eq!(
        reject(&|d| d.put(ROOT, key, 7_i64).unwrap()),
        GateRule::Shape
    );
    assert_eq!(
        reject(&|d| d.put(ROOT, key, Vec::<u8>::new()).unwrap()),
        GateRule::Shape
    );
    for kind in [ObjType::Map, ObjType::List, ObjType::Text] {
        let nested = |d: &mut automerge::AutoCommit| {
            d.put_object(ROOT, key, kind).unwrap();
        };
        assert_eq!(reject(&nested), GateRule::Shape);
    }
    let nested = |d: &mut automerge::AutoCommit| {
        let map = d.put_object(ROOT, "events", ObjType::Map).unwrap();
        d.put(map, key, vec![1]).unwrap();
    };
    assert_eq!(reject(&nested), GateRule::Shape);
}

#[test]
fn what_a_later_release_wrote_comes_through_unchanged() {
    // A newer kind, and a sale with a field and an element more: body[19], event[2].
    let mut newer = golden("sale");
    let fields = newer[2] - 0x80;
    newer[0] = 0x83;
    newer[2] = 0x94;
    newer.extend(vec![0xf6; usize::from(19 - fields)]);
    newer.extend(b"dmoredmore");
    let events = [newer, event(7)];
    let part = create(&actor(1), 7, 0, &events);
    let gated = check(&part.change, &opening(actor(1), &[]), &Limits::default()).unwrap();
    let sale = evertill_domain::event::decode(&golden("sale")).unwrap();
    assert_eq!(gated.decoded, [sale, Event::Unknown { kind: 99 }]);
    // Stored, read back and sent are the bytes that came.
    let kept: Vec<Vec<u8>> = gated.events.into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(kept, events);
    assert_eq!(create(&actor(1), 7, 0, &kept).change, part.change);
    let document = Document::load(part.document, [&part.change]).unwrap();
    assert!(document.events().into_values().eq(events));
}

#[test]
fn rules_run_in_order() {
    let rules = [
        GateRule::Size,
        GateRule::ChunkType,
        GateRule::Operations,
        GateRule::Decode,
        GateRule::Canonical,
        GateRule::Actor,
        GateRule::History,
        GateRule::Shape,
        GateRule::Business,
    ];
    assert!(rules.is_sorted());
    // One change that breaks all of them, mended rule by rule.
    let limits = |bytes| Limits {
        bytes,
        ..Limits::default()
    };
    let mut all = columns();
    all[2].1 = vec![1, 1];
    all[3].1 = vec![0x7f, 0x56];
    let mut body = with_columns(body_head(actor(2)), &all);
    body[18] = 2;
    let wrong_sum = |mut change: Vec<u8>| {
        change[4] ^= 1;
        change
    };
    let expected = opening(actor(1), &[]);
    let rule = |change: &[u8], bytes| check(change, &expected, &limits(bytes)).unwrap_err().rule;
    assert_eq!(rule(&chunk(2, &body), 10), GateRule::Size);
    assert_eq!(rule(&chunk(2, &body), 999), GateRule::ChunkType);
    let mut claims = all.clone();
    claims[2].1 = vec![0xff, 0xff, 0xff, 0x07, 1];
    let claim = chunk(1, &with_columns(body_head(actor(2)), &claims));
    assert_eq!(rule(&wrong_sum(claim), 999), GateRule::Operations);
    assert_eq!(rule(&wrong_sum(chunk(1, &body)), 999), GateRule::Decode);
    assert_eq!(rule(&chunk(1, &body), 999), GateRule::Canonical);
    all[2].1 = vec![0x7f, 1];
    let mut body = with_columns(body_head(actor(2)), &all);
    body[18] = 2;
    assert_eq!(rule(&chunk(1, &body), 999), GateRule::Actor);
    let mut body = with_columns(body_head(actor(1)), &all);
    body[18] = 2;
    assert_eq!(rule(&chunk(1, &body), 999), GateRule::History);
    body[18] = 1;
    assert_eq!(rule(&chunk(1, &body), 999), GateRule::Shape);
    let mut sound = columns();
    sound[4].1 = b"hello".to_vec();
    assert_eq!(rule(&built(&sound), 999), GateRule::Business);
}
