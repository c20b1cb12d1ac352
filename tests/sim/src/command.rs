//! What clients ask for, and what they are answered.
//!
//! A client keeps its command and asks with the same key until it has an
//! answer. What it keeps is all that the ground truth knows.

use std::rc::Rc;

use evertill_domain::discount::Discount;
use evertill_domain::giveback::{ReturnCommand, ReturnLine};
use evertill_domain::movement::{MovementCommand, MovementLine};
use evertill_domain::receipt::{Receipt, Tender, TenderKind};
use evertill_domain::sale::{SaleCommand, SaleLine};
use evertill_domain::{Bucket, MovementReason, Quantity, Seq, Timestamp};

use crate::queue::Millis;
use crate::rng::Rng;
use crate::shop::{self, PRODUCTS, REGISTERS, usd};

/// The key of a command; the client's idempotency key.
pub type Operation = u64;

/// What a client asks a store for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Goods are sold.
    Sale(Basket),
    /// An answered sale is taken back as a whole.
    Void {
        /// The sale.
        of: Operation,
    },
    /// Goods of one line of an answered sale come back.
    Return(Back),
    /// Goods move without a sale.
    Move {
        /// Why.
        reason: MovementReason,
        /// What moves.
        lines: Vec<Moved>,
    },
    /// A later release writes an event of a kind that nobody else knows.
    Later,
}

/// Goods that a client wants to buy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Basket {
    /// At which till.
    pub register: usize,
    /// When, by the client's own clock.
    pub at: Timestamp,
    /// What.
    pub lines: Vec<Line>,
    /// Manufacturers' coupons, in cents.
    pub coupon: i64,
    /// Cash handed over, in cents; more than enough.
    pub cash: i64,
}

/// One line of a basket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Which product.
    pub product: usize,
    /// How much, in thousandths.
    pub thousandths: i64,
    /// A price of its own, in cents.
    pub price: Option<i64>,
    /// An amount of its own, in cents.
    pub amount: Option<i64>,
    /// What is taken off, in cents.
    pub discount: i64,
}

/// Goods that come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Back {
    /// The sale.
    pub of: Operation,
    /// Position of the line, from 0.
    pub line: usize,
    /// How much of it, in thousandths.
    pub thousandths: i64,
    /// What the customer asks for it, in cents.
    pub owed: i64,
    /// Where the goods go.
    pub bucket: Bucket,
}

/// Goods that move from bucket to bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moved {
    /// Which product.
    pub product: usize,
    /// Where it was.
    pub from: Bucket,
    /// Where it goes.
    pub to: Bucket,
    /// How much, in thousandths.
    pub thousandths: i64,
}

/// What a store answers, once it is durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The journal entry that holds it.
    pub seq: Seq,
    /// The version of the prices it was made with.
    pub version: u64,
    /// The printed receipt, if there is one.
    pub receipt: Option<Rc<Receipt>>,
}

/// The (reason, from, to) of movements that clients ask for.
const MOVES: [(MovementReason, Bucket, Bucket); 5] = [
    (
        MovementReason::Receiving,
        Bucket::Supplier,
        Bucket::Sellable,
    ),
    (MovementReason::Damage, Bucket::Sellable, Bucket::Damaged),
    (MovementReason::WriteOff, Bucket::Damaged, Bucket::Shrinkage),
    (MovementReason::Found, Bucket::Adjustment, Bucket::Sellable),
    (MovementReason::Opening, Bucket::Opening, Bucket::Sellable),
];

/// A random command; `earlier` are the client's answered sales in this store.
#[must_use]
pub fn draw(rng: &mut Rng, now: Millis, earlier: &[Operation]) -> Command {
    match rng.below(20) {
        0 | 1 if !earlier.is_empty() => Command::Void {
            of: *rng.pick(earlier),
        },
        2 | 3 => {
            let (reason, from, to) = *rng.pick(&MOVES);
            let lines = (0..=rng.below(3)).map(|_| Moved {
                product: rng.index(PRODUCTS),
                from,
                to,
                thousandths: 1_000 * rng.between(1, 40),
            });
            Command::Move {
                reason,
                lines: lines.collect(),
            }
        }
        4 if rng.chance(1, 3) => Command::Later,
        _ => Command::Sale(basket(rng, now)),
    }
}

fn basket(rng: &mut Rng, now: Millis) -> Basket {
    let lines: Vec<Line> = (0..=rng.below(5)).map(|_| line(rng)).collect();
    Basket {
        register: rng.index(REGISTERS),
        at: Timestamp::from_millis(now),
        coupon: if rng.chance(1, 5) {
            rng.between(1, 20)
        } else {
            0
        },
        cash: 1_000_000,
        lines,
    }
}

fn line(rng: &mut Rng) -> Line {
    let product = rng.index(PRODUCTS);
    let thousandths = if shop::is_weighed(product) {
        rng.between(50, 4_000)
    } else {
        1_000 * rng.between(1, 6)
    };
    // A price or amount of its own is high enough for the discount below.
    let (price, amount) = match rng.below(8) {
        0 => (Some(rng.between(500, 900)), None),
        1 => (None, Some(rng.between(100, 2_000))),
        _ => (None, None),
    };
    let discount = if price.is_none() && rng.chance(1, 3) {
        rng.between(1, 4)
    } else {
        0
    };
    Line {
        product,
        thousandths,
        price,
        amount,
        discount,
    }
}

impl Back {
    /// The return as a till sends it.
    #[must_use]
    pub fn to_command(self) -> ReturnCommand {
        let line = u32::try_from(self.line + 1).expect("invariant: few lines");
        ReturnCommand {
            lines: vec![ReturnLine {
                line,
                quantity: Quantity::from_thousandths(self.thousandths)
                    .expect("invariant: a small quantity"),
                bucket: self.bucket,
                reason: "not what was wanted".to_owned(),
            }],
            tenders: vec![Tender {
                kind: TenderKind::Cash,
                amount: usd(self.owed),
                reference: None,
            }],
            ..ReturnCommand::default()
        }
    }
}

/// Goods that move, as somebody sends them.
#[must_use]
pub fn to_movements(reason: MovementReason, lines: &[Moved]) -> MovementCommand {
    let line = |line: &Moved| MovementLine {
        sku: shop::sku(line.product),
        from: line.from,
        to: line.to,
        quantity: Quantity::from_thousandths(line.thousandths)
            .expect("invariant: a small quantity"),
        lot: None,
    };
    MovementCommand {
        reason,
        lines: lines.iter().map(line).collect(),
        by: None,
        reference: None,
    }
}

impl Basket {
    /// The basket as a till sends it.
    #[must_use]
    pub fn to_command(&self) -> SaleCommand {
        let tender = |kind, minor| Tender {
            kind,
            amount: usd(minor),
            reference: None,
        };
        let mut tenders = vec![tender(TenderKind::Cash, self.cash)];
        if self.coupon > 0 {
            tenders.insert(0, tender(TenderKind::Coupon, self.coupon));
        }
        SaleCommand {
            sold_at: Some(self.at),
            lines: self.lines.iter().map(Line::to_sale_line).collect(),
            tenders,
            ..SaleCommand::default()
        }
    }
}

impl Line {
    fn to_sale_line(&self) -> SaleLine {
        let discount = Discount {
            kind: "loyalty".parse().expect("invariant: a discount kind"),
            amount: usd(self.discount),
            reason: "member".to_owned(),
            promotion: None,
        };
        SaleLine {
            sku: shop::sku(self.product),
            quantity: Quantity::from_thousandths(self.thousandths)
                .expect("invariant: a small quantity"),
            unit_price: self.price.map(usd),
            amount: self.amount.map(usd),
            price_reason: None,
            discounts: if self.discount > 0 {
                vec![discount]
            } else {
                Vec::new()
            },
            lot: None,
            serial: None,
        }
    }
}
