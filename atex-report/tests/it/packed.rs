//! Compressed results and files: the same content, readable at any time by any program.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use atex_core::Aggregator;
use atex_report::{PackFiles, PackFormat, Packing, ResultsPlan};
use serde_json::json;

use crate::json_lines::{Place, jsonl};

pub(crate) fn unpack(format: PackFormat, bytes: &[u8]) -> String {
    let mut text = String::new();
    match format {
        PackFormat::Gzip => flate2::read::MultiGzDecoder::new(bytes).read_to_string(&mut text),
        PackFormat::Xz => {
            liblzma::read::XzDecoder::new_multi_decoder(bytes).read_to_string(&mut text)
        }
        PackFormat::Zstd => {
            zstd::stream::read::Decoder::new(bytes).unwrap().read_to_string(&mut text)
        }
        other => panic!("nobody reads {other} here"),
    }
    .unwrap();
    text
}

/// What the program of the format makes of a file, where it is installed.
fn by_program(format: PackFormat, path: &Path) -> Option<String> {
    let mut command = Command::new(format.to_string());
    let output = command.arg("-dc").stdin(fs::File::open(path).unwrap()).output().ok()?;
    assert!(output.status.success(), "{format}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[expect(clippy::print_stderr, reason = "a test that is skipped must say so")]
fn skipped(format: PackFormat) {
    eprintln!("skipped: {format} is not installed, so only its library read the file");
}

/// Nothing is closed, as if the process were killed: after each test the file is whole.
#[tokio::test]
async fn results_are_readable_after_every_test() {
    for format in PackFormat::ALL {
        let (plain, packed) = (Place::new(), Place::with(|plan| plan.packed(format)));
        let mut seen = 0;
        for number in 0..12 {
            // Of the fifth test, more than is kept in memory.
            let count = if number == 5 { 30_000 } else { number };
            let results: Vec<_> = (0..count)
                .map(|n| json!({"name": format!("sub/{n}"), "note": "a note of some length"}))
                .collect();
            for place in [&plain, &packed] {
                let record =
                    place.record(("p", &format!("/t/{number}")), &jsonl(&results), &[("f", "x")]);
                place.lines.ingest(record).await.unwrap();
            }
            let path = packed.path("results.jsonl");
            assert_eq!(unpack(format, &fs::read(&path).unwrap()), plain.results());
            if let Some(text) = by_program(format, &path) {
                assert_eq!(text, plain.results());
                seen += 1;
            }
        }
        if seen == 0 {
            skipped(format);
        }
        let (large, small) =
            (plain.results().len(), fs::read(packed.path("results.jsonl")).unwrap().len());
        assert!(small * 10 < large, "{format}: {large} to {small}: one stream, not one a test");
        packed.lines.finish().await.unwrap();
        assert_eq!(
            unpack(format, &fs::read(packed.path("results.jsonl")).unwrap()),
            plain.results()
        );
    }
}

#[tokio::test]
async fn what_is_refused_leaves_the_file_as_it_was() {
    for format in PackFormat::ALL {
        let place = Place::with(|plan| plan.packed(format).pack_files(PackFiles::new(format)));
        place.lines.ingest(place.record(("p", "/a"), "{}\n", &[])).await.unwrap();
        let before = fs::read(place.path("results.jsonl")).unwrap();
        for good in [1, 50_000] {
            let results = format!("{}[]\n", "{\"note\": \"a note of some length\"}\n".repeat(good));
            place
                .lines
                .ingest(place.record(("p", "/b"), &results, &[("f", "x")]))
                .await
                .unwrap_err();
            assert_eq!(fs::read(place.path("results.jsonl")).unwrap(), before);
            assert_eq!(place.tree(), BTreeMap::new());
        }
        place.lines.ingest(place.record(("p", "/b"), "{}\n", &[])).await.unwrap();
        let text = unpack(format, &fs::read(place.path("results.jsonl")).unwrap());
        assert_eq!(text.lines().count(), 2);
    }
}

/// A plan, where each file of the test lies then, and which names its result lists. `None`: as it was, unpacked.
type Case = (fn(ResultsPlan) -> ResultsPlan, [(&'static str, Option<PackFormat>); 3]);

#[tokio::test]
async fn files_are_compressed_under_the_names_of_the_python_one() {
    use PackFormat::{Gzip, Xz, Zstd};
    let cases: [Case; 5] = [
        (|plan| plan.packed(Gzip), [("a", None), ("keep", None), ("s/keep.log", None)]),
        (
            |plan| plan.pack_files(PackFiles::new(Gzip)),
            [("a.gz", Some(Gzip)), ("keep.gz", Some(Gzip)), ("s/keep.log.gz", Some(Gzip))],
        ),
        (
            |plan| plan.pack_files(PackFiles::new(Xz).exclude("keep")),
            [("a.xz", Some(Xz)), ("keep", None), ("s/keep.log.xz", Some(Xz))],
        ),
        (
            |plan| plan.pack_files(PackFiles::new(Zstd).with_suffix("").exclude("keep.log")),
            [("a", Some(Zstd)), ("keep", Some(Zstd)), ("s/keep.log", None)],
        ),
        (
            |plan| {
                plan.pack_files(
                    PackFiles::new(Packing::new(Gzip).level(1).unwrap()).with_suffix(".z"),
                )
            },
            [("a.z", Some(Gzip)), ("keep.z", Some(Gzip)), ("s/keep.log.z", Some(Gzip))],
        ),
    ];
    for (options, expected) in cases {
        let place = Place::with(options);
        let results = [
            json!({"name": "s", "files": ["keep.log"]}),
            json!({"files": ["a", "keep", "missing"]}),
        ];
        let files = [("a", "A"), ("keep", "K"), ("s/keep.log", "L")];
        let record = place.record(("p", "/t"), &jsonl(&results), &files);
        place.lines.ingest(record.clone()).await.unwrap();
        for ((path, format), (source, content)) in expected.iter().zip(files) {
            let bytes = fs::read(place.path("files/p/t").join(path)).unwrap();
            let text = match format {
                Some(format) => unpack(*format, &bytes),
                None => String::from_utf8(bytes).unwrap(),
            };
            assert_eq!(text, content, "{path}");
            assert_eq!(
                fs::read_to_string(record.artifacts.files_dir().join(source)).unwrap(),
                content
            );
        }
        let text = fs::read(place.path("results.jsonl")).unwrap();
        let text = String::from_utf8(text).unwrap_or_else(|error| unpack(Gzip, error.as_bytes()));
        let [own, second, sub] = expected.map(|(path, _)| path.strip_prefix("s/").unwrap_or(path));
        let lines = format!(
            "[\"p\", null, \"/t\", \"s\", [\"{sub}\"], null]\n[\"p\", null, \"/t\", null, [\"{own}\", \"{second}\", \"missing\"], null]\n"
        );
        assert_eq!(text, lines);
    }
}

/// `x` and `x.gz` of one test, and files of tests that share a folder.
#[tokio::test]
async fn compressed_files_give_way_to_each_other() {
    let place =
        Place::with(|plan| plan.pack_files(PackFiles::new(PackFormat::Gzip).exclude("x.gz")));
    let first = place.record(
        ("p", "/a"),
        &jsonl(&[json!({"files": ["x", "x.gz"]})]),
        &[("x", "1"), ("x.gz", "2")],
    );
    place.lines.ingest(first).await.unwrap();
    let line: serde_json::Value = serde_json::from_str(place.results().trim()).unwrap();
    let mut contents = BTreeMap::new();
    for name in line[4].as_array().unwrap() {
        let name = name.as_str().unwrap();
        contents.insert(name.to_owned(), fs::read(place.path("files/p/a").join(name)).unwrap());
    }
    assert_eq!(contents.len(), 2, "{contents:?}");
    assert!(contents.values().any(|bytes| bytes == b"2"));
    assert!(contents.values().any(|bytes| bytes != b"2" && unpack(PackFormat::Gzip, bytes) == "1"));
}
