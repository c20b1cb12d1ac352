//! What goes wrong in a week, and the dials that say how much of it.
//!
//! Invariant: the same seed draws the same week for every regime, and turning
//! one dial leaves what the others drew.

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

/// A setting of the dials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// Baskets that become online orders, in per cent.
    pub online: u64,
    /// Pairs of store and product whose record is wrong at first, in per cent.
    pub error: u64,
    /// Cut lines.
    pub outage: Outage,
    /// Safety in the order levels: hundredths of a standard deviation of the
    /// demand until the next delivery.
    pub cover: i64,
    /// What a broken promise costs the merchant, in cents.
    pub broken: i64,
}

impl Scenario {
    /// What the sweeps start from. One standard deviation of cover leaves about
    /// as many gaps on the shelves as are found in shops: 8 % of the products are
    /// out of stock on average (Gruen, Corsten, Bharadwaj 2002), less in studies
    /// since; the report prints what it came to.
    pub const CENTRE: Self = Self {
        online: 10,
        error: 10,
        outage: Outage::Hours,
        cover: 100,
        broken: 1_500,
    };

    /// The worst of the three dials that a merchant does not turn.
    pub const WORST: Self = Self {
        online: 20,
        error: 30,
        outage: Outage::Days,
        ..Self::CENTRE
    };

    /// Each dial alone, and the worst: what is shown, in this order. The centre
    /// stands in each group of rows once.
    #[must_use]
    pub fn swept() -> Vec<Self> {
        let centre = Self::CENTRE;
        let mut all: Vec<Self> = Outage::ALL.map(|outage| Self { outage, ..centre }).to_vec();
        all.extend([2, 5, 20].map(|online| Self { online, ..centre }));
        all.extend([0, 30].map(|error| Self { error, ..centre }));
        all.extend([0, 200].map(|cover| Self { cover, ..centre }));
        all.extend([500, 3_000].map(|broken| Self { broken, ..centre }));
        all.push(Self::WORST);
        all
    }

    /// What happens in it, whatever it costs.
    #[must_use]
    pub const fn happening(&self) -> Self {
        let broken = Self::CENTRE.broken;
        Self { broken, ..*self }
    }

    /// Its name in a table: what differs from the centre.
    #[must_use]
    pub fn name(&self) -> String {
        let centre = Self::CENTRE;
        let mut parts = Vec::new();
        if self.outage != centre.outage {
            parts.push(format!("outage {}", self.outage.name()));
        }
        if self.online != centre.online {
            parts.push(format!("online {} %", self.online));
        }
        if self.error != centre.error {
            parts.push(format!("records {} % wrong", self.error));
        }
        if self.cover != centre.cover {
            let what = if self.cover < centre.cover {
                "scarcer"
            } else {
                "fuller"
            };
            parts.push(format!("{what} shelves"));
        }
        if self.broken != centre.broken {
            parts.push(format!("a broken promise costs ${}", self.broken / 100));
        }
        if parts.is_empty() {
            parts.push("centre".to_owned());
        }
        parts.join(", ")
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of a seed for one purpose.
    #[must_use]
    pub const fn of(seed: u64, purpose: u64) -> Self {
        Self(seed.wrapping_mul(0x1000_0001).wrapping_add(purpose << 40))
    }

    /// The next 64 bits.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `limit`, which is above zero.
    pub const fn below(&mut self, limit: u64) -> u64 {
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

/// Who orders, and which lines are cut when.
#[derive(Debug)]
pub struct Drawn {
    /// By visit.
    pub ways: Vec<Way>,
    /// When the line of a store is cut: (from, until).
    pub cuts: Vec<Vec<(u64, u64)>>,
}

impl Drawn {
    /// Draws a week.
    #[must_use]
    pub fn of(demand: &Demand, scenario: Scenario, seed: u64) -> Self {
        let (mut ways, mut cuts) = (Dice::of(seed, 1), Dice::of(seed, 2));
        let end = demand.days * DAY;
        let way = |_| match (ways.below(100) < scenario.online, ways.below(2)) {
            (false, _) => Way::WalkIn,
            (true, 0) => Way::Pickup,
            (true, _) => Way::Ship,
        };
        let (long, times) = scenario.outage.drawn();
        let cuts = (0..STORES).map(|_| {
            let from = |_| cuts.below(end.saturating_sub(long).max(1));
            (0..times).map(from).map(|at| (at, at + long)).collect()
        });
        Self {
            cuts: cuts.collect(),
            ways: demand.visits.iter().map(way).collect(),
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

    /// Since when a store has been cut off; `None` if its line is up.
    #[must_use]
    pub fn cut_since(&self, store: usize, at: u64) -> Option<u64> {
        let cuts = &self.cuts[store];
        let held = cuts.iter().filter(|(a, b)| *a <= at && at < *b);
        let mut since = held.map(|(from, _)| *from).min()?;
        while let Some((from, _)) = cuts.iter().find(|(a, b)| *a < since && since <= *b) {
            since = *from;
        }
        Some(since)
    }
}
