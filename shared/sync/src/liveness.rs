//! Whether the other side still lives, judged by silence alone.
//!
//! Any message is a sign of life; a ping asks for one. The clock is the
//! shell's and may jump: going back starts the silence anew, going forward
//! costs at most a reconnect.

use evertill_domain::Timestamp;

use crate::limits::{DEAD_AFTER_MS, PING_AFTER_MS, PROOF_OF_LIFE_MS};

#[derive(Debug)]
pub(crate) struct Liveness {
    heard: Timestamp,
    pinged: bool,
    nonce: u64,
    /// A sign of life that is demanded: the ping to answer, and until when.
    proof: Option<(u64, Timestamp)>,
}

/// What silence asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pulse {
    /// Nothing yet.
    Fine,
    /// Send a ping with this number.
    Ping(u64),
    /// The connection is dead.
    Dead,
    /// No sign of life within the time that a second connection gave it.
    Unproven,
}

impl Liveness {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            heard: now,
            pinged: false,
            nonce: 0,
            proof: None,
        }
    }

    /// Notes a message, whatever it says.
    pub(crate) fn heard(&mut self, now: Timestamp) {
        self.heard = now;
        self.pinged = false;
    }

    /// Asks for a sign of life within [`PROOF_OF_LIFE_MS`]; gives the ping to send.
    pub(crate) fn demand(&mut self, now: Timestamp) -> u64 {
        let nonce = self.next_nonce();
        self.proof = Some((nonce, later(now, PROOF_OF_LIFE_MS)));
        nonce
    }

    /// Notes the answer to a ping; true if it is the sign of life demanded.
    /// Other messages prove nothing: they may have been long on their way.
    pub(crate) fn answered(&mut self, nonce: u64) -> bool {
        self.proof.take_if(|(asked, _)| nonce == *asked).is_some()
    }

    pub(crate) fn check(&mut self, now: Timestamp) -> Pulse {
        if now < self.heard {
            self.heard = now;
        }
        if self.proof.is_some_and(|(_, due)| now >= due) {
            return Pulse::Unproven;
        }
        let silent = now.as_millis().saturating_sub(self.heard.as_millis());
        if silent >= DEAD_AFTER_MS {
            Pulse::Dead
        } else if silent >= PING_AFTER_MS && !self.pinged {
            self.pinged = true;
            Pulse::Ping(self.next_nonce())
        } else {
            Pulse::Fine
        }
    }

    /// When to check next.
    pub(crate) fn due(&self) -> Timestamp {
        let after = if self.pinged {
            DEAD_AFTER_MS
        } else {
            PING_AFTER_MS
        };
        let silence = later(self.heard, after);
        self.proof.map_or(silence, |(_, due)| due.min(silence))
    }

    fn next_nonce(&mut self) -> u64 {
        self.nonce += 1;
        self.nonce
    }
}

/// The instant so many milliseconds after another.
pub(crate) fn later(instant: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(instant.as_millis().saturating_add(millis))
}

/// The one timer of a session: asks to be woken only when that is earlier than
/// what the shell already knows.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    armed: Option<Timestamp>,
}

impl Alarm {
    /// The shell woke the session, so nothing is armed any more.
    pub(crate) fn rang(&mut self) {
        self.armed = None;
    }

    /// The time to ask for, if the shell does not already come as early.
    pub(crate) fn arm(&mut self, due: Timestamp) -> Option<Timestamp> {
        if self.armed.is_some_and(|armed| armed <= due) {
            return None;
        }
        self.armed = Some(due);
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn silence_pings_once_then_kills() {
        let mut life = Liveness::new(at(0));
        assert_eq!(life.check(at(PING_AFTER_MS - 1)), Pulse::Fine);
        assert_eq!(life.check(at(PING_AFTER_MS)), Pulse::Ping(1));
        assert_eq!(life.check(at(PING_AFTER_MS + 1)), Pulse::Fine);
        assert_eq!(life.due(), at(DEAD_AFTER_MS));
        assert_eq!(life.check(at(DEAD_AFTER_MS)), Pulse::Dead);
    }

    #[test]
    fn a_clock_that_jumps_back_starts_the_silence_anew() {
        let mut life = Liveness::new(at(1_000_000));
        assert_eq!(life.check(at(0)), Pulse::Fine);
        assert_eq!(life.check(at(DEAD_AFTER_MS)), Pulse::Dead);
    }

    #[test]
    fn proof_of_life_is_the_answer_to_that_very_ping() {
        let mut life = Liveness::new(at(0));
        let nonce = life.demand(at(5));
        life.heard(at(6));
        assert!(
            !life.answered(nonce - 1),
            "an older pong was on its way already"
        );
        assert!(life.answered(nonce));
        assert!(!life.answered(nonce));
        life.demand(at(10));
        assert_eq!(life.check(at(9 + PROOF_OF_LIFE_MS)), Pulse::Fine);
        assert_eq!(life.check(at(10 + PROOF_OF_LIFE_MS)), Pulse::Unproven);
    }

    #[test]
    fn the_alarm_is_quiet_while_an_earlier_wake_is_coming() {
        let mut alarm = Alarm::default();
        assert_eq!(alarm.arm(at(10)), Some(at(10)));
        assert_eq!(alarm.arm(at(20)), None);
        assert_eq!(alarm.arm(at(5)), Some(at(5)));
        alarm.rang();
        assert_eq!(alarm.arm(at(20)), Some(at(20)));
    }
}
