//! Syntax in which YAML parsers differ: the values that FMF users get for it.

use crate::Value;

fn read(text: &str) -> String {
    match Value::from_yaml(text) {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_comment_may_follow_a_quote_or_a_bracket_at_once() {
    for (text, expected) in [
        ("'x'#c", "'x'"),
        ("a: \"x\"#c\nb: 'y'#é\nc: z", "{'a': 'x', 'b': 'y', 'c': 'z'}"),
        ("a: [x]#c", "{'a': ['x']}"),
        ("a: {b: c}#c\n", "{'a': {'b': 'c'}}"),
        ("'x'#c: d", "'x'"),
        ("[[x]#c\n, 'y'#c\n]", "[['x'], 'y']"),
        ("[a,#c\nb]", "['a', 'b']"),
        ("a: 'it'#c'x", "{'a': 'it'}"),
        ("a: b#c", "{'a': 'b#c'}"),
        ("a: |\n  'x'#c\nb: 'y'#c", "{'a': \"'x'#c\\n\", 'b': 'y'}"),
    ] {
        assert_eq!(read(text), expected, "{text:?}");
    }
}

#[test]
fn a_lone_dash_in_a_flow_collection_is_a_string() {
    for (text, expected) in [
        ("[-]", "['-']"),
        ("[-, a, _]", "['-', 'a', '_']"),
        ("a: {b: -}", "{'a': {'b': '-'}}"),
        ("[--, -a]", "['--', '-a']"),
    ] {
        assert_eq!(read(text), expected, "{text:?}");
    }
    for text in ["[- ]", "[-\n]"] {
        assert!(Value::from_yaml(text).is_err(), "{text:?}");
    }
}

#[test]
fn places_in_repaired_documents_are_those_of_the_original() {
    let error = Value::from_yaml("a: [-]\nb: 'x'#c\nc: [\n").unwrap_err();
    assert_eq!(error.location().map(|place| place.line), Some(3));
    let error = Value::from_yaml("a: [-]\nb: 'x'#c\na: 1\n").unwrap_err();
    assert_eq!(error.location().map(|place| (place.line, place.column)), Some((3, 1)));
}

#[test]
fn a_version_in_front_changes_nothing_and_a_value_cannot_contain_itself() {
    assert_eq!(read("%YAML 1.1\n---\na: yes\nb: 010\n"), "{'a': 'yes', 'b': 10}");
    assert_eq!(read("%YAML 1.2\n---\na: yes\n"), "{'a': 'yes'}");
    for text in ["%YAML 1.3\n---\na: 1\n", "%YAML 2.0\n---\na: 1\n", "&a [*a]", "&a {k: *a}"] {
        assert!(Value::from_yaml(text).is_err(), "{text:?}");
    }
}
