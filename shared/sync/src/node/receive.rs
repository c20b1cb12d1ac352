//! What the hub says, and what the node makes of it.

use evertill_journal::Watermark;

use super::{NodeEffect, NodeSession, Phase, send};
use crate::limits::{MAX_FEED_IN_FLIGHT, MAX_PAGES_IN_FLIGHT};
use crate::{
    Channel, CloseReason, Decoded, FeedFrame, Message, Note, PrivatePage, PrivatePosition,
    ReferencePage, ReferencePosition,
};

impl NodeSession {
    pub(super) fn received(
        &mut self,
        channel: Channel,
        bytes: &[u8],
        out: &mut Vec<NodeEffect>,
    ) -> Result<(), CloseReason> {
        match Message::decode(channel, bytes) {
            Ok(Decoded::Message(message)) => self.message(message, out),
            Ok(Decoded::Unknown { kind }) => {
                out.push(NodeEffect::Note(Note::UnknownMessage { channel, kind }));
                Ok(())
            }
            Err(error) => Err(CloseReason::Protocol(error.to_string())),
        }
    }

    fn message(&mut self, message: Message, out: &mut Vec<NodeEffect>) -> Result<(), CloseReason> {
        match (&self.phase, message) {
            (_, Message::Refused(refusal)) => Err(CloseReason::RefusedByPeer(refusal)),
            (_, Message::Diverged(divergence)) => Err(CloseReason::Diverged(divergence)),
            (_, Message::Bye) => Err(CloseReason::PeerStopped),
            (_, Message::Ping(nonce)) => {
                send(out, &Message::Pong(nonce));
                Ok(())
            }
            (_, Message::Pong(_)) => Ok(()),
            (Phase::Greeting { .. }, Message::HubHello(hello)) => {
                self.greeted(hello, out);
                Ok(())
            }
            (Phase::Active { .. }, message) => self.flow(message, out),
            // A grant travels on its own channel and can overtake the hello.
            (Phase::Greeting { .. } | Phase::Comparing { .. }, Message::Credit(up_to)) => {
                self.journal.grant(up_to);
                Ok(())
            }
            (Phase::Comparing { .. }, Message::FeedHead(head)) => {
                out.push(NodeEffect::FeedReaches { head });
                Ok(())
            }
            (Phase::Comparing { .. }, Message::ReferenceHead(version)) => {
                out.push(NodeEffect::ReferenceReaches { version });
                Ok(())
            }
            (_, message) => Err(out_of_place(&message)),
        }
    }

    /// A message while everything flows.
    fn flow(&mut self, message: Message, out: &mut Vec<NodeEffect>) -> Result<(), CloseReason> {
        match message {
            Message::JournalAck { at, credit } => {
                self.journal.acknowledge(at)?;
                self.journal.grant(credit);
                out.push(NodeEffect::Acknowledged { at });
                self.pump(out);
                Ok(())
            }
            Message::Credit(up_to) => {
                self.journal.grant(up_to);
                self.pump(out);
                Ok(())
            }
            Message::FeedHead(head) => {
                out.push(NodeEffect::FeedReaches { head });
                Ok(())
            }
            Message::ReferenceHead(version) => {
                out.push(NodeEffect::ReferenceReaches { version });
                Ok(())
            }
            Message::FeedFrame(frame) => self.feed_frame(frame, out),
            Message::ReferencePage(page) => self.reference_page(page, out),
            Message::PrivatePage(page) => self.private_page(page, out),
            message => Err(out_of_place(&message)),
        }
    }

    fn feed_frame(
        &mut self,
        frame: FeedFrame,
        out: &mut Vec<NodeEffect>,
    ) -> Result<(), CloseReason> {
        let (Phase::Active { hub }, Some(after)) = (&self.phase, self.feed.received) else {
            return Ok(());
        };
        let continues = frame.hub == *hub && Some(frame.first_seq) == after.seq.checked_add(1);
        let Some(end) = frame.end().filter(|_| continues) else {
            return Err(CloseReason::Protocol(format!(
                "a feed frame from item {} does not continue the feed after item {}",
                frame.first_seq, after.seq
            )));
        };
        if self.feed.committing.len() == MAX_FEED_IN_FLIGHT {
            return Err(CloseReason::Protocol(
                "the hub sent more feed frames than may be unacknowledged".to_owned(),
            ));
        }
        self.feed.received = Some(end);
        self.feed.committing.push_back(end);
        out.push(NodeEffect::CommitFeed { after, frame });
        Ok(())
    }

    pub(super) fn feed_committed(
        &mut self,
        at: Watermark,
        out: &mut Vec<NodeEffect>,
    ) -> Result<(), CloseReason> {
        if self.feed.committing.pop_front() != Some(at) {
            return Err(CloseReason::Storage(format!(
                "the database committed the feed up to item {}, which is not the end of the \
                 oldest frame that it was given",
                at.seq
            )));
        }
        send(out, &Message::FeedAck(at));
        Ok(())
    }

    fn reference_page(
        &mut self,
        page: ReferencePage,
        out: &mut Vec<NodeEffect>,
    ) -> Result<(), CloseReason> {
        let restarts = page.from.version == 0 && page.from.cursor.is_none();
        if page.from != self.pages.received && !restarts {
            return Err(CloseReason::Protocol(format!(
                "a reference page starts at version {} of hub {:016x}, which is not where the \
                 last one ended",
                page.from.version, page.from.hub
            )));
        }
        if self.pages.staging.len() == MAX_PAGES_IN_FLIGHT {
            return Err(CloseReason::Protocol(
                "the hub sent more reference pages than may be unacknowledged".to_owned(),
            ));
        }
        self.pages.received = page.to.clone();
        self.pages.staging.push_back(page.to.clone());
        out.push(NodeEffect::StageReference { page });
        Ok(())
    }

    pub(super) fn reference_staged(
        &mut self,
        position: ReferencePosition,
        out: &mut Vec<NodeEffect>,
    ) -> Result<(), CloseReason> {
        if self.pages.staging.pop_front().as_ref() != Some(&position) {
            return Err(CloseReason::Storage(format!(
                "the reference database stands at version {}, which is not where the oldest page \
                 that it was given ends",
                position.version
            )));
        }
        send(out, &Message::ReferenceAck(position));
        Ok(())
    }

    fn private_page(
        &mut self,
        page: PrivatePage,
        out: &mut Vec<NodeEffect>,
    ) -> Result<(), CloseReason> {
        let lane = &mut self.private;
        let continues = page.from == lane.received || page.from == PrivatePosition::NOTHING;
        if !continues || lane.keeping.is_some() {
            return Err(CloseReason::Protocol(format!(
                "a private page starts after change {}, which is not where the last one ended, \
                 or before that one was kept",
                page.from.version
            )));
        }
        lane.received = page.to;
        lane.keeping = Some(page.to);
        out.push(NodeEffect::KeepPrivate { page });
        Ok(())
    }

    pub(super) fn private_kept(
        &mut self,
        position: PrivatePosition,
        out: &mut Vec<NodeEffect>,
    ) -> Result<(), CloseReason> {
        if self.private.keeping.take() != Some(position) {
            return Err(CloseReason::Storage(format!(
                "the database keeps the private stream up to change {}, which is not where the \
                 page that it was given ends",
                position.version
            )));
        }
        send(out, &Message::PrivateAck(position));
        Ok(())
    }
}

fn out_of_place(message: &Message) -> CloseReason {
    CloseReason::Protocol(format!(
        "message kind {} does not belong at this point",
        message.kind()
    ))
}
