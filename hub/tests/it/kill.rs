//! A hub killed in the middle of an import: all of the file is there, or none.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use evertill_storage::rusqlite::Connection;

use crate::client::{BINARY, Folder};

const ROWS: u32 = 2_000;
const ROUNDS: u32 = 8;

#[test]
fn a_stock_import_that_is_killed_posts_the_whole_file_or_nothing() {
    let mut products = crate::imports::HEADER.to_owned();
    for number in 0..ROWS {
        writeln!(products, "P{number},,Product {number},,,,,USD,zero,each").unwrap();
    }
    let mut seen = [0, 0];
    for round in 0..ROUNDS {
        let folder = Folder::new();
        let file = folder.file("products.csv", &products);
        assert_eq!(folder.import("products", &file).status, Some(0));
        let mut stock = "location,sku,quantity,unit_cost\n".to_owned();
        for number in 0..ROWS {
            writeln!(stock, "S00{},P{number},{},1.00", number % 3, number + 1).unwrap();
        }
        let file = folder.file("stock.csv", &stock);
        kill_while_importing(&folder, &file, round);
        let posted = rows(&folder);
        assert!(posted == 0 || posted == ROWS, "{posted} of {ROWS} rows");
        seen[usize::from(posted == ROWS)] += 1;
        // The same file again completes what is missing, once.
        let ended = folder.import("stock", &file);
        let (accepted, unchanged) = if posted == 0 { (ROWS, 0) } else { (0, ROWS) };
        let said = format!("{ROWS} rows: {accepted} accepted, {unchanged} unchanged, 0 rejected\n");
        assert_eq!(ended.output, said, "{}", ended.errors);
        assert_eq!(rows(&folder), ROWS);
        assert!(folder.ok(&["verify"]).starts_with("ok "));
    }
    assert!(
        seen[0] > 0,
        "no round was killed before its commit: {seen:?}"
    );
}

/// Starts an import and kills it after a time that differs by round, from at
/// once to about as long as it takes.
fn kill_while_importing(folder: &Folder, file: &std::path::Path, round: u32) {
    let (data, file) = (folder.data(), file.to_str().unwrap());
    let mut child = Command::new(BINARY)
        .args(["import", "stock", file, "--data", data.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_millis(u64::from(round * 40));
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn rows(folder: &Folder) -> u32 {
    Connection::open(folder.data().join("evertill.db"))
        .unwrap()
        .query_row("SELECT count(*) FROM stock", [], |row| row.get(0))
        .unwrap()
}
