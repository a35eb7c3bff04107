//! Values as YAML: what is written reads back as the same value, and looks as people expect.

use atex_fmf::{Emit, Key, Map, Value};
use proptest::prelude::*;

/// Texts that something in YAML could take for something else.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    let words = prop_oneof![
        Just("a".to_owned()),
        "[-a-c:{}\\[\\],&*!|>'\"#% \t?<~0-9./+=@`\\\\]{0,12}",
        "(true|null|~|yes|1_0|0x1f|1e3|\\.inf|2020-01-01|12:30|<<|=|---|\\.\\.\\.)",
        "[\u{0}-\u{20}\u{7f}-\u{a0}\u{2028}\u{2029}\u{feff}\u{fffe}é😀]{0,4}",
        "x{30,50}",
    ];
    let lines = prop::collection::vec(prop::collection::vec(words, 0..12), 1..4);
    let breaks =
        prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\n\n"), 1 => Just("\u{85}")];
    let spaces = prop_oneof![6 => Just(" "), 1 => Just("  "), 1 => Just("\t")];
    (lines, breaks, spaces, "\n{0,2}", any::<bool>()).prop_map(
        |(lines, breaks, space, end, one)| {
            let mut lines: Vec<String> = lines.into_iter().map(|words| words.join(space)).collect();
            lines.truncate(if one { 1 } else { lines.len() });
            lines.join(breaks) + if one { "" } else { &end }
        },
    )
}

fn scalars() -> impl Strategy<Value = Value> {
    let written = prop_oneof![
        Just("2020-01-01"),
        Just("2020-01-01 10:00:00.5 +02:00"),
        Just("2020-01-01T10:00:00"),
        Just("!!binary aGVsbG8="),
        Just("!!set {a, 1}"),
        Just("!!set {}"),
        Just("99999999999999999999999"),
        Just(".inf"),
        Just("-.inf"),
        Just(".nan"),
    ];
    prop_oneof![
        6 => texts().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::Float),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => written.prop_map(|text| Value::from_yaml(text).unwrap()),
    ]
}

fn keys() -> impl Strategy<Value = Key> {
    prop_oneof![
        6 => texts().prop_map(|text| Value::from(text).into()),
        1 => any::<i64>().prop_map(|number| Value::from(number).into()),
        1 => Just(Key::from(Value::Null)),
        1 => Just(Key::from(Value::Tuple(vec![1.into(), "a b".into()].into()))),
    ]
}

pub(crate) fn values() -> impl Strategy<Value = Value> {
    scalars().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
            prop::collection::vec((keys(), inner), 0..4)
                .prop_map(|entries| entries.into_iter().collect::<Map>().into()),
        ]
    })
}

/// Everything about a value: types, order of keys. Dates and the like are told apart by their YAML.
pub(crate) fn exactly(value: &Value) -> String {
    format!("{value:?} {}", value.to_json())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_written_reads_back(value in values(), width in prop_oneof![Just(0), Just(20), Just(80)]) {
        for emit in [Emit::new(), Emit::new().width(width), Emit::new().anchors(true)] {
            let text = emit.write(&value);
            let read = Value::from_yaml(&text);
            prop_assert!(read.is_ok(), "{text}\n{}", read.unwrap_err());
            prop_assert_eq!(exactly(&read.unwrap()), exactly(&value), "{}", text);
        }
    }

    #[test]
    fn shared_parts_are_written_once(value in values()) {
        let shared = Value::list(vec![value.clone(), value.clone(), value]);
        let text = Emit::new().anchors(true).write(&shared);
        prop_assert_eq!(exactly(&Value::from_yaml(&text).unwrap()), exactly(&shared), "{}", text);
    }
}

/// YAML in, YAML out, one after the other.
fn again(texts: &[&str]) -> String {
    let texts = texts.iter().map(|text| Value::from_yaml(text).unwrap().to_yaml());
    texts.collect::<Vec<_>>().join("----\n")
}

#[test]
fn collections_are_indented_as_people_do() {
    insta::assert_snapshot!(again(&[
        "{a: [1, [2, [3]], {b: [c: {d: [1]}]}], e: {f: {}}, g: [[], {}, ~], h: ~}",
        "[a, {b: 1, c: 2}, [d]]",
        "[]",
        "{}",
        "just a text",
        "? [1, 2]\n: {a: 1}\n? \"a\\nb\"\n: [x]\n~: 1\ntrue: 2\n",
        "{s: !!set {a, b}, b: !!binary aGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8=}",
        "last: \"kept\\n\\n\"",
    ]));
}

#[test]
fn blocks_say_how_deep_they_are_where_it_matters() {
    insta::assert_snapshot!(again(&[
        "{a: \" x\\ny\", b: [\" x\\ny\", {c: \"\\nz\"}], d: \"\\n\", e: \"a\\r\\nb\", f: \"a\\n\\tb\\n\"}",
    ]));
}

#[test]
fn long_lines_are_folded_where_reading_joins_them() {
    let words = "word ".repeat(20);
    let values = [
        words.trim().to_owned(),
        words.clone(),
        format!("it's: {words}"),
        format!("\t{words}"),
        words.replace(' ', "  "),
        "x".repeat(100),
    ];
    let map: Map = values
        .iter()
        .map(|text| ("key".repeat(text.len() / 20).as_str().into(), text.as_str().into()))
        .collect();
    let text = Emit::new().write_map(&map);
    assert_eq!(exactly(&Value::from_yaml(&text).unwrap()), exactly(&map.into()));
    insta::assert_snapshot!(text);
}

#[test]
fn only_the_outermost_keys_are_sorted() {
    let value = Value::from_yaml("{b: {z: 1, a: 2}, a: 1}").unwrap();
    insta::assert_snapshot!(Emit::new().sort(true).write(&value), @r"
    a: 1
    b:
        z: 1
        a: 2
    ");
}
