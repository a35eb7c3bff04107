//! [`Parser`]: bytes of the control stream in, words and data out. No IO, bounded memory.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{ControlError, Word};
use crate::result::Report;

/// Cuts a control stream into pieces, whatever the sizes of the chunks in which it arrives.
///
/// ```
/// use atex_exec::control::{Parser, Piece, Word};
///
/// let mut parser = Parser::default();
/// let mut input: &[u8] = b"noop\nexitco";
/// assert_eq!(parser.next(&mut input), Ok(Some(Piece::Word(Word::Noop))));
/// assert_eq!(parser.next(&mut input), Ok(None)); // more is needed
/// assert_eq!(parser.next(&mut &b"de 3\n"[..]), Ok(Some(Piece::Word(Word::Exitcode(3)))));
/// ```
#[derive(Debug, Default)]
pub struct Parser {
    state: State,
    /// The beginning of a line or of JSON that has not arrived as a whole; never longer than its limit.
    buffer: Vec<u8>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Line,
    Json {
        length: usize,
    },
    Files {
        index: usize,
        left: u64,
        following: VecDeque<u64>,
    },
}

/// Where in a control stream a [`Parser`] is, for one that goes on there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// At the beginning of a line.
    Line,
    /// At the beginning of the JSON of a result.
    Json {
        /// Its length.
        length: usize,
    },
    /// Inside the files of the last report.
    File {
        /// Which of its files.
        index: usize,
        /// How much of it is missing.
        left: u64,
    },
}

/// A piece of a control stream.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    /// A word other than `result`.
    Word(Word),
    /// A result; the contents of its files follow as [`Data`](Self::Data), in their order.
    Report(Report),
    /// Bytes of a file of the last report. A file of length 0 comes as one empty piece.
    Data {
        /// Which of the report's files.
        file: usize,
        /// The bytes.
        bytes: &'a [u8],
        /// Whether the file ends here.
        last: bool,
    },
}

impl Parser {
    /// The greatest length of a control line, its newline included.
    pub const MAX_LINE: usize = 4096;
    /// The greatest length of the JSON of one result. Bigger things belong into files.
    pub const MAX_JSON: u64 = 1 << 20;

    /// The next piece, taken from the front of `input`; `None` when `input` is used up and more is needed.
    ///
    /// # Errors
    /// [`ControlError`] for what the protocol forbids. The stream is of no further use then.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, ControlError> {
        loop {
            match &mut self.state {
                State::Line => match self.line(input)? {
                    None => return Ok(None),
                    Some(Word::Result { length }) => {
                        self.state = State::Json { length: json_length(length)? }
                    }
                    Some(word) => return Ok(Some(Piece::Word(word))),
                },
                State::Json { length } => {
                    let length = *length;
                    let Some(report) = self.json(length, input)? else { return Ok(None) };
                    let mut following: VecDeque<u64> =
                        report.files.iter().map(|file| file.length).collect();
                    self.state = match following.pop_front() {
                        Some(left) => State::Files { index: 0, left, following },
                        None => State::Line,
                    };
                    return Ok(Some(Piece::Report(report)));
                }
                State::Files { index, left, following } => {
                    if input.is_empty() && *left > 0 {
                        return Ok(None);
                    }
                    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    let (bytes, rest) = input.split_at(take);
                    *input = rest;
                    *left -= take as u64;
                    let (file, last) = (*index, *left == 0);
                    if last {
                        match following.pop_front() {
                            Some(next) => (*index, *left) = (file + 1, next),
                            None => self.state = State::Line,
                        }
                    }
                    return Ok(Some(Piece::Data { file, bytes, last }));
                }
            }
        }
    }

    /// So many bytes of the file that is coming came another way: fewer than are missing, so that its end comes as a piece.
    pub(crate) fn pass_over(&mut self, bytes: u64) {
        if let State::Files { left, .. } = &mut self.state {
            *left = left.saturating_sub(bytes).max(1);
        }
    }

    /// Where the stream is to be read from again if all is lost that is not taken yet: this many bytes back, and what is
    /// there.
    pub fn place(&self) -> (u64, Place) {
        let place = match &self.state {
            State::Line => Place::Line,
            State::Json { length } => Place::Json { length: *length },
            State::Files { index, left, .. } => Place::File { index: *index, left: *left },
        };
        (self.buffer.len() as u64, place)
    }

    /// A parser that goes on at a place; `report` is the one whose files arrive there, if any do.
    pub fn at(place: Place, report: Option<&Report>) -> Self {
        let state = match place {
            Place::Line => State::Line,
            Place::Json { length } => State::Json { length },
            Place::File { index, left } => {
                let files = report.map(|report| report.files.as_slice()).unwrap_or_default();
                let following = files.iter().skip(index + 1).map(|file| file.length).collect();
                State::Files { index, left, following }
            }
        };
        Self { state, buffer: Vec::new() }
    }

    /// Whether the stream may end here.
    ///
    /// # Errors
    /// [`ControlError::Truncated`] inside a line or inside announced data.
    pub fn finish(&self) -> Result<(), ControlError> {
        let what = match &self.state {
            State::Line if self.buffer.is_empty() => return Ok(()),
            State::Line => "a control line".to_owned(),
            State::Json { length } => {
                format!("the JSON of a result ({} of {length} bytes came)", self.buffer.len())
            }
            State::Files { left, .. } => format!("the data of a file ({left} bytes are missing)"),
        };
        Err(ControlError::Truncated { what })
    }

    fn line(&mut self, input: &mut &[u8]) -> Result<Option<Word>, ControlError> {
        let room = Self::MAX_LINE - self.buffer.len();
        let seen = &input[..room.min(input.len())];
        if let Some(end) = seen.iter().position(|byte| *byte == b'\n') {
            let line = &input[..end];
            *input = &input[end + 1..];
            if self.buffer.is_empty() {
                return Word::parse(line).map(Some);
            }
            self.buffer.extend_from_slice(line);
            let word = Word::parse(&self.buffer);
            self.buffer.clear();
            return word.map(Some);
        }
        if seen.len() == room {
            return Err(ControlError::LongLine {
                start: super::shown(if self.buffer.is_empty() { seen } else { &self.buffer }),
            });
        }
        self.buffer.extend_from_slice(seen);
        *input = &[];
        Ok(None)
    }

    fn json(&mut self, length: usize, input: &mut &[u8]) -> Result<Option<Report>, ControlError> {
        if self.buffer.is_empty() && input.len() >= length {
            let (json, rest) = input.split_at(length);
            *input = rest;
            return Report::parse(json).map(Some);
        }
        let take = (length - self.buffer.len()).min(input.len());
        let needed = self.buffer.len() + take;
        if self.buffer.capacity() < needed {
            let room = (2 * needed).min(length);
            self.buffer.reserve_exact(room - self.buffer.len());
        }
        self.buffer.extend_from_slice(&input[..take]);
        *input = &input[take..];
        if self.buffer.len() < length {
            return Ok(None);
        }
        let report = Report::parse(&self.buffer);
        // What a big result needed is not kept for the small ones that follow.
        self.buffer = Vec::new();
        report.map(Some)
    }
}

fn json_length(length: u64) -> Result<usize, ControlError> {
    match usize::try_from(length) {
        Ok(0) => {
            Err(ControlError::Report { problem: "its length is 0".into(), json: String::new() })
        }
        Ok(fits) if length <= Parser::MAX_JSON => Ok(fits),
        _ => Err(ControlError::BigResult { length }),
    }
}
