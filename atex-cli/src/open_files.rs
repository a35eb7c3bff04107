//! How many files the program may have open at once: enough for the systems of a run, or a clear word before it starts.

use anyhow::{Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the program has open besides its systems: the journal, the results, the runtime.
const OWN: u64 = 64;
/// What a system with a running test has open at most: 11 over ssh (the ends of pipes, sockets to the ssh master, processes).
const PER_SYSTEM: u64 = 12;

/// Sees to it that so many systems can be used at once: raises the limit as far as this user may.
///
/// # Errors
/// When that is not far enough; says how far would be.
pub(crate) fn make_room(systems: usize) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let needed = OWN + PER_SYSTEM * systems as u64;
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|most| most < needed) {
        bail!(
            "{systems} systems at once need up to {needed} open files, and {} are allowed here: raise the limit \
             (`ulimit -n {needed}`), or give the pools a smaller max",
            limit.maximum.unwrap_or_default()
        );
    }
    // What is needed and no more: programs that are started inherit it, and some close all that they might have.
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum })?;
    Ok(())
}
