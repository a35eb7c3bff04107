//! [`Pieces`]: a reader that lets nobody hold too much of it at once.

use std::io::{self, BufRead};

/// The longest piece, in bytes.
const PIECE_MAX: usize = 64 << 20;

/// Passes on what is read, counts its lines, and ends where one piece (a tag, a row) is longer than any sensible one, so that
/// readers that hold a whole piece do not fill the memory.
#[derive(Debug)]
pub(super) struct Pieces<R> {
    reader: R,
    line: usize,
    room: usize,
    ended: bool,
}

impl<R> Pieces<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, line: 1, room: PIECE_MAX, ended: false }
    }

    /// Another piece begins.
    pub(super) fn next_piece(&mut self) {
        self.room = PIECE_MAX;
    }

    /// Whether there is nothing more.
    pub(super) fn is_at_end(&self) -> bool {
        self.ended
    }

    /// The line that is read.
    pub(super) fn line(&self) -> usize {
        self.line
    }
}

impl<R: BufRead> io::Read for Pieces<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = {
            let bytes = self.fill_buf()?;
            let count = bytes.len().min(into.len());
            into[..count].copy_from_slice(&bytes[..count]);
            count
        };
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Pieces<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.room == 0 {
            return Err(io::Error::other(format!("a piece of more than {PIECE_MAX} bytes")));
        }
        let bytes = self.reader.fill_buf()?;
        self.ended = bytes.is_empty();
        Ok(bytes)
    }

    fn consume(&mut self, count: usize) {
        // What is consumed is what was filled last, so this reads nothing.
        if let Ok(bytes) = self.reader.fill_buf() {
            self.line +=
                bytes[..count.min(bytes.len())].iter().filter(|byte| **byte == b'\n').count();
        }
        self.room = self.room.saturating_sub(count);
        self.reader.consume(count);
    }
}
