//! SIGKILL at any moment: what was acknowledged is there, once.
//!
//! The test starts its own binary again as the victim. The victim writes rows
//! and prints each id after the store's answer; the test kills it in the
//! middle, reopens the folder and compares.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::{ids, insert, store};

const VICTIM_DIR: &str = "EVERTILL_TEST_VICTIM_DIR";
const ROUNDS: usize = 20;

/// Not a test of its own: the victim's side, idle unless the test above set its
/// folder.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(VICTIM_DIR) else {
        return;
    };
    let store = store(dir.as_ref());
    let first = ids(&store).last().map_or(0, |last| last + 1);
    for id in first.. {
        store
            .write_blocking("row", move |tx| {
                insert(tx, id)?;
                tx.execute("UPDATE scratch SET v = x'01' WHERE id = ?1", [id])
            })
            .unwrap();
        // Straight to the descriptor: the harness would keep it back.
        rustix::io::write(std::io::stdout(), format!("ack {id}\n").as_bytes()).unwrap();
    }
}

#[test]
fn acknowledged_writes_survive_sigkill_whole_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["kernel::crash::victim", "--exact", "--nocapture"])
            .env(VICTIM_DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        // A different number of answers each round moves the kill around.
        let wanted = 1 + round * 7 % 40;
        let mut seen = 0;
        for line in output.lines() {
            let line = line.unwrap();
            if let Some(id) = line.split("ack ").nth(1) {
                acknowledged.push(id.parse::<i64>().unwrap());
                seen += 1;
                if seen == wanted {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        assert!(
            seen >= wanted,
            "the victim ended by itself after {seen} writes"
        );
    }
    let store = store(dir.path());
    let kept = ids(&store);
    assert_eq!(
        kept,
        (0..i64::try_from(kept.len()).unwrap()).collect::<Vec<_>>()
    );
    assert!(acknowledged.iter().all(|id| kept.contains(id)));
    assert!(acknowledged.len() > ROUNDS);
    // At most the write under way at each kill was never acknowledged.
    assert!(kept.len() - acknowledged.len() <= ROUNDS);
    let half: i64 = store
        .read_blocking(|conn| {
            conn.query_row("SELECT count(*) FROM scratch WHERE v = x'00'", [], |row| {
                row.get(0)
            })
        })
        .unwrap();
    assert_eq!(half, 0, "a write was kept by half");
}
