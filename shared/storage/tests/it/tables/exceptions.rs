//! Exceptions: opened once, escalated step by step, and back if they are not gone.

use evertill_domain::exception::ExceptionKind;
use evertill_storage::changes::{self, ChangeKind};
use evertill_storage::exceptions::{
    self, Exception, Opening, escalate, gone, open, open_once, resolve_by_word, take_due_again,
};

use super::{Tables, at};

const MINUTE: i64 = 60_000;
const KEY: &str = "silent:S001";

fn opening(kind: ExceptionKind) -> Opening {
    Opening {
        kind,
        key: KEY.to_owned(),
        location: Some("S001".parse().unwrap()),
        sku: None,
        document: None,
        detail: "it is wrong".to_owned(),
    }
}

/// A problem of a kind that is due after an hour, opened at minute 0.
fn opened() -> Tables {
    let tables = Tables::new();
    assert!(again(&tables, 0), "it is new");
    tables
}

/// Whether finding the problem at a minute opens it.
fn again(tables: &Tables, minute: i64) -> bool {
    tables
        .write(move |conn| {
            open(
                conn,
                &opening(ExceptionKind::SilentLocation),
                at(minute * MINUTE),
            )
        })
        .unwrap()
}

fn standing(tables: &Tables) -> Option<Exception> {
    tables.read(|conn| exceptions::open_of(conn, KEY))
}

fn resolved_by_word(tables: &Tables, minute: i64) {
    let found = standing(tables).unwrap();
    tables
        .write(move |conn| {
            let said = ("ann", "resolve", "called them");
            resolve_by_word(conn, &found, said, at(minute * MINUTE))
        })
        .unwrap();
}

fn history(tables: &Tables, id: i64) -> Vec<String> {
    let actions = tables.read(move |conn| exceptions::actions(conn, id));
    actions.into_iter().map(|done| done.action).collect()
}

#[test]
fn what_is_overdue_goes_to_one_role_after_the_other_and_each_is_told_once() {
    let tables = opened();
    let told = |tables: &Tables| {
        let told = tables.read(|conn| changes::after(conn, 0, &[ChangeKind::Exception], 10));
        assert_eq!(told.len(), 1, "one subject, however often it changed");
        told[0].id
    };
    let round = |tables: &Tables, minute: i64| {
        let done = tables.write(move |conn| escalate(conn, 30, at(minute * MINUTE)));
        done.unwrap()
    };
    let before = told(&tables);
    assert_eq!(
        round(&tables, 90),
        0,
        "it is due at 60, and has 30 minutes more"
    );
    assert_eq!(round(&tables, 91), 1);
    assert!(told(&tables) > before, "who reads changes is told");
    let found = standing(&tables).unwrap();
    assert_eq!((found.owner.as_str(), found.level), ("regional_manager", 1));
    let tables = tables.restart();
    assert_eq!(round(&tables, 91), 0, "once");
    assert_eq!(round(&tables, 121), 0, "the next role has as long");
    assert_eq!(round(&tables, 122), 1);
    let found = standing(&tables).unwrap();
    assert_eq!((found.owner.as_str(), found.level), ("head_office", 2));
    assert_eq!(round(&tables, 99_999), 0, "nobody is above");
    assert_eq!(
        history(&tables, found.id),
        ["opened", "escalated", "escalated"]
    );
}

/// A hub that was off for a week tells the next role first, not the last.
#[test]
fn one_round_raises_by_one_role() {
    let tables = opened();
    let week = at(7 * 24 * 60 * MINUTE);
    assert_eq!(
        tables.write(move |conn| escalate(conn, 30, week)).unwrap(),
        1
    );
    assert_eq!(standing(&tables).unwrap().level, 1);
}

#[test]
fn a_problem_is_open_once_through_rounds_and_restarts() {
    let tables = opened();
    assert!(!again(&tables, 1));
    let tables = tables.restart();
    assert!(!again(&tables, 2));
    let how = "it is heard again";
    let settle = |minute: i64| move |conn: &_| gone(conn, KEY, how, at(minute * MINUTE));
    assert!(tables.write(settle(3)).unwrap());
    assert!(!tables.write(settle(4)).unwrap(), "it was gone");
    assert!(again(&tables, 5), "if it is back, that is another");
}

/// Regression: what a person had resolved by word was opened again by the next
/// round, or never, though it was still there.
#[test]
fn what_was_resolved_by_word_comes_back_after_its_time_if_it_is_still_there() {
    let tables = opened();
    resolved_by_word(&tables, 10);
    assert!(!again(&tables, 11), "the person's word stands for an hour");
    let tables = tables.restart();
    assert!(!again(&tables, 69));
    assert!(again(&tables, 70), "and no longer");
    let due = standing(&tables).unwrap().due_at;
    assert_eq!(due, at((70 + 60) * MINUTE));
}

#[test]
fn what_was_gone_meanwhile_is_another_problem_at_once() {
    let tables = opened();
    resolved_by_word(&tables, 10);
    let gone = tables.write(|conn| gone(conn, KEY, "heard", at(11 * MINUTE)));
    assert!(!gone.unwrap(), "nothing was open");
    assert!(again(&tables, 12));
}

/// Problems that nobody finds again by themselves are given to who looks at them.
#[test]
fn what_is_to_be_looked_at_again_is_given_once() {
    let tables = opened();
    resolved_by_word(&tables, 10);
    let take = |tables: &Tables, minute: i64| {
        let kind = ExceptionKind::SilentLocation;
        let taken = tables.write(move |conn| take_due_again(conn, kind, at(minute * MINUTE)));
        taken.unwrap().len()
    };
    assert_eq!(take(&tables, 69), 0);
    assert_eq!(take(&tables, 70), 1);
    assert_eq!(take(&tables, 71), 0);
}

#[test]
fn what_happened_once_is_told_once_whatever_a_person_says() {
    let tables = Tables::new();
    let find = |tables: &Tables, minute: i64| {
        let kind = ExceptionKind::OrderConflict;
        let found = tables.write(move |conn| open_once(conn, &opening(kind), at(minute * MINUTE)));
        found.unwrap()
    };
    assert!(find(&tables, 0));
    let first = standing(&tables).unwrap().id;
    // Events that came later may contradict each other no more, and again.
    let over = tables.write(|conn| gone(conn, KEY, "no contradiction", at(MINUTE)));
    assert!(over.unwrap());
    assert!(find(&tables, 2));
    let found = standing(&tables).unwrap();
    assert_eq!((found.id, found.resolved), (first, None), "the same one");
    assert_eq!(history(&tables, first), ["opened", "gone", "reopened"]);
    resolved_by_word(&tables, 3);
    assert!(!find(&tables, 100_000), "a person settled it");
}
