//! A hub and three stores as real processes, ready to sell.
//!
//! Invariant: when [`Chain::open`] returns, every store knows its products and
//! its opening stock.

use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use evertill_data::{STORES, Sample};
use evertill_support::{Client, Line, Member};
use serde_json::{Value, json};

/// The till of each store.
pub const REGISTER: &str = "R1";
/// How long the first products and the opening stock may take to arrive.
const FIRST_CONTACT: Duration = Duration::from_mins(1);

/// One store.
#[derive(Debug)]
pub struct StoreMember {
    /// Its location.
    pub location: String,
    /// Its node.
    pub member: Member,
    /// Its till's bearer token.
    pub token: String,
    /// The line to its hub, where it can be cut.
    pub line: Option<Line>,
}

/// The chain.
#[derive(Debug)]
pub struct Chain {
    /// The hub.
    pub hub: Member,
    /// The stores.
    pub stores: Vec<StoreMember>,
    quic: String,
    key: String,
    data: PathBuf,
}

impl Chain {
    /// Starts a hub and three stores, and loads the sample data.
    ///
    /// # Errors
    /// A port is taken, the folder holds another chain, or a process failed.
    pub fn open(data: &Path, base: u16, sample: &Sample) -> Result<Self> {
        Self::start(data, base, sample, false)
    }

    /// [`Chain::open`], with lines to the hub that can be cut.
    ///
    /// # Errors
    /// As for [`Chain::open`].
    pub fn open_with_lines(data: &Path, base: u16, sample: &Sample) -> Result<Self> {
        Self::start(data, base, sample, true)
    }

    fn start(data: &Path, base: u16, sample: &Sample, by_line: bool) -> Result<Self> {
        let ports = Ports::free(base)?;
        let binary = |name: &str| -> Result<PathBuf> {
            let own = std::env::current_exe()?;
            let path = own.with_file_name(name);
            ensure!(
                path.is_file(),
                "{} is missing; run cargo xtask demo",
                path.display()
            );
            Ok(path)
        };
        ensure!(
            !data.join("hub").exists(),
            "{} holds the data of another run; name an empty folder with --data",
            data.display()
        );
        let further = ["--quic", &ports.quic];
        let hub = Member::new(
            &binary("evertill-hub")?,
            &data.join("hub"),
            &ports.hub,
            &further,
        )?;
        let mut chain = Self {
            hub,
            stores: Vec::new(),
            quic: ports.quic.clone(),
            key: String::new(),
            data: data.to_owned(),
        };
        chain.hub.start()?;
        chain.load(sample)?;
        let node = binary("evertill-node")?;
        for ((_, location), http) in STORES.iter().zip(&ports.stores) {
            let member = Member::new(&node, &data.join(location), http, &[])?;
            chain.join(location, member, by_line)?;
        }
        chain.wait_until_stocked(sample)?;
        Ok(chain)
    }

    /// A client of the hub.
    #[must_use]
    pub fn console(&self) -> Client {
        Client::new(&self.hub.url(), &self.key)
    }

    /// Where to find everything, for people.
    pub fn introduce(&self) {
        println!("\nThe hub     {}/api/v1   key {}", self.hub.url(), self.key);
        for store in &self.stores {
            let (url, token) = (store.member.url(), &store.token);
            println!(
                "Store {}  {url}/api/v1   till {REGISTER}, token {token}",
                store.location
            );
        }
        let first = &self.stores[0];
        println!(
            "\nTry:\n  curl -H 'Authorization: Bearer {}' {}/api/v1/products?query=milk\n  \
             curl -H 'Authorization: Bearer {}' {}/api/v1/fleet\n\nCtrl-C stops everything.",
            first.token,
            first.member.url(),
            self.key,
            self.hub.url()
        );
    }

    /// Writes `demo.json`, by rename, when all is ready.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn write_demo_json(&self) -> Result<()> {
        let stores: Vec<Value> = self
            .stores
            .iter()
            .map(|store| {
                json!({
                    "location": store.location, "url": store.member.url(), "token": store.token,
                    "data": store.member.data(), "pid": store.member.pid(),
                })
            })
            .collect();
        let hub = json!({
            "url": self.hub.url(), "quic": self.quic, "api_key": self.key,
            "data": self.hub.data(), "pid": self.hub.pid(),
        });
        let text = serde_json::to_string_pretty(&json!({"hub": hub, "stores": stores}))?;
        let (new, path) = (self.data.join("demo.json.new"), self.data.join("demo.json"));
        std::fs::write(&new, text)?;
        std::fs::rename(new, &path).with_context(|| format!("could not write {}", path.display()))
    }

    /// Ends every process in order.
    ///
    /// # Errors
    /// One did not end with status 0.
    pub fn stop(&mut self) -> Result<()> {
        for store in &mut self.stores {
            store.member.stop()?;
        }
        self.hub.stop()
    }

    fn load(&mut self, sample: &Sample) -> Result<()> {
        self.key = self.hub.command(&["api-key", "--name", "demo"])?;
        // Products name tax classes, so the classes come first.
        let tax = json!({
            "prices_include_tax": true,
            "classes": {"zero": [], "standard": [{"code": "standard", "rate": "0.07"}]},
        });
        let reply = self.console().send(
            "PUT",
            "/policies/tax",
            &[("content-type", "application/json")],
            tax.to_string().as_bytes(),
        )?;
        ensure!(
            reply.status < 300,
            "the tax policy was refused: {}",
            reply.text
        );
        for kind in ["locations", "products", "stock"] {
            let file = sample.file(&format!("{kind}.csv"));
            let file = file.to_str().context("paths are plain text")?;
            self.hub.command(&["import", kind, file])?;
        }
        Ok(())
    }

    fn join(&mut self, location: &str, mut member: Member, by_line: bool) -> Result<()> {
        let token = self.hub.command(&["enrol-token", "--location", location])?;
        let line = by_line.then(|| Line::open(&self.quic)).transpose()?;
        let hub = line.as_ref().map_or(self.quic.clone(), Line::address);
        member.command(&["enrol", "--hub", &hub, "--token", &token])?;
        let token = member.command(&["register-token", "--register", REGISTER])?;
        member.start()?;
        self.stores.push(StoreMember {
            location: location.to_owned(),
            member,
            token,
            line,
        });
        Ok(())
    }

    /// Opening stock comes with the feed, in the order of the import; products
    /// come as one whole version.
    fn wait_until_stocked(&self, sample: &Sample) -> Result<()> {
        let stock = std::fs::read_to_string(sample.file("stock.csv"))?;
        for store in &self.stores {
            let location = &store.location;
            let mut rows = stock.lines().rev();
            let last = rows.find(|row| row.starts_with(location));
            let last = last.and_then(|row| row.split(',').nth(1));
            let sku = last.context("every store has stock")?;
            let client = store.client();
            until(FIRST_CONTACT, &format!("{location} is stocked"), || {
                let known = client.get(&format!("/products/{sku}"))?.status == 200;
                let stock = client.get(&format!("/stock/{sku}"))?;
                Ok(known && stock.status == 200 && stock.json()["on_hand"] != "0")
            })?;
        }
        Ok(())
    }
}

impl StoreMember {
    /// A client with the till's token.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.member.url(), &self.token)
    }
}

/// The addresses of a run.
struct Ports {
    hub: String,
    quic: String,
    stores: Vec<String>,
}

impl Ports {
    /// The addresses above `base`, if nobody uses them.
    fn free(base: u16) -> Result<Self> {
        let address = |offset: u16| format!("127.0.0.1:{}", base + offset);
        let ports = Self {
            hub: address(70),
            quic: address(71),
            stores: vec![address(101), address(102), address(103)],
        };
        for tcp in std::iter::once(&ports.hub).chain(&ports.stores) {
            if let Err(error) = TcpListener::bind(tcp) {
                bail!("{tcp} cannot be used ({error}); choose other ports with --port-base");
            }
        }
        if let Err(error) = UdpSocket::bind(&ports.quic) {
            let quic = ports.quic;
            bail!("{quic} (UDP) cannot be used ({error}); choose other ports with --port-base");
        }
        Ok(ports)
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
