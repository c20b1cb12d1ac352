//! Imported files and the costs that they named.

use evertill_domain::{Currency, Money};
use evertill_storage::imports::{EarlierImport, cost, earlier, record, set_cost};

use super::{Tables, at};

#[test]
fn a_file_is_known_for_good_with_the_lines_that_were_refused() {
    let tables = Tables::new();
    let (one, two) = ([1; 32], [2; 32]);
    assert_eq!(tables.read(move |conn| earlier(conn, &one)), None);
    tables.undone(move |conn| record(conn, &one, &[], at(5)));
    assert_eq!(tables.read(move |conn| earlier(conn, &one)), None);
    tables
        .write(move |conn| record(conn, &one, &[3, 17], at(5)))
        .unwrap();
    let again = tables.write(move |conn| record(conn, &one, &[], at(6)));
    assert!(again.is_err());
    let tables = tables.restart();
    let found = tables.read(move |conn| earlier(conn, &one)).unwrap();
    let expected = EarlierImport {
        at: at(5),
        refused: vec![3, 17],
    };
    assert_eq!(found, expected);
    assert_eq!(tables.read(move |conn| earlier(conn, &two)), None);
}

#[test]
fn the_last_cost_of_a_sku_at_a_location_stands() {
    let tables = Tables::new();
    let read = |location: &'static str| {
        tables.read(move |conn| cost(conn, &location.parse().unwrap(), &"A".parse().unwrap()))
    };
    for (minor, currency) in [(90, Currency::USD), (85, Currency::EUR)] {
        let money = Money::new(minor, currency).unwrap();
        tables
            .write(move |conn| {
                let (location, sku) = ("S001".parse().unwrap(), "A".parse().unwrap());
                set_cost(conn, &location, &sku, money, at(minor))
            })
            .unwrap();
        assert_eq!(read("S001"), Some(money));
    }
    assert_eq!(read("S002"), None);
}
