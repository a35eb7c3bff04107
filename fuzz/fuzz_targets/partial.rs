//! Partial results: what becomes of a sequence of them, against the rules written down once more.
#![no_main]

use std::collections::BTreeSet;

use atex_exec::result::{OpenResults, Report};
use libfuzzer_sys::arbitrary::{Arbitrary, Unstructured};
use serde_json::{Map, Value, json};

/// A value of few kinds and few texts, so that keys and kinds meet often.
fn value(u: &mut Unstructured<'_>, depth: u8) -> Value {
    match u.int_in_range(0..=if depth > 3 { 4 } else { 7 }).unwrap_or(0) {
        0 => Value::Null,
        1 => json!(bool::arbitrary(u).unwrap_or_default()),
        2 => json!(i8::arbitrary(u).unwrap_or_default()),
        3 => json!(f64::from(i8::arbitrary(u).unwrap_or_default()) / 2.0),
        4 => json!(text(u)),
        5 => (0..u.int_in_range(0..=3).unwrap_or(0)).map(|_| value(u, depth + 1)).collect(),
        _ => Value::Object(object(u, depth + 1)),
    }
}

fn text(u: &mut Unstructured<'_>) -> &'static str {
    ["a", "b", "", "a/b", "../a", "é\n"][u.int_in_range(0..=5).unwrap_or(0)]
}

fn object(u: &mut Unstructured<'_>, depth: u8) -> Map<String, Value> {
    (0..u.int_in_range(0..=4).unwrap_or(0)).map(|_| (text(u).to_owned(), value(u, depth))).collect()
}

/// One report: a name or none, open or not, with files now and then.
fn report(u: &mut Unstructured<'_>) -> Map<String, Value> {
    let mut fields = object(u, 0);
    match u.int_in_range(0..=3).unwrap_or(0) {
        0 => {}
        1 => drop(fields.insert("name".into(), json!("a"))),
        2 => drop(fields.insert("name".into(), json!("b"))),
        _ => drop(fields.insert("name".into(), Value::Null)),
    }
    if u.ratio(1, 3).unwrap_or_default() {
        let files: Value = (0..u.int_in_range(0..=3).unwrap_or(0))
            .map(|_| u.choose(&["x", "y", "d/z"]).copied().unwrap_or("x"))
            .map(|name| json!({"name": name, "length": 0}))
            .collect();
        fields.insert("files".into(), files);
    }
    if u.ratio(3, 4).unwrap_or_default() {
        fields.insert("partial".into(), json!(true));
    }
    fields
}

/// The rules for merging, as the description of results has them.
fn merged(old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => old.iter().chain(new).cloned().collect(),
        (Value::Object(old), Value::Object(new)) => {
            let mut all = old.clone();
            for (key, value) in new {
                match (all.get(key), value) {
                    (_, Value::Null) => drop(all.shift_remove(key)),
                    (None, value) => drop(all.insert(key.clone(), value.clone())),
                    (Some(old), value) => {
                        let value = merged(old, value);
                        all.insert(key.clone(), value);
                    }
                }
            }
            Value::Object(all)
        }
        (_, new) => new.clone(),
    }
}

/// A list of results, each with its name: open ones, or written ones.
type Named = Vec<(Option<Value>, Map<String, Value>)>;

/// What is known of one report, its files as a list of names.
fn plain(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = fields.clone();
    fields.shift_remove("partial");
    if let Some(Value::Array(files)) = fields.get_mut("files") {
        let names: BTreeSet<String> =
            files.iter().filter_map(|file| file["name"].as_str()).map(str::to_owned).collect();
        *files = names.into_iter().map(Value::from).collect();
    }
    fields
}

fn union(old: Option<&Value>, new: Option<&Value>) -> Option<Value> {
    let all: BTreeSet<&str> = [old, new]
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    (old.is_some() || new.is_some()).then(|| all.into_iter().collect())
}

/// Takes a report as the rules say.
fn take(open: &mut Named, fields: &Map<String, Value>) -> Option<Map<String, Value>> {
    let name = fields.get("name").cloned();
    let partial = fields.get("partial").is_some();
    let mut new = plain(fields);
    let place = open.iter().position(|(other, _)| *other == name);
    if let Some(place) = place {
        let old = &open[place].1;
        let files = union(old.get("files"), new.get("files"));
        let (mut old, mut later) = (old.clone(), std::mem::take(&mut new));
        if let Some(files) = files {
            old.insert("files".into(), files);
        }
        later.shift_remove("files");
        // By which it was found.
        later.shift_remove("name");
        if let Value::Object(all) = merged(&Value::Object(old), &Value::Object(later)) {
            new = all;
        }
    }
    match (place, partial) {
        (Some(place), true) => drop(std::mem::replace(&mut open[place].1, new)),
        (None, true) => open.push((name, new)),
        (Some(place), false) => {
            open.remove(place);
            return Some(new);
        }
        (None, false) => return Some(new),
    }
    None
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut u = Unstructured::new(bytes);
    let (mut real, mut model) = (OpenResults::new(std::env::temp_dir()), Named::new());
    for _ in 0..12 {
        if u.is_empty() {
            break;
        }
        let fields = report(&mut u);
        let json = Value::Object(fields.clone()).to_string();
        let parsed = match Report::parse(json.as_bytes()) {
            Ok(parsed) => parsed,
            Err(error) => panic!("{error}: {json}"),
        };
        let written = real.add(parsed).expect("these are small");
        assert_eq!(written.map(|report| report.fields), take(&mut model, &fields), "{json}");
    }
    let left: Vec<_> = real.close().map(|report| report.expect("these are in memory").fields).collect();
    assert_eq!(left, model.into_iter().map(|(_, fields)| fields).collect::<Vec<_>>());
});
