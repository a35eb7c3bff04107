//! [`Checkpoint`]: what another controller needs to go on with a run; [`Log`]: where it is kept, with how to undo what came
//! after it.
//!
//! The log is a file beside the results. Its first line is a checkpoint. Each line after it is written before a file among the
//! artifacts is made or appended to, and says how long the file was. A new checkpoint replaces the log as a whole.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atex_core::{Artifacts, Error, Result};
use serde::{Deserialize, Serialize};

use crate::attempt::Progress;
use crate::control::Place;
use crate::guest::Guest;
use crate::result::{OpenResults, Report, SinkState};

/// The format of what is stored. One of another version is not gone on with.
const VERSION: u32 = 3;

/// The name of a log that is not complete yet, or of a run that is.
const ENDED: &str = "checkpoint.new";

/// A moment of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Checkpoint<R = Report> {
    pub(crate) version: u32,
    pub(crate) test: String,
    /// The work folder on the remote.
    pub(crate) work: Guest,
    /// The number of the run in its session.
    pub(crate) run: u32,
    /// Variables for this run alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) variables: Vec<(String, String)>,
    /// When this was, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// How long the run had lasted.
    pub(crate) elapsed: Duration,
    pub(crate) progress: Progress,
    /// Where the control stream is to be read from.
    pub(crate) control: u64,
    pub(crate) place: Place,
    /// How much of the output came before the last reboot.
    pub(crate) output_before: u64,
    /// Where the file that is coming took a shortcut, if it is on it.
    pub(crate) shortcut: Option<u64>,
    pub(crate) sink: SinkState<R>,
}

/// What does not change while a test runs.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) test: String,
    pub(crate) work: Guest,
    pub(crate) run: u32,
    pub(crate) variables: Vec<(String, String)>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) elapsed: Duration,
    pub(crate) progress: Progress,
    pub(crate) control: u64,
    pub(crate) place: Place,
    pub(crate) output_before: u64,
    pub(crate) shortcut: Option<u64>,
}

impl<R> Checkpoint<R> {
    pub(crate) fn new(identity: &Identity, moment: Moment, sink: SinkState<R>) -> Self {
        let Identity { test, work, run, variables } = identity.clone();
        let Moment { elapsed, progress, control, place, output_before, shortcut } = moment;
        let at_ms = now_ms();
        let version = VERSION;
        Self {
            version,
            test,
            work,
            run,
            variables,
            at_ms,
            elapsed,
            progress,
            control,
            place,
            output_before,
            shortcut,
            sink,
        }
    }

    /// How long the run has lasted by now: nobody knows a better clock across two controllers than that of the wall.
    pub(crate) fn elapsed(&self) -> Duration {
        self.elapsed.saturating_add(Duration::from_millis(now_ms().saturating_sub(self.at_ms)))
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The checkpoint of a run, and what undoes that which came after it.
#[derive(Debug)]
pub(crate) struct Log {
    dir: PathBuf,
    /// Not there before the first checkpoint: there is nothing to go back to then.
    file: Option<File>,
}

/// How to undo an append.
#[derive(Debug, Serialize, Deserialize)]
struct Undo {
    /// The file, relative to the artifacts.
    file: PathBuf,
    /// How long it was; nothing if it was not there.
    length: Option<u64>,
}

impl Log {
    pub(crate) fn new(artifacts: &Artifacts) -> Self {
        Self { dir: artifacts.dir().to_owned(), file: None }
    }

    fn path(dir: &Path) -> PathBuf {
        dir.join("checkpoint.temp")
    }

    /// Replaces the log by one with this checkpoint; its length in bytes.
    pub(crate) fn checkpoint(&mut self, checkpoint: &Checkpoint<&Report>) -> Result<u64> {
        let (path, new) = (Self::path(&self.dir), self.dir.join(ENDED));
        let file = File::create(&new).map_err(Error::io("cannot create", &new))?;
        let written = (|| {
            let mut writer = BufWriter::new(&file);
            serde_json::to_writer(&mut writer, checkpoint)?;
            writer.write_all(b"\n")?;
            writer.flush()?;
            drop(writer);
            fs::rename(&new, &path)?;
            Ok(file.metadata()?.len())
        })();
        let length = written.map_err(Error::io("cannot write", &path))?;
        self.file = Some(file);
        Ok(length)
    }

    /// To be called before a file among the artifacts is made or appended to.
    pub(crate) fn before(&mut self, path: &Path) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let relative = path.strip_prefix(&self.dir).unwrap_or(path);
        let length = fs::symlink_metadata(path).ok().map(|found| found.len());
        let written = serde_json::to_vec(&Undo { file: relative.to_owned(), length })
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                file.write_all(&line)
            });
        written.map_err(Error::io("cannot write", Self::path(&self.dir)))
    }

    /// There is nothing to go on with any more. What is left to remove is known by the log until it is [removed](Self::remove).
    pub(crate) fn end(&self) {
        fs::rename(Self::path(&self.dir), self.dir.join(ENDED)).ok();
    }

    /// Removes it.
    pub(crate) fn remove(self) {
        for name in [Self::path(&self.dir), self.dir.join(ENDED)] {
            fs::remove_file(name).ok();
        }
    }

    /// Finishes what a run that [ended](Self::end) left to be removed.
    pub(crate) fn sweep(artifacts: &Artifacts, left: &Path) {
        let ended = artifacts.dir().join(ENDED);
        if ended.exists() {
            OpenResults::sweep(artifacts.dir());
            fs::remove_file(left).and_then(|()| fs::remove_file(ended)).ok();
        }
    }

    /// Reads the checkpoint that lies among these artifacts; nothing if there is none. Nothing is changed.
    pub(crate) fn read(artifacts: &Artifacts) -> Result<Option<Checkpoint>> {
        Ok(Self::parse(artifacts)?.map(|(checkpoint, _)| checkpoint))
    }

    /// Takes back what came after the checkpoint that lies among these artifacts.
    pub(crate) fn roll_back(artifacts: &Artifacts) -> Result<Option<Checkpoint>> {
        let Some((checkpoint, undo)) = Self::parse(artifacts)? else { return Ok(None) };
        for Undo { file, length } in undo.into_iter().rev() {
            let path = artifacts.dir().join(file);
            let undone = match length {
                None => fs::remove_file(&path),
                Some(length) => set_length(&path, length),
            };
            match undone {
                // What was announced was not done.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                undone => undone.map_err(Error::io("cannot cut back", &path))?,
            }
        }
        let results = artifacts.results_file();
        set_length(&results, checkpoint.sink.results)
            .map_err(Error::io("cannot cut back", &results))?;
        Ok(Some(checkpoint))
    }

    fn parse(artifacts: &Artifacts) -> Result<Option<(Checkpoint, Vec<Undo>)>> {
        let path = Self::path(artifacts.dir());
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(Error::io("cannot read", &path))?,
        };
        let mut lines = BufReader::new(file).split(b'\n');
        let first = lines.next().transpose().map_err(Error::io("cannot read", &path))?;
        let checkpoint: Checkpoint = serde_json::from_slice(&first.unwrap_or_default())
            .map_err(|error| Error::io("cannot understand", &path)(error.into()))?;
        if checkpoint.version != VERSION {
            let other = format!("it is of version {}, not {VERSION}", checkpoint.version);
            return Err(Error::io("cannot understand", &path)(io::Error::other(other)));
        }
        let mut undo = Vec::new();
        for line in lines {
            let line = line.map_err(Error::io("cannot read", &path))?;
            // The last one may be torn: then what it announced was not done.
            let Ok(line) = serde_json::from_slice(&line) else { break };
            undo.push(line);
        }
        Ok(Some((checkpoint, undo)))
    }
}

fn set_length(path: &Path, length: u64) -> io::Result<()> {
    File::options().write(true).open(path)?.set_len(length)
}
