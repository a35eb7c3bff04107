//! [`Packing`]: how a file is compressed, and [`Packer`]: what does it.

#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "import")]
pub(crate) mod unpack;
#[cfg(feature = "xz")]
mod xz;
#[cfg(feature = "zstd")]
mod zstd;

use std::fmt;
use std::io::{self, Read, Write};

use atex_core::{Error, Result};

/// How a file is compressed: the format, and how hard it is tried.
///
/// Each format needs the cargo feature of its name; without it, whatever wants to use it fails with
/// [`Error::Unsupported`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    format: PackFormat,
    level: Option<u32>,
}

/// A format of compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PackFormat {
    /// As `gzip` reads it: RFC 1952.
    Gzip,
    /// As `xz` reads it: LZMA2 in the `.xz` container.
    Xz,
    /// As `zstd` reads it: RFC 8878.
    Zstd,
}

impl PackFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gzip, Self::Xz, Self::Zstd];

    /// What names of such files end with: `.gz`, `.xz`, `.zst`.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Xz => ".xz",
            Self::Zstd => ".zst",
        }
    }

    /// The format whose files end like this name, if there is one.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| name.ends_with(format.suffix()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }

    fn levels(self) -> std::ops::RangeInclusive<u32> {
        match self {
            Self::Gzip => 1..=9,
            Self::Xz => 0..=9,
            Self::Zstd => 1..=19,
        }
    }

    fn default_level(self) -> u32 {
        match self {
            Self::Gzip | Self::Xz => 6,
            Self::Zstd => 3,
        }
    }
}

impl fmt::Display for PackFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<PackFormat> for Packing {
    fn from(format: PackFormat) -> Self {
        Self { format, level: None }
    }
}

impl Packing {
    /// This format at its usual level: 6 for gzip and xz, 3 for zstd.
    pub fn new(format: PackFormat) -> Self {
        format.into()
    }

    /// At this level: 1 to 9 for gzip, 0 to 9 for xz, 1 to 19 for zstd.
    ///
    /// # Errors
    /// [`Error::Usage`] for a level that the format does not have.
    pub fn level(mut self, level: u32) -> Result<Self> {
        let levels = self.format.levels();
        if !levels.contains(&level) {
            return Err(Error::Usage(format!(
                "{} has the levels {} to {}, found {level}",
                self.format,
                levels.start(),
                levels.end()
            )));
        }
        self.level = Some(level);
        Ok(self)
    }

    /// The format.
    pub fn format(self) -> PackFormat {
        self.format
    }

    /// A packer for about so many bytes, if somebody knows: it takes no more memory than they need.
    pub(crate) fn packer(self, size: Option<u64>) -> Result<Box<dyn Packer>> {
        let level = self.level.unwrap_or(self.format.default_level());
        let made = match self.format {
            PackFormat::Gzip => gzip(level),
            PackFormat::Xz => xz(level, size),
            PackFormat::Zstd => zstd(level),
        };
        match made {
            Some(made) => made.map_err(|error| Error::infra(self.format, error)),
            None => {
                let what = self.format.name();
                Err(Error::Unsupported { origin: "this build".into(), what })
            }
        }
    }

    /// Packs all of what is read.
    pub(crate) fn pack(
        self,
        size: Option<u64>,
        from: &mut dyn Read,
        to: &mut dyn Write,
    ) -> Result<()> {
        let mut packer = self.packer(size)?;
        let (mut bytes, mut packed) = (vec![0; 1 << 17], Vec::new());
        let mut copy = || -> io::Result<()> {
            loop {
                let count = from.read(&mut bytes)?;
                if count == 0 {
                    packer.flush(&mut packed)?;
                    packed.extend(packer.end());
                    return to.write_all(&packed);
                }
                packer.put(&bytes[..count], &mut packed)?;
                to.write_all(&packed)?;
                packed.clear();
            }
        };
        copy().map_err(|error| Error::infra(self.format, error))
    }
}

/// A packer, if this build has one.
type Made = Option<io::Result<Box<dyn Packer>>>;

#[cfg(feature = "gzip")]
fn gzip(level: u32) -> Made {
    Some(Ok(Box::new(gzip::Gzip::new(level))))
}

#[cfg(not(feature = "gzip"))]
fn gzip(_: u32) -> Made {
    None
}

#[cfg(feature = "xz")]
fn xz(level: u32, size: Option<u64>) -> Made {
    Some(xz::Xz::new(level, size).map(|packer| Box::new(packer) as _))
}

#[cfg(not(feature = "xz"))]
fn xz(_: u32, _: Option<u64>) -> Made {
    None
}

#[cfg(feature = "zstd")]
fn zstd(level: u32) -> Made {
    Some(zstd::Zstd::new(level).map(|packer| Box::new(packer) as _))
}

#[cfg(not(feature = "zstd"))]
fn zstd(_: u32) -> Made {
    None
}

/// Compresses, so that what came out so far can be made a whole file at any time, and yet can be gone on with.
///
/// A file that somebody adds to while others read it is to be whole after each addition, or a crash makes it one that
/// standard tools complain about; and a new stream for each addition costs most of the compression. So it is one stream, and
/// after what came out of [`flush`](Self::flush) comes what [`end`](Self::end) says. That is a few bytes, which the next
/// addition overwrites.
pub(crate) trait Packer: fmt::Debug + Send {
    /// Takes bytes in; what comes out is appended.
    fn put(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()>;

    /// Brings out all that was taken in.
    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()>;

    /// What makes a whole file of all that came out, after a flush.
    fn end(&self) -> Vec<u8>;
}

#[cfg(all(test, feature = "gzip", feature = "xz", feature = "zstd"))]
mod tests;
