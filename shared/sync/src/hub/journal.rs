//! The node's journal arriving at the hub: counted, put in line for the writer,
//! acknowledged when durable.
//!
//! Invariant: what waits for the writer is at most what was granted, frame by
//! frame in chain order; an acknowledgement names the end of a frame that the
//! shell reported as committed.

use std::collections::VecDeque;

use evertill_domain::ReplicaId;
use evertill_journal::{Frame, Watermark};

use super::{HubEffect, refuse, send};
use crate::credit::GrantedCredit;
use crate::limits::MAX_FRAMES_IN_FLIGHT;
use crate::{CloseReason, Greeting, Message, RefusalCode};

#[derive(Debug, Default)]
pub(super) struct Intake {
    chain: Option<Position>,
    committing: VecDeque<(Watermark, u64)>,
    credit: GrantedCredit,
}

/// Where the journal of the connected replica stands.
#[derive(Debug)]
struct Position {
    replica: ReplicaId,
    received: Watermark,
    announced: u64,
}

impl Intake {
    /// Starts after what the hub holds; gives the credit for the hello.
    pub(super) fn open(&mut self, replica: ReplicaId, greeting: &Greeting) -> u64 {
        self.chain = Some(Position {
            replica,
            received: greeting.watermark,
            announced: 0,
        });
        self.credit.open(greeting.window)
    }

    /// The node said how far its journal reaches; true if that is news.
    pub(super) fn announce(&mut self, head: Watermark) -> bool {
        let Some(position) = &mut self.chain else {
            return false;
        };
        let news = head.seq > position.announced;
        position.announced = position.announced.max(head.seq);
        news
    }

    /// A frame arrived in a message of `bytes` bytes.
    pub(super) fn frame(
        &mut self,
        encoded: &[u8],
        bytes: u64,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        if !self.credit.receive(bytes) || self.committing.len() == MAX_FRAMES_IN_FLIGHT {
            return Err(refuse(
                RefusalCode::Malformed,
                "The node sent more than it was granted; upgrade it.",
            ));
        }
        let frame = Frame::decode(encoded)
            .map_err(|error| refuse(RefusalCode::Malformed, error.to_string()))?;
        let Some(position) = &mut self.chain else {
            return Ok(());
        };
        let after = position.received;
        if frame.replica != position.replica || Some(frame.first_seq) != after.seq.checked_add(1) {
            return Err(refuse(
                RefusalCode::ChainBroken,
                format!(
                    "A frame from entry {} of replica {} does not continue replica {} after \
                     entry {}.",
                    frame.first_seq, frame.replica, position.replica, after.seq
                ),
            ));
        }
        let end = Watermark {
            seq: frame.last_seq(),
            hash: frame.head,
        };
        position.received = end;
        self.committing.push_back((end, bytes));
        if self.announce(end) {
            out.push(HubEffect::HeadAnnounced { head: end });
        }
        out.push(HubEffect::CommitFrame {
            after,
            frame,
            bytes,
        });
        Ok(())
    }

    /// The oldest frame in line is durable with its projections.
    pub(super) fn committed(&mut self, out: &mut Vec<HubEffect>) -> Result<(), CloseReason> {
        let Some((at, bytes)) = self.committing.pop_front() else {
            return Err(refuse(
                RefusalCode::Storage,
                "The hub's database committed a frame that it was not given.",
            ));
        };
        let credit = self.credit.commit(bytes);
        send(out, &Message::JournalAck { at, credit });
        Ok(())
    }

    /// The node holds back a frame of this many bytes.
    pub(super) fn wanted(&mut self, bytes: u64) -> Option<u64> {
        let limit = crate::limits::MAX_MESSAGE_BYTES as u64;
        self.credit.want(bytes.min(limit))
    }

    pub(super) fn set_window(&mut self, bytes: u64) -> Option<u64> {
        self.credit.set_window(bytes)
    }

    pub(super) fn uncommitted_bytes(&self) -> u64 {
        self.committing.iter().map(|(_, bytes)| bytes).sum()
    }
}
