//! What flows down to the node: the feed, the reference stream and the private
//! stream.
//!
//! The first two read ahead of the acknowledgements by a few frames or pages, so
//! that a long line stays full, and no further. Of the private stream, which is
//! small, one page is under way at a time.
//!
//! Invariant: `acknowledged ≤ sent`; at most one read is outstanding per stream.

use std::collections::VecDeque;

use evertill_journal::Watermark;

use super::{HubEffect, refuse, send};
use crate::limits::{
    FEED_FRAME_BYTES, FEED_FRAME_ITEMS, MAX_FEED_IN_FLIGHT, MAX_PAGES_IN_FLIGHT,
    PRIVATE_PAGE_BYTES, REFERENCE_PAGE_BYTES,
};
use crate::{
    CloseReason, FeedFrame, Greeting, Message, NodeHello, PrivatePage, PrivatePosition,
    ReferencePage, ReferencePosition, ReferenceVersion, RefusalCode,
};

/// The location's feed.
#[derive(Debug, Default)]
pub(super) struct FeedDown {
    head: Option<Watermark>,
    sent: Option<Watermark>,
    /// While the shell reads: the head that was known when it was asked.
    reading: Option<Watermark>,
    in_flight: VecDeque<Watermark>,
}

impl FeedDown {
    pub(super) fn open(&mut self, hello: &NodeHello, greeting: &Greeting) {
        let start = hello
            .feed
            .map_or(Watermark::nothing(greeting.hub), |feed| feed.at);
        self.sent = Some(start);
        // It may have grown between the shell's snapshot and its answer.
        self.reaches(greeting.feed_head);
    }

    pub(super) fn reaches(&mut self, head: Watermark) {
        if self.head.is_none_or(|known| head.seq > known.seq) {
            self.head = Some(head);
        }
    }

    /// The head, if the node learns of it from no frame on its way.
    pub(super) fn unannounced(&self) -> Option<Watermark> {
        let stalled = self.in_flight.len() == MAX_FEED_IN_FLIGHT;
        self.head.filter(|_| stalled && self.reading.is_none())
    }

    pub(super) fn read(
        &mut self,
        frame: Option<FeedFrame>,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        let asked = self.reading.take();
        let Some(sent) = &mut self.sent else {
            return Ok(());
        };
        let Some(frame) = frame else {
            // Nothing there after all, unless more was reported meanwhile.
            if asked == self.head {
                self.head = Some(*sent);
            }
            return Ok(());
        };
        let continues = Some(frame.first_seq) == sent.seq.checked_add(1);
        let Some(end) = frame.end().filter(|_| continues) else {
            return Err(refuse(
                RefusalCode::Storage,
                format!("The hub's feed has a gap after item {}.", sent.seq),
            ));
        };
        *sent = end;
        self.in_flight.push_back(end);
        send(out, &Message::FeedFrame(frame));
        Ok(())
    }

    pub(super) fn acknowledge(
        &mut self,
        at: Watermark,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        if self.in_flight.pop_front() != Some(at) {
            return Err(refuse(
                RefusalCode::Malformed,
                format!(
                    "Feed item {} was acknowledged out of turn; upgrade the node.",
                    at.seq
                ),
            ));
        }
        out.push(HubEffect::FeedAcknowledged { at });
        Ok(())
    }

    pub(super) fn pump(&mut self, out: &mut Vec<HubEffect>) {
        let (Some(head), Some(sent)) = (self.head, self.sent) else {
            return;
        };
        if self.reading.is_some()
            || head.seq <= sent.seq
            || self.in_flight.len() == MAX_FEED_IN_FLIGHT
        {
            return;
        }
        self.reading = Some(head);
        out.push(HubEffect::ReadFeed {
            after: sent,
            max_items: FEED_FRAME_ITEMS,
            max_bytes: FEED_FRAME_BYTES,
        });
    }
}

/// The reference stream.
#[derive(Debug, Default)]
pub(super) struct PagesDown {
    newest: Option<ReferenceVersion>,
    sent: Option<ReferencePosition>,
    /// While the shell reads: the version that was known when it was asked.
    reading: Option<ReferenceVersion>,
    /// The version at which the shell last said that nothing is left.
    exhausted: Option<ReferenceVersion>,
    in_flight: VecDeque<ReferencePosition>,
}

impl PagesDown {
    pub(super) fn open(&mut self, hello: &NodeHello, greeting: &Greeting) {
        self.sent = Some(hello.reference.clone());
        self.reaches(greeting.reference);
    }

    pub(super) fn reaches(&mut self, version: ReferenceVersion) {
        let newer = self
            .newest
            .is_none_or(|known| known.hub != version.hub || known.version < version.version);
        if newer {
            self.newest = Some(version);
        }
    }

    /// The version, if the node learns of it from no page on its way.
    pub(super) fn unannounced(&self) -> Option<ReferenceVersion> {
        let stalled = self.in_flight.len() == MAX_PAGES_IN_FLIGHT;
        self.newest.filter(|_| stalled && self.reading.is_none())
    }

    pub(super) fn read(
        &mut self,
        page: Option<ReferencePage>,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        let asked = self.reading.take();
        let Some(page) = page else {
            self.exhausted = asked;
            return Ok(());
        };
        let restarts = page.from.version == 0 && page.from.cursor.is_none();
        if Some(&page.from) != self.sent.as_ref() && !restarts {
            return Err(refuse(
                RefusalCode::Storage,
                "The hub read a reference page from another place than was asked for.",
            ));
        }
        if page.to == page.from {
            return Err(refuse(
                RefusalCode::Storage,
                "The hub read a reference page that leads nowhere.",
            ));
        }
        self.sent = Some(page.to.clone());
        self.in_flight.push_back(page.to.clone());
        send(out, &Message::ReferencePage(page));
        Ok(())
    }

    pub(super) fn acknowledge(
        &mut self,
        position: ReferencePosition,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        if self.in_flight.pop_front().as_ref() != Some(&position) {
            return Err(refuse(
                RefusalCode::Malformed,
                "A reference page was acknowledged out of turn; upgrade the node.",
            ));
        }
        out.push(HubEffect::ReferenceAcknowledged { position });
        Ok(())
    }

    pub(super) fn pump(&mut self, out: &mut Vec<HubEffect>) {
        let (Some(sent), Some(newest)) = (&self.sent, self.newest) else {
            return;
        };
        if self.reading.is_some()
            || sent.is_at(&newest)
            || self.exhausted == Some(newest)
            || self.in_flight.len() == MAX_PAGES_IN_FLIGHT
        {
            return;
        }
        self.reading = Some(newest);
        out.push(HubEffect::ReadReference {
            from: sent.clone(),
            max_bytes: REFERENCE_PAGE_BYTES,
        });
    }
}

/// The private stream.
#[derive(Debug, Default)]
pub(super) struct PrivateDown {
    newest: PrivatePosition,
    /// What the node holds or is sent; none if it knows of no such stream.
    sent: Option<PrivatePosition>,
    /// While the shell reads: the position that was known when it was asked.
    reading: Option<PrivatePosition>,
    /// The position at which the shell last said that nothing is left.
    exhausted: Option<PrivatePosition>,
    in_flight: Option<PrivatePosition>,
}

impl PrivateDown {
    pub(super) fn open(&mut self, hello: &NodeHello, greeting: &Greeting) {
        self.newest.hub = greeting.hub.0;
        self.sent = hello.private;
        // It may have grown between the shell's snapshot and its answer.
        self.reaches(greeting.private);
    }

    pub(super) fn reaches(&mut self, version: u64) {
        self.newest.version = self.newest.version.max(version);
    }

    pub(super) fn read(
        &mut self,
        page: Option<PrivatePage>,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        let asked = self.reading.take();
        let Some(page) = page else {
            self.exhausted = asked;
            return Ok(());
        };
        let continues = Some(page.from) == self.sent || page.from == PrivatePosition::NOTHING;
        if !continues || page.to == page.from {
            return Err(refuse(
                RefusalCode::Storage,
                "The hub read a private page from another place than was asked for, or one that \
                 leads nowhere.",
            ));
        }
        self.sent = Some(page.to);
        self.in_flight = Some(page.to);
        send(out, &Message::PrivatePage(page));
        Ok(())
    }

    pub(super) fn acknowledge(&mut self, position: PrivatePosition) -> Result<(), CloseReason> {
        if self.in_flight.take() == Some(position) {
            return Ok(());
        }
        Err(refuse(
            RefusalCode::Malformed,
            "A private page was acknowledged out of turn; upgrade the node.",
        ))
    }

    pub(super) fn pump(&mut self, out: &mut Vec<HubEffect>) {
        let Some(sent) = self.sent else {
            return;
        };
        if self.reading.is_some()
            || self.in_flight.is_some()
            || sent.is_at(&self.newest)
            || self.exhausted == Some(self.newest)
        {
            return;
        }
        self.reading = Some(self.newest);
        out.push(HubEffect::ReadPrivate {
            from: sent,
            max_bytes: PRIVATE_PAGE_BYTES,
        });
    }
}
