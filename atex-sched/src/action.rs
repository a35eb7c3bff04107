//! [`Action`]: what the scheduler wants done; [`Conclusion`]: the last word on a test.

use std::fmt;
use std::time::Duration;

use atex_core::{Attempt, RemoteId, RunEvent, TestKey, TestName, Verdict};

/// What the scheduler wants done. Whoever drives it carries out every one, in order, and reports what comes of it as a
/// [`RunEvent`].
///
/// The set is closed on purpose: a new kind of action makes every driver decide how to carry it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask this pool for a remote, which has this number from now on. Answered by [`RunEvent::RemoteProvisioned`] or
    /// [`RunEvent::ProvisionFailed`].
    Provision {
        /// Its number.
        remote: RemoteId,
        /// The pool, by its name.
        pool: String,
    },
    /// Nobody needs this request any more. Answered by [`RunEvent::ProvisionWithdrawn`], unless the answer to the request
    /// itself was on its way.
    Withdraw {
        /// The number of the request.
        remote: RemoteId,
    },
    /// Make this remote ready for its first test. Answered by [`RunEvent::RemotePrepared`] or [`RunEvent::PrepareFailed`].
    Prepare {
        /// Which.
        remote: RemoteId,
    },
    /// Run a test on a remote that is ready. Answered by [`RunEvent::TestEnded`].
    Run {
        /// Where.
        remote: RemoteId,
        /// What.
        attempt: Attempt,
        /// Where it and the others of its [gang](crate::Together) run, which start at the same time; nobody, for most tests.
        together: Vec<Peer>,
    },
    /// Make this remote again what it was when it was handed out. Answered by [`RunEvent::RemoteRolledBack`], or by
    /// [`RunEvent::RemoteLost`] if that cannot be done.
    RollBack {
        /// Which.
        remote: RemoteId,
    },
    /// This remote is to blame for failures, and gets no more tests. Tell people; if it is to be released, that is said, too. If not, it
    /// is kept out of use until the run ends.
    Quarantine {
        /// Which.
        remote: RemoteId,
        /// What speaks against it.
        reason: String,
    },
    /// Go on with a test that ran on this remote when the controller died. Answered by [`RunEvent::TestEnded`]: with the end of
    /// the test, or with a failure whose fault is [`Cancelled`](atex_core::Fault::Cancelled) if nobody can go on with it.
    Adopt {
        /// Where it ran.
        remote: RemoteId,
        /// What.
        attempt: Attempt,
        /// Whether it runs together with others, and so may come to barriers.
        together: bool,
    },
    /// Tell the test that runs on this remote, and that came to this barrier ([`RunEvent::BarrierReached`]), how that goes on. May be said more than
    /// once, and then says the same.
    Answer {
        /// Where it runs.
        remote: RemoteId,
        /// What the barrier is called.
        barrier: String,
        /// Nothing if all have come to it: it is open. Else why it never will be.
        broken: Option<String>,
    },
    /// Stop the test that runs on this remote. Its end is still reported, by [`RunEvent::TestEnded`].
    StopTest {
        /// Where it runs.
        remote: RemoteId,
    },
    /// Give a remote back; if it is being prepared, stop that first. Answered by [`RunEvent::RemoteReleased`] or
    /// [`RunEvent::ReleaseFailed`].
    Release {
        /// Which.
        remote: RemoteId,
    },
    /// This is the last word on a test: file it.
    Conclude(Conclusion),
    /// Report [`RunEvent::TimePassed`] at this time since the run began, or soon after. Several may be asked for.
    WakeAt {
        /// When.
        at: Duration,
    },
    /// Every test is concluded and every remote is gone: nothing follows.
    Finish,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provision { remote, pool } => write!(f, "provision {remote} from {pool}"),
            Self::Withdraw { remote } => write!(f, "withdraw {remote}"),
            Self::Prepare { remote } => write!(f, "prepare {remote}"),
            Self::Run { remote, attempt, together } => {
                write!(f, "run {attempt} on {remote}")?;
                let role = together.iter().find(|peer| peer.remote == *remote);
                role.map_or(Ok(()), |peer| write!(f, " as {}", peer.role))
            }
            Self::Answer { remote, barrier, broken: None } => {
                write!(f, "open {barrier} to {remote}")
            }
            Self::Answer { remote, barrier, broken: Some(why) } => {
                write!(f, "break {barrier} to {remote} ({why})")
            }
            Self::Adopt { remote, attempt, .. } => write!(f, "go on with {attempt} on {remote}"),
            Self::RollBack { remote } => write!(f, "roll back {remote}"),
            Self::Quarantine { remote, reason } => write!(f, "quarantine {remote} ({reason})"),
            Self::StopTest { remote } => write!(f, "stop the test on {remote}"),
            Self::Release { remote } => write!(f, "release {remote}"),
            Self::Conclude(conclusion) => write!(f, "conclude {conclusion}"),
            Self::WakeAt { at } => write!(f, "wake at {}", atex_core::millis::Shown(*at)),
            Self::Finish => f.write_str("finish"),
        }
    }
}

/// One of the tests that run at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// What it is among them.
    pub role: String,
    /// Where it runs.
    pub remote: RemoteId,
}

/// The last word on a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// The test.
    pub test: TestName,
    /// The platform that it was wanted on, if not any would do.
    pub wanted: Option<String>,
    /// The verdict: that of its last attempt, or [`Verdict::NotRun`] if there was none.
    pub verdict: Verdict,
    /// The platform that it ran on last, if it ran.
    pub platform: Option<String>,
    /// How many times it was run. The last of these attempts is the one that counts.
    pub attempts: u32,
    /// Why, if somebody said.
    pub note: Option<String>,
}

impl Conclusion {
    /// What it is the last word on.
    pub fn key(&self) -> TestKey {
        TestKey { test: self.test.clone(), wanted: self.wanted.clone() }
    }

    /// The attempt that counts, if the test was run at all.
    pub fn attempt(&self) -> Option<Attempt> {
        (self.attempts > 0).then(|| Attempt::of(self.key(), self.attempts))
    }
}

impl From<Conclusion> for RunEvent {
    fn from(conclusion: Conclusion) -> Self {
        let Conclusion { test, wanted, verdict, platform, attempts, note } = conclusion;
        Self::TestConcluded { test, wanted, verdict, platform, attempts, note }
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key(), self.verdict)?;
        match &self.note {
            Some(note) => write!(f, " ({note})"),
            None => Ok(()),
        }
    }
}
