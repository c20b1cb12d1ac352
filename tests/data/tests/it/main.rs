//! The shipped extract is whole, and is what the whole panel gives.

use evertill_data::{Classes, Sample, Source, extract, raw_folder, sample_folder};

#[test]
fn the_extract_holds_what_its_table_says() {
    let sample = Sample::read().unwrap();
    let classes = Classes::of(&sample.baskets, &sample.catalogue);
    let stated = std::fs::read_to_string(sample.file("classes.md")).unwrap();
    assert_eq!(classes.to_string(), stated);
    assert!(classes.baskets >= 400 && classes.quantity_zero > 0 && classes.coupon > 0);
}

#[test]
fn every_basket_pays_exactly_what_it_owes() {
    let sample = Sample::read().unwrap();
    for basket in &sample.baskets {
        let sale = basket.sale("R1", &sample.catalogue);
        assert_eq!(sale["lines"].as_array().unwrap().len(), basket.lines.len());
        let paid: i64 = sale["tenders"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tender| tender["amount"].as_str().unwrap().replace('.', ""))
            .map(|cents| cents.parse::<i64>().unwrap())
            .sum();
        let change = paid - basket.due();
        assert!((0..500).contains(&change), "basket {}", basket.basket);
    }
}

#[test]
fn the_whole_panel_gives_the_shipped_extract_again() {
    let Some(folder) = raw_folder() else {
        eprintln!("left out: EVERTILL_DATA names no folder with the whole panel");
        return;
    };
    let source = Source::read(&folder).unwrap();
    let again = tempfile::tempdir().unwrap();
    extract(&source, again.path()).unwrap();
    for name in [
        "products.csv",
        "locations.csv",
        "stock.csv",
        "baskets.csv",
        "classes.md",
    ] {
        let shipped = std::fs::read(sample_folder().join(name)).unwrap();
        let made = std::fs::read(again.path().join(name)).unwrap();
        assert!(shipped == made, "{name} is not what the panel gives");
    }
}
