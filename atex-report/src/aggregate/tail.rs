//! [`Tail`]: a file to whose end whole tests are added, compressed or not, and which is a whole file after each.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use atex_core::{Error, Result};

use crate::packing::{Packer, Packing};

/// How often the file is forced to the disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// So much is written at once.
const CHUNK: usize = 1 << 17;

/// A file to whose end whole tests are added.
///
/// It always ends with its *trailer*: what the format has at its end (`</testsuites>`), and what makes a whole file of a stream of
/// compressed data that is not over. The next addition is written over it.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    file: File,
    packing: Option<Packing>,
    /// The stream that the file ends with. After an addition that failed there is none, and the next begins another.
    packer: Option<Box<dyn Packer>>,
    foot: &'static str,
    /// Where the trailer begins.
    end: u64,
    trailer: Vec<u8>,
    /// Why nothing more can go in.
    pub(super) closed: Option<&'static str>,
    synced: Instant,
}

impl Tail {
    /// Begins a file, which must not exist.
    pub(super) fn create(
        path: &Path,
        packing: Option<Packing>,
        (head, foot): (&str, &'static str),
    ) -> Result<Self> {
        // Before there is a file: nothing is left when this build cannot do it.
        packing.map(|packing| packing.packer(Some(0))).transpose()?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(Error::io("cannot create", path))?;
        let mut tail = Self {
            path: path.to_owned(),
            file,
            packing,
            packer: None,
            foot,
            end: 0,
            trailer: Vec::new(),
            closed: None,
            synced: Instant::now(),
        };
        let head = |out: &mut Addition<'_>| {
            out.write_all(head.as_bytes()).map_err(Error::io("cannot write", path))
        };
        if let Err(error) = tail.add(head) {
            std::fs::remove_file(path).map_err(Error::io("cannot remove", path))?;
            return Err(error);
        }
        Ok(tail)
    }

    /// Whether something can be added.
    pub(super) fn check(&self) -> Result<()> {
        match self.closed {
            None => Ok(()),
            Some(why) => Err(Error::Usage(format!(
                "nothing more can be added to {}: {why}",
                self.path.display()
            ))),
        }
    }

    /// Adds what is written. When that fails, the file is what it was before.
    pub(super) fn add(
        &mut self,
        write: impl FnOnce(&mut Addition<'_>) -> Result<()>,
    ) -> Result<()> {
        self.check()?;
        if self.packer.is_none() {
            self.packer = self.packing.map(|packing| packing.packer(None)).transpose()?;
        }
        let mut packer = self.packer.take();
        let file = &self.file;
        let mut out =
            Addition { file, packer: packer.as_deref_mut(), at: self.end, chunk: Vec::new() };
        let foot = |packing: Packing| {
            let mut packed = Vec::new();
            if !self.foot.is_empty() {
                packing.pack(
                    Some(self.foot.len() as u64),
                    &mut self.foot.as_bytes(),
                    &mut packed,
                )?;
            }
            Ok(packed)
        };
        let written = write(&mut out).and_then(|()| {
            let foot = match self.packing {
                Some(packing) => foot(packing)?,
                None => self.foot.as_bytes().to_vec(),
            };
            out.settle(&foot).map_err(Error::io("cannot write", &self.path))
        });
        match written {
            Ok((end, trailer)) => {
                let before = self.end + self.trailer.len() as u64;
                let after = end + trailer.len() as u64;
                (self.end, self.trailer, self.packer) = (end, trailer, packer);
                if after < before {
                    self.file.set_len(after).map_err(Error::io("cannot write", &self.path))?;
                }
                self.sync_now_and_then();
                Ok(())
            }
            Err(error) => {
                self.restore();
                Err(error)
            }
        }
    }

    /// Takes away what an addition left that failed. What was there is overwritten in its place, which needs no new space.
    fn restore(&mut self) {
        let trailer = &self.trailer;
        let done = self
            .file
            .write_all_at(trailer, self.end)
            .and_then(|()| self.file.set_len(self.end + trailer.len() as u64));
        if let Err(error) = done {
            tracing::error!(path = %self.path.display(), %error, "cannot cut off half a test");
            self.closed = Some("a part of a test could not be removed from it");
        }
        // The stream knows of what is gone now: another one follows it.
        if self.packing.is_some() {
            let stream = self.trailer.len() - self.packed_foot();
            self.end += stream as u64;
            self.trailer.drain(..stream);
        }
    }

    /// How many bytes of the trailer are the foot.
    fn packed_foot(&self) -> usize {
        match self.packing {
            Some(packing) if !self.foot.is_empty() => {
                let mut packed = Vec::new();
                let size = Some(self.foot.len() as u64);
                packing
                    .pack(size, &mut self.foot.as_bytes(), &mut packed)
                    .map_or(0, |()| packed.len())
            }
            _ => 0,
        }
    }

    fn sync_now_and_then(&mut self) {
        if self.synced.elapsed() >= SYNC_EVERY {
            // A failure says nothing about this test alone; the end tries again, and tells.
            if let Err(error) = self.file.sync_data() {
                tracing::warn!(path = %self.path.display(), %error, "cannot sync");
            }
            self.synced = Instant::now();
        }
    }

    /// Ends it.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.closed.get_or_insert("it was finished");
        self.packer = None;
        self.file.sync_data().map_err(Error::io("cannot sync", &self.path))
    }
}

/// What is being added.
#[derive(Debug)]
pub(super) struct Addition<'a> {
    file: &'a File,
    packer: Option<&'a mut (dyn Packer + 'static)>,
    at: u64,
    chunk: Vec<u8>,
}

impl Addition<'_> {
    /// Writes the rest, and a trailer with this foot; says where the trailer begins.
    fn settle(mut self, foot: &[u8]) -> io::Result<(u64, Vec<u8>)> {
        let mut trailer = Vec::new();
        if let Some(packer) = &mut self.packer {
            packer.flush(&mut self.chunk)?;
            trailer = packer.end();
        }
        trailer.extend(foot);
        let end = self.at + self.chunk.len() as u64;
        self.chunk.extend(&trailer);
        self.file.write_all_at(&self.chunk, self.at)?;
        Ok((end, trailer))
    }
}

impl Write for Addition<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.packer {
            Some(packer) => packer.put(bytes, &mut self.chunk)?,
            None => self.chunk.extend(bytes),
        }
        if self.chunk.len() >= CHUNK {
            self.file.write_all_at(&self.chunk, self.at)?;
            self.at += self.chunk.len() as u64;
            self.chunk.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
