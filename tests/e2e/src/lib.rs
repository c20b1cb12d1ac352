//! A hub and its stores as real processes, for tests of what they do together.
//!
//! The binaries are those beside the running test: `cargo xtask test` builds
//! them first, and so does `cargo build -p evertill-hub -p evertill-node`.
//!
//! Invariant: a process that is started again finds its folder and the address
//! that others know it by; all of them end with the [`Chain`].

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use evertill_support::{Client, Ended, Line, Running, new_key, run};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the processes may take to agree.
const PATIENCE: Duration = Duration::from_mins(1);

/// What every chain sells to begin with: milk at 1.60 and tea at 2.50.
pub const PRODUCTS: &str = "\
    sku,barcode,name,department,category,price,cost,currency,tax_class,unit\n\
    MILK,4006381333931,Milk,DAIRY,MILK,1.60,0.90,USD,zero,each\n\
    TEA,,Tea,GROCERY,TEA,2.50,1.00,USD,zero,each\n";

/// A hub with stores.
#[derive(Debug)]
pub struct Chain {
    dir: TempDir,
    quic: String,
    hub: Option<Running>,
    key: String,
    stores: Vec<Store>,
}

/// A store of a chain.
#[derive(Debug)]
struct Store {
    location: String,
    running: Option<Running>,
    token: String,
    line: Option<Line>,
}

impl Chain {
    /// A running hub with [`PRODUCTS`] and a running store at each location,
    /// each with a till `R1`, all of them connected and supplied.
    ///
    /// # Errors
    /// A binary is missing, a command failed, or they do not come together.
    pub fn start(locations: &[&str]) -> Result<Self> {
        let mut chain = Self {
            dir: tempfile::tempdir()?,
            quic: free_udp()?,
            hub: None,
            key: String::new(),
            stores: Vec::new(),
        };
        let products = chain.file("products.csv", PRODUCTS)?;
        chain.hub_ok(&["import", "products", &products])?;
        chain.key = chain.hub_ok(&["api-key", "--name", "e2e"])?;
        chain.start_hub()?;
        for location in locations {
            chain.join(location)?;
        }
        for location in locations {
            chain.until("the store knows the products", |chain| {
                Ok(chain.store(location)?.get("/products/TEA")?.status == 200)
            })?;
        }
        Ok(chain)
    }

    /// Enrols one more store and starts it.
    fn join(&mut self, location: &str) -> Result<()> {
        self.join_as(location, location)
    }

    /// Enrols one more machine of a location, in a folder of its own name, and
    /// starts it.
    ///
    /// # Errors
    /// It could not be enrolled or started.
    pub fn join_as(&mut self, name: &str, location: &str) -> Result<()> {
        let token = self.hub_ok(&["enrol-token", "--location", location])?;
        let line = Line::open(&self.quic)?;
        let hub = line.address();
        self.stores.push(Store {
            location: name.to_owned(),
            running: None,
            token: String::new(),
            line: Some(line),
        });
        self.store_ok(name, &["enrol", "--hub", &hub, "--token", &token])?;
        let token = self.store_ok(name, &["register-token", "--register", "R1"])?;
        self.place(name)?.token = token;
        self.start_store(name)
    }

    /// Cuts the line between a store and the hub; nobody is told.
    ///
    /// # Errors
    /// There is no such store.
    pub fn cut(&mut self, location: &str) -> Result<()> {
        let line = self.place(location)?.line.as_ref();
        line.context("the store has a line")?.cut();
        Ok(())
    }

    /// Mends the line of a store.
    ///
    /// # Errors
    /// There is no such store.
    pub fn mend(&mut self, location: &str) -> Result<()> {
        let line = self.place(location)?.line.as_ref();
        line.context("the store has a line")?.mend();
        Ok(())
    }

    /// Starts the hub that was stopped or killed.
    ///
    /// # Errors
    /// It ended instead.
    pub fn start_hub(&mut self) -> Result<()> {
        let data = self.data("hub")?;
        let quic = self.quic.clone();
        let arguments = [
            "serve",
            "--data",
            &data,
            "--http",
            "127.0.0.1:0",
            "--quic",
            &quic,
        ];
        self.hub = Some(Running::start(&binary("evertill-hub")?, &arguments)?);
        Ok(())
    }

    /// Ends the hub in order; returns the last lines of its log.
    ///
    /// # Errors
    /// It did not end with status 0.
    pub fn stop_hub(&mut self) -> Result<String> {
        let ended = self.hub.take().context("the hub runs")?.stop()?;
        ensure!(
            ended.status == Some(0),
            "the hub ended badly: {}",
            ended.errors
        );
        Ok(ended.errors)
    }

    /// The hub's process id.
    ///
    /// # Errors
    /// It does not run.
    pub fn hub_pid(&self) -> Result<u32> {
        Ok(self.hub.as_ref().context("the hub runs")?.pid())
    }

    /// Ends the hub with SIGKILL.
    pub fn kill_hub(&mut self) {
        self.hub = None;
    }

    /// Starts a store that was killed.
    ///
    /// # Errors
    /// It ended instead.
    pub fn start_store(&mut self, location: &str) -> Result<()> {
        let data = self.data(location)?;
        let arguments = ["serve", "--data", &data, "--http", "127.0.0.1:0"];
        let running = Running::start(&binary("evertill-node")?, &arguments)?;
        self.place(location)?.running = Some(running);
        Ok(())
    }

    /// Ends a store in order; returns the last lines of its log.
    ///
    /// # Errors
    /// It did not end with status 0.
    pub fn stop_store(&mut self, location: &str) -> Result<String> {
        let running = self.place(location)?.running.take();
        let ended = running.context("the store runs")?.stop()?;
        ensure!(
            ended.status == Some(0),
            "the store ended badly: {}",
            ended.errors
        );
        Ok(ended.errors)
    }

    /// Starts a copy of a store's folder beside it, as a store of the name
    /// `copy` with the same till.
    ///
    /// # Errors
    /// The folder could not be copied, or the copy did not start.
    pub fn copy_store(&mut self, location: &str, copy: &str) -> Result<()> {
        let (from, to) = (self.data(location)?, self.data(copy)?);
        std::fs::create_dir(&to)?;
        for file in std::fs::read_dir(from)? {
            let file = file?;
            if file.file_type()?.is_file() {
                std::fs::copy(file.path(), Path::new(&to).join(file.file_name()))?;
            }
        }
        let token = self.place(location)?.token.clone();
        self.stores.push(Store {
            location: copy.to_owned(),
            running: None,
            token,
            line: None,
        });
        self.start_store(copy)
    }

    /// Whether the hub lists a store as connected.
    ///
    /// # Errors
    /// It gave no answer.
    pub fn is_listed(&self, location: &str) -> Result<bool> {
        let fleet = self.hub()?.get("/fleet")?.json();
        let nodes = fleet["items"].as_array().context("a list of nodes")?;
        Ok(nodes
            .iter()
            .any(|node| node["location"] == location && node["connected"] == true))
    }

    /// Whether a store says that it is connected.
    ///
    /// # Errors
    /// It gave no answer.
    pub fn is_connected(&self, location: &str) -> Result<bool> {
        let status = self.store(location)?.get("/status")?.json();
        Ok(status["hub"]["connected"] == true)
    }

    /// Ends a store with SIGKILL.
    ///
    /// # Errors
    /// There is no such store.
    pub fn kill_store(&mut self, location: &str) -> Result<()> {
        self.place(location)?.running = None;
        Ok(())
    }

    /// Somebody with a key to the hub.
    ///
    /// # Errors
    /// The hub does not run.
    pub fn hub(&self) -> Result<Client> {
        let hub = self.hub.as_ref().context("the hub runs")?;
        Ok(Client::new(hub.url(), &self.key))
    }

    /// Somebody else with a key to the hub.
    ///
    /// # Errors
    /// The hub does not run.
    pub fn hub_as(&self, key: &str) -> Result<Client> {
        let hub = self.hub.as_ref().context("the hub runs")?;
        Ok(Client::new(hub.url(), key))
    }

    /// The till of a store.
    ///
    /// # Errors
    /// The store does not run.
    pub fn store(&self, location: &str) -> Result<Client> {
        let store = self.stores.iter().find(|store| store.location == location);
        let store = store.with_context(|| format!("there is no store {location}"))?;
        let running = store.running.as_ref().context("the store runs")?;
        Ok(Client::new(running.url(), &store.token))
    }

    /// Where the hub answers HTTP.
    ///
    /// # Errors
    /// It does not run.
    pub fn hub_url(&self) -> Result<String> {
        Ok(self.hub.as_ref().context("the hub runs")?.url().to_owned())
    }

    /// Where a store answers HTTP.
    ///
    /// # Errors
    /// It does not run.
    pub fn store_url(&self, location: &str) -> Result<String> {
        let store = self.stores.iter().find(|store| store.location == location);
        let running = store.and_then(|store| store.running.as_ref());
        Ok(running.context("the store runs")?.url().to_owned())
    }

    /// Serves an empty folder, which is no store yet.
    ///
    /// # Errors
    /// It did not start.
    pub fn serve_empty(&mut self, name: &str) -> Result<()> {
        self.stores.push(Store {
            location: name.to_owned(),
            running: None,
            token: String::new(),
            line: None,
        });
        self.start_store(name)?;
        let token = self.store_ok(name, &["register-token", "--register", "R1"])?;
        self.place(name)?.token = token;
        Ok(())
    }

    /// Sells pieces of one product for cash at a store; returns the receipt.
    ///
    /// # Errors
    /// The sale was refused.
    pub fn sell(&self, location: &str, sku: &str, pieces: u32) -> Result<Value> {
        let body = json!({
            "register": "R1",
            "lines": [{"sku": sku, "quantity": pieces.to_string()}],
            "tenders": [{"kind": "cash", "amount": "1000.00"}],
        });
        let reply = self.store(location)?.post("/sales", &new_key(), &body)?;
        ensure!(reply.status == 201, "the sale was refused: {reply:?}");
        Ok(reply.json())
    }

    /// Runs a command on the hub's folder, whether the hub runs or not.
    ///
    /// # Errors
    /// It could not be run.
    pub fn hub_command(&self, arguments: &[&str]) -> Result<Ended> {
        command("evertill-hub", &self.data("hub")?, arguments)
    }

    /// Runs a command on the hub's folder that must succeed; returns what it
    /// printed.
    ///
    /// # Errors
    /// It failed.
    pub fn hub_ok(&self, arguments: &[&str]) -> Result<String> {
        succeeded(arguments, &self.hub_command(arguments)?)
    }

    /// Runs a command on a folder for a store, which need not be one yet.
    ///
    /// # Errors
    /// It could not be run.
    pub fn store_command(&self, name: &str, arguments: &[&str]) -> Result<Ended> {
        command("evertill-node", &self.data(name)?, arguments)
    }

    /// Runs a command on a store's folder that must succeed; returns what it
    /// printed.
    ///
    /// # Errors
    /// It failed.
    pub fn store_ok(&self, location: &str, arguments: &[&str]) -> Result<String> {
        succeeded(arguments, &self.store_command(location, arguments)?)
    }

    /// Where stores reach the hub.
    #[must_use]
    pub fn quic(&self) -> &str {
        &self.quic
    }

    /// Writes a file and returns its path.
    ///
    /// # Errors
    /// It could not be written.
    pub fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text)?;
        plain(&path)
    }

    /// Waits until something holds.
    ///
    /// # Errors
    /// It does not in time, or asking failed.
    pub fn until(&self, what: &str, holds: impl FnMut(&Self) -> Result<bool>) -> Result<Duration> {
        self.within(PATIENCE, what, holds)
    }

    /// [`Chain::until`] with a limit of its own; returns how long it took.
    ///
    /// # Errors
    /// It does not in time, or asking failed.
    pub fn within(
        &self,
        limit: Duration,
        what: &str,
        mut holds: impl FnMut(&Self) -> Result<bool>,
    ) -> Result<Duration> {
        let began = Instant::now();
        while !holds(self)? {
            ensure!(began.elapsed() < limit, "not within {limit:?}: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(began.elapsed())
    }

    /// Waits until the hub confirmed everything that a store recorded.
    ///
    /// # Errors
    /// It does not in time.
    pub fn until_sent(&self, location: &str) -> Result<()> {
        self.until("everything is sent", |chain| {
            let status = chain.store(location)?.get("/status")?.json();
            Ok(status["hub"]["connected"] == true && status["hub"]["unsent"] == 0)
        })?;
        Ok(())
    }

    /// The sellable figure of a product at a store, as its node says.
    ///
    /// # Errors
    /// There was no answer.
    pub fn sellable_there(&self, location: &str, sku: &str) -> Result<Option<String>> {
        let reply = self.store(location)?.get(&format!("/stock/{sku}"))?;
        Ok(sellable(&reply.json()))
    }

    /// The sellable figure of a product at a store, as the hub says.
    ///
    /// # Errors
    /// There was no answer.
    pub fn sellable_at_hub(&self, location: &str, sku: &str) -> Result<Option<String>> {
        let path = format!("/stock?location={location}&sku={sku}");
        let reply = self.hub()?.get(&path)?.json();
        Ok(sellable(&reply["items"][0]))
    }

    fn place(&mut self, location: &str) -> Result<&mut Store> {
        let mut stores = self.stores.iter_mut();
        stores
            .find(|store| store.location == location)
            .with_context(|| format!("there is no store {location}"))
    }

    /// The data folder of the hub (`hub`) or of a store.
    ///
    /// # Errors
    /// Its path is no plain text.
    pub fn data(&self, name: &str) -> Result<String> {
        plain(&self.dir.path().join(name))
    }
}

fn sellable(stock: &Value) -> Option<String> {
    stock["buckets"]["sellable"].as_str().map(str::to_owned)
}

fn command(name: &str, data: &str, arguments: &[&str]) -> Result<Ended> {
    let mut all = arguments.to_vec();
    all.extend(["--data", data]);
    run(&binary(name)?, &all)
}

fn succeeded(arguments: &[&str], ended: &Ended) -> Result<String> {
    if ended.status != Some(0) {
        bail!(
            "{arguments:?} ended with {:?}: {}",
            ended.status,
            ended.errors
        );
    }
    Ok(ended.output.trim().to_owned())
}

/// The binary beside the test, which lies in `deps` of the same folder.
///
/// # Errors
/// It was not built.
pub fn binary(name: &str) -> Result<String> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent);
    let path: PathBuf = folder.context("a test lies in a folder")?.join(name);
    ensure!(
        path.is_file(),
        "{} is missing: run cargo build -p evertill-hub -p evertill-node first, with the same \
         profile",
        path.display()
    );
    plain(&path)
}

fn plain(path: &Path) -> Result<String> {
    let text = path.to_str().context("paths of tests are plain text")?;
    Ok(text.to_owned())
}

/// An address that nobody uses now. The hub has to be found again after each
/// kill, so it cannot take a new one each time.
fn free_udp() -> Result<String> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
