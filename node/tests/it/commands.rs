//! Commands, with the node running and stopped: both must do and say the same.

use evertill_support::{Client, Ended, Running, new_key, run, store};

use crate::shop::BINARY;

/// A token of the right shape that no hub issued.
const STRANGE_TOKEN: &str =
    "evt1.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn command(data: &str, arguments: &[&str]) -> Ended {
    let mut all = arguments.to_vec();
    all.extend(["--data", data]);
    run(BINARY, &all).unwrap()
}

fn ok(data: &str, arguments: &[&str]) -> String {
    let ended = command(data, arguments);
    assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.errors);
    ended.output
}

/// It fails with this status and one line that holds these words.
fn refused(ended: &Ended, status: i32, words: &str) {
    assert_eq!(ended.status, Some(status), "{}", ended.errors);
    assert!(ended.errors.contains(words), "{words}: {}", ended.errors);
    assert_eq!(
        ended.errors.trim_end().lines().count(),
        1,
        "{}",
        ended.errors
    );
    assert_eq!(ended.output, "");
}

fn serve(data: &str) -> Running {
    Running::start(BINARY, &["serve", "--data", data, "--http", "127.0.0.1:0"]).unwrap()
}

#[test]
fn a_register_token_is_printed_alone_and_works_at_once() {
    let folder = store().register("R1").prepare().unwrap();
    let stopped = ok(folder.data(), &["register-token", "--register", "R2"]);
    let running = serve(folder.data());
    let served = ok(folder.data(), &["register-token", "--register", "R3"]);
    for token in [&stopped, &served] {
        assert_eq!(token.lines().count(), 1, "{token}");
        let till = Client::new(running.url(), token.trim());
        assert_eq!(till.get("/status").unwrap().status, 200);
    }
    let till = Client::new(running.url(), stopped.trim());
    let other = serde_json::json!({"register": "R3", "lines": [], "tenders": []});
    assert_eq!(till.post("/sales", &new_key(), &other).unwrap().status, 403);
}

#[test]
fn looking_after_a_folder_works_running_and_stopped() {
    let folder = store().register("R1").prepare().unwrap();
    let stopped = ok(folder.data(), &["verify"]);
    let running = serve(folder.data());
    let served = ok(folder.data(), &["verify"]);
    for line in [&stopped, &served] {
        let fields: Vec<&str> = line.trim().split(' ').collect();
        assert!(
            matches!(fields[..], ["ok", _, head] if head.len() == 64),
            "{line}"
        );
    }
    assert!(ok(folder.data(), &["rebuild"]).starts_with("rebuilt from "));
    let doctor = command(folder.data(), &["doctor"]);
    assert!(doctor.output.contains("ok database: "), "{}", doctor.output);
    assert!(
        doctor.output.contains("bad enrolment: "),
        "{}",
        doctor.output
    );
    assert_eq!(doctor.status, Some(1));
    let backup = folder.beside("backup");
    let backup = backup.to_str().unwrap();
    assert!(ok(folder.data(), &["backup", backup]).contains("backup"));
    refused(
        &command(folder.data(), &["restore", backup]),
        1,
        folder.data(),
    );
    assert_eq!(running.stop().unwrap().status, Some(0));
    ok(folder.data(), &["restore", backup]);
}

#[test]
fn wrong_use_names_the_flag() {
    let folder = store().prepare().unwrap();
    let data = folder.data();
    let enrol = |hub: &str, token: &str| command(data, &["enrol", "--hub", hub, "--token", token]);
    assert_eq!(command(data, &["register-token"]).status, Some(2));
    assert_eq!(command(data, &["verify", "--fast"]).status, Some(2));
    assert_eq!(command(data, &["backup"]).status, Some(2));
    let bad = command(data, &["register-token", "--register", "a b"]);
    assert_eq!(bad.status, Some(2));
    assert!(bad.errors.contains("--register"), "{}", bad.errors);
    let bad = enrol("127.0.0.1:1", "evt1.short");
    assert_eq!(bad.status, Some(2));
    assert!(bad.errors.contains("--token"), "{}", bad.errors);
    let nobody = enrol("no-such-host.invalid:7071", STRANGE_TOKEN);
    refused(&nobody, 1, "no-such-host.invalid:7071");
}

#[test]
fn a_folder_that_is_not_there_is_named_and_not_made() {
    let folder = store().prepare().unwrap();
    let nowhere = folder.beside("nowhere");
    let path = nowhere.to_str().unwrap();
    for look in ["verify", "rebuild", "doctor"] {
        refused(&command(path, &[look]), 1, path);
        assert!(!nowhere.exists(), "{look} made {path}");
    }
}
