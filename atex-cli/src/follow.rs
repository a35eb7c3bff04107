//! [`Follow`]: shows what tests print, as it comes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atex_core::display::Harmless;
use atex_core::{EventSink, RunEvent, TestName};
use atex_exec::hide_in_stream;

use crate::message;

/// A line that is longer is shown in pieces.
const LINE_MAX: usize = 16 << 10;
/// What the last line of a file of output begins with, for a moment.
const END: &[u8] = b"\0atex-end ";
/// How often is looked for news.
const PAUSE: Duration = Duration::from_millis(100);

/// Shows what tests print: line by line, each after the name of its test, or as it is. What is secret is hidden.
#[derive(Default)]
pub(crate) struct Follow {
    tests: Mutex<HashMap<TestName, Output>>,
    /// Where it goes as it is.
    raw: Option<File>,
    secrets: Vec<String>,
}

/// The output of one test.
#[derive(Debug)]
struct Output {
    file: File,
    /// How much of it was shown.
    shown: u64,
}

impl Follow {
    /// What shows lines, each after the name of its test.
    pub(crate) fn lines() -> Self {
        Self::default()
    }

    /// What writes all that tests print to a file, as it is.
    pub(crate) fn raw(to: File) -> Self {
        Self { raw: Some(to), ..Self::default() }
    }

    /// With `*` in place of each byte of these.
    pub(crate) fn hiding(mut self, secrets: Vec<String>) -> Self {
        self.secrets = secrets;
        self
    }

    /// A test is about to print into this file.
    pub(crate) fn begin(&self, test: &TestName, output: &Path) {
        if let Ok(file) = File::open(output) {
            self.tests().insert(test.clone(), Output { file, shown: 0 });
        }
    }

    /// Shows what is new, again and again.
    pub(crate) async fn watch(&self) -> Infallible {
        loop {
            tokio::time::sleep(PAUSE).await;
            for (test, output) in self.tests().iter_mut() {
                self.show(test, output, false);
            }
        }
    }

    fn tests(&self) -> MutexGuard<'_, HashMap<TestName, Output>> {
        self.tests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what is new and certain; at the end, all.
    fn show(&self, test: &TestName, output: &mut Output, ended: bool) {
        let longest = self.secrets.iter().map(String::len).max().unwrap_or_default();
        loop {
            // Read again from what was not shown: when the test has ended, what is secret in it is hidden in the file itself.
            let mut piece = output.read(LINE_MAX + longest);
            let is_last = ended && piece.len() < LINE_MAX + longest;
            let certain = hide_in_stream(&mut piece, &self.secrets);
            piece.truncate(if is_last { piece.len() } else { certain });
            let shown = match &self.raw {
                Some(to) => write(to, &piece),
                None => print_lines(test, &piece, is_last),
            };
            output.shown += shown as u64;
            if shown == 0 {
                return;
            }
        }
    }
}

impl Output {
    /// The next bytes that were not shown, up to so many.
    fn read(&self, most: usize) -> Vec<u8> {
        let (mut piece, mut filled) = (vec![0; most], 0);
        // What cannot be read is not shown; it is among the results.
        while let Ok(count @ 1..) =
            self.file.read_at(&mut piece[filled..], self.shown + filled as u64)
        {
            filled += count;
        }
        piece.truncate(filled);
        piece
    }
}

/// Prints the lines that are complete, or too long, or all; how many bytes they have.
fn print_lines(test: &TestName, piece: &[u8], all: bool) -> usize {
    let end = piece.iter().rposition(|byte| *byte == b'\n').map(|end| end + 1);
    let count = match end {
        _ if all => piece.len(),
        None if piece.len() >= LINE_MAX => piece.len(),
        end => end.unwrap_or_default(),
    };
    piece[..count].split_inclusive(|byte| *byte == b'\n').for_each(|line| print(test, line));
    count
}

/// Writes this, but for what could be the remote's last word; how much that is.
fn write(mut to: &File, piece: &[u8]) -> usize {
    let kept = piece.iter().rposition(|byte| *byte == END[0]).filter(|at| {
        let (rest, length) = (&piece[*at..], END.len());
        rest.starts_with(&END[..rest.len().min(length)])
    });
    let count = kept.unwrap_or(piece.len());
    // Whoever is not there any more does not want it.
    to.write_all(&piece[..count]).ok();
    count
}

fn print(test: &TestName, line: &[u8]) {
    // The remote says at the end how much there was; that is no part of it.
    let end = line.windows(END.len()).position(|window| window == END);
    let line = &line[..end.unwrap_or(line.len())];
    if line.is_empty() && end.is_some() {
        return;
    }
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end_matches(['\r', '\n']);
    message::note(&format!("{} | {}", Harmless(test.as_str()), Harmless(line)));
}

impl EventSink for Follow {
    fn emit(&self, _: Duration, event: &RunEvent) {
        let RunEvent::TestEnded { attempt, .. } = event else { return };
        let ended = self.tests().remove(&attempt.test);
        if let Some(mut output) = ended {
            self.show(&attempt.test, &mut output, true);
        }
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("raw", &self.raw).finish_non_exhaustive()
    }
}
