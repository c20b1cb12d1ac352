//! evertill-hub
