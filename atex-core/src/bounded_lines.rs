//! [`BoundedLines`]: a file line by line, with a limit to what a line may cost.

use std::io::{self, BufRead, Read};

/// Reads lines into one buffer that is used again and never grows much beyond the limit.
///
/// For files that somebody else may have filled: results of tests, journals.
#[derive(Debug)]
pub struct BoundedLines<R> {
    reader: R,
    limit: usize,
    buffer: Vec<u8>,
    number: usize,
    /// Bytes that were read.
    read: u64,
    /// Where the last whole line ends.
    position: u64,
    /// Whether the rest of a line that was too long is still to come.
    inside: bool,
}

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A line, without its end.
    Whole(&'a [u8]),
    /// The last line, whose end is missing.
    Torn(&'a [u8]),
    /// A line that is longer than the limit. The next call skips the rest of it.
    TooLong,
    /// Nothing.
    End,
}

impl<R: BufRead> BoundedLines<R> {
    /// The lines that come from this reader, of at most `limit` bytes each, the end of the line not counted.
    pub fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit, buffer: Vec::new(), number: 0, read: 0, position: 0, inside: false }
    }

    /// The number of the line that was read last, counted from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// How many bytes the whole lines so far take, their ends included: where what is torn begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Reads the next line.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn next_line(&mut self) -> io::Result<Next<'_>> {
        if self.inside {
            self.skip_rest()?;
        }
        self.buffer.clear();
        let most = u64::try_from(self.limit).unwrap_or(u64::MAX).saturating_add(1);
        if self.reader.by_ref().take(most).read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(Next::End);
        }
        self.number += 1;
        self.read += self.buffer.len() as u64;
        Ok(match self.buffer.split_last() {
            Some((b'\n', line)) => {
                self.position = self.read;
                Next::Whole(line)
            }
            _ if self.buffer.len() > self.limit => {
                self.inside = true;
                Next::TooLong
            }
            _ => Next::Torn(&self.buffer),
        })
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        while self.inside {
            let chunk = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(chunk.len(), |newline| newline + 1);
            self.inside = end.is_none() && used > 0;
            self.reader.consume(used);
            self.read += used as u64;
            if end.is_some() {
                self.position = self.read;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_kind_of_line_it_is() {
        let mut lines = BoundedLines::new(&b"12345\n\n123456\n7\nabc"[..], 5);
        assert_eq!(lines.next_line().unwrap(), Next::Whole(b"12345"));
        assert_eq!(lines.next_line().unwrap(), Next::Whole(b""));
        assert_eq!(lines.position(), 7);
        assert_eq!(lines.next_line().unwrap(), Next::TooLong);
        assert_eq!(lines.next_line().unwrap(), Next::Whole(b"7"));
        assert_eq!(lines.next_line().unwrap(), Next::Torn(b"abc"));
        assert_eq!(lines.number(), 5);
        assert_eq!(lines.next_line().unwrap(), Next::End);
        assert_eq!(lines.position(), 16);
    }

    #[test]
    fn a_long_line_without_an_end_is_not_whole() {
        let mut lines = BoundedLines::new(&b"1\n123456789"[..], 5);
        assert_eq!(lines.next_line().unwrap(), Next::Whole(b"1"));
        assert_eq!(lines.next_line().unwrap(), Next::TooLong);
        assert_eq!(lines.next_line().unwrap(), Next::End);
        assert_eq!(lines.position(), 2);
    }
}
