//! [`Standing`]: how a run stands whose controller died, from its events alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use atex_core::{Attempt, Facts, Failure, Fault, Lease, Outcome, RemoteId, RunEvent, TestKey};

use crate::action::Conclusion;

/// How a run stands whose controller died: what its events say that happened, and nothing of why.
///
/// Feed it the events of the run's journal in order, with [`apply`](Self::apply), and give it to
/// [`Run::resume`](crate::Run::resume) or [`Scheduler::resumed`](crate::Scheduler::resumed). No decision is made again: which test went to which
/// remote is read, not computed. So a run can be gone on with by a scheduler with other policies, with other expectations of how
/// long tests take, or of another version.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    pub(crate) tests: HashMap<TestKey, TestStanding>,
    /// Those that are not known to be gone.
    pub(crate) remotes: BTreeMap<RemoteId, RemoteStanding>,
    pub(crate) conclusions: Vec<Conclusion>,
    /// The highest number that a remote was given.
    pub(crate) last_remote: u32,
    restarts: u32,
    events: u64,
    now: Duration,
    is_started: bool,
    is_finished: bool,
    pub(crate) is_interrupted: bool,
}

/// A test, as the events tell of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestStanding {
    /// How many times it was started.
    pub(crate) attempts: u32,
    /// The attempts that ended, in order.
    pub(crate) ended: Vec<EndedAttempt>,
    /// Where its last attempt began, if that has not ended.
    pub(crate) running: Option<RemoteId>,
    /// The barriers that its last attempt came to.
    pub(crate) barriers: BTreeSet<String>,
    /// In which life of the run that was.
    life: u32,
    /// When that was, and when an attempt of it last ended, as the number of the event.
    pub(crate) began: u64,
    pub(crate) over: u64,
    pub(crate) concluded: bool,
}

/// An attempt that ended.
#[derive(Debug, Clone)]
pub(crate) struct EndedAttempt {
    pub(crate) outcome: Outcome,
    pub(crate) failure: Option<Failure>,
    /// The pool of its remote.
    pub(crate) pool: String,
    /// It came to nothing because its controller died, so it counts against no limit.
    pub(crate) orphaned: bool,
}

/// A remote that is not known to be gone.
#[derive(Debug, Clone)]
pub(crate) struct RemoteStanding {
    pub(crate) pool: String,
    pub(crate) name: Option<String>,
    pub(crate) lease: Option<Lease>,
    pub(crate) facts: Facts,
    pub(crate) running: Option<Attempt>,
    /// It was given back, and something of it may be left.
    pub(crate) stuck: bool,
}

/// Whether the end of an attempt says that it came to nothing with its controller.
pub(crate) fn is_orphan(failure: Option<&Failure>) -> bool {
    failure.is_some_and(|failure| failure.fault == Fault::Cancelled)
}

impl Standing {
    /// How a run stands of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next event, which happened `at` this time since the run began.
    pub fn apply(&mut self, at: Duration, event: &RunEvent) {
        self.now = self.now.max(at);
        self.events += 1;
        match event {
            RunEvent::RunStarted { .. } => self.is_started = true,
            RunEvent::TestStarted { remote, attempt } => self.test_started(*remote, attempt),
            RunEvent::BarrierReached { attempt, barrier, .. } => {
                let test = self.tests.entry(attempt.key()).or_default();
                test.barriers.insert(barrier.clone());
            }
            RunEvent::TestEnded { remote, attempt, outcome, failure } => {
                self.test_ended(*remote, attempt, (outcome, failure.as_ref()));
            }
            RunEvent::TestConcluded { test, wanted, verdict, platform, attempts, note } => {
                let conclusion = Conclusion {
                    test: test.clone(),
                    wanted: wanted.clone(),
                    verdict: *verdict,
                    platform: platform.clone(),
                    attempts: *attempts,
                    note: note.clone(),
                };
                self.tests.entry(conclusion.key()).or_default().concluded = true;
                self.conclusions.push(conclusion);
            }
            RunEvent::Restarted => {
                self.restarts += 1;
                // Nothing of a request without a lease outlives the controller.
                self.remotes.retain(|_, remote| remote.lease.is_some());
            }
            RunEvent::Interrupted => self.is_interrupted = true,
            RunEvent::RunFinished => self.is_finished = true,
            RunEvent::TimePassed | RunEvent::IngestFailed { .. } => {}
            RunEvent::RemoteRequested { .. }
            | RunEvent::Leased { .. }
            | RunEvent::RemoteProvisioned { .. }
            | RunEvent::ProvisionFailed { .. }
            | RunEvent::ProvisionWithdrawn { .. }
            | RunEvent::RemotePrepared { .. }
            | RunEvent::PrepareFailed { .. }
            | RunEvent::RemoteLost { .. }
            | RunEvent::RemoteNoted { .. }
            | RunEvent::RemoteRolledBack { .. }
            | RunEvent::RemoteQuarantined { .. }
            | RunEvent::RemoteReleased { .. }
            | RunEvent::ReleaseFailed { .. } => self.apply_to_remote(event),
        }
    }

    fn apply_to_remote(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RemoteRequested { remote, pool } => {
                let standing = RemoteStanding {
                    pool: pool.clone(),
                    name: None,
                    lease: None,
                    facts: Facts::new(),
                    running: None,
                    stuck: false,
                };
                self.remotes.insert(*remote, standing);
                self.last_remote = self.last_remote.max(remote.0);
            }
            RunEvent::Leased { remote, lease } => {
                if let Some(remote) = self.remotes.get_mut(remote) {
                    remote.lease = Some(lease.clone());
                }
            }
            RunEvent::RemoteProvisioned { remote, name, facts } => {
                if let Some(remote) = self.remotes.get_mut(remote) {
                    remote.name = Some(name.clone());
                    remote.facts.clone_from(facts);
                }
            }
            RunEvent::ReleaseFailed { remote, .. } => {
                if let Some(remote) = self.remotes.get_mut(remote) {
                    remote.stuck = true;
                }
            }
            RunEvent::ProvisionFailed { remote, .. }
            | RunEvent::ProvisionWithdrawn { remote }
            | RunEvent::RemoteReleased { remote } => drop(self.remotes.remove(remote)),
            _ => {}
        }
    }

    fn test_started(&mut self, remote: RemoteId, attempt: &Attempt) {
        let (life, began) = (self.restarts, self.events);
        let test = self.tests.entry(attempt.key()).or_default();
        test.began = began;
        test.attempts = attempt.number;
        test.barriers.clear();
        (test.running, test.life) = (Some(remote), life);
        if let Some(remote) = self.remotes.get_mut(&remote) {
            remote.running = Some(attempt.clone());
        }
    }

    fn test_ended(
        &mut self,
        remote: RemoteId,
        attempt: &Attempt,
        (outcome, failure): (&Outcome, Option<&Failure>),
    ) {
        let (life, over) = (self.restarts, self.events);
        let pool = self.remotes.get_mut(&remote).map(|remote| {
            remote.running = None;
            remote.pool.clone()
        });
        let test = self.tests.entry(attempt.key()).or_default();
        (test.running, test.over) = (None, over);
        test.ended.push(EndedAttempt {
            outcome: outcome.clone(),
            failure: failure.cloned(),
            pool: pool.unwrap_or_default(),
            orphaned: test.life < life && is_orphan(failure),
        });
    }

    /// Whether this remote has to be given back, or gone on with, by a run with these pools.
    pub(crate) fn is_out<P>(&self, remote: RemoteId, pools: &HashMap<String, P>) -> bool {
        self.remotes.get(&remote).is_some_and(|remote| {
            remote.lease.is_some() && !remote.stuck && pools.contains_key(&remote.pool)
        })
    }

    /// Whether the run began: without its first event there is nothing to go on with.
    pub fn is_started(&self) -> bool {
        self.is_started
    }

    /// Whether the run came to its end: there is nothing left to do.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// The time of the last event since the run began.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// The last words on tests so far, in the order in which they were said. Nothing changes these any more.
    pub fn conclusions(&self) -> &[Conclusion] {
        &self.conclusions
    }
}
