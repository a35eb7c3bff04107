//! All orders of events of short attempts, and stories that have to end as they do.

use std::collections::HashSet;

use super::*;
use crate::control::DurationChange;

const SECOND: Duration = Duration::from_secs(1);
/// The limit of the tests here.
const LIMIT: Duration = Duration::from_secs(300);

/// A moment of a story: something happens after a while.
#[derive(Debug, Clone)]
struct Step(Duration, Event);

fn at_once(event: Event) -> Step {
    Step(Duration::ZERO, event)
}

/// Everything that can happen.
fn alphabet() -> Vec<Step> {
    let words = [
        Word::Exitcode(0),
        Word::Disconnect,
        Word::Duration(DurationChange::Set(SECOND)),
        Word::Barrier("up".into()),
    ];
    let ends = [
        Ended::Over(Some(0)),
        Ended::Over(Some(143)),
        Ended::Over(None),
        Ended::Late,
        Ended::Killed,
        Ended::Rebooted,
        Ended::Missing,
        Ended::Torn("torn".into()),
    ];
    let others = [
        Event::Attached,
        Event::Heard,
        Event::Over,
        Event::Goes,
        Event::Malformed("wrong".into()),
        Event::Untold("full".into()),
        Event::Cut,
        Event::Connected,
        Event::Refused { for_good: false },
        Event::Refused { for_good: true },
        Event::Broken,
        Event::Cancelled,
    ];
    let events = words.into_iter().map(Event::Word).chain(ends.into_iter().map(Event::Ended));
    let mut steps: Vec<Step> = events.chain(others).map(at_once).collect();
    // Time passes: a little, and more than any limit.
    steps.extend([Step(SECOND, Event::Time), Step(2 * LIMIT, Event::Time)]);
    steps
}

/// Each time is an event of the run, for good.
#[test]
fn a_test_comes_to_barriers_so_often_and_no_more() {
    let mut world = World::new();
    world.step(&at_once(Event::Attached)).unwrap();
    for number in 0..BARRIERS_MAX {
        let word = Word::Barrier(format!("b{}", number % 7));
        assert_eq!(world.step(&at_once(Event::Word(word))), Ok(None), "{number}");
    }
    assert_eq!(world.attempt.progress.barriers.len(), 7);
    let word = Event::Word(Word::Barrier("b0".into()));
    assert_eq!(world.step(&at_once(word)), Ok(Some(Action::Stop)));
    assert!(matches!(&world.attempt.state, State::Stopping { why: End::Test(_), .. }));
}

/// What an attempt did so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    attempt: Attempt,
    now: Duration,
    concluded: Option<End>,
    /// Whether a reboot was announced since the last start.
    announced: bool,
    connected: Duration,
    starts: u32,
}

impl World {
    fn new() -> Self {
        let limits = Limits { silence: Some(100 * SECOND), ..Limits::default() };
        let (attempt, action) = Attempt::start(LIMIT, limits);
        assert_eq!(action, Action::Start { restart: 0 });
        let now = Duration::ZERO;
        Self { attempt, now, concluded: None, announced: false, connected: now, starts: 1 }
    }

    /// Lets something happen; complains of what must never be done.
    fn step(&mut self, step: &Step) -> Result<Option<Action>, String> {
        self.now += step.0;
        let was_running = self.attempt.is_running();
        let action = self.attempt.on(self.now, step.1.clone());
        if self.concluded.is_some() && (action.is_some() || self.attempt.wake().is_some()) {
            return Err(format!("it acts after its conclusion: {action:?}"));
        }
        if matches!(step.1, Event::Word(Word::Disconnect)) && was_running {
            self.announced = true;
        }
        match &action {
            Some(Action::Conclude(end)) => self.concluded = Some(end.clone()),
            Some(Action::Connect { .. }) => {
                if self.connected + PAUSES.0 > self.now && self.connected > Duration::ZERO {
                    return Err("it reconnects without a pause".into());
                }
                self.connected = self.now;
            }
            Some(Action::Start { restart }) => {
                let again = *restart + 1 > self.starts;
                if again && !std::mem::take(&mut self.announced) {
                    return Err("it starts the test again though no reboot was announced".into());
                }
                self.starts = restart + 1;
            }
            _ => {}
        }
        let blamed = match &self.concluded {
            Some(End::Exited(_)) => {
                matches!(step.1, Event::Ended(Ended::Over(_))) && !self.announced
            }
            Some(End::Test(_)) => !matches!(step.1, Event::Cut | Event::Refused { .. }),
            _ => true,
        };
        if action.is_some() && !blamed {
            return Err(format!("{:?} made it conclude {:?}", step.1, self.concluded));
        }
        Ok(action)
    }

    /// From here on nothing happens but that time passes, and nobody answers: it has to end, soon enough.
    fn runs_out(mut self) -> Result<(), String> {
        let began = self.now;
        for _ in 0..500 {
            let Some(wake) = self.attempt.wake() else { return Ok(()) };
            let step = Step(wake.saturating_sub(self.now), Event::Time);
            match self.step(&step)? {
                Some(Action::Connect { .. }) => {
                    drop(self.step(&Step(SECOND, Event::Refused { for_good: false }))?);
                }
                Some(Action::Stop) => {
                    // It is told to stop, and is gone.
                    self.step(&at_once(Event::Ended(Ended::Over(Some(143)))))?;
                }
                _ => {}
            }
            if self.now.saturating_sub(began) > 4 * LIMIT {
                return Err("it goes on and on".into());
            }
        }
        Err("it never ends".into())
    }

    /// The same, but somebody is there who attaches, and is cut off at once, again and again.
    fn flaps(mut self) -> Result<(), String> {
        for _ in 0..10_000 {
            let Some(wake) = self.attempt.wake() else { return Ok(()) };
            let step = Step(wake.saturating_sub(self.now), Event::Time);
            let mut action = self.step(&step)?;
            while let Some(next) = action {
                action = match next {
                    Action::Connect { .. } => self.step(&at_once(Event::Connected))?,
                    Action::Attach { .. } => {
                        let action = self.step(&at_once(Event::Attached))?;
                        if action.is_some() { action } else { self.step(&at_once(Event::Cut))? }
                    }
                    Action::Stop => self.step(&at_once(Event::Ended(Ended::Over(Some(143)))))?,
                    Action::Close => self.step(&at_once(Event::Cut))?,
                    _ => None,
                };
            }
        }
        Err("it never ends".into())
    }
}

/// Walks through all orders of events, this long; each state once.
fn walk(length: usize) -> usize {
    let alphabet = alphabet();
    let mut level: HashSet<World> = HashSet::from([World::new()]);
    let mut seen = level.clone();
    for depth in 0..length {
        let mut next = HashSet::new();
        for world in level {
            for step in &alphabet {
                let mut after = world.clone();
                let broken = |what: String| -> ! {
                    panic!("at depth {depth}: {what}\nbefore: {world:#?}\nthen: {step:?}")
                };
                after.step(step).unwrap_or_else(|what| broken(what));
                if after.concluded.is_none() && seen.insert(after.clone()) {
                    after.clone().runs_out().unwrap_or_else(|what| broken(what));
                    after.clone().flaps().unwrap_or_else(|what| broken(what));
                    next.insert(after);
                } else if after.concluded.is_some() {
                    // Whatever comes, it is over.
                    for step in &alphabet {
                        after.clone().step(step).unwrap_or_else(|what| broken(what));
                    }
                }
            }
        }
        level = next;
    }
    seen.len()
}

#[test]
fn every_order_of_events_comes_to_one_end() {
    let states = walk(6);
    assert!(states > 1000, "{states}");
}

/// Cancelled in any state, it ends as soon as the remote answers, or when it does not.
#[test]
fn cancelling_ends_it_from_everywhere() {
    let alphabet = alphabet();
    let mut level = vec![World::new()];
    for _ in 0..4 {
        let mut next = HashSet::new();
        for world in &level {
            let mut cancelled = world.clone();
            let action = cancelled.step(&at_once(Event::Cancelled)).unwrap();
            match action {
                Some(Action::Stop) => {
                    let action =
                        cancelled.step(&at_once(Event::Ended(Ended::Over(Some(143))))).unwrap();
                    assert_eq!(action, Some(Action::Conclude(End::Cancelled)), "{world:#?}");
                }
                Some(Action::Conclude(End::Cancelled)) => {}
                // It was being stopped, or is over.
                None => assert!(world.attempt.is_ending(), "{world:#?}"),
                other => panic!("{other:?} after {world:#?}"),
            }
            for step in &alphabet {
                let mut after = world.clone();
                after.step(step).unwrap();
                next.insert(after);
            }
        }
        level = next.into_iter().filter(|world| world.concluded.is_none()).collect();
    }
}

/// What a story does, one line for each step that leads to something.
fn story(steps: &[(u64, Event)]) -> String {
    let (mut attempt, first) = Attempt::start(LIMIT, Limits::default());
    let mut lines = vec![format!("{first:?}")];
    for (second, event) in steps {
        let now = Duration::from_secs(*second);
        let action = attempt.on(now, event.clone());
        let action = action.map_or_else(
            || format!("waits until {:?}", attempt.wake()),
            |action| format!("{action:?}"),
        );
        lines.push(format!("{second}: {event:?} => {action}"));
    }
    lines.join("\n")
}

type Story = (&'static str, Vec<(u64, Event)>);

fn stories_of_reboots() -> Vec<Story> {
    use Event::{Attached, Connected, Cut, Time};
    let over = |code| Event::Ended(Ended::Over(Some(code)));
    let disconnect = || Event::Word(Word::Disconnect);
    let ended = Event::Ended;
    vec![
        (
            "two reboots",
            vec![
                (0, Attached),
                (5, disconnect()),
                (9, Cut),
                (10, Time),
                (40, Connected),
                (40, ended(Ended::Rebooted)),
                (41, Attached),
                (50, disconnect()),
                (55, ended(Ended::Killed)),
                (56, Time),
                (57, Connected),
                (57, ended(Ended::Rebooted)),
                (58, Attached),
                (60, over(0)),
            ],
        ),
        (
            "the second one was not announced",
            vec![
                (0, Attached),
                (5, disconnect()),
                (9, Cut),
                (10, Time),
                (11, Connected),
                (12, ended(Ended::Rebooted)),
                (13, Attached),
                (20, Cut),
                (21, Time),
                (22, Connected),
                (23, ended(Ended::Rebooted)),
            ],
        ),
    ]
}

fn stories_of_reboots_that_do_not_come() -> Vec<Story> {
    use Event::{Attached, Connected, Cut, Time};
    let over = |code| Event::Ended(Ended::Over(Some(code)));
    let disconnect = || Event::Word(Word::Disconnect);
    let refused = || Event::Refused { for_good: false };
    vec![
        (
            "its noop loop dies of the closed channel",
            vec![(0, Attached), (5, disconnect()), (6, over(141))],
        ),
        (
            "killed by the shutdown that then does not come",
            vec![
                (0, Attached),
                (5, disconnect()),
                (6, over(143)),
                (7, Time),
                (7, Connected),
                (8, over(143)),
                (130, Time),
            ],
        ),
        (
            "it comes back as it was, and goes on waiting",
            vec![
                (0, Attached),
                (5, disconnect()),
                (6, Cut),
                (7, Time),
                (8, Connected),
                (9, Attached),
                (300, Time),
            ],
        ),
        (
            "it does not come back from its reboot",
            vec![
                (0, Attached),
                (5, disconnect()),
                (6, Cut),
                (7, Time),
                (8, refused()),
                (300, Time),
                (301, refused()),
            ],
        ),
    ]
}

fn other_stories() -> Vec<Story> {
    use Event::{Attached, Connected, Cut, Time};
    let over = |code| Event::Ended(Ended::Over(Some(code)));
    let ended = Event::Ended;
    let refused = || Event::Refused { for_good: false };
    vec![
        ("it ends by itself", vec![(0, Attached), (9, over(3))]),
        (
            "a cut, and it is found again",
            vec![
                (0, Attached),
                (5, Cut),
                (6, Time),
                (6, refused()),
                (7, Time),
                (7, Connected),
                (8, Attached),
            ],
        ),
        (
            "started, perhaps",
            vec![(1, Cut), (2, Time), (3, Connected), (4, ended(Ended::Missing)), (5, Attached)],
        ),
        ("it cannot be stopped", vec![(0, Attached), (300, Time), (320, Time)]),
        (
            "it ends just before its time is up, and what it left takes a while",
            vec![
                (0, Attached),
                (300, Time),
                (300, Event::Over),
                (350, Event::Heard),
                (400, over(0)),
            ],
        ),
        (
            "what it left does not arrive",
            vec![(0, Attached), (300, Time), (300, Event::Over), (420, Time)],
        ),
    ]
}

#[test]
fn stories() {
    let stories =
        [other_stories(), stories_of_reboots(), stories_of_reboots_that_do_not_come()].concat();
    let told: Vec<String> =
        stories.iter().map(|(name, steps)| format!("=== {name}\n{}", story(steps))).collect();
    insta::assert_snapshot!(told.join("\n"));
}
