//! What tests ask for that this version does not provide: said before they run, so that nobody wonders at a failure.

use atex_core::{Test, TestSuite};
use serde_json::Value;

type Asks = fn(&Test) -> bool;

/// A note for each kind of thing, with the tests that ask for it.
pub(crate) fn notes(suite: &TestSuite) -> Vec<String> {
    let kinds: [(&str, Asks); 3] = [
        ("packages (`require`, `recommend`), which this version does not install", |test| {
            required(test)
                .any(|item| item.as_str().is_some_and(|name| !name.starts_with("library(")))
        }),
        (
            "libraries (`library(…)`) that were not found; they may be packages, which this version does not install",
            |test| {
                required(test)
                    .any(|item| item.as_str().is_some_and(|name| name.starts_with("library(")))
            },
        ),
        ("a terminal (`tty: true`), which this version does not make", |test| test.tty),
    ];
    kinds.iter().filter_map(|(what, asks)| note(suite, what, *asks)).collect()
}

fn note(suite: &TestSuite, what: &str, asks: Asks) -> Option<String> {
    let names: Vec<&str> =
        suite.tests.iter().filter(|(_, test)| asks(test)).map(|(name, _)| name.as_str()).collect();
    let more = names.len().saturating_sub(3);
    let shown = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    match (names.len(), more) {
        (0, _) => None,
        (1, _) => Some(format!("note: {shown} asks for {what}")),
        (_, 0) => Some(format!("note: {shown} ask for {what}")),
        (_, more) => Some(format!("note: {shown} and {more} more ask for {what}")),
    }
}

fn required(test: &Test) -> impl Iterator<Item = &Value> {
    ["require", "recommend"].into_iter().filter_map(|key| test.metadata.get(key)).flat_map(
        |value| match value {
            Value::Array(items) => items.iter().collect::<Vec<_>>(),
            other => vec![other],
        },
    )
}

#[cfg(test)]
mod tests {
    use atex_core::TestName;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_is_noted_once() {
        let test = |require: Value| {
            let mut test = Test::new("true");
            test.metadata.insert("require".into(), require);
            test
        };
        let mut terminal = Test::new("true");
        terminal.tty = true;
        let tests = [
            ("/a", test(json!(["bash", "library(x/y)"]))),
            ("/b", test(json!("gcc"))),
            ("/c", test(json!([{"type": "library", "url": "u"}]))),
            ("/d", test(json!(["gcc", "make"]))),
            ("/e", test(json!(["gcc"]))),
            ("/f", test(json!([]))),
            ("/g", terminal),
        ];
        let suite = TestSuite::new(tests.map(|(name, test)| (TestName::new(name).unwrap(), test)));
        insta::assert_snapshot!(notes(&suite).join("\n"), @"
        note: /a, /b, /d and 1 more ask for packages (`require`, `recommend`), which this version does not install
        note: /a asks for libraries (`library(…)`) that were not found; they may be packages, which this version does not install
        note: /g asks for a terminal (`tty: true`), which this version does not make
        ");
    }
}
