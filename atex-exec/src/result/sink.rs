//! [`ResultSink`]: writes what a test reports into its artifacts, as it comes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use atex_core::{Artifacts, Error, Outcome, ResultLine, SafePath, Tally, Verdict, ascii_json};

use super::{OpenResults, Report};
use crate::control::{ControlError, Piece, Word};

/// Writes the results and files of one run of a test. All calls are short writes to local files.
#[derive(Debug)]
pub(crate) struct ResultSink {
    artifacts: Artifacts,
    results: File,
    /// Lines that are not written yet: one write for all that came in one piece.
    lines: Vec<u8>,
    open: OpenResults,
    /// The report whose files are arriving, and the file that is open.
    arriving: Option<(Report, Option<File>)>,
    /// Space that is given up when the disk is full, so that the last word can still be written.
    reserve: PathBuf,
    tally: Tally,
    own: OwnResults,
}

/// What the results of the test itself come to. Only the deciding ones are kept: a test may report any number.
#[derive(Debug, Default)]
struct OwnResults {
    /// The worst of those with a status that has a meaning, and its note.
    worst: Option<(Verdict, Option<String>)>,
    /// The note of the last one with another status, or none: the exit code decides on it.
    undefined: Option<Option<String>>,
}

impl OwnResults {
    fn add(&mut self, status: Option<&str>, note: Option<&str>) {
        let note = note.map(str::to_owned);
        // Only statuses without a meaning depend on the exit code.
        let verdict = Verdict::from_status(status, Some(0));
        if verdict != Verdict::from_status(status, Some(1)) {
            self.undefined = Some(note);
        } else if self.worst.as_ref().is_none_or(|(worst, _)| verdict > *worst) {
            self.worst = Some((verdict, note));
        }
    }

    fn is_empty(&self) -> bool {
        self.worst.is_none() && self.undefined.is_none()
    }

    /// The verdict, with the note of the result that decided.
    fn verdict(self, exit_code: i32) -> (Verdict, Option<String>) {
        let by_code =
            self.undefined.map(|note| (Verdict::from_status(None, Some(exit_code)), note));
        let all = self.worst.into_iter().chain(by_code);
        all.max_by_key(|(verdict, _)| *verdict).unwrap_or((Verdict::Infra, None))
    }
}

/// Why a result could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SinkError {
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
/// The name of the output that is attached when the test did not ask for another.
const OUTPUT: &str = "output.txt";

impl ResultSink {
    /// Begins to fill the artifacts, which must be empty.
    pub(crate) fn new(artifacts: Artifacts) -> Result<Self, Error> {
        let (path, reserve) = (artifacts.results_file(), artifacts.dir().join(".reserve"));
        let results = File::create_new(&path).map_err(Error::io("cannot create", &path))?;
        fs::write(&reserve, [0; RESERVE]).map_err(Error::io("cannot write", &reserve))?;
        Ok(Self {
            artifacts,
            results,
            lines: Vec::new(),
            open: OpenResults::default(),
            arriving: None,
            reserve,
            tally: Tally::default(),
            own: OwnResults::default(),
        })
    }

    /// Where the output of the test goes until it is known under which names it is attached.
    pub(crate) fn output_file(artifacts: &Artifacts) -> PathBuf {
        artifacts.dir().join("testout.temp")
    }

    /// Takes a piece of the control stream. Words other than results are the caller's.
    pub(crate) fn piece(&mut self, piece: Piece<'_>) -> Result<Option<Word>, SinkError> {
        match piece {
            Piece::Word(word) => return Ok(Some(word)),
            Piece::Report(report) if report.files.is_empty() => self.complete(report)?,
            Piece::Report(report) => self.arriving = Some((report, None)),
            Piece::Data { file, bytes, last } => self.data(file, bytes, last)?,
        }
        Ok(None)
    }

    /// Makes what was taken so far readable. Called after every chunk of the stream.
    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let written = self.results.write_all(&self.lines);
        self.lines.clear();
        written
            .map_err(|error| Error::io("cannot write", self.artifacts.results_file())(error).into())
    }

    /// Adds the last result, if one is missing, and closes what is open.
    pub(crate) fn finish(mut self, ending: &Ending) -> Result<Outcome, Error> {
        fs::remove_file(&self.reserve).ok();
        self.add_fallback(ending);
        let open: Vec<Report> = self.open.close().collect();
        let mut problem = None;
        for report in open {
            // One that cannot be completed (its output has no place) must not take the others with it.
            if let Err(error) = self.write(report) {
                problem = problem.or(Some(error));
            }
        }
        let flushed = self.flush();
        let output = Self::output_file(&self.artifacts);
        fs::remove_file(&output)
            .or_else(missing_is_fine)
            .map_err(Error::io("cannot remove", &output))?;
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

    fn data(&mut self, index: usize, bytes: &[u8], last: bool) -> Result<(), SinkError> {
        let Some((report, open)) = &mut self.arriving else { return Ok(()) };
        let folder =
            self.artifacts.files_of(report.fields.get("name").and_then(|name| name.as_str()));
        let Some(announced) = report.files.get(index) else { return Ok(()) };
        let path = announced.path.below(&folder);
        let file = match open {
            Some(file) => file,
            None => open.insert(open_file(&path, &announced.path)?),
        };
        file.write_all(bytes).map_err(Error::io("cannot write", &path))?;
        if last {
            *open = None;
            if index + 1 == report.files.len()
                && let Some((report, _)) = self.arriving.take()
            {
                self.complete(report)?;
            }
        }
        Ok(())
    }

    /// A report whose files have all arrived.
    fn complete(&mut self, report: Report) -> Result<(), SinkError> {
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
        ascii_json::write(&mut self.lines, &line)
            .map_err(Error::io("cannot write", self.artifacts.results_file()))?;
        self.lines.push(b'\n');
        attached.unwrap_or(Ok(()))
    }

    /// Links the output, which may still grow, to its place among the files.
    fn attach_output(&self, report: &Report, testout: &SafePath) -> Result<(), SinkError> {
        let path = testout.below(
            &self.artifacts.files_of(report.fields.get("name").and_then(|name| name.as_str())),
        );
        make_parent(&path, testout)?;
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
    fn add_fallback(&mut self, ending: &Ending) {
        if self.open.own().is_none() && !self.own.is_empty() {
            return;
        }
        let own = self.open.open_own();
        match ending {
            Ending::Exited(code) if !own.fields.contains_key("status") => {
                let status = if *code == 0 { "pass" } else { "fail" };
                own.fields.insert("status".into(), status.into());
            }
            Ending::Exited(_) => {}
            Ending::Stopped(note) => {
                own.fields.insert("status".into(), "infra".into());
                own.fields.insert("note".into(), note.as_str().into());
            }
        }
        if own.testout.is_none()
            && !own.has_file(OUTPUT)
            && Self::output_file(&self.artifacts).exists()
        {
            own.testout = SafePath::new(OUTPUT);
        }
    }

    fn outcome(self, ending: &Ending) -> Outcome {
        // A test that was stopped did not come to its own end, whatever it had said before.
        let (exit_code, (verdict, note)) = match ending {
            Ending::Stopped(note) => (None, (Verdict::Infra, Some(note.clone()))),
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
