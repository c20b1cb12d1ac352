//! evertill-bench
