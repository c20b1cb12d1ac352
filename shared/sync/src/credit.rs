//! Byte credit of the journal channel.
//!
//! Both sides count the bytes of frame messages from the connection's start.
//! The hub grants an absolute limit on that count, which never falls; the node
//! never sends past it. The limit is what is committed plus a window that the
//! hub's shell takes from its writer's queue, so a full queue stops the node
//! instead of filling memory. A frame that does not fit is asked for with
//! `CreditWanted`: once nothing else is in line, an open window admits that one
//! frame, however large.
//!
//! Invariant: bytes sent ≤ bytes granted; bytes uncommitted ≤ the widest window
//! granted, or the one frame asked for.

/// The node's side: what it may still send.
#[derive(Debug, Default)]
pub(crate) struct SendCredit {
    sent: u64,
    granted: u64,
    /// The frame size that was asked for and not yet granted.
    wanted: Option<u64>,
}

impl SendCredit {
    /// Takes over a new limit. Limits never fall, so an older one is void.
    pub(crate) fn grant(&mut self, up_to: u64) {
        self.granted = self.granted.max(up_to);
        if let Some(bytes) = self.wanted
            && self.left() >= bytes
        {
            self.wanted = None;
        }
    }

    /// Bytes that may be sent now.
    pub(crate) fn left(&self) -> u64 {
        self.granted.saturating_sub(self.sent)
    }

    /// Spends credit for a message if there is enough.
    pub(crate) fn spend(&mut self, bytes: u64) -> bool {
        if bytes > self.left() {
            return false;
        }
        self.sent += bytes;
        assert!(
            self.sent <= self.granted,
            "invariant: never sent beyond the credit"
        );
        true
    }

    /// Notes that a frame of this size waits; true if the hub must be told.
    pub(crate) fn want(&mut self, bytes: u64) -> bool {
        let news = self.wanted != Some(bytes);
        self.wanted = Some(bytes);
        news
    }
}

/// The hub's side: what it has granted and what came in.
#[derive(Debug, Default)]
pub(crate) struct GrantedCredit {
    received: u64,
    committed: u64,
    granted: u64,
    window: u64,
    wanted: u64,
}

impl GrantedCredit {
    /// The limit to say in the hello.
    pub(crate) fn open(&mut self, window: u64) -> u64 {
        self.window = window;
        self.raise();
        self.granted
    }

    /// Counts a frame message; false if the node sent more than it was granted.
    pub(crate) fn receive(&mut self, bytes: u64) -> bool {
        self.received = self.received.saturating_add(bytes);
        self.received <= self.granted
    }

    /// Counts a frame that is durable and gives the limit to acknowledge with.
    pub(crate) fn commit(&mut self, bytes: u64) -> u64 {
        self.committed += bytes;
        assert!(
            self.committed <= self.received,
            "invariant: committed only what came in"
        );
        self.raise();
        self.granted
    }

    /// Notes a frame that the node holds back; a limit to send if that frees it.
    pub(crate) fn want(&mut self, bytes: u64) -> Option<u64> {
        self.wanted = self.received.saturating_add(bytes);
        self.raise()
    }

    /// Sets the window; a limit to send if it rose by enough to matter.
    pub(crate) fn set_window(&mut self, window: u64) -> Option<u64> {
        self.window = window;
        let stalled = self.received == self.granted || self.wanted > self.granted;
        let worth_a_message = self.target() >= self.granted.saturating_add(window / 4);
        if stalled || worth_a_message {
            self.raise()
        } else {
            None
        }
    }

    fn target(&self) -> u64 {
        if self.window == 0 {
            return self.granted;
        }
        let limit = self.committed.saturating_add(self.window);
        // A frame larger than the window passes alone, when nothing else is in line.
        if self.received == self.committed {
            limit.max(self.wanted)
        } else {
            limit
        }
    }

    fn raise(&mut self) -> Option<u64> {
        let target = self.target();
        if target <= self.granted {
            return None;
        }
        self.granted = target;
        Some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_stops_at_its_credit_and_goes_on_after_a_grant() {
        let mut credit = SendCredit::default();
        assert!(!credit.spend(1));
        credit.grant(100);
        assert!(credit.spend(60));
        assert!(!credit.spend(41));
        assert_eq!(credit.left(), 40);
        credit.grant(90);
        assert_eq!(credit.left(), 40, "a limit never falls");
        credit.grant(160);
        assert!(credit.spend(100));
    }

    #[test]
    fn a_hub_without_room_grants_nothing_and_keeps_what_it_gave() {
        let mut credit = GrantedCredit::default();
        assert_eq!(credit.open(100), 100);
        assert!(credit.receive(100));
        assert_eq!(credit.set_window(0), None);
        assert_eq!(credit.commit(100), 100, "the window is closed");
        assert_eq!(credit.set_window(50), Some(150));
        assert!(!credit.receive(51), "beyond the grant");
    }

    #[test]
    fn an_open_window_admits_a_frame_larger_than_itself() {
        let mut credit = GrantedCredit::default();
        assert_eq!(credit.open(10), 10);
        assert_eq!(credit.want(1_000), Some(1_000));
        assert!(credit.receive(1_000));
        assert_eq!(credit.commit(1_000), 1_010);
    }

    #[test]
    fn a_wanted_frame_waits_until_nothing_else_is_in_line() {
        let mut credit = GrantedCredit::default();
        credit.open(100);
        assert!(credit.receive(60));
        assert_eq!(credit.want(90), None, "60 + 90 would overrun the window");
        assert_eq!(credit.commit(60), 160);
    }

    #[test]
    fn a_closed_window_admits_not_even_the_wanted_frame() {
        let mut credit = GrantedCredit::default();
        assert_eq!(credit.open(0), 0);
        assert_eq!(credit.want(1_000), None);
        assert_eq!(credit.set_window(1), Some(1_000));
    }
}
