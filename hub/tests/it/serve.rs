//! `evertill-hub serve` from the outside: health, unknown paths, wrong use,
//! and an orderly end.

use std::path::Path;
use std::time::{Duration, Instant};

use evertill_support::{Running, get, run};

const BINARY: &str = env!("CARGO_BIN_EXE_evertill-hub");

/// Starts the service on a free port over a folder of its own.
fn start(dir: &Path) -> Running {
    Running::start(BINARY, &serve_at(dir, "127.0.0.1:0")).unwrap()
}

fn serve_at<'a>(dir: &'a Path, http: &'a str) -> [&'a str; 7] {
    let data = dir.to_str().expect("temporary folders have plain names");
    [
        "serve",
        "--data",
        data,
        "--http",
        http,
        "--quic",
        "127.0.0.1:0",
    ]
}

#[test]
fn it_is_healthy_shows_metrics_and_describes_its_interface() {
    let dir = tempfile::tempdir().unwrap();
    let service = start(dir.path());
    let health = get(&format!("{}/healthz", service.url())).unwrap();
    assert_eq!(
        (health.status, health.body.as_str()),
        (200, r#"{"status":"serving"}"#)
    );
    let metrics = get(&format!("{}/metrics", service.url())).unwrap();
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.contains("# TYPE"), "{}", metrics.body);
    let openapi = get(&format!("{}/api/openapi.json", service.url())).unwrap();
    assert!(
        openapi.body.starts_with(r#"{"openapi":"3."#),
        "{}",
        openapi.body
    );
}

#[test]
fn an_unknown_path_is_a_problem_document() {
    let dir = tempfile::tempdir().unwrap();
    let service = start(dir.path());
    let answer = get(&format!("{}/api/v1/nonsense", service.url())).unwrap();
    assert_eq!(answer.status, 404);
    assert_eq!(answer.content_type, "application/problem+json");
    assert!(
        answer.body.contains(r#""code":"not_found""#),
        "{}",
        answer.body
    );
}

/// Regression: a SIGTERM right behind the line that names the address met no
/// handler yet and killed the process.
#[test]
fn sigterm_ends_it_with_success_within_ten_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let service = start(dir.path());
    let asked = Instant::now();
    let ended = service.stop().unwrap();
    assert_eq!(ended.status, Some(0), "{}", ended.errors);
    assert!(asked.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_port_in_use_is_one_line_that_names_it_and_status_1() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = start(dir.path());
    let second = run(BINARY, &serve_at(other.path(), first.address())).unwrap();
    assert_eq!(second.status, Some(1));
    assert_eq!(second.errors.lines().count(), 1, "{}", second.errors);
    assert!(second.errors.contains(first.address()), "{}", second.errors);
    assert!(second.errors.contains("--http"), "{}", second.errors);
}

#[test]
fn a_folder_in_use_is_one_line_that_names_the_holder_and_status_1() {
    let dir = tempfile::tempdir().unwrap();
    let _first = start(dir.path());
    let second = run(BINARY, &serve_at(dir.path(), "127.0.0.1:0")).unwrap();
    assert_eq!(second.status, Some(1));
    assert_eq!(second.errors.lines().count(), 1, "{}", second.errors);
    assert!(
        second.errors.contains("is in use by process"),
        "{}",
        second.errors
    );
}

#[test]
fn after_sigkill_it_starts_again_on_the_same_folder() {
    let dir = tempfile::tempdir().unwrap();
    drop(start(dir.path()));
    let again = start(dir.path());
    assert_eq!(
        get(&format!("{}/healthz", again.url())).unwrap().status,
        200
    );
}

#[test]
fn wrong_use_is_one_line_and_status_2() {
    for arguments in [
        &[] as &[&str],
        &["serve"],
        &["serve", "--data", "d", "--nonsense"],
        &["serve", "--data", "d", "--http", "nowhere"],
        &["serve", "--data", "d", "--quic", "localhost"],
        &["serve", "--data", "d", "--max-database-mib", "-1"],
        &["nonsense"],
    ] {
        let ended = run(BINARY, arguments).unwrap();
        assert_eq!(ended.status, Some(2), "{arguments:?}: {}", ended.errors);
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
        assert!(ended.output.is_empty());
    }
}

#[test]
fn help_shows_an_example() {
    for arguments in [&["--help"] as &[&str], &["serve", "--help"]] {
        let ended = run(BINARY, arguments).unwrap();
        assert_eq!(ended.status, Some(0));
        assert!(
            ended.output.contains("Example: evertill-hub serve"),
            "{}",
            ended.output
        );
    }
}
