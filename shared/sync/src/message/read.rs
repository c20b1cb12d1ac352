//! Bytes to messages.

use evertill_domain::order::PickupKey;
use evertill_domain::{NodeId, ReplicaId, Timestamp};
use evertill_journal::{EntryHash, Watermark};
use minicbor::decode::{Decoder, Error};

use super::fields::Fields;
use super::{Decoded, Message, MessageError, channel_of, kind};
use crate::limits::{FEED_FRAME_ITEMS, MAX_CURSOR_BYTES, MAX_MESSAGE_BYTES, MAX_TEXT_BYTES};
use crate::{
    Channel, Divergence, DivergenceKind, FeedFrame, FeedPosition, HubHello, NodeHello, PrivatePage,
    PrivatePosition, ReferencePage, ReferencePosition, ReferenceVersion, Refusal, RefusalCode,
    Whose,
};

pub(super) fn decode(channel: Channel, bytes: &[u8]) -> Result<Decoded, MessageError> {
    let limit = channel.max_message_bytes();
    if bytes.len() > limit {
        return Err(MessageError::TooLong {
            channel,
            bytes: bytes.len(),
            limit,
        });
    }
    let malformed = |error: Error| MessageError::Malformed {
        channel,
        detail: error.to_string(),
    };
    let mut decoder = Decoder::new(bytes);
    let number = peek_kind(bytes).map_err(malformed)?;
    match channel_of(number) {
        Some(expected) if expected != channel => {
            return Err(MessageError::WrongChannel {
                channel,
                expected,
                kind: number,
            });
        }
        Some(_) => {}
        None => {
            decoder.skip().map_err(malformed)?;
            at_end(&decoder, bytes).map_err(malformed)?;
            return Ok(Decoded::Unknown { kind: number });
        }
    }
    let message = Fields::read(&mut decoder, |fields| {
        fields.next()?.skip()?;
        fields.nested(|body| read_body(number, body))
    })
    .map_err(malformed)?;
    at_end(&decoder, bytes).map_err(malformed)?;
    Ok(Decoded::Message(message))
}

fn peek_kind(bytes: &[u8]) -> Result<u32, Error> {
    let mut decoder = Decoder::new(bytes);
    match decoder.array()? {
        Some(2..) => decoder.u32(),
        _ => Err(Error::message("not an array of kind and body")),
    }
}

fn at_end(decoder: &Decoder<'_>, bytes: &[u8]) -> Result<(), Error> {
    if decoder.position() == bytes.len() {
        return Ok(());
    }
    Err(Error::message("bytes follow the message"))
}

fn read_body(number: u32, body: &mut Fields<'_, '_>) -> Result<Message, Error> {
    Ok(match number {
        kind::NODE_HELLO => Message::NodeHello(Box::new(node_hello(body)?)),
        kind::HUB_HELLO => Message::HubHello(Box::new(hub_hello(body)?)),
        kind::READY => Message::Ready,
        kind::REFUSED => Message::Refused(Refusal {
            code: RefusalCode::from_number(body.u16()?),
            detail: body.text(MAX_TEXT_BYTES)?.to_owned(),
        }),
        kind::DIVERGED => Message::Diverged(divergence(body)?),
        kind::JOURNAL_HEAD => Message::JournalHead(watermark(body)?),
        kind::FEED_HEAD => Message::FeedHead(watermark(body)?),
        kind::REFERENCE_HEAD => Message::ReferenceHead(reference_version(body)?),
        kind::PING => Message::Ping(body.u64()?),
        kind::PONG => Message::Pong(body.u64()?),
        kind::BYE => Message::Bye,
        kind::JOURNAL_FRAME => Message::JournalFrame(body.bytes(MAX_MESSAGE_BYTES)?.to_vec()),
        kind::JOURNAL_ACK => Message::JournalAck {
            at: watermark(body)?,
            credit: body.u64()?,
        },
        kind::CREDIT => Message::Credit(body.u64()?),
        kind::CREDIT_WANTED => Message::CreditWanted(body.u64()?),
        kind::FEED_FRAME => Message::FeedFrame(feed_frame(body)?),
        kind::FEED_ACK => Message::FeedAck(watermark(body)?),
        kind::REFERENCE_PAGE => Message::ReferencePage(ReferencePage {
            from: reference_position(body)?,
            to: reference_position(body)?,
            rows: body.bytes(MAX_MESSAGE_BYTES)?.to_vec(),
        }),
        kind::REFERENCE_ACK => Message::ReferenceAck(reference_position(body)?),
        kind::PRIVATE_PAGE => Message::PrivatePage(PrivatePage {
            from: private_position(body)?,
            to: private_position(body)?,
            rows: body.bytes(MAX_MESSAGE_BYTES)?.to_vec(),
        }),
        kind::PRIVATE_ACK => Message::PrivateAck(private_position(body)?),
        _ => return Err(Error::message("a kind without a reader")),
    })
}

fn node_hello(body: &mut Fields<'_, '_>) -> Result<NodeHello, Error> {
    Ok(NodeHello {
        protocol: body.u16()?,
        oldest: body.u16()?,
        node: NodeId(body.u64()?),
        location: body
            .text(MAX_TEXT_BYTES)?
            .parse()
            .map_err(|_| Error::message("a location that is none"))?,
        replica: ReplicaId(body.u64()?),
        head: watermark(body)?,
        feed: body.optional(|body| {
            body.nested(|feed| {
                Ok(FeedPosition {
                    hub: ReplicaId(feed.u64()?),
                    at: watermark(feed)?,
                })
            })
        })?,
        reference: reference_position(body)?,
        clock: Timestamp::from_millis(body.i64()?),
        software: body.text(MAX_TEXT_BYTES)?.to_owned(),
        private: if body.left() > 0 {
            body.optional(private_position)?
        } else {
            None
        },
    })
}

fn hub_hello(body: &mut Fields<'_, '_>) -> Result<HubHello, Error> {
    Ok(HubHello {
        protocol: body.u16()?,
        hub: ReplicaId(body.u64()?),
        watermark: watermark(body)?,
        feed_head: watermark(body)?,
        reference: reference_version(body)?,
        credit: body.u64()?,
        clock: Timestamp::from_millis(body.i64()?),
        software: body.text(MAX_TEXT_BYTES)?.to_owned(),
        pickup_key: if body.left() > 0 {
            body.optional(Fields::hash)?.map(PickupKey::new)
        } else {
            None
        },
    })
}

fn watermark(body: &mut Fields<'_, '_>) -> Result<Watermark, Error> {
    body.nested(|fields| {
        Ok(Watermark {
            seq: fields.u64()?,
            hash: EntryHash(fields.hash()?),
        })
    })
}

fn reference_version(body: &mut Fields<'_, '_>) -> Result<ReferenceVersion, Error> {
    body.nested(|fields| {
        Ok(ReferenceVersion {
            hub: fields.u64()?,
            version: fields.u64()?,
        })
    })
}

fn reference_position(body: &mut Fields<'_, '_>) -> Result<ReferencePosition, Error> {
    body.nested(|fields| {
        Ok(ReferencePosition {
            hub: fields.u64()?,
            version: fields.u64()?,
            cursor: fields.optional(|fields| Ok(fields.bytes(MAX_CURSOR_BYTES)?.to_vec()))?,
        })
    })
}

fn private_position(body: &mut Fields<'_, '_>) -> Result<PrivatePosition, Error> {
    body.nested(|fields| {
        Ok(PrivatePosition {
            hub: fields.u64()?,
            version: fields.u64()?,
        })
    })
}

fn divergence(body: &mut Fields<'_, '_>) -> Result<Divergence, Error> {
    Ok(Divergence {
        whose: match body.u8()? {
            1 => Whose::Node,
            2 => Whose::Hub,
            _ => return Err(Error::message("a divergence of neither side")),
        },
        kind: DivergenceKind::from_code(body.u8()?)
            .ok_or_else(|| Error::message("a divergence of an unknown kind"))?,
        peer_holds: watermark(body)?,
        own: body.optional(|body| Ok(EntryHash(body.hash()?)))?,
    })
}

fn feed_frame(body: &mut Fields<'_, '_>) -> Result<FeedFrame, Error> {
    Ok(FeedFrame {
        hub: ReplicaId(body.u64()?),
        first_seq: body.u64()?,
        head: EntryHash(body.hash()?),
        items: body.nested(|list| {
            let mut items = Vec::new();
            while list.left() > 0 {
                if items.len() == FEED_FRAME_ITEMS {
                    return Err(Error::message("a feed frame has too many items"));
                }
                items.push(list.bytes(MAX_MESSAGE_BYTES)?.to_vec());
            }
            Ok(items)
        })?,
    })
}
