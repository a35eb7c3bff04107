//! [`JournalReader`]: a journal, event by event.

use std::fs::File;
use std::io::BufReader;
use std::iter::FusedIterator;
use std::path::PathBuf;

use atex_core::bounded_lines::{BoundedLines, Next};

use crate::wire::{JOURNAL_FORMAT, Line, LineFormat};
use crate::{Entry, StoreError};

/// Longer lines are not read. The longest that a run writes is its first, which lists all tests: this is enough for millions.
const LINE_MAX: usize = 256 << 20;

/// Reads a journal event by event, in constant memory.
///
/// A last line without its end, as a crash leaves it, is no error: the events before it are all there are, and
/// [`torn`](Self::torn) tells of it. Any other line that is not ours is an error, after which nothing more comes.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    lines: BoundedLines<BufReader<File>>,
    torn: Option<Torn>,
    ended: bool,
}

/// The piece of a line that a crash left at the end of a journal, or that is just being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// The number of the line, counted from 1.
    pub line: usize,
    /// How many bytes of it are there.
    pub bytes: usize,
}

impl JournalReader {
    /// Opens a journal.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be opened.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        let file = File::open(&path).map_err(StoreError::io("cannot read", &path))?;
        let lines = BoundedLines::new(BufReader::with_capacity(1 << 16, file), LINE_MAX);
        Ok(Self { path, lines, torn: None, ended: false })
    }

    /// The torn last line, once everything before it was read.
    pub fn torn(&self) -> Option<Torn> {
        self.torn
    }

    fn read(&mut self) -> Result<Option<Entry>, StoreError> {
        let path = &self.path;
        let next = self.lines.next_line().map_err(StoreError::io("cannot read", path))?;
        let parsed = match next {
            Next::Whole(line) => parse(line),
            Next::Torn(line) => {
                let bytes = line.len();
                self.torn = Some(Torn { line: self.lines.number(), bytes });
                return Ok(None);
            }
            Next::TooLong => {
                let (path, line) = (path.clone(), self.lines.number());
                return Err(StoreError::TooLong { path, line, limit: LINE_MAX });
            }
            Next::End => return Ok(None),
        };
        let (path, line) = (path.clone(), self.lines.number());
        parsed.map(Some).map_err(|problem| match problem {
            Problem::Newer(found) => StoreError::Newer { path, line, found, known: JOURNAL_FORMAT },
            Problem::Foreign(source) => StoreError::Foreign { path, line, source },
        })
    }
}

enum Problem {
    Newer(u64),
    Foreign(serde_json::Error),
}

fn parse(text: &[u8]) -> Result<Entry, Problem> {
    let parsed = serde_json::from_slice::<Line<'_>>(text);
    match parsed {
        Ok(line) if line.v <= JOURNAL_FORMAT => {
            Ok(Entry { at: line.at, event: line.event.into_owned() })
        }
        Ok(line) => Err(Problem::Newer(line.v)),
        // What a newer version means by its lines need not look like ours.
        Err(error) => Err(match serde_json::from_slice::<LineFormat>(text) {
            Ok(LineFormat { v }) if v > JOURNAL_FORMAT => Problem::Newer(v),
            _ => Problem::Foreign(error),
        }),
    }
}

impl Iterator for JournalReader {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl FusedIterator for JournalReader {}
