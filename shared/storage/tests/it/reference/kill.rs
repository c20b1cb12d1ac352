//! A node killed with SIGKILL at any moment of a fetch.
//!
//! The test binary runs itself as the victim: it fetches in a loop while its
//! parent kills it after a varying number of committed pages, and looks.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use evertill_storage::Role;

use super::*;

const HUB_DIR: &str = "EVERTILL_TEST_HUB_DIR";
const NODE_DIR: &str = "EVERTILL_TEST_NODE_DIR";
const KILLS: usize = 20;

/// The victim: says a line before each page and stops when complete.
#[test]
#[ignore = "the process that the next test kills"]
fn victim() {
    let dir = |variable| PathBuf::from(std::env::var_os(variable).unwrap());
    let hub = ReferenceStore::open(&dir(HUB_DIR), Role::Hub).unwrap();
    let node = ReferenceStore::open(&dir(NODE_DIR), Role::Node).unwrap();
    loop {
        println!("victim: next page");
        if pull_one(&hub, &node, 2 << 10) {
            println!("victim: complete");
            return;
        }
    }
}

/// Runs the victim and kills it when it has begun `pages` pages, after a number
/// of spins so that the kill falls at different points of a page. True when it
/// was complete before.
fn run_and_kill(hub: &Path, node: &Path, pages: usize, spins: usize) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "reference::kill::victim",
            "--ignored",
            "--nocapture",
        ])
        .env(HUB_DIR, hub)
        .env(NODE_DIR, node)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut begun = 0;
    let mut complete = false;
    for line in lines {
        let line = line.unwrap();
        complete |= line.contains("victim: complete");
        begun += usize::from(line.contains("victim: next page"));
        if begun == pages {
            for _ in 0..spins {
                std::hint::spin_loop();
            }
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    complete
}

#[test]
fn a_killed_node_shows_the_old_set_or_the_new_one_and_goes_on() {
    let hub = Bench::hub();
    let node = tempfile::TempDir::new().unwrap();
    let sets = [
        (0..2_000).map(product).collect::<Vec<_>>(),
        (0..2_000)
            .map(|number| Product {
                name: format!("second {number}"),
                ..product(number)
            })
            .collect(),
    ];
    let mut old = Vec::new();
    for (round, set) in sets.into_iter().enumerate() {
        put(&hub.store, set.clone());
        let mut kills = 0;
        let mut furthest = None;
        loop {
            let complete = run_and_kill(hub.dir.path(), node.path(), 1 + kills % 5, kills * 20_000);
            let store = ReferenceStore::open(node.path(), Role::Node).unwrap();
            let (position, seen) = all(&store);
            let is_new = position.version == round as u64 + 1;
            assert_eq!(seen.len(), if is_new { set.len() } else { old.len() });
            assert!(seen == if is_new { set.clone() } else { old.clone() });
            if is_new {
                break;
            }
            assert!(!complete, "complete was said before it was kept");
            let cursor = store.position_blocking().unwrap().cursor;
            assert!(cursor >= furthest, "the fetch went back");
            furthest = cursor;
            kills += 1;
            if kills > KILLS {
                pull(&hub.store, &store, 4 << 10);
                assert!(all(&store).1 == set);
                break;
            }
        }
        assert!(kills > 3, "the victim was killed only {kills} times");
        old = set;
    }
}
