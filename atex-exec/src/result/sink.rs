//! [`ResultSink`]: writes what a test reports into its artifacts, as it comes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atex_core::{Artifacts, Error, Outcome, ResultLine, SafePath, Tally, Verdict, ascii_json};
use serde::{Deserialize, Serialize};

use super::open::OpenState;
use super::own::OwnResults;
use super::{OpenResults, Report};
use crate::checkpoint::{Checkpoint, Identity, Log, Moment};
use crate::control::{ControlError, Piece, Word};
use crate::secret::Secrets;

/// Writes the results and files of one run of a test. All calls are short writes to local files.
#[derive(Debug)]
pub(crate) struct ResultSink {
    artifacts: Artifacts,
    /// One write for all that came in one piece, if it is not much.
    results: BufWriter<File>,
    open: OpenResults,
    /// The report whose files are arriving, and the file that is open.
    arriving: Option<(Report, Option<File>)>,
    /// Space that is given up when the disk is full, so that the last word can still be written.
    reserve: PathBuf,
    tally: Tally,
    own: OwnResults,
    secrets: Secrets,
    log: Log,
    /// The status that somebody gave the test.
    judged: Option<String>,
}

/// What a sink knows, for one that goes on with its work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SinkState<R = Report> {
    /// How long the file with the results is.
    pub(crate) results: u64,
    open: OpenState<R>,
    pub(crate) arriving: Option<R>,
    tally: Tally,
    own: OwnResults,
}

/// Why a result could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The test is to blame.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// This machine is to blame.
    #[error(transparent)]
    Local(#[from] Error),
}

/// How the run of a test came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself, with this exit code.
    Exited(i32),
    /// By our doing, or that of its remote; the note says why.
    Stopped(String),
}

const RESERVE: usize = 16 << 10;
/// How much of the results waits to be written.
const WAITING: usize = 32 << 10;
/// The name of the output that is attached when the test did not ask for another.
const OUTPUT: &str = "output.txt";

impl ResultSink {
    /// Begins to fill the artifacts, which must be empty.
    pub(crate) fn new(artifacts: Artifacts, secrets: Secrets) -> Result<Self, Error> {
        let path = artifacts.results_file();
        let results = File::create_new(&path).map_err(Error::io("cannot create", &path))?;
        let state = SinkState {
            results: 0,
            open: OpenState::default(),
            arriving: None,
            tally: Tally::default(),
            own: OwnResults::default(),
        };
        Self::with(artifacts, secrets, results, state)
    }

    /// Goes on where a checkpoint was made: everything after it is taken back.
    pub(crate) fn resume(
        artifacts: Artifacts,
        secrets: Secrets,
        state: SinkState,
    ) -> Result<Self, Error> {
        let path = artifacts.results_file();
        let results = File::options().append(true).open(&path);
        let results = results.map_err(Error::io("cannot write", &path))?;
        Self::with(artifacts, secrets, results, state)
    }

    fn with(
        artifacts: Artifacts,
        secrets: Secrets,
        results: File,
        state: SinkState,
    ) -> Result<Self, Error> {
        let reserve = artifacts.dir().join(".reserve");
        fs::write(&reserve, [0; RESERVE]).map_err(Error::io("cannot write", &reserve))?;
        Ok(Self {
            log: Log::new(&artifacts),
            open: OpenResults::resume(artifacts.dir(), state.open)?,
            artifacts,
            results: BufWriter::with_capacity(WAITING, results),
            arriving: state.arriving.map(|report| (report, None)),
            reserve,
            tally: state.tally,
            own: state.own,
            secrets,
            judged: None,
        })
    }

    /// Writes down that everything up to this moment is safe; how long that was, in bytes.
    pub(crate) fn checkpoint(&mut self, identity: &Identity, moment: Moment) -> Result<u64, Error> {
        // What is written to it from now on is to be undone by the new log.
        if let Some((_, file)) = &mut self.arriving {
            *file = None;
        }
        self.open.flush()?;
        let path = self.artifacts.results_file();
        let written = self.results.flush().and_then(|()| self.results.get_ref().metadata());
        let state = SinkState {
            results: written.map_err(Error::io("cannot write", path))?.len(),
            open: self.open.state(),
            arriving: self.arriving.as_ref().map(|(report, _)| report),
            tally: self.tally,
            own: self.own.clone(),
        };
        let length = self.log.checkpoint(&Checkpoint::new(identity, moment, state))?;
        self.open.checkpointed();
        Ok(length)
    }

    /// Where the output of the test goes until it is known under which names it is attached.
    pub(crate) fn output_file(artifacts: &Artifacts) -> PathBuf {
        artifacts.dir().join("testout.temp")
    }

    /// Takes a piece of the control stream. Words other than results are the caller's.
    pub(crate) fn piece(&mut self, piece: Piece<'_>) -> Result<Option<Word>, SinkError> {
        match piece {
            Piece::Word(word) => return Ok(Some(word)),
            Piece::Report(mut report) => {
                report.hide(&self.secrets);
                if report.files.is_empty() {
                    self.complete(report)?;
                } else {
                    self.arriving = Some((report, None));
                    // A file is there from when it is announced, though nothing of it may ever come.
                    self.data(0, &[], false)?;
                }
            }
            Piece::Data { file, bytes, last } => self.data(file, bytes, last)?,
        }
        Ok(None)
    }

    /// Makes what was taken so far readable. Called after every chunk of the stream.
    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        let written = self.results.flush();
        written
            .map_err(|error| Error::io("cannot write", self.artifacts.results_file())(error).into())
    }

    /// Gives the test a status, if it does not report one.
    pub(crate) fn judge(&mut self, status: String) {
        self.judged = Some(status);
    }

    /// Whether a result that is complete says that something is wrong, or may be.
    pub(crate) fn has_trouble(&self) -> bool {
        self.tally.broken() + self.tally.warn > 0
    }

    /// Adds the last result, if one is missing, and closes what is open.
    pub(crate) fn finish(mut self, ending: &Ending) -> Result<Outcome, Error> {
        fs::remove_file(&self.reserve).ok();
        let mut problem = self.add_fallback(ending).err();
        let none = OpenResults::new(self.artifacts.dir());
        for report in std::mem::replace(&mut self.open, none).close() {
            // One that cannot be completed (its output has no place) must not take the others with it.
            if let Err(error) = report.and_then(|report| self.write(report)) {
                problem = problem.or(Some(error));
            }
        }
        let flushed = self.flush();
        self.secrets
            .hide_in_folder(&self.artifacts.files_dir())
            .map_err(Error::io("cannot hide secrets in", self.artifacts.files_dir()))?;
        // First: without the output, there is no going on.
        let log = std::mem::replace(&mut self.log, Log::new(&self.artifacts));
        log.end();
        let output = Self::output_file(&self.artifacts);
        fs::remove_file(&output)
            .or_else(missing_is_fine)
            .map_err(Error::io("cannot remove", &output))?;
        OpenResults::sweep(self.artifacts.dir());
        log.remove();
        match (flushed, problem) {
            (Err(SinkError::Local(error)), _) | (_, Some(SinkError::Local(error))) => {
                return Err(error);
            }
            (Err(error), _) | (_, Some(error)) => {
                tracing::warn!(%error, "a partial result is incomplete");
            }
            _ => {}
        }
        Ok(self.outcome(ending))
    }

    /// Whether a part of one of the files that are arriving is here already, so much of which is missing.
    pub(crate) fn has_begun(&self, index: usize, missing: u64) -> bool {
        let file = self.arriving.as_ref().and_then(|(report, _)| report.files.get(index));
        file.is_some_and(|file| missing < file.length)
    }

    /// The place of one of the files that are arriving.
    pub(crate) fn place_of(&self, index: usize) -> Option<PathBuf> {
        let (report, _) = self.arriving.as_ref()?;
        let name = report.fields.get("name").and_then(|name| name.as_str());
        let announced = report.files.get(index)?;
        Some(announced.path.below(&self.artifacts.files_of(name)))
    }

    fn data(&mut self, index: usize, bytes: &[u8], last: bool) -> Result<(), SinkError> {
        let Some(path) = self.place_of(index) else { return Ok(()) };
        let Some((report, open)) = &mut self.arriving else { return Ok(()) };
        let Some(announced) = report.files.get(index) else { return Ok(()) };
        let file = match open {
            Some(file) => file,
            None => {
                refuse_links(&path, self.artifacts.dir(), &announced.path)?;
                self.log.before(&path)?;
                let file = open_file(&path, &announced.path)?;
                if is_same(&file, &Self::output_file(&self.artifacts)) {
                    return Err(malformed(format!(
                        "file {:?} is the output of the test",
                        announced.path.as_str()
                    )));
                }
                open.insert(file)
            }
        };
        file.write_all(bytes).map_err(Error::io("cannot write", &path))?;
        if last {
            *open = None;
            if index + 1 < report.files.len() {
                self.data(index + 1, &[], false)?;
            } else if let Some((report, _)) = self.arriving.take() {
                self.complete(report)?;
            }
        }
        Ok(())
    }

    /// A report whose files have all arrived.
    fn complete(&mut self, mut report: Report) -> Result<(), SinkError> {
        report.files = Vec::new();
        match self.open.add(report)? {
            Some(report) => self.write(report),
            None => Ok(()),
        }
    }

    fn write(&mut self, mut report: Report) -> Result<(), SinkError> {
        let attached = report.testout.take().map(|testout| {
            report.attach(&testout);
            self.attach_output(&report, &testout)
        });
        let line = ResultLine(report.fields);
        self.tally.count(line.status());
        if line.is_own() {
            self.own.add(line.status(), line.note());
        }
        ascii_json::write(&mut self.results, &line)
            .and_then(|()| self.results.write_all(b"\n"))
            .map_err(Error::io("cannot write", self.artifacts.results_file()))?;
        attached.unwrap_or(Ok(()))
    }

    /// Links the output, which may still grow, to its place among the files.
    fn attach_output(&mut self, report: &Report, testout: &SafePath) -> Result<(), SinkError> {
        let path = testout.below(
            &self.artifacts.files_of(report.fields.get("name").and_then(|name| name.as_str())),
        );
        refuse_links(&path, self.artifacts.dir(), testout)?;
        make_parent(&path, testout)?;
        if path.symlink_metadata().is_err() {
            self.log.before(&path)?;
        }
        match fs::hard_link(Self::output_file(&self.artifacts), &path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(malformed(format!(
                "`testout` names {:?}, which exists already",
                testout.as_str()
            ))),
            Err(error) => Err(Error::io("cannot link the output to", &path)(error).into()),
        }
    }

    /// Sees to it that the test itself has a result.
    fn add_fallback(&mut self, ending: &Ending) -> Result<(), SinkError> {
        if self.open.own()?.is_none() && !self.own.is_empty() {
            return Ok(());
        }
        let Some(own) = self.open.open_own()? else { return Ok(()) };
        match ending {
            Ending::Exited(code) if !own.fields.contains_key("status") => {
                let by_code = || String::from(if *code == 0 { "pass" } else { "fail" });
                let status = self.judged.take().unwrap_or_else(by_code);
                own.fields.insert("status".into(), status.into());
            }
            Ending::Exited(_) => {}
            Ending::Stopped(note) => {
                own.fields.insert("status".into(), "infra".into());
                let mut note = note.clone();
                self.secrets.hide_cut(&mut note);
                own.fields.insert("note".into(), note.into());
            }
        }
        if own.testout.is_none()
            && !own.has_file(OUTPUT)
            && Self::output_file(&self.artifacts).exists()
        {
            own.testout = SafePath::new(OUTPUT);
        }
        Ok(())
    }

    fn outcome(self, ending: &Ending) -> Outcome {
        // A test that was stopped did not come to its own end, whatever it had said before.
        let (exit_code, (verdict, note)) = match ending {
            Ending::Stopped(note) => {
                let mut note = note.clone();
                self.secrets.hide_cut(&mut note);
                (None, (Verdict::Infra, Some(note)))
            }
            Ending::Exited(code) => (Some(*code), self.own.verdict(*code)),
        };
        Outcome::new(verdict, Duration::ZERO).exit_code(exit_code).note(note).tally(self.tally)
    }
}

fn open_file(path: &Path, shown: &SafePath) -> Result<File, SinkError> {
    make_parent(path, shown)?;
    File::options().create(true).append(true).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::IsADirectory => in_the_way(shown),
        _ => Error::io("cannot create", path)(error).into(),
    })
}

/// Whether a file that is open is the one of this path.
fn is_same(file: &File, path: &Path) -> bool {
    let number = |found: &fs::Metadata| (found.dev(), found.ino());
    let open = file.metadata().ok().as_ref().map(number);
    open.is_some() && open == fs::metadata(path).ok().as_ref().map(number)
}

/// Refuses a path with a symbolic link below the artifacts: a test on this machine may have put one there.
fn refuse_links(path: &Path, artifacts: &Path, shown: &SafePath) -> Result<(), SinkError> {
    let below = path.ancestors().take_while(|part| *part != artifacts);
    let is_link = |part: &Path| part.symlink_metadata().is_ok_and(|found| found.is_symlink());
    if below.into_iter().any(is_link) {
        return Err(malformed(format!("file {:?} leads through a symbolic link", shown.as_str())));
    }
    Ok(())
}

fn make_parent(path: &Path, shown: &SafePath) -> Result<(), SinkError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    fs::create_dir_all(parent).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => in_the_way(shown),
        _ => Error::io("cannot create", parent)(error).into(),
    })
}

fn in_the_way(shown: &SafePath) -> SinkError {
    malformed(format!("file {:?} or a part of it is a file and a folder at once", shown.as_str()))
}

fn malformed(problem: String) -> SinkError {
    SinkError::Control(ControlError::Report { problem, json: String::new() })
}

fn missing_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
