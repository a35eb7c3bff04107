//! A world of remotes that answer in any order, which watches the promises of the scheduler at every step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Attempt, Facts, Failure, Fault, Lease, Outcome, RemoteId, Retry, RunEvent, TestName, Verdict,
};
use atex_sched::{Action, Plan, PoolPlan, Scheduler, TestPlan};

/// Where a remote is, as the world sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Requested,
    Withdrawing,
    Up,
    Preparing,
    Idle,
    /// Of no further use: only to be released.
    Spent,
    Running(Attempt),
    RollingBack,
    /// To blame for failures: never to run anything again.
    Quarantined,
    Releasing,
    /// Its controller died while it ran this.
    Orphaned(Attempt),
    /// Its controller died.
    Left,
}

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Provisioned,
    /// It is there, and not what its pool says.
    Odd,
    RolledBack,
    Unavailable,
    Misconfigured,
    Withdrawn,
    Prepared,
    Unfit,
    Lost,
    Passed,
    Failed,
    Infra,
    Died,
    /// Nobody can go on with what ran there when the controller died.
    Orphaned,
    /// Trouble of this machine.
    Hopeless,
    Released,
    ReleaseFailed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    Answer(RemoteId, Answer),
    /// The test that runs there comes to a barrier.
    Reach(RemoteId, &'static str),
    Wake,
    Interrupt,
}

/// The barriers that tests of gangs agree on.
const BARRIERS: [&str; 2] = ["x", "y"];

#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) now: Duration,
    pub(crate) event: RunEvent,
    pub(crate) actions: Vec<Action>,
    /// What the journal has of the actions.
    pub(crate) echoes: Vec<RunEvent>,
    pub(crate) before: Option<Arc<Self>>,
}

/// A run as the outside world sees it: it carries out actions, offers what may happen next, and checks every promise.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) plan: Arc<Plan>,
    /// The tests of gangs, each with all of its gang.
    pub(crate) gangs: Arc<BTreeMap<TestName, BTreeSet<TestName>>>,
    pub(crate) scheduler: Scheduler,
    pub(crate) now: Duration,
    pub(crate) remotes: BTreeMap<RemoteId, (usize, Place)>,
    pub(crate) used: BTreeSet<RemoteId>,
    /// Tests that neither run nor are concluded.
    pub(crate) waiting: BTreeSet<TestName>,
    pub(crate) concluded: BTreeSet<TestName>,
    pub(crate) attempts: BTreeMap<TestName, u32>,
    pub(crate) wakes: BTreeSet<Duration>,
    pub(crate) interrupted: bool,
    /// Remotes of a former life that run what they ran then.
    pub(crate) adopted: BTreeSet<RemoteId>,
    /// What the tests of gangs came to since they began together.
    pub(crate) reached: BTreeSet<(TestName, String)>,
    /// What was said of it in this life, by remote; and what was answered: that it is open, or broken.
    pub(crate) asked: BTreeSet<(RemoteId, String)>,
    pub(crate) answers: BTreeMap<(TestName, String), bool>,
    /// Remotes whose test was told to stop.
    pub(crate) stopped: BTreeSet<RemoteId>,
    /// What remotes turned out to be.
    pub(crate) facts: BTreeMap<RemoteId, Facts>,
    /// Remotes that are to blame for failures.
    pub(crate) blamed: BTreeSet<RemoteId>,
    /// Whether a pool failed, so that it may rest.
    pub(crate) troubled: bool,
    /// Whether events that change nothing happen, too.
    pub(crate) noisy: bool,
    pub(crate) finished: bool,
    /// What happened and what was done about it, newest first; shared, because worlds are cloned at every step.
    pub(crate) history: Option<Arc<Step>>,
}

impl World {
    /// A run of this plan that has just begun.
    pub(crate) fn new(plan: Plan) -> Self {
        let started = plan.started();
        let mut world = Self::empty(plan);
        world.feed(started);
        world
    }

    /// A run of one plan that has just begun, of a world that believes it to be another.
    pub(crate) fn begun(plan: Plan, believed: Plan) -> Self {
        let started = plan.started();
        let mut world = Self { scheduler: Scheduler::new(plan), ..Self::empty(believed) };
        world.feed(started);
        world
    }

    /// Before the first event.
    pub(crate) fn empty(plan: Plan) -> Self {
        Self {
            scheduler: Scheduler::new(plan.clone()),
            waiting: plan.tests.iter().map(|test| test.name.clone()).collect(),
            gangs: Arc::new(gangs(&plan)),
            plan: Arc::new(plan),
            now: Duration::ZERO,
            remotes: BTreeMap::new(),
            used: BTreeSet::new(),
            concluded: BTreeSet::new(),
            attempts: BTreeMap::new(),
            wakes: BTreeSet::new(),
            interrupted: false,
            adopted: BTreeSet::new(),
            reached: BTreeSet::new(),
            asked: BTreeSet::new(),
            answers: BTreeMap::new(),
            stopped: BTreeSet::new(),
            facts: BTreeMap::new(),
            blamed: BTreeSet::new(),
            troubled: false,
            noisy: false,
            finished: false,
            history: None,
        }
    }

    /// Everything that may happen next.
    pub(crate) fn options(&self) -> Vec<Happening> {
        let mut options = Vec::new();
        if self.finished {
            return options;
        }
        for (id, (_, place)) in &self.remotes {
            let answers: &[Answer] = match place {
                Place::Requested => {
                    &[Answer::Provisioned, Answer::Odd, Answer::Unavailable, Answer::Misconfigured]
                }
                Place::Withdrawing => {
                    &[Answer::Withdrawn, Answer::Provisioned, Answer::Unavailable]
                }
                Place::Preparing => &[Answer::Prepared, Answer::Unfit, Answer::Lost],
                Place::Running(_) => {
                    &[Answer::Passed, Answer::Failed, Answer::Infra, Answer::Died, Answer::Hopeless]
                }
                Place::Releasing => &[Answer::Released, Answer::ReleaseFailed],
                Place::RollingBack => &[Answer::RolledBack, Answer::Lost],
                Place::Idle | Place::Quarantined => &[Answer::Lost],
                Place::Up | Place::Spent | Place::Orphaned(_) | Place::Left => {
                    unreachable!("checked after every event")
                }
            };
            // Remotes that are not what they should be matter only where somebody needs something.
            let needed = self.plan.tests.iter().any(|test| test.needs.is_some());
            let answers = answers.iter().filter(|answer| needed || **answer != Answer::Odd);
            options.extend(answers.map(|answer| Happening::Answer(*id, *answer)));
            if self.adopted.contains(id) {
                options.push(Happening::Answer(*id, Answer::Orphaned));
            }
            if let Place::Running(attempt) = place
                && !self.gang_of(&attempt.test).is_empty()
            {
                let names = BARRIERS.into_iter();
                // Once in a life each; two of them, and again and again, only in long histories.
                let names = names.filter(|name| {
                    self.noisy || *name == "x" && !self.asked.contains(&(*id, (*name).to_owned()))
                });
                options.extend(names.map(|name| Happening::Reach(*id, name)));
            }
            // What comes too late or too early to change anything.
            let noise: &[Answer] = match place {
                Place::Running(_) => &[Answer::Lost],
                Place::Releasing => &[Answer::Lost, Answer::Unfit, Answer::Prepared],
                _ => &[],
            };
            if self.noisy {
                options.extend(noise.iter().map(|answer| Happening::Answer(*id, *answer)));
            }
        }
        if !self.wakes.is_empty() {
            options.push(Happening::Wake);
        }
        if !self.interrupted {
            options.push(Happening::Interrupt);
        }
        options
    }

    /// Whether this brings the run nearer to its end. What does not may be left out when time is short.
    pub(crate) fn is_progress(happening: Happening) -> bool {
        !matches!(happening, Happening::Interrupt | Happening::Answer(_, Answer::Odd))
    }

    /// Lets it happen.
    pub(crate) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wake => {
                self.now = self.now.max(self.wakes.pop_first().unwrap());
                self.feed(RunEvent::TimePassed);
            }
            Happening::Reach(remote, barrier) => {
                let Place::Running(attempt) = self.remotes[&remote].1.clone() else {
                    panic!("{remote} runs nothing")
                };
                let barrier = barrier.to_owned();
                self.reached.insert((attempt.test.clone(), barrier.clone()));
                self.asked.insert((remote, barrier.clone()));
                self.feed(RunEvent::BarrierReached { remote, attempt, barrier });
            }
            Happening::Interrupt => {
                self.interrupted = true;
                self.feed(RunEvent::Interrupted);
            }
            Happening::Answer(remote, answer) => {
                let trouble =
                    [Answer::Unavailable, Answer::Misconfigured, Answer::Unfit, Answer::Lost];
                self.troubled |= trouble.contains(&answer);
                let event = self.answer(remote, answer);
                self.feed(event);
            }
        }
    }

    fn answer(&mut self, remote: RemoteId, answer: Answer) -> RunEvent {
        let (_, place) = self.remotes.get_mut(&remote).unwrap();
        let before = place.clone();
        let failure = Failure::infra("boom");
        match answer {
            Answer::Provisioned | Answer::Odd => {
                let pool = &self.plan.pools[self.remotes[&remote].0];
                let facts = match answer {
                    Answer::Odd => Facts::new().with("kind", "odd"),
                    _ => pool.facts.clone(),
                };
                self.facts.insert(remote, facts.clone());
                self.remotes.get_mut(&remote).unwrap().1 = Place::Up;
                // A few names, so that some come twice.
                RunEvent::RemoteProvisioned {
                    remote,
                    name: format!("host-{}", remote.0 % 5),
                    facts,
                }
            }
            Answer::RolledBack => {
                *place = Place::Up;
                RunEvent::RemoteRolledBack { remote }
            }
            Answer::Unavailable | Answer::Misconfigured | Answer::Withdrawn => {
                self.remotes.remove(&remote);
                let usage =
                    Failure { fault: Fault::Usage, retry: Retry::Never, message: "wrong".into() };
                match answer {
                    Answer::Withdrawn => RunEvent::ProvisionWithdrawn { remote },
                    Answer::Misconfigured => RunEvent::ProvisionFailed { remote, failure: usage },
                    _ => RunEvent::ProvisionFailed { remote, failure },
                }
            }
            Answer::Prepared => {
                if before == Place::Preparing {
                    *place = Place::Idle;
                }
                RunEvent::RemotePrepared { remote }
            }
            Answer::Unfit => RunEvent::PrepareFailed { remote, failure },
            Answer::Lost => {
                if matches!(place, Place::Idle | Place::RollingBack | Place::Quarantined) {
                    *place = Place::Spent;
                }
                RunEvent::RemoteLost { remote, failure }
            }
            Answer::Released | Answer::ReleaseFailed => {
                self.remotes.remove(&remote);
                match answer {
                    Answer::Released => RunEvent::RemoteReleased { remote },
                    _ => RunEvent::ReleaseFailed { remote, failure },
                }
            }
            Answer::Passed
            | Answer::Failed
            | Answer::Infra
            | Answer::Died
            | Answer::Orphaned
            | Answer::Hopeless => {
                self.adopted.remove(&remote);
                self.stopped.remove(&remote);
                self.asked.retain(|(other, _)| *other != remote);
                let Place::Running(attempt) = before else { panic!("{remote} runs nothing") };
                let destructive = self
                    .plan
                    .tests
                    .iter()
                    .any(|test| test.name == attempt.test && test.destructive);
                let spent = destructive || matches!(answer, Answer::Died | Answer::Orphaned);
                *place = if spent { Place::Spent } else { Place::Idle };
                self.waiting.insert(attempt.test.clone());
                let verdict = match answer {
                    Answer::Passed => Verdict::Passed,
                    Answer::Failed => Verdict::Failed,
                    _ => Verdict::Infra,
                };
                let outcome = Outcome::new(verdict, Duration::ZERO);
                let failure = match answer {
                    Answer::Died => Some(failure),
                    Answer::Orphaned => Some(Failure { fault: Fault::Cancelled, ..failure }),
                    Answer::Hopeless => Some(Failure { retry: Retry::Never, ..failure }),
                    _ => None,
                };
                RunEvent::TestEnded { remote, attempt, outcome, failure }
            }
        }
    }

    pub(crate) fn feed(&mut self, event: RunEvent) {
        self.now += Duration::from_millis(1);
        let actions = self.scheduler.on(self.now, &event);
        let before = self.history.take();
        let echoes = actions.iter().flat_map(echoes).collect();
        let step = Step { now: self.now, event, actions: actions.clone(), echoes, before };
        self.history = Some(Arc::new(step));
        for action in &actions {
            self.carry_out(action.clone());
        }
        self.check_gangs(&actions);
        self.check_barriers();
        self.check_held();
        self.check();
    }

    fn carry_out(&mut self, action: Action) {
        assert!(!self.finished, "{action} after the end");
        match action {
            Action::Provision { remote, pool } => {
                assert!(self.used.insert(remote), "{remote} is used twice");
                let pool = self.plan.pools.iter().position(|plan| plan.name == pool).unwrap();
                self.remotes.insert(remote, (pool, Place::Requested));
            }
            Action::Withdraw { remote } => {
                self.moves(remote, &Place::Requested, Place::Withdrawing);
            }
            Action::Prepare { remote } => self.moves(remote, &Place::Up, Place::Preparing),
            Action::Run { remote, attempt, .. } => {
                assert!(self.waiting.remove(&attempt.test), "{attempt} does not wait");
                let attempts = self.attempts.entry(attempt.test.clone()).or_default();
                *attempts += 1;
                assert_eq!(attempt.number, *attempts);
                let test = self.plan.tests.iter().find(|test| test.name == attempt.test).unwrap();
                let pool = self.remotes[&remote].0;
                assert!(self.may_run(test, remote, pool), "{attempt} on {remote}");
                assert!(!self.blamed.contains(&remote), "{attempt} on {remote}, which is bad");
                let gang = self.gang_of(&attempt.test).clone();
                if !gang.iter().any(|test| self.runs(test)) {
                    // They begin anew.
                    self.reached.retain(|(test, _)| !gang.contains(test));
                    self.answers.retain(|(test, _), _| !gang.contains(test));
                }
                self.moves(remote, &Place::Idle, Place::Running(attempt));
            }
            Action::Answer { remote, barrier, broken } => {
                let Place::Running(attempt) = &self.remotes[&remote].1 else {
                    panic!("{remote} waits at nothing")
                };
                let key = (attempt.test.clone(), barrier.clone());
                assert!(self.reached.contains(&key), "{attempt} did not come to {barrier}");
                let before = self.answers.insert(key, broken.is_none());
                assert!(before.is_none_or(|open| open == broken.is_none()), "told two things");
            }
            Action::Adopt { remote, attempt, together } => {
                assert_eq!(together, !self.gang_of(&attempt.test).is_empty());
                self.moves(remote, &Place::Orphaned(attempt.clone()), Place::Running(attempt));
                self.adopted.insert(remote);
            }
            Action::RollBack { remote } => {
                let (_, place) = self.remotes.get_mut(&remote).unwrap();
                assert!(matches!(place, Place::Idle | Place::Spent), "{remote} is {place:?}");
                *place = Place::RollingBack;
            }
            Action::Quarantine { remote, .. } => {
                assert!(self.blamed.insert(remote), "{remote} is blamed twice");
                let (_, place) = self.remotes.get_mut(&remote).unwrap();
                if *place == Place::Up {
                    *place = Place::Quarantined;
                }
            }
            Action::StopTest { remote } => {
                assert!(matches!(self.remotes[&remote].1, Place::Running(_)), "nothing to stop");
                self.stopped.insert(remote);
            }
            Action::Release { remote } => {
                let (_, place) = self.remotes.get_mut(&remote).unwrap();
                let releasable = !matches!(
                    place,
                    Place::Requested
                        | Place::Withdrawing
                        | Place::Running(_)
                        | Place::Releasing
                        | Place::Orphaned(_)
                );
                assert!(releasable, "{remote} is released while {place:?}");
                *place = Place::Releasing;
            }
            Action::Conclude(conclusion) => {
                let test = conclusion.test.clone();
                assert!(self.waiting.remove(&test), "{conclusion} does not wait");
                assert!(self.concluded.insert(test.clone()), "{conclusion} twice");
                let attempts = self.attempts.get(&test).copied().unwrap_or(0);
                assert_eq!(conclusion.attempts, attempts);
                assert_eq!(attempts == 0, conclusion.verdict == Verdict::NotRun);
            }
            Action::WakeAt { at } => {
                assert!(at > self.now, "waking in the past");
                self.wakes.insert(at);
            }
            Action::Finish => self.finished = true,
        }
    }

    fn moves(&mut self, remote: RemoteId, from: &Place, to: Place) {
        let (_, place) = self.remotes.get_mut(&remote).unwrap();
        assert_eq!(place, from, "{remote}");
        *place = to;
    }

    /// What must hold whenever all actions are carried out.
    fn check(&self) {
        let serving = |place: &Place| {
            matches!(place, Place::Requested | Place::Preparing | Place::Running(_))
        };
        for (index, pool) in self.plan.pools.iter().enumerate() {
            let out = self.remotes.values().filter(|(pool, _)| *pool == index).count();
            assert!(out <= pool.max, "{out} remotes of {}", pool.name);
        }
        for (id, (_, place)) in &self.remotes {
            assert!(
                !matches!(place, Place::Up | Place::Spent | Place::Orphaned(_) | Place::Left),
                "{id} is left {place:?}"
            );
            assert!(*place != Place::Idle || self.may_idle(*id), "{id} is idle");
        }
        let out = self.remotes.values().filter(|(_, place)| serving(place)).count();
        let left = self.plan.tests.len() - self.concluded.len();
        let spare = |pool: &PoolPlan| pool.spares.max(pool.min).min(left);
        let spares: usize = self.plan.pools.iter().map(spare).sum();
        assert!(out <= left + spares, "{out} remotes for {left} tests");
        let pending = |place: &Place| matches!(place, Place::Requested | Place::Preparing);
        let coming = self.remotes.values().filter(|(_, place)| pending(place)).count();
        let room = self.plan.pools.iter().map(|pool| pool.max).sum::<usize>() - self.remotes.len();
        if !self.troubled && self.plan.tests.iter().all(is_plain) {
            let wanted = self.waiting.len().min(coming + room);
            assert!(coming >= wanted, "{coming} remotes on their way, {wanted} could be");
        }
        if self.interrupted {
            assert!(
                !self.remotes.values().any(|(_, place)| pending(place)),
                "a remote for nothing"
            );
            // Those of a gang that runs are concluded with it.
            let alone = |test: &&TestPlan| test.together.is_none();
            let mut left = self.plan.tests.iter().filter(alone);
            assert!(left.all(|test| !self.waiting.contains(&test.name)), "{:?} wait", self.waiting);
        }
        if self.finished {
            assert_eq!(left, 0, "finished with tests left");
            assert!(self.remotes.is_empty(), "finished with {:?}", self.remotes);
        } else {
            let stuck = self.remotes.is_empty() && self.wakes.is_empty();
            assert!(!stuck, "nothing can happen any more, and the run is not over");
        }
    }

    /// Whether a test may run on a remote.
    fn may_run(&self, test: &TestPlan, remote: RemoteId, pool: usize) -> bool {
        let there = &self.plan.pools[pool];
        let facts = self.facts.get(&remote).unwrap_or(&there.facts);
        test.pools.as_ref().is_none_or(|pools| pools.contains(&pool))
            && test.wanted.as_ref().is_none_or(|wanted| *wanted == there.platform)
            && test.needs.as_ref().is_none_or(|needs| needs.met_by(facts) == Some(true))
    }

    /// Whether it is in order that a remote has nothing to do: it is a spare, or a gang that waits has a use for it.
    fn may_idle(&self, id: RemoteId) -> bool {
        let pool = self.remotes[&id].0;
        let wanted =
            |test: &TestPlan| self.waiting.contains(&test.name) && self.may_run(test, id, pool);
        let in_gang = |test: &TestPlan| !self.gang_of(&test.name).is_empty();
        let gangs = self.plan.tests.iter().any(|test| in_gang(test) && wanted(test));
        let there = &self.plan.pools[pool];
        let work = self.plan.tests.iter().any(|test| test.group.is_none() && wanted(test));
        let spare = there.spares.max(there.min) > 0 && !self.interrupted;
        gangs || (spare && !work && self.concluded.len() < self.plan.tests.len())
    }

    /// Gangs keep from the others no more remotes than the largest of them wants, less one: only one of them gathers.
    fn check_held(&self) {
        let plain = |test: &&TestPlan| test.group.is_none() && self.gang_of(&test.name).is_empty();
        let plain: Vec<&TestPlan> = self.plan.tests.iter().filter(plain).collect();
        let wanted = |id: RemoteId, pool| {
            plain
                .iter()
                .any(|test| self.waiting.contains(&test.name) && self.may_run(test, id, pool))
        };
        let held = self
            .remotes
            .iter()
            .filter(|(id, (pool, place))| *place == Place::Idle && wanted(**id, *pool));
        let sizes = self.plan.tests.iter().map(|test| self.gang_of(&test.name).len());
        let most = sizes.max().unwrap_or(0).saturating_sub(1);
        assert!(held.count() <= most, "more than {most} remotes are kept from those who wait");
    }

    /// Tests of a gang start together or not at all, each on a remote of its own.
    fn check_gangs(&self, actions: &[Action]) {
        let mut started: BTreeMap<&str, BTreeSet<RemoteId>> = BTreeMap::new();
        for action in actions {
            let Action::Run { remote, attempt, together } = action else { continue };
            let test = self.plan.tests.iter().find(|test| test.name == attempt.test).unwrap();
            let Some(own) = &test.together else { continue };
            started.entry(&own.gang).or_default().insert(*remote);
            let of_gang = |test: &&TestPlan| {
                test.together.as_ref().is_some_and(|other| other.gang == own.gang)
            };
            let size = self.plan.tests.iter().filter(of_gang).count();
            assert!(size == together.len() || size == 1, "{attempt} with {together:?}");
        }
        for (gang, remotes) in started {
            let of_gang =
                |test: &&TestPlan| test.together.as_ref().is_some_and(|other| *other.gang == *gang);
            let size = self.plan.tests.iter().filter(of_gang).count();
            assert_eq!(remotes.len(), size, "of gang {gang}, {remotes:?} start");
        }
    }

    /// The tests that run together with this one, and itself; none if it runs alone.
    pub(crate) fn gang_of(&self, test: &TestName) -> &BTreeSet<TestName> {
        static NOBODY: BTreeSet<TestName> = BTreeSet::new();
        self.gangs.get(test).unwrap_or(&NOBODY)
    }

    fn runs(&self, test: &TestName) -> bool {
        let runs =
            |place: &Place| matches!(place, Place::Running(attempt) if attempt.test == *test);
        self.remotes.values().any(|(_, place)| runs(place))
    }

    /// Whoever waits at a barrier knows how that goes on as soon as that is certain, and not before.
    fn check_barriers(&self) {
        for (remote, barrier) in &self.asked {
            let Place::Running(attempt) = &self.remotes[remote].1 else {
                panic!("{remote} is over")
            };
            let gang = self.gang_of(&attempt.test);
            let came = |test: &TestName| self.reached.contains(&(test.clone(), barrier.clone()));
            let expected = match gang.iter().all(came) {
                true => Some(true),
                false => gang.iter().any(|test| !came(test) && !self.runs(test)).then_some(false),
            };
            let told = self.answers.get(&(attempt.test.clone(), barrier.clone()));
            let stops = gang.iter().any(|test| {
                let runs = |(_, place): &(usize, Place)| matches!(place, Place::Running(attempt) if attempt.test == *test);
                let mut remotes = self.remotes.iter().filter(|(_, there)| runs(there));
                remotes.any(|(remote, _)| self.stopped.contains(remote))
            });
            let in_order = told.copied() == expected || (stops && told.is_none());
            assert!(in_order, "{attempt} is told {told:?} at {barrier}, not {expected:?}");
        }
    }

    pub(crate) fn steps(&self) -> Vec<&Step> {
        let mut steps: Vec<_> =
            std::iter::successors(self.history.as_deref(), |step| step.before.as_deref()).collect();
        steps.reverse();
        steps
    }

    /// What happened, one line per event.
    pub(crate) fn story(&self) -> String {
        let lines = self.steps().into_iter().map(|step| {
            let actions: Vec<String> = step.actions.iter().map(ToString::to_string).collect();
            let actions = if actions.is_empty() { "nothing".into() } else { actions.join("; ") };
            format!("{} -> {actions}", told(&step.event))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Feeds the history to a fresh scheduler, with the echoes that a journal has, and compares what it says.
    pub(crate) fn check_replay(&self) {
        let mut scheduler = Scheduler::new(Plan::clone(&self.plan));
        for step in self.steps() {
            assert_eq!(scheduler.on(step.now, &step.event), step.actions, "{:?}", step.event);
            for echo in step.actions.iter().flat_map(echoes) {
                assert_eq!(scheduler.on(step.now, &echo), [], "{echo:?} is only an echo");
            }
        }
    }
}

/// The tests that run together with others, each with all of them. One that nobody else is with is a test like any other.
fn gangs(plan: &Plan) -> BTreeMap<TestName, BTreeSet<TestName>> {
    let mut all: BTreeMap<&str, BTreeSet<TestName>> = BTreeMap::new();
    for test in &plan.tests {
        if let Some(together) = &test.together {
            all.entry(&together.gang).or_default().insert(test.name.clone());
        }
    }
    let gangs = all.into_values().filter(|gang| gang.len() > 1);
    gangs.flat_map(|gang| gang.clone().into_iter().map(move |test| (test, gang.clone()))).collect()
}

/// Tests that any remote can run, each by itself.
fn is_plain(test: &TestPlan) -> bool {
    test.pools.is_none()
        && test.needs.is_none()
        && test.wanted.is_none()
        && test.group.is_none()
        && test.together.is_none()
}

/// An event as people would tell it.
fn told(event: &RunEvent) -> String {
    match event {
        RunEvent::RunStarted { .. } => "start".to_owned(),
        RunEvent::RemoteProvisioned { remote, name, facts } => {
            format!("{remote} up {name} {facts}")
        }
        RunEvent::ProvisionFailed { remote, failure } => {
            format!("{remote} unavailable ({failure})")
        }
        RunEvent::ProvisionWithdrawn { remote } => format!("{remote} withdrawn"),
        RunEvent::RemotePrepared { remote } => format!("{remote} ready"),
        RunEvent::PrepareFailed { remote, .. } => format!("{remote} unfit"),
        RunEvent::RemoteLost { remote, .. } => format!("{remote} lost"),
        RunEvent::RemoteRolledBack { remote } => format!("{remote} rolled back"),
        RunEvent::TestEnded { remote, attempt, outcome, failure } => {
            let failure = failure.as_ref().map(|failure| format!(" ({:?})", failure.fault));
            format!("{remote} ends {attempt}: {}{}", outcome.verdict, failure.unwrap_or_default())
        }
        RunEvent::BarrierReached { remote, attempt, barrier } => {
            format!("{remote} {attempt} comes to {barrier}")
        }
        RunEvent::RemoteReleased { remote } => format!("{remote} released"),
        RunEvent::ReleaseFailed { remote, .. } => format!("{remote} stuck"),
        RunEvent::TimePassed => "wake".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What a driver tells the sinks about an action that it carries out.
fn echoes(action: &Action) -> Vec<RunEvent> {
    match action.clone() {
        Action::Provision { remote, pool } => {
            let lease = Lease::new("model", remote.to_string(), serde_json::Value::Null);
            vec![RunEvent::RemoteRequested { remote, pool }, RunEvent::Leased { remote, lease }]
        }
        Action::Run { remote, attempt, .. } => vec![RunEvent::TestStarted { remote, attempt }],
        Action::Conclude(conclusion) => {
            let failed = conclusion
                .attempt()
                .map(|attempt| RunEvent::IngestFailed { attempt, failure: Failure::infra("full") });
            failed.into_iter().chain([conclusion.into()]).collect()
        }
        Action::Quarantine { remote, reason } => {
            vec![RunEvent::RemoteQuarantined { remote, reason }]
        }
        Action::Finish => vec![RunEvent::RunFinished],
        Action::Withdraw { .. }
        | Action::Adopt { .. }
        | Action::Answer { .. }
        | Action::RollBack { .. }
        | Action::Prepare { .. }
        | Action::StopTest { .. }
        | Action::Release { .. }
        | Action::WakeAt { .. } => vec![],
    }
}
