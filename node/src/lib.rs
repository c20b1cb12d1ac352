//! evertill-node
