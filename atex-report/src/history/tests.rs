//! What a history keeps, whoever writes it.

use super::*;

fn line(run: u32, test: &str, platform: &str, took: u64) -> Line {
    Line {
        v: FORMAT,
        run: format!("r{run}"),
        at: Timestamp::from_second(i64::from(run)).unwrap(),
        test: TestName::new(test).unwrap(),
        platform: platform.into(),
        verdict: if run.is_multiple_of(2) { Verdict::Passed } else { Verdict::Failed },
        took_ms: Some(took),
    }
}

fn add(path: &Path, lines: &[Line]) -> usize {
    let first = &lines[0];
    History::add(path, (&first.run, first.at), (lines, &[])).unwrap()
}

#[test]
fn the_median_of_the_last_times_is_expected() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.jsonl");
    for (run, took) in (1..).zip([9000, 1, 2, 3, 1000, 4]) {
        add(&path, &[line(run, "/a", "x", took)]);
    }
    add(&path, &[line(7, "/a", "y", 50)]);
    let history = History::read(&path).unwrap();
    let name = |name| TestName::new(name).unwrap();
    let expected =
        |test, platform| history.expected(&name(test), platform).map(|it| it.as_millis());
    assert_eq!(
        expected("/a", Some("x")),
        Some(3),
        "one slow time does not matter, nor what was long ago"
    );
    assert_eq!(expected("/a", Some("y")), Some(50));
    assert_eq!(expected("/a", Some("z")), Some(50), "the longest of any platform");
    assert_eq!((expected("/a", None), expected("/b", None)), (Some(50), None));
    assert_eq!(history.last(&name("/a"), Some("x")), Some(Verdict::Passed));
    assert_eq!(history.last(&name("/a"), None), Some(Verdict::Failed));
    assert_eq!(history.last(&name("/a"), Some("z")), None);
}

#[test]
fn a_run_is_added_once_and_half_lines_cost_only_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.jsonl");
    assert!(History::read(&path).unwrap().is_empty());
    assert_eq!(add(&path, &[line(1, "/a", "x", 1), line(1, "/b", "x", 2)]), 1);
    assert_eq!(add(&path, &[line(1, "/a", "x", 1)]), 0);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"v\":2,\"what\":1}\n{\"v\":1,\"ru").unwrap();
    drop(file);
    assert_eq!(add(&path, &[line(2, "/c", "x", 1)]), 1);
    let history = History::read(&path).unwrap();
    assert_eq!((history.len(), history.left_out()), (3, 2));
}

#[test]
fn many_add_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.jsonl");
    std::thread::scope(|scope| {
        for run in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let lines: Vec<Line> =
                    (0..50).map(|test| line(run, &format!("/{run}/{test}"), "x", 1)).collect();
                add(path, &lines);
            });
        }
    });
    let history = History::read(&path).unwrap();
    assert_eq!((history.len(), history.left_out(), history.runs.len()), (400, 0, 8));
}
