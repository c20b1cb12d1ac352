//! evertill-sim
