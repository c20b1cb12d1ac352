//! A local sale: its entry, and what every projection says of it.

use evertill_domain::Bucket;
use evertill_journal::Chain;
use evertill_storage::projection::{days, receipts, registers, stock};
use evertill_storage::{TableError, journal};

use super::world::{beginning, database, location, now, sale, sell, store};
use evertill_domain::Event;

#[test]
fn a_sale_is_in_the_journal_and_in_every_projection() {
    let conn = database();
    let author = store(&conn, "S001", 1);
    let (first, one) = sell(&conn, &author, 1, &[("A", 2), ("B", 1)]);
    let (second, two) = sell(&conn, &author, 2, &[("A", 1)]);

    let mut chain = Chain::new(author.replica);
    for sealed in journal::entries_after(&conn, author.replica, 0, 10, 1 << 20).unwrap() {
        chain.next(&sealed).unwrap();
    }
    assert_eq!(chain.head, second.at);
    assert_eq!(journal::head(&conn, author.replica).unwrap(), second.at);

    let found = receipts::by_id(&conn, &first.documents[0])
        .unwrap()
        .unwrap();
    assert_eq!(found.receipt, one);
    let found = receipts::by_number(&conn, &two.number).unwrap().unwrap();
    assert_eq!(found.receipt, two);
    assert_eq!(found.id, second.documents[0]);

    let a = stock::of(&conn, &author.location, &"A".parse().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(a.on_hand(), -3_000);
    assert_eq!(a.bucket(Bucket::Customer), 3_000);

    let day = days::totals(&conn, &author.location, one.business_date).unwrap();
    assert_eq!(day.len(), 1);
    assert_eq!((day[0].figures.gross, day[0].figures.receipts), (800, 2));
    let tills = registers::of_location(&conn, &author.location).unwrap();
    assert_eq!((tills[0].2.sales, tills[0].2.receipts), (800, 2));
}

#[test]
fn a_list_of_receipts_continues_where_it_stopped() {
    let conn = database();
    let author = store(&conn, "S001", 1);
    for seq in 1..=7 {
        sell(&conn, &author, seq, &[("A", 1)]);
    }
    for location in [None, Some(location("S001").id)] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = receipts::page(&conn, location.as_ref(), after, 3).unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            seen.extend(page.into_iter().map(|(_, found)| found.receipt.number.seq));
        }
        assert_eq!(seen, (1..=7).collect::<Vec<_>>());
    }
    let elsewhere = location("S002").id;
    assert!(
        receipts::page(&conn, Some(&elsewhere), None, 10)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_second_receipt_under_one_number_is_refused_and_leaves_no_trace() {
    let conn = database();
    let author = store(&conn, "S001", 1);
    sell(&conn, &author, 1, &[("A", 2)]);
    let head = journal::head(&conn, author.replica).unwrap();
    let again = Event::Receipt(Box::new(sale(&author, "R1", 1, &[("B", 1)])));
    conn.execute_batch("SAVEPOINT command").unwrap();
    let refused = journal::append(&conn, &author, now(), &[journal::Write::Open(again)]);
    assert!(matches!(refused, Err(TableError::Unfit { reason }) if reason.contains("number")));
    conn.execute_batch("ROLLBACK TO command").unwrap();
    assert_eq!(journal::head(&conn, author.replica).unwrap(), head);
    let sku = "B".parse().unwrap();
    assert_eq!(stock::of(&conn, &author.location, &sku).unwrap(), None);
}

#[test]
fn every_start_takes_a_new_actor_and_goes_on_in_the_same_journal() {
    let conn = database();
    let first = store(&conn, "S001", 1);
    sell(&conn, &first, 1, &[("A", 1)]);
    let second = journal::start(&conn, &beginning("S001", 1, 2)).unwrap();
    assert_eq!(second.replica, first.replica);
    assert_ne!(second.actor, first.actor);
    assert_eq!(journal::identity(&conn).unwrap(), Some(second.clone()));
    sell(&conn, &second, 2, &[("A", 1)]);
    assert_eq!(journal::head(&conn, first.replica).unwrap().seq, 4);
    let elsewhere = journal::start(&conn, &beginning("S002", 1, 3));
    assert!(elsewhere.is_err(), "a database stays where it is");
}

#[test]
fn what_the_peer_has_not_confirmed_is_counted_with_its_age() {
    let conn = database();
    let author = store(&conn, "S001", 1);
    let (appended, _) = sell(&conn, &author, 1, &[("A", 1)]);
    sell(&conn, &author, 2, &[("A", 1)]);
    let unsent = journal::unsent(&conn, &author).unwrap();
    assert_eq!((unsent.entries, unsent.oldest), (3, Some(now())));
    journal::set_acknowledged(&conn, author.replica, &appended.at).unwrap();
    assert_eq!(journal::unsent(&conn, &author).unwrap().entries, 1);
}
