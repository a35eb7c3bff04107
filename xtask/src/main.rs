//! The commands of the project itself: `cargo xtask demo`, `test`, `ci`, `conformance`, `reference`, `tidy`.
#![expect(clippy::print_stdout, reason = "a program for developers, which talks to their terminal")]

mod ci;
mod conformance;
mod demo;
mod needs;
mod reference;
mod step;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The commands of the project itself")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the sample tests on four systems of this machine, and shows what came out.
    Demo(demo::Options),
    /// Runs every test there is, after installing what tests of real components need.
    Test(test::Options),
    /// Checks format, lints, documentation, features, the rules of the house and the dependencies.
    Ci,
    /// Compares what is made of metadata here with what the reference implementation makes of them.
    Conformance(conformance::Options),
    /// Compares what tests report here with what they report to the Python ATEX.
    Reference(reference::Options),
    /// Checks the rules of the house alone: the crate graph, lints, names, words.
    Tidy,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = Workspace::load().and_then(|workspace| match arguments.command {
        Command::Demo(options) => demo::run(&workspace, &options),
        Command::Test(options) => test::run(&workspace, &options),
        Command::Ci => ci::run(&workspace),
        Command::Conformance(options) => conformance::run(&workspace, &options),
        Command::Reference(options) => reference::run(&workspace, &options),
        Command::Tidy => tidy::run(&workspace),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
