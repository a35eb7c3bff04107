//! What tests ask for that this version does not provide: said before they run, so that nobody wonders at a failure.

use atex_core::{Phase, PhaseAction, Test, TestSuite};
use serde_json::Value;

type Asks = fn(&Test) -> bool;

/// A note for each kind of thing, with the tests that ask for it; and whether packages are installed.
pub(crate) fn notes(suite: &TestSuite, installs: bool) -> Vec<String> {
    let packages: Asks = |test| {
        required(test).any(|item| item.as_str().is_some_and(|name| !name.starts_with("library(")))
    };
    let kinds: [(&str, Asks); 2] = [
        (
            "packages (`require`, `recommend`), which are not installed",
            if installs { |_| false } else { packages },
        ),
        ("libraries (`library(…)`) that were not found; they may be packages", |test| {
            required(test)
                .any(|item| item.as_str().is_some_and(|name| name.starts_with("library(")))
        }),
    ];
    let tests = kinds.iter().filter_map(|(what, asks)| note(suite, what, *asks));
    let steps = [("prepare", &suite.prepare), ("finish", &suite.finish)];
    tests
        .chain(steps.iter().flat_map(|(step, phases)| {
            phases.iter().filter_map(|phase| left_out(step, phase, installs))
        }))
        .collect()
}

/// A note on a phase of a plan that is not done.
fn left_out(step: &str, phase: &Phase, installs: bool) -> Option<String> {
    let what = match &phase.action {
        PhaseAction::Install { .. } if !installs => {
            "wants packages, which are not installed".to_owned()
        }
        PhaseAction::Unknown { how } => format!("is left out: `how: {how}` is not known here"),
        _ => return None,
    };
    Some(format!("note: {:?} in `{step}` of the plan {what}", phase.name))
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
        let tests = [
            ("/a", test(json!(["bash", "library(x/y)"]))),
            ("/b", test(json!("gcc"))),
            ("/c", test(json!([{"type": "library", "url": "u"}]))),
            ("/d", test(json!(["gcc", "make"]))),
            ("/e", test(json!(["gcc"]))),
            ("/f", test(json!([]))),
        ];
        let mut suite =
            TestSuite::new(tests.map(|(name, test)| (TestName::new(name).unwrap(), test)));
        let phase = |name: &str, action| Phase { name: name.into(), action };
        suite.prepare = vec![
            phase("tools", PhaseAction::Install { packages: vec!["gcc".into()], exclude: vec![] }),
            phase("x", PhaseAction::Shell { scripts: vec![] }),
        ];
        suite.finish = vec![phase("z", PhaseAction::Unknown { how: "ansible".into() })];
        insta::assert_snapshot!(notes(&suite, false).join("\n"), @r#"
        note: /a, /b, /d and 1 more ask for packages (`require`, `recommend`), which are not installed
        note: /a asks for libraries (`library(…)`) that were not found; they may be packages
        note: "tools" in `prepare` of the plan wants packages, which are not installed
        note: "z" in `finish` of the plan is left out: `how: ansible` is not known here
        "#);
        insta::assert_snapshot!(notes(&suite, true).join("\n"), @r#"
        note: /a asks for libraries (`library(…)`) that were not found; they may be packages
        note: "z" in `finish` of the plan is left out: `how: ansible` is not known here
        "#);
    }
}
