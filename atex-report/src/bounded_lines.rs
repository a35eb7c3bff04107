//! [`BoundedLines`]: a file line by line, with a limit to what a line may cost.

use std::io::{self, BufRead, Read};

/// Reads lines into one buffer that is used again and never grows beyond the limit.
#[derive(Debug)]
pub(crate) struct BoundedLines<R> {
    reader: R,
    limit: usize,
    buffer: Vec<u8>,
    number: usize,
}

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// A line, without its end.
    Whole(&'a [u8]),
    /// The last line, whose end is missing.
    Torn(&'a [u8]),
    /// A line that is longer than the limit; what follows it cannot be read.
    TooLong,
    /// Nothing.
    End,
}

impl<R: BufRead> BoundedLines<R> {
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit, buffer: Vec::new(), number: 0 }
    }

    /// The number of the line that was read last, counted from 1.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn next_line(&mut self) -> io::Result<Next<'_>> {
        self.buffer.clear();
        let most = u64::try_from(self.limit).unwrap_or(u64::MAX).saturating_add(1);
        if self.reader.by_ref().take(most).read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(Next::End);
        }
        self.number += 1;
        Ok(match self.buffer.split_last() {
            Some((b'\n', line)) => Next::Whole(line),
            _ if self.buffer.len() > self.limit => Next::TooLong,
            _ => Next::Torn(&self.buffer),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_kind_of_line_it_is() {
        let mut lines = BoundedLines::new(&b"12345\n\nabc"[..], 5);
        assert_eq!(lines.next_line().unwrap(), Next::Whole(b"12345"));
        assert_eq!(lines.next_line().unwrap(), Next::Whole(b""));
        assert_eq!(lines.next_line().unwrap(), Next::Torn(b"abc"));
        assert_eq!(lines.number(), 3);
        assert_eq!(lines.next_line().unwrap(), Next::End);
        let mut lines = BoundedLines::new(&b"123456\n"[..], 5);
        assert_eq!(lines.next_line().unwrap(), Next::TooLong);
    }
}
