//! [`open`]: a file that may be compressed, as it was before.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::path::Path;

use super::PackFormat;
use crate::StoreError;

const CHUNK: usize = 1 << 16;

/// What a file begins with, and all of it after that.
type Whole = Chain<Cursor<Vec<u8>>, File>;

/// Opens a file for reading. That it is compressed is told by how it begins, not by its name.
///
/// # Errors
/// [`StoreError::Io`] when it cannot be read, or is compressed in a way that this build does not know.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, StoreError> {
    let io = |error| StoreError::io("cannot read", path)(error);
    let mut file = File::open(path).map_err(io)?;
    let mut head = Vec::new();
    (&mut file).take(6).read_to_end(&mut head).map_err(io)?;
    let format = of_head(&head);
    let whole = Cursor::new(head).chain(file);
    match format {
        None => Ok(Box::new(BufReader::with_capacity(CHUNK, whole))),
        Some(format) => unpacked(format, whole).map_err(io),
    }
}

/// The format of a file that begins like this.
fn of_head(head: &[u8]) -> Option<PackFormat> {
    let formats: [(&[u8], PackFormat); 3] = [
        (&[0x1f, 0x8b], PackFormat::Gzip),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], PackFormat::Xz),
        (&[0x28, 0xb5, 0x2f, 0xfd], PackFormat::Zstd),
    ];
    formats.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, format)| format)
}

fn unpacked(format: PackFormat, whole: Whole) -> io::Result<Box<dyn BufRead + Send>> {
    match format {
        #[cfg(feature = "gzip")]
        PackFormat::Gzip => Ok(buffered(flate2::read::MultiGzDecoder::new(whole))),
        #[cfg(feature = "xz")]
        PackFormat::Xz => Ok(buffered(liblzma::read::XzDecoder::new_multi_decoder(whole))),
        #[cfg(feature = "zstd")]
        PackFormat::Zstd => Ok(buffered(::zstd::stream::read::Decoder::new(whole)?)),
        #[cfg(not(all(feature = "gzip", feature = "xz", feature = "zstd")))]
        other => {
            drop(whole);
            Err(io::Error::new(io::ErrorKind::Unsupported, format!("this build has no {other}")))
        }
    }
}

#[cfg(any(feature = "gzip", feature = "xz", feature = "zstd"))]
fn buffered(reader: impl Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(CHUNK, reader))
}
