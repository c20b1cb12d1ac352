//! The node's journal on its way to the hub: read, hold for credit, ship,
//! settle.
//!
//! Invariant: `acknowledged ≤ shipped ≤ head`, and each of these positions was
//! either read from durable storage or confirmed by hash.

use std::collections::VecDeque;

use evertill_domain::ReplicaId;
use evertill_journal::{Frame, Watermark};

use super::{NodeEffect, send};
use crate::credit::SendCredit;
use crate::limits::{FRAME_BYTES, FRAME_ENTRIES, MAX_FRAMES_IN_FLIGHT, MIN_READ_BYTES};
use crate::{CloseReason, Message};

#[derive(Debug)]
pub(super) struct JournalLane {
    head: Watermark,
    /// The end of the last frame that was read, sent or still held.
    taken: Watermark,
    /// The end of the last frame that was sent.
    shipped: Watermark,
    /// While the shell reads: the head that was known when it was asked.
    reading: Option<Watermark>,
    /// A frame that waits for credit: its message and its end.
    held: Option<(Vec<u8>, Watermark)>,
    /// Ends of the frames that are not acknowledged, oldest first.
    in_flight: VecDeque<Watermark>,
    credit: SendCredit,
}

impl JournalLane {
    pub(super) fn new(head: Watermark) -> Self {
        Self {
            head,
            taken: head,
            shipped: head,
            reading: None,
            held: None,
            in_flight: VecDeque::new(),
            credit: SendCredit::default(),
        }
    }

    pub(super) fn head(&self) -> Watermark {
        self.head
    }

    pub(super) fn shipped(&self) -> Watermark {
        self.shipped
    }

    /// The own journal reaches further.
    pub(super) fn reaches(&mut self, head: Watermark) {
        if head.seq > self.head.seq {
            self.head = head;
        }
    }

    /// The hub holds everything up to `holds`; ship what follows.
    pub(super) fn open(&mut self, holds: Watermark, credit: u64) {
        self.taken = holds;
        self.shipped = holds;
        // The look-up may have found entries committed after the hello.
        self.reaches(holds);
        self.credit.grant(credit);
    }

    pub(super) fn grant(&mut self, up_to: u64) {
        self.credit.grant(up_to);
    }

    /// Takes what the shell read.
    pub(super) fn read(
        &mut self,
        replica: ReplicaId,
        frame: Option<Frame>,
    ) -> Result<(), CloseReason> {
        let asked = self.reading.take();
        let Some(frame) = frame else {
            // Nothing durable there after all; the next commit raises it again,
            // unless that commit was reported while the shell was reading.
            if asked == Some(self.head) {
                self.head = self.taken;
            }
            return Ok(());
        };
        let fits =
            frame.replica == replica && frame.count > 0 && frame.first_seq == self.taken.seq + 1;
        if !fits {
            return Err(CloseReason::Storage(format!(
                "the journal gave entry {} of replica {} where {} of {replica} was asked for: \
                 run verify",
                frame.first_seq,
                frame.replica,
                self.taken.seq + 1,
            )));
        }
        self.taken = Watermark {
            seq: frame.last_seq(),
            hash: frame.head,
        };
        let message = Message::JournalFrame(frame.encode()).encode();
        self.held = Some((message, self.taken));
        Ok(())
    }

    /// The hub has everything up to the end of a frame.
    pub(super) fn acknowledge(&mut self, at: Watermark) -> Result<(), CloseReason> {
        while let Some(end) = self.in_flight.pop_front() {
            if end == at {
                return Ok(());
            }
            if end.seq >= at.seq {
                break;
            }
        }
        Err(CloseReason::Protocol(format!(
            "the hub acknowledged entry {}, which is not the end of a frame in flight",
            at.seq
        )))
    }

    /// Sends what the credit admits and reads the next frame ahead.
    pub(super) fn pump(&mut self, out: &mut Vec<NodeEffect>) {
        if let Some((message, end)) = self.held.take() {
            let bytes = message.len() as u64;
            if self.in_flight.len() < MAX_FRAMES_IN_FLIGHT && self.credit.spend(bytes) {
                let channel = crate::Channel::Journal;
                out.push(NodeEffect::Send {
                    channel,
                    bytes: message,
                });
                self.shipped = end;
                self.in_flight.push_back(end);
            } else {
                if bytes > self.credit.left() && self.credit.want(bytes) {
                    send(out, &Message::CreditWanted(bytes));
                }
                self.held = Some((message, end));
                return;
            }
        }
        if self.reading.is_some() || self.head.seq <= self.taken.seq {
            return;
        }
        self.reading = Some(self.head);
        let frame_bytes = FRAME_BYTES as u64;
        out.push(NodeEffect::ReadJournal {
            after: self.taken,
            max_entries: FRAME_ENTRIES,
            max_bytes: self.credit.left().clamp(MIN_READ_BYTES, frame_bytes),
            backlog: self.head.seq - self.taken.seq > LIVE_ENTRIES,
        });
    }
}

/// More entries than this waiting are a backlog.
const LIVE_ENTRIES: u64 = 16;
