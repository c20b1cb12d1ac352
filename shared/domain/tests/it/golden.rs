//! Events as version 1 wrote them, kept for ever: each file of bytes reads as
//! the text beside it says, and is written again as the same bytes.
//!
//! The bytes are never changed. When a later release gives a type a new field,
//! the text follows; a change of anything else is a change of history.

use evertill_domain::effects;
use evertill_domain::event::{self, Event};

macro_rules! golden {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../golden/event-", $name, ".v1.hex")),
            include_str!(concat!("../golden/event-", $name, ".v1.txt")),
        )
    };
}

const GOLDEN: [(&str, &str, &str); 23] = [
    golden!("sale"),
    golden!("return"),
    golden!("void"),
    golden!("movements"),
    golden!("count-requested"),
    golden!("count-posted"),
    golden!("order-placed"),
    golden!("order-promised"),
    golden!("order-backordered"),
    golden!("order-hold-placed"),
    golden!("order-hold-released"),
    golden!("order-payment"),
    golden!("order-cancel-requested"),
    golden!("order-line-cancelled"),
    golden!("order-line-changed"),
    golden!("order-promise-cancelled"),
    golden!("order-withdrawn"),
    golden!("order-promise-ended"),
    golden!("order-pickup"),
    golden!("order-hand-over"),
    golden!("order-fulfilment"),
    golden!("order-effect"),
    golden!("order-ruling"),
];

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

#[test]
fn version_1_is_read_and_written_as_ever() {
    for (name, hex, text) in GOLDEN {
        let event = event::decode(&bytes(hex)).unwrap();
        assert_eq!(format!("{event:#?}\n"), text, "event-{name}.v1.hex");
        assert_eq!(event::encode(&event), bytes(hex), "event-{name}.v1.hex");
    }
}

#[test]
fn a_return_and_a_void_of_version_1_undo_their_part_of_the_sale() {
    let of = |name| {
        let (_, hex, _) = GOLDEN.into_iter().find(|golden| golden.0 == name).unwrap();
        event::decode(&bytes(hex)).unwrap()
    };
    let stock = crate::stock_events::stock;
    assert!(stock(&[of("sale"), of("void")]).is_empty());
    let Event::Receipt(returned) = of("return") else {
        unreachable!()
    };
    assert_eq!(returned.lines[0].original_line, Some(2));
    assert_eq!(effects(&of("return")).stock.len(), 2);
}
