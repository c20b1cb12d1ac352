//! Documents tell the truth about the tree: paths that they name exist, and
//! decisions are numbered without gaps or twins.

use evertill_tidy::{expect_none, tree};

/// Path prefixes that a backticked word must start with to be taken for a path
/// of this repository.
const STARTS: [&str; 8] = [
    "node/", "hub/", "shared/", "tests/", "deploy/", ".ci/", ".cargo/", "./",
];

#[test]
fn every_path_that_a_document_names_exists() {
    let files = tree::files().expect("git ls-files");
    let documents = files.iter().filter(|path| {
        let path = std::path::Path::new(path);
        path.extension().is_some_and(|extension| extension == "md")
    });
    let mut findings = Vec::new();
    for document in documents {
        let text = tree::text(document).expect("readable").unwrap_or_default();
        for (at, line) in text.lines().enumerate() {
            for named in named_paths(line) {
                if !tree::root().join(named).exists() {
                    findings.push(format!("{document}:{}: `{named}` does not exist", at + 1));
                }
            }
        }
    }
    expect_none("paths in documents", &findings);
}

#[test]
fn decisions_are_numbered_from_one_without_gaps_and_have_three_parts() {
    let files = tree::files().expect("git ls-files");
    let names: Vec<&str> = files
        .iter()
        .filter_map(|path| path.strip_prefix("shared/decisions/"))
        .collect();
    assert!(!names.is_empty(), "shared/decisions is empty");
    let mut findings = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let number = format!("{:04}", at + 1);
        if !name.starts_with(&format!("{number}-")) {
            findings.push(format!("{name}: expected number {number}; renumber it"));
        }
        let text = tree::text(&format!("shared/decisions/{name}"))
            .expect("readable")
            .unwrap_or_default();
        let given = name.get(..4).unwrap_or_default();
        if !text.starts_with(&format!("# {given}: ")) {
            findings.push(format!(
                "{name}: its first line should be `# {given}: Title`"
            ));
        }
        for part in ["## Context", "## Decision", "## Consequence"] {
            if !text.contains(part) {
                findings.push(format!("{name}: has no {part}"));
            }
        }
    }
    expect_none("decisions", &findings);
}

/// Words in single backticks that look like paths of this repository. Code
/// blocks and names with other characters (`a::b`, `*.rs`) are not paths.
fn named_paths(line: &str) -> Vec<&str> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| STARTS.iter().any(|start| word.starts_with(start)))
        .filter(|word| {
            word.chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_'))
        })
        .collect()
}

#[test]
fn only_words_that_can_be_paths_are_taken_for_paths() {
    let line =
        "see `shared/domain/src/sale.rs`, `evertill_domain::decide`, `tests/*.rs` and `.ci/run`";
    assert_eq!(named_paths(line), ["shared/domain/src/sale.rs", ".ci/run"]);
}
