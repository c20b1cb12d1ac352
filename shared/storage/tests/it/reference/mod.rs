//! Reference data at the level of the store: hub and node side by side, pages
//! handed over in memory.

use evertill_domain::{Barcode, Currency, Money, Product, Sku, barcode};
use evertill_storage::Role;
use evertill_storage::reference::{Page, Position, ReferenceError, ReferenceStore};
use tempfile::TempDir;

mod figures;
mod kill;
mod policies;
mod search;
mod stream;

/// Bytes per page in these tests: small, so that a few hundred rows make many.
pub const PAGE: usize = 4 << 10;

pub struct Bench {
    pub store: ReferenceStore,
    pub dir: TempDir,
}

impl Bench {
    pub fn hub() -> Self {
        Self::open(Role::Hub)
    }

    pub fn node() -> Self {
        Self::open(Role::Node)
    }

    fn open(role: Role) -> Self {
        let dir = TempDir::new().unwrap();
        let store = ReferenceStore::open(dir.path(), role).unwrap();
        Self { store, dir }
    }

    /// Opens the same folder again, as after a restart.
    pub fn reopen(self, role: Role) -> Self {
        let Self { store, dir } = self;
        drop(store);
        let store = ReferenceStore::open(dir.path(), role).unwrap();
        Self { store, dir }
    }
}

pub fn sku(number: usize) -> Sku {
    format!("{}", 1_000_000 + number).parse().unwrap()
}

/// A valid GTIN-13 with the company-internal prefix 04.
pub fn gtin(number: usize) -> Barcode {
    let digits = format!("04{number:010}");
    let check = barcode::check_digit(&digits).unwrap();
    format!("{digits}{check}").parse().unwrap()
}

const NAMES: [&str; 8] = [
    "Whole Milk",
    "Apple Juice",
    "White Bread",
    "Crème Brûlée",
    "Tooth Paste",
    "Green Tea",
    "Dark Chocolate",
    "Orange Marmalade",
];

pub fn product(number: usize) -> Product {
    let name = format!("{} {} OZ", NAMES[number % NAMES.len()], number % 97);
    let mut product = Product::new(sku(number), name);
    "GROCERY".clone_into(&mut product.department);
    product.price = Some(price(i64::try_from(number % 900).unwrap() + 100));
    product.barcodes = vec![gtin(number)];
    product
}

pub fn price(minor: i64) -> Money {
    Money::new(minor, Currency::USD).unwrap()
}

pub fn put(hub: &ReferenceStore, products: impl IntoIterator<Item = Product>) -> u64 {
    let ((), version) = hub
        .batch_blocking(None, |batch| {
            for product in products {
                batch.put_product(&product)?;
            }
            Ok::<_, ReferenceError>(())
        })
        .unwrap();
    version
}

/// One page from hub to node, through its encoding; true when complete.
pub fn pull_one(hub: &ReferenceStore, node: &ReferenceStore, bytes: usize) -> bool {
    let position = node.position_blocking().unwrap();
    let page = hub.page_after_blocking(&position, bytes).unwrap();
    let page = Page::decode(&page.encode().unwrap()).unwrap();
    let expected = page.to();
    assert_eq!(node.stage_blocking(&page).unwrap(), expected);
    page.complete.is_some()
}

/// Pages until the node is complete; returns how many it took.
pub fn pull(hub: &ReferenceStore, node: &ReferenceStore, bytes: usize) -> usize {
    let mut pages = 1;
    while !pull_one(hub, node, bytes) {
        pages += 1;
    }
    pages
}

pub fn all(store: &ReferenceStore) -> (Position, Vec<Product>) {
    store
        .read_blocking(|view| {
            let mut products: Vec<Product> = Vec::new();
            loop {
                let page = view.page_products(products.last().map(|last| &last.sku), 1_000)?;
                if page.is_empty() {
                    return Ok::<_, ReferenceError>((view.position(), products));
                }
                products.extend(page);
            }
        })
        .unwrap()
}

pub fn assert_same(hub: &ReferenceStore, node: &ReferenceStore) {
    assert_eq!(all(hub), all(node));
}
