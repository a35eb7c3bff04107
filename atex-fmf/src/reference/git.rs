//! Running the git program: without questions, within a time limit, with its own last words in errors.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// How much is kept of what git prints: of its output the beginning, of its messages the end.
const KEPT: usize = 64 * 1024;

/// How many lines of git's messages an error quotes.
const QUOTED: usize = 4;

/// How long git's messages are waited for after it ended; a daemon that it left behind may hold them open for ever.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Variables that tie git to the repository that the caller works in (in a git hook, say) instead of ours.
const LOCAL_VARIABLES: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
];

/// A way to run git: where, how long, and what keeps it company.
#[derive(Debug, Clone, Copy)]
pub(super) struct Git<'g> {
    directory: &'g Path,
    limit: Duration,
    held: Option<&'g File>,
    index: Option<&'g Path>,
    ssh: bool,
}

/// How git ended.
#[derive(Debug)]
pub(super) struct Ended {
    command: String,
    status: String,
    pub(super) success: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl<'g> Git<'g> {
    pub(super) fn new(directory: &'g Path, limit: Duration) -> Self {
        Self { directory, limit, held: None, index: None, ssh: false }
    }

    /// Git holds this open file as long as it runs. A lock on it outlives us if we are killed, and ends with git.
    pub(super) fn holding(self, file: &'g File) -> Self {
        Self { held: Some(file), ..self }
    }

    /// With another index than that of the repository.
    pub(super) fn index(self, index: &'g Path) -> Self {
        Self { index: Some(index), ..self }
    }

    /// Runs git to its end, which may be a failure.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Ended> {
        let arguments: Vec<OsString> =
            arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let shown = arguments.iter().map(|argument| redacted(&argument.to_string_lossy()));
        let shown = format!("git {}", shown.collect::<Vec<_>>().join(" "));
        tracing::debug!(directory = %self.directory.display(), "{shown}");
        let mut command = self.command()?;
        command.args(&arguments);
        let mut child = command.spawn().map_err(|error| {
            let message = format!("cannot run '{shown}' in {}", self.directory.display());
            Error::new(ErrorKind::Fetch, message)
                .with_source(error)
                .with_hint("repositories are fetched with the program git: is it installed?")
        })?;
        let stderr = child.stderr.take().map(|pipe| collect(pipe, keep_end));
        let stdout = child.stdout.take().map(|pipe| collect(pipe, keep_start));
        // Git closes its output when it ends: the wait for that is the one that can be given up.
        let stdout = stdout.map(|stdout| stdout.recv_timeout(self.limit));
        if let Some(Err(mpsc::RecvTimeoutError::Timeout)) = stdout {
            return Err(give_up(&mut child, &shown, self.limit));
        }
        let status = child.wait().map_err(|error| {
            Error::new(ErrorKind::Fetch, format!("cannot wait for '{shown}'")).with_source(error)
        })?;
        let stderr = stderr.and_then(|stderr| stderr.recv_timeout(LAST_WORDS).ok());
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Ended {
            command: shown,
            status: status.to_string(),
            success: status.success(),
            stdout: text(stdout.and_then(Result::ok).unwrap_or_default()).trim_end().to_owned(),
            stderr: redacted(&text(stderr.unwrap_or_default())),
        })
    }

    /// Runs git, which must succeed; gives what it printed, without the last line break.
    pub(super) fn checked<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<String> {
        let ended = self.run(arguments)?;
        if ended.success { Ok(ended.stdout) } else { Err(ended.error()) }
    }

    /// For commands that talk to a server: with an ssh that asks nothing, unless the user configured one.
    pub(super) fn network(self) -> Result<Self> {
        let configured = self.run(["config", "--get", "core.sshCommand"])?.success;
        Ok(Self { ssh: !configured, ..self })
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new("git");
        // Housekeeping in the background would outlive us, and the lock.
        for setting in ["gc.auto=0", "maintenance.auto=false", "advice.detachedHead=false"] {
            command.args(["-c", setting]);
        }
        // Urls come from metadata: a transport that runs any program is not for them.
        for setting in ["protocol.ext.allow=never", "http.lowSpeedLimit=1", "http.lowSpeedTime=120"]
        {
            command.args(["-c", setting]);
        }
        if self.ssh {
            const OPTIONS: &str = "-o BatchMode=yes -o ConnectTimeout=60 -o ServerAliveInterval=30";
            command.arg("-c").arg(format!("core.sshCommand=ssh {OPTIONS}"));
        }
        command.current_dir(self.directory);
        LOCAL_VARIABLES.iter().for_each(|name| {
            command.env_remove(name);
        });
        // Nobody is asked anything: not on the terminal, and not by a window.
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "");
        command.env("SSH_ASKPASS_REQUIRE", "never").env("GCM_INTERACTIVE", "never");
        command.env("LC_ALL", "C");
        if let Some(index) = self.index {
            command.env("GIT_INDEX_FILE", index);
        }
        let stdin = match self.held {
            None => Stdio::null(),
            Some(file) => file
                .try_clone()
                .map_err(|error| {
                    Error::new(ErrorKind::Fetch, "cannot pass a lock on to git").with_source(error)
                })?
                .into(),
        };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }
}

impl Ended {
    /// The failure as an error, with the last lines that git printed.
    pub(super) fn error(&self) -> Error {
        let lines: Vec<&str> = self.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(QUOTED)..].join("; ");
        let message = format!("'{}' failed ({}): {last}", self.command, self.status);
        Error::new(ErrorKind::Fetch, message.trim_end_matches(": "))
    }
}

fn give_up(child: &mut Child, shown: &str, limit: Duration) -> Error {
    let message = format!("'{shown}' did not end within {} seconds", limit.as_secs_f64());
    let error = Error::new(ErrorKind::Fetch, message);
    // It may have ended just now, which is as good.
    match child.kill().and_then(|()| child.wait()) {
        Ok(_) => error,
        Err(cause) => error.with_source(cause),
    }
}

/// Reads a pipe to its end on a thread of its own, keeping a part of it.
fn collect<R: Read + Send + 'static>(
    mut pipe: R,
    keep: fn(&mut Vec<u8>, &[u8]),
) -> Receiver<Vec<u8>> {
    let (send, receive) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => keep(&mut kept, &buffer[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // Nobody listens any more after a time limit.
        send.send(kept).ok();
    });
    receive
}

fn keep_start(kept: &mut Vec<u8>, more: &[u8]) {
    let room = KEPT.saturating_sub(kept.len()).min(more.len());
    kept.extend_from_slice(&more[..room]);
}

fn keep_end(kept: &mut Vec<u8>, more: &[u8]) {
    kept.extend_from_slice(more);
    if kept.len() > 2 * KEPT {
        kept.drain(..kept.len() - KEPT);
    }
}

/// The text with passwords in urls (`https://user:password@host/`) replaced.
pub(super) fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        out += before;
        let end = after.find(['/', ' ', '\n', '\'', '"']).unwrap_or(after.len());
        let authority = &after[..end];
        match authority.rfind('@').and_then(|at| Some((authority[..at].find(':')?, at))) {
            Some((colon, at)) => {
                out += &authority[..=colon];
                out += "***";
                out += &authority[at..];
            }
            None => out += authority,
        }
        rest = &after[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (text, expected) in [
            ("https://me:secret@host/x", "https://me:***@host/x"),
            ("fatal: 'https://me:s@cret@host/x' is gone", "fatal: 'https://me:***@host/x' is gone"),
            ("https://host:80/a@b", "https://host:80/a@b"),
            ("git@host:x ssh://git@host/x://", "git@host:x ssh://git@host/x://"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn a_git_that_hangs_is_given_up() {
        let here = tempfile::tempdir().unwrap();
        let git = Git::new(here.path(), Duration::from_millis(50));
        let error = git.run(["-c", "alias.hang=!exec sleep 3", "hang"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fetch);
        assert!(error.message().ends_with("did not end within 0.05 seconds"), "{error}");
    }

    #[test]
    fn failures_quote_the_last_words() {
        let here = tempfile::tempdir().unwrap();
        let git = Git::new(here.path(), Duration::from_secs(60));
        let script = "alias.fail=!f() { seq 5 >&2; exit 3; }; f";
        let error = git.checked(["-c", script, "fail"]).unwrap_err();
        assert!(error.message().ends_with("failed (exit status: 3): 2; 3; 4; 5"), "{error}");
    }
}
