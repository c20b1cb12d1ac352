//! What a cashier types.

use proptest::prelude::*;

use super::*;

fn names(store: &ReferenceStore, query: &str, limit: usize) -> Vec<String> {
    store
        .read_blocking(|view| view.search(query, limit))
        .unwrap()
        .into_iter()
        .map(|product| product.name)
        .collect()
}

fn named(number: usize, sku: &str, name: &str) -> Product {
    Product {
        sku: sku.parse().unwrap(),
        name: name.to_owned(),
        ..product(number)
    }
}

fn small_shop() -> Bench {
    let hub = Bench::hub();
    put(
        &hub.store,
        [
            named(1, "MILK-1", "Whole milk 1 l"),
            named(2, "MILK-2", "Skimmed milk 1 l"),
            named(3, "CHOC", "Milk chocolate 100 g"),
            named(4, "CREME", "Crème brûlée"),
            named(5, "77", "Buttermilk"),
            named(6, "EGG", "Eggs (free range), 10 pcs"),
            named(7, "MILK", "Something else"),
        ],
    );
    hub
}

#[test]
fn every_term_starts_a_word_in_any_order() {
    let shop = small_shop();
    assert_eq!(names(&shop.store, "milk who", 10), ["Whole milk 1 l"]);
    assert_eq!(names(&shop.store, "CHOC mil", 10), ["Milk chocolate 100 g"]);
    assert_eq!(names(&shop.store, "creme bru", 10), ["Crème brûlée"]);
    assert_eq!(names(&shop.store, "CRÈME", 10), ["Crème brûlée"]);
    assert_eq!(names(&shop.store, "milk eggs", 10), Vec::<String>::new());
}

#[test]
fn exact_codes_come_first_and_the_limit_holds() {
    let shop = small_shop();
    let found = names(&shop.store, "milk", 10);
    assert_eq!(found[0], "Something else", "{found:?}");
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(!found.contains(&"Buttermilk".to_owned()));
    assert_eq!(names(&shop.store, "milk", 2).len(), 2);
    assert_eq!(names(&shop.store, "milk", 0).len(), 0);
    assert_eq!(names(&shop.store, gtin(5).as_str(), 10), ["Buttermilk"]);
    assert_eq!(names(&shop.store, " milk-2 ", 10), ["Skimmed milk 1 l"]);
    assert_eq!(names(&shop.store, "77", 1), ["Buttermilk"]);
}

#[test]
fn the_start_of_a_barcode_or_sku_finds_it() {
    let shop = small_shop();
    let barcode = gtin(3);
    assert!(names(&shop.store, &barcode.as_str()[..6], 10).len() >= 7);
    assert_eq!(
        names(&shop.store, &barcode.as_str()[..12], 10),
        ["Milk chocolate 100 g"]
    );
    assert_eq!(
        names(&shop.store, "choc 0400", 10),
        ["Milk chocolate 100 g"]
    );
}

#[test]
fn a_change_of_name_or_barcode_moves_the_product() {
    let shop = small_shop();
    put(&shop.store, [named(20, "EGG", "Quail")]);
    assert_eq!(names(&shop.store, "quail", 10), ["Quail"]);
    assert_eq!(names(&shop.store, "free range", 10), Vec::<String>::new());
    assert_eq!(
        names(&shop.store, gtin(6).as_str(), 10),
        Vec::<String>::new()
    );
    assert_eq!(names(&shop.store, gtin(20).as_str(), 10), ["Quail"]);
    shop.store
        .batch_blocking(None, |batch| batch.remove_product(&"EGG".parse().unwrap()))
        .unwrap();
    assert_eq!(names(&shop.store, "quail", 10), Vec::<String>::new());
}

#[test]
fn terms_that_start_very_many_codes_still_combine_with_words() {
    let hub = Bench::hub();
    put(&hub.store, (0..3_000).map(product));
    // "0400000" starts every barcode and is kept away from the word index.
    assert_eq!(names(&hub.store, "0400000", 25).len(), 25);
    let found = names(&hub.store, "0400000 marmalade 13", 50);
    assert!(!found.is_empty());
    for name in &found {
        assert!(name.starts_with("Orange Marmalade 13"), "{name}");
    }
    let rare = hub
        .store
        .read_blocking(|view| view.search("tea 1000029", 10))
        .unwrap();
    assert_eq!(rare.len(), 1);
    assert_eq!(rare[0].sku, sku(29));
}

#[test]
fn no_query_is_an_error() {
    let shop = small_shop();
    for query in [
        "",
        " ",
        "\"",
        "\"\"",
        "'",
        "*",
        "milk*",
        "-milk",
        "milk OR eggs",
        "AND",
        "NOT",
        "NEAR(a b)",
        "text:milk",
        "(",
        ")",
        "milk)",
        "^milk",
        "a\"b",
        "\0",
        "milk\0",
        "%",
        "_",
        "+",
        ";--",
        "{a b}: c",
        "हिन्दी",
        "牛乳",
        "Ⓐb",
        "a\u{301}",
        "\u{202e}milk",
        "😀",
        "ŉ",
        "ẞ",
        "İstanbul",
    ] {
        let found = shop.store.read_blocking(|view| view.search(query, 10));
        assert!(found.is_ok(), "{query:?}: {found:?}");
    }
    let long = "milk ".repeat(100_000);
    assert!(!names(&shop.store, &long, 10).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_can_be_typed(queries in proptest::collection::vec(any::<String>(), 20)) {
        let shop = small_shop();
        for query in queries {
            prop_assert!(shop.store.read_blocking(|view| view.search(&query, 10)).is_ok());
        }
    }

    #[test]
    fn any_name_is_found_by_the_start_of_each_of_its_words(name in "[\\PC]{1,40}") {
        let hub = Bench::hub();
        put(&hub.store, [named(1, "X", &name)]);
        for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let query: String = word.chars().take(4).collect();
            let found = names(&hub.store, &query, 10);
            prop_assert_eq!(&found, &vec![name.clone()], "{}", query);
        }
    }
}
