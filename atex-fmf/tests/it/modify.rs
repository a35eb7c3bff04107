//! Changes written back: what was changed reads back, and nothing else is touched.

use atex_fmf::{ErrorKind, Key, Map, Tree, Value};
use proptest::prelude::*;

use crate::emit::{exactly, values};
use crate::sample::Sample;

const FILE: &str = "\
# The tests of the shop.
summary: Shop   # short

tag: [a, b]  # in brackets
require:
  - curl
  # for the proxy
  - squid  # any version

  - nc
description: |
    Two
    lines

# About the environment.
environment:
    LANG: C     # fixed

    # how much
    LEVEL: '1'
adjust:
  - when: distro == rhel-9  # only there
    enabled: false
    because: \"it's slow\"
  - tag+: [x]
/smoke:
    test: ./smoke.sh
# The end.
";

/// The lines that a change of the root node of [`FILE`] takes away and adds.
fn change(name: &str, change: impl Fn(&mut Map)) -> String {
    let sample = Sample::new(&[("main.fmf", FILE)]);
    let tree = sample.open().unwrap();
    let mut edit = tree.modify(tree.find(name).unwrap().id()).unwrap();
    change(edit.data());
    let text = edit.text();
    edit.write().unwrap();
    let path = tree.root().unwrap().join("main.fmf");
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
    difference(FILE, &text)
}

fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let back = old[front..]
        .iter()
        .rev()
        .zip(new[front..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let removed = old[front..old.len() - back].iter().map(|line| format!("- {line}\n"));
    let added = new[front..new.len() - back].iter().map(|line| format!("+ {line}\n"));
    removed.chain(added).collect()
}

fn yaml(text: &str) -> Value {
    Value::from_yaml(text).unwrap()
}

/// What is changed, of which node, and how.
type Row = (&'static str, &'static str, Box<dyn Fn(&mut Map)>);

#[test]
fn only_the_lines_of_what_changed_are_written() {
    let changes: Vec<Row> = vec![
        (
            "a value in its line",
            "/",
            Box::new(|data| drop(data.insert("summary".into(), "Mall".into()))),
        ),
        (
            "a value that becomes a block",
            "/",
            Box::new(|data| drop(data.insert("summary".into(), "a\nb\n".into()))),
        ),
        (
            "a value that becomes a list",
            "/",
            Box::new(|data| drop(data.insert("summary".into(), yaml("[a]")))),
        ),
        (
            "a list in brackets",
            "/",
            Box::new(|data| drop(data.insert("tag".into(), yaml("[a, c]")))),
        ),
        (
            "an item more",
            "/",
            Box::new(|data| drop(data.insert("require".into(), yaml("[curl, squid, nc, jq]")))),
        ),
        (
            "an item less",
            "/",
            Box::new(|data| drop(data.insert("require".into(), yaml("[curl, nc]")))),
        ),
        (
            "another item",
            "/",
            Box::new(|data| drop(data.insert("require".into(), yaml("[curl, nginx, nc]")))),
        ),
        (
            "an item before",
            "/",
            Box::new(|data| drop(data.insert("require".into(), yaml("[bash, curl, squid, nc]")))),
        ),
        (
            "a block",
            "/",
            Box::new(|data| drop(data.insert("description".into(), "One line".into()))),
        ),
        (
            "a value in a map",
            "/",
            Box::new(|data| drop(data.insert("environment".into(), yaml("{LANG: C, LEVEL: 2}")))),
        ),
        (
            "a key more in a map",
            "/",
            Box::new(|data| {
                drop(data.insert("environment".into(), yaml("{LANG: C, LEVEL: '1', X: y}")));
            }),
        ),
        (
            "a key less in a map",
            "/",
            Box::new(|data| drop(data.insert("environment".into(), yaml("{LEVEL: '1'}")))),
        ),
        (
            "a map that becomes empty",
            "/",
            Box::new(|data| drop(data.insert("environment".into(), yaml("{}")))),
        ),
        (
            "a map in a list",
            "/",
            Box::new(|data| {
                drop(data.insert("adjust".into(), yaml("[{when: distro == rhel-9, enabled: true, because: it's slow}, {tag+: [x]}]")));
            }),
        ),
        ("a key removed", "/", Box::new(|data| drop(data.remove("description")))),
        ("a new key", "/", Box::new(|data| drop(data.insert("id".into(), "17".into())))),
        (
            "a key of a child",
            "/smoke",
            Box::new(|data| drop(data.insert("id".into(), "17".into()))),
        ),
        (
            "a key moved to the end",
            "/",
            Box::new(|data| {
                let value = data.remove("summary").unwrap();
                data.insert("summary".into(), value);
            }),
        ),
        ("nothing", "/", Box::new(|_| ())),
    ];
    let texts =
        changes.iter().map(|(what, node, make)| format!("# {what}\n{}", change(node, make)));
    insta::assert_snapshot!(texts.collect::<Vec<_>>().join("\n"));
}

#[test]
fn what_cannot_be_changed_in_place_is_written_anew() {
    let files = [
        "{a: 1, b: 2}",
        "a: &x {k: 1}\nb: *x\n",
        "base: &b {k: 1}\nc:\n  <<: *b\n  a: 2\n",
        "? a\n: 1\n",
        "a:\n  - - 1\n    - 2\n",
        "a: 1",
        "---\na: 1\n...\n",
        "a: |+\n  kept\n\n",
        "\u{feff}a: 1\r\nc: 2\r\n",
        "a: !!str 1\nb: >-\n   folded\n   text\n\n   # no comment\n",
        "a:\nb:   # nothing\n# end",
    ];
    let mut texts = String::new();
    for file in files {
        let sample = Sample::new(&[("main.fmf", file)]);
        let tree = sample.open().unwrap();
        let mut edit = tree.modify(tree.top().id()).unwrap();
        edit.data().insert("a".into(), yaml("[[1, 3], new]"));
        edit.data().insert("z".into(), "end".into());
        let expected = exactly(&edit.data().clone().into());
        let text = edit.text();
        assert_eq!(exactly(&yaml(&text)), expected, "{text}");
        texts.push_str(&format!("{file:?}\n{text:?}\n"));
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn the_file_is_the_nearest_one_with_data() {
    let files = [
        ("main.fmf", "top: 1\n/virtual:\n  a: 1\n"),
        ("s.fmf", "k: 1\n"),
        ("s/main.fmf", "l: 1\n"),
        ("d/main.fmf", "z: 1\n"),
        ("d/empty.fmf", ""),
        ("d/directive.fmf", "/: {select: true}\n"),
        ("f.fmf", "/: {inherit: false}\n/v: {y: 1}\n"),
    ];
    let mut texts = String::new();
    for name in ["/virtual", "/s", "/d/empty", "/d/directive", "/f", "/f/v"] {
        let sample = Sample::new(&files);
        let tree = sample.open().unwrap();
        let mut edit = tree.modify(tree.find(name).unwrap().id()).unwrap();
        edit.data().insert("x".into(), true.into());
        let path = edit.path().strip_prefix(tree.root().unwrap()).unwrap().to_owned();
        texts.push_str(&format!("{name} in {}\n{}\n", path.display(), edit.text()));
        edit.write().unwrap();
        let again = sample.open().unwrap();
        assert_eq!(again.find(name).unwrap().get("x"), Some(&true.into()), "{name}");
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn what_cannot_be_written_changes_nothing() {
    let tree = Tree::from_map(yaml("{a: 1}").as_map().unwrap()).unwrap();
    assert_eq!(tree.modify(tree.top().id()).unwrap_err().kind(), ErrorKind::General);

    let sample = Sample::new(&[("main.fmf", "a: 1\n")]);
    let tree = sample.open().unwrap();
    let path = tree.root().unwrap().join("main.fmf");
    let mut edit = tree.modify(tree.top().id()).unwrap();
    edit.data().insert("a".into(), 2.into());
    std::fs::write(&path, "a: 3\n").unwrap();
    assert!(edit.write().unwrap_err().to_string().contains("changed by somebody else"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a: 3\n");
    let names: Vec<_> = std::fs::read_dir(tree.root().unwrap()).unwrap().flatten().collect();
    assert_eq!(names.len(), 2, "nothing is left beside it: {names:?}");
}

#[cfg(unix)]
#[test]
fn permissions_stay_and_links_are_followed() {
    use std::os::unix::fs::PermissionsExt;
    let sample = Sample::new(&[("main.fmf", "a: 1\n"), ("real.txt", "b: 1\n")]);
    let root = sample.open().unwrap().root().unwrap().to_owned();
    std::os::unix::fs::symlink("real.txt", root.join("link.fmf")).unwrap();
    std::fs::set_permissions(root.join("real.txt"), std::fs::Permissions::from_mode(0o640))
        .unwrap();
    let tree = sample.open().unwrap();
    let mut edit = tree.modify(tree.find("/link").unwrap().id()).unwrap();
    edit.data().insert("c".into(), 2.into());
    edit.write().unwrap();
    assert!(root.join("link.fmf").is_symlink());
    assert_eq!(std::fs::read_to_string(root.join("real.txt")).unwrap(), "b: 1\nc: 2\n");
    let mode = std::fs::metadata(root.join("real.txt")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn a_new_tree_can_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/deep");
    assert_eq!(Tree::init(&path).unwrap(), path.join(".fmf"));
    assert_eq!(Tree::open(&path).unwrap().version().to_string(), "1");
    let error = Tree::init(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File);
    assert!(error.to_string().contains("already exists"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_changed_reads_back_and_comments_stay(
        entries in prop::collection::vec(("[a-z]{1,3}|summary|tag|require|environment", values()), 1..4),
        removed in prop::collection::vec(prop_oneof![Just("summary"), Just("adjust"), Just("tag")], 0..2),
    ) {
        let sample = Sample::new(&[("main.fmf", FILE)]);
        let tree = sample.open().unwrap();
        let mut edit = tree.modify(tree.top().id()).unwrap();
        for key in removed {
            edit.data().remove(key);
        }
        for (key, value) in entries {
            edit.data().insert(Key::from(key.as_str()), value);
        }
        let expected = exactly(&edit.data().clone().into());
        let text = edit.text();
        prop_assert_eq!(exactly(&yaml(&text)), expected, "{}", text);
        let fresh = edit.fresh(true).text();
        prop_assert_eq!(exactly(&yaml(&fresh)), exactly(&yaml(&text)));
        // A text that keeps its last line breaks has no place before an empty line: the file is written anew then.
        if fresh == text {
            return Ok(());
        }
        for comment in ["# The tests of the shop.", "# About the environment.", "# The end."] {
            prop_assert!(text.contains(comment), "{} is gone from\n{}", comment, text);
        }
    }
}
