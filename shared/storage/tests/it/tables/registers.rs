//! Registers: numbers without gaps, tokens that can be revoked.

use evertill_domain::{LocationId, RegisterId, ReplicaId};
use evertill_storage::registers::{
    self, TokenHash, draw_number, ensure, issue_token, list, revoke_tokens, take_over,
};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableError, TableResult};

use super::{Tables, at};

const REPLICA: ReplicaId = ReplicaId(0x0123_4567_89ab_cdef);

fn register(name: &str) -> RegisterId {
    name.parse().unwrap()
}

/// The register of a token's text.
fn authenticate(conn: &Connection, token: &str) -> TableResult<Option<RegisterId>> {
    TokenHash::of(token).map_or(Ok(None), |hash| registers::authenticate(conn, &hash))
}

fn draw(conn: &Connection, name: &str) -> TableResult<Option<u64>> {
    let location: LocationId = "S001".parse().unwrap();
    let drawn = draw_number(conn, &location, &register(name), REPLICA)?;
    Ok(drawn.map(|number| number.seq))
}

fn drawn(tables: &Tables, name: &'static str) -> Option<u64> {
    tables.write(move |conn| draw(conn, name)).unwrap()
}

fn with_registers() -> Tables {
    let tables = Tables::new();
    tables
        .write(|conn| {
            ensure(conn, &register("R1"), at(1))?;
            ensure(conn, &register("R2"), at(2))
        })
        .unwrap();
    tables
}

#[test]
fn numbers_have_no_gap_when_sales_fail_in_between() {
    let tables = with_registers();
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(drawn(&tables, "R1").unwrap());
        tables.undone(|conn| draw(conn, "R1"));
        tables.undone(|conn| draw(conn, "R1"));
    }
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

/// Sales that fail in the same group commit as sales that succeed.
#[test]
fn numbers_have_no_gap_when_tills_sell_and_fail_at_once() {
    let tables = with_registers();
    let mut numbers: Vec<u64> = std::thread::scope(|scope| {
        let tills: Vec<_> = (0..8)
            .map(|till| {
                let tables = &tables;
                scope.spawn(move || {
                    let mut mine = Vec::new();
                    for sale in 0..25 {
                        if (till + sale) % 3 == 0 {
                            tables.undone(|conn| draw(conn, "R1"));
                        } else {
                            mine.push(drawn(tables, "R1").unwrap());
                        }
                    }
                    mine
                })
            })
            .collect();
        tills
            .into_iter()
            .flat_map(|till| till.join().unwrap())
            .collect()
    });
    numbers.sort_unstable();
    let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn numbers_go_on_after_a_restart_and_registers_count_apart() {
    let tables = with_registers();
    assert_eq!(
        [drawn(&tables, "R1"), drawn(&tables, "R1")],
        [Some(1), Some(2)]
    );
    let tables = tables.restart();
    assert_eq!(
        [drawn(&tables, "R1"), drawn(&tables, "R2")],
        [Some(3), Some(1)]
    );
    assert_eq!(drawn(&tables, "R9"), None);
}

#[test]
fn a_number_names_location_register_and_replica() {
    let tables = with_registers();
    let number = tables
        .write(|conn| draw_number(conn, &"S001".parse().unwrap(), &register("R1"), REPLICA))
        .unwrap()
        .unwrap();
    assert_eq!(number.to_string(), format!("S001-R1-{}-1", REPLICA.code()));
}

#[test]
fn a_taken_over_register_goes_on_and_never_back() {
    let tables = with_registers();
    let take = |last| {
        tables
            .write(move |conn| take_over(conn, &register("R1"), last, at(3)))
            .unwrap();
    };
    take(41);
    assert_eq!(drawn(&tables, "R1"), Some(42));
    take(7);
    assert_eq!(drawn(&tables, "R1"), Some(43));
}

#[test]
fn tokens_name_their_register_until_they_are_revoked() {
    let tables = Tables::new();
    let (first, second, other) = tables
        .write(|conn| {
            Ok::<_, evertill_storage::registers::IssueError>((
                issue_token(conn, &register("R1"), at(1))?,
                issue_token(conn, &register("R1"), at(2))?,
                issue_token(conn, &register("R2"), at(3))?,
            ))
        })
        .unwrap();
    let tokens = [first, second, other];
    let known = |tables: &Tables| {
        tokens.clone().map(|token| {
            tables
                .read(move |conn| authenticate(conn, &token))
                .map(String::from)
        })
    };
    let (one, two) = (Some("R1".to_owned()), Some("R2".to_owned()));
    assert_eq!(known(&tables), [one.clone(), one, two.clone()]);
    // Revoked at time 0 still counts as revoked: 0 means "not yet" in the table.
    let revoked = tables.write(|conn| revoke_tokens(conn, &register("R1"), at(0)));
    assert_eq!(revoked.unwrap(), 2);
    let again = tables.write(|conn| revoke_tokens(conn, &register("R1"), at(9)));
    assert_eq!(again.unwrap(), 0);
    assert_eq!(known(&tables), [None, None, two]);
    let rows = tables.read(list);
    let names: Vec<&str> = rows.iter().map(|row| row.register.as_str()).collect();
    assert_eq!(names, ["R1", "R2"]);
    let tables = tables.restart();
    assert!(tokens.iter().all(|token| !tables.holds(token)));
}

#[test]
fn a_token_that_is_almost_right_is_none() {
    let tables = Tables::new();
    let token = tables
        .write(|conn| issue_token(conn, &register("R1"), at(1)))
        .unwrap();
    let spellings = [
        String::new(),
        token.to_uppercase(),
        token[..token.len() - 1].to_owned(),
        format!("{token} "),
        token.replacen("evr1", "evk1", 1),
        "x".repeat(100_000),
    ];
    for wrong in spellings {
        let found = tables.read(move |conn| authenticate(conn, &wrong));
        assert_eq!(found, None);
    }
    assert!(
        tables
            .read(move |conn| authenticate(conn, &token))
            .is_some()
    );
}

#[test]
fn a_token_that_was_undone_does_not_work() {
    let tables = Tables::new();
    let (sender, made) = std::sync::mpsc::channel();
    tables.undone(move |conn| {
        let token = issue_token(conn, &register("R1"), at(1)).map_err(|error| match error {
            evertill_storage::registers::IssueError::Table(error) => error,
            evertill_storage::registers::IssueError::NoRandomness(error) => TableError::Damaged {
                what: "the system".to_owned(),
                detail: error.to_string(),
            },
        })?;
        sender.send(token).unwrap();
        Ok(())
    });
    let token = made.recv().unwrap();
    assert_eq!(tables.read(move |conn| authenticate(conn, &token)), None);
    assert_eq!(tables.read(list), []);
}
