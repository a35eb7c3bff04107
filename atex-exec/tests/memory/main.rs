//! How much memory a test can make its controller take: less than 8 MB, whatever it sends. In a program of its own, so that
//! nothing else is counted.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![expect(clippy::print_stderr, reason = "what was measured is of interest")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use atex_core::{
    Artifacts, CancellationToken, Connection, Executor, Outcome, Provisioner, Request, Test,
    TestName, TestSuite,
};
use atex_exec::FmfExecutor;
use atex_provision::Local;
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const LIMIT: usize = 8_000_000;

/// How many there are of many things; with `ATEX_FULL`, as many as there are said to be.
fn many(full: usize) -> usize {
    if std::env::var_os("ATEX_FULL").is_some() { full } else { full / 20 }
}

/// Writes what a test sends.
type Send = Box<dyn Fn(&mut dyn Write)>;

/// Something that a test sends, how often that is, and what becomes of the test.
struct Case {
    name: &'static str,
    send: Send,
    /// What the note of the test has in it; nothing if it passes.
    note: Option<&'static str>,
    /// How many results there are.
    lines: usize,
}

fn result(to: &mut dyn Write, json: &str) {
    write!(to, "result {}\n{json}", json.len()).unwrap();
}

fn case(
    name: &'static str,
    lines: usize,
    note: Option<&'static str>,
    send: impl Fn(&mut dyn Write) + 'static,
) -> Case {
    Case { name, send: Box::new(send), note, lines }
}

/// One result of a megabyte, of one kind of value.
fn bomb(name: &'static str, item: &'static str, note: Option<&'static str>) -> Case {
    case(name, if note.is_none() { 2 } else { 1 }, note, move |to| {
        let items = vec![item; ((1 << 20) - 40) / (item.len() + 1)].join(",");
        result(to, &format!(r#"{{"name": "a", "list": [{items}]}}"#));
    })
}

fn text(name: &'static str, item: &'static str) -> Case {
    case(name, 2, None, move |to| {
        let text = item.repeat(((1 << 20) - 40) / item.len());
        result(to, &format!(r#"{{"name": "a", "text": "{text}"}}"#));
    })
}

fn cases() -> Vec<Case> {
    const HEAVY: Option<&str> = Some("its values take");
    const NESTED: &str =
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]";
    let partials = |to: &mut dyn Write, count: usize, names: usize| {
        for n in 0..count {
            let name = n % names;
            result(to, &format!(r#"{{"name": "{name}", "status": "pass", "partial": true}}"#));
        }
    };
    let (open, small) = (many(200_000), many(100_000));
    vec![
        bomb("numbers", "0", HEAVY),
        bomb("empty lists", "[]", HEAVY),
        bomb("short lists", "[0]", HEAVY),
        bomb("empty objects", "{}", HEAVY),
        bomb("short objects", "{\"\":0}", HEAVY),
        bomb("nested lists", NESTED, HEAVY),
        bomb("short texts", "\"\"", HEAVY),
        text("one text", "x"),
        text("one text with escapes", "\\n"),
        text("one text that grows when it is written", "é"),
        case("one number", 1, Some("number out of range"), |to| {
            result(to, &format!(r#"{{"name": "a", "n": {}}}"#, "9".repeat((1 << 20) - 40)));
        }),
        case("a deep list", 1, Some("recursion limit"), |to| result(to, &"[".repeat(1 << 20))),
        case("keys that come twice", 1, HEAVY, |to| {
            result(to, &format!("{{{}\"a\":0}}", "\"a\":0,".repeat(150_000)));
        }),
        case("long keys", 2, None, |to| {
            let keys: Vec<String> =
                (0..250).map(|n| format!(r#""{n}{}":0"#, "k".repeat(4000))).collect();
            result(to, &format!(r#"{{"name":"a",{}}}"#, keys.join(",")));
        }),
        case("an absurd length", 1, Some("is too long"), |to| {
            to.write_all(b"result 1000000000000\n{").unwrap();
        }),
        case("a line without an end", 1, Some("longer than 4096 bytes"), |to| {
            to.write_all(&vec![b'x'; 4 << 20]).unwrap();
        }),
        case("a flood of words", 1, None, |to| {
            to.write_all(&b"noop\n".repeat(many(4_000_000))).unwrap();
        }),
        case("results that are small", small + 1, None, move |to| {
            (0..small).for_each(|n| result(to, &format!(r#"{{"name": "{n}", "status": "pass"}}"#)));
        }),
        case("partial results of many names", open + 1, None, move |to| partials(to, open, open)),
        case("partial results of one name", 2, None, move |to| partials(to, open, 1)),
        case(
            "too many partial results",
            220_001,
            Some("more than 220000 partial results"),
            move |to| {
                partials(to, if many(20) == 20 { 221_000 } else { 0 }, 221_000);
            },
        ),
        case("partial results that are big", 41, None, |to| {
            let text = "x".repeat(500_000);
            for n in 0..80 {
                let name = n % 40;
                result(to, &format!(r#"{{"name": "{name}", "x": "{text}", "partial": true}}"#));
            }
        }),
        case("a partial result that grows", 2, Some("partial results of one name"), |to| {
            let list = vec!["0"; 5000].join(",");
            for _ in 0..10 {
                result(to, &format!(r#"{{"name": "a", "list": [{list}], "partial": true}}"#));
            }
        }),
        case(
            "results that two writers wrote into one another",
            2,
            Some("malformed result"),
            |to| {
                let json = format!(r#"{{"name": "a", "text": "{}"}}"#, "x".repeat(6000));
                result(to, &json);
                let lines = format!("result {}\n{json}", json.len());
                let (one, other) = lines.split_at(4096);
                to.write_all([one, one, other, other].concat().as_bytes()).unwrap();
            },
        ),
        case("a big file", 2, None, |to| {
            let length = many(100 << 20);
            result(
                to,
                &format!(r#"{{"name": "a", "files": [{{"name": "f", "length": {length}}}]}}"#),
            );
            to.write_all(&vec![b'x'; length]).unwrap();
        }),
    ]
}

async fn run(case: &Case, folder: &Path) -> Outcome {
    let stream = folder.join("stream");
    let mut to = BufWriter::new(File::create(&stream).unwrap());
    (case.send)(&mut to);
    drop(to);
    let tree = folder.join("tree");
    fs::create_dir_all(&tree).unwrap();
    let test = Test::new(format!("cat '{}' >&$ATEX_TEST_CONTROL 2>/dev/null; :", stream.display()));
    let name = TestName::new("/t").unwrap();
    let suite = TestSuite::new([(name.clone(), test)]).with_content(tree, "");
    let provisioner = Local::new().base(folder);
    let remote = provisioner.provision(&Request::new("memory")).await.unwrap();
    let connection: Arc<dyn Connection> = Arc::clone(remote.connection());
    let cancel = CancellationToken::new();
    let mut session = FmfExecutor::new(suite).start(connection, &cancel).await.unwrap();
    let artifacts = Artifacts::at(folder.join("out")).unwrap();
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let outcome = session.run(&name, &artifacts, &cancel).await.unwrap();
    let taken = HEAP.peak_usage().saturating_sub(before);
    session.stop().await.unwrap();
    provisioner.shutdown().await.unwrap();
    eprintln!("{:<50} {:>9} bytes", case.name, taken);
    assert!(taken < LIMIT, "{}: {taken} bytes", case.name);
    outcome
}

#[tokio::test]
async fn a_test_takes_little_memory_whatever_it_sends() {
    for case in cases() {
        if case.name.starts_with("too many") && many(20) != 20 {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let outcome = run(&case, folder.path()).await;
        let note = outcome.note.unwrap_or_default();
        match case.note {
            None => assert_eq!(note, "", "{}", case.name),
            Some(expected) => assert!(note.contains(expected), "{}: {note}", case.name),
        }
        let results = fs::read_to_string(folder.path().join("out/results")).unwrap();
        assert_eq!(results.lines().count(), case.lines, "{}: {note}", case.name);
        let left: Vec<_> = fs::read_dir(folder.path().join("out"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name != "results" && name != "files")
            .collect();
        assert!(left.is_empty(), "{}: {left:?}", case.name);
    }
}
