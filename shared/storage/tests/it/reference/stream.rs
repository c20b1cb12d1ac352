//! Snapshots, deltas, tombstones, cursors and changes of hub.

use evertill_domain::Location;
use evertill_storage::Role;
use evertill_storage::reference::{Cursor, Kind, Page, ReferenceError, Row, View};

use super::*;

#[test]
fn a_snapshot_arrives_in_pages_and_is_invisible_until_complete() {
    let (hub, node) = (Bench::hub(), Bench::node());
    put(&hub.store, (0..500).map(product));
    let mut pages = 0;
    while !pull_one(&hub.store, &node.store, PAGE) {
        pages += 1;
        assert_eq!(all(&node.store).1, []);
        assert!(node.store.position_blocking().unwrap().cursor.is_some());
    }
    assert!(pages > 3, "{pages}");
    assert_same(&hub.store, &node.store);
    assert_eq!(all(&node.store).1.len(), 500);
}

#[test]
fn a_delta_carries_changes_and_tombstones_only() {
    let (hub, node) = (Bench::hub(), Bench::node());
    put(&hub.store, (0..300).map(product));
    pull(&hub.store, &node.store, PAGE);
    let mut dearer = product(7);
    dearer.price = Some(price(12_345));
    hub.store
        .batch_blocking(None, |batch| {
            batch.put_product(&dearer)?;
            batch.remove_product(&sku(8))?;
            batch.put_product(&product(1_000))?;
            Ok::<_, ReferenceError>(())
        })
        .unwrap();
    let page = hub
        .store
        .page_after_blocking(&node.store.position_blocking().unwrap(), PAGE)
        .unwrap();
    assert_eq!((page.rows.len(), page.complete), (3, Some(2)));
    assert_eq!(
        page.rows.iter().filter(|row| row.payload.is_none()).count(),
        1
    );
    pull(&hub.store, &node.store, PAGE);
    assert_same(&hub.store, &node.store);
    let read = node.store.read_blocking(|view| {
        assert_eq!(view.product(&sku(8))?, None);
        assert_eq!(view.by_barcode(gtin(8).as_str())?, None);
        assert_eq!(view.by_barcode(gtin(7).as_str())?, Some(dearer.clone()));
        view.count_products()
    });
    assert_eq!(read.unwrap(), 300);
}

#[test]
fn a_long_delta_is_swapped_in_at_once() {
    let (hub, node) = (Bench::hub(), Bench::node());
    put(&hub.store, (0..300).map(product));
    pull(&hub.store, &node.store, PAGE);
    let before = all(&node.store);
    put(
        &hub.store,
        (0..300).map(|number| Product {
            name: format!("renamed {number}"),
            ..product(number)
        }),
    );
    let mut pages = 0;
    while !pull_one(&hub.store, &node.store, PAGE) {
        pages += 1;
        assert_eq!(all(&node.store), before);
    }
    assert!(pages > 2, "{pages}");
    assert_same(&hub.store, &node.store);
}

#[test]
fn what_changes_while_pages_are_read_is_in_the_set_that_completes() {
    let (hub, node) = (Bench::hub(), Bench::node());
    put(&hub.store, (0..400).map(product));
    for step in 0.. {
        if pull_one(&hub.store, &node.store, PAGE) {
            break;
        }
        if step < 3 {
            // One row already sent changes, one not yet sent disappears, one
            // is new and one passes its barcode on.
            let (first, second) = (product(step), product(step + 300));
            let swapped = Product {
                barcodes: second.barcodes.clone(),
                ..first.clone()
            };
            hub.store
                .batch_blocking(None, |batch| {
                    batch.put_product(&swapped)?;
                    batch.remove_product(&second.sku)?;
                    batch.put_product(&product(2_000 + step))?;
                    Ok::<_, ReferenceError>(())
                })
                .unwrap();
        }
    }
    assert_same(&hub.store, &node.store);
    assert_eq!(all(&node.store).0.version, 4);
}

#[test]
fn another_hub_or_a_restored_one_forces_a_snapshot() {
    let (hub, node) = (Bench::hub(), Bench::node());
    put(&hub.store, (0..50).map(product));
    pull(&hub.store, &node.store, PAGE);
    hub.store.renew().unwrap();
    put(&hub.store, [product(60)]);
    let page = hub
        .store
        .page_after_blocking(&node.store.position_blocking().unwrap(), PAGE)
        .unwrap();
    assert_eq!(page.base, 0);
    pull(&hub.store, &node.store, PAGE);
    assert_same(&hub.store, &node.store);

    // A hub that came back with an older file under its old id.
    let ahead = Position {
        version: 99,
        ..node.store.position_blocking().unwrap()
    };
    let page = hub.store.page_after_blocking(&ahead, PAGE).unwrap();
    assert_eq!((page.base, page.after), (0, None));

    // A node half way through a snapshot of a hub that is replaced.
    let (other, half) = (Bench::hub(), Bench::node());
    put(&hub.store, (0..400).map(product));
    put(&other.store, (100..130).map(product));
    assert!(!pull_one(&hub.store, &half.store, PAGE));
    pull(&other.store, &half.store, PAGE);
    assert_same(&other.store, &half.store);
}

#[test]
fn a_fetch_resumes_after_a_restart_and_does_not_start_again() {
    let hub = Bench::hub();
    let mut node = Bench::node();
    put(&hub.store, (0..400).map(product));
    let mut steps = 0;
    while !pull_one(&hub.store, &node.store, PAGE) {
        let before = node.store.position_blocking().unwrap();
        node = node.reopen(Role::Node);
        assert_eq!(node.store.position_blocking().unwrap(), before);
        steps += 1;
    }
    assert!(steps > 3);
    let node = node.reopen(Role::Node);
    assert_same(&hub.store, &node.store);
    assert_eq!(node.store.live(), all(&hub.store).0);
}

#[test]
fn a_page_that_does_not_continue_changes_nothing() {
    let (hub, node) = (Bench::hub(), Bench::node());
    put(&hub.store, (0..400).map(product));
    let first = hub
        .store
        .page_after_blocking(&Position::default(), PAGE)
        .unwrap();
    let second = hub.store.page_after_blocking(&first.to(), PAGE).unwrap();
    let gap = node.store.stage_blocking(&second).unwrap_err();
    assert!(matches!(gap, ReferenceError::Gap { .. }), "{gap}");
    node.store.stage_blocking(&first).unwrap();
    node.store.stage_blocking(&second).unwrap();
    let twice = node.store.stage_blocking(&second).unwrap_err();
    assert!(matches!(twice, ReferenceError::Gap { .. }), "{twice}");
    // The first page again starts again, as after a change of hub.
    node.store.stage_blocking(&first).unwrap();
    pull(&hub.store, &node.store, PAGE);
    assert_same(&hub.store, &node.store);
    let foreign = Page {
        hub: 7,
        base: 1,
        after: None,
        rows: vec![],
        next: None,
        complete: Some(2),
    };
    assert!(node.store.stage_blocking(&foreign).is_err());
    assert_same(&hub.store, &node.store);
}

#[test]
fn a_batch_without_changes_keeps_the_version() {
    let hub = Bench::hub();
    assert_eq!(put(&hub.store, (0..10).map(product)), 1);
    assert_eq!(put(&hub.store, (0..10).map(product)), 1);
    assert_eq!(put(&hub.store, (0..11).map(product)), 2);
    let page = hub
        .store
        .page_after_blocking(
            &Position {
                version: 1,
                ..hub.store.live()
            },
            PAGE,
        )
        .unwrap();
    assert_eq!(page.rows.len(), 1);
}

#[test]
fn a_refused_batch_leaves_nothing_and_readers_see_none_of_it() {
    let hub = Bench::hub();
    put(&hub.store, [product(1)]);
    let taken = hub
        .store
        .batch_blocking(None, |batch| {
            batch.put_product(&product(5))?;
            batch.put_product(&Product {
                barcodes: vec![gtin(1)],
                ..product(2)
            })?;
            Ok::<_, ReferenceError>(())
        })
        .unwrap_err();
    let text = taken.to_string();
    assert!(
        text.contains("1000001") && text.contains("1000002"),
        "{text}"
    );
    assert_eq!(all(&hub.store).1, [product(1)]);
    // A barcode may pass on within one batch, whichever row comes first.
    let heir = Product {
        barcodes: vec![gtin(1)],
        ..product(2)
    };
    let bare = Product {
        barcodes: vec![],
        ..product(1)
    };
    put(&hub.store, [heir.clone(), bare]);
    let found = hub
        .store
        .read_blocking(|view| view.by_barcode(gtin(1).as_str()));
    assert_eq!(found.unwrap(), Some(heir));

    let moved = hub
        .store
        .batch_blocking(Some(1), |_| Ok::<_, ReferenceError>(()))
        .unwrap_err();
    assert!(matches!(
        moved,
        ReferenceError::Moved {
            expected: 1,
            found: 2
        }
    ));

    let store = hub.store.clone();
    let panicked = std::panic::catch_unwind(move || {
        let _ = store.batch_blocking(None, |batch| {
            batch.put_product(&product(9))?;
            assert!(batch.version() > 100, "stop here");
            Ok::<_, ReferenceError>(())
        });
    });
    assert!(panicked.is_err());
    assert_eq!(put(&hub.store, [product(10)]), 3);
    assert_eq!(all(&hub.store).1.len(), 3);
}

#[test]
fn each_side_keeps_to_its_role() {
    let (hub, node) = (Bench::hub(), Bench::node());
    let page = hub
        .store
        .page_after_blocking(&Position::default(), PAGE)
        .unwrap();
    assert!(hub.store.stage_blocking(&page).is_err());
    assert!(node.store.renew().is_err());
    let wrote = node
        .store
        .batch_blocking(None, |_| Ok::<_, ReferenceError>(()));
    assert!(wrote.unwrap_err().to_string().contains("only a hub"));
}

#[test]
fn rows_and_kinds_of_a_newer_hub_are_kept() {
    let node = Bench::node();
    let newer = |kind, key: &str, payload: &[u8]| Row {
        kind,
        key: key.to_owned(),
        version: 1,
        payload: Some(payload.to_vec()),
    };
    // An array of layout 9, and a kind that does not exist yet.
    let rows = vec![
        newer(Kind::PRODUCT, "A", &[0x81, 0x09]),
        newer(Kind::new(77), "x", b"anything"),
    ];
    let next = Some(Cursor {
        version: 1,
        kind: Kind::new(77),
        key: "x".to_owned(),
    });
    let page = Page {
        hub: 3,
        base: 0,
        after: None,
        rows,
        next,
        complete: Some(1),
    };
    let page = Page::decode(&page.encode().unwrap()).unwrap();
    node.store.stage_blocking(&page).unwrap();
    let error = node
        .store
        .read_blocking(|view| view.product(&"A".parse().unwrap()))
        .unwrap_err();
    assert!(
        matches!(error, ReferenceError::Unreadable { .. }),
        "{error}"
    );
    assert_eq!(node.store.live().version, 1);
}

#[test]
fn hostile_pages_are_refused() {
    assert!(Page::decode(b"").is_err());
    assert!(Page::decode(&[0x82, 0x1a, 0xff, 0xff, 0xff, 0xff, 0x41, 0x00]).is_err());
    let row = |key: &str| Row {
        kind: Kind::PRODUCT,
        key: key.to_owned(),
        version: 1,
        payload: None,
    };
    let good = Page {
        hub: 1,
        base: 0,
        after: None,
        rows: vec![row("a"), row("b")],
        next: Some(row("b").cursor()),
        complete: None,
    };
    let refused = |page: &Page| Page::decode(&page.encode().unwrap()).is_err();
    assert!(!refused(&good));
    let mut page = good.clone();
    page.rows.swap(0, 1);
    assert!(refused(&page));
    let mut page = good.clone();
    page.next = Some(row("a").cursor());
    assert!(refused(&page));
    let mut page = good.clone();
    page.base = 1;
    assert!(refused(&page));
    let mut page = good;
    page.complete = Some(0);
    assert!(refused(&page));
}

#[test]
fn an_unlisted_location_has_defaults() {
    let (hub, node) = (Bench::hub(), Bench::node());
    let id: evertill_domain::LocationId = "S009".parse().unwrap();
    let read = |store: &ReferenceStore| -> (Location, Option<Location>) {
        store
            .read_blocking(|view| {
                Ok::<_, ReferenceError>((view.location(&id)?, view.listed_location(&id)?))
            })
            .unwrap()
    };
    let (unlisted, listed) = read(&hub.store);
    assert_eq!((unlisted.currency, listed), (Currency::USD, None));
    let priced = Product {
        price: Some(Money::new(500, Currency::EUR).unwrap()),
        ..product(1)
    };
    put(&hub.store, [priced]);
    let (unlisted, _) = read(&hub.store);
    assert_eq!(unlisted.currency, Currency::EUR);
    assert_eq!(
        (unlisted.name.as_str(), unlisted.time_zone.as_str()),
        ("S009", "UTC")
    );

    let mut given = unlisted;
    given.name = "High Street".to_owned();
    given.latitude = Some("52.5".parse().unwrap());
    given.pick_capacity = Some(40);
    given.time_zone = "Europe/Berlin".parse().unwrap();
    hub.store
        .batch_blocking(None, |batch| batch.put_location(&given))
        .unwrap();
    pull(&hub.store, &node.store, PAGE);
    assert_eq!(read(&node.store), (given.clone(), Some(given.clone())));
    let listed = node.store.read_blocking(View::locations).unwrap();
    assert_eq!(listed, [given]);
    hub.store
        .batch_blocking(None, |batch| batch.remove_location(&id))
        .unwrap();
    pull(&hub.store, &node.store, PAGE);
    assert_eq!(read(&node.store).1, None);
}

#[test]
fn a_full_product_survives_the_trip() {
    let (hub, node) = (Bench::hub(), Bench::node());
    let mut full = product(1);
    full.category = "CHEESE".to_owned();
    full.cost = Some(Money::new(70, Currency::EUR).unwrap());
    full.unit = "kg".parse().unwrap();
    full.tax_class = "reduced".parse().unwrap();
    full.barcodes = vec![gtin(1), "CODE-128 text".parse().unwrap()];
    full.minimum_age = Some(18);
    full.parent = Some(sku(2));
    full.attributes = [("size".to_owned(), "XL".to_owned())].into();
    full.net_content = Some(evertill_domain::Quantity::from_thousandths(1_500).unwrap());
    full.net_unit = Some("l".parse().unwrap());
    full.pack_quantity = Some(evertill_domain::Quantity::from_thousandths(24_000).unwrap());
    let free = Product {
        price: None,
        barcodes: vec![],
        ..product(3)
    };
    put(&hub.store, [full.clone(), free.clone()]);
    pull(&hub.store, &node.store, PAGE);
    assert_eq!(all(&node.store).1, [full.clone(), free]);
    let by_text = node
        .store
        .read_blocking(|view| view.by_barcode("CODE-128 text"));
    assert_eq!(by_text.unwrap(), Some(full));
}

#[tokio::test]
async fn changes_tell_when_a_new_set_is_live() {
    let (hub, node) = (Bench::hub(), Bench::node());
    let mut changes = node.store.changes();
    assert!(!changes.has_changed().unwrap());
    hub.store
        .batch(None, |batch| batch.put_product(&product(1)))
        .await
        .unwrap();
    let page = hub
        .store
        .page_after(node.store.position().await.unwrap(), PAGE)
        .await
        .unwrap();
    node.store.stage(page).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(*changes.borrow_and_update(), hub.store.live());
    let found = node.store.read(|view| view.product(&sku(1))).await.unwrap();
    assert_eq!(found, Some(product(1)));
}
