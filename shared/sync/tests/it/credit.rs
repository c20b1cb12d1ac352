//! Byte credit: a full writer stops the node, an open one always lets it on.

use evertill_sync::{CloseReason, HubInput, Message, RefusalCode};

use crate::pair::{Pair, journal};

#[test]
fn a_node_never_has_more_in_flight_than_it_was_granted() {
    let mut pair = Pair::new(journal(3_000), Vec::new());
    pair.window = 40_000;
    pair.writing = false;
    pair.connect();
    assert!(pair.hub.uncommitted_bytes() > 0);
    let mut rounds = 0;
    while pair.held.len() < 3_000 {
        assert!(pair.hub.uncommitted_bytes() <= 40_000);
        assert!(pair.write_frame(), "stuck at {} entries", pair.held.len());
        pair.settle();
        rounds += 1;
    }
    assert!(rounds > 1, "the window was never the limit");
}

#[test]
fn a_closed_window_stops_the_node_and_an_opened_one_frees_it() {
    let mut pair = Pair::new(journal(10), Vec::new());
    pair.window = 0;
    pair.connect();
    assert!(pair.held.is_empty());
    pair.hub_does(HubInput::Window { bytes: 10 });
    pair.settle();
    assert_eq!(
        pair.held.len(),
        10,
        "a frame larger than the window passes alone"
    );
}

#[test]
fn a_window_that_closes_takes_nothing_back() {
    let mut pair = Pair::new(journal(5), Vec::new());
    pair.connect();
    pair.hub_does(HubInput::Window { bytes: 0 });
    pair.sell(5);
    pair.settle();
    assert_eq!(pair.held.len(), 10, "what was granted may be used");
}

#[test]
fn a_node_that_ignores_its_credit_is_refused() {
    let mut pair = Pair::new(Vec::new(), Vec::new());
    pair.window = 100;
    pair.connect();
    pair.inject_to_hub(&Message::JournalFrame(vec![0; 200]));
    assert!(
        matches!(pair.hub_close(), Some(CloseReason::Refused(refusal))
        if refusal.code == RefusalCode::Malformed)
    );
}
