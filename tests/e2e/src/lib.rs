//! evertill-e2e
