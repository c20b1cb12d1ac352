//! What the hub believes it may promise, regime by regime.
//!
//! Invariant: a regime sees the records, never the shelf; only perfect
//! information sees the shelf.

use std::fmt::Write as _;

use evertill_domain::policy::{OnlineRule, SafetyStockPolicy, Units};
use evertill_domain::routing::Spare;

use crate::demand::{Demand, STORES};
use crate::rights::Rights;
use crate::shop::Shop;

/// A way to decide what may be sold online.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Regime {
    /// Figures are taken over every fifteen minutes while the line is up.
    Periodic,
    /// One counter for tills and web. A store that is cut off sells on, and its
    /// counter stands still.
    Counter(Buffer),
    /// Rights.
    Evertill(Dial),
    /// The shelf itself, and orders that are picked at once, cut or not.
    Perfect,
}

/// How careful a central counter is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Buffer {
    /// Pieces that are held back of each product in each store.
    pub pieces: i64,
    /// Whether the web stops selling from a store that has been silent for
    /// [`SILENCE`].
    pub stops: bool,
}

impl Buffer {
    /// All that the sweep tries.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let pieces = [0, 1, 2, 3, 5, 8];
        let both = |pieces| [false, true].map(|stops| Self { pieces, stops });
        pieces.into_iter().flat_map(both).collect()
    }

    /// What it says, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = match self.pieces {
            0 => "no buffer".to_owned(),
            pieces => format!("buffer {pieces}"),
        };
        if self.stops {
            let _ = write!(words, ", stops after {} min of silence", SILENCE / 60);
        }
        words
    }
}

/// What a merchant sets at Evertill.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dial {
    /// Pieces withheld from remote promises, by the safety stock policy.
    pub safety: i64,
    /// Share, what stays with the tills, caution and limit of silence.
    pub rule: OnlineRule,
}

impl Default for Dial {
    /// As Evertill is installed.
    fn default() -> Self {
        Self {
            safety: SafetyStockPolicy::default().default.thousandths() / PIECE,
            rule: OnlineRule::default(),
        }
    }
}

impl Dial {
    /// All that the sweep tries.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for safety in [0, 1, 2] {
            for (share, keep) in [(900, 0), (1_000, 0), (700, 2)] {
                let mut dial = Self::shared(share, keep);
                dial.safety = safety;
                all.extend([dial, dial.stopping()]);
            }
        }
        all
    }

    /// What is shown of the two dials that every merchant sees: the web's share,
    /// and what stays with the tills.
    #[must_use]
    pub fn shown() -> Vec<Self> {
        let shares = [500, 700, 900, 1_000].into_iter();
        shares
            .flat_map(|share| [0, 1, 2, 3].map(|keep| Self::shared(share, keep)))
            .collect()
    }

    /// As installed, but for the web's share and what stays with the tills.
    #[must_use]
    pub fn shared(per_mille: u16, keep: u32) -> Self {
        let mut dial = Self::default();
        dial.rule.share_per_mille = per_mille;
        dial.rule.keep = Units::whole(keep);
        dial
    }

    /// As installed, but for the limit of silence: what is tried of it.
    #[must_use]
    pub fn silences() -> Vec<Self> {
        let minutes = [15, 30, 60, 120, 180, 240, 360, 480, 720, 1_440, 2_880];
        let dials = minutes.map(|minutes| Self::default().silent_for(minutes));
        dials.to_vec()
    }

    /// The same, but the web stops selling from a store that has been silent for
    /// [`SILENCE`].
    #[must_use]
    pub fn stopping(self) -> Self {
        self.silent_for(u32::try_from(SILENCE / 60).unwrap_or(1))
    }

    /// The same, but the web sells on from a store that it does not hear for as
    /// long as any outage here.
    #[must_use]
    pub fn selling_on(self) -> Self {
        self.silent_for(7 * 24 * 60)
    }

    fn silent_for(mut self, minutes: u32) -> Self {
        self.rule.silence_limit_minutes = minutes;
        self
    }

    /// What it says, in words; a safety stock and a limit of silence only where
    /// they are not as installed.
    #[must_use]
    pub fn words(&self) -> String {
        let (rule, installed) = (&self.rule, Self::default());
        let keep = rule.keep.thousandths() / PIECE;
        let mut words = format!("keep {keep}, share {} %", rule.share_per_mille / 10);
        if self.safety != installed.safety {
            let _ = write!(words, ", safety stock {}", self.safety);
        }
        if rule.silence_limit_minutes != installed.rule.silence_limit_minutes {
            let limit = rule.silence_limit_minutes;
            let _ = write!(words, ", stops after {limit} min of silence");
        }
        words
    }
}

/// Seconds between two periodic takings-over.
pub const PERIOD: u64 = 900;
/// Seconds of silence after which a careful web shop stops selling from a store.
pub const SILENCE: u64 = 900;
/// Quantities of the domain are in thousandths.
pub const PIECE: i64 = 1_000;

/// What the hub holds in one run.
#[derive(Debug)]
pub struct Hub {
    /// How it decides.
    pub regime: Regime,
    /// The rights, which only Evertill has.
    pub rights: Option<Rights>,
    /// What a record was when last heard.
    known: Vec<Vec<i64>>,
    /// What it promised and `known` does not account for.
    pending: Vec<Vec<i64>>,
}

impl Hub {
    /// Before the week: it has heard of everything.
    #[must_use]
    pub fn new(regime: Regime, demand: &Demand, shop: &Shop) -> Self {
        let rights = match regime {
            Regime::Evertill(dial) => Some(Rights::new(demand, shop, dial)),
            _ => None,
        };
        Self {
            regime,
            rights,
            known: shop.record.clone(),
            pending: vec![vec![0; demand.skus.len()]; STORES],
        }
    }

    /// Takes over the figures of a store: `unpicked` is promised and still in
    /// the record.
    pub fn hear(&mut self, store: usize, shop: &Shop) {
        self.known[store].clone_from(&shop.record[store]);
        self.pending[store].clone_from(&shop.unpicked[store]);
    }

    /// Takes over one figure. Answers whether more is promised than there is,
    /// so that somebody should look at the shelf.
    pub fn hear_one(&mut self, store: usize, sku: usize, shop: &Shop) -> bool {
        self.known[store][sku] = shop.record[store][sku];
        self.pending[store][sku] = shop.unpicked[store][sku];
        match &mut self.rights {
            Some(rights) => rights.contact(store, sku, 0),
            None => self.counted(store, sku) < 0,
        }
    }

    /// Counts a promise.
    pub fn promised(&mut self, store: usize, sku: usize, pieces: i64) {
        self.pending[store][sku] += pieces;
        if let Some(rights) = &mut self.rights {
            rights.promise(store, sku, pieces);
        }
    }

    /// What the record said when last heard, less what is promised.
    #[must_use]
    pub fn counted(&self, store: usize, sku: usize) -> i64 {
        self.known[store][sku] - self.pending[store][sku]
    }

    /// What may be promised from a pair, of a store that was last heard
    /// `silent` seconds ago.
    #[must_use]
    pub fn usable(&self, store: usize, sku: usize, shop: &Shop, silent: u64) -> i64 {
        let counted = self.counted(store, sku);
        let usable = match self.regime {
            Regime::Periodic => counted,
            Regime::Counter(buffer) if buffer.stops && silent >= SILENCE => 0,
            Regime::Counter(buffer) => counted - buffer.pieces,
            Regime::Perfect => shop.shelf[store][sku] - shop.unpicked[store][sku],
            Regime::Evertill(_) => {
                let known = self.known[store][sku];
                let rights = self.rights.as_ref();
                rights.map_or(0, |rights| rights.usable(store, sku, known, silent))
            }
        };
        usable.max(0)
    }

    /// What the node of a pair, whose line is up, could hand on; nothing without
    /// rights.
    #[must_use]
    pub fn spare(&self, store: usize, sku: usize) -> Spare {
        let known = self.known[store][sku];
        let rights = self.rights.as_ref();
        rights.map_or_else(Spare::default, |rights| rights.spare(store, sku, known))
    }

    /// Whether nothing is promised from a store that has been silent for so
    /// long.
    #[must_use]
    pub fn is_suspended(&self, silent: u64) -> bool {
        let seconds = u32::try_from(silent).unwrap_or(u32::MAX);
        match self.regime {
            Regime::Counter(buffer) => buffer.stops && silent >= SILENCE,
            Regime::Evertill(dial) => dial.rule.is_suspended(seconds),
            Regime::Periodic | Regime::Perfect => false,
        }
    }
}
