//! `cargo xtask demo`: the sample tests on four systems of this machine.

use anyhow::{Result, bail};
use clap::Args;

use crate::workspace::Workspace;

/// What `cargo xtask demo` can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {}

/// Runs it.
pub(crate) fn run(_: &Workspace, _: &Options) -> Result<()> {
    bail!("there is no `atex` program to show yet")
}
