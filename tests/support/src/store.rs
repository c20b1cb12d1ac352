//! A node's data folder that can trade without a hub: an identity, registers
//! with tokens, products and policies.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let store = evertill_support::store().register("R1").prepare()?;
//! let token = store.token("R1");
//! // evertill-node serve --data store.data()
//! # Ok(()) }
//! ```
//!
//! Everything is written through the same functions that enrolment, commands and
//! the reference stream use; the process is not running meanwhile.
//!
//! Invariant: what a fixture holds could have come from a real hub.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use evertill_domain::{
    ActorId, Location, LocationId, NodeId, Product, RegisterId, ReplicaId, Timestamp,
};
use evertill_storage::journal::{self, Beginning};
use evertill_storage::reference::{PolicyName, ReferenceError, ReferenceStore};
use evertill_storage::{Role, Store, StoreOptions, registers};
use tempfile::TempDir;

/// Reference rows that are taken over at a time, in bytes.
const PAGE_BYTES: usize = 1 << 20;

/// What a folder is to hold. Begin with [`store`].
#[derive(Clone, Debug)]
pub struct Setup {
    location: LocationId,
    replica: u64,
    registers: Vec<RegisterId>,
    products: Vec<Product>,
    locations: Vec<Location>,
    policies: Vec<(PolicyName, String)>,
}

/// A store `S001` with neither registers nor products.
///
/// # Panics
/// Never: the name is a valid one.
#[must_use]
pub fn store() -> Setup {
    Setup {
        location: "S001".parse().expect("a valid location"),
        replica: 1,
        registers: Vec::new(),
        products: Vec::new(),
        locations: Vec::new(),
        policies: Vec::new(),
    }
}

impl Setup {
    /// Another location, and with it another machine.
    ///
    /// # Panics
    /// When the text is no location.
    #[must_use]
    pub fn location(mut self, location: &str) -> Self {
        self.location = location.parse().expect("a valid location");
        self.replica = location.bytes().fold(7, |id, b| id * 31 + u64::from(b));
        self
    }

    /// One more register.
    ///
    /// # Panics
    /// When the text is no register.
    #[must_use]
    pub fn register(mut self, register: &str) -> Self {
        let register = register.parse().expect("a valid register");
        self.registers.push(register);
        self
    }

    /// More products.
    #[must_use]
    pub fn products(mut self, products: impl IntoIterator<Item = Product>) -> Self {
        self.products.extend(products);
        self
    }

    /// Master data of a location.
    #[must_use]
    pub fn master(mut self, location: Location) -> Self {
        self.locations.push(location);
        self
    }

    /// A policy as JSON.
    #[must_use]
    pub fn policy(mut self, name: PolicyName, body: &str) -> Self {
        self.policies.push((name, body.to_owned()));
        self
    }

    /// Writes a temporary folder, removed with the returned value.
    ///
    /// # Errors
    /// The databases could not be written.
    pub fn prepare(self) -> Result<StoreFolder> {
        let dir = TempDir::new()?;
        let data = dir.path().join("data");
        let tokens = self.prepare_in(&data)?;
        Ok(StoreFolder { dir, data, tokens })
    }

    /// Writes the folder `data`, and returns the token of each register.
    ///
    /// # Errors
    /// The databases could not be written.
    pub fn prepare_in(self, data: &Path) -> Result<BTreeMap<String, String>> {
        let opened = Store::open(data, &StoreOptions::node())?;
        let beginning = Beginning {
            node: NodeId(self.replica),
            location: self.location.clone(),
            replica: ReplicaId(self.replica),
            renew: false,
            actor: ActorId([1; 16]),
            now: Timestamp::from_millis(0),
        };
        opened.write_blocking("start the journal", move |tx| {
            journal::start(tx, &beginning)
        })?;
        let mut tokens = BTreeMap::new();
        for register in self.registers.clone() {
            let name = register.to_string();
            let token = opened.write_blocking("issue a token", move |tx| {
                registers::issue_token(tx, &register, Timestamp::from_millis(0))
            })?;
            tokens.insert(name, token);
        }
        opened.close();
        self.publish(data)?;
        Ok(tokens)
    }

    /// Publishes the reference data as a hub and takes it over as the node.
    fn publish(self, data: &Path) -> Result<()> {
        let beside = TempDir::new()?;
        let hub = ReferenceStore::open(beside.path(), Role::Hub)?;
        hub.batch_blocking(None, |batch| {
            for product in &self.products {
                batch.put_product(product)?;
            }
            for location in &self.locations {
                batch.put_location(location)?;
            }
            for (name, body) in &self.policies {
                batch.put_policy(*name, body, "test", Timestamp::from_millis(0))?;
            }
            Ok::<_, ReferenceError>(())
        })
        .context("could not publish the reference data")?;
        let node = ReferenceStore::open(data, Role::Node)?;
        let mut position = node.position_blocking()?;
        loop {
            let page = hub.page_after_blocking(&position, PAGE_BYTES)?;
            let done = page.complete.is_some();
            position = node.stage_blocking(&page)?;
            if done {
                return Ok(());
            }
        }
    }
}

/// A prepared data folder.
#[derive(Debug)]
pub struct StoreFolder {
    dir: TempDir,
    data: PathBuf,
    tokens: BTreeMap<String, String>,
}

impl StoreFolder {
    /// The data folder.
    ///
    /// # Panics
    /// When the system's temporary folder has a name that is not UTF-8.
    #[must_use]
    pub fn data(&self) -> &str {
        self.data
            .to_str()
            .expect("temporary folders have plain names")
    }

    /// A path beside the data folder.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The token of a register.
    ///
    /// # Panics
    /// When the folder was prepared without that register.
    #[must_use]
    pub fn token(&self, register: &str) -> &str {
        &self.tokens[register]
    }
}
