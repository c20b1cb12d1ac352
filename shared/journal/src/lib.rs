//! evertill-journal
