//! Orders as documents: what the gate lets in, and what two writers make of one
//! that neither had whole.

use evertill_documents::gate::{Expected, GateRule, Limits, check};
use evertill_documents::{ChangeInfo, Document, append, create};
use evertill_domain::fold::{Placed, State, fold};
use evertill_domain::order::{OrderState, OrderStatus};
use evertill_domain::{DocumentKind, EventKey, Hlc};

use crate::support::{actor, golden, opening};

/// The order of version 1, opened by actor 1 in entry 7 with a hold.
fn opened() -> (Vec<u8>, Document) {
    let events = [golden("order-placed"), golden("order-hold-placed")];
    let part = create(&actor(1), 7, 0, &events);
    let document = Document::load(part.document, [&part.change]).unwrap();
    (part.change, document)
}

fn state(document: &Document) -> OrderState {
    let events = document.events();
    let placed = events.iter().map(|(key, bytes)| Placed {
        key: *key,
        hlc: Hlc(key.seq),
        parents: Vec::new(),
        bytes,
    });
    let State::Order(state) = fold(placed).state else {
        panic!("it is an order");
    };
    *state
}

#[test]
fn an_order_is_opened_once_and_goes_on_as_one() {
    let (change, document) = opened();
    assert_eq!(evertill_documents::kind(&change), Ok(DocumentKind::Order));
    let gated = check(&change, &opening(actor(1), &[]), &Limits::default()).unwrap();
    assert_eq!(gated.decoded.len(), 2);
    let known: &[ChangeInfo] = document.changes_info();
    let judged = |events: &[Vec<u8>], kind| {
        let part = append(&document, &actor(2), 7, 0, events);
        let expected = Expected {
            document: part.document,
            kind: Some(kind),
            ..opening(actor(2), known)
        };
        check(&part.change, &expected, &Limits::default()).map_err(|rejection| {
            assert_eq!(rejection.rule, GateRule::Business);
            rejection.detail
        })
    };
    let steps = vec![golden("order-pickup"); 3];
    assert_eq!(
        judged(&steps, DocumentKind::Order).unwrap().decoded.len(),
        3
    );
    judged(&steps, DocumentKind::Unknown).unwrap();
    for kind in [
        DocumentKind::Receipt,
        DocumentKind::Movements,
        DocumentKind::Count,
    ] {
        let why = judged(&steps, kind).unwrap_err();
        assert!(
            why.contains("goes on with an order in a document that is none"),
            "{why}"
        );
    }
    let again = judged(&[golden("order-placed")], DocumentKind::Order).unwrap_err();
    assert!(again.contains("opens a document that is open"), "{again}");
    let count = judged(&[golden("count-posted")], DocumentKind::Order).unwrap_err();
    assert!(
        count.contains("posts a count in a document that is none"),
        "{count}"
    );
    let alone = create(&actor(1), 7, 0, &[golden("order-promised")]);
    let expected = opening(actor(1), &[]);
    let refused = check(&alone.change, &expected, &Limits::default()).unwrap_err();
    assert!(
        refused.detail.contains("nothing opened"),
        "{}",
        refused.detail
    );
}

#[test]
fn two_writers_merge_into_one_order() {
    let (change, document) = opened();
    let one = append(&document, &actor(1), 8, 0, &[golden("order-promised")]);
    let two = append(&document, &actor(2), 3, 0, &[golden("order-line-changed")]);
    let forth = Document::load(document.id(), [&change, &one.change, &two.change]).unwrap();
    let back = Document::load(document.id(), [&two.change, &one.change, &change]).unwrap();
    let merged = state(&forth);
    assert_eq!(merged, state(&back));
    assert_eq!(merged.status, OrderStatus::OnHold);
    assert_eq!(
        (merged.lines[0].ordered, merged.lines[0].promised),
        (5_000, 3_000)
    );
    let last = |actor: &evertill_domain::ActorId, seq| EventKey {
        actor_prefix: actor.prefix(),
        seq,
        n: 0,
    };
    assert_eq!(merged.heads, [last(&actor(1), 8), last(&actor(2), 3)]);
}
