//! [`LastAttempt`]: what the scheduler keeps of the last attempt of a test.

use atex_core::{Failure, Fault, Outcome, Retry, Verdict};

use crate::queue::PoolIndex;

/// How a test went that may yet be run again.
#[derive(Debug, Clone)]
pub(super) struct LastAttempt {
    pub(super) verdict: Verdict,
    pub(super) note: Option<String>,
    pub(super) pool: PoolIndex,
}

impl LastAttempt {
    pub(super) fn new(outcome: &Outcome, failure: Option<&Failure>, pool: PoolIndex) -> Self {
        let note = outcome.note.clone().or_else(|| failure.map(|failure| failure.message.clone()));
        Self { verdict: outcome.verdict, note, pool }
    }
}

/// Whether the remote that a test failed on is of no further use. It is as good as before when something else is to blame:
/// the set-up, the test, or this machine, all of which are the same on any other remote.
pub(super) fn costs_the_remote(failure: &Failure) -> bool {
    match failure.fault {
        Fault::Usage | Fault::Test => false,
        Fault::Infra => failure.retry != Retry::Never,
        Fault::Cancelled => true,
    }
}
