//! evertill-transport
