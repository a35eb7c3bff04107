//! Whole control streams, cut at every place.

use proptest::prelude::*;

use super::*;

/// What comes out of a stream that arrives in these chunks, one line each.
fn transcript(chunks: &[&[u8]]) -> String {
    let (mut parser, mut lines) = (Parser::default(), Vec::<String>::new());
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match parser.next(&mut input) {
                Ok(None) => break,
                Ok(Some(Piece::Word(word))) => lines.push(format!("{word:?}")),
                Ok(Some(Piece::Report(report))) => {
                    lines.push(format!("report {}", serde_json::Value::Object(report.fields)));
                }
                Ok(Some(Piece::Data { file, bytes, last })) => {
                    // Chunks of one file are joined, so that the transcript does not depend on how the stream was cut.
                    let text = String::from_utf8_lossy(bytes);
                    match lines.last_mut() {
                        Some(line)
                            if line.starts_with(&format!("file {file} ("))
                                && !line.ends_with(')') =>
                        {
                            line.push_str(&text);
                        }
                        _ => lines.push(format!("file {file} ({text}")),
                    }
                    if last && let Some(line) = lines.last_mut() {
                        line.push(')');
                    }
                }
                Err(error) => {
                    lines.push(format!("error: {error}"));
                    return lines.join("\n");
                }
            }
        }
    }
    if let Err(error) = parser.finish() {
        lines.push(format!("error: {error}"));
    }
    lines.join("\n")
}

/// A `result` word with its JSON, and the data of its files.
fn result(json: &str, data: &str) -> Vec<u8> {
    format!("result {}\n{json}{data}", json.len()).into_bytes()
}

fn stream() -> Vec<u8> {
    let files = r#"[{"name":"a","length":3},{"name":"empty","length":0},{"name":"b","length":5}]"#;
    [
        b"noop\n".to_vec(),
        result(r#"{"status":"pass"}"#, ""),
        b"duration +5\n".to_vec(),
        result(&format!("{{\"name\":\"sub\",\n \"files\":{files}, \"x\":[1]}}"), "a\n\nnoop\n"),
        b"duration restore\nexitcode 0\n".to_vec(),
    ]
    .concat()
}

#[test]
fn a_stream_is_the_same_wherever_it_is_cut() {
    let stream = stream();
    let whole = transcript(&[&stream]);
    insta::assert_snapshot!(whole);
    for cut in 0..=stream.len() {
        assert_eq!(transcript(&[&stream[..cut], &stream[cut..]]), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(transcript(&bytes), whole, "byte by byte");
}

#[test]
fn an_end_inside_something_is_an_error() {
    let cases = [
        b"noo".to_vec(),
        b"result 5\n".to_vec(),
        b"result 5\n{\"a".to_vec(),
        result(r#"{"files":[{"name":"a","length":3000}]}"#, "ab"),
    ];
    let found: Vec<String> = cases.iter().map(|stream| transcript(&[stream])).collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn nothing_is_allocated_by_an_announced_length() {
    for stream in
        [&b"result 100000000000\n"[..], b"result 18446744073709551615\n", b"result 4194305\n"]
    {
        assert!(transcript(&[stream]).contains("too long"), "{}", shown(stream));
    }
    let absurd = result(r#"{"files":[{"name":"a","length":18446744073709551615}]}"#, "");
    assert!(transcript(&[&absurd]).contains("missing"), "{}", transcript(&[&absurd]));
}

#[test]
fn the_longest_line_is_4096_bytes_with_its_newline() {
    let line = |length: usize| [b"noop ".to_vec(), vec![b'x'; length - 6], b"\n".to_vec()].concat();
    assert_eq!(transcript(&[&line(4096)]), "Noop");
    assert!(transcript(&[&line(4097)]).starts_with("error: control line longer"));
    // The same in two chunks, cut before the end.
    let (start, end) = (line(4096), line(4097));
    assert_eq!(transcript(&[&start[..4090], &start[4090..]]), "Noop");
    assert!(transcript(&[&end[..4090], &end[4090..]]).starts_with("error: control line longer"));
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic_and_never_depend_on_the_cut(
        pieces in prop::collection::vec(prop_oneof![
            Just(b"noop\n".to_vec()), Just(b"result 2\n{}".to_vec()), Just(b"duration save\n".to_vec()),
            Just(result(r#"{"files":[{"name":"a","length":4}]}"#, "abcd")),
            prop::collection::vec(any::<u8>(), 0..40),
        ], 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let stream = pieces.concat();
        let at = cut.index(stream.len() + 1);
        prop_assert_eq!(transcript(&[&stream]), transcript(&[&stream[..at], &stream[at..]]));
    }
}
