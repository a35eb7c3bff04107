//! [`RunEvent`]: what a run says about itself; [`EventSink`]: who listens.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Facts, Failure, Lease, Outcome, TestName, Verdict};

/// A remote within one run, from the moment it is asked for: the number of the request. Never used twice in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteId(pub u32);

impl fmt::Display for RemoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("m{}", self.0))
    }
}

/// One run of one test: the first is number 1, a rerun number 2.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attempt {
    /// The test.
    pub test: TestName,
    /// Which run of it.
    pub number: u32,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            1 => write!(f, "{}", self.test),
            number => write!(f, "{} (attempt {number})", self.test),
        }
    }
}

/// What happened in a run. The scheduler consumes these, the journal stores them, and every display shows them: one type,
/// so that nothing is translated, and a stored journal fed to a scheduler brings it to the same state.
///
/// The set is closed on purpose (no `#[non_exhaustive]`): a new kind of event makes every consumer decide what it means.
/// Fields of stored events are only ever added, with a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// The run begins: always the first event.
    RunStarted {
        /// Everything that is to be run, in the order of the suite.
        tests: Vec<PlannedTest>,
        /// Where it may run.
        pools: Vec<PlannedPool>,
    },
    /// A remote was asked for.
    RemoteRequested {
        /// The number it gets.
        remote: RemoteId,
        /// The pool it comes from, by its name.
        pool: String,
    },
    /// Something that must be released is about to exist. Durable before it does.
    Leased {
        /// The remote.
        remote: RemoteId,
        /// How to find it again.
        lease: Lease,
    },
    /// The remote is there and connected.
    RemoteProvisioned {
        /// The remote.
        remote: RemoteId,
        /// As people call it.
        name: String,
        /// What it is.
        facts: Facts,
    },
    /// The remote could not be had; nothing of it is left.
    ProvisionFailed {
        /// The number it would have had.
        remote: RemoteId,
        /// Why.
        failure: Failure,
    },
    /// The request was withdrawn before the remote was there; nothing of it is left.
    ProvisionWithdrawn {
        /// The number it would have had.
        remote: RemoteId,
    },
    /// The remote is ready for its first test.
    RemotePrepared {
        /// The remote.
        remote: RemoteId,
    },
    /// The remote could not be made ready.
    PrepareFailed {
        /// The remote.
        remote: RemoteId,
        /// Why.
        failure: Failure,
    },
    /// The connection of a remote broke while no test ran on it.
    RemoteLost {
        /// The remote.
        remote: RemoteId,
        /// How.
        failure: Failure,
    },
    /// A test began.
    TestStarted {
        /// Where.
        remote: RemoteId,
        /// Which.
        #[serde(flatten)]
        attempt: Attempt,
    },
    /// A test came to an end, with whatever verdict.
    TestEnded {
        /// Where.
        remote: RemoteId,
        /// Which.
        #[serde(flatten)]
        attempt: Attempt,
        /// How it went.
        outcome: Outcome,
        /// Set when it did not come to its own end: what happened, or that the run was stopped. Its remote is of no further use,
        /// unless whoever started the run is at fault, or [`Retry::Never`](crate::Retry::Never) says that another remote would
        /// not do better.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        failure: Option<Failure>,
    },
    /// An aggregator did not take in a finished test. Its artifacts are still there.
    IngestFailed {
        /// Which.
        #[serde(flatten)]
        attempt: Attempt,
        /// Why.
        failure: Failure,
    },
    /// The last word on a test, once for every test of the run.
    TestConcluded {
        /// The test.
        test: TestName,
        /// The verdict.
        verdict: Verdict,
        /// The platform that it ran on last, if it ran.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        platform: Option<String>,
        /// How many times it was run.
        attempts: u32,
        /// Why, if somebody said.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        note: Option<String>,
    },
    /// A remote was given back; nothing of it is left.
    RemoteReleased {
        /// The remote.
        remote: RemoteId,
    },
    /// A remote was given back, and something of it may be left behind.
    ReleaseFailed {
        /// The remote.
        remote: RemoteId,
        /// What.
        failure: Failure,
    },
    /// Somebody asked the run to stop.
    Interrupted,
    /// A moment that the scheduler wanted to be woken at has come.
    TimePassed,
    /// The run is over: every test is concluded and every remote given back. Always the last event.
    RunFinished,
}

/// A test as the start of a run announces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTest {
    /// The test.
    pub name: TestName,
    /// How long it may run.
    #[serde(rename = "limit_ms", with = "crate::millis")]
    pub limit: Duration,
}

/// A pool as the start of a run announces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPool {
    /// Its name, unique in the run.
    pub name: String,
    /// The platform under which its results are filed.
    pub platform: String,
    /// How many remotes it may have at once.
    pub max: usize,
}

/// Who listens to a run: the journal, a progress display, a live report.
pub trait EventSink: Send + Sync {
    /// Takes one event, which happened `at` this time since the run began. Called from one task at a time, in order.
    ///
    /// Must be quick and must not wait. A sink that fails keeps that to itself (and says so in its own way): it can never
    /// change a verdict. [`RunEvent::Leased`] must be durable when this returns, if the sink is one that stores.
    fn emit(&self, at: Duration, event: &RunEvent);
}

impl<S: EventSink + ?Sized> EventSink for std::sync::Arc<S> {
    fn emit(&self, at: Duration, event: &RunEvent) {
        (**self).emit(at, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_flat_json_that_reads_back() {
        let attempt = Attempt { test: TestName::new("/a").unwrap(), number: 2 };
        let outcome = Outcome::new(Verdict::Passed, Duration::from_millis(1500)).exit_code(Some(0));
        let events = [
            RunEvent::TestStarted { remote: RemoteId(3), attempt: attempt.clone() },
            RunEvent::TestEnded { remote: RemoteId(3), attempt, outcome, failure: None },
            RunEvent::Leased {
                remote: RemoteId(3),
                lease: Lease::new("local", "local-3", "/x".into()),
            },
            RunEvent::Interrupted,
        ];
        let lines: Vec<String> =
            events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"event":"test_started","remote":3,"test":"/a","number":2}
        {"event":"test_ended","remote":3,"test":"/a","number":2,"outcome":{"verdict":"passed","exit_code":0,"took_ms":1500,"tally":{"pass":0,"fail":0,"info":0,"warn":0,"skip":0,"error":0,"infra":0,"other":0}}}
        {"event":"leased","remote":3,"lease":{"backend":"local","name":"local-3","data":"/x"}}
        {"event":"interrupted"}
        "#);
        for (line, event) in lines.iter().zip(events) {
            assert_eq!(serde_json::from_str::<RunEvent>(line).unwrap(), event);
        }
    }
}
