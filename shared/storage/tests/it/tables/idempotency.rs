//! One answer per key: for the same body again, never for another.

use evertill_storage::idempotency::{KEEP_MS, Known, PRUNE_LIMIT, Scope, lookup, prune, record};

use super::{Tables, at};

const SCOPE: Scope<'static> = Scope {
    principal: "R1",
    method: "POST",
    path: "/api/v1/sales",
    key: "key-1",
};

fn repeat(answer: &str) -> Known {
    Known::Repeat {
        status: 201,
        answer: answer.as_bytes().to_vec(),
    }
}

#[test]
fn an_answer_is_repeated_with_its_status_also_after_a_restart() {
    let tables = Tables::new();
    assert_eq!(
        tables.read(|conn| lookup(conn, &SCOPE, b"body")),
        Known::New
    );
    tables
        .write(|conn| record(conn, &SCOPE, b"body", 201, b"answer", at(5)))
        .unwrap();
    let tables = tables.restart();
    assert_eq!(
        tables.read(|conn| lookup(conn, &SCOPE, b"body")),
        repeat("answer")
    );
}

#[test]
fn another_body_under_the_same_key_is_told_apart() {
    let tables = Tables::new();
    tables
        .write(|conn| record(conn, &SCOPE, b"body", 201, b"answer", at(5)))
        .unwrap();
    for other in [&b"Body"[..], b"", b"body "] {
        assert_eq!(
            tables.read(move |conn| lookup(conn, &SCOPE, other)),
            Known::OtherBody
        );
    }
}

#[test]
fn a_request_that_was_undone_leaves_no_trace() {
    let tables = Tables::new();
    tables.undone(|conn| record(conn, &SCOPE, b"body", 201, b"answer", at(5)));
    assert_eq!(
        tables.read(|conn| lookup(conn, &SCOPE, b"other")),
        Known::New
    );
}

#[test]
fn principal_method_path_and_key_each_make_another_scope() {
    let tables = Tables::new();
    tables
        .write(|conn| record(conn, &SCOPE, b"body", 201, b"answer", at(5)))
        .unwrap();
    let others = [
        Scope {
            principal: "R2",
            ..SCOPE
        },
        Scope {
            method: "PUT",
            ..SCOPE
        },
        Scope {
            path: "/api/v1/returns",
            ..SCOPE
        },
        Scope {
            key: "key-2",
            ..SCOPE
        },
        // The same text, cut elsewhere.
        Scope {
            principal: "R1P",
            method: "OST",
            ..SCOPE
        },
    ];
    for other in others {
        assert_eq!(
            tables.read(move |conn| lookup(conn, &other, b"body")),
            Known::New,
            "{other:?}"
        );
    }
}

#[test]
fn a_key_is_recorded_once() {
    let tables = Tables::new();
    tables
        .write(|conn| record(conn, &SCOPE, b"body", 201, b"first", at(5)))
        .unwrap();
    let again = tables.write(|conn| record(conn, &SCOPE, b"body", 201, b"second", at(6)));
    assert!(again.is_err());
    assert_eq!(
        tables.read(|conn| lookup(conn, &SCOPE, b"body")),
        repeat("first")
    );
}

#[test]
fn answers_are_pruned_after_ninety_days_and_in_bounded_steps() {
    let tables = Tables::new();
    let old = i64::from(PRUNE_LIMIT) + 1;
    tables
        .write(move |conn| {
            for n in 0..=old {
                let key = format!("key-{n}");
                let scope = Scope { key: &key, ..SCOPE };
                // All but the last are older than what is kept.
                let made = i64::from(n == old);
                record(conn, &scope, b"body", 201, b"answer", at(made))?;
            }
            Ok::<_, evertill_storage::TableError>(())
        })
        .unwrap();
    let now = at(KEEP_MS + 1);
    let steps: Vec<usize> = (0..3)
        .map(|_| tables.write(move |conn| prune(conn, now)).unwrap())
        .collect();
    assert_eq!(steps, [PRUNE_LIMIT as usize, 1, 0]);
    let (first, last) = tables.read(move |conn| {
        let key = format!("key-{old}");
        let kept = Scope { key: &key, ..SCOPE };
        let gone = Scope {
            key: "key-0",
            ..SCOPE
        };
        Ok((lookup(conn, &gone, b"body")?, lookup(conn, &kept, b"body")?))
    });
    assert_eq!((first, last), (Known::New, repeat("answer")));
}
