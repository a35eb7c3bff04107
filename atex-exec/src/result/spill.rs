//! [`Spill`]: partial results on disk, in a file that is only appended to.
//!
//! A record is the number of an open result, its weight, the length of its JSON, and that JSON; the last record of a number counts.
//! A length of [`CLOSED`] has no JSON: the result is open no more. When most of the file counts no more, the rest is copied to
//! the next one, and the file that the last checkpoint names stays until there is another checkpoint.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use atex_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Report;

/// The length in the record of a result that was closed.
const CLOSED: u32 = u32::MAX;
const HEADER: u32 = 12;

/// Where a file of partial results is, and how much of it counts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct SpillState {
    number: u32,
    length: u32,
}

/// What stands before the JSON of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) place: u32,
    pub(super) weight: u32,
    length: u32,
}

impl Header {
    pub(super) fn is_closed(self) -> bool {
        self.length == CLOSED
    }

    /// The length of the whole record.
    pub(super) fn size(self) -> u32 {
        if self.is_closed() { HEADER } else { HEADER.saturating_add(self.length) }
    }
}

/// Partial results on disk. There is no file before there is something to write.
#[derive(Debug)]
pub(super) struct Spill {
    folder: PathBuf,
    number: u32,
    file: Option<BufWriter<File>>,
    length: u32,
    /// The number of the file that the last checkpoint names.
    kept: Option<u32>,
}

impl Spill {
    /// How long the file may become.
    pub(super) const MAX: u32 = 1 << 30;

    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, number: 0, file: None, length: 0, kept: None }
    }

    /// Goes on where a checkpoint was made.
    pub(super) fn resume(folder: PathBuf, state: Option<SpillState>) -> Result<Self> {
        let mut spill = Self::new(folder);
        let Some(SpillState { number, length }) = state else { return Ok(spill) };
        (spill.number, spill.length, spill.kept) = (number, length, Some(number));
        let path = spill.path();
        let file = File::options().read(true).append(true).open(&path).and_then(|file| {
            file.set_len(length.into())?;
            Ok(file)
        });
        let file = file.map_err(Error::io("cannot go on with", &path))?;
        spill.file = Some(BufWriter::new(file));
        Ok(spill)
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("partials-{}.temp", self.number))
    }

    pub(super) fn length(&self) -> u32 {
        self.length
    }

    /// What a checkpoint has to know. Everything has to be [flushed](Self::flush) before.
    pub(super) fn state(&self) -> Option<SpillState> {
        self.file.as_ref().map(|_| SpillState { number: self.number, length: self.length })
    }

    /// There is a checkpoint with the state of this moment.
    pub(super) fn checkpointed(&mut self) {
        let now = self.file.as_ref().map(|_| self.number);
        if let Some(kept) = self.kept.filter(|kept| now != Some(*kept)) {
            fs::remove_file(self.folder.join(format!("partials-{kept}.temp"))).ok();
        }
        self.kept = now;
    }

    /// The file to append to.
    fn file(&mut self) -> Result<&mut BufWriter<File>> {
        if self.file.is_none() {
            let path = self.path();
            // One may be left from what was taken back; a link that somebody put there is not followed.
            fs::remove_file(&path).ok();
            let made = File::options().read(true).append(true).create_new(true).open(&path);
            self.file = Some(BufWriter::new(made.map_err(Error::io("cannot create", &path))?));
        }
        self.file
            .as_mut()
            .ok_or_else(|| Error::io("cannot write", &self.folder)(io::Error::other("no file")))
    }

    /// Writes a record; where it is.
    pub(super) fn write(&mut self, place: u32, weight: usize, report: &Report) -> Result<u32> {
        let mut length = Count(0);
        serde_json::to_writer(&mut length, report)
            .map_err(|error| Error::io("cannot write", self.path())(error.into()))?;
        let header = Header {
            place,
            weight: u32::try_from(weight).unwrap_or(u32::MAX),
            length: u32::try_from(length.0).unwrap_or(CLOSED - 1),
        };
        self.append(header, |file| Ok(serde_json::to_writer(file, report)?))
    }

    /// Writes down that a result is open no more.
    pub(super) fn write_closed(&mut self, place: u32) -> Result<()> {
        self.append(Header { place, weight: 0, length: CLOSED }, |_| Ok(())).map(drop)
    }

    fn append(
        &mut self,
        header: Header,
        body: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<u32> {
        let (at, path) = (self.length, self.path());
        let file = self.file()?;
        let numbers = [header.place, header.weight, header.length].map(u32::to_le_bytes);
        let written = file.write_all(numbers.as_flattened()).and_then(|()| body(file));
        written.map_err(Error::io("cannot write", &path))?;
        self.length = at.saturating_add(header.size());
        Ok(at)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush().map_err(|error| Error::io("cannot write", self.path())(error))
    }

    /// A reader of `length` bytes from a place in the file.
    fn reader(&mut self, at: u32, length: u32) -> Result<io::Take<At<'_>>> {
        if self.file.as_ref().is_some_and(|file| !file.buffer().is_empty()) {
            self.flush()?;
        }
        let file = self.file.as_ref().map(BufWriter::get_ref);
        Ok(At { file, at: at.into() }.take(length.into()))
    }

    pub(super) fn header(&mut self, at: u32) -> Result<Header> {
        let mut numbers = [[0; 4]; 3];
        let read = self.reader(at, HEADER)?.read_exact(numbers.as_flattened_mut());
        read.map_err(Error::io("cannot read", self.path()))?;
        let [place, weight, length] = numbers.map(u32::from_le_bytes);
        Ok(Header { place, weight, length })
    }

    pub(super) fn read(&mut self, at: u32, header: Header) -> Result<Report> {
        let body = self.reader(at + HEADER, header.length)?;
        let size = (header.length as usize).min(8 << 10);
        let report = serde_json::from_reader(BufReader::with_capacity(size, body));
        report.map_err(|error| Error::io("cannot read", self.path())(error.into()))
    }

    /// Begins the next file, for the records that still count.
    pub(super) fn next(&self) -> Self {
        Self { number: self.number + 1, ..Self::new(self.folder.clone()) }
    }

    /// Copies a record, with another number.
    pub(super) fn copy(&mut self, from: &mut Self, at: u32, place: u32) -> Result<u32> {
        let header = from.header(at)?;
        let mut body = from.reader(at + HEADER, header.length)?;
        self.append(Header { place, ..header }, |file| io::copy(&mut body, file).map(drop))
    }

    /// Takes the place of the file before, which goes unless a checkpoint names it.
    pub(super) fn replace(&mut self, next: Self) {
        let old = self.file.as_ref().map(|_| (self.number, self.path()));
        let kept = self.kept;
        *self = Self { kept, ..next };
        if let Some((_, path)) = old.filter(|(number, _)| Some(*number) != kept) {
            fs::remove_file(path).ok();
        }
    }

    /// Removes all such files.
    pub(crate) fn sweep(folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("partials-") && name.ends_with(".temp") {
                fs::remove_file(entry.path()).ok();
            }
        }
    }
}

/// Counts what is written.
struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a file from a place on, without moving where it is written.
struct At<'a> {
    file: Option<&'a File>,
    at: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(file) = self.file else { return Ok(0) };
        let count = file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
