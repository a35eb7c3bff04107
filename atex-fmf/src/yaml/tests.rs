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

#[test]
fn flow_collections_are_read_as_the_reference_reads_them() {
    for (text, expected) in [
        // A colon at the beginning is a key of its own in a map, and text in a list.
        ("{:a}", "{None: 'a'}"),
        ("{::}", "{None: ':'}"),
        ("{ :a, b}", "{None: 'a', 'b': None}"),
        ("[:a, ::]", "[':a', '::']"),
        ("{?: a}", "{None: 'a'}"),
        ("[?:, ? :]", "[{':': None}, {':': None}]"),
        // A second colon is text, if the reference still knows of the first.
        ("{x: :}", "{'x': ':'}"),
        ("- {x: :a}", "[{'x': ':a'}]"),
        ("a: [{y: :}]", "{'a': [{'y': ':'}]}"),
        ("[a: a:, b: ::]", "[{'a': 'a:'}, {'b': '::'}]"),
        ("[a:, b:c, d :]", "['a:', 'b:c', 'd :']"),
        ("{a:, b:c}", "{'a:': None, 'b:c': None}"),
        ("{\"a\":b, 'c':d}", "{'a': 'b', 'c': 'd'}"),
        ("[[a]: b, {c: d}]", "[{('a',): 'b'}, {'c': 'd'}]"),
        ("[?a, ? b : c]", "[{'a': None}, {'b': 'c'}]"),
        ("{a b\n  c: d}: e", "expected ',' or '}'"),
        ("[a\n  b, 'c\n\n  d', \"e\\\n  f\\x41\"]", "['a b', 'c\\nd', 'efA']"),
        ("[!!str 1, !!int '2', !<tag:yaml.org,2002:str> 3, ! a]", "['1', 2, '3', 'a']"),
        ("[&x a, *x , {&y b: *y }]", "['a', 'a', {'b': 'b'}]"),
        // Also where the parser sees no collection, or another one.
        ("{:&x a, b: *x }", "{None: 'a', 'b': 'a'}"),
        ("%TAG !e! tag:yaml.org,2002:\n---\n{: !e!str 1}", "{None: '1'}"),
        ("&z !!seq [-]", "['-']"),
        ("a: {\n -}\nb: c", "{'a': {'-': None}, 'b': 'c'}"),
        ("- [a: :,\n  é] # c\n- d", "[[{'a': ':'}, 'é'], 'd']"),
    ] {
        let found = read(text);
        assert!(
            found == expected || found.contains(" expected ") && found.contains(expected),
            "{text:?}: {found}"
        );
    }
}

#[test]
fn what_the_reference_refuses_in_flow_collections_is_refused() {
    let texts = [
        "[: a]",
        "[??]",
        "{??a}",
        "{x: {y: :}, a: {x: :}",
        "a: {x: :}",
        "{a: b,\n x: :}",
        "[!]",
        "[!!str,a]",
        "[\"a\":b]",
        "['a' b]",
        "[a\nb: c]",
        "{a\nb: c}",
        "{\"a\n b\": c}",
        "[a]]",
        "{a]",
        "[a\n---\n]",
        "[- a]",
        "[|]",
        "[a, , b]",
        "{,}",
        "[*x]",
        "[&]",
        "['a]",
        "[\"\\q\"]",
        "[\"\\ud800\"]",
        "a: {\n -} x",
        "- [1|a# c\n :]: v",
        "[%a]",
        "[@a]",
    ];
    for text in texts {
        assert!(Value::from_yaml(text).is_err(), "{text:?}: {}", read(text));
    }
}

#[test]
fn a_collection_that_is_not_closed_is_pointed_to() {
    let error = Value::from_yaml("a: b\nc: [d, {e: f, g]\n").unwrap_err();
    assert_eq!(error.location().map(|place| (place.line, place.column)), Some((2, 16)));
    let error = Value::from_yaml("a: b\nc: [d, [e, f]\n").unwrap_err();
    assert_eq!(error.location().map(|place| (place.line, place.column)), Some((2, 4)));
    assert_eq!(error.to_string().lines().next(), Some("<text>:2:4: '[' is not closed"));
}

#[test]
fn lines_end_as_they_do_for_the_reference() {
    for (text, expected) in [
        ("\u{85}a: b", "{'a': 'b'}"),
        ("\u{feff}\u{2028}\u{2029}a: b", "{'a': 'b'}"),
        ("a: b\r\nc: d\re: f\u{85}g: h", "{'a': 'b', 'c': 'd', 'e': 'f', 'g': 'h'}"),
        ("a: 'b\u{85} c'", "{'a': 'b c'}"),
        ("a: |\n  b\u{85}  c", "{'a': 'b\\nc'}"),
        ("a: [b\u{2028}c,\u{2029} d]", "{'a': ['b\\u2028c', 'd']}"),
    ] {
        assert_eq!(read(text), expected, "{text:?}");
    }
}
