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
    taxes: BTreeMap<String, (i64, i64)>,
    coupon: i64,
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
            taxes: BTreeMap::new(),
            coupon: basket.coupon,
            total: 0,
        };
        for line in &basket.lines {
            let each = line.price.unwrap_or_else(|| price(line.product, version));
            let amount = line
                .amount
                .unwrap_or_else(|| share(each, line.thousandths, 1_000));
            let net = amount - line.discount;
            bill.gross += amount;
            bill.discounts += line.discount;
            bill.total += net;
            for (code, rate) in taxes(line.product) {
                let tax = share(net, i64::from(*rate), 1_000_000);
                let sum = bill.taxes.entry(format!("{code} {rate}")).or_default();
                sum.0 += net;
                sum.1 += tax;
                bill.total += tax;
            }
        }
        bill
    }
}

impl Truth {
    /// What must be, or the first answer that is wrong by itself.
    pub(crate) fn of(world: &World) -> Result<Self, String> {
        let mut truth = Self::default();
        for (operation, (store, answer)) in &world.answered {
            let (_, command) = &world.commands[operation];
            match command {
                Command::Sale(basket) => {
                    truth.sale(world, *operation, *store, basket, 1)?;
                }
                Command::Void { of } => {
                    let Some((_, Command::Sale(basket))) = world.commands.get(of) else {
                        return Err(format!("{operation} voids {of}, which is no sale"));
                    };
                    truth.void(world, *operation, *of, *store, basket)?;
                }
                Command::Move { lines, .. } => {
                    for line in lines {
                        truth.moves(*store, line.product, line.from, -line.thousandths);
                        truth.moves(*store, line.product, line.to, line.thousandths);
                        let shelf = i64::from(line.to == Bucket::Sellable)
                            - i64::from(line.from == Bucket::Sellable);
                        truth.shelf(*store, line.product, answer.seq, shelf * line.thousandths);
                    }
                }
                Command::Later => {}
            }
        }
        truth.counts(world)?;
        truth.stock.retain(|_, sum| *sum != 0);
        Ok(truth)
    }

    fn sale(
        &mut self,
        world: &World,
        operation: Operation,
        store: usize,
        basket: &Basket,
        sign: i64,
    ) -> Result<(), String> {
        let (_, answer) = &world.answered[&operation];
        let bill = Bill::of(basket, answer.version);
        let day = self.day(world, operation, store, bill.total * sign)?;
        day.receipts += 1;
        day.gross += bill.gross;
        day.discounts += bill.discounts;
        day.pay(&bill, sign);
        self.goods(store, basket, answer.seq, sign);
        Ok(())
    }

    fn void(
        &mut self,
        world: &World,
        operation: Operation,
        of: Operation,
        store: usize,
        basket: &Basket,
    ) -> Result<(), String> {
        let (Some((_, sold)), Some((_, undone))) =
            (world.answered.get(&of), world.answered.get(&operation))
        else {
            return Err(format!("{operation} voids {of}, which was never answered"));
        };
        let bill = Bill::of(basket, sold.version);
        let day = self.day(world, operation, store, -bill.total)?;
        day.receipts += 1;
        day.returns += bill.total;
        day.pay(&bill, -1);
        self.goods(store, basket, undone.seq, -1);
        Ok(())
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
        for line in &basket.lines {
            let sold = line.thousandths * sign;
            self.moves(store, line.product, Bucket::Sellable, -sold);
            self.moves(store, line.product, Bucket::Customer, sold);
            self.shelf(store, line.product, seq, -sold);
        }
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
    fn pay(&mut self, bill: &Bill, sign: i64) {
        for (code, (base, amount)) in &bill.taxes {
            let sum = self.taxes.entry(code.clone()).or_default();
            sum.0 += base * sign;
            sum.1 += amount * sign;
        }
        *self.tenders.entry("cash").or_default() += (bill.total - bill.coupon) * sign;
        if bill.coupon > 0 {
            *self.tenders.entry("coupon").or_default() += bill.coupon * sign;
        }
    }
}
