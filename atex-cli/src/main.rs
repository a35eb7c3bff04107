//! The `atex` program: reads arguments, builds the parts, prints. Everything worth reusing is in the other crates.

mod args;
mod discover;
mod exchange;
mod executor;
mod exit_code;
mod fmf_init;
mod fmf_lint;
mod fmf_show;
mod follow;
mod history;
mod interrupt;
mod logging;
mod message;
mod open_files;
mod output;
mod planning;
mod platforms;
mod pool;
mod progress;
mod reap;
mod report;
mod resume;
mod run;
mod runs;
mod screen;
mod selection;
mod store_args;
mod unmet;
mod wishes;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Arguments, Command, FmfCommand};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    message::set_color(arguments.color);
    logging::start(arguments.verbose);
    let done = match arguments.command {
        Command::Discover(options) => discover::run(&options),
        Command::Fmf { command: FmfCommand::Init(options) } => fmf_init::run(&options),
        Command::Fmf { command: FmfCommand::Show(options) } => fmf_show::run(&options),
        Command::Fmf { command: FmfCommand::Lint(options) } => fmf_lint::run(&options),
        Command::Run(options) => run::run(&options),
        Command::Plan(options) => planning::run(&options),
        Command::History { command } => history::run(&command),
        Command::Report(options) => report::run(&options),
        Command::Reap(options) => reap::run(&options),
        Command::Runs(options) => runs::list(&options),
        Command::Prune(options) => runs::prune(&options),
        Command::Import(options) => exchange::import(&options),
        Command::Export(options) => exchange::export(&options),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "atex", &mut script);
            let printed = message::text(&String::from_utf8_lossy(&script));
            printed.map(|()| exit_code::PASSED).map_err(Into::into)
        }
    };
    ExitCode::from(done.unwrap_or_else(|error| {
        message::error(&error);
        exit_code::of_error(&error)
    }))
}
