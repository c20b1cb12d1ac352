//! evertill-support
