//! [`Board`]: what is to be seen of a run that goes on; pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use atex_core::millis::Shown;
use atex_core::{Attempt, RemoteId, RunEvent, TestKey, Verdict};
use atex_report::{columns, shorten};

use super::estimate::{Work, left, roughly};
use crate::screen::Size;

/// What is to be seen of a run that goes on: which system does what and for how long, how many tests went how, how long it may
/// still take.
#[derive(Debug, Default)]
pub(super) struct Board {
    total: usize,
    verdicts: [usize; Verdict::ALL.len()],
    /// Tests that did not begin.
    waiting: HashSet<TestKey>,
    expected: HashMap<TestKey, Duration>,
    systems: BTreeMap<RemoteId, System>,
    /// How long tests took that ended, sorted.
    took: Vec<Duration>,
    stopping: bool,
}

#[derive(Debug)]
struct System {
    name: String,
    doing: Doing,
    since: Duration,
}

#[derive(Debug)]
enum Doing {
    Coming,
    Preparing,
    Testing(Attempt),
    Idle,
}

/// A wider name of a system is shortened.
const NAME_MAX: usize = 24;
/// More systems are summed up.
const ROWS_MAX: usize = 12;
/// As many durations are kept to know what is typical.
const TOOK_MAX: usize = 10_000;

impl Board {
    /// A board that knows how long tests are expected to take.
    pub(super) fn new(expected: HashMap<TestKey, Duration>) -> Self {
        Self { expected, ..Self::default() }
    }

    /// Takes in the next event.
    pub(super) fn take(&mut self, at: Duration, event: &RunEvent) {
        match event {
            RunEvent::RunStarted { tests, .. } => {
                self.total = tests.len();
                self.waiting = tests.iter().map(atex_core::PlannedTest::key).collect();
            }
            RunEvent::TestStarted { remote, attempt } => {
                self.waiting.remove(&attempt.key());
                self.now_does(*remote, (Doing::Testing(attempt.clone()), at));
            }
            RunEvent::TestEnded { remote, outcome, .. } => {
                self.now_does(*remote, (Doing::Idle, at));
                if self.took.len() < TOOK_MAX {
                    let place = self.took.partition_point(|took| *took < outcome.took);
                    self.took.insert(place, outcome.took);
                }
            }
            RunEvent::TestConcluded { test, wanted, verdict, .. } => {
                self.waiting.remove(&TestKey { test: test.clone(), wanted: wanted.clone() });
                let place = Verdict::ALL.iter().position(|one| one == verdict);
                self.verdicts[place.unwrap_or_default()] += 1;
            }
            RunEvent::RemoteRequested { remote, pool } => {
                let system = System { name: pool.clone(), doing: Doing::Coming, since: at };
                self.systems.insert(*remote, system);
            }
            RunEvent::RemoteProvisioned { remote, name, .. } => {
                self.now_does(*remote, (Doing::Preparing, at));
                if let Some(system) = self.systems.get_mut(remote) {
                    system.name.clone_from(name);
                }
            }
            RunEvent::RemotePrepared { remote } => self.now_does(*remote, (Doing::Idle, at)),
            RunEvent::RemoteRolledBack { remote } => {
                self.now_does(*remote, (Doing::Preparing, at));
            }
            RunEvent::ProvisionFailed { remote, .. }
            | RunEvent::ProvisionWithdrawn { remote }
            | RunEvent::PrepareFailed { remote, .. }
            | RunEvent::RemoteLost { remote, .. }
            | RunEvent::RemoteQuarantined { remote, .. }
            | RunEvent::RemoteReleased { remote }
            | RunEvent::ReleaseFailed { remote, .. } => {
                self.systems.remove(remote);
            }
            RunEvent::Interrupted => self.stopping = true,
            RunEvent::Restarted => {
                self.systems.retain(|_, system| !matches!(system.doing, Doing::Coming));
            }
            RunEvent::Leased { .. }
            | RunEvent::RemoteNoted { .. }
            | RunEvent::BarrierReached { .. }
            | RunEvent::IngestFailed { .. }
            | RunEvent::TimePassed
            | RunEvent::RunFinished => {}
        }
    }

    /// Whether somebody asked the run to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping
    }

    fn now_does(&mut self, remote: RemoteId, (doing, since): (Doing, Duration)) {
        let new = || System { name: remote.to_string(), doing: Doing::Idle, since };
        let system = self.systems.entry(remote).or_insert_with(new);
        (system.doing, system.since) = (doing, since);
    }

    fn done(&self) -> usize {
        self.verdicts.iter().sum()
    }

    /// What to show at a time of the run: lines that are shorter than the terminal is wide, few enough to leave most of its
    /// rows to what is above.
    pub(super) fn frame(&self, now: Duration, size: Size) -> Vec<String> {
        let width = size.columns - 1;
        let mut lines = self.rows(now, (width, (size.rows / 3).clamp(1, ROWS_MAX)));
        lines.push(self.totals(now, width));
        lines
    }

    /// The systems that do something: each in its place, or those that run longest, if there is no room for all.
    fn rows(&self, now: Duration, (width, most): (usize, usize)) -> Vec<String> {
        let busy = |system: &&System| matches!(system.doing, Doing::Testing(_) | Doing::Preparing);
        let mut shown: Vec<&System> = self.systems.values().filter(busy).collect();
        let all = shown.len();
        if all > most {
            shown.sort_by_key(|system| (!matches!(system.doing, Doing::Testing(_)), system.since));
            shown.truncate(most.saturating_sub(1));
        }
        let widest = shown
            .iter()
            .map(|system| columns(&shorten(host(&system.name), NAME_MAX)))
            .max()
            .unwrap_or(0);
        let name = widest.min(NAME_MAX).min(width / 3);
        let mut lines: Vec<String> =
            shown.iter().map(|system| self.row(system, now, (width, name))).collect();
        lines.extend(self.others(all - shown.len(), width));
        lines
    }

    /// `vm-3    1m02s  /distribution/upgrade  (of about 3m)`
    fn row(&self, system: &System, now: Duration, (width, name): (usize, usize)) -> String {
        let shown = shorten(host(&system.name), name);
        let mut line = format!("{shown}{}", " ".repeat(name.saturating_sub(columns(&shown))));
        let ran = Duration::from_secs(now.saturating_sub(system.since).as_secs());
        line.push_str(&format!("  {:>6}  ", Shown(ran).to_string()));
        let room = width.saturating_sub(columns(&line));
        let (what, of) = match &system.doing {
            Doing::Testing(attempt) => {
                let expected = self.expected.get(&attempt.key());
                let of = expected.map(|time| format!("  (of about {})", roughly(*time)));
                (attempt.to_string(), of.unwrap_or_default())
            }
            Doing::Preparing => ("is made ready".to_owned(), String::new()),
            Doing::Coming | Doing::Idle => (String::new(), String::new()),
        };
        // The name of the test needs the room first.
        let (room, of) = match room.checked_sub(of.len()) {
            Some(left) if left >= 24 => (left, dim(&of)),
            _ => (room, String::new()),
        };
        line.push_str(&shorten(&what, room));
        shorten(&line, width) + &of
    }

    /// A line for what is not shown: systems that do something, and those that do nothing.
    fn others(&self, hidden: usize, width: usize) -> Option<String> {
        let count = |wanted: fn(&Doing) -> bool| {
            self.systems.values().filter(|system| wanted(&system.doing)).count()
        };
        let kinds = [
            (hidden, "more at work"),
            (count(|doing| matches!(doing, Doing::Coming)), "on their way"),
            (count(|doing| matches!(doing, Doing::Idle)), "idle"),
        ];
        let parts: Vec<String> = kinds
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!parts.is_empty()).then(|| dim(&shorten(&format!("systems: {}", parts.join(", ")), width)))
    }

    /// `[#####-----] 12/120  10 passed, 1 failed, 1 infra  3m12s, about 7m left`
    fn totals(&self, now: Duration, width: usize) -> String {
        let count = format!("{}/{}", self.done(), self.total);
        let words: Vec<(Verdict, String)> = Verdict::ALL
            .into_iter()
            .zip(self.verdicts)
            .filter(|(_, count)| *count > 0)
            .map(|(verdict, count)| (verdict, format!("{count} {verdict}")))
            .collect();
        let plain: Vec<&str> = words.iter().map(|(_, text)| text.as_str()).collect();
        let plain = plain.join(", ");
        let mut time = Shown(Duration::from_secs(now.as_secs())).to_string();
        match self.left(now) {
            _ if self.stopping => time.push_str(", stopping"),
            Some(left) if self.done() < self.total => {
                time.push_str(&format!(", about {} left", roughly(left)));
            }
            _ => {}
        }
        let gap = if plain.is_empty() { "" } else { "  " };
        let text = format!("{count}{gap}{plain}  {time}");
        let Some(room) = width.checked_sub(columns(&text)) else {
            return shorten(&text, width);
        };
        let coloured: Vec<String> =
            words.iter().map(|(verdict, text)| painted(*verdict, text)).collect();
        let bar = bar(self.done(), self.total, room.saturating_sub(3).min(24));
        format!("{bar}{count}{gap}{}  {time}", coloured.join(", "))
    }

    fn left(&self, now: Duration) -> Option<Duration> {
        let mut work = Work { systems: self.systems.len(), ..Work::default() };
        // The middle of a few says little.
        work.typical = self.took.get(self.took.len() / 2).copied().filter(|_| self.took.len() > 2);
        for key in &self.waiting {
            match self.expected.get(key) {
                Some(expected) => work.waiting.push(*expected),
                None => work.unknown += 1,
            }
        }
        for system in self.systems.values() {
            if let Doing::Testing(attempt) = &system.doing {
                let expected = self.expected.get(&attempt.key()).copied();
                work.running.push((expected, now.saturating_sub(system.since)));
            }
        }
        left(&work)
    }
}

/// The name of a system without its domain, which is the same for most of them.
fn host(name: &str) -> &str {
    match name.split_once('.') {
        Some((host, _)) if host.contains(|char: char| char.is_alphabetic()) => host,
        _ => name,
    }
}

/// A bar of so many characters, with its brackets and a space; nothing if there is no room for one.
fn bar(done: usize, total: usize, width: usize) -> String {
    if width < 8 {
        return String::new();
    }
    let full = (done * width).checked_div(total).unwrap_or(0).min(width);
    format!("[\x1b[32m{}\x1b[0m{}] ", "#".repeat(full), "-".repeat(width - full))
}

/// A text in the colour of a verdict.
pub(super) fn painted(verdict: Verdict, text: &str) -> String {
    let color = match verdict {
        Verdict::Passed => "32",
        Verdict::Failed => "1;31",
        Verdict::Infra | Verdict::NotRun => "1;33",
        Verdict::Skipped => "2",
    };
    format!("\x1b[{color}m{text}\x1b[0m")
}

fn dim(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("\x1b[2m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use atex_core::{Facts, Failure, Outcome, PlannedPool, PlannedTest, TestName};

    use super::*;

    fn key(test: &str) -> TestKey {
        TestKey::any(TestName::new(test).unwrap())
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A run in the making: so many tests and systems, all of which came up at once.
    struct Scene(Board, u64);

    impl Scene {
        fn new(tests: usize, systems: u32, name: impl Fn(u32) -> String) -> Self {
            let test =
                |number| PlannedTest::new(key(&format!("/t/{number:03}")).test, seconds(300));
            let tests: Vec<PlannedTest> = (0..tests).map(test).collect();
            let expected =
                HashMap::from([(key("/t/000"), seconds(100)), (key("/t/001"), seconds(30))]);
            let pool = PlannedPool {
                name: "lab".into(),
                platform: "x".into(),
                max: 9,
                facts: Facts::new(),
            };
            let mut scene = Self(Board::new(expected), 0);
            scene.event(RunEvent::RunStarted { tests, pools: vec![pool] });
            for number in 1..=systems {
                let remote = RemoteId(number);
                scene.event(RunEvent::RemoteRequested { remote, pool: "lab".into() });
                if number < systems || systems == 1 {
                    let (name, facts) = (name(number), Facts::new());
                    scene.event(RunEvent::RemoteProvisioned { remote, name, facts });
                }
            }
            scene
        }

        fn event(&mut self, event: RunEvent) {
            self.0.take(seconds(self.1), &event);
        }

        fn start(&mut self, remote: u32, test: u32) {
            let attempt = Attempt::of(key(&format!("/t/{test:03}")), 1);
            self.event(RunEvent::TestStarted { remote: RemoteId(remote), attempt });
        }

        fn end(&mut self, remote: u32, (test, verdict): (u32, Verdict), took: u64) {
            let attempt = Attempt::of(key(&format!("/t/{test:03}")), 1);
            let outcome = Outcome::new(verdict, seconds(took));
            let (test, remote) = (attempt.test.clone(), RemoteId(remote));
            self.event(RunEvent::TestEnded { remote, attempt, outcome, failure: None });
            let (wanted, platform, note) = (None, None, None);
            self.event(RunEvent::TestConcluded {
                test,
                wanted,
                verdict,
                platform,
                attempts: 1,
                note,
            });
        }

        fn shown(&self, columns: usize, rows: usize) -> String {
            let frame = self.0.frame(seconds(self.1), Size { columns, rows });
            for line in &frame {
                let plain = anstream::adapter::strip_str(line).to_string();
                assert!(atex_report::columns(&plain) < columns, "{plain:?}");
                assert!(plain.chars().all(atex_core::display::is_harmless), "{plain:?}");
            }
            assert!(frame.len() <= rows, "{frame:?}");
            anstream::adapter::strip_str(&frame.join("\n")).to_string()
        }
    }

    #[test]
    fn a_run_on_a_few_systems() {
        let mut scene = Scene::new(8, 5, |number| format!("vm-{number}"));
        let mut shown = vec![scene.shown(80, 24)];
        scene.1 = 12;
        for remote in 1..4 {
            scene.event(RunEvent::RemotePrepared { remote: RemoteId(remote) });
            scene.start(remote, remote - 1);
        }
        shown.push(scene.shown(80, 24));
        scene.1 = 75;
        scene.end(2, (1, Verdict::Passed), 20);
        scene.end(3, (2, Verdict::Failed), 63);
        scene.start(3, 3);
        scene.1 = 80;
        scene.end(3, (3, Verdict::Infra), 5);
        scene.event(RunEvent::RemoteLost { remote: RemoteId(3), failure: Failure::infra("x") });
        scene.start(2, 4);
        scene.1 = 90;
        shown.extend([80, 44, 20].map(|columns| scene.shown(columns, 24)));
        scene.event(RunEvent::Interrupted);
        shown.push(scene.shown(80, 24));
        insta::assert_snapshot!(shown.join("\n\n"));
    }

    #[test]
    fn hundreds_of_systems_are_summed_up() {
        let mut scene = Scene::new(900, 301, |number| format!("machine-{number}.lab.example.org"));
        for remote in 1..=200 {
            scene.1 += 1;
            scene.event(RunEvent::RemotePrepared { remote: RemoteId(remote) });
            scene.start(remote, remote);
        }
        insta::assert_snapshot!(
            [scene.shown(100, 30), scene.shown(60, 6), scene.shown(30, 4)].join("\n\n")
        );
    }

    #[test]
    fn hostile_names_stay_within_their_line() {
        let name = "\u{1b}[2J\u{202e}\n日本語".repeat(20_000);
        let mut scene = Scene::new(2, 2, |_| name.clone());
        scene.start(1, 0);
        for (columns, rows) in [(20, 4), (21, 5), (80, 24), (500, 100)] {
            scene.shown(columns, rows);
        }
    }
}
