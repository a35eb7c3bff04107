//! What stands in the results of a test whose executor could not write them.

use std::fs;
use std::io::ErrorKind;

use atex_core::{Artifacts, Error, Failure, Result, ResultLine, ascii_json};
use serde_json::json;

/// Sees to it that the artifacts of a test that did not come to its own end can be read, and say so.
///
/// An executor leaves them complete, unless it panicked, was dropped, or was never asked. Then a line that was only half
/// written is cut off, and a result of the test itself is added. When that cannot be written, the failure says so as well.
pub(super) fn complete(artifacts: &Artifacts, mut failure: Failure) -> Failure {
    if let Err(error) = try_complete(artifacts, &failure.message) {
        failure.message = format!("{}; {}", failure.message, Failure::from(&error));
    }
    failure
}

fn try_complete(artifacts: &Artifacts, note: &str) -> Result<()> {
    let path = artifacts.results_file();
    let mut results = match fs::read(&path) {
        Ok(results) => results,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Error::io("cannot read", &path)(error)),
    };
    let whole = results.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let is_own = |line: &[u8]| {
        serde_json::from_slice::<ResultLine>(line).is_ok_and(|result| result.is_own())
    };
    if whole == results.len() && results.split(|byte| *byte == b'\n').any(is_own) {
        return Ok(());
    }
    results.truncate(whole);
    let line = ascii_json::write(&mut results, &json!({"status": "infra", "note": note}));
    results.push(b'\n');
    line.and_then(|()| fs::write(&path, results)).map_err(Error::io("cannot write", &path))
}
