//! Inheritance, suffixes and adjusting: bytes choose keys and values, so that most inputs reach the merging itself.
#![no_main]

use atex_fmf::{Climb, Context, Key, Map, Selection, Tree, Value};

const BASES: [&str; 6] = ["a", "b", "c", "adjust", "when", "/x"];
const SUFFIXES: [&str; 8] = ["", "", "+", "+<", "-", "-~", "~", "++"];
const TEXTS: [&str; 12] = [
    "a",
    "b",
    "",
    "/a/b/",
    "/(a)/\\1\\1/",
    "^a",
    "(",
    "distro == fedora",
    "a*",
    "#.#x#",
    "é",
    "b$",
];

/// Reads choices off the input; an exhausted input chooses the first.
struct Choices<'b>(&'b [u8]);

impl Choices<'_> {
    fn below(&mut self, limit: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % limit
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth > 4 { 5 } else { 9 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 1),
            2 => Value::from(self.below(200) as i64),
            3 | 4 => TEXTS[self.below(TEXTS.len())].into(),
            5 | 6 => (0..self.below(5)).map(|_| self.value(depth + 1)).collect::<Vec<_>>().into(),
            _ => self.map(depth + 1).into(),
        }
    }

    fn map(&mut self, depth: usize) -> Map {
        (0..self.below(6))
            .map(|_| {
                let key =
                    [BASES[self.below(BASES.len())], SUFFIXES[self.below(SUFFIXES.len())]].concat();
                (Key::from(key.as_str()), self.value(depth))
            })
            .collect()
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices(bytes);
    let mut map = choices.map(0);
    let (mut child, grandchild) = (choices.map(0), choices.map(0));
    child.insert("/y".into(), grandchild.into());
    map.insert("/x".into(), child.into());
    let Ok(mut tree) = Tree::from_map(&map) else { return };
    let before = tree.clone();
    let _ = tree.adjust(&Context::new().with("distro", ["fedora"]));
    let _ = tree.prune(&Selection::new().key("a").filter("b: a | b: -b")).count();
    for node in tree.climb(Climb { whole: true, sort: true }) {
        // Whatever way a map came to be, its views agree.
        let data = node.data();
        assert_eq!(data.len(), data.keys().count());
        assert!(data.iter().all(|(key, value)| data.get(key.value()) == Some(value)));
    }
    drop(before);
});
