//! What `/metrics` shows to whoever looks after the store.

use std::time::{Duration, Instant};

use crate::shop::{Shop, one_milk};

#[test]
fn the_metrics_show_what_is_unsent_and_whether_the_hub_is_there() {
    let shop = Shop::open();
    shop.sell(&one_milk());
    // The next process measures right after its start, and knows no hub: three
    // starts and the sale are in its journal alone.
    let shop = shop.after_restart();
    let url = shop.url("/metrics");
    let wanted = [
        "node_unsent_entries 4",
        "node_hub_connected 0",
        "disk_free_bytes",
    ];
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let shown = evertill_support::get(&url).unwrap().body;
        match wanted.iter().find(|name| !shown.contains(**name)) {
            None => break,
            Some(name) => assert!(Instant::now() < deadline, "{name}: {shown}"),
        }
    }
}
