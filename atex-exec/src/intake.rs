//! [`Intake`]: takes both streams of a test in: results into their sink, and what is safe here is known.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use atex_core::{Artifacts, Error, Result};

use crate::attempt::Progress;
use crate::checkpoint::{Checkpoint, Identity, Moment};
use crate::control::{Parser, Place, Word};
use crate::guest::Conclusion;
use crate::result::{ResultSink, SinkError};

/// How much of the control stream may come, and how much time may pass, before what came is written down as safe.
const EPOCH: (u64, Duration) = (1 << 20, Duration::from_secs(1));
/// How much of a stream comes before the remote is told that it is safe here.
const ACKNOWLEDGED: u64 = 4 << 20;
/// So much of a stream the remote has, whatever it was told: it forgets whole segments only (`slow.sh`).
const KEPT_THERE: u64 = 16 << 20;

/// Both streams of a test, as far as they are here.
pub(crate) struct Intake<'a> {
    sink: &'a mut ResultSink,
    parser: Parser,
    identity: Identity,
    /// How many bytes of the control stream were taken, since the last reboot.
    taken: u64,
    /// The file of the test's output. All that is in it is safe.
    output: PathBuf,
    /// How much of it came before the last reboot.
    output_before: u64,
    /// How long it was when an attachment was made that has not begun.
    before_attached: Option<u64>,
    /// Whether the test announced a reboot: what came since does not count.
    closed: bool,
    /// Whether the test broke the protocol: nothing that follows counts.
    broken: bool,
    /// Where in the control stream the file that is coming took a shortcut, if it is on it.
    shortcut: Option<u64>,
    safe: Safe,
}

/// How far both streams are safe here.
#[derive(Debug, Default)]
struct Safe {
    control: u64,
    at: Duration,
    /// How long the last checkpoint was: a long one has to be worth it.
    size: u64,
    /// What the remote knows of it.
    told: (u64, u64),
}

/// What a chunk of the control stream led to.
pub(crate) enum Taken {
    /// All of it was taken.
    All,
    /// The test announced a reboot: what follows does not count.
    Closed,
}

impl<'a> Intake<'a> {
    /// Of a test that is about to start.
    pub(crate) fn new(sink: &'a mut ResultSink, artifacts: &Artifacts, identity: Identity) -> Self {
        Self {
            sink,
            parser: Parser::default(),
            identity,
            taken: 0,
            output: ResultSink::output_file(artifacts),
            output_before: 0,
            before_attached: None,
            closed: false,
            broken: false,
            shortcut: None,
            safe: Safe::default(),
        }
    }

    /// Of a test that another controller followed so far.
    pub(crate) fn resume(
        sink: &'a mut ResultSink,
        artifacts: &Artifacts,
        identity: Identity,
        from: &Checkpoint,
    ) -> Self {
        let mut intake = Self::new(sink, artifacts, identity);
        intake.parser = Parser::at(from.place.clone(), from.sink.arriving.as_ref());
        (intake.taken, intake.output_before) = (from.control, from.output_before);
        intake.closed = from.progress.announced;
        intake.shortcut = from.shortcut;
        intake.safe.control = from.control;
        intake
    }

    /// The file for the output, to be appended to by an attachment.
    pub(crate) fn output(&mut self) -> Result<File> {
        if let Ok(new) = File::options().append(true).create_new(true).open(&self.output) {
            self.before_attached = Some(0);
            return Ok(new);
        }
        self.drop_complaints()?;
        self.take_conclusion()?;
        self.before_attached = Some(self.output_length());
        let file = File::options().append(true).open(&self.output);
        file.map_err(Error::io("cannot write", &self.output))
    }

    /// Nothing of the output can have come so far of an attachment that asks what is here. Whatever was printed since it was made, as by the
    /// program of a connection that complains, is no part of it.
    pub(crate) fn drop_complaints(&mut self) -> Result<()> {
        match self.before_attached.take() {
            Some(length) if self.output_length() > length => self.cut_output(length),
            _ => Ok(()),
        }
    }

    /// The attachment has begun, and needs no answer: what came since it was made may be the test's.
    pub(crate) fn trust_output(&mut self) {
        self.before_attached = None;
    }

    fn cut_output(&self, length: u64) -> Result<()> {
        let file = File::options().write(true).open(&self.output);
        file.and_then(|file| file.set_len(length)).map_err(Error::io("cannot write", &self.output))
    }

    /// What the remote said at the end of the output, which is no part of it.
    fn take_conclusion(&self) -> Result<Option<Conclusion>> {
        let file = File::options().read(true).write(true).open(&self.output);
        file.and_then(|mut file| Conclusion::take(&mut file))
            .map_err(Error::io("cannot write", &self.output))
    }

    /// The attachment says that this was all: how the test ended, if that is so.
    pub(crate) fn conclude(&mut self) -> Result<Option<Conclusion>> {
        let (said, here) = (self.take_conclusion()?, self.here());
        let conclusion = said.filter(|it| here == (it.control, it.output));
        if conclusion.is_none() {
            let test = &self.identity.test;
            tracing::warn!(test, ?said, ?here, "what came is not what was sent");
        }
        Ok(conclusion)
    }

    /// What came does not fit what the remote sent, again: the output is to come anew. Whatever printed into it on the way, as the
    /// program of a connection that complains, is in it no more.
    ///
    /// Of a long output, the remote no longer has the beginning.
    pub(crate) fn take_output_back(&self) -> Result<()> {
        if self.output_length().saturating_sub(self.output_before) > KEPT_THERE {
            return Ok(());
        }
        self.cut_output(self.output_before)
    }

    /// How much output is here, of all starts of the test.
    pub(crate) fn output_length(&self) -> u64 {
        fs::metadata(&self.output).map_or(0, |file| file.len())
    }

    /// How much is here of both streams, for an attachment to go on.
    pub(crate) fn here(&mut self) -> (u64, u64) {
        let output = self.output_length().saturating_sub(self.output_before);
        self.safe.told = (self.taken, output);
        (self.taken, output)
    }

    /// Both streams begin anew: the test is about to be started.
    pub(crate) fn restart(&mut self) {
        (self.parser, self.taken, self.closed) = (Parser::default(), 0, false);
        self.output_before = self.output_length();
        self.safe = Safe::default();
    }

    /// Takes a chunk of the control stream; every word of it goes to `on`.
    pub(crate) fn take(&mut self, chunk: &[u8], on: impl FnMut(Word)) -> Result<Taken, SinkError> {
        self.taken += chunk.len() as u64;
        if self.closed || self.broken {
            return Ok(Taken::All);
        }
        let taken = self.parse(chunk, on);
        self.broken = matches!(taken, Err(SinkError::Control(_)));
        // What came before it is kept.
        self.sink.flush()?;
        taken
    }

    fn parse(&mut self, mut chunk: &[u8], mut on: impl FnMut(Word)) -> Result<Taken, SinkError> {
        while let Some(piece) = self.parser.next(&mut chunk)? {
            match self.sink.piece(piece)? {
                Some(Word::Disconnect) => {
                    self.closed = true;
                    return Ok(Taken::Closed);
                }
                Some(word) => on(word),
                None => {}
            }
        }
        Ok(Taken::All)
    }

    /// Takes nothing of a chunk: it does not count any more.
    pub(crate) fn skip(&mut self, chunk: &[u8]) {
        self.taken += chunk.len() as u64;
    }

    /// The place of the file that is coming, if it is here in part and so much is missing, or more.
    pub(crate) fn long_file(&self, missing: u64) -> Option<PathBuf> {
        let (_, Place::File { index, left }) = self.parser.place() else { return None };
        let is_one = left >= missing && self.sink.has_begun(index, left);
        if is_one && !self.closed && !self.broken { self.sink.place_of(index) } else { None }
    }

    /// Where the file that is coming is on its shortcut to.
    pub(crate) fn shortcut_place(&self) -> Option<PathBuf> {
        let (_, Place::File { index, .. }) = self.parser.place() else { return None };
        self.shortcut.and_then(|_| self.sink.place_of(index))
    }

    /// From here on, the file that is coming takes a shortcut to its place: how many bytes. Its last one comes as ever, and says that
    /// it was the last. None if the shortcut is not for what is coming.
    pub(crate) fn begin_shortcut(
        &mut self,
        from: u64,
        leads_to: impl Fn(&Path) -> bool,
    ) -> Option<u64> {
        let (_, Place::File { left, .. }) = self.parser.place() else { return None };
        self.long_file(2).filter(|place| self.taken == from && leads_to(place))?;
        self.shortcut = Some(from);
        Some(left - 1)
    }

    /// Whether all came that came before this place of the control stream.
    pub(crate) const fn is_at(&self, place: u64) -> bool {
        self.taken >= place
    }

    /// The shortcut is at its end: what follows in the control stream is of this place.
    pub(crate) fn end_shortcut(&mut self, to: u64) {
        if let Some(from) = self.shortcut.take() {
            self.parser.pass_over(to - from);
            self.taken = to;
        }
    }

    /// The stream is at its end.
    ///
    /// # Errors
    /// When it ends where it must not, unless nobody minds any more.
    pub(crate) fn finish(&self) -> Result<(), SinkError> {
        if self.closed { Ok(()) } else { Ok(self.parser.finish()?) }
    }

    /// Writes down that all that came is safe, if it is time, or must be.
    pub(crate) fn checkpoint(
        &mut self,
        now: Duration,
        progress: &Progress,
        must: bool,
    ) -> Result<()> {
        let new = self.taken - self.safe.control;
        let due = new > 0 && now.saturating_sub(self.safe.at) >= EPOCH.1;
        if !must && new < EPOCH.0.max(4 * self.safe.size) && !(due && new >= self.safe.size) {
            return Ok(());
        }
        let (back, place) = self.parser.place();
        let control = if self.closed { self.taken } else { self.taken - back };
        let moment = Moment {
            elapsed: now,
            progress: progress.clone(),
            control,
            place,
            output_before: self.output_before,
            shortcut: self.shortcut,
        };
        self.safe.size = self.sink.checkpoint(&self.identity, moment)?;
        (self.safe.control, self.safe.at) = (control, now);
        Ok(())
    }

    /// What the remote is to be told that it need not keep any more, if it is much.
    pub(crate) fn acknowledgement(&mut self) -> Option<(u64, u64)> {
        let output = self.output_length().saturating_sub(self.output_before);
        let (control_told, output_told) = self.safe.told;
        let much = |now: u64, told: u64| now.saturating_sub(told) >= ACKNOWLEDGED;
        if !much(self.safe.control, control_told) && !much(output, output_told) {
            return None;
        }
        self.safe.told = (self.safe.control, output);
        Some(self.safe.told)
    }
}
