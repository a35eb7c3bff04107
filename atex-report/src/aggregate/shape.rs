//! [`Shape`]: what the results of a test look like in a file of text.

use std::fmt;
use std::io::{self, Write};

use atex_core::Record;

use super::Earlier;
use super::layout::Layout;
use super::source::{Reported, Said, Source, Stop};

/// One finished test, as it goes into a file.
pub(super) struct Told<'a> {
    /// What was handed in.
    pub(super) record: &'a Record,
    /// The name that the test has in the file.
    pub(super) name: &'a str,
    /// Its results.
    pub(super) source: Source,
    /// Where its files lie.
    pub(super) layout: &'a Layout,
    /// Its attempts that did not count in the end.
    pub(super) earlier: &'a [Earlier],
}

/// What the results of a test look like in a file of text.
pub(super) trait Shape: fmt::Debug + Send + Sync {
    /// What it is called in messages.
    fn name(&self) -> &'static str;

    /// What the file begins with.
    fn head(&self) -> &'static str {
        ""
    }

    /// What the file ends with, after every test.
    fn foot(&self) -> &'static str {
        ""
    }

    /// Writes all results of a test.
    fn write(&self, told: &Told<'_>, out: &mut dyn Write) -> Result<(), Stop>;

    /// So many bytes were written for a test, which is in the file now.
    fn written(&self, _bytes: u64) {}
}

impl Told<'_> {
    /// The files of a result, under the names that they were given.
    pub(super) fn files<'a>(&'a self, reported: &'a Reported<'a>) -> Vec<Said<'a>> {
        let subtest = reported.name.as_ref().and_then(Said::text);
        let place = |file: &'a Said<'a>| {
            let placed = file.text().and_then(|name| self.layout.name_of(subtest, name));
            placed.map_or_else(|| file.clone(), |name| Said::Text(name.into()))
        };
        reported.files.iter().map(place).collect()
    }
}

/// Keeps what is written until it is too much.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    overflown: bool,
    total: u64,
}

/// What is kept of a test; with more, its results are read again.
const BUFFER_MAX: usize = 1 << 20;

impl Buffer {
    /// All that was written, if it was not too much.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (!self.overflown).then_some(&self.bytes)
    }

    /// How much was written, whether it was kept or not.
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.total += bytes.len() as u64;
        if !self.overflown && self.bytes.len() + bytes.len() > BUFFER_MAX {
            self.overflown = true;
            self.bytes = Vec::new();
        }
        if !self.overflown {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
