//! evertill-sync
