//! Enrolment tokens: used once, in time, or not at all.

use evertill_domain::{LocationId, NodeId};
use evertill_storage::enrolments::{
    Certificate, Redeemed, TOKEN_LIFE_MS, certificate, certificates, issue_token,
    record_certificate, redeem, revoke_node,
};

use super::{Tables, at};

const SECRET: &[u8] = b"sixteen bytes 01";

fn location() -> LocationId {
    "S001".parse().unwrap()
}

fn issued(secret: &'static [u8], made: i64) -> Tables {
    let tables = Tables::new();
    let expires = tables
        .write(move |conn| issue_token(conn, secret, &location(), at(made)))
        .unwrap();
    assert_eq!(expires, at(made + TOKEN_LIFE_MS));
    tables
}

fn present(tables: &Tables, secret: &'static [u8], node: u64, when: i64) -> Redeemed {
    tables
        .write(move |conn| redeem(conn, secret, NodeId(node), at(when)))
        .unwrap()
}

#[test]
fn a_token_is_good_once() {
    let tables = issued(SECRET, 1_000);
    assert_eq!(
        present(&tables, SECRET, 7, 2_000),
        Redeemed::Accepted(location())
    );
    let tables = tables.restart();
    for node in [7, 8] {
        assert_eq!(
            present(&tables, SECRET, node, 3_000),
            Redeemed::Used(at(2_000))
        );
    }
}

#[test]
fn a_token_ends_after_fifteen_minutes() {
    let last = 1_000 + TOKEN_LIFE_MS;
    let tables = issued(SECRET, 1_000);
    for late in [last + 1, i64::MAX] {
        assert_eq!(
            present(&tables, SECRET, 7, late),
            Redeemed::Expired(at(last))
        );
    }
    assert_eq!(
        present(&tables, SECRET, 7, last),
        Redeemed::Accepted(location())
    );
}

#[test]
fn a_token_that_was_never_issued_or_altered_is_unknown() {
    let tables = issued(SECRET, 1_000);
    for other in [&b""[..], b"sixteen bytes 02", b"sixteen bytes 01 "] {
        assert_eq!(present(&tables, other, 7, 2_000), Redeemed::Unknown);
    }
    assert!(!tables.restart().holds("sixteen bytes 01"));
}

/// A certificate that could not be recorded must not use its token up.
#[test]
fn an_enrolment_that_was_undone_leaves_the_token_good() {
    let tables = issued(SECRET, 1_000);
    tables.undone(|conn| {
        assert!(matches!(
            redeem(conn, SECRET, NodeId(7), at(2_000))?,
            Redeemed::Accepted(_)
        ));
        record_certificate(conn, &issued_to(7, 1))
    });
    assert_eq!(tables.read(certificates), []);
    assert_eq!(
        present(&tables, SECRET, 8, 2_000),
        Redeemed::Accepted(location())
    );
}

#[test]
fn two_nodes_with_one_token_get_one_certificate() {
    let tables = issued(SECRET, 1_000);
    let accepted = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|node| {
                let tables = &tables;
                scope.spawn(move || present(tables, SECRET, node, 2_000))
            })
            .collect();
        tries
            .into_iter()
            .map(|one| one.join().unwrap())
            .filter(|redeemed| matches!(redeemed, Redeemed::Accepted(_)))
            .count()
    });
    assert_eq!(accepted, 1);
}

fn issued_to(node: u64, mark: u8) -> Certificate {
    Certificate {
        fingerprint: [mark; 32],
        node: NodeId(node),
        location: location(),
        issued_at: at(i64::from(mark)),
        expires_at: at(1_000_000),
        revoked: None,
    }
}

#[test]
fn a_revoked_node_stays_revoked_with_its_first_reason() {
    let tables = Tables::new();
    tables
        .write(|conn| {
            for (node, mark) in [(7, 1), (8, 2), (7, 3)] {
                record_certificate(conn, &issued_to(node, mark))?;
            }
            Ok::<_, evertill_storage::TableError>(())
        })
        .unwrap();
    let revoke = |reason: &'static str, when| {
        let mut found = tables
            .write(move |conn| revoke_node(conn, NodeId(7), reason, at(when)))
            .unwrap();
        found.sort_unstable();
        found
    };
    assert_eq!(revoke("stolen", 50), [[1; 32], [3; 32]]);
    assert_eq!(revoke("again", 60), Vec::<[u8; 32]>::new());
    let tables = tables.restart();
    let found = tables.read(|conn| certificate(conn, &[1; 32])).unwrap();
    assert_eq!(found.revoked, Some((at(50), "stolen".to_owned())));
    let states: Vec<_> = tables
        .read(certificates)
        .into_iter()
        .map(|one| (one.fingerprint[0], one.revoked.is_some()))
        .collect();
    assert_eq!(states, [(1, true), (2, false), (3, true)]);
    assert_eq!(tables.read(|conn| certificate(conn, &[9; 32])), None);
}
