//! Figures for the budgets, printed; run with
//! `cargo test --release -p evertill-storage --test it figures -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use super::*;

const PRODUCTS: usize = 100_000;

const ADJECTIVES: [&str; 24] = [
    "Whole", "Skimmed", "Fresh", "Frozen", "Organic", "Dark", "Light", "Salted", "Sweet", "Dried",
    "Smoked", "Sliced", "Ground", "Roasted", "Mild", "Hot", "Large", "Small", "Mini", "Classic",
    "Premium", "Green", "Red", "White",
];
const NOUNS: [&str; 32] = [
    "Milk",
    "Bread",
    "Cheese",
    "Butter",
    "Yogurt",
    "Apple",
    "Banana",
    "Orange",
    "Coffee",
    "Tea",
    "Chocolate",
    "Cereal",
    "Rice",
    "Pasta",
    "Sauce",
    "Soup",
    "Chicken",
    "Beef",
    "Pork",
    "Salmon",
    "Detergent",
    "Shampoo",
    "Soap",
    "Toothpaste",
    "Paper",
    "Candle",
    "Pet Food",
    "Cookies",
    "Crackers",
    "Juice",
    "Water",
    "Ice Cream",
];

fn realistic(number: usize) -> Product {
    let name = format!(
        "{} {} BRAND{} {} OZ",
        ADJECTIVES[number % ADJECTIVES.len()],
        NOUNS[number / 7 % NOUNS.len()],
        number % 4_000,
        number % 50
    );
    Product {
        name,
        category: format!("CATEGORY {}", number % 300),
        ..product(number)
    }
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    println!("{what:<52} {:>9.1} ms", start.elapsed().as_secs_f64() * 1e3);
    result
}

#[test]
#[ignore = "prints figures, proves nothing"]
fn figures() {
    let (hub, node) = (Bench::hub(), Bench::node());
    let products: Vec<Product> = (0..PRODUCTS).map(realistic).collect();
    timed("hub: put 100,000 products", || {
        put(&hub.store, products.clone())
    });
    timed("hub: put them again, unchanged", || {
        put(&hub.store, products.clone())
    });
    let (mut wire, mut pages, mut last, mut longest) = (0, 0, Duration::ZERO, Duration::ZERO);
    timed("node: first snapshot in pages of 256 KiB", || {
        loop {
            let position = node.store.position_blocking().unwrap();
            let page = hub.store.page_after_blocking(&position, 256 << 10).unwrap();
            let bytes = page.encode().unwrap();
            wire += bytes.len();
            pages += 1;
            let page = Page::decode(&bytes).unwrap();
            let start = Instant::now();
            node.store.stage_blocking(&page).unwrap();
            last = start.elapsed();
            longest = longest.max(last);
            if page.complete.is_some() {
                return;
            }
        }
    });
    println!(
        "  {pages} pages, {wire} bytes on the wire, last page with swap {last:?}, longest {longest:?}"
    );
    let size = |bench: &Bench| std::fs::metadata(bench.store.path()).unwrap().len() >> 20;
    println!(
        "  reference.db: hub {} MB, node {} MB",
        size(&hub),
        size(&node)
    );
    put(
        &hub.store,
        products.iter().cloned().map(|mut product| {
            product.price = Some(price(777));
            product
        }),
    );
    timed("node: delta of 100,000 new prices", || {
        pull(&hub.store, &node.store, 256 << 10)
    });
    hub.store.renew().unwrap();
    let mut last = Duration::ZERO;
    timed("node: second snapshot while the first is read", || {
        loop {
            let start = Instant::now();
            let complete = pull_one(&hub.store, &node.store, 256 << 10);
            last = start.elapsed();
            if complete {
                return;
            }
        }
    });
    println!("  its last page, swap and emptying of the old slot {last:?}");
    search_figures(&node.store);
}

fn search_figures(node: &ReferenceStore) {
    for query in [
        "m",
        "mi",
        "mil",
        "milk",
        "fresh milk",
        "brand1234",
        "b",
        "brand",
        "04",
        "0400000",
        "0400000012",
        "04000 milk",
        "1000",
        "100 oz",
        "w b 4 o",
        "ice cream brand39",
        "1099999",
        "zzzz",
    ] {
        let runs = 50;
        let start = Instant::now();
        let mut found = 0;
        for _ in 0..runs {
            found = node
                .read_blocking(|view| view.search(query, 20))
                .unwrap()
                .len();
        }
        println!(
            "search {query:<20} {found:>3} found {:>10.3} ms",
            start.elapsed().as_secs_f64() * 1e3 / f64::from(runs)
        );
    }
    let start = Instant::now();
    for number in 0..10_000 {
        node.read_blocking(|view| view.by_barcode(gtin(number * 7).as_str()))
            .unwrap()
            .unwrap();
    }
    println!("by_barcode {:?} each", start.elapsed() / 10_000);
}
