//! What is packed, read by other programs than those that packed it.

use std::io::Read;

use proptest::prelude::*;

use super::*;

fn unpacked(format: PackFormat, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    match format {
        PackFormat::Gzip => flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out),
        PackFormat::Xz => liblzma::read::XzDecoder::new_multi_decoder(bytes).read_to_end(&mut out),
        PackFormat::Zstd => ::zstd::stream::read::Decoder::new(bytes)?.read_to_end(&mut out),
    }?;
    Ok(out)
}

#[test]
fn nothing_is_a_whole_file_too() {
    for format in PackFormat::ALL {
        let mut packed = Vec::new();
        Packing::new(format).pack(Some(0), &mut io::empty(), &mut packed).unwrap();
        assert_eq!(unpacked(format, &packed).unwrap(), b"", "{format}");
    }
}

#[test]
fn levels_are_checked() {
    let error = Packing::new(PackFormat::Gzip).level(0).unwrap_err().to_string();
    assert_eq!(error, "gzip has the levels 1 to 9, found 0");
    for format in PackFormat::ALL {
        for level in format.levels() {
            let packing = Packing::new(format).level(level).unwrap();
            let mut packed = Vec::new();
            packing.pack(Some(3), &mut &b"abc"[..], &mut packed).unwrap();
            assert_eq!(unpacked(format, &packed).unwrap(), b"abc", "{format} {level}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// After every addition the file is whole, and what came before is in it.
    #[test]
    fn is_whole_after_every_flush(
        parts in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 1..300), 1..400_usize), 1..5),
        format in proptest::sample::select(PackFormat::ALL.to_vec()),
    ) {
        let mut packer = Packing::new(format).packer(None).unwrap();
        let (mut packed, mut plain) = (Vec::new(), Vec::new());
        for (bytes, times) in parts {
            let part = bytes.repeat(times);
            plain.extend(&part);
            for chunk in part.chunks(10_000) {
                packer.put(chunk, &mut packed).unwrap();
            }
            packer.flush(&mut packed).unwrap();
            let whole = [&packed[..], &packer.end()].concat();
            prop_assert!(unpacked(format, &whole).unwrap() == plain, "{format}");
            // Another stream after it, as comes after an addition that failed.
            let mut two = whole.clone();
            Packing::new(format).pack(None, &mut &b"more"[..], &mut two).unwrap();
            prop_assert!(unpacked(format, &two).unwrap() == [&plain[..], b"more"].concat());
        }
    }
}
