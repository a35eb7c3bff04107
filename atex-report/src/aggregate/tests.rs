//! Files that are added to while the disk is full.

use std::fs;
use std::io::Write;

use super::*;

#[test]
fn half_a_test_is_cut_off_when_the_disk_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r");
    for (foot, packing) in cases() {
        let mut tail = Tail::create(&path, packing, ("<", foot)).unwrap();
        let read = || unpacked(&path, packing);
        assert_eq!(read(), format!("<{foot}"));
        let add = |tail: &mut Tail, text: &str| {
            tail.add(|out| out.write_all(text.as_bytes()).map_err(Error::io("cannot write", "r")))
        };
        add(&mut tail, "whole\n").unwrap();
        for size in [3, 1 << 20] {
            let before = fs::read(&path).unwrap();
            let full = tail.add(|out| {
                let noise: Vec<u8> =
                    (0..size).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
                out.write_all(&noise).unwrap();
                Err(Error::io("cannot write", "r")(std::io::ErrorKind::StorageFull.into()))
            });
            full.unwrap_err();
            assert_eq!(fs::read(&path).unwrap(), before);
        }
        // What comes next does not glue to it.
        add(&mut tail, "next\n").unwrap();
        add(&mut tail, "last\n").unwrap();
        assert_eq!(read(), format!("<whole\nnext\nlast\n{foot}"));
        tail.finish().unwrap();
        add(&mut tail, "late").unwrap_err();
        assert_eq!(read(), format!("<whole\nnext\nlast\n{foot}"));
        fs::remove_file(&path).unwrap();
    }
}

type Packed = Option<crate::packing::Packing>;

#[cfg(not(all(feature = "gzip", feature = "xz", feature = "zstd")))]
fn cases() -> Vec<(&'static str, Packed)> {
    vec![("", None), (">", None)]
}

#[cfg(all(feature = "gzip", feature = "xz", feature = "zstd"))]
fn cases() -> Vec<(&'static str, Packed)> {
    let packed = crate::packing::PackFormat::ALL.map(|format| Some(format.into()));
    let packings = packed.into_iter().chain([None]);
    packings.flat_map(|packing| [("", packing), (">", packing)]).collect()
}

#[cfg(not(all(feature = "gzip", feature = "xz", feature = "zstd")))]
fn unpacked(path: &std::path::Path, _: Packed) -> String {
    fs::read_to_string(path).unwrap()
}

#[cfg(all(feature = "gzip", feature = "xz", feature = "zstd"))]
fn unpacked(path: &std::path::Path, packing: Packed) -> String {
    use crate::packing::PackFormat;
    let bytes = fs::read(path).unwrap();
    let mut text = String::new();
    let mut reader: Box<dyn std::io::Read> = match packing.map(crate::packing::Packing::format) {
        None => Box::new(&bytes[..]),
        Some(PackFormat::Gzip) => Box::new(flate2::read::MultiGzDecoder::new(&bytes[..])),
        Some(PackFormat::Xz) => Box::new(liblzma::read::XzDecoder::new_multi_decoder(&bytes[..])),
        Some(PackFormat::Zstd) => Box::new(zstd::stream::read::Decoder::new(&bytes[..]).unwrap()),
    };
    reader.read_to_string(&mut text).unwrap();
    text
}
