//! Imports over HTTP.

use std::fmt::Write as _;

use crate::client::{Folder, Hub, new_key};

const PRODUCTS: &str = "sku,barcode,name,department,category,price,cost,currency,tax_class,unit\n\
                        A,,Milk,DAIRY,MILK,1.61,0.90,USD,zero,each\n\
                        C,,,,,x,,USD,zero,each\n";

#[test]
fn good_rows_stay_and_refused_ones_are_said() {
    let hub = Hub::start();
    let dry = hub.post_csv("/imports/products?dry_run=true", PRODUCTS);
    assert_eq!(dry.status, 200, "{dry:?}");
    assert_eq!(dry.json()["dry_run"], true);
    let done = hub.post_csv("/imports/products", PRODUCTS).json();
    assert_eq!(
        (&done["accepted"], &done["rejected"]),
        (&1.into(), &1.into())
    );
    assert_eq!(done["rejections"][0]["line"], 3);
    assert_eq!(done["rejections"][0]["problems"][0]["field"], "name");
    let again = hub.post_csv("/imports/products", PRODUCTS).json();
    assert_eq!(again["unchanged"], 1);
}

#[test]
fn a_repeated_upload_gets_the_first_answer_and_another_file_is_refused() {
    let hub = Hub::start();
    let key = new_key();
    let send = |key: &str, text: &str| {
        let headers = [("content-type", "text/csv"), ("idempotency-key", key)];
        hub.request("POST", "/imports/products", &headers, text.as_bytes())
    };
    let first = send(&key, PRODUCTS);
    assert_eq!(send(&key, PRODUCTS).text, first.text);
    let other = PRODUCTS.replace("Milk", "Tea");
    assert_eq!(send(&key, &other).problem(422), "idempotency_key_reused");
    // Two at once under one key: one imports, both get its answer.
    let key = new_key();
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| send(&key, &other));
        let two = scope.spawn(|| send(&key, &other));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!(
        (one.status, one.json()["accepted"].as_u64()),
        (200, Some(1))
    );
    assert_eq!(one.text, two.text);
}

#[test]
fn what_is_no_import_is_refused_and_changes_nothing() {
    let hub = Hub::start();
    let send = |path: &str, kind: &str, key: &str, body: &[u8]| {
        let headers = [("content-type", kind), ("idempotency-key", key)];
        hub.request("POST", path, &headers, body)
    };
    let csv = PRODUCTS.as_bytes();
    let (path, key) = ("/imports/products", "a-key");
    assert_eq!(
        send(path, "text/csv", "", csv).problem(400),
        "idempotency_key_missing"
    );
    send(path, "application/json", key, csv).problem(415);
    send(path, "", key, csv).problem(415);
    send("/imports/customers", "text/csv", key, csv).problem(404);
    send("/imports/products?dry=1", "text/csv", key, csv).problem(400);
    send(path, "text/csv", key, b"").problem(400);
    send(path, "text/csv", key, b"\xff\xfe").problem(400);
    assert_eq!(
        send(path, "text/csv", key, b"sku\nA\n").problem(422),
        "header_invalid"
    );
    send(path, "text/csv", key, &vec![b'x'; (32 << 20) + 1]).problem(413);
    // A refused request left no trace: its key is free.
    assert_eq!(send(path, "text/csv", key, csv).status, 200);
}

#[test]
fn a_full_database_refuses_with_503_and_keeps_nothing_of_the_upload() {
    let folder = Folder::new();
    let hub = Hub::limited(folder, 1);
    let mut products = crate::imports::HEADER.to_owned();
    let mut stock = "location,sku,quantity,unit_cost\n".to_owned();
    for number in 0..3_000 {
        writeln!(products, "P{number},,Product {number},,,,,USD,zero,each").unwrap();
        for store in 0..4 {
            writeln!(stock, "S00{store},P{number},{},1.00", number + 1).unwrap();
        }
    }
    // Products have a database of their own, which has no limit.
    assert_eq!(hub.post_csv("/imports/products", &products).status, 200);
    let key = new_key();
    let headers = [
        ("content-type", "text/csv"),
        ("idempotency-key", key.as_str()),
    ];
    let full = hub.request("POST", "/imports/stock", &headers, stock.as_bytes());
    assert_eq!(full.problem(503), "disk_full");
    assert_eq!(hub.items("/stock").len(), 0);
    // What is small still fits, also under the key that was refused.
    let small = "location,sku,quantity,unit_cost\nS001,P1,4,\n";
    let done = hub.request("POST", "/imports/stock", &headers, small.as_bytes());
    assert_eq!(done.json()["accepted"], 1);
    assert_eq!(hub.items("/stock").len(), 1);
    assert!(hub.folder.ok(&["verify"]).starts_with("ok "));
}
