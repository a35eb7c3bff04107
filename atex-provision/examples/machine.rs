//! Boots a system to try things on, and keeps it until its standard input ends: `cargo run -p atex-provision --features
//! testkit --example machine`.
//!
//! Prints the pool that `atex run` reaches it by. It can be rebooted, and is gone afterwards. What it takes is in
//! `testenv/README.md`.

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::process::ExitCode;

use atex_provision::testkit::Machine;

fn main() -> std::io::Result<ExitCode> {
    let Some(machine) = Machine::for_test("the example machine") else {
        return Ok(ExitCode::FAILURE);
    };
    println!("ssh:{},ssh_config={}", machine.destination(), machine.config_file().display());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(ExitCode::SUCCESS)
}
