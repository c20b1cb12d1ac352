//! How long each step may take before somebody is told.

use serde::{Deserialize, Serialize};

use super::PolicyError;

/// The timers, in minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimerPolicy {
    /// From an offer to a store until it accepts.
    pub accept_minutes: u32,
    /// From the acceptance until the goods are picked.
    pub pick_minutes: u32,
    /// From the picking until the customer is told that they are ready.
    pub ready_minutes: u32,
    /// How long goods wait for their customer.
    pub collect_minutes: u32,
    /// By how much a customer may have that extended.
    pub extend_minutes: u32,
    /// From a suspected breach until the shelf has been looked at.
    pub shelf_check_minutes: u32,
    /// How long an unpaid cart holds its goods.
    pub reservation_minutes: u32,
    /// How long an exception may be overdue before it goes to the next role.
    pub escalation_minutes: u32,
}

impl Default for TimerPolicy {
    fn default() -> Self {
        Self {
            accept_minutes: 30,
            pick_minutes: 60,
            ready_minutes: 15,
            collect_minutes: 3 * 24 * 60,
            extend_minutes: 2 * 24 * 60,
            shelf_check_minutes: 120,
            reservation_minutes: 15,
            escalation_minutes: 60,
        }
    }
}

/// The longest timer, in minutes: ninety days.
const MOST_MINUTES: u32 = 90 * 24 * 60;

impl TimerPolicy {
    /// Every timer with its name.
    #[must_use]
    pub const fn all(&self) -> [(&'static str, u32); 8] {
        [
            ("accept_minutes", self.accept_minutes),
            ("pick_minutes", self.pick_minutes),
            ("ready_minutes", self.ready_minutes),
            ("collect_minutes", self.collect_minutes),
            ("extend_minutes", self.extend_minutes),
            ("shelf_check_minutes", self.shelf_check_minutes),
            ("reservation_minutes", self.reservation_minutes),
            ("escalation_minutes", self.escalation_minutes),
        ]
    }

    /// From a decision until its goods can be ready, in minutes, where the store
    /// works without a break.
    #[must_use]
    pub const fn preparation_minutes(&self) -> u32 {
        self.accept_minutes
            .saturating_add(self.pick_minutes)
            .saturating_add(self.ready_minutes)
    }

    /// What is wrong with the timers; nothing for a policy that can be used.
    #[must_use]
    pub fn validate(&self) -> Vec<PolicyError> {
        let wrong = self.all().into_iter().filter_map(|(field, minutes)| {
            let detail = match minutes {
                0 => "a step needs time: at least 1 minute".to_owned(),
                1..=MOST_MINUTES => return None,
                _ => format!("write at most {MOST_MINUTES} minutes, which is 90 days"),
            };
            Some(PolicyError::new(format!("/{field}"), detail))
        });
        wrong.collect()
    }
}
