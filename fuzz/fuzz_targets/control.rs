//! The control stream: however it is cut into chunks, the same comes out.
#![no_main]

use atex_exec::control::{Deadline, Parser, Piece, Word};
use std::time::Duration;

/// What comes out of a stream that arrives in chunks of these sizes, again and again; the last one counts for the rest.
fn taken(mut stream: &[u8], sizes: &[u8]) -> Vec<String> {
    let (mut parser, mut seen) = (Parser::default(), Vec::<String>::new());
    let mut deadline = Deadline::new(Duration::ZERO, Duration::from_secs(300));
    let mut data: Vec<u8> = Vec::new();
    let mut sizes = sizes.iter().cycle();
    while !stream.is_empty() {
        let size = sizes.next().map_or(stream.len(), |size| usize::from(*size) + 1);
        let (mut chunk, rest) = stream.split_at(size.min(stream.len()));
        stream = rest;
        loop {
            match parser.next(&mut chunk) {
                Ok(None) => break,
                Ok(Some(Piece::Data { file, bytes, last })) => {
                    data.extend_from_slice(bytes);
                    if last {
                        seen.push(format!("file {file} {data:?}"));
                        data.clear();
                    }
                }
                Ok(Some(Piece::Word(word))) => {
                    if let Word::Duration(change) = word {
                        deadline.change(Duration::from_secs(seen.len() as u64), change);
                    }
                    seen.push(format!("{word:?} {:?}", deadline.end()));
                }
                Ok(Some(Piece::Report(report))) => {
                    for file in &report.files {
                        assert!(!file.path.as_str().starts_with('/'));
                        assert!(
                            file.path
                                .as_str()
                                .split('/')
                                .all(|part| part != ".." && part.len() <= 255)
                        );
                    }
                    seen.push(format!("{report:?}"));
                }
                // Texts may differ in how much of the input they show.
                Err(_) => {
                    seen.push("error".into());
                    return seen;
                }
            }
        }
        assert!(chunk.is_empty(), "more is wanted, but not all was taken");
    }
    if parser.finish().is_err() {
        seen.push("cut short".into());
    }
    seen
}

// A digit says how many sizes follow, each a byte; the rest is the stream.
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((count, rest)) = input.split_first() else { return };
    let (sizes, stream) = rest.split_at(usize::from(count % 8).min(rest.len()));
    assert_eq!(taken(stream, &[]), taken(stream, sizes));
});
