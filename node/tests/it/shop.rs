//! A store with goods on its shelves, as a process, and a till that asks it.

use evertill_domain::{Currency, Money, Product, Unit};
use evertill_storage::reference::PolicyName;
use evertill_support::{Client, Reply, Running, Setup, StoreFolder, new_key, store};
use serde_json::{Value, json};

pub const BINARY: &str = env!("CARGO_BIN_EXE_evertill-node");

/// Two taxes on food, one on the rest; cash is rounded to five cents in CHF only.
const TAX: &str = r#"{"classes":{"food":[{"code":"TX","rate":"0.02"}],
    "standard":[{"code":"TX","rate":"0.1"}]}}"#;

/// A running node with a till.
pub struct Shop {
    pub folder: StoreFolder,
    pub till: Client,
    running: Running,
}

/// A product with a price in dollars.
pub fn product(sku: &str, name: &str, price: &str, unit: Unit, class: &str) -> Product {
    let mut product = Product::new(sku.parse().unwrap(), name);
    product.price = Some(Money::parse_decimal(price, Currency::USD).unwrap());
    product.unit = unit;
    product.tax_class = class.parse().unwrap();
    product
}

/// A store with registers R1 and R2 and some products.
pub fn stocked() -> Setup {
    let mut milk = product("MILK", "Milk, whole", "1.50", Unit::Each, "food");
    milk.barcodes = vec!["4006381333931".parse().unwrap()];
    let mut loose = Product::new("LOOSE".parse().unwrap(), "Whatever it costs");
    loose.unit = Unit::Each;
    store()
        .register("R1")
        .register("R2")
        .products([
            milk,
            product("SOAP", "Soap", "3.00", Unit::Each, "standard"),
            product("HAM", "Ham, sliced", "12.00", Unit::Kilogram, "food"),
            product("BOOK", "Book", "10.00", Unit::Each, "zero"),
            loose,
        ])
        .policy(PolicyName::Tax, TAX)
}

impl Shop {
    pub fn open() -> Self {
        Self::of(stocked())
    }

    pub fn of(setup: Setup) -> Self {
        Self::on(setup.prepare().unwrap(), &[])
    }

    /// Serves a prepared folder with further flags.
    pub fn on(folder: StoreFolder, flags: &[&str]) -> Self {
        let running = start(&folder, flags);
        let till = Client::new(running.url(), folder.token("R1"));
        Self {
            folder,
            till,
            running,
        }
    }

    /// A till with another register's token.
    pub fn register(&self, register: &str) -> Client {
        Client::new(self.running.url(), self.folder.token(register))
    }

    /// Kills the process and starts it again on the same folder.
    pub fn after_kill(self) -> Self {
        let Self {
            folder, running, ..
        } = self;
        drop(running);
        Self::on(folder, &[])
    }

    /// Ends the process in order and starts it again on the same folder.
    pub fn after_restart(self) -> Self {
        let Self {
            folder, running, ..
        } = self;
        let ended = running.stop().unwrap();
        assert_eq!(ended.status, Some(0), "{}", ended.errors);
        Self::on(folder, &[])
    }

    /// A path beside the interface.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url())
    }

    pub fn get(&self, path: &str) -> Value {
        self.till.get(path).unwrap().expect(200)
    }

    /// Posts under a new key.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.till.post(path, &new_key(), body).unwrap()
    }

    /// Sells a basket that must be taken; returns the receipt.
    pub fn sell(&self, body: &Value) -> Value {
        self.post("/sales", body).expect(201)
    }

    /// Every receipt, page by page.
    pub fn receipts(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut path = "/sales?limit=1000".to_owned();
        loop {
            let page = self.get(&path);
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/sales?limit=1000&cursor={cursor}"),
                None => return all,
            }
        }
    }
}

fn start(folder: &StoreFolder, flags: &[&str]) -> Running {
    let mut arguments = vec!["serve", "--data", folder.data(), "--http", "127.0.0.1:0"];
    arguments.extend(flags);
    Running::start(BINARY, &arguments).unwrap()
}

/// Milk, paid with two dollars.
pub fn one_milk() -> Value {
    json!({
        "register": "R1",
        "lines": [{"sku": "MILK", "quantity": 1}],
        "tenders": [{"kind": "cash", "amount": "2.00"}],
    })
}
