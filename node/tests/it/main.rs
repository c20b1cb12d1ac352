//! The node's binary, started for real.

mod serve;
