//! `evertill-node`: the node's binary.
//!
//! Invariant: exit status 0 is success, 2 wrong use, 1 everything else, with
//! the reason on standard error.

use std::process::ExitCode;

use evertill_http::app;
use evertill_node::cli;

fn main() -> ExitCode {
    app::run(cli::run)
}
