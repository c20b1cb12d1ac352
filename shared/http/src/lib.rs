//! evertill-http
