//! What the node says, and what the hub makes of it.

use super::{HubEffect, HubSession, Phase, refuse, send};
use crate::{Channel, CloseReason, Decoded, Message, Note, RefusalCode};

impl HubSession {
    pub(super) fn received(
        &mut self,
        channel: Channel,
        bytes: &[u8],
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        match Message::decode(channel, bytes) {
            Ok(Decoded::Message(message)) => self.message(message, bytes.len() as u64, out),
            Ok(Decoded::Unknown { kind }) => {
                out.push(HubEffect::Note(Note::UnknownMessage { channel, kind }));
                Ok(())
            }
            Err(error) => Err(refuse(RefusalCode::Malformed, error.to_string())),
        }
    }

    fn message(
        &mut self,
        message: Message,
        bytes: u64,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        match (&self.phase, message) {
            (_, Message::Bye) => Err(CloseReason::PeerStopped),
            (_, Message::Diverged(divergence)) => Err(CloseReason::Diverged(divergence)),
            (_, Message::Ping(nonce)) => {
                send(out, &Message::Pong(nonce));
                Ok(())
            }
            (_, Message::Pong(nonce)) => {
                if self.life.answered(nonce) {
                    out.push(HubEffect::Alive);
                }
                Ok(())
            }
            (Phase::Waiting, Message::NodeHello(hello)) => self.hello(hello, out),
            (Phase::Greeted { .. }, Message::Ready) => {
                self.ready(out);
                Ok(())
            }
            // The node's frames and wishes travel on a channel of their own and
            // can overtake its word that the journals agree.
            (
                Phase::Greeted { .. } | Phase::Active,
                message @ (Message::JournalFrame(_) | Message::CreditWanted(_)),
            ) => self.upstream(message, bytes, out),
            (Phase::Active, message) => self.flow(message, out),
            (_, message) => Err(out_of_place(&message)),
        }
    }

    fn upstream(
        &mut self,
        message: Message,
        bytes: u64,
        out: &mut Vec<HubEffect>,
    ) -> Result<(), CloseReason> {
        self.ready(out);
        match message {
            Message::JournalFrame(frame) => self.intake.frame(&frame, bytes, out),
            Message::CreditWanted(wanted) => {
                if let Some(up_to) = self.intake.wanted(wanted) {
                    send(out, &Message::Credit(up_to));
                }
                Ok(())
            }
            message => Err(out_of_place(&message)),
        }
    }

    fn flow(&mut self, message: Message, out: &mut Vec<HubEffect>) -> Result<(), CloseReason> {
        match message {
            // A frame got here first and was taken for the word.
            Message::Ready => Ok(()),
            Message::JournalHead(head) => {
                if self.intake.announce(head) {
                    out.push(HubEffect::HeadAnnounced { head });
                }
                Ok(())
            }
            Message::FeedAck(at) => {
                self.feed.acknowledge(at, out)?;
                self.pump(out);
                Ok(())
            }
            Message::ReferenceAck(position) => {
                self.pages.acknowledge(position, out)?;
                self.pump(out);
                Ok(())
            }
            Message::PrivateAck(position) => {
                self.private.acknowledge(position)?;
                self.pump(out);
                Ok(())
            }
            message => Err(out_of_place(&message)),
        }
    }
}

fn out_of_place(message: &Message) -> CloseReason {
    refuse(
        RefusalCode::Malformed,
        format!(
            "Message kind {} does not belong at this point; upgrade the older side.",
            message.kind()
        ),
    )
}
