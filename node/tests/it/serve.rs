//! `evertill-node serve` from the outside, as both services are checked.

use evertill_support::{Service, serve_tests};

pub const SERVICE: Service = Service {
    binary: env!("CARGO_BIN_EXE_evertill-node"),
    name: "evertill-node",
    flags: &[],
};

serve_tests!(SERVICE);
