//! A hub and a store as real processes on fixed addresses, killed and started
//! again at will.
//!
//! Invariant: only processes that were started here are ended, and a process
//! that is started again finds the folder and the address it had before.

use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use evertill_support::{Client, Running, run};

/// The store's location.
pub const LOCATION: &str = "S001";
/// Its tills.
pub const REGISTERS: [&str; 3] = ["R1", "R2", "R3"];
/// How long the first products may take to reach the store.
const FIRST_CONTACT: Duration = Duration::from_mins(1);

/// Which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The hub.
    Hub,
    /// The store's node.
    Node,
}

/// A hub and a store.
#[derive(Debug)]
pub struct Chain {
    binaries: PathBuf,
    hub: Place,
    node: Place,
    hub_quic: String,
    key: String,
    tokens: Vec<String>,
    _dir: tempfile::TempDir,
}

/// One process: where it lives, and whether it runs.
#[derive(Debug)]
struct Place {
    data: String,
    http: String,
    running: Option<Running>,
}

impl Chain {
    /// Builds the chain: a hub with products, and a store that has joined it.
    ///
    /// # Errors
    /// A binary is missing, or a command failed.
    pub fn open(binaries: &Path, products: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| -> Result<String> {
            let path = dir.path().join(name);
            let text = path
                .to_str()
                .context("the temporary folder has a plain name")?;
            Ok(text.to_owned())
        };
        let place = |name: &str| -> Result<Place> {
            Ok(Place {
                data: path(name)?,
                http: free_tcp()?,
                running: None,
            })
        };
        let mut chain = Self {
            binaries: binaries.to_owned(),
            hub: place("hub")?,
            node: place("node")?,
            hub_quic: free_udp()?,
            key: String::new(),
            tokens: Vec::new(),
            _dir: dir,
        };
        for who in [Who::Hub, Who::Node] {
            let binary = chain.binary(who);
            ensure!(
                Path::new(&binary).exists(),
                "{binary} is missing; run cargo build --release first"
            );
        }
        chain.start(Who::Hub)?;
        chain.import("products", products)?;
        chain.key = chain.command(Who::Hub, &["api-key", "--name", "torture"])?;
        let token = chain.command(Who::Hub, &["enrol-token", "--location", LOCATION])?;
        let hub = chain.hub_quic.clone();
        chain.command(Who::Node, &["enrol", "--hub", &hub, "--token", &token])?;
        for register in REGISTERS {
            let token = chain.command(Who::Node, &["register-token", "--register", register])?;
            chain.tokens.push(token);
        }
        chain.start(Who::Node)?;
        Ok(chain)
    }

    /// Imports rows at the hub: products, stock or locations.
    ///
    /// # Errors
    /// A row was rejected, or the hub does not run.
    pub fn import(&self, what: &str, rows: &str) -> Result<()> {
        let file = Path::new(&self.hub.data).with_file_name(format!("{what}.csv"));
        std::fs::write(&file, rows)?;
        let file = file.to_str().context("a plain name")?;
        self.command(Who::Hub, &["import", what, file]).map(drop)
    }

    /// Waits until the store knows a product.
    ///
    /// # Errors
    /// It does not within a minute.
    pub fn wait_for_product(&self, sku: &str) -> Result<()> {
        let till = self.till(0);
        let path = format!("/products/{sku}");
        until(FIRST_CONTACT, "the store knows its products", || {
            Ok(till.get(&path).is_ok_and(|reply| reply.status == 200))
        })
    }

    /// Starts a process that does not run, and waits until it answers.
    ///
    /// # Errors
    /// It ended instead.
    pub fn start(&mut self, who: Who) -> Result<()> {
        let binary = self.binary(who);
        let quic = self.hub_quic.clone();
        let place = self.place_mut(who);
        let mut arguments = vec!["serve", "--data", &place.data, "--http", &place.http];
        if who == Who::Hub {
            arguments.extend(["--quic", &quic]);
        }
        let running = Running::start(&binary, &arguments)?;
        place.running = Some(running);
        Ok(())
    }

    /// Ends a process with SIGKILL, whatever it is doing.
    pub fn kill(&mut self, who: Who) {
        self.place_mut(who).running = None;
    }

    /// Ends both in order, and gives their data folders: hub, node.
    ///
    /// # Errors
    /// One did not end with status 0.
    pub fn stop(&mut self) -> Result<[PathBuf; 2]> {
        for who in [Who::Node, Who::Hub] {
            if let Some(running) = self.place_mut(who).running.take() {
                let ended = running.stop()?;
                ensure!(
                    ended.status == Some(0),
                    "{who:?} ended with {:?}: {}",
                    ended.status,
                    ended.errors
                );
            }
        }
        Ok([&self.hub, &self.node].map(|place| PathBuf::from(&place.data)))
    }

    /// A client with the token of a till.
    #[must_use]
    pub fn till(&self, till: usize) -> Client {
        Client::new(&self.node_url(), self.token(till))
    }

    /// A client of the hub.
    #[must_use]
    pub fn console(&self) -> Client {
        Client::new(&format!("http://{}", self.hub.http), &self.key)
    }

    /// Where the store answers, and the bearer token of a till.
    #[must_use]
    pub fn node_url(&self) -> String {
        format!("http://{}", self.node.http)
    }

    /// The token of a till.
    #[must_use]
    pub fn token(&self, till: usize) -> &str {
        &self.tokens[till % self.tokens.len()]
    }

    /// Runs a command on a data folder and gives what it printed.
    ///
    /// # Errors
    /// It failed; the error carries what it said.
    pub fn command(&self, who: Who, arguments: &[&str]) -> Result<String> {
        let place = self.place(who);
        let mut all = arguments.to_vec();
        all.extend(["--data", &place.data]);
        let ended = run(&self.binary(who), &all)?;
        if ended.status != Some(0) {
            bail!(
                "{who:?} {arguments:?} ended with {:?}: {}",
                ended.status,
                ended.errors
            );
        }
        Ok(ended.output.trim().to_owned())
    }

    fn binary(&self, who: Who) -> String {
        let name = match who {
            Who::Hub => "evertill-hub",
            Who::Node => "evertill-node",
        };
        self.binaries.join(name).display().to_string()
    }

    fn place(&self, who: Who) -> &Place {
        match who {
            Who::Hub => &self.hub,
            Who::Node => &self.node,
        }
    }

    fn place_mut(&mut self, who: Who) -> &mut Place {
        match who {
            Who::Hub => &mut self.hub,
            Who::Node => &mut self.node,
        }
    }
}

/// Waits until something holds.
///
/// # Errors
/// It does not in time, or asking failed.
pub fn until(limit: Duration, what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + limit;
    while !holds()? {
        ensure!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// An address that nobody uses now; the process is to find it again after each
/// kill, so it cannot take a new one each time.
fn free_tcp() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn free_udp() -> Result<String> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
