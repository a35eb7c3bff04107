//! Scripts of tests that are not there, or cannot be executed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::Location;
use crate::tree::Node;
use crate::value::Value;

use super::{Check, Finding, Findings, Nodes};

/// Programs that are given the script as an argument.
const INTERPRETERS: [&str; 6] = ["bash", "sh", "python", "python3", "perl", "ruby"];

pub(super) fn check(nodes: &Nodes<'_>, findings: &mut Findings) {
    for node in &nodes.tests {
        if let Some(finding) = script(*node) {
            findings.push(finding);
        }
    }
}

/// What is wrong with the script of a test, if that can be told by its name.
fn script(node: Node<'_>) -> Option<Finding> {
    if node.get("manual").is_some_and(Value::is_truthy) {
        return None;
    }
    let (name, executed) = named(node.get("test")?.as_str()?)?;
    let place = node.locate("test");
    let path = folder(node, place.as_ref())?.join(name.trim_start_matches("./"));
    let found = |message: String| Finding::new(Check::MissingScript, message).node(node.name());
    let finding = match path.metadata() {
        Err(_) => found(format!("there is no script {}", path.display())),
        Ok(metadata) if !metadata.is_file() => found(format!("{} is no file", path.display())),
        Ok(metadata) if executed && metadata.permissions().mode() & 0o111 == 0 => {
            found(format!("{} cannot be executed", path.display()))
                .hint(format!("chmod +x {}", path.display()))
        }
        Ok(_) => return None,
    };
    Some(finding.at(place))
}

/// The file that a script of one simple command runs, and whether it must be executable.
fn named(script: &str) -> Option<(&str, bool)> {
    let plain =
        |word: &&str| word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./+".contains(c));
    let mut words = script.lines().next()?.split_whitespace();
    let first = words.next().filter(plain)?;
    if first.starts_with("./") || first.starts_with("../") {
        return Some((first, true));
    }
    if INTERPRETERS.contains(&first) {
        let file = words.next().filter(plain)?;
        let is_file = !file.starts_with(['-', '/']) && file.contains('.');
        return is_file.then_some((file, false));
    }
    None
}

/// The folder that a test runs in.
fn folder(node: Node<'_>, place: Option<&Location>) -> Option<PathBuf> {
    let root = node.tree().root()?;
    if let Some(path) = node.get("path").and_then(Value::as_str) {
        return Some(root.join(path.trim_start_matches('/')));
    }
    let source = node.sources().last().copied().or(place.map(|place| place.path.as_path()))?;
    source.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn scripts_that_have_a_name() {
        let table = [
            ("./test.sh", Some(("./test.sh", true))),
            ("./test.sh --fast | tee log", Some(("./test.sh", true))),
            ("../lib/run.py\n", Some(("../lib/run.py", true))),
            ("bash test.sh", Some(("test.sh", false))),
            ("python3 -m pytest", None),
            ("bash -x ./test.sh", None),
            ("./$NAME.sh", None),
            ("cd x && ./test.sh", None),
            ("make check", None),
            ("", None),
        ];
        for (script, expected) in table {
            assert_eq!(named(script), expected, "{script}");
        }
    }
}
