//! SIGKILL while two tills sell: nothing that was acknowledged is missing, the
//! numbers have no gap, and the projections are those of a rebuild.
//!
//! The test starts its own binary again as the victim, which prints the number
//! of each receipt after the store's answer, and kills it in the middle.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use evertill_domain::{ActorId, Event, ReceiptNumber, RegisterId};
use evertill_storage::journal::{self, Author, Beginning, Write};
use evertill_storage::projection::{days, receipts, registers as totals, stock};
use evertill_storage::rebuild::{fingerprint, rebuild};
use evertill_storage::{Store, StoreOptions, TableError, registers, verify};

use super::world::{beginning, now, sale};

const VICTIM_DIR: &str = "EVERTILL_TEST_SELLING_VICTIM_DIR";
const ROUNDS: usize = 12;
const TILLS: [&str; 2] = ["R1", "R2"];

fn open(dir: &Path) -> (Store, Author) {
    let store = Store::open(dir, &StoreOptions::node()).unwrap();
    let mut actor = [0; 16];
    getrandom::fill(&mut actor).unwrap();
    let beginning = Beginning {
        renew: false,
        actor: ActorId(actor),
        ..beginning("S001", 1, 1)
    };
    let author = store.write_blocking("start", move |tx| {
        for till in TILLS {
            registers::ensure(tx, &till.parse().unwrap(), now())?;
        }
        journal::start(tx, &beginning)
    });
    (store, author.unwrap())
}

/// One sale as a node makes it: number, entry and projections in one write.
fn sell(store: &Store, author: &Author, till: &str) -> ReceiptNumber {
    let (author, till) = (author.clone(), till.to_owned());
    let write = move |tx: &evertill_storage::WriteTx| -> Result<ReceiptNumber, TableError> {
        let register: RegisterId = till.parse().unwrap();
        let number = registers::draw_number(tx, &author.location, &register, author.replica)?;
        let number = number.unwrap();
        let receipt = sale(&author, &till, number.seq, &[("A", 1), ("B", 2)]);
        let sale = Write::Open(Event::Receipt(Box::new(receipt)));
        journal::append(tx, &author, now(), &[sale])?;
        Ok(number)
    };
    store.write_blocking("sale", write).unwrap()
}

/// Not a test of its own: the victim's side, idle unless the test below set its
/// folder.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(VICTIM_DIR) else {
        return;
    };
    let (store, author) = open(dir.as_ref());
    std::thread::scope(|scope| {
        for till in TILLS {
            let (store, author) = (&store, &author);
            scope.spawn(move || {
                loop {
                    let number = sell(store, author, till);
                    // Straight to the descriptor: the harness would keep it back.
                    let line = format!("ack {number}\n");
                    rustix::io::write(std::io::stdout(), line.as_bytes()).unwrap();
                }
            });
        }
    });
}

#[test]
fn acknowledged_sales_survive_sigkill_and_numbers_have_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        // A different number of answers each round moves the kill around.
        kill_after(dir.path(), 1 + round * 7 % 30, &mut acknowledged);
    }
    let (store, author) = open(dir.path());
    let lives = u64::try_from(ROUNDS).unwrap() + 1;
    let checked = store.read_blocking(move |conn| -> Result<(), TableError> {
        verify::verify(conn).unwrap();
        for number in &acknowledged {
            let found = receipts::by_number(conn, number)?;
            assert!(found.is_some(), "{number} was acknowledged and is missing");
        }
        let mut sold = 0;
        for register in registers::list(conn)? {
            sold += register.last_number;
            for seq in 1..=register.last_number {
                let number = ReceiptNumber {
                    location: author.location.clone(),
                    register: register.register.clone(),
                    code: author.replica.code(),
                    seq,
                };
                let found = receipts::by_number(conn, &number)?;
                assert_eq!(found.expect("a gap").receipt.number, number);
            }
        }
        assert!(sold >= acknowledged.len() as u64);
        // At most the write of each till that was under way was not answered.
        let unanswered = sold - acknowledged.len() as u64;
        assert!(unanswered <= (TILLS.len() * ROUNDS) as u64);
        assert_eq!(journal::head(conn, author.replica)?.seq, sold + lives);
        let sold = i64::try_from(sold).unwrap();
        let day = days::totals(conn, &author.location, now_date())?;
        let figures = &day[0].figures;
        assert_eq!((figures.receipts, figures.gross), (sold, sold * 600));
        let b = stock::of(conn, &author.location, &"B".parse().unwrap())?;
        assert_eq!(b.unwrap().on_hand(), -2_000 * sold);
        let tills = totals::of_location(conn, &author.location)?;
        let perpetual: i64 = tills.iter().map(|(_, _, figures)| figures.sales).sum();
        assert_eq!(perpetual, sold * 600);
        Ok(())
    });
    checked.unwrap();
    let rebuilt = store.write_blocking("rebuild", |tx| -> Result<_, TableError> {
        let before = fingerprint(tx)?;
        rebuild(tx)?;
        Ok((before, fingerprint(tx)?))
    });
    let (before, after) = rebuilt.unwrap();
    assert_eq!(before, after);
}

fn now_date() -> evertill_domain::BusinessDate {
    "2026-07-01".parse().unwrap()
}

/// Runs a victim until it has acknowledged so many sales, then kills it.
fn kill_after(dir: &Path, wanted: usize, acknowledged: &mut BTreeSet<ReceiptNumber>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["ledger::crash::victim", "--exact", "--nocapture"])
        .env(VICTIM_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut seen = 0;
    for line in output.lines() {
        let line = line.unwrap();
        let Some(number) = line.split("ack ").nth(1) else {
            continue;
        };
        // A line that the kill cut short acknowledges nothing.
        if let Ok(number) = number.parse() {
            assert!(acknowledged.insert(number), "{line} twice");
        }
        seen += 1;
        if seen == wanted {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(seen >= wanted, "the victim ended by itself after {seen}");
}
