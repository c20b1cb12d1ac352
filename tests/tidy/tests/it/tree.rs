//! The shape of the tree: folders, file sizes, module headers, no machine's
//! paths and no secrets.

use evertill_tidy::{expect_none, tree};

/// The owner fixed these; everything else belongs inside one of them.
const FOLDERS: [&str; 5] = ["node", "hub", "shared", "tests", "deploy"];

/// Ordinary files of a root folder.
const ROOT_FILES: [&str; 13] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "ARCHITECTURE.md",
    "GLOSSARY.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE",
    "NOTICE",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
];

/// Above this a file is not read any more, only searched.
const LONGEST_FILE: usize = 800;

/// A tracked file larger than this is data that a script should make.
const LARGEST_FILE: u64 = 2 * 1024 * 1024;

#[test]
fn the_root_holds_the_fixed_folders_and_ordinary_files() {
    let mut findings = Vec::new();
    for path in tree::files().expect("git ls-files") {
        let (top, inside) = match path.split_once('/') {
            Some((top, _)) => (top, true),
            None => (path.as_str(), false),
        };
        let ordinary = if inside {
            FOLDERS.contains(&top)
        } else {
            ROOT_FILES.contains(&top)
        };
        if !ordinary && !top.starts_with('.') {
            findings.push(format!("{path}: move it into one of {FOLDERS:?}"));
        }
    }
    expect_none("root folder", &findings);
}

#[test]
fn no_source_file_is_too_long() {
    let mut findings = Vec::new();
    for path in tree::files().expect("git ls-files") {
        if !tree::is_source(&path) {
            continue;
        }
        let lines = tree::text(&path)
            .expect("readable")
            .map_or(0, |text| text.lines().count());
        if lines > LONGEST_FILE {
            findings.push(format!(
                "{path} has {lines} lines: split it by noun, then by verb"
            ));
        }
    }
    expect_none("long files", &findings);
}

#[test]
fn no_file_is_a_lump_of_data() {
    let findings: Vec<String> = tree::files()
        .expect("git ls-files")
        .into_iter()
        .filter_map(|path| {
            let bytes = std::fs::metadata(tree::root().join(&path)).ok()?.len();
            (bytes > LARGEST_FILE)
                .then(|| format!("{path} is {bytes} bytes: keep what makes it instead"))
        })
        .collect();
    expect_none("large files", &findings);
}

#[test]
fn every_module_opens_with_what_it_is_for() {
    let findings: Vec<String> = tree::files()
        .expect("git ls-files")
        .into_iter()
        .filter(|path| has_extension(path, "rs"))
        .filter(|path| {
            let text = tree::text(path).expect("readable").unwrap_or_default();
            !text
                .lines()
                .find(|line| !line.trim().is_empty())
                .is_some_and(|line| line.starts_with("//!"))
        })
        .map(|path| format!("{path}: begin with //! and say what, why and the invariant"))
        .collect();
    expect_none("module headers", &findings);
}

/// Each pattern is put together here so that this file does not contain it.
#[test]
fn no_machine_path_and_no_secret_is_in_the_tree() {
    let patterns = [
        ("/ho", "me/", "a path of somebody's machine"),
        ("/ro", "ot/", "a path of somebody's machine"),
        ("/Us", "ers/", "a path of somebody's machine"),
        ("C:\\Us", "ers", "a path of somebody's machine"),
        ("-----BEGIN PRIV", "ATE KEY", "a private key"),
        ("-----BEGIN EC PRIV", "ATE KEY", "a private key"),
        ("-----BEGIN RSA PRIV", "ATE KEY", "a private key"),
        ("gh", "p_", "an access token"),
        ("AK", "IA", "an access key"),
    ];
    let mut findings = Vec::new();
    for path in tree::files().expect("git ls-files") {
        let Some(text) = tree::text(&path).expect("readable") else {
            continue;
        };
        for (at, line) in text.lines().enumerate() {
            for (first, second, what) in patterns {
                if holds(line, first, second) {
                    findings.push(format!("{path}:{}: {what}", at + 1));
                }
            }
        }
    }
    expect_none("machine paths and secrets", &findings);
}

/// Whether the line holds `first` directly followed by `second`, and for the
/// two short token prefixes by enough letters to be a real token.
fn holds(line: &str, first: &str, second: &str) -> bool {
    let pattern = format!("{first}{second}");
    line.match_indices(&pattern).any(|(at, _)| {
        let rest = &line[at + pattern.len()..];
        let token = rest.chars().take_while(char::is_ascii_alphanumeric).count();
        pattern.len() > 4 || token >= 16
    })
}

fn has_extension(path: &str, extension: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}
