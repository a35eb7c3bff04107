//! [`History`]: how long tests took in earlier runs, and how they went.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use atex_core::bounded_lines::{BoundedLines, Next};
use atex_core::{RemoteId, TestName, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{RunInfo, RunReport, StoreError};

/// The version of the lines that are written, and the newest that is read.
const FORMAT: u64 = 1;
/// Longer lines are damaged.
const LINE_MAX: usize = 1 << 20;
/// So many of the last times that a test ran decide how long it is expected to take.
const LAST: usize = 5;

/// How long tests took in earlier runs, by platform, and how they went: a file of JSON lines, to which each run adds its own. Several may do so
/// at once.
///
/// A line for each attempt that came to its own end: `{"v":1,"run":"20260102-150405","at":"2026-01-02T15:04:05Z","test":"/a","platform":"fedora-42@x86_64",
/// "verdict":"passed","took_ms":1500}`; without `took_ms`, it is not known how long it took. A line that is damaged, as the end of a file on
/// a full disk may be, or of a newer format, is left out.
#[derive(Debug, Clone, Default)]
pub struct History {
    tests: HashMap<TestName, HashMap<String, Past>>,
    /// The runs that are in it, by name and start.
    runs: BTreeSet<(String, String)>,
    /// The median of the systems of each run, the last times.
    systems: HashMap<String, VecDeque<SystemTimes>>,
    left_out: usize,
}

/// What is known of a test on a platform.
#[derive(Debug, Clone, Default)]
struct Past {
    /// How long it took, the last times.
    took: VecDeque<Duration>,
    last: Option<(Timestamp, Verdict)>,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    v: u64,
    run: String,
    at: Timestamp,
    test: TestName,
    platform: String,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    took_ms: Option<u64>,
}

/// A line on the systems of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SystemsLine {
    v: u64,
    run: String,
    at: Timestamp,
    platform: String,
    provision_ms: u64,
    prepare_ms: u64,
    release_ms: u64,
}

/// How long systems of a platform took, besides tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemTimes {
    /// From the request until it was there.
    pub provision: Duration,
    /// Until it was ready for its first test.
    pub prepare: Duration,
    /// From its last test until it was gone.
    pub release: Duration,
}

/// A test of an earlier run, of which only the outcome is known.
#[derive(Debug, Clone)]
pub struct PastOutcome {
    /// The test.
    pub test: TestName,
    /// The platform that it ran on.
    pub platform: String,
    /// How it went.
    pub verdict: Verdict,
}

impl History {
    /// Reads a history; an empty one if there is no such file.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be read.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            file => file.map_err(StoreError::io("cannot read", path))?,
        };
        let mut history = Self::default();
        let mut lines = BoundedLines::new(BufReader::with_capacity(1 << 16, file), LINE_MAX);
        loop {
            match lines.next_line().map_err(StoreError::io("cannot read", path))? {
                Next::End => return Ok(history),
                Next::Whole(text) => match serde_json::from_slice::<Line>(text) {
                    Ok(line) if line.v <= FORMAT => history.take(&line),
                    _ => match serde_json::from_slice::<SystemsLine>(text) {
                        Ok(line) if line.v <= FORMAT => history.take_systems(&line),
                        _ => history.left_out += 1,
                    },
                },
                Next::Torn(_) | Next::TooLong => history.left_out += 1,
            }
        }
    }

    fn take(&mut self, line: &Line) {
        let past = self.tests.entry(line.test.clone()).or_default();
        let past = past.entry(line.platform.clone()).or_default();
        if let Some(took) = line.took_ms {
            past.took.push_back(Duration::from_millis(took));
            if past.took.len() > LAST {
                past.took.pop_front();
            }
        }
        if past.last.is_none_or(|(at, _)| at <= line.at) {
            past.last = Some((line.at, line.verdict));
        }
        self.runs.insert((line.run.clone(), line.at.to_string()));
    }

    fn take_systems(&mut self, line: &SystemsLine) {
        let ms = Duration::from_millis;
        let systems = self.systems.entry(line.platform.clone()).or_default();
        systems.push_back(SystemTimes {
            provision: ms(line.provision_ms),
            prepare: ms(line.prepare_ms),
            release: ms(line.release_ms),
        });
        if systems.len() > LAST {
            systems.pop_front();
        }
    }

    /// How long systems of a platform take: the medians of the last five runs.
    pub fn systems(&self, platform: &str) -> Option<SystemTimes> {
        let runs = self.systems.get(platform)?;
        let middle = |part: fn(&SystemTimes) -> Duration| {
            let mut times: Vec<Duration> = runs.iter().map(part).collect();
            middle(&mut times).unwrap_or_default()
        };
        Some(SystemTimes {
            provision: middle(|times| times.provision),
            prepare: middle(|times| times.prepare),
            release: middle(|times| times.release),
        })
    }

    /// How many tests are known.
    pub fn len(&self) -> usize {
        self.tests.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Every test on every platform, by name: how long it is expected to take, and how it went the last time.
    pub fn iter(
        &self,
    ) -> impl Iterator<Item = (&TestName, &str, Option<Duration>, Option<Verdict>)> {
        let mut all: Vec<_> = self
            .tests
            .iter()
            .flat_map(|(test, platforms)| {
                platforms.iter().map(move |(platform, past)| {
                    (test, platform.as_str(), median(past), past.last.map(|(_, verdict)| verdict))
                })
            })
            .collect();
        all.sort_by_key(|(test, platform, _, _)| (*test, *platform));
        all.into_iter()
    }

    /// How many lines could not be read.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// How long a test is expected to take: the median of the last five times that it ran on this platform, or, if it never did or
    /// any will do, of each platform's, the longest.
    pub fn expected(&self, test: &TestName, platform: Option<&str>) -> Option<Duration> {
        let platforms = self.tests.get(test)?;
        let here = platform.and_then(|platform| median(platforms.get(platform)?));
        here.or_else(|| platforms.values().filter_map(median).max())
    }

    /// How a test went the last time that it ran on this platform, or on any.
    pub fn last(&self, test: &TestName, platform: Option<&str>) -> Option<Verdict> {
        let platforms = self.tests.get(test)?;
        let of = |past: &Past| past.last;
        let last = match platform {
            Some(platform) => platforms.get(platform).and_then(of),
            None => platforms.values().filter_map(of).max_by_key(|(at, _)| *at),
        };
        last.map(|(_, verdict)| verdict)
    }

    /// Adds what a run tells of its tests to the file: all of it or nothing. A run that is in it already is not added again. How many lines it
    /// has.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be written.
    pub fn add_run(path: &Path, info: &RunInfo, report: &RunReport) -> Result<usize, StoreError> {
        let mut lines = Vec::new();
        for test in report.tests() {
            for attempt in &test.attempts {
                let (Some(outcome), Some(platform)) = (&attempt.outcome, &attempt.platform) else {
                    continue;
                };
                // What infrastructure ended says nothing of the test.
                let tells =
                    matches!(outcome.verdict, Verdict::Passed | Verdict::Failed | Verdict::Skipped);
                if tells {
                    lines.push(Line {
                        v: FORMAT,
                        run: info.run.clone(),
                        at: info.started,
                        test: test.name.clone(),
                        platform: platform.clone(),
                        verdict: outcome.verdict,
                        took_ms: u64::try_from(outcome.took.as_millis()).ok(),
                    });
                }
            }
        }
        let systems = systems(info, report);
        Self::add(path, (&info.run, info.started), (&lines, &systems))
            .map(|added| added * lines.len())
    }

    /// Adds outcomes of another's run, of which nobody knows how long its tests took, as [`add_run`](Self::add_run) does.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be written.
    pub fn add_outcomes(
        path: &Path,
        (run, at): (&str, Timestamp),
        outcomes: impl IntoIterator<Item = PastOutcome>,
    ) -> Result<usize, StoreError> {
        let line = |outcome: PastOutcome| Line {
            v: FORMAT,
            run: run.to_owned(),
            at,
            test: outcome.test,
            platform: outcome.platform,
            verdict: outcome.verdict,
            took_ms: None,
        };
        let lines: Vec<Line> = outcomes.into_iter().map(line).collect();
        Self::add(path, (run, at), (&lines, &[])).map(|added| added * lines.len())
    }

    /// 1 if they were added, 0 if the run was in it before.
    fn add(
        path: &Path,
        (run, at): (&str, Timestamp),
        (lines, systems): (&[Line], &[SystemsLine]),
    ) -> Result<usize, StoreError> {
        if lines.is_empty() {
            return Ok(0);
        }
        let wrong = || StoreError::io("cannot add to", path);
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).map_err(wrong())?;
        // Until the file is closed, nobody else adds to it; where there are no locks, one write is one piece all the same.
        if let Err(error) = file.lock() {
            tracing::debug!(path = %path.display(), %error, "cannot lock the history");
        }
        let known = Self::read(path)?;
        if known.runs.contains(&(run.to_owned(), at.to_string())) {
            return Ok(0);
        }
        let mut text = Vec::new();
        if !ends_whole(&mut file).map_err(wrong())? {
            text.push(b'\n');
        }
        for line in lines {
            serde_json::to_writer(&mut text, line).map_err(io::Error::from).map_err(wrong())?;
            text.push(b'\n');
        }
        for line in systems {
            serde_json::to_writer(&mut text, line).map_err(io::Error::from).map_err(wrong())?;
            text.push(b'\n');
        }
        file.write_all(&text).and_then(|()| file.sync_data()).map_err(wrong())?;
        Ok(1)
    }
}

/// What a run tells of its systems, by platform.
fn systems(info: &RunInfo, report: &RunReport) -> Vec<SystemsLine> {
    let mut platforms: HashMap<String, [Vec<Duration>; 3]> = HashMap::new();
    let mut last: HashMap<RemoteId, Duration> = HashMap::new();
    for attempt in report.tests().flat_map(|test| &test.attempts) {
        let ended = last.entry(attempt.remote).or_default();
        *ended = (*ended).max(attempt.ended.unwrap_or_default());
    }
    for remote in report.remotes() {
        let pool = report.pools().iter().find(|pool| pool.name == remote.pool);
        let (Some(pool), Some(provisioned), Some(prepared)) =
            (pool, remote.provisioned, remote.prepared)
        else {
            continue;
        };
        let [provision, prepare, release] = platforms.entry(pool.platform.clone()).or_default();
        provision.push(provisioned.saturating_sub(remote.requested));
        prepare.push(prepared.saturating_sub(provisioned));
        if let (Some(gone), Some(last)) = (remote.gone, last.get(&remote.id)) {
            release.push(gone.saturating_sub(*last));
        }
    }
    let ms = |times: &mut [Duration]| {
        let middle = middle(times).unwrap_or_default().as_millis();
        u64::try_from(middle).unwrap_or(u64::MAX)
    };
    let line =
        |(platform, [mut provision, mut prepare, mut release]): (String, [Vec<Duration>; 3])| {
            SystemsLine {
                v: FORMAT,
                run: info.run.clone(),
                at: info.started,
                platform,
                provision_ms: ms(&mut provision),
                prepare_ms: ms(&mut prepare),
                release_ms: ms(&mut release),
            }
        };
    platforms.into_iter().map(line).collect()
}

/// Whether what is added does not glue to half a line that somebody left.
fn ends_whole(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn median(past: &Past) -> Option<Duration> {
    middle(&mut past.took.iter().copied().collect::<Vec<_>>())
}

fn middle(times: &mut [Duration]) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests;
