//! [`Limits`]: how long each phase of a session and of a run may take.

use std::future::Future;
use std::time::Duration;

use atex_core::{Error, Result};

/// How long each phase may take, besides the tests themselves, whose limit is their own. Running out of one is an
/// [`Error::Timeout`] that names the phase, or stands in the note of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// Making the work folder on the remote: 60 seconds.
    pub start: Duration,
    /// Uploading the content of the suite: 30 minutes.
    pub upload: Duration,
    /// Each script in `prepare` of the plan: 30 minutes.
    pub prepare: Duration,
    /// Installing packages: what a phase of the plan wants, or what tests require: 30 minutes.
    pub install: Duration,
    /// Attaching to a test, and telling it something: 60 seconds for each attempt.
    pub attach: Duration,
    /// How long a connection that was cut under a test may take to come back, before the test counts as lost with its
    /// remote: 2 minutes. (After a reboot that the test announced, until the test's own limit.) The test goes on meanwhile, and
    /// nothing of what it says or prints is lost.
    pub reconnect: Duration,
    /// How long a test may go on after it announced a reboot and was killed, as it is by a system that goes down, before
    /// it counts as one that was not followed by a reboot: 2 minutes.
    pub reboot: Duration,
    /// How long a test may say and print nothing; for ever by default.
    pub silence: Option<Duration>,
    /// How long nothing may come after a test that was told to stop, before its remote is given up: 20 seconds. The remote
    /// itself hangs up on the test, terminates and kills it within less.
    pub stop: Duration,
    /// How long nothing may come of what a test left, once it is over: 2 minutes.
    pub collect: Duration,
    /// All scripts in `finish` of the plan together: 10 minutes.
    pub finish_scripts: Duration,
    /// Removing the work folder at the end of a session: 2 minutes.
    pub finish: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self {
            start: secs(60),
            upload: secs(30 * 60),
            prepare: secs(30 * 60),
            install: secs(30 * 60),
            attach: secs(60),
            reconnect: secs(120),
            reboot: secs(120),
            silence: None,
            stop: secs(20),
            collect: secs(120),
            finish_scripts: secs(10 * 60),
            finish: secs(120),
        }
    }
}

/// Does something within its limit.
pub(crate) async fn within<T>(
    limit: Duration,
    what: impl FnOnce() -> String,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(Error::Timeout { what: what(), limit }),
    }
}
