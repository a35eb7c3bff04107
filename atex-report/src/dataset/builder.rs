//! [`DatasetBuilder`] and [`RunBuilder`]: a dataset in the making.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use atex_core::Verdict;

use super::rows::Rows;
use super::{AttemptId, Dataset, DatasetAttempt, DatasetRun, Key, Row, TestOutcome, Texts};
use crate::{RunInfo, RunReport};

/// Problems that are kept of a run; there may be one for each of millions of lines.
const PROBLEMS_MAX: usize = 100;

/// A [`Dataset`] in the making: run after run, in the order in which they are to be shown.
#[derive(Debug, Default)]
pub struct DatasetBuilder {
    pub(super) texts: Texts,
    runs: Vec<DatasetRun>,
}

impl DatasetBuilder {
    /// Begins a run, which belongs to the dataset once it is [finished](RunBuilder::finish).
    pub fn run(&mut self, info: RunInfo) -> RunBuilder<'_> {
        let run = DatasetRun {
            info,
            report: None,
            attempts: Vec::new(),
            outcomes: Vec::new(),
            rows: Rows::default(),
            problems: Vec::new(),
            tags: BTreeMap::new(),
        };
        RunBuilder { builder: self, run, of_row: Vec::new(), known: HashMap::new(), before: None }
    }

    /// All of it.
    pub fn finish(self) -> Dataset {
        Dataset { texts: self.texts, runs: self.runs }
    }
}

/// One run of a [`Dataset`] in the making. Dropping it instead of finishing it leaves the run out.
#[derive(Debug)]
pub struct RunBuilder<'a> {
    pub(super) builder: &'a mut DatasetBuilder,
    pub(super) run: DatasetRun,
    /// The attempt of each row.
    pub(super) of_row: Vec<u32>,
    known: HashMap<(Key, Key, u32), AttemptId>,
    /// The attempt that was asked for last: mostly the next row is of the same.
    before: Option<AttemptId>,
}

/// What may be said of an attempt, besides what it reported. What is not known is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewAttempt<'t> {
    /// The remote that it ran on.
    pub guest: Option<&'t str>,
    /// The verdict on it.
    pub verdict: Option<Verdict>,
    /// Why.
    pub note: Option<&'t str>,
    /// When it began, since the run did.
    pub started: Option<Duration>,
    /// How long it ran.
    pub took: Option<Duration>,
}

/// A result to be added. What it does not say is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewRow<'t> {
    /// The subtest; none for a result of the test itself.
    pub subtest: Option<&'t str>,
    /// The status.
    pub status: Option<&'t str>,
    /// The note.
    pub note: Option<&'t str>,
    /// The names of its files, as the test gave them.
    pub files: &'t [&'t str],
    /// When it began, since the run did. Kept in whole milliseconds.
    pub started: Option<Duration>,
    /// How long it took. Kept in whole milliseconds.
    pub took: Option<Duration>,
}

impl RunBuilder<'_> {
    /// The attempt with this number (from 1) of a test on a platform, which is added if it is not there.
    pub fn attempt(&mut self, platform: &str, test: &str, number: u32) -> AttemptId {
        let texts = &mut self.builder.texts;
        if let Some(id) = self.before {
            let before = self.run.attempt(id);
            if before.number == number
                && texts.tests.text(before.test) == test
                && texts.platforms.text(before.platform) == platform
            {
                return id;
            }
        }
        let (platform, test) = (texts.platforms.add(platform), texts.tests.add(test));
        let attempts = &mut self.run.attempts;
        let id = *self.known.entry((platform, test, number)).or_insert_with(|| {
            attempts.push(DatasetAttempt {
                platform,
                test,
                number,
                last: false,
                guest: None,
                verdict: None,
                note: None,
                started: None,
                took: None,
                rows: 0..0,
            });
            AttemptId(u32::try_from(attempts.len() - 1).unwrap_or(u32::MAX))
        });
        self.before = Some(id);
        id
    }

    /// Says more of an attempt. What is none does not change what was said before.
    pub fn describe(&mut self, attempt: AttemptId, more: NewAttempt<'_>) {
        let texts = &mut self.builder.texts;
        let of = &mut self.run.attempts[attempt.index()];
        of.guest = more.guest.map(|guest| texts.guests.add(guest)).or(of.guest);
        of.note = more.note.map(|note| texts.notes.add(note)).or(of.note);
        of.verdict = more.verdict.or(of.verdict);
        of.started = more.started.or(of.started);
        of.took = more.took.or(of.took);
    }

    /// Adds a result of an attempt. Those of different attempts may come in any order.
    pub fn row(&mut self, attempt: AttemptId, new: NewRow<'_>) {
        let texts = &mut self.builder.texts;
        let files = (!new.files.is_empty())
            .then(|| serde_json::to_string(new.files).unwrap_or_default())
            .map(|list| texts.files.add(&list));
        self.run.rows.push(&Row {
            attempt,
            subtest: new.subtest.map(|subtest| texts.subtests.add(subtest)),
            status: new.status.map(|status| texts.statuses.add(status)),
            note: new.note.map(|note| texts.notes.add(note)),
            files,
            started: new.started,
            took: new.took,
        });
        self.of_row.push(attempt.0);
    }

    /// Says that a test has a tag.
    pub fn tag(&mut self, test: &str, tag: &str) {
        let test = self.builder.texts.tests.add(test);
        let tests = self.run.tags.entry(tag.to_owned()).or_default();
        if !tests.contains(&test) {
            tests.push(test);
        }
    }

    /// Remembers something that could not be read. The first hundred are kept.
    pub fn problem(&mut self, problem: impl Into<String>) {
        if self.run.problems.len() < PROBLEMS_MAX {
            self.run.problems.push(problem.into());
        }
    }

    /// Adds what the events of the run tell: its attempts with their times and verdicts, its tests, its remotes.
    pub fn report(&mut self, report: RunReport) {
        let guests: HashMap<_, _> =
            report.remotes().map(|remote| (remote.id, remote.label())).collect();
        for test in report.tests() {
            for attempt in &test.attempts {
                let platform = attempt.platform.as_deref().or(test.platform.as_deref());
                let platform = platform.or(test.wanted.as_deref());
                let id =
                    self.attempt(platform.unwrap_or_default(), test.name.as_str(), attempt.number);
                let outcome = attempt.outcome.as_ref();
                let failure = attempt.failure.as_ref().map(|failure| failure.message.as_str());
                let more = NewAttempt {
                    guest: guests.get(&attempt.remote).map(String::as_str),
                    verdict: attempt.verdict(),
                    note: failure.or(outcome.and_then(|outcome| outcome.note.as_deref())),
                    started: Some(attempt.started),
                    took: outcome.map(|outcome| outcome.took),
                };
                self.describe(id, more);
            }
        }
        self.run.report = Some(report);
    }

    /// Ends the run and adds it to the dataset.
    pub fn finish(mut self) {
        let ranges = self.run.rows.group(&self.of_row, self.run.attempts.len());
        for (attempt, rows) in self.run.attempts.iter_mut().zip(ranges) {
            attempt.rows = rows;
        }
        self.conclude_attempts();
        self.run.outcomes = self.outcomes();
        for outcome in &self.run.outcomes {
            if let Some(last) = outcome.attempts.last() {
                self.run.attempts[last.index()].last = true;
            }
        }
        self.builder.runs.push(self.run);
    }

    /// Gives those attempts a verdict of which nobody said it, and which are not known to be running.
    fn conclude_attempts(&mut self) {
        let running =
            |attempt: &DatasetAttempt| self.run.report.is_some() && attempt.rows.is_empty();
        let verdicts: Vec<Option<Verdict>> = (0_u32..)
            .zip(&self.run.attempts)
            .map(|(number, attempt)| match attempt.verdict {
                None if !running(attempt) => self.judged(AttemptId(number)),
                verdict => verdict,
            })
            .collect();
        for (attempt, verdict) in self.run.attempts.iter_mut().zip(verdicts) {
            attempt.verdict = verdict;
        }
    }

    /// What the results of an attempt say: its own one, the last of several, else the worst.
    fn judged(&self, attempt: AttemptId) -> Option<Verdict> {
        let statuses = &self.builder.texts.statuses;
        let of = |row: &Row| Verdict::from_status(row.status.map(|key| statuses.text(key)), None);
        let own = self.run.rows_of(attempt).filter(|row| row.subtest.is_none()).last();
        own.as_ref().map(of).or_else(|| self.run.rows_of(attempt).map(|row| of(&row)).max())
    }

    fn outcomes(&mut self) -> Vec<TestOutcome> {
        let mut by_place: HashMap<(Key, Key), usize> = HashMap::new();
        let mut all: Vec<TestOutcome> = Vec::new();
        for (number, attempt) in (0_u32..).zip(&self.run.attempts) {
            let place = *by_place.entry((attempt.test, attempt.platform)).or_insert_with(|| {
                all.push(TestOutcome {
                    test: attempt.test,
                    platform: Some(attempt.platform),
                    verdict: None,
                    note: None,
                    attempts: Vec::new(),
                });
                all.len() - 1
            });
            all[place].attempts.push(AttemptId(number));
        }
        for outcome in &mut all {
            outcome.attempts.sort_by_key(|id| self.run.attempt(*id).number);
            let last = outcome.attempts.last().map(|id| self.run.attempt(*id));
            outcome.verdict = last.and_then(|last| last.verdict);
            outcome.note = last.and_then(|last| last.note);
        }
        let Some(report) = &self.run.report else { return all };
        let texts = &mut self.builder.texts;
        for test in report.tests() {
            let name = texts.tests.add(test.name.as_str());
            let platform = test.platform.as_deref().or(test.wanted.as_deref());
            let platform = platform.map(|platform| texts.platforms.add(platform));
            let note = test.note.as_deref().map(|note| texts.notes.add(note));
            let known = platform.and_then(|platform| by_place.get(&(name, platform)));
            match known {
                Some(&place) => {
                    all[place].verdict = test.verdict;
                    all[place].note = note.or(all[place].note);
                }
                // A test that began somewhere and has no last word is there already.
                None if test.attempts.is_empty() || test.verdict.is_some() => {
                    let (verdict, attempts) = (test.verdict, Vec::new());
                    all.push(TestOutcome { test: name, platform, verdict, note, attempts });
                }
                None => {}
            }
        }
        let order: HashMap<&str, usize> =
            report.tests().enumerate().map(|(place, test)| (test.name.as_str(), place)).collect();
        let place = |outcome: &TestOutcome| order.get(texts.tests.text(outcome.test)).copied();
        all.sort_by_cached_key(|outcome| place(outcome).unwrap_or(usize::MAX));
        all
    }
}
