//! evertill-storage
