//! How far two places are apart, the same on every machine.
//!
//! Floating-point functions differ in their last bits between libraries, and a
//! plan must replay to the bit. So distances are whole metres computed from
//! whole microdegrees: the plane projection around the middle latitude, with a
//! table of cosines. Against the great circle it is off by less than 0.5 % below
//! 500 km, which no choice of a store depends on.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// A place on earth, in millionths of a degree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Position {
    /// North of the equator, −90 to 90 degrees.
    pub latitude: i64,
    /// East of Greenwich, −180 to 180 degrees.
    pub longitude: i64,
}

/// Metres of a thousand microdegrees of latitude: a mean earth radius of
/// 6,371,008.8 m (IUGG) times π/180,000.
const METRES_PER_MILLIDEGREE: i64 = 111_195;
const DEGREE: i64 = 1_000_000;

/// Cosines of whole degrees from 0 to 90, in millionths.
const COSINES: [i64; 91] = [
    1_000_000, 999_848, 999_391, 998_630, 997_564, 996_195, 994_522, 992_546, 990_268, 987_688,
    984_808, 981_627, 978_148, 974_370, 970_296, 965_926, 961_262, 956_305, 951_057, 945_519,
    939_693, 933_580, 927_184, 920_505, 913_545, 906_308, 898_794, 891_007, 882_948, 874_620,
    866_025, 857_167, 848_048, 838_671, 829_038, 819_152, 809_017, 798_636, 788_011, 777_146,
    766_044, 754_710, 743_145, 731_354, 719_340, 707_107, 694_658, 681_998, 669_131, 656_059,
    642_788, 629_320, 615_661, 601_815, 587_785, 573_576, 559_193, 544_639, 529_919, 515_038,
    500_000, 484_810, 469_472, 453_990, 438_371, 422_618, 406_737, 390_731, 374_607, 358_368,
    342_020, 325_568, 309_017, 292_372, 275_637, 258_819, 241_922, 224_951, 207_912, 190_809,
    173_648, 156_434, 139_173, 121_869, 104_528, 87_156, 69_756, 52_336, 34_899, 17_452, 0,
];

impl Position {
    /// A position from degrees; `None` outside the ranges.
    #[must_use]
    pub fn from_degrees(latitude: Decimal, longitude: Decimal) -> Option<Self> {
        let micro = |degrees: Decimal, limit: i64| {
            let micro = (degrees * Decimal::from(DEGREE)).round().to_i64()?;
            (micro.abs() <= limit * DEGREE).then_some(micro)
        };
        Some(Self {
            latitude: micro(latitude, 90)?,
            longitude: micro(longitude, 180)?,
        })
    }

    /// The same place to a tenth of a degree, which is about ten kilometres: for
    /// what is kept of people.
    #[must_use]
    pub fn coarse(self) -> Self {
        let tenth = DEGREE / 10;
        let round = |micro: i64| (micro + tenth / 2).div_euclid(tenth) * tenth;
        Self {
            latitude: round(self.latitude),
            longitude: round(self.longitude),
        }
    }

    /// Metres between two positions.
    #[must_use]
    pub fn metres_to(self, other: Self) -> u64 {
        let north = (self.latitude - other.latitude).abs();
        let east = (self.longitude - other.longitude).abs();
        let east = east.min(360 * DEGREE - east);
        let middle = self.latitude.midpoint(other.latitude);
        let east = east * cosine(middle) / DEGREE;
        let square = north.pow(2) + east.pow(2);
        let microdegrees = u64::try_from(square).unwrap_or_default().isqrt();
        microdegrees * METRES_PER_MILLIDEGREE.unsigned_abs() / DEGREE.unsigned_abs()
    }
}

/// The cosine of a latitude in microdegrees, in millionths, interpolated.
fn cosine(latitude: i64) -> i64 {
    let latitude = latitude.abs().min(90 * DEGREE);
    let degree = usize::try_from(latitude / DEGREE).unwrap_or(90);
    let here = COSINES[degree];
    let next = COSINES.get(degree + 1).copied().unwrap_or(here);
    here + (next - here) * (latitude % DEGREE) / DEGREE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: &str, longitude: &str) -> Position {
        let (latitude, longitude) = (latitude.parse().unwrap(), longitude.parse().unwrap());
        Position::from_degrees(latitude, longitude).unwrap()
    }

    /// Great-circle distances by the haversine formula, in kilometres.
    #[test]
    fn known_distances_are_met_within_half_a_percent() {
        let zurich = at("47.3769", "8.5417");
        for (place, kilometres) in [
            (at("46.9480", "7.4474"), 95.5),
            (at("46.2044", "6.1432"), 224.6),
            (at("48.1351", "11.5820"), 242.1),
            (at("48.8566", "2.3522"), 488.6),
        ] {
            let metres = u32::try_from(zurich.metres_to(place)).unwrap();
            let off = (f64::from(metres) / 1_000.0 / kilometres - 1.0).abs();
            assert!(off < 0.005, "{metres} m instead of {kilometres} km");
            assert_eq!(zurich.metres_to(place), place.metres_to(zurich));
        }
        assert_eq!(zurich.metres_to(zurich), 0);
    }

    #[test]
    fn the_date_line_is_no_wall_and_no_place_lies_beyond_the_poles() {
        let (fiji, east) = (at("-17", "179.9"), at("-17", "-179.9"));
        assert!(fiji.metres_to(east) < 22_000);
        assert_eq!(Position::from_degrees(91.into(), 0.into()), None);
        assert_eq!(Position::from_degrees(0.into(), 181.into()), None);
    }
}
