//! `evertill-hub serve` from the outside, as both services are checked.

use evertill_support::{Service, serve_tests};

const SERVICE: Service = Service {
    binary: env!("CARGO_BIN_EXE_evertill-hub"),
    name: "evertill-hub",
    flags: &["--quic", "127.0.0.1:0"],
};

serve_tests!(SERVICE);

#[test]
fn a_wrong_quic_address_is_one_line_and_status_2() {
    SERVICE.refuses(&["serve", "--data", "d", "--quic", "localhost"]);
}
