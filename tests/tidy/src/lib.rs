//! evertill-tidy
