//! What happened in a run, as a hash over every line and the last lines in words.
//!
//! Invariant: two runs of one seed have the same hash, or the simulator itself
//! is not deterministic.

use std::collections::VecDeque;
use std::fmt;

use crate::queue::Millis;

/// How many lines a failure report shows.
const KEPT_LINES: usize = 200;

/// The record of a run.
#[derive(Debug)]
pub struct Trace {
    hash: Fnv,
    lines: u64,
    kept: Option<VecDeque<String>>,
    loud: bool,
}

impl Trace {
    /// A record that keeps only the hash, or also the last lines; a loud one
    /// prints every line as it comes.
    #[must_use]
    pub fn new(keep: bool, loud: bool) -> Self {
        Self {
            hash: Fnv::default(),
            lines: 0,
            kept: keep.then(VecDeque::new),
            loud,
        }
    }

    /// Adds a line.
    ///
    /// # Panics
    /// Never: hashing does not fail.
    pub fn line(&mut self, at: Millis, what: fmt::Arguments<'_>) {
        self.lines += 1;
        let hashing = fmt::write(&mut self.hash, format_args!("{at} {what}\n"));
        hashing.expect("invariant: hashing cannot fail");
        if self.kept.is_none() && !self.loud {
            return;
        }
        let line = format!("{} {what}", clock(at));
        if self.loud {
            eprintln!("{line}");
        }
        if let Some(kept) = &mut self.kept {
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            kept.push_back(line);
        }
    }

    /// Hash of all lines.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash.0
    }

    /// Number of lines.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The last lines, if they were kept.
    pub fn last_lines(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().flatten().map(String::as_str)
    }
}

/// Virtual time as day and time of day.
fn clock(at: Millis) -> String {
    let (seconds, millis) = (at / 1_000, at % 1_000);
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    format!(
        "day {} {:02}:{:02}:{:02}.{millis:03}",
        hours / 24,
        hours % 24,
        minutes % 60,
        seconds % 60
    )
}

/// FNV-1a with 64 bits: enough to tell two traces apart, and nothing to depend on.
#[derive(Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_counts_and_only_the_last_are_kept() {
        let mut quiet = Trace::new(false, false);
        let mut kept = Trace::new(true, false);
        for n in 0..300 {
            quiet.line(n, format_args!("line {n}"));
            kept.line(n, format_args!("line {n}"));
        }
        assert_eq!(quiet.hash(), kept.hash());
        assert_eq!(kept.last_lines().count(), KEPT_LINES);
        assert_eq!(
            kept.last_lines().last(),
            Some("day 0 00:00:00.299 line 299")
        );
        kept.line(299, format_args!("one more"));
        assert_ne!(quiet.hash(), kept.hash());
    }
}
