//! The ground truth: what stock and day totals must be, from what was asked for
//! and answered, and from nothing that the chain wrote.
//!
//! The arithmetic is a cashier's: a price times a weight, so many hundredths of
//! tax, halves up. It shares no line with the decisions, events and folds that
//! it is compared with. Of an answer it takes the printed number and time, the
//! version of the prices and the journal position; the printed total must be
//! the one it finds.
//!
//! Invariant: what is refused or was never answered counts nothing.

use std::collections::BTreeMap;

use evertill_domain::{Bucket, Seq};

use crate::command::{Basket, Command, Operation};
use crate::shop::{price, sku, taxes};
use crate::world::World;

/// Stock by store, SKU and bucket, in thousandths; nothing is left out but zero.
pub(crate) type Stock = BTreeMap<(usize, String, &'static str), i64>;

/// The figures of a day.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Day {
    pub(crate) gross: i64,
    pub(crate) discounts: i64,
    pub(crate) returns: i64,
    pub(crate) receipts: i64,
    /// Base and amount by tax.
    pub(crate) taxes: BTreeMap<String, (i64, i64)>,
    /// What came in, net of change.
    pub(crate) tenders: BTreeMap<&'static str, i64>,
}

/// Days by store and number of the day since 1970.
pub(crate) type Days = BTreeMap<(usize, i64), Day>;

/// What must be.
#[derive(Default)]
pub(crate) struct Truth {
    pub(crate) stock: Stock,
    pub(crate) days: Days,
    /// What each store's entries took out of or put on the shelf.
    shelf: BTreeMap<(usize, usize), Vec<(Seq, i64)>>,
}

/// A sale as a cashier would add it up.
struct Bill {
    gross: i64,
    discounts: i64,
    lines: Vec<BillLine>,
    coupon: i64,
}

/// A line of it.
struct BillLine {
    thousandths: i64,
    net: i64,
    taxes: Vec<(String, i64)>,
}

/// What some goods come to: amounts by tax with their bases, and all together.
#[derive(Default)]
struct Due {
    taxes: BTreeMap<String, (i64, i64)>,
    total: i64,
}

/// `amount × parts ÷ whole`, halves up.
fn share(amount: i64, parts: i64, whole: i64) -> i64 {
    (amount * parts + whole / 2) / whole
}

impl Bill {
    fn of(basket: &Basket, version: u64) -> Self {
        let mut bill = Self {
            gross: 0,
            discounts: 0,
            lines: Vec::new(),
            coupon: basket.coupon,
        };
        for line in &basket.lines {
            let each = line.price.unwrap_or_else(|| price(line.product, version));
            let amount = line
                .amount
                .unwrap_or_else(|| share(each, line.thousandths, 1_000));
            let net = amount - line.discount;
            bill.gross += amount;
            bill.discounts += line.discount;
            let tax = |(code, rate): &(&str, u32)| {
                let tax = share(net, i64::from(*rate), 1_000_000);
                (format!("{code} {rate}"), tax)
            };
            bill.lines.push(BillLine {
                thousandths: line.thousandths,
                net,
                taxes: taxes(line.product).iter().map(tax).collect(),
            });
        }
        bill
    }

    fn due(&self) -> Due {
        let mut due = Due::default();
        for line in &self.lines {
            line.add(&mut due, 0, line.thousandths);
        }
        due
    }
}

impl BillLine {
    /// Adds what the goods between two quantities come to: so much of the line
    /// up to the one, less so much of it up to the other.
    fn add(&self, due: &mut Due, before: i64, so_far: i64) {
        let part = |figure: i64| {
            share(figure, so_far, self.thousandths) - share(figure, before, self.thousandths)
        };
        due.total += part(self.net);
        for (code, tax) in &self.taxes {
            let sum = due.taxes.entry(code.clone()).or_default();
            sum.0 += part(self.net);
            sum.1 += part(*tax);
            due.total += part(*tax);
        }
    }
}

/// How much of a line of a sale came back, as far as was answered.
pub(crate) fn came_back(world: &World, of: Operation, line: usize) -> i64 {
    let answered = world
        .answered
        .keys()
        .map(|operation| &world.commands[operation].1);
    let back = answered.filter_map(|command| match command {
        Command::Return(back) if back.of == of && back.line == line => Some(back.thousandths),
        _ => None,
    });
    back.sum()
}

/// What a customer gets for the goods of a line between two quantities.
pub(crate) fn owed(basket: &Basket, version: u64, line: usize, before: i64, so_far: i64) -> i64 {
    let mut due = Due::default();
    Bill::of(basket, version).lines[line].add(&mut due, before, so_far);
    due.total
}

impl Truth {
    /// What must be, or the first answer that is wrong by itself.
    pub(crate) fn of(world: &World) -> Result<Self, String> {
        let mut truth = Self::default();
        let mut answered: Vec<(Operation, usize, Seq)> = world
            .answered
            .iter()
            .map(|(operation, (store, answer))| (*operation, *store, answer.seq))
            .collect();
        // Of a line that came back in parts, the parts follow each other.
        answered.sort_by_key(|(_, _, seq)| *seq);
        let mut back = BTreeMap::new();
        for (operation, store, seq) in answered {
            match &world.commands[&operation].1 {
                Command::Sale(basket) => {
                    let bill = Bill::of(basket, world.answered[&operation].1.version);
                    let due = bill.due();
                    let day = truth.day(world, operation, store, due.total)?;
                    day.gross += bill.gross;
                    day.discounts += bill.discounts;
                    day.pay(&due, bill.coupon, 1);
                    truth.goods(store, basket, seq, 1);
                }
                Command::Void { of } => {
                    let basket = sale(world, *of)?;
                    let bill = Bill::of(basket, world.answered[of].1.version);
                    let due = bill.due();
                    let day = truth.day(world, operation, store, -due.total)?;
                    day.returns += due.total;
                    day.pay(&due, bill.coupon, -1);
                    truth.goods(store, basket, seq, -1);
                }
                Command::Return(part) => {
                    let basket = sale(world, part.of)?;
                    let so_far: &mut i64 = back.entry((part.of, part.line)).or_default();
                    let before = *so_far;
                    *so_far += part.thousandths;
                    let line = &basket.lines[part.line];
                    if *so_far > line.thousandths {
                        return Err(format!("more came back of {part:?} than was sold"));
                    }
                    let bill = Bill::of(basket, world.answered[&part.of].1.version);
                    let mut due = Due::default();
                    bill.lines[part.line].add(&mut due, before, *so_far);
                    let day = truth.day(world, operation, store, -due.total)?;
                    day.returns += due.total;
                    day.pay(&due, 0, -1);
                    let (from, to) = (Bucket::Customer, part.bucket);
                    truth.moved(store, line.product, from, to, part.thousandths, seq);
                }
                Command::Move { lines, .. } => {
                    for line in lines {
                        let (from, to) = (line.from, line.to);
                        truth.moved(store, line.product, from, to, line.thousandths, seq);
                    }
                }
                Command::Later => {}
            }
        }
        truth.counts(world)?;
        truth.stock.retain(|_, sum| *sum != 0);
        Ok(truth)
    }

    /// The day that the printed receipt belongs to, if its total is right.
    fn day(
        &mut self,
        world: &World,
        operation: Operation,
        store: usize,
        total: i64,
    ) -> Result<&mut Day, String> {
        let (_, answer) = &world.answered[&operation];
        let receipt = answer.receipt.as_ref();
        let receipt =
            receipt.ok_or_else(|| format!("{operation} was answered without a receipt"))?;
        let printed = receipt.total().minor();
        if printed != total {
            return Err(format!(
                "{operation} comes to {total}, its receipt says {printed}"
            ));
        }
        let date = receipt.sold_at.as_millis().div_euclid(86_400_000);
        Ok(self.days.entry((store, date)).or_default())
    }

    fn goods(&mut self, store: usize, basket: &Basket, seq: Seq, sign: i64) {
        let (from, to) = (Bucket::Sellable, Bucket::Customer);
        for line in &basket.lines {
            let sold = line.thousandths * sign;
            self.moved(store, line.product, from, to, sold, seq);
        }
    }

    fn moved(
        &mut self,
        store: usize,
        product: usize,
        from: Bucket,
        to: Bucket,
        thousandths: i64,
        seq: Seq,
    ) {
        self.moves(store, product, from, -thousandths);
        self.moves(store, product, to, thousandths);
        let of = |bucket| i64::from(bucket == Bucket::Sellable) * thousandths;
        self.shelf(store, product, seq, of(to) - of(from));
    }

    fn moves(&mut self, store: usize, product: usize, bucket: Bucket, thousandths: i64) {
        let key = (store, sku(product).to_string(), bucket.as_str());
        *self.stock.entry(key).or_default() += thousandths;
    }

    fn shelf(&mut self, store: usize, product: usize, seq: Seq, thousandths: i64) {
        let moved = self.shelf.entry((store, product)).or_default();
        moved.push((seq, thousandths));
    }

    /// Counts, in the order in which they were posted: each brings the shelf to
    /// what was counted, as of the entries that the counter had seen.
    fn counts(&mut self, world: &World) -> Result<(), String> {
        let mut posted = Vec::new();
        for (operation, count) in &world.counts {
            let answer = count.answered;
            let answer = answer.ok_or_else(|| format!("count {operation} was never answered"))?;
            let seen = world.posted.get(&answer.document);
            let (_, seq) = seen.ok_or_else(|| format!("count {operation} was never posted"))?;
            posted.push((count.store, *seq, count, answer.seen));
        }
        posted.sort_by_key(|(store, seq, _, _)| (*store, *seq));
        for (store, seq, count, seen) in posted {
            let moved = self.shelf.get(&(store, count.product));
            let before = moved.into_iter().flatten().filter(|(at, _)| *at <= seen);
            let expected: i64 = before.map(|(_, moved)| moved).sum();
            let variance = count.counted - expected;
            self.moves(store, count.product, Bucket::Sellable, variance);
            self.moves(store, count.product, Bucket::Adjustment, -variance);
            self.shelf(store, count.product, seq, variance);
        }
        Ok(())
    }
}

impl Day {
    fn pay(&mut self, due: &Due, coupon: i64, sign: i64) {
        self.receipts += 1;
        for (code, (base, amount)) in &due.taxes {
            let sum = self.taxes.entry(code.clone()).or_default();
            sum.0 += base * sign;
            sum.1 += amount * sign;
        }
        *self.tenders.entry("cash").or_default() += (due.total - coupon) * sign;
        if coupon > 0 {
            *self.tenders.entry("coupon").or_default() += coupon * sign;
        }
    }
}

fn sale(world: &World, of: Operation) -> Result<&Basket, String> {
    match world.commands.get(&of) {
        Some((_, Command::Sale(basket))) if world.answered.contains_key(&of) => Ok(basket),
        _ => Err(format!(
            "goods of {of} came back, which is no answered sale"
        )),
    }
}
