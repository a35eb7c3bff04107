//! Every exit code of `atex`, documented in this one place (and in its `--help`).

use std::sync::Arc;

use atex_core::Fault;
use atex_report::{RunVerdict, StoreError};

use crate::message::OutputError;

/// Every test passed, or said that it does not apply; or the command did what it was asked for.
pub(crate) const PASSED: u8 = 0;
/// Some test failed.
pub(crate) const FAILED: u8 = 1;
/// The command was used wrongly: an option, a plan or a filter that cannot be, a mistake in metadata. Nothing was run.
pub(crate) const USAGE: u8 = 2;
/// No test failed, but something could not be run, or its results could not be kept: a remote, the network, a disk.
pub(crate) const INFRA: u8 = 3;
/// The run was interrupted; what had finished by then is kept. 128 + SIGINT, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit codes as `--help` shows them.
pub(crate) const HELP: &str = "\
Exit codes:
    0  all passed, or the command did what it was asked for
    1  some test failed
    2  wrong use: an option, a plan, a mistake in metadata; nothing was run
    3  infrastructure trouble: something could not be run, or its results not kept
  130  interrupted; what had finished by then is kept";

/// What stands for the verdict on a whole run.
pub(crate) fn of_run(verdict: RunVerdict) -> u8 {
    match verdict {
        RunVerdict::Passed => PASSED,
        RunVerdict::Failed => FAILED,
        RunVerdict::Infra => INFRA,
        RunVerdict::Interrupted => INTERRUPTED,
    }
}

/// What stands for an error that ended a command. What is not known to be infrastructure's is wrong use.
pub(crate) fn of_error(error: &anyhow::Error) -> u8 {
    let fault = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<atex_core::Error>().map(atex_core::Error::fault));
    // The journal hands out its failure shared.
    let store = error.chain().find_map(|cause| {
        cause.downcast_ref().or_else(|| cause.downcast_ref::<Arc<StoreError>>().map(|it| &**it))
    });
    let is_disk = matches!(store, Some(StoreError::Io { .. }))
        || error.chain().any(<dyn std::error::Error>::is::<OutputError>);
    match fault {
        Some(Fault::Infra) => INFRA,
        Some(Fault::Cancelled) => INTERRUPTED,
        Some(Fault::Usage | Fault::Test) => USAGE,
        None if is_disk => INFRA,
        None => USAGE,
    }
}
