//! Random trees, mostly valid, that use every corner of the format: what one can write, somebody will.

use serde_json::{Map, Value, json};

use super::emit::{self, VERBATIM};
use super::random::Random;
use super::vocabulary::{
    CONDITIONS, DIMENSIONS, DISTROS, FILTERS, OPERATORS, PATHS, REGEXES, SCALARS, SUBSTITUTIONS,
    WORDS,
};

/// One random tree, what it is adjusted to and what is selected: a case without its answer, files not yet as text.
///
/// `metadata` has the content of each file by its path.
pub(super) fn tree(seed: u64) -> Value {
    let mut random = Random::new(seed);
    let random = &mut random;
    let mut metadata = Map::new();
    for path in PATHS {
        let percent = if path == "main.fmf" { 90 } else { 30 };
        if random.chance(percent) {
            metadata.insert(path.to_owned(), Value::Object(node(random, path == "main.fmf", 0)));
        }
    }
    let mut case = json!({"name": seed.to_string(), "metadata": metadata});
    if random.chance(10) {
        let listed = ["[.h.fmf]", "[.d]", "[.h.fmf, .d]", "[]"];
        case["config"] = json!(format!("explore:\n    include: {}\n", random.pick(&listed)));
    }
    if random.chance(20) {
        case["nested"] = json!(["n/.fmf/version"]);
    }
    if random.chance(15) {
        let links = [
            json!({"l": "a"}),
            json!({"b/up": ".."}),
            json!({"z.fmf": "a.fmf"}),
            json!({"l1": "a", "l2": "a"}),
            json!({"c/l": "../b", "m": "c"}),
        ];
        case["symlinks"] = links[random.below(links.len())].clone();
    }
    if random.chance(70) {
        case["adjust"] = (0..1 + random.below(2)).map(|_| adjusting(random)).collect();
    }
    if random.chance(50) {
        case["prunes"] = (0..1 + random.below(3)).map(|_| prune(random)).collect();
    }
    case
}

/// The case as it is asked: its files are text.
pub(super) fn rendered(case: &Value) -> Value {
    let mut files = Map::new();
    files.insert(".fmf/version".to_owned(), json!("1\n"));
    if let Some(config) = case["config"].as_str() {
        files.insert(".fmf/config".to_owned(), json!(config));
    }
    for path in case["nested"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        files.insert(path.to_owned(), json!("1\n"));
    }
    for (path, data) in case["metadata"].as_object().into_iter().flatten() {
        let text = data.as_object().map(emit::file).unwrap_or_default();
        files.insert(path.clone(), json!(text));
    }
    let mut rendered = json!({"name": case["name"], "files": files});
    for key in ["symlinks", "adjust", "prunes"] {
        if !case[key].is_null() {
            rendered[key] = case[key].clone();
        }
    }
    rendered
}

/// The content of a node: keys, children, directives.
fn node(random: &mut Random, top: bool, depth: usize) -> Map<String, Value> {
    let mut map = Map::new();
    for name in ["tag", "env", "n", "t", "l", "enabled", "d"] {
        if !random.chance(if top { 75 } else { 35 }) {
            continue;
        }
        entry(random, name, if top { 15 } else { 65 }, &mut map);
        if random.chance(10) {
            entry(random, name, 100, &mut map);
        }
    }
    if random.chance(4) {
        map.insert("anchored".into(), json!(format!("{VERBATIM}&x {{a: 1, b: [2]}}")));
        map.insert("copy".into(), json!(format!("{VERBATIM}*x")));
        map.insert("merged".into(), json!(format!("{VERBATIM}{{<<: *x, a: 3}}")));
    }
    if random.chance(if top { 50 } else { 25 }) {
        let key = if random.chance(if top { 10 } else { 60 }) { "adjust+" } else { "adjust" };
        let rules: Vec<Value> = (0..1 + random.below(3)).map(|_| rule(random)).collect();
        let single = random.chance(25);
        map.insert(key.into(), if single { rules[0].clone() } else { json!(rules) });
    }
    if random.chance(12) {
        let value = |random: &mut Random| match random.below(25) {
            0 => json!("no"),
            other => json!(other % 2 == 0),
        };
        let name = random.pick(&["inherit", "select"]);
        let directive = json!({name: value(random)});
        map.insert("/".into(), directive);
    }
    if depth < 2 {
        for name in ["/a", "/b", "/x", "/x/y", "/b/c/d"] {
            if random.chance(14) {
                let child = match random.chance(10) {
                    true => Value::Null,
                    false => Value::Object(node(random, false, depth + 1)),
                };
                map.insert(name.into(), child);
            }
        }
    }
    map
}

/// One key with a value that mostly fits it; `special` times of a hundred with a suffix.
fn entry(random: &mut Random, name: &str, special: usize, map: &mut Map<String, Value>) {
    if !random.chance(special) {
        let value = value(random, name);
        map.insert(name.into(), value);
        return;
    }
    let suffix = match name {
        "tag" => random.pick(&["+", "+", "+<", "-", "-~", "~"]),
        "l" => random.pick(&["+", "+", "+<", "-", "-~"]),
        "env" => random.pick(&["+", "+", "+<", "-", "-~"]),
        "t" => random.pick(&["+", "+<", "-", "-~", "~"]),
        "n" => random.pick(&["+", "-", "+<"]),
        _ => "",
    };
    // What does not fit is refused by both, and ends the tree: seldom.
    let suffix = if random.chance(2) {
        random.pick(&["+", "-", "~", "-~", "+<+", "--", "-+"])
    } else {
        suffix
    };
    let value = match (suffix, name) {
        ("~", _) => one_or_more(random, &SUBSTITUTIONS),
        ("-~", _) => one_or_more(random, &REGEXES),
        ("-", "t") => json!(random.pick(&REGEXES)),
        ("-", "env") => json!([random.pick(&["A", "B", "C"])]),
        _ => value(random, name),
    };
    map.insert(format!("{name}{suffix}"), value);
}

fn one_or_more(random: &mut Random, of: &[&str]) -> Value {
    match random.chance(60) {
        true => json!(random.pick(of)),
        false => (0..1 + random.below(3)).map(|_| json!(random.pick(of))).collect(),
    }
}

fn value(random: &mut Random, name: &str) -> Value {
    if random.chance(2) {
        return scalar(random);
    }
    match name {
        "tag" => words(random),
        "env" => Value::Object(variables(random, 0)),
        "n" => [json!(1), json!(2), json!(1.5), json!(true), json!(0)][random.below(5)].clone(),
        "t" if random.chance(10) => {
            let indent = " ".repeat(40);
            json!(format!(
                "{VERBATIM}{}\n{indent}ab\n{indent}c",
                random.pick(&["|", ">", "|-", ">+"])
            ))
        }
        "t" => json!(format!("{}{}", random.pick(&WORDS), random.pick(&WORDS))),
        "enabled" => json!(random.chance(70)),
        "l" => (0..random.below(4)).map(|_| item(random)).collect(),
        _ => scalar(random),
    }
}

fn words(random: &mut Random) -> Value {
    (0..random.below(5)).map(|_| json!(random.pick(&WORDS))).collect()
}

fn item(random: &mut Random) -> Value {
    match random.below(4) {
        0 => Value::Object(variables(random, 1)),
        1 => scalar(random),
        _ => json!(random.pick(&WORDS)),
    }
}

fn scalar(random: &mut Random) -> Value {
    let scalar = random.pick(&SCALARS);
    // A dash alone would begin a list.
    let scalar = if scalar == "-" { "'-'" } else { scalar };
    json!(format!("{VERBATIM}{scalar}"))
}

fn variables(random: &mut Random, depth: usize) -> Map<String, Value> {
    let mut map = Map::new();
    for name in ["A", "B", "C"] {
        if !random.chance(50) {
            continue;
        }
        let suffix = random.pick(&["", "", "", "", "+", "-", "+<"]);
        let value = match random.below(8) {
            0 if depth < 2 => Value::Object(variables(random, depth + 1)),
            1 => words(random),
            2 => scalar(random),
            _ => json!(random.pick(&WORDS)),
        };
        map.insert(format!("{name}{suffix}"), value);
    }
    map
}

fn rule(random: &mut Random) -> Value {
    let mut rule = Map::new();
    if random.chance(90) {
        rule.insert("when".into(), json!(expression(random)));
    }
    if random.chance(20) {
        rule.insert("continue".into(), json!(random.chance(30)));
    }
    if random.chance(20) {
        rule.insert("because".into(), json!("of something"));
    }
    for _ in 0..1 + random.below(2) {
        let name = random.pick(&["tag", "env", "n", "t", "l", "enabled"]);
        entry(random, name, 50, &mut rule);
    }
    Value::Object(rule)
}

fn expression(random: &mut Random) -> String {
    let mut text = part(random);
    for _ in 0..random.below(3) {
        text += random.pick(&[" and ", " or "]);
        text += &part(random);
    }
    text
}

fn part(random: &mut Random) -> String {
    match random.below(20) {
        0 => "true".to_owned(),
        1 => "false".to_owned(),
        2 | 3 => {
            let defined = random.pick(&["is defined", "is not defined"]);
            format!("{} {defined}", random.pick(&DIMENSIONS))
        }
        4..7 => {
            let operator = random.pick(&["==", "!=", "=", "~"]);
            format!("arch {operator} {}", random.pick(&["x86_64", "aarch64, s390x", "64"]))
        }
        7 => format!("trigger == {}", random.pick(&["commit", "Commit", "code, commit"])),
        8 => format!("distro == {}, {}", random.pick(&DISTROS), random.pick(&DISTROS)),
        _ => {
            let space = random.pick(&[" ", " ", " ", ""]);
            let operator = random.pick(&OPERATORS);
            format!("distro{space}{operator}{space}{}", random.pick(&DISTROS))
        }
    }
}

fn adjusting(random: &mut Random) -> Value {
    let mut context = Map::new();
    if random.chance(85) {
        context.insert("distro".into(), json!(random.pick(&DISTROS)));
    }
    if random.chance(50) {
        context.insert("arch".into(), json!(random.pick(&["x86_64", "aarch64"])));
    }
    if random.chance(30) {
        context.insert("trigger".into(), json!(["commit", random.pick(&["code", "Commit"])]));
    }
    let mut step = json!({"context": context});
    if random.chance(20) {
        step["case_sensitive"] = json!(random.chance(30));
    }
    if random.chance(10) {
        step["undecided"] = json!(random.pick(&["skip", "raise"]));
    }
    step
}

fn prune(random: &mut Random) -> Value {
    let mut prune = json!({});
    if random.chance(30) {
        prune["keys"] = json!([random.pick(&["tag", "t", "nope"])]);
    }
    if random.chance(30) {
        prune["names"] = json!([random.pick(&["a", "^/b", "c$", "/x/y", "[ab]"])]);
    }
    if random.chance(50) {
        prune["filters"] = json!([random.pick(&FILTERS)]);
    }
    if random.chance(40) {
        prune["conditions"] = json!([random.pick(&CONDITIONS)]);
    }
    if random.chance(20) {
        prune["whole"] = json!(true);
    }
    prune
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_a_tree() {
        assert_eq!(tree(3), tree(3));
        assert_ne!(tree(3), tree(4));
        let case = rendered(&tree(3));
        assert!(case["files"].as_object().unwrap().len() > 1, "{case}");
    }
}
