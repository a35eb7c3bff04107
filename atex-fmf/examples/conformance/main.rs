//! Compares this crate with recorded answers: `cargo run -p atex-fmf --example conformance -- FOLDER`.
//!
//! The folder has `cases/{cases,rules,filters}.json` and `corpus/OWNER+NAME/{tree,expect}`; parts may be missing. Prints
//! the agreement per part and the first differences, and fails if anything differs.

#![expect(clippy::print_stdout, reason = "the comparison is what this program prints")]

mod canon;
mod cases;
mod compare;
mod operations;
mod tree;

use std::process::ExitCode;

/// Differences shown per part, unless another number is given as second argument.
const SHOWN: usize = 5;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next() else {
        println!("usage: conformance FOLDER [DIFFERENCES TO SHOW]");
        return ExitCode::from(2);
    };
    let shown = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(SHOWN);
    let parts = compare::compare(folder.as_ref());
    if parts.iter().all(|part| part.total == 0) {
        println!("there is nothing to compare in {folder}");
        return ExitCode::from(2);
    }
    for part in &parts {
        println!("{part}");
        for difference in part.differences.iter().take(shown) {
            println!("  {difference}");
        }
    }
    ExitCode::from(u8::from(parts.iter().any(|part| !part.differences.is_empty())))
}
