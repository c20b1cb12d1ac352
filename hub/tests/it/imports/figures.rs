//! Import speed, printed; run with
//! `cargo test --release -p evertill-hub --test it figures -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

const ROWS: u32 = 100_000;

fn file() -> String {
    let mut text = HEADER.to_owned();
    for number in 0..ROWS {
        let digits = format!("04{number:010}");
        let check = evertill_domain::barcode::check_digit(&digits).unwrap();
        writeln!(
            text,
            "{},{digits}{check},Product number {} of brand {} {} OZ,GROCERY,CATEGORY {},{}.{:02},0.55,USD,zero,each",
            1_000_000 + number,
            number % 977,
            number % 4_000,
            number % 50,
            number % 300,
            number % 90,
            number % 100
        )
        .unwrap();
    }
    text
}

#[test]
#[ignore = "prints figures, proves nothing"]
fn figures() {
    let mut hub = Hub::new();
    let text = file();
    for (what, dry_run) in [
        ("dry run", true),
        ("first import", false),
        ("same again", false),
    ] {
        let start = Instant::now();
        let summary = hub.run(import_products, &text, dry_run).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{what:<14} {:?} in {seconds:.2} s, {:.0} rows/s",
            counts(&summary),
            f64::from(ROWS) / seconds
        );
    }
}

#[test]
#[ignore = "prints figures, proves nothing"]
fn stock_figures() {
    let dir = TempDir::new().unwrap();
    let store = evertill_storage::Store::open(dir.path(), &evertill_storage::StoreOptions::hub());
    let hub = evertill_hub::state::Hub::open(store.unwrap()).unwrap();
    let mut options = ImportOptions {
        dry_run: false,
        reject_file: RejectFile::for_upload("in", dir.path()),
        progress: &mut |_| {},
    };
    import_products(hub.reference(), file().as_bytes(), &mut options).unwrap();
    for (what, counted) in [("opening stock", 7), ("another count", 9)] {
        let mut text = "location,sku,quantity,unit_cost\n".to_owned();
        for number in 0..ROWS {
            let (store, sku) = (number % 3, 1_000_000 + number);
            writeln!(text, "S00{store},{sku},{},0.55", counted + number % 40).unwrap();
        }
        let start = Instant::now();
        let done = evertill_hub::imports::import_stock(&hub, text.as_bytes(), &mut options);
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{what:<14} {:?} in {seconds:.2} s, {:.0} rows/s",
            counts(&done.unwrap()),
            f64::from(ROWS) / seconds
        );
    }
}
