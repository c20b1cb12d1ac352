//! A line between stores and their hub that can be cut and mended.
//!
//! It passes UDP datagrams on in both directions and lets them fall while it is
//! cut, as a dead cable does: nobody is told.
//!
//! Invariant: a datagram that arrives while the line is cut is lost, and
//! dropping a [`Line`] ends its threads.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;

/// How soon a thread notices that it is to end.
const GLANCE: Duration = Duration::from_millis(50);
/// Larger than any datagram.
const ROOM: usize = 1 << 16;

/// A line to a hub.
#[derive(Debug)]
pub struct Line {
    address: SocketAddr,
    state: Arc<State>,
    up: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    is_cut: AtomicBool,
    ends: AtomicBool,
}

impl Line {
    /// Opens a line to the hub at `hub`.
    ///
    /// # Errors
    /// No address is free.
    pub fn open(hub: &str) -> Result<Self> {
        let near = UdpSocket::bind("127.0.0.1:0")?;
        near.set_read_timeout(Some(GLANCE))?;
        let (address, state) = (near.local_addr()?, Arc::<State>::default());
        let (hub, shared) = (hub.to_owned(), state.clone());
        let up = thread::spawn(move || pass_up(&Arc::new(near), &hub, &shared));
        Ok(Self {
            address,
            state,
            up: Some(up),
        })
    }

    /// Where stores reach the hub by this line.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Lets everything fall from now on.
    pub fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
    }

    /// Passes everything on again.
    pub fn mend(&self) {
        self.state.is_cut.store(false, Ordering::SeqCst);
    }
}

impl State {
    fn ends(&self) -> bool {
        self.ends.load(Ordering::SeqCst)
    }

    /// Asked when a datagram is there: one that waited is lost like any other.
    fn is_open(&self) -> bool {
        !self.is_cut.load(Ordering::SeqCst)
    }
}

/// Passes on what machines send; each gets a socket of its own at the far end.
fn pass_up(near: &Arc<UdpSocket>, hub: &str, state: &Arc<State>) {
    let mut far: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut downs = Vec::new();
    let mut room = vec![0; ROOM];
    while !state.ends() {
        let Ok((length, from)) = near.recv_from(&mut room) else {
            continue;
        };
        let socket = match far.entry(from) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(fresh) => {
                let Ok(socket) = to_hub(hub) else { continue };
                let socket = fresh.insert(Arc::new(socket));
                let (far, near, state) = (socket.clone(), near.clone(), state.clone());
                downs.push(thread::spawn(move || pass_down(&far, &near, from, &state)));
                socket
            }
        };
        if state.is_open() {
            // A hub that is down refuses; the store asks again.
            let _ = socket.send(&room[..length]);
        }
    }
    for down in downs {
        // It holds nothing that a panic could have spoilt.
        let _ = down.join();
    }
}

fn to_hub(hub: &str) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(hub)?;
    socket.set_read_timeout(Some(GLANCE))?;
    Ok(socket)
}

/// Passes on what the hub sends to one machine.
fn pass_down(far: &UdpSocket, near: &UdpSocket, to: SocketAddr, state: &State) {
    let mut room = vec![0; ROOM];
    while !state.ends() {
        let Ok(length) = far.recv(&mut room) else {
            continue;
        };
        if state.is_open() {
            // A machine that is gone takes nothing any more.
            let _ = near.send_to(&room[..length], to);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.state.ends.store(true, Ordering::SeqCst);
        if let Some(up) = self.up.take() {
            let _ = up.join();
        }
    }
}
