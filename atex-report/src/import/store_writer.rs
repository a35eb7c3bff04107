//! [`StoreWriter`]: makes the folder of a run of results as they come.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use atex_core::{
    Aggregator, Artifacts, Attempt, CancellationToken, EventSink, Facts, Outcome, PlannedPool,
    PlannedTest, Record, RemoteId, RunEvent, SafePath, Tally, TestKey, TestName, Verdict,
    ascii_json,
};
use indexmap::IndexMap;
use serde::Serialize;

use super::name::{numbered, test_name};
use crate::aggregate::{Reported, Said, link_or_copy};
use crate::{RunInfo, RunStore, StoreError};

/// Where a result belongs, and what else is known of its test.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Found<'a> {
    /// The platform, if it is said.
    pub(super) platform: Option<&'a str>,
    /// The name of the test.
    pub(super) test: &'a str,
    /// How long it ran, if that is said with this result.
    pub(super) took: Option<Duration>,
    /// Names of files are paths below the folder of files as they are, without platform, test and subtest before them.
    pub(super) files_as_named: bool,
}

#[derive(Debug)]
pub(super) struct StoreWriter {
    store: RunStore,
    default_platform: String,
    files: Option<PathBuf>,
    tests: IndexMap<(String, String), Imported>,
    /// Names and folders that are taken, by platform.
    taken: HashSet<(String, String)>,
    open: Option<(usize, BufWriter<File>)>,
    results: u64,
    missing: u64,
}

/// A test of which results have come.
#[derive(Debug)]
struct Imported {
    name: TestName,
    artifacts: Artifacts,
    tally: Tally,
    own: Option<(Verdict, Option<String>)>,
    subtests: Option<Verdict>,
    took: Duration,
    earlier: Vec<Outcome>,
}

/// A result as executors write it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: &'a Option<Said<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: &'a Option<Said<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    files: &'a [Said<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    note: &'a Option<Said<'a>>,
}

impl StoreWriter {
    pub(super) fn create(dir: PathBuf, info: &RunInfo) -> Result<Self, StoreError> {
        Ok(Self {
            store: RunStore::create(dir, info)?,
            default_platform: "imported".into(),
            files: None,
            tests: IndexMap::new(),
            taken: HashSet::new(),
            open: None,
            results: 0,
            missing: 0,
        })
    }

    pub(super) fn default_platform(&mut self, platform: &str) {
        platform.clone_into(&mut self.default_platform);
    }

    pub(super) fn files_below(&mut self, folder: Option<PathBuf>) {
        self.files = folder;
    }

    /// A test without any result, or one that results may follow of.
    pub(super) fn test(&mut self, found: Found<'_>) -> Result<usize, StoreError> {
        let key =
            (found.platform.unwrap_or(&self.default_platform).to_owned(), found.test.to_owned());
        if let Some(index) = self.tests.get_index_of(&key) {
            return Ok(index);
        }
        let (name, artifacts) = self.place(&key.0, &test_name(&key.1))?;
        let imported = Imported {
            name,
            artifacts,
            tally: Tally::default(),
            own: None,
            subtests: None,
            took: Duration::ZERO,
            earlier: Vec::new(),
        };
        let path = imported.artifacts.results_file();
        File::create_new(&path).map_err(StoreError::io("cannot create", &path))?;
        Ok(self.tests.insert_full(key, imported).0)
    }

    /// A name that no other test of the platform has, with a folder that is not in the way of another's.
    fn place(
        &mut self,
        platform: &str,
        wanted: &TestName,
    ) -> Result<(TestName, Artifacts), StoreError> {
        let safe =
            SafePath::new(platform).map_or_else(|| "_".into(), |path| path.as_str().to_owned());
        let mut number = 0;
        loop {
            let name = if number == 0 { wanted.clone() } else { numbered(wanted, number) };
            let folder = SafePath::new(name.as_str());
            let folder = folder.as_ref().map_or("_", SafePath::as_str).to_owned();
            if self.taken.insert((safe.clone(), folder)) {
                let root = self.store.artifacts_dir();
                let artifacts = Artifacts::create(&root, platform, name.as_str(), 1)
                    .map_err(|source| StoreError::Results { source })?;
                return Ok((name, artifacts));
            }
            number += 1;
        }
    }

    /// Adds a result.
    pub(super) fn add(
        &mut self,
        found: Found<'_>,
        mut one: Reported<'_>,
    ) -> Result<(), StoreError> {
        let index = self.test(found)?;
        self.fetch_files(index, found, &mut one)?;
        let imported = &mut self.tests[index];
        imported.count(&one, found.took);
        self.results += 1;
        let path = imported.artifacts.results_file();
        if self.open.as_ref().is_none_or(|(open, _)| *open != index) {
            self.close()?;
            let file = OpenOptions::new().append(true).open(&path);
            let file = file.map_err(StoreError::io("cannot write", &path))?;
            self.open = Some((index, BufWriter::with_capacity(1 << 16, file)));
        }
        let line =
            Line { status: &one.status, name: &one.name, files: &one.files, note: &one.note };
        let Some((_, out)) = &mut self.open else { return Ok(()) };
        ascii_json::write(out, &line)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(StoreError::io("cannot write", &path))
    }

    /// An attempt before the one that the results are of.
    pub(super) fn earlier(&mut self, found: Found<'_>, outcome: Outcome) -> Result<(), StoreError> {
        let index = self.test(found)?;
        self.tests[index].earlier.push(outcome);
        Ok(())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let Some((index, mut out)) = self.open.take() else { return Ok(()) };
        let path = self.tests[index].artifacts.results_file();
        out.flush().map_err(StoreError::io("cannot write", path))
    }

    /// Links the files of a result into the artifacts of its test.
    fn fetch_files(
        &mut self,
        index: usize,
        found: Found<'_>,
        one: &mut Reported<'_>,
    ) -> Result<(), StoreError> {
        let Some(root) = &self.files else { return Ok(()) };
        let subtest = one.name.as_ref().and_then(Said::text);
        let to = self.tests[index].artifacts.files_of(subtest);
        let platform = found.platform.unwrap_or(&self.default_platform);
        let parts = [Some(platform), Some(found.test), subtest];
        let from = match found.files_as_named {
            true => root.clone(),
            false => {
                parts.into_iter().flatten().fold(root.clone(), |path, part| below(&path, part))
            }
        };
        for file in &mut one.files {
            let Some(name) = file.text() else { continue };
            let Some(safe) = SafePath::new(name) else { continue };
            let source = safe.below(&from);
            let target = if found.files_as_named {
                let last = Path::new(safe.as_str()).file_name().unwrap_or_default();
                let short = to.join(last);
                if short.exists() { safe.below(&to) } else { short }
            } else {
                safe.below(&to)
            };
            match fetch(&source, &target) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(_) => {
                    self.missing += 1;
                    continue;
                }
            }
            if found.files_as_named
                && let Ok(shown) = target.strip_prefix(&to)
            {
                *file = Said::Text(shown.to_string_lossy().into_owned().into());
            }
        }
        Ok(())
    }

    /// Writes the journal and the results of all tests. Yields the run, how many tests and results it has, and how many files were not
    /// there.
    pub(super) async fn finish(mut self) -> Result<(RunStore, usize, u64, u64), StoreError> {
        self.close()?;
        for imported in self.tests.values_mut() {
            imported.number_attempt()?;
        }
        self.write_journal()?;
        let results = self.store.results().map_err(|source| StoreError::Results { source })?;
        for ((platform, _), imported) in &self.tests {
            let record = Record {
                platform: platform.clone(),
                test: imported.name.clone(),
                artifacts: imported.artifacts.clone(),
                outcome: imported.outcome(),
                when: None,
            };
            results.ingest(record).await.map_err(|source| StoreError::Results { source })?;
        }
        results.finish().await.map_err(|source| StoreError::Results { source })?;
        Ok((self.store, self.tests.len(), self.results, self.missing))
    }

    fn write_journal(&self) -> Result<(), StoreError> {
        let mut platforms: IndexMap<&str, Remote<'_>> = IndexMap::new();
        for ((platform, _), imported) in &self.tests {
            let number = u32::try_from(platforms.len() + 1).unwrap_or(u32::MAX);
            let remote = || Remote { id: RemoteId(number), tests: Vec::new() };
            platforms.entry(platform.as_str()).or_insert_with(remote).tests.push(imported);
        }
        let single = platforms.len() < 2;
        let wanted = |platform: &str| (!single).then(|| platform.to_owned());
        let planned = self.tests.iter().map(|((platform, _), imported)| {
            let mut planned = PlannedTest::new(imported.name.clone(), Duration::ZERO);
            planned.wanted = wanted(platform);
            planned
        });
        let pools = platforms.keys().map(|platform| PlannedPool {
            name: (*platform).to_owned(),
            platform: (*platform).to_owned(),
            max: 1,
            facts: Facts::new(),
        });
        let started = RunEvent::RunStarted { tests: planned.collect(), pools: pools.collect() };
        let mut events = vec![(Duration::ZERO, started)];
        for (platform, remote) in &platforms {
            remote.tell(platform, wanted(platform), &mut events);
        }
        events.sort_by_key(|(at, _)| *at);
        let end = events.last().map_or(Duration::ZERO, |(at, _)| *at);
        events.push((end, RunEvent::RunFinished));
        let journal = self.store.journal(CancellationToken::new())?;
        for (at, event) in events {
            journal.emit(at, &event);
        }
        match journal.failure() {
            None => Ok(()),
            Some(failure) => Err(StoreError::io("cannot write", self.store.journal_path())(
                io::Error::other(failure.to_string()),
            )),
        }
    }
}

/// The remote that all tests of a platform ran on, as the journal tells it.
struct Remote<'a> {
    id: RemoteId,
    tests: Vec<&'a Imported>,
}

impl Remote<'_> {
    fn tell(&self, platform: &str, wanted: Option<String>, events: &mut Vec<(Duration, RunEvent)>) {
        let (remote, mut now) = (self.id, Duration::ZERO);
        let name = platform.to_owned();
        events.push((now, RunEvent::RemoteRequested { remote, pool: name.clone() }));
        events.push((now, RunEvent::RemoteProvisioned { remote, name, facts: Facts::new() }));
        events.push((now, RunEvent::RemotePrepared { remote }));
        for imported in &self.tests {
            let key = TestKey { test: imported.name.clone(), wanted: wanted.clone() };
            let outcome = imported.outcome();
            let note = outcome.note.clone();
            let verdict = outcome.verdict;
            let mut attempts = 0;
            for outcome in imported.earlier.iter().cloned().chain([outcome]) {
                attempts += 1;
                let attempt = Attempt::of(key.clone(), attempts);
                events.push((now, RunEvent::TestStarted { remote, attempt: attempt.clone() }));
                now += outcome.took;
                events.push((now, RunEvent::TestEnded { remote, attempt, outcome, failure: None }));
            }
            let TestKey { test, wanted } = key;
            let platform = Some(platform.to_owned());
            events.push((
                now,
                RunEvent::TestConcluded { test, wanted, verdict, platform, attempts, note },
            ));
        }
        events.push((now, RunEvent::RemoteReleased { remote }));
    }
}

impl Imported {
    fn count(&mut self, one: &Reported<'_>, took: Option<Duration>) {
        let status = one.status.as_ref().and_then(Said::text);
        self.tally.count(status);
        let verdict = Verdict::from_status(status, None);
        if one.subtest().is_some() {
            self.subtests = self.subtests.max(Some(verdict));
        } else {
            self.took += took.unwrap_or_default();
            if self.own.as_ref().is_none_or(|(worst, _)| verdict > *worst) {
                let note = one.note.as_ref().and_then(Said::text).map(str::to_owned);
                self.own = Some((verdict, note));
            }
        }
    }

    fn outcome(&self) -> Outcome {
        let (verdict, note) = match (&self.own, self.subtests) {
            (Some((verdict, note)), _) => (*verdict, note.clone()),
            (None, Some(worst)) => (worst, None),
            (None, None) => (Verdict::Infra, Some("it has no results".into())),
        };
        Outcome::new(verdict, self.took).note(note).tally(self.tally)
    }

    /// Gives the attempt of the artifacts its number, which is known when the attempts before it are.
    fn number_attempt(&mut self) -> Result<(), StoreError> {
        if self.earlier.is_empty() {
            return Ok(());
        }
        let dir = self.artifacts.dir().to_owned();
        let number = self.earlier.len() + 1;
        let to = dir.with_file_name(format!("attempt-{number}"));
        fs::rename(&dir, &to).map_err(StoreError::io("cannot rename", dir))?;
        self.artifacts = Artifacts::open(to);
        Ok(())
    }
}

fn below(path: &Path, part: &str) -> PathBuf {
    SafePath::new(part).map_or_else(|| path.to_owned(), |safe| safe.below(path))
}

fn fetch(source: &Path, target: &Path) -> io::Result<()> {
    // Never what a link leads to: who made the file may not have meant us to read that.
    if !fs::symlink_metadata(source)?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    target.parent().map_or(Ok(()), fs::create_dir_all)?;
    link_or_copy(source, target)
}
