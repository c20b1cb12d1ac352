//! evertill-domain
