//! Running programs as children with their output passed through, and saying
//! how long they took.

use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Runs a command with inherited output and waits for it.
pub fn timed(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| {
        format!(
            "could not start {}; is it installed and on the PATH?",
            command.get_program().to_string_lossy()
        )
    })
}

/// A duration as a person says it: `850 ms`, `12.3 s`, `4 min 05 s`.
pub fn spoken(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {:02} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// The time since `start`, spoken.
pub fn since(start: Instant) -> String {
    spoken(start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_speech() {
        assert_eq!(spoken(Duration::from_millis(850)), "850 ms");
        assert_eq!(spoken(Duration::from_millis(12_345)), "12.3 s");
        assert_eq!(spoken(Duration::from_secs(245)), "4 min 05 s");
    }
}
