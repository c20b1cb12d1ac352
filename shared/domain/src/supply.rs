//! Goods to come, and the order lines that wait for them.
//!
//! A line that cannot be promised now waits. So that its customer is told an
//! honest date, each piece to come is set aside for one line: in the order in
//! which goods are handed out when they arrive, each line takes from the
//! earliest supply that can serve it. What is left is what can still be promised
//! by a date.
//!
//! Invariant: of a supply no more is set aside than is to come.

use crate::ids::{DocumentId, LocationId, Sku};
use crate::time::Timestamp;

/// Goods that are to come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Supply {
    /// Its name: a purchase order's line, a transfer.
    pub id: String,
    /// Where to.
    pub location: LocationId,
    /// What.
    pub sku: Sku,
    /// When it can be promised for.
    pub due: Timestamp,
    /// How much, in thousandths.
    pub quantity: i64,
    /// Where it comes from, in words.
    pub source: String,
}

/// A line that waits for one product.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wait {
    /// The order; none for one that is being taken in.
    pub order: Option<DocumentId>,
    /// Its line.
    pub line: u32,
    /// How much of it waits, in thousandths.
    pub quantity: i64,
    /// The only location that it can come from; any if none is named.
    pub only: Option<LocationId>,
    /// Its channel's priority; lower goes first.
    pub priority: u16,
    /// When the order came, in the order of everything that did.
    pub arrival: i64,
}

/// What is set aside for a line that waits.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Peg {
    /// When everything that it waits for is there; none if not all of it is to
    /// come.
    pub expected: Option<Timestamp>,
    /// The supply that it waits for longest.
    pub supply: Option<String>,
}

/// What is set aside for whom, and what is left.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pegged {
    /// By line, in the order in which goods are handed out.
    pub pegs: Vec<(Wait, Peg)>,
    /// What nobody waits for, by supply, in thousandths; the earliest first.
    pub free: Vec<(Supply, i64)>,
}

/// Puts lines into the order in which goods are handed out: by their channel's
/// priority, then as they came.
pub fn in_turn(waits: &mut [Wait]) {
    waits.sort_by_key(|wait| (wait.priority, wait.arrival, wait.order, wait.line));
}

/// Sets goods of one product aside for the lines that wait for it.
#[must_use]
pub fn peg(mut supplies: Vec<Supply>, mut waits: Vec<Wait>) -> Pegged {
    supplies.sort_by(|a, b| (a.due, &a.id).cmp(&(b.due, &b.id)));
    in_turn(&mut waits);
    let mut free: Vec<(Supply, i64)> = supplies
        .into_iter()
        .map(|supply| {
            let quantity = supply.quantity.max(0);
            (supply, quantity)
        })
        .collect();
    let pegs = waits.into_iter().map(|wait| {
        let peg = set_aside(&wait, &mut free);
        (wait, peg)
    });
    Pegged {
        pegs: pegs.collect(),
        free,
    }
}

fn set_aside(wait: &Wait, free: &mut [(Supply, i64)]) -> Peg {
    let mut open = wait.quantity;
    let mut peg = Peg::default();
    for (supply, left) in free {
        if wait
            .only
            .as_ref()
            .is_some_and(|only| *only != supply.location)
        {
            continue;
        }
        let taken = open.min(*left).max(0);
        if taken == 0 {
            continue;
        }
        *left -= taken;
        open -= taken;
        peg.supply = Some(supply.id.clone());
        if open == 0 {
            peg.expected = Some(supply.due);
            break;
        }
    }
    peg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(id: &str, location: &str, due: i64, quantity: i64) -> Supply {
        Supply {
            id: id.to_owned(),
            location: location.parse().unwrap(),
            sku: "A".parse().unwrap(),
            due: Timestamp::from_millis(due),
            quantity,
            source: "supplier".to_owned(),
        }
    }

    fn wait(arrival: i64, priority: u16, quantity: i64, only: Option<&str>) -> Wait {
        Wait {
            order: None,
            line: 1,
            quantity,
            only: only.map(|only| only.parse().unwrap()),
            priority,
            arrival,
        }
    }

    fn dates(pegged: &Pegged) -> Vec<(i64, Option<i64>)> {
        let pegs = pegged.pegs.iter();
        let of = |(wait, peg): &(Wait, Peg)| (wait.arrival, peg.expected.map(Timestamp::as_millis));
        pegs.map(of).collect()
    }

    #[test]
    fn who_came_first_gets_what_comes_first_and_nothing_is_set_aside_twice() {
        let supplies = vec![supply("b", "S1", 20, 3), supply("a", "S1", 10, 2)];
        let waits = vec![
            wait(3, 9, 2, None),
            wait(1, 9, 2, None),
            wait(2, 9, 2, None),
        ];
        let pegged = peg(supplies, waits);
        // The third line gets one of its two: no date can be told.
        assert_eq!(dates(&pegged), [(1, Some(10)), (2, Some(20)), (3, None)]);
        assert!(pegged.free.iter().all(|(_, left)| *left == 0));
        assert_eq!(pegged.pegs[2].1.supply.as_deref(), Some("b"));
    }

    #[test]
    fn a_channel_that_goes_first_does_and_a_pickup_waits_for_its_own_store() {
        let supplies = vec![supply("a", "S1", 10, 1), supply("b", "S2", 30, 5)];
        let waits = vec![
            wait(1, 9, 1, Some("S1")),
            wait(2, 1, 1, None),
            wait(3, 9, 2, Some("S2")),
        ];
        let pegged = peg(supplies, waits);
        assert_eq!(dates(&pegged), [(2, Some(10)), (1, None), (3, Some(30))]);
        let left: Vec<i64> = pegged.free.iter().map(|(_, left)| *left).collect();
        assert_eq!(left, [0, 3]);
    }

    #[test]
    fn a_line_is_expected_when_its_last_piece_is() {
        let supplies = vec![supply("a", "S1", 10, 1), supply("b", "S1", 20, 1)];
        let pegged = peg(supplies, vec![wait(1, 0, 2, None)]);
        assert_eq!(dates(&pegged), [(1, Some(20))]);
    }
}
