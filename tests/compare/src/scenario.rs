//! What goes wrong in a week, drawn from a seed.
//!
//! Invariant: the same seed draws the same week for every regime.

use crate::demand::{DAY, Demand, STORES};

/// How long lines are cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outage {
    /// Never.
    None,
    /// Five minutes, twenty times per store.
    Minutes,
    /// Two hours, three times per store.
    Hours,
    /// Two days, once per store.
    Days,
}

impl Outage {
    /// All of them, by length.
    pub const ALL: [Self; 4] = [Self::None, Self::Minutes, Self::Hours, Self::Days];

    /// How a table names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minutes => "5 min",
            Self::Hours => "2 h",
            Self::Days => "2 days",
        }
    }

    /// (seconds each, how many a store has).
    const fn drawn(self) -> (u64, u64) {
        match self {
            Self::None => (0, 0),
            Self::Minutes => (300, 20),
            Self::Hours => (7_200, 3),
            Self::Days => (2 * DAY, 1),
        }
    }
}

/// A setting of the three dials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// Baskets that become online orders, in per cent.
    pub online: u64,
    /// Pairs of store and product whose record is wrong at first, in per cent.
    pub error: u64,
    /// Cut lines.
    pub outage: Outage,
}

impl Scenario {
    /// What the sweeps start from.
    pub const CENTRE: Self = Self {
        online: 10,
        error: 10,
        outage: Outage::Hours,
    };

    /// Each dial alone, and the worst of all three.
    #[must_use]
    pub fn swept() -> Vec<Self> {
        let centre = Self::CENTRE;
        let mut all: Vec<Self> = Outage::ALL.map(|outage| Self { outage, ..centre }).to_vec();
        all.extend([2, 5, 20].map(|online| Self { online, ..centre }));
        all.extend([0, 30].map(|error| Self { error, ..centre }));
        all.push(Self {
            online: 20,
            error: 30,
            outage: Outage::Days,
        });
        all
    }

    /// Its name in a table.
    #[must_use]
    pub fn name(&self) -> String {
        format!(
            "outage {}, online {} %, record error {} %",
            self.outage.name(),
            self.online,
            self.error
        )
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// The next 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `limit`, which is above zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }
}

/// How a customer comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// To the till.
    WalkIn,
    /// Ordered, and fetched at the store of the basket.
    Pickup,
    /// Ordered, and sent from anywhere.
    Ship,
}

/// What a seed draws.
#[derive(Debug)]
pub struct Drawn {
    /// By visit.
    pub ways: Vec<Way>,
    /// When the line of a store is cut: (from, until).
    pub cuts: Vec<Vec<(u64, u64)>>,
    /// On the shelf at first, by store and product.
    pub shelf: Vec<Vec<i64>>,
    /// What the records say of it.
    pub record: Vec<Vec<i64>>,
}

impl Drawn {
    /// Draws a week. Each dial has dice of its own, so that turning one leaves
    /// what the others drew.
    #[must_use]
    pub fn of(demand: &Demand, scenario: Scenario, seed: u64) -> Self {
        let dice = |salt: u64| Dice(seed.wrapping_mul(0x1000_0001).wrapping_add(salt << 40));
        let (mut ways, mut cuts, mut stock, mut wrong) = (dice(1), dice(2), dice(3), dice(4));
        let end = demand.days * DAY;
        let mut shelf = vec![vec![0; demand.skus.len()]; STORES];
        let mut record = shelf.clone();
        for (store, skus) in shelf.iter_mut().enumerate() {
            for (sku, units) in skus.iter_mut().enumerate() {
                let (low, high) = demand.levels(store, sku);
                // Anywhere in the cycle of deliveries.
                let span = u64::try_from(high - low).unwrap_or_default() + 1;
                *units = high - i64::try_from(stock.below(span)).unwrap_or_default();
                let off = [-2, -1, 1, 2][usize::try_from(wrong.below(4)).unwrap_or_default()];
                let is_off = wrong.below(100) < scenario.error;
                record[store][sku] = (*units + if is_off { off } else { 0 }).max(0);
            }
        }
        let (long, times) = scenario.outage.drawn();
        Self {
            ways: (demand.visits.iter())
                .map(
                    |_| match (ways.below(100) < scenario.online, ways.below(2)) {
                        (false, _) => Way::WalkIn,
                        (true, 0) => Way::Pickup,
                        (true, _) => Way::Ship,
                    },
                )
                .collect(),
            cuts: (0..STORES)
                .map(|_| {
                    let from = |_| cuts.below(end.saturating_sub(long).max(1));
                    (0..times).map(from).map(|at| (at, at + long)).collect()
                })
                .collect(),
            shelf,
            record,
        }
    }

    /// Until when a store is cut off; `None` if its line is up.
    #[must_use]
    pub fn cut_until(&self, store: usize, at: u64) -> Option<u64> {
        let mut until = None;
        let mut now = at;
        while let Some((_, end)) = self.cuts[store].iter().find(|(a, b)| *a <= now && now < *b) {
            until = Some(*end);
            now = *end;
        }
        until
    }
}
