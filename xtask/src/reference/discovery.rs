//! Discovery alone, on any trees: the same tests in the same order as by the Python ATEX, by every plan there is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

const DRIVER: &str = include_str!("discovery.py");

/// How many differences are shown.
const SHOWN: usize = 10;

/// Asks both about the trees at and below the folders. Nothing is fetched: what would have to be is refused by both.
///
/// # Errors
/// One of them cannot be started, there is no tree, or something differs.
pub(super) fn compare(python: &Path, atex: &Path, dir: &Path, folders: &[PathBuf]) -> Result<()> {
    let (driver, out) = (dir.join("discovery.py"), dir.join("discovery.jsonl"));
    fs::write(&driver, DRIVER).context("cannot write the driver")?;
    let mut ask = offline(Command::new(python), dir);
    let status =
        ask.arg(&driver).arg(&out).args(folders).status().context("cannot start Python")?;
    ensure!(status.success(), "the Python ATEX failed: {status}");
    let answers = fs::read_to_string(&out).context("cannot read the answers")?;
    let (mut asked, mut tests, mut refused, mut differing) = (0, 0, 0, Vec::new());
    for line in answers.lines() {
        let answer: Value = serde_json::from_str(line).context("cannot understand an answer")?;
        let here = discover(atex, dir, &answer)?;
        asked += 1;
        tests += answer["tests"].as_array().map_or(0, Vec::len);
        refused += usize::from(answer["tests"].is_null());
        differing.extend(difference(&answer, &here));
    }
    ensure!(asked > 0, "there is no metadata tree in these folders");
    println!("{asked} discoveries of {tests} tests compared, {refused} refused by the Python ATEX");
    for text in differing.iter().take(SHOWN) {
        println!("{text}");
    }
    ensure!(differing.is_empty(), "{} discoveries differ", differing.len());
    Ok(())
}

/// Without the network, and without the caches of whoever runs this.
fn offline(mut command: Command, dir: &Path) -> Command {
    command.env("GIT_ALLOW_PROTOCOL", "file").env("GIT_TERMINAL_PROMPT", "0");
    command.env("FMF_CACHE_DIRECTORY", dir.join("cache")).stdin(Stdio::null());
    command
}

/// The tests that `atex discover` finds, with their folders; null if it refuses.
fn discover(atex: &Path, dir: &Path, answer: &Value) -> Result<Value> {
    let mut command = offline(Command::new(atex), dir);
    command.args(["discover", "--no-libraries", "--format", "json", "--root"]);
    command.arg(answer["root"].as_str().unwrap_or_default());
    if let Some(plan) = answer["plan"].as_str() {
        command.args(["--plan", plan]);
    }
    for (key, value) in answer["context"].as_object().into_iter().flatten() {
        command.args(["-c", &format!("{key}={}", value.as_str().unwrap_or_default())]);
    }
    let output = command.output().context("cannot start atex")?;
    if !output.status.success() {
        return Ok(Value::Null);
    }
    let suite: Value = serde_json::from_slice(&output.stdout).context("cannot read its answer")?;
    let tests = suite["tests"].as_object().into_iter().flatten();
    Ok(tests.map(|(name, test)| json!([name, folder(&test["dir"])])).collect())
}

/// The top folder has no name here, and a dot there.
fn folder(dir: &Value) -> &str {
    dir.as_str().filter(|dir| !dir.is_empty()).unwrap_or(".")
}

/// What is different, if anything is.
fn difference(answer: &Value, here: &Value) -> Option<String> {
    let theirs = &answer["tests"];
    if theirs == here {
        return None;
    }
    let list = |tests: &Value| match tests.as_array() {
        None => "refused".to_owned(),
        Some(tests) => format!("{} tests", tests.len()),
    };
    let both = theirs.as_array().into_iter().flatten().zip(here.as_array().into_iter().flatten());
    let first = both.into_iter().find(|(python, here)| python != here);
    let first = first
        .map_or(String::new(), |(python, here)| format!("\n  first: python {python}, here {here}"));
    let (root, plan) = (answer["root"].as_str().unwrap_or_default(), &answer["plan"]);
    let (context, python, here) = (&answer["context"], list(theirs), list(here));
    Some(format!("{root}, plan {plan}, context {context}: python {python}, here {here}{first}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_folders_count() {
        let answer =
            json!({"root": "r", "plan": null, "context": {}, "tests": [["/a", "."], ["/b", "x"]]});
        let differs = |here: Value| difference(&answer, &here);
        assert_eq!(differs(json!([["/a", "."], ["/b", "x"]])), None);
        for other in [
            json!([["/b", "x"], ["/a", "."]]),
            json!([["/a", "."], ["/b", "y"]]),
            json!([]),
            Value::Null,
        ] {
            assert!(differs(other.clone()).is_some(), "{other}");
        }
        let refused = json!({"root": "r", "plan": "/p", "context": {}, "tests": null});
        assert_eq!(difference(&refused, &Value::Null), None);
        insta::assert_snapshot!(
            difference(&refused, &json!([["/a", "."]])).unwrap(),
            @r#"r, plan "/p", context {}: python refused, here 1 tests"#
        );
    }
}
