//! What the tidy test looks at: the tree as git sees it, and the dependency
//! graph as cargo resolves it.
//!
//! The rules themselves stand in `tests/it`, one module per subject. They need
//! nothing installed beyond cargo and git, because a newcomer has no cargo-deny.
//!
//! Invariant: a rule reports every offender at once, each with what to do, so
//! that nobody mends a tree one failure at a time.

pub mod graph;
pub mod licence;
pub mod tree;

/// Fails the calling test with every finding on a line of its own.
///
/// # Panics
/// When there is at least one finding: that is its purpose.
pub fn expect_none(rule: &str, findings: &[String]) {
    assert!(
        findings.is_empty(),
        "{rule}: {} to mend\n  {}",
        findings.len(),
        findings.join("\n  ")
    );
}
