//! Which crate may name which: the layers of ARCHITECTURE.md, made binding.

use evertill_tidy::{expect_none, graph::Graph};

/// Crates whose behaviour is a function of their arguments. The simulator runs
/// thousands of store weeks through them, which sockets, threads and databases
/// would make slow and unrepeatable.
const PURE: [&str; 4] = [
    "evertill-domain",
    "evertill-journal",
    "evertill-documents",
    "evertill-sync",
];

/// What no pure crate may link, directly or through others.
const SHELL: [&str; 6] = ["tokio", "rusqlite", "quinn", "axum", "rustls", "ureq"];

/// What no pure crate may name itself: randomness and logs are the shell's.
/// (Libraries below bring them along without being asked to use them.)
const NOT_NAMED: [&str; 4] = ["getrandom", "rand", "tracing", "tempfile"];

/// A library that one crate wraps, and who may therefore name it.
const WRAPPED: [(&str, &[&str]); 5] = [
    ("automerge", &["evertill-documents"]),
    ("rusqlite", &["evertill-storage"]),
    ("quinn", &["evertill-transport"]),
    ("rustls", &["evertill-transport"]),
    ("axum", &["evertill-http", "evertill-node", "evertill-hub"]),
];

/// The workspace's own layers: each crate and the crates it may name. A crate
/// that is missing here is named by a finding, so that a new one gets a place.
const LAYERS: [(&str, &[&str]); 9] = [
    ("evertill-domain", &[]),
    ("evertill-journal", &["evertill-domain"]),
    (
        "evertill-documents",
        &["evertill-domain", "evertill-journal"],
    ),
    ("evertill-sync", &["evertill-domain", "evertill-journal"]),
    ("evertill-transport", &["evertill-domain"]),
    (
        "evertill-storage",
        &["evertill-domain", "evertill-journal", "evertill-documents"],
    ),
    ("evertill-http", &["evertill-domain", "evertill-storage"]),
    ("evertill-node", SERVICES),
    ("evertill-hub", SERVICES),
];

const SERVICES: &[&str] = &[
    "evertill-domain",
    "evertill-journal",
    "evertill-documents",
    "evertill-sync",
    "evertill-transport",
    "evertill-storage",
    "evertill-http",
];

/// Crates that exist for tests, and so may name any other.
const TEST_CRATES: [&str; 10] = [
    "evertill-support",
    "evertill-orders-sim",
    "evertill-sim",
    "evertill-torture",
    "evertill-e2e",
    "evertill-bench",
    "evertill-compare",
    "evertill-data",
    "evertill-demo",
    "evertill-tidy",
];

#[test]
fn pure_crates_link_no_clock_socket_thread_or_database() {
    let graph = Graph::load().expect("cargo metadata");
    let mut findings = Vec::new();
    for name in PURE {
        let linked = graph.closure(name);
        assert!(
            !linked.is_empty(),
            "{name} links nothing: is it still in the workspace?"
        );
        for shell in SHELL.into_iter().filter(|shell| linked.contains(shell)) {
            findings.push(format!(
                "{name} links {shell}: move that part to the shell around it"
            ));
        }
    }
    for package in graph.own().filter(|own| PURE.contains(&own.name.as_str())) {
        for (named, normal) in &package.names {
            if *normal && NOT_NAMED.contains(&named.as_str()) {
                findings.push(format!(
                    "{} names {named}: pass in what it yields",
                    package.name
                ));
            }
        }
    }
    expect_none("pure crates", &findings);
}

#[test]
fn a_wrapped_library_is_named_by_its_wrapper_only() {
    let graph = Graph::load().expect("cargo metadata");
    let mut findings = Vec::new();
    for (library, wrappers) in WRAPPED {
        for package in graph.own() {
            let names_it = package.names.iter().any(|(name, _)| name == library);
            if names_it && !wrappers.contains(&package.name.as_str()) {
                findings.push(format!(
                    "{} names {library}: ask {} for what it needs",
                    package.name, wrappers[0]
                ));
            }
        }
    }
    expect_none("wrapped libraries", &findings);
}

#[test]
fn crates_depend_downwards() {
    let graph = Graph::load().expect("cargo metadata");
    let mut findings = Vec::new();
    for package in graph.own() {
        let name = package.name.as_str();
        if name == "xtask" || TEST_CRATES.contains(&name) {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == name) else {
            findings.push(format!("{name} has no place in LAYERS: give it one"));
            continue;
        };
        for (dependency, normal) in &package.names {
            if *normal
                && dependency.starts_with("evertill-")
                && !allowed.contains(&dependency.as_str())
            {
                findings.push(format!("{name} names {dependency}, which is not below it"));
            }
        }
    }
    expect_none("layers", &findings);
}

#[test]
fn xtask_stays_small() {
    let graph = Graph::load().expect("cargo metadata");
    let linked = graph.closure("xtask");
    assert!(
        linked.len() <= 3,
        "xtask links {linked:?}: real work belongs to a test crate's binary that xtask starts"
    );
}
