//! Messages to bytes.

use evertill_journal::Watermark;
use minicbor::Encoder;
use minicbor::encode::Error;

use super::Message;
use crate::limits::MAX_TEXT_BYTES;
use crate::{
    Divergence, FeedFrame, HubHello, NodeHello, PrivatePosition, ReferencePosition,
    ReferenceVersion, Whose,
};

type Writer = Encoder<Vec<u8>>;
type Written = Result<(), Error<std::convert::Infallible>>;

pub(super) fn encode(message: &Message) -> Vec<u8> {
    let mut writer = Encoder::new(Vec::with_capacity(room(message)));
    write(&mut writer, message).expect("invariant: writing to memory cannot fail");
    writer.into_writer()
}

/// A guess at the size, so that a frame is copied once.
fn room(message: &Message) -> usize {
    match message {
        Message::JournalFrame(frame) => frame.len() + 16,
        Message::ReferencePage(page) => page.rows.len() + 128,
        Message::PrivatePage(page) => page.rows.len() + 64,
        _ => 128,
    }
}

fn write(w: &mut Writer, message: &Message) -> Written {
    w.array(2)?.u32(message.kind())?;
    match message {
        Message::NodeHello(hello) => node_hello(w, hello),
        Message::HubHello(hello) => hub_hello(w, hello),
        Message::Ready | Message::Bye => done(w.array(0)),
        Message::Refused(refusal) => {
            w.array(2)?.u16(refusal.code.number())?;
            done(w.str(cut(&refusal.detail)))
        }
        Message::Diverged(divergence) => diverged(w, divergence),
        Message::JournalHead(at) | Message::FeedHead(at) | Message::FeedAck(at) => {
            w.array(1)?;
            watermark(w, at)
        }
        Message::ReferenceHead(version) => {
            w.array(1)?;
            reference_version(w, version)
        }
        Message::Ping(number)
        | Message::Pong(number)
        | Message::Credit(number)
        | Message::CreditWanted(number) => done(w.array(1)?.u64(*number)),
        Message::JournalFrame(frame) => done(w.array(1)?.bytes(frame)),
        Message::JournalAck { at, credit } => {
            w.array(2)?;
            watermark(w, at)?;
            done(w.u64(*credit))
        }
        Message::FeedFrame(frame) => feed_frame(w, frame),
        Message::ReferencePage(page) => {
            w.array(3)?;
            reference_position(w, &page.from)?;
            reference_position(w, &page.to)?;
            done(w.bytes(&page.rows))
        }
        Message::ReferenceAck(position) => {
            w.array(1)?;
            reference_position(w, position)
        }
        Message::PrivatePage(page) => {
            w.array(3)?;
            private_position(w, page.from)?;
            private_position(w, page.to)?;
            done(w.bytes(&page.rows))
        }
        Message::PrivateAck(position) => {
            w.array(1)?;
            private_position(w, *position)
        }
    }
}

fn node_hello(w: &mut Writer, hello: &NodeHello) -> Written {
    w.array(11)?.u16(hello.protocol)?.u16(hello.oldest)?;
    w.u64(hello.node.0)?
        .str(hello.location.as_str())?
        .u64(hello.replica.0)?;
    watermark(w, &hello.head)?;
    match &hello.feed {
        None => {
            w.null()?;
        }
        Some(feed) => {
            w.array(2)?.u64(feed.hub.0)?;
            watermark(w, &feed.at)?;
        }
    }
    reference_position(w, &hello.reference)?;
    w.i64(hello.clock.as_millis())?.str(cut(&hello.software))?;
    match hello.private {
        Some(position) => private_position(w, position),
        None => done(w.null()),
    }
}

fn hub_hello(w: &mut Writer, hello: &HubHello) -> Written {
    w.array(9)?.u16(hello.protocol)?.u64(hello.hub.0)?;
    watermark(w, &hello.watermark)?;
    watermark(w, &hello.feed_head)?;
    reference_version(w, &hello.reference)?;
    w.u64(hello.credit)?
        .i64(hello.clock.as_millis())?
        .str(cut(&hello.software))?;
    match &hello.pickup_key {
        Some(key) => done(w.bytes(key.bytes())),
        None => done(w.null()),
    }
}

fn diverged(w: &mut Writer, divergence: &Divergence) -> Written {
    let whose = match divergence.whose {
        Whose::Node => 1,
        Whose::Hub => 2,
    };
    w.array(4)?.u8(whose)?.u8(divergence.kind.code())?;
    watermark(w, &divergence.peer_holds)?;
    done(match &divergence.own {
        None => w.null(),
        Some(hash) => w.bytes(&hash.0),
    })
}

fn feed_frame(w: &mut Writer, frame: &FeedFrame) -> Written {
    w.array(4)?
        .u64(frame.hub.0)?
        .u64(frame.first_seq)?
        .bytes(&frame.head.0)?;
    w.array(frame.items.len() as u64)?;
    for item in &frame.items {
        w.bytes(item)?;
    }
    Ok(())
}

fn watermark(w: &mut Writer, at: &Watermark) -> Written {
    done(w.array(2)?.u64(at.seq)?.bytes(&at.hash.0))
}

fn reference_version(w: &mut Writer, version: &ReferenceVersion) -> Written {
    done(w.array(2)?.u64(version.hub)?.u64(version.version))
}

fn reference_position(w: &mut Writer, position: &ReferencePosition) -> Written {
    w.array(3)?.u64(position.hub)?.u64(position.version)?;
    done(match &position.cursor {
        None => w.null(),
        Some(cursor) => w.bytes(cursor),
    })
}

fn private_position(w: &mut Writer, position: PrivatePosition) -> Written {
    done(w.array(2)?.u64(position.hub)?.u64(position.version))
}

/// The longest beginning of a text that fits the limit and is still text.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn done<T>(result: Result<T, Error<std::convert::Infallible>>) -> Written {
    result.map(|_| ())
}
