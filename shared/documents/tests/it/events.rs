//! The gate's last rule: the events of a change make sense together.

use evertill_documents::gate::{Expected, GateRule, Limits, check};
use evertill_documents::{ChangeInfo, Document, append, create};
use evertill_domain::{DocumentKind, Event};

use crate::support::*;

/// What the gate says about these events, opening a document or going on with
/// one of this kind.
fn judged(events: &[Vec<u8>], of: Option<DocumentKind>) -> Result<Vec<Event>, String> {
    let first = create(&actor(2), 1, 0, &[event(0)]);
    let document = Document::load(first.document, [&first.change]).unwrap();
    let known: &[ChangeInfo] = if of.is_some() {
        document.changes_info()
    } else {
        &[]
    };
    let (part, expected) = if of.is_some() {
        let part = append(&document, &actor(1), 7, 0, events);
        (part, opening(actor(1), known))
    } else {
        let part = create(&actor(1), 7, 0, events);
        (part, opening(actor(1), known))
    };
    let expected = Expected {
        document: part.document,
        kind: of,
        ..expected
    };
    match check(&part.change, &expected, &Limits::default()) {
        Ok(gated) => Ok(gated.decoded),
        Err(rejection) => {
            assert_eq!(rejection.rule, GateRule::Business);
            Err(rejection.detail)
        }
    }
}

#[track_caller]
fn unsound(events: &[&[u8]], of: Option<DocumentKind>, why: &str) {
    let events: Vec<Vec<u8>> = events.iter().map(|event| event.to_vec()).collect();
    let detail = judged(&events, of).unwrap_err();
    assert!(detail.contains(why), "{detail}");
}

#[test]
fn rule_9_every_kind_of_event_opens_or_goes_on_as_it_should() {
    for name in ["sale", "return", "void", "movements", "count-requested"] {
        let decoded = judged(&[golden(name)], None).unwrap();
        assert_eq!(evertill_domain::event::encode(&decoded[0]), golden(name));
        let kind = decoded[0].opens().unwrap();
        let opening = create(&actor(1), 7, 0, &[event(1), golden(name)]);
        assert_eq!(evertill_documents::kind(&opening.change), Ok(kind));
        for of in [kind, DocumentKind::Unknown, DocumentKind::Count] {
            unsound(&[&golden(name)], Some(of), "opens a document that is open");
        }
    }
    let posted = golden("count-posted");
    unsound(&[&posted], None, "nothing opened");
    for of in [DocumentKind::Count, DocumentKind::Unknown] {
        judged(std::slice::from_ref(&posted), Some(of)).unwrap();
    }
    for of in [DocumentKind::Receipt, DocumentKind::Movements] {
        unsound(&[&posted], Some(of), "a document that is none");
    }
    // Asked for and posted in one transaction, but never twice.
    judged(&[golden("count-requested"), posted.clone()], None).unwrap();
    unsound(
        &[&posted, &golden("count-requested")],
        None,
        "nothing opened",
    );
    let twice = [golden("count-requested"), posted.clone(), posted.clone()];
    assert!(judged(&twice, None).unwrap_err().contains("second time"));
}

#[test]
fn rule_9_a_record_is_the_only_event_of_its_document() {
    let sale = golden("sale");
    for other in ["sale", "void", "movements", "count-requested"] {
        unsound(
            &[&sale, &golden(other)],
            None,
            "opens a document that is open",
        );
    }
    unsound(
        &[&sale, &golden("count-posted")],
        None,
        "a document that is none",
    );
    let mut crowd = vec![sale];
    crowd.extend((0..15).map(event));
    assert_eq!(judged(&crowd, None).unwrap().len(), 16);
    crowd.push(event(15));
    assert!(judged(&crowd, None).unwrap_err().contains("more than 16"));
    // A count is no record: many writers may say much in one change.
    crowd[0] = golden("count-requested");
    judged(&crowd, None).unwrap();
}

#[test]
fn rule_9_events_are_read_and_unknown_kinds_pass() {
    unsound(&[b"nonsense"], None, "0101010101010101.7.0");
    let mut cut = golden("sale");
    cut.pop();
    unsound(&[&event(1), &cut], None, "0101010101010101.7.1");
    // A receipt whose figures contradict each other.
    let receipt = evertill_domain::event::decode(&golden("sale"));
    let Ok(Event::Receipt(mut receipt)) = receipt else {
        unreachable!()
    };
    receipt.rounding = receipt
        .rounding
        .checked_add(receipt.lines[0].amount)
        .unwrap();
    receipt.tenders.clear();
    receipt.change_due = receipt.rounding;
    let broken = evertill_domain::event::encode(&Event::Receipt(receipt));
    unsound(&[&broken], None, "no sound receipt");
    for of in [
        None,
        Some(DocumentKind::Receipt),
        Some(DocumentKind::Unknown),
    ] {
        assert_eq!(judged(&[event(1), event(2)], of).unwrap().len(), 2);
    }
}
