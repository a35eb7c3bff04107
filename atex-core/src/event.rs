//! [`RunEvent`]: what a run says about itself; [`EventSink`]: who listens.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// What is concluded once in a run: a test, or a test on one platform, if it is wanted on several.
///
/// A run has a test either once, for any platform, or once for each platform that it is wanted on; never both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TestKey {
    /// The test.
    pub test: TestName,
    /// The platform that it is wanted on; `None` when any will do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wanted: Option<String>,
}

impl TestKey {
    /// A test that any platform will do for.
    pub fn any(test: TestName) -> Self {
        Self { test, wanted: None }
    }
}

impl fmt::Display for TestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wanted {
            None => write!(f, "{}", self.test),
            Some(platform) => write!(f, "{} on {platform}", self.test),
        }
    }
}

/// One run of one test: the first is number 1, a rerun number 2.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attempt {
    /// The test.
    pub test: TestName,
    /// The platform that it is wanted on; `None` when any will do. Attempts are counted for each.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wanted: Option<String>,
    /// Which run of it.
    pub number: u32,
}

impl Attempt {
    /// This run of a test that any platform will do for.
    pub fn new(test: TestName, number: u32) -> Self {
        Self { test, wanted: None, number }
    }

    /// This run of what is concluded once.
    pub fn of(key: TestKey, number: u32) -> Self {
        Self { test: key.test, wanted: key.wanted, number }
    }

    /// What it is a run of.
    pub fn key(&self) -> TestKey {
        TestKey { test: self.test.clone(), wanted: self.wanted.clone() }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.test)?;
        if let Some(platform) = &self.wanted {
            write!(f, " on {platform}")?;
        }
        match self.number {
            1 => Ok(()),
            number => write!(f, " (attempt {number})"),
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
    /// What is noted of a remote changed; said before the event that it changed with. See [`Notes`](crate::Notes).
    RemoteNoted {
        /// The remote.
        remote: RemoteId,
        /// All of its notes, as they are now.
        notes: BTreeMap<String, Value>,
    },
    /// The remote is again as it was when it was handed out, and has to be made ready again.
    RemoteRolledBack {
        /// The remote.
        remote: RemoteId,
    },
    /// The remote gets no more tests, because it is to blame for failures. It may be held until the run ends, so that it is not
    /// handed out once more.
    RemoteQuarantined {
        /// The remote.
        remote: RemoteId,
        /// What speaks against it.
        reason: String,
    },
    /// A test began.
    TestStarted {
        /// Where.
        remote: RemoteId,
        /// Which.
        #[serde(flatten)]
        attempt: Attempt,
    },
    /// A test came to a barrier, where it may wait for those that it runs together with: see [`Barriers`](crate::Barriers). May be said more
    /// than once.
    BarrierReached {
        /// Where.
        remote: RemoteId,
        /// Which.
        #[serde(flatten)]
        attempt: Attempt,
        /// What the barrier is called.
        barrier: String,
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
    /// The last word on a test, once for every [`PlannedTest`] of the run.
    TestConcluded {
        /// The test.
        test: TestName,
        /// The platform that it was wanted on, if not any would do: see [`TestKey`].
        #[serde(skip_serializing_if = "Option::is_none", default)]
        wanted: Option<String>,
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
    /// Another controller goes on with the run, whose controller had died: what happened until then is above. What was only asked
    /// for, without a lease, is not there any more.
    Restarted,
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
    /// The platform that it is wanted on; `None` when any will do. Name and platform together are unique in the run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wanted: Option<String>,
    /// How long it may run.
    #[serde(rename = "limit_ms", with = "crate::millis")]
    pub limit: Duration,
}

impl PlannedTest {
    /// A test that any platform will do for.
    pub fn new(name: TestName, limit: Duration) -> Self {
        Self { name, wanted: None, limit }
    }

    /// What is concluded of it.
    pub fn key(&self) -> TestKey {
        TestKey { test: self.name.clone(), wanted: self.wanted.clone() }
    }
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
    /// What its remotes are said to be.
    #[serde(skip_serializing_if = "Facts::is_empty", default)]
    pub facts: Facts,
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
        let attempt = Attempt::new(TestName::new("/a").unwrap(), 2);
        let there = TestKey { wanted: Some("rhel-9".into()), ..attempt.key() };
        let outcome = Outcome::new(Verdict::Passed, Duration::from_millis(1500)).exit_code(Some(0));
        let events = [
            RunEvent::TestStarted { remote: RemoteId(3), attempt: attempt.clone() },
            RunEvent::TestEnded { remote: RemoteId(3), attempt, outcome, failure: None },
            RunEvent::TestStarted { remote: RemoteId(3), attempt: Attempt::of(there, 1) },
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
        {"event":"test_started","remote":3,"test":"/a","wanted":"rhel-9","number":1}
        {"event":"leased","remote":3,"lease":{"backend":"local","name":"local-3","data":"/x"}}
        {"event":"interrupted"}
        "#);
        for (line, event) in lines.iter().zip(events) {
            assert_eq!(serde_json::from_str::<RunEvent>(line).unwrap(), event);
        }
    }

    #[test]
    fn what_was_stored_before_tests_had_platforms_still_reads() {
        let line = r#"{"event":"run_started","tests":[{"name":"/a","limit_ms":5}],"pools":[{"name":"lab","platform":"x","max":2}]}"#;
        let pool =
            PlannedPool { name: "lab".into(), platform: "x".into(), max: 2, facts: Facts::new() };
        let test = PlannedTest::new(TestName::new("/a").unwrap(), Duration::from_millis(5));
        let started = RunEvent::RunStarted { tests: vec![test], pools: vec![pool] };
        assert_eq!(serde_json::from_str::<RunEvent>(line).unwrap(), started);
        assert_eq!(
            serde_json::to_string(&started).unwrap(),
            line,
            "what is not used takes no room"
        );
        let line = r#"{"event":"test_concluded","test":"/a","verdict":"passed","platform":"x","attempts":1}"#;
        let RunEvent::TestConcluded { wanted, .. } = serde_json::from_str(line).unwrap() else {
            panic!("another event")
        };
        assert_eq!(wanted, None);
    }
}
