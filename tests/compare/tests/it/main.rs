//! The comparison is fair: repeatable, bounded by perfect information, alike
//! where the regimes are alike, and told as it came out.

mod regimes;
mod told;
