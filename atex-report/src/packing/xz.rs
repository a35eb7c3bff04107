//! [`Xz`]: one stream of the `.xz` format, of one block, that can be ended at any time.
//!
//! The library ends a stream once and for all. Only the data of the block, which is LZMA2, are made by it; the container around them is
//! written here, after the specification of the format, version 1.2: <https://tukaani.org/xz/xz-file-format.txt>.

use std::io;

use flate2::Crc;
use liblzma::stream::{Action, Filters, LzmaOptions, Status, Stream};

use super::Packer;

/// The greatest dictionary, as a power of two: 4 MiB, for which packing takes about 45 MiB of memory. What is farther back than that is
/// not found again.
const DICTIONARY: u32 = 22;
/// The least that the format knows.
const DICTIONARY_MIN: u32 = 12;
const MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];
/// What data are checked by: a CRC32.
const FLAGS: [u8; 2] = [0, 1];
/// The size of the header of the block, in bytes.
const BLOCK_HEAD: u64 = 12;

pub(super) struct Xz {
    stream: Stream,
    dictionary: u32,
    begun: bool,
    check: Crc,
    taken: u64,
    packed: u64,
}

impl std::fmt::Debug for Xz {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Xz").field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl Xz {
    pub(super) fn new(level: u32, size: Option<u64>) -> io::Result<Self> {
        let needed = size.map_or(DICTIONARY, |size| size.max(1).ilog2() + 1);
        let dictionary = needed.clamp(DICTIONARY_MIN, DICTIONARY);
        let mut options = LzmaOptions::new_preset(level)?;
        options.dict_size(1 << dictionary);
        let stream = Stream::new_raw_encoder(Filters::new().lzma2(&options))?;
        Ok(Self { stream, dictionary, begun: false, check: Crc::new(), taken: 0, packed: 0 })
    }

    /// The header of the stream, and that of its block: one filter (LZMA2, with the size of its dictionary), sizes not said.
    fn head(&self) -> Vec<u8> {
        let block = [2, 0, 0x21, 1, dictionary_byte(self.dictionary), 0, 0, 0];
        [&MAGIC[..], &FLAGS, &crc(&FLAGS), &block, &crc(&block)].concat()
    }

    fn run(&mut self, mut bytes: &[u8], action: Action, out: &mut Vec<u8>) -> io::Result<()> {
        if !self.begun {
            out.extend(self.head());
            self.begun = true;
        }
        loop {
            out.reserve(bytes.len() / 4 + 4096);
            let (taken, packed) = (self.stream.total_in(), out.len());
            let status = self.stream.process_vec(bytes, out, action)?;
            let taken = usize::try_from(self.stream.total_in() - taken).unwrap_or(bytes.len());
            self.packed += (out.len() - packed) as u64;
            bytes = &bytes[taken..];
            let done = match action {
                Action::Run => bytes.is_empty(),
                _ => status == Status::StreamEnd,
            };
            if done {
                return Ok(());
            }
        }
    }
}

impl Packer for Xz {
    fn put(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.check.update(bytes);
        self.taken += bytes.len() as u64;
        if bytes.is_empty() { Ok(()) } else { self.run(bytes, Action::Run, out) }
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.run(&[], Action::SyncFlush, out)
    }

    fn end(&self) -> Vec<u8> {
        // The end of the LZMA2 data counts as a byte of them.
        let packed = self.packed + 1;
        let mut end = vec![0];
        end.resize(1 + padding(packed), 0);
        end.extend(self.check.sum().to_le_bytes());
        let mut index = vec![0, 1];
        number(BLOCK_HEAD + packed + 4, &mut index);
        number(self.taken, &mut index);
        index.resize(index.len() + padding(index.len() as u64), 0);
        index.extend(crc(&index));
        let size = u32::try_from(index.len() / 4 - 1).unwrap_or_default().to_le_bytes();
        let footer = [&size[..], &FLAGS].concat();
        [end, index, crc(&footer).to_vec(), footer, b"YZ".to_vec()].concat()
    }
}

/// How many bytes are missing to a multiple of four.
fn padding(length: u64) -> usize {
    usize::try_from((4 - length % 4) % 4).unwrap_or_default()
}

/// The size of a dictionary of two to the power of this, as the format says it.
fn dictionary_byte(power: u32) -> u8 {
    u8::try_from((power - DICTIONARY_MIN) * 2).unwrap_or_default()
}

/// A number in groups of seven bits, the lowest first.
fn number(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}
