//! [`Gzip`]: one gzip member that can be ended at any time.

use std::io;

use flate2::{Compress, Compression, Crc, FlushCompress};

use super::Packer;

/// RFC 1952: no name, no time, made on Unix.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
/// RFC 1951: a last block with fixed codes and nothing in it.
const LAST_BLOCK: [u8; 2] = [3, 0];

#[derive(Debug)]
pub(super) struct Gzip {
    deflate: Compress,
    crc: Crc,
    begun: bool,
}

impl Gzip {
    pub(super) fn new(level: u32) -> Self {
        let deflate = Compress::new(Compression::new(level), false);
        Self { deflate, crc: Crc::new(), begun: false }
    }

    fn run(&mut self, mut bytes: &[u8], flush: FlushCompress, out: &mut Vec<u8>) -> io::Result<()> {
        if !self.begun {
            out.extend(HEAD);
            self.begun = true;
        }
        loop {
            out.reserve(bytes.len() / 4 + 256);
            let before = self.deflate.total_in();
            self.deflate.compress_vec(bytes, out, flush).map_err(io::Error::other)?;
            let taken = usize::try_from(self.deflate.total_in() - before).unwrap_or(bytes.len());
            bytes = &bytes[taken..];
            // Space that is left says that there is nothing more to come.
            if bytes.is_empty() && out.len() < out.capacity() {
                return Ok(());
            }
        }
    }
}

impl Packer for Gzip {
    fn put(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.crc.update(bytes);
        self.run(bytes, FlushCompress::None, out)
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.run(&[], FlushCompress::Sync, out)
    }

    fn end(&self) -> Vec<u8> {
        let sums = [self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes()];
        [&LAST_BLOCK[..], &sums[0], &sums[1]].concat()
    }
}
