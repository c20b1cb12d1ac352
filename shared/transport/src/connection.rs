//! A connection as whole messages on a few channels.
//!
//! Each channel is one bidirectional stream; the node opens them in order and
//! starts each with the channel's number. A message is its length (four bytes,
//! big endian) and its bytes. Order holds within a channel and nowhere else, and
//! a channel that nobody reads stops only its own sender.
//!
//! The queues take no memory while nothing waits (the runtime's own keep room
//! for 32 messages each): a hub has five of them for every store.
//!
//! Invariant: nothing is allocated for a message before its length was checked;
//! what waits to be sent or read is bounded by [`SEND_QUEUE`] and
//! [`RECEIVE_QUEUE`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quinn::{ReadExactError, RecvStream, SendStream, VarInt};
use tokio::task::JoinSet;

use crate::CHANNELS;

/// Messages that may wait to be sent on one channel. A session keeps far fewer
/// unanswered, so a full queue means that the peer stopped reading.
const SEND_QUEUE: usize = 256;
/// Messages that may wait to be taken, over all channels; streams wait beyond.
const RECEIVE_QUEUE: usize = 16;
/// The numbers that channels start with.
const CHANNEL_NUMBERS: u8 = 4;
const _: () = assert!(CHANNEL_NUMBERS as usize == CHANNELS);
/// Which channel goes first when there is more to send than the line takes:
/// control, then sales, then what the hub sends down.
const RANKS: [i32; CHANNELS] = [3, 2, 1, 0];
/// How long the channels may take to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that closes in good order may take to send what is queued.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// Why nothing more can be sent or received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The connection ended; what QUIC says.
    #[error("the connection ended: {0}")]
    Ended(String),
    /// The peer takes nothing more on a channel.
    #[error("the peer does not read channel {0} any more")]
    NotReading(usize),
    /// The peer does not keep to the form of messages.
    #[error("the peer broke the form of messages: {0}")]
    Malformed(String),
}

/// An authenticated connection whose channels are not open yet.
#[derive(Debug)]
pub struct Connection {
    pub(crate) quic: quinn::Connection,
}

/// The sending half.
#[derive(Debug)]
pub struct Sender {
    quic: quinn::Connection,
    queues: [flume::Sender<Vec<u8>>; CHANNELS],
    writers: JoinSet<()>,
    written: Arc<AtomicU64>,
}

/// The receiving half.
#[derive(Debug)]
pub struct Receiver {
    quic: quinn::Connection,
    messages: flume::Receiver<Result<(usize, Vec<u8>), Closed>>,
}

impl Connection {
    /// Opens the channels, at the node. `limits` is the longest message of each
    /// in bytes.
    ///
    /// # Errors
    /// [`Closed`] when the connection ends meanwhile.
    pub async fn open(self, limits: [usize; CHANNELS]) -> Result<(Sender, Receiver), Closed> {
        let opening = async {
            let mut streams = Vec::with_capacity(CHANNELS);
            for number in 0..CHANNEL_NUMBERS {
                let (mut send, receive) = self.quic.open_bi().await.map_err(ended)?;
                send.write_all(&[number]).await.map_err(ended)?;
                streams.push((send, receive));
            }
            Ok(streams)
        };
        let streams = in_time(opening).await?;
        Ok(self.start(streams, limits))
    }

    /// Waits for the channels that the node opens, at the hub.
    ///
    /// # Errors
    /// [`Closed`] when they are not opened in time, or not as they should be.
    pub async fn accept(self, limits: [usize; CHANNELS]) -> Result<(Sender, Receiver), Closed> {
        let accepting = async {
            let mut streams: [Option<(SendStream, RecvStream)>; CHANNELS] = Default::default();
            for _ in 0..CHANNELS {
                let (send, mut receive) = self.quic.accept_bi().await.map_err(ended)?;
                let mut number = [0];
                receive.read_exact(&mut number).await.map_err(ended)?;
                let channel = usize::from(number[0]);
                let Some(place @ None) = streams.get_mut(channel) else {
                    let detail = format!("channel {channel} is unknown or opened twice");
                    return Err(Closed::Malformed(detail));
                };
                *place = Some((send, receive));
            }
            Ok(streams.into_iter().flatten().collect())
        };
        let streams = in_time(accepting).await?;
        Ok(self.start(streams, limits))
    }

    /// Ends the connection before it was used; the peer hears why.
    pub fn refuse(self, reason: &str) {
        self.quic.close(VarInt::from_u32(1), reason.as_bytes());
    }

    fn start(
        self,
        streams: Vec<(SendStream, RecvStream)>,
        limits: [usize; CHANNELS],
    ) -> (Sender, Receiver) {
        let written = Arc::new(AtomicU64::new(0));
        let (arrived, messages) = flume::bounded(RECEIVE_QUEUE);
        let mut queues = Vec::with_capacity(CHANNELS);
        let mut writers = JoinSet::new();
        for ((channel, rank), (send, receive)) in (0..).zip(RANKS).zip(streams) {
            let (queue, waiting) = flume::bounded(SEND_QUEUE);
            queues.push(queue);
            // A stream that is closed already is found by the first write.
            let _ = send.set_priority(rank);
            writers.spawn(write_all(send, waiting, written.clone()));
            tokio::spawn(read_all(channel, receive, limits[channel], arrived.clone()));
        }
        let queues = queues.try_into().expect("invariant: one queue a channel");
        let quic = self.quic;
        (
            Sender {
                quic: quic.clone(),
                queues,
                writers,
                written,
            },
            Receiver { quic, messages },
        )
    }
}

impl Sender {
    /// Queues a message on a channel, after everything queued there before.
    ///
    /// # Errors
    /// [`Closed`] when the connection ended, or the peer stopped reading.
    pub fn send(&self, channel: usize, message: Vec<u8>) -> Result<(), Closed> {
        self.queues[channel]
            .try_send(message)
            .map_err(|error| match error {
                flume::TrySendError::Full(_) => Closed::NotReading(channel),
                flume::TrySendError::Disconnected(_) => Closed::Ended(self.why()),
            })
    }

    /// Bytes written to the streams so far, lengths included.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Sends what is queued and then ends the connection; the peer hears why.
    /// Gives up on a peer that takes nothing more.
    pub async fn close(self, reason: &str) {
        let Self {
            quic,
            queues,
            writers,
            ..
        } = self;
        drop(queues);
        // A writer that was aborted or failed has nothing left to send.
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, writers.join_all()).await;
        quic.close(VarInt::from_u32(0), reason.as_bytes());
    }

    /// Ends the connection at once.
    pub fn abort(&self, reason: &str) {
        self.quic.close(VarInt::from_u32(1), reason.as_bytes());
    }

    fn why(&self) -> String {
        let reason = self.quic.close_reason();
        reason.map_or_else(|| "the stream was reset".to_owned(), |r| r.to_string())
    }
}

impl Receiver {
    /// The next message and its channel.
    ///
    /// # Errors
    /// [`Closed`] when there will be no more.
    pub async fn receive(&mut self) -> Result<(usize, Vec<u8>), Closed> {
        match self.messages.recv_async().await {
            Ok(message) => message,
            Err(flume::RecvError::Disconnected) => {
                Err(Closed::Ended(self.quic.closed().await.to_string()))
            }
        }
    }
}

async fn write_all(
    mut stream: SendStream,
    queue: flume::Receiver<Vec<u8>>,
    written: Arc<AtomicU64>,
) {
    while let Ok(message) = queue.recv_async().await {
        let length = u32::try_from(message.len()).expect("invariant: messages are far below 4 GiB");
        let mut bytes = Vec::with_capacity(4 + message.len());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&message);
        if stream.write_all(&bytes).await.is_err() {
            // The receiving half reports why.
            return;
        }
        written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }
    // The end of a stream arrives after everything on it. Who takes nothing
    // more has ended the connection.
    if stream.finish().is_ok() {
        let _ = stream.stopped().await;
    }
}

async fn read_all(
    channel: usize,
    mut stream: RecvStream,
    limit: usize,
    arrived: flume::Sender<Result<(usize, Vec<u8>), Closed>>,
) {
    loop {
        let message = match read_one(&mut stream, limit).await {
            Ok(Some(message)) => Ok((channel, message)),
            // The peer is done with this channel; others may go on.
            Ok(None) => return,
            Err(closed) => Err(closed),
        };
        let last = message.is_err();
        if arrived.send_async(message).await.is_err() || last {
            return;
        }
    }
}

/// The next message; `None` at the end of the stream.
async fn read_one(stream: &mut RecvStream, limit: usize) -> Result<Option<Vec<u8>>, Closed> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Err(ReadExactError::FinishedEarly(0)) => return Ok(None),
        other => other.map_err(ended)?,
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > limit {
        let detail = format!("a message of {length} bytes exceeds the limit of {limit}");
        return Err(Closed::Malformed(detail));
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.map_err(ended)?;
    Ok(Some(message))
}

async fn in_time<T>(work: impl Future<Output = Result<T, Closed>>) -> Result<T, Closed> {
    let late = || Closed::Malformed("the channels were not opened in time".to_owned());
    tokio::time::timeout(OPEN_TIMEOUT, work)
        .await
        .unwrap_or_else(|_| Err(late()))
}

fn ended(error: impl std::fmt::Display) -> Closed {
    Closed::Ended(error.to_string())
}
