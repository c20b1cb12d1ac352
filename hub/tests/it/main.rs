//! The hub's binary, started for real.

mod imports;
mod serve;
