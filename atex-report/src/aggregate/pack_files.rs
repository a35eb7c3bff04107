//! [`PackFiles`]: which of the files that tests left are compressed, and how; [`Slots`]: how many at once.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use super::layout::open_regular;
use crate::packing::Packing;

/// How the files that tests left are compressed, each on its own.
///
/// ```
/// # use atex_report::{PackFiles, PackFormat, Packing};
/// let files = PackFiles::new(Packing::new(PackFormat::Gzip)).exclude("output.txt");
/// ```
#[derive(Debug, Clone)]
pub struct PackFiles {
    packing: Packing,
    suffix: String,
    exclude: Vec<String>,
}

impl PackFiles {
    /// All files; the usual suffix is added to their names, also where results list them.
    pub fn new(packing: impl Into<Packing>) -> Self {
        let packing = packing.into();
        let suffix = packing.format().suffix().to_owned();
        Self { packing, suffix, exclude: Vec::new() }
    }

    /// Another suffix. With an empty one, files keep their names though they are compressed, for web servers that say so.
    #[must_use]
    pub fn with_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.suffix = suffix.into();
        self
    }

    /// Not the files of this name, whatever folder they are in.
    #[must_use]
    pub fn exclude(mut self, name: impl Into<String>) -> Self {
        self.exclude.push(name.into());
        self
    }

    pub(super) fn packing(&self) -> Packing {
        self.packing
    }

    pub(super) fn suffix(&self) -> &str {
        &self.suffix
    }

    /// Whether a file of this name is compressed.
    pub(super) fn is_for(&self, name: &OsStr) -> bool {
        !self.exclude.iter().any(|excluded| name == excluded.as_str())
    }

    /// Makes the file `target`, which must not exist, of the regular file `source`.
    pub(super) fn pack(&self, source: &Path, target: &Path, slots: &Slots) -> io::Result<()> {
        let mut from = open_regular(source)?;
        let found = from.metadata()?;
        let mode = found.mode() & 0o777;
        let mut to = OpenOptions::new().write(true).create_new(true).mode(mode).open(target)?;
        let _slot = slots.take();
        let packed = self.packing.pack(Some(found.len()), &mut from, &mut to);
        packed.map_err(io::Error::other).inspect_err(|_| {
            if let Err(error) = std::fs::remove_file(target) {
                tracing::warn!(path = %target.display(), %error, "cannot remove");
            }
        })
    }
}

/// How many files are compressed at once: as many as there are processors. Each takes memory, for xz tens of megabytes.
#[derive(Debug)]
pub(super) struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A slot that is taken.
#[derive(Debug)]
pub(super) struct Slot<'a>(&'a Slots);

impl Slots {
    pub(super) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { free: Mutex::new(processors), freed: Condvar::new() }
    }

    /// Waits for a slot.
    fn take(&self) -> Slot<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
