//! Tills that sell without pause: they ask again after a broken connection, give
//! up on an answer and come back, and ask twice at once.
//!
//! Invariant: a till goes on to its next sale only with the answer to the last
//! one, so at the end every request has been acknowledged; and whoever asks
//! again under the same key hears the same answer.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use evertill_support::{Client, new_key};
use serde_json::{Value, json};

use crate::chain::{Chain, REGISTERS};
use crate::random::Random;

/// How long a till asks for one answer, over any number of restarts.
const PATIENCE: Duration = Duration::from_mins(1);
/// Goods that the tills sell, with prices in cents: SKU `T001` costs 101 cents.
pub const SOLD: u64 = 60;
/// All goods; those beyond [`SOLD`] are delivered while processes are killed.
pub const PRODUCTS: u64 = 90;
/// Pieces of each at the beginning.
pub const OPENING: i64 = 1_000;

/// The price of a product in cents.
#[must_use]
pub fn price(product: u64) -> i64 {
    100 + i64::try_from(product).unwrap_or(0)
}

/// The SKU of a product.
#[must_use]
pub fn sku(product: u64) -> String {
    format!("T{product:03}")
}

/// One acknowledged sale.
#[derive(Clone, Debug)]
pub struct Sold {
    /// Its idempotency key.
    key: String,
    /// What was asked.
    body: Value,
    /// Which till asked.
    till: usize,
    /// The answer.
    pub answer: Value,
    /// Pieces by product.
    pub pieces: BTreeMap<u64, i64>,
}

impl Sold {
    /// A field of the answer.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.answer[field].as_str().unwrap_or_default()
    }

    /// What it came to, in cents.
    #[must_use]
    pub fn cents(&self) -> i64 {
        self.pieces
            .iter()
            .map(|(product, n)| price(*product) * n)
            .sum()
    }
}

/// What all tills have done so far.
#[derive(Debug, Default)]
pub struct Book {
    sold: Mutex<Vec<Sold>>,
    count: AtomicU64,
    /// Requests under a key that had its answer already, or that two clients
    /// sent at once.
    pub repeated: AtomicU64,
    /// Requests whose sender did not wait for the answer.
    pub abandoned: AtomicU64,
    stop: AtomicBool,
}

impl Book {
    /// Sales acknowledged so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Tells the tills to finish their sale and stop.
    pub fn close(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the tills are to stop, or one has failed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Everything that was acknowledged.
    ///
    /// # Panics
    /// When a till panicked.
    #[must_use]
    pub fn sold(&self) -> Vec<Sold> {
        self.sold.lock().expect("no till panics").clone()
    }

    fn enter(&self, sold: Sold) {
        self.sold.lock().expect("no till panics").push(sold);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn any(&self, random: &mut Random) -> Option<Sold> {
        let sold = self.sold.lock().expect("no till panics");
        let at = random.below(sold.len() as u64);
        sold.get(usize::try_from(at).ok()?).cloned()
    }
}

/// A till at work. Several may share a register.
pub struct Till<'a> {
    number: usize,
    client: Client,
    url: String,
    token: String,
    book: &'a Book,
    random: Random,
}

impl<'a> Till<'a> {
    /// The till of this number.
    #[must_use]
    pub fn new(chain: &Chain, number: usize, book: &'a Book, seed: u64) -> Self {
        Self {
            number,
            client: chain.till(number),
            url: chain.node_url(),
            token: chain.token(number).to_owned(),
            book,
            random: Random::new(seed ^ ((number as u64) << 40)),
        }
    }

    /// Sells until the book is closed.
    ///
    /// # Errors
    /// An answer is wrong, or none came for a minute; the book is closed then.
    pub fn work(mut self) -> Result<()> {
        while !self.book.is_closed() {
            let done = self.sell().and_then(|()| self.ask_again());
            if let Err(error) = done {
                self.book.close();
                return Err(error).with_context(|| format!("till {}", self.number));
            }
        }
        Ok(())
    }

    fn sell(&mut self) -> Result<()> {
        let (body, pieces) = self.basket();
        let key = new_key();
        if self.random.once_in(8) {
            self.abandon(&key, &body);
        }
        let answer = if self.random.once_in(8) {
            self.twice_at_once(&key, &body)?
        } else {
            self.ask(&key, &body)?
        };
        let sold = Sold {
            key,
            body,
            till: self.number,
            answer,
            pieces,
        };
        let cents = sold.cents();
        let total = format!("{}.{:02}", cents / 100, cents % 100);
        ensure!(
            sold.text("total") == total,
            "{total} was asked: {}",
            sold.answer
        );
        self.book.enter(sold);
        Ok(())
    }

    /// Some products, one to three pieces of each, paid in cash.
    fn basket(&mut self) -> (Value, BTreeMap<u64, i64>) {
        let mut pieces = BTreeMap::new();
        for _ in 0..=self.random.below(9) {
            let few = 1 + i64::try_from(self.random.below(3)).unwrap_or(0);
            pieces.insert(1 + self.random.below(SOLD), few);
        }
        let lines: Vec<_> = pieces
            .iter()
            .map(|(product, n)| json!({"sku": sku(*product), "quantity": n.to_string()}))
            .collect();
        let body = json!({
            "register": REGISTERS[self.number % REGISTERS.len()],
            "lines": lines,
            "tenders": [{"kind": "cash", "amount": "100.00"}],
        });
        (body, pieces)
    }

    /// Asks until there is an answer.
    fn ask(&self, key: &str, body: &Value) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.client.post("/sales", key, body) {
                Ok(reply) if reply.status == 201 => return Ok(reply.json()),
                // Draining or not serving yet: asked to come again.
                Ok(reply) if reply.status == 503 => {}
                Ok(reply) => bail!("a sale was answered with {reply:?}"),
                Err(_) => {}
            }
            ensure!(Instant::now() < deadline, "no answer within {PATIENCE:?}");
            // The process is being started again; asking faster does not help it.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Two clients ask under one key at the same time and hear the same.
    fn twice_at_once(&self, key: &str, body: &Value) -> Result<Value> {
        self.book.repeated.fetch_add(1, Ordering::Relaxed);
        let (one, two) = std::thread::scope(|scope| {
            let other = scope.spawn(|| self.ask(key, body));
            let own = self.ask(key, body);
            (own, other.join().expect("asking does not panic"))
        });
        let (one, two) = (one?, two?);
        ensure!(one == two, "two clients at once heard {one} and {two}");
        Ok(one)
    }

    /// Sends a request and goes away without waiting for its answer.
    fn abandon(&self, key: &str, body: &Value) {
        self.book.abandoned.fetch_add(1, Ordering::Relaxed);
        let address = self.url.trim_start_matches("http://");
        let body = body.to_string();
        let request = format!(
            "POST /api/v1/sales HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\nidempotency-key: {key}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        // A process that is down right now hears nothing, which is as good.
        if let Ok(mut stream) = TcpStream::connect(address) {
            let _ = stream.write_all(request.as_bytes());
        }
    }

    /// Now and then somebody asks for an old sale again, perhaps of an earlier
    /// life of the process.
    fn ask_again(&mut self) -> Result<()> {
        if !self.random.once_in(10) {
            return Ok(());
        }
        let Some(old) = self.book.any(&mut self.random) else {
            return Ok(());
        };
        // A key belongs to its register.
        if old.till % REGISTERS.len() != self.number % REGISTERS.len() {
            return Ok(());
        }
        self.book.repeated.fetch_add(1, Ordering::Relaxed);
        let answer = self.ask(&old.key, &old.body)?;
        ensure!(
            answer == old.answer,
            "asked again: {answer} instead of {}",
            old.answer
        );
        Ok(())
    }
}
