//! What the libraries log, on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::message::Notes;

/// Shows warnings; with `-v` what is done, with `-vv` everything. `ATEX_LOG` overrules it, in the syntax of `tracing`'s filters.
pub(crate) fn start(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("ATEX_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Notes)
        .with_ansi(io::stderr().is_terminal())
        .without_time()
        .with_target(verbose > 1)
        .init();
}
