//! [`Configured`]: what the configuration of ssh says of a destination, as `ssh -G` tells.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How long ssh may take to read its configuration, which may run programs.
const LIMIT: Duration = Duration::from_secs(5);

/// What would hold for a connection; what ssh does not tell is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Configured {
    /// The ciphers that would be offered.
    pub(super) ciphers: Option<String>,
    /// The name or address that would be connected to.
    pub(super) host: Option<String>,
}

impl Configured {
    /// Asks ssh, with these arguments.
    pub(super) async fn ask(arguments: &[impl AsRef<OsStr>], destination: &str) -> Option<Self> {
        let mut command = Command::new("ssh");
        command.arg("-G").args(arguments).args(["--", destination]);
        command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(LIMIT, command.output()).await.ok()?.ok()?;
        let printed = String::from_utf8(output.stdout).ok()?;
        let value = |key: &str| {
            let line = printed.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
            line.map(str::to_owned)
        };
        Some(Self { ciphers: value("ciphers"), host: value("hostname") })
    }
}
