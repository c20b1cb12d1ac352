//! The hub's binary, started for real.

mod serve;
