//! What we build on: licences, sources, security floors, one crypto provider.
//! `deny.toml` says the same for those who have cargo-deny.

use evertill_tidy::{expect_none, graph::Graph, licence, tree};

/// Licences that Apache-2.0 software may be shipped with.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Where packages may come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Lowest versions without known holes: quinn-proto and rustls as the design
/// fixes them, rustls-webpki for its certificate revocation fixes.
const FLOORS: [(&str, [u64; 3]); 3] = [
    ("quinn-proto", [0, 11, 19]),
    ("rustls", [0, 23, 46]),
    ("rustls-webpki", [0, 103, 13]),
];

#[test]
fn every_licence_is_allowed() {
    let graph = Graph::load().expect("cargo metadata");
    let findings: Vec<String> = graph
        .packages()
        .filter(|package| {
            !package
                .licence
                .as_deref()
                .is_some_and(|expression| licence::satisfied(expression, &ALLOWED))
        })
        .map(|package| {
            format!(
                "{} {} is under {:?}: take another package, or decide to allow the licence",
                package.name, package.version, package.licence
            )
        })
        .collect();
    expect_none("licences", &findings);
}

/// The lock file names packages of all platforms, not only of this one.
#[test]
fn every_package_comes_from_crates_io() {
    let lock = tree::text("Cargo.lock").expect("readable").expect("text");
    let mut sources = 0;
    let mut findings = Vec::new();
    for line in lock.lines() {
        if let Some(source) = line.strip_prefix("source = ") {
            sources += 1;
            if source.trim_matches('"') != REGISTRY {
                findings.push(format!("{source} is not crates.io: publish or drop it"));
            }
        }
    }
    assert!(
        sources > 100,
        "Cargo.lock names only {sources} sources: was it read right?"
    );
    expect_none("sources", &findings);
}

#[test]
fn security_floors_hold_for_every_copy() {
    let graph = Graph::load().expect("cargo metadata");
    let mut findings = Vec::new();
    for (name, floor) in FLOORS {
        let copies: Vec<_> = graph
            .packages()
            .filter(|package| package.name == name)
            .collect();
        assert!(
            !copies.is_empty(),
            "{name} is not in the graph any more: drop its floor"
        );
        for copy in copies {
            if numbers(&copy.version) < floor {
                let [major, minor, patch] = floor;
                findings.push(format!(
                    "{name} {} is below {major}.{minor}.{patch}: cargo update -p {name}",
                    copy.version
                ));
            }
        }
    }
    expect_none("security floors", &findings);
}

/// With two providers in the tree, building a TLS configuration panics at run
/// time because neither is the default.
#[test]
fn ring_is_the_only_crypto_provider() {
    let graph = Graph::load().expect("cargo metadata");
    let providers: Vec<&str> = graph
        .packages()
        .map(|package| package.name.as_str())
        .filter(|name| {
            [
                "ring",
                "aws-lc-rs",
                "aws-lc-sys",
                "openssl",
                "openssl-sys",
                "rustls-openssl",
            ]
            .contains(name)
        })
        .collect();
    assert_eq!(
        providers,
        ["ring"],
        "switch off the default features of whatever brings the others (cargo tree -i NAME)"
    );
    let lock = tree::text("Cargo.lock").expect("readable").expect("text");
    assert!(
        !lock.contains("aws-lc"),
        "aws-lc is in Cargo.lock for another platform"
    );
}

fn numbers(version: &str) -> [u64; 3] {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}
