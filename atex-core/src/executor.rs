//! [`Executor`]: how tests run on a remote; [`Session`]: one remote, prepared; [`Outcome`]: how a test went.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{Artifacts, Barriers, Connection, Result, TestName, Verdict};

/// How tests of a suite run on a remote: a factory of [`Session`]s, shared by all remotes.
#[async_trait]
pub trait Executor: fmt::Debug + Send + Sync + 'static {
    /// Prepares a remote (uploads the suite, runs what has to run before the first test).
    ///
    /// Starting yields the session, so that a test on an unprepared remote cannot be written. When it fails, is cancelled
    /// or dropped, what it put on the remote may remain there, but no process of it.
    ///
    /// # Errors
    /// Why the remote could not be prepared; [`Error::Cancelled`](crate::Error::Cancelled) soon after the token was cancelled.
    async fn start(
        &self,
        connection: Arc<dyn Connection>,
        cancel: &CancellationToken,
    ) -> Result<Box<dyn Session>>;

    /// Goes on with a test that was running when its controller died: `connection` leads to the same remote, and `artifacts` are
    /// those of the run that did not come to its end.
    ///
    /// Yields the session as it was. The first call of its [`run`](Session::run), with the same test and the same artifacts, goes
    /// on with the test instead of starting it, so that in the end everything that the test said is there exactly
    /// once; after that, the session is like any other. Yields nothing if there is nothing among the artifacts to go on with: that is
    /// so for executors that cannot do this (the default), and for a run that had ended. Dropping the future changes nothing.
    ///
    /// # Errors
    /// Why it is impossible, though there was something. The artifacts have a result with status `infra` then, if the test is
    /// lost for good. [`Error::Cancelled`](crate::Error::Cancelled) soon after the token was cancelled.
    async fn resume(
        &self,
        connection: Arc<dyn Connection>,
        artifacts: &Artifacts,
        cancel: &CancellationToken,
    ) -> Result<Option<Box<dyn Session>>> {
        let (_, _) = (artifacts, cancel);
        drop(connection);
        Ok(None)
    }

    /// Removes what sessions of a controller that died left on this remote, with the processes of their tests, where nobody goes on
    /// with them. Not to be called while a session of this executor uses the remote. Nothing by default.
    ///
    /// # Errors
    /// What may be left.
    async fn sweep(&self, connection: &dyn Connection) -> Result<()> {
        let _ = connection;
        Ok(())
    }
}

/// A prepared remote, which runs one test at a time.
#[async_trait]
pub trait Session: fmt::Debug + Send {
    /// Runs one test to its end and leaves what it reported in `artifacts`, which must be empty before (unless they are those that
    /// the session was [resumed](Executor::resume) from).
    ///
    /// A failing test is `Ok`. In every case, also with an error, `artifacts` then has a `results` file with at least one
    /// result of the test itself. When the run of the test did not come to its own end, its status is `infra`, unless the test had
    /// reported a complete one of its own before, which stands (the verdict is `Infra` all the same). When the
    /// token is cancelled the test is stopped and what it reported so far is kept. After the method returned, no process of
    /// the test's process group runs on the remote, unless the remote cannot be reached.
    /// Dropping the future stops the test, too, but its artifacts are then incomplete.
    ///
    /// # Errors
    /// Never for what a test does. [`fault`](crate::Error::fault) says whom to blame. After an infra fault the session is of
    /// no further use, unless [`retry`](crate::Error::retry) says never, as after trouble of this machine
    /// ([`Error::Io`](crate::Error::Io)): then the remote is not to blame, and the session can run the next test.
    async fn run(
        &mut self,
        test: &TestName,
        artifacts: &Artifacts,
        cancel: &CancellationToken,
    ) -> Result<Outcome>;

    /// Variables for the next run of a test, and only for that; they win over all others. Called before [`run`](Self::run).
    ///
    /// Tests that run together with others learn of them so. An executor whose tests have no environment ignores it (the default).
    fn set_environment(&mut self, variables: Vec<(String, String)>) {
        drop(variables);
    }

    /// Where the next run of a test, and only that, waits for those that it runs together with. Called before [`run`](Self::run), also for
    /// one that is gone on with. An executor whose tests cannot wait ignores it (the default).
    fn set_barriers(&mut self, barriers: Arc<dyn Barriers>) {
        drop(barriers);
    }

    /// Ends the session: runs what has to run after the last test, and removes what it put on the remote.
    ///
    /// # Errors
    /// What could not be done; the remote may still hold files.
    async fn stop(self: Box<Self>) -> Result<()>;
}

/// How the run of a test went. Its results are in its artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The verdict on the test itself.
    pub verdict: Verdict,
    /// Its exit code, if it came to its end.
    pub exit_code: Option<i32>,
    /// Why, if somebody said: the note of the deciding result, cut as [`note`](Self::note) says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// How long it ran, without preparation.
    #[serde(rename = "took_ms", with = "crate::millis")]
    pub took: Duration,
    /// What it reported, subtests included.
    pub tally: Tally,
}

impl Outcome {
    /// The longest note that is kept, in bytes: 4 KiB.
    pub const NOTE_MAX: usize = 4 << 10;

    /// An outcome with this verdict, and nothing reported.
    pub fn new(verdict: Verdict, took: Duration) -> Self {
        Self { verdict, exit_code: None, note: None, took, tally: Tally::default() }
    }

    /// With the exit code of the test.
    #[must_use]
    pub fn exit_code(mut self, code: Option<i32>) -> Self {
        self.exit_code = code;
        self
    }

    /// With a note that says why. Of one longer than [`NOTE_MAX`](Self::NOTE_MAX), the beginning, and `…`: tests choose their
    /// notes, and an outcome goes into every journal and summary. The whole note stays in the results.
    #[must_use]
    pub fn note(mut self, note: Option<String>) -> Self {
        self.note = note.map(|mut note| {
            if note.len() > Self::NOTE_MAX {
                note.truncate(note.floor_char_boundary(Self::NOTE_MAX - '…'.len_utf8()));
                note.push('…');
                note.shrink_to_fit();
            }
            note
        });
        self
    }

    /// With the numbers of what it reported.
    #[must_use]
    pub fn tally(mut self, tally: Tally) -> Self {
        self.tally = tally;
        self
    }
}

/// Numbers of results by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field counts the results with the status of its name")]
pub struct Tally {
    pub pass: u64,
    pub fail: u64,
    pub info: u64,
    pub warn: u64,
    pub skip: u64,
    pub error: u64,
    pub infra: u64,
    /// Results with any other status, or none.
    pub other: u64,
}

impl Tally {
    /// Counts one more result with this status.
    pub fn count(&mut self, status: Option<&str>) {
        let field = match status {
            Some("pass") => &mut self.pass,
            Some("fail") => &mut self.fail,
            Some("info") => &mut self.info,
            Some("warn") => &mut self.warn,
            Some("skip") => &mut self.skip,
            Some("error") => &mut self.error,
            Some("infra") => &mut self.infra,
            _ => &mut self.other,
        };
        *field += 1;
    }

    /// The number of all results.
    pub fn total(&self) -> u64 {
        self.pass
            + self.fail
            + self.info
            + self.warn
            + self.skip
            + self.error
            + self.infra
            + self.other
    }

    /// The number of results that say something is broken (`fail`, `error`).
    pub fn broken(&self) -> u64 {
        self.fail + self.error
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.pass += more.pass;
        self.fail += more.fail;
        self.info += more.info;
        self.warn += more.warn;
        self.skip += more.skip;
        self.error += more.error;
        self.infra += more.infra;
        self.other += more.other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notes_are_cut_between_characters() {
        let noted = |note: String| Outcome::new(Verdict::Failed, Duration::ZERO).note(Some(note));
        let short = "ž".repeat(Outcome::NOTE_MAX / 2);
        assert_eq!(noted(short.clone()).note, Some(short.clone()));
        let cut = noted(short + "x").note.unwrap();
        assert_eq!(cut, format!("{}…", "ž".repeat(2046)));
        assert!(cut.len() <= Outcome::NOTE_MAX);
    }
}
