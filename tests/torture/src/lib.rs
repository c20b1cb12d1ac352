//! evertill-torture
