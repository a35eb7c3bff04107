//! Tools of this system that tests are prepared with.

use std::io;
use std::process::{Command, Stdio};

/// Runs a tool to its end, and gives what it printed; what it said on standard error is the error, if it fails.
pub(super) fn run(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program}: {}", said.trim())))
}
