//! [`Follow`]: shows what tests print, as it comes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atex_core::display::Harmless;
use atex_core::{EventSink, RunEvent, TestName};

use crate::message;

/// A line that is longer is shown in pieces.
const LINE_MAX: usize = 16 << 10;
/// What the last line of a file of output begins with, for a moment.
const END: &[u8] = b"\0atex-end ";
/// How often is looked for news.
const PAUSE: Duration = Duration::from_millis(100);

/// Shows what tests print: line by line, each after the name of its test, or as it is.
#[derive(Debug, Default)]
pub(crate) struct Follow {
    tests: Mutex<HashMap<TestName, Output>>,
    /// Where it goes as it is.
    raw: Option<File>,
}

/// The output of one test.
#[derive(Debug)]
struct Output {
    file: File,
    /// The beginning of a line whose end did not come yet.
    begun: Vec<u8>,
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

    /// A test is about to print into this file.
    pub(crate) fn begin(&self, test: &TestName, output: &Path) {
        if let Ok(file) = File::open(output) {
            self.tests().insert(test.clone(), Output { file, begun: Vec::new() });
        }
    }

    /// Shows what is new, again and again.
    pub(crate) async fn watch(&self) -> Infallible {
        loop {
            tokio::time::sleep(PAUSE).await;
            for (test, output) in self.tests().iter_mut() {
                self.show(test, output);
            }
        }
    }

    fn tests(&self) -> MutexGuard<'_, HashMap<TestName, Output>> {
        self.tests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, test: &TestName, output: &mut Output) {
        match &self.raw {
            Some(to) => output.write(to),
            None => output.show(test),
        }
    }
}

impl Output {
    /// Shows the lines that are complete.
    fn show(&mut self, test: &TestName) {
        let mut chunk = [0; LINE_MAX];
        loop {
            // What cannot be read is not shown; it is among the results.
            let count = self.file.read(&mut chunk).unwrap_or(0);
            if count == 0 {
                return;
            }
            self.begun.extend_from_slice(&chunk[..count]);
            let complete = self.begun.iter().rposition(|byte| *byte == b'\n');
            let complete: Vec<u8> = self.begun.drain(..complete.map_or(0, |end| end + 1)).collect();
            complete.split_inclusive(|byte| *byte == b'\n').for_each(|line| print(test, line));
            if self.begun.len() > LINE_MAX {
                print(test, &std::mem::take(&mut self.begun));
            }
        }
    }
}

impl Output {
    /// Writes what is new, but for what could be the remote's last word.
    fn write(&mut self, mut to: &File) {
        let mut chunk = [0; LINE_MAX];
        loop {
            let count = self.file.read(&mut chunk).unwrap_or(0);
            if count == 0 {
                return;
            }
            self.begun.extend_from_slice(&chunk[..count]);
            let kept = self.begun.iter().rposition(|byte| *byte == END[0]);
            let kept = kept.filter(|at| {
                let (rest, length) = (&self.begun[*at..], END.len());
                rest.starts_with(&END[..rest.len().min(length)])
            });
            let certain: Vec<u8> = self.begun.drain(..kept.unwrap_or(self.begun.len())).collect();
            // Whoever is not there any more does not want it.
            to.write_all(&certain).ok();
        }
    }
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
            self.show(&attempt.test, &mut output);
            if self.raw.is_none() && !output.begun.is_empty() {
                print(&attempt.test, &output.begun);
            }
        }
    }
}
