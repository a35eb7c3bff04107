//! The texts for the remote.

use serde_json::json;

use super::*;

fn script(environment: &[(&str, &str)], test: Test) -> String {
    let guest = Guest { work: "/var/tmp/atex-1".into() };
    let environment =
        environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    RunScript { guest: &guest, test: &test, environment: &environment }.text()
}

#[test]
fn a_run_is_a_script_of_three_files() {
    let mut test = Test::new("echo 'it''s'\n\n");
    test.dir = "some/dir".into();
    test.metadata =
        json!({"test": "./x", "summary": "a: \"b\"", "enabled": true, "-odd key": {"a": [1]}})
            .as_object()
            .unwrap()
            .clone();
    let environment = [("A", "it's\n$(rm)"), ("B-C", "x"), ("UID", "5"), ("Ž", "1")];
    insta::assert_snapshot!(script(&environment, test));
}
