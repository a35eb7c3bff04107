//! [`Zstd`]: one frame that can be ended at any time.

use std::io;

use zstd::stream::raw::{Encoder, Operation, OutBuffer};

use super::Packer;

/// RFC 8878: the header of a last block with nothing in it. Frames are made without a checksum, which would have to follow.
const LAST_BLOCK: [u8; 3] = [1, 0, 0];
/// The head of a frame of nothing, which the library does not make before it got something.
const EMPTY_FRAME: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0];

pub(super) struct Zstd {
    encoder: Encoder<'static>,
    chunk: Vec<u8>,
    begun: bool,
}

impl std::fmt::Debug for Zstd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zstd").finish_non_exhaustive()
    }
}

impl Zstd {
    pub(super) fn new(level: u32) -> io::Result<Self> {
        let encoder = Encoder::new(i32::try_from(level).unwrap_or(3))?;
        Ok(Self { encoder, chunk: vec![0; 1 << 16], begun: false })
    }
}

impl Packer for Zstd {
    fn put(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.begun |= !bytes.is_empty();
        while !bytes.is_empty() {
            let done = self.encoder.run_on_buffers(bytes, &mut self.chunk)?;
            out.extend(&self.chunk[..done.bytes_written]);
            bytes = &bytes[done.bytes_read..];
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let mut chunk = OutBuffer::around(&mut self.chunk[..]);
            let left = self.encoder.flush(&mut chunk)?;
            let length = chunk.pos();
            out.extend(&self.chunk[..length]);
            if left == 0 {
                return Ok(());
            }
        }
    }

    fn end(&self) -> Vec<u8> {
        let head = if self.begun { &[] } else { &EMPTY_FRAME[..] };
        [head, &LAST_BLOCK].concat()
    }
}
