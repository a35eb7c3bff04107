//! [`Error`]: what went wrong, whose fault it is, and what may be tried next.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The result of anything in the shared traits.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error as the cause of another.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Whose fault an error is. The scheduler decides by it, and reports keep the kinds apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A remote, the network, a service, this machine: never counted as a failure of a test.
    Infra,
    /// The test itself: it broke a rule of the protocol.
    Test,
    /// Whoever started the run: a wrong option, a missing program, a metadata tree with a mistake.
    Usage,
    /// Nobody's: the run was told to stop.
    Cancelled,
}

/// What may be tried after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The same again on the same remote, after a while.
    SameRemote {
        /// How long to wait first.
        #[serde(rename = "after_ms", with = "crate::millis")]
        after: Duration,
    },
    /// The same on another remote.
    NewRemote,
    /// Nothing: it would fail again.
    Never,
}

/// What went wrong. One variant for each decision that a caller can take.
///
/// Texts are lower-case fragments that fit after "failed to …:"; they name the host, path or program. A cause is in
/// [`source`](std::error::Error::source), not in the text: print the chain ([`Failure`] does).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no connection (any more): it was closed, or never opened.
    #[error("{origin}: not connected")]
    NotConnected {
        /// The remote.
        origin: String,
    },
    /// A connection could not be opened.
    #[error("cannot connect to {origin}")]
    Connect {
        /// The remote.
        origin: String,
        /// Why.
        source: BoxError,
    },
    /// A connection broke.
    #[error("connection to {origin} was lost")]
    Lost {
        /// The remote.
        origin: String,
        /// How.
        source: BoxError,
    },
    /// The remote or a service refused: credentials, permissions.
    #[error("{origin} denied access")]
    Denied {
        /// The remote or service.
        origin: String,
        /// What it said.
        source: BoxError,
    },
    /// A program could not be started.
    #[error("cannot start `{program}` on {origin}")]
    Spawn {
        /// The remote.
        origin: String,
        /// The program.
        program: String,
        /// Why.
        source: BoxError,
    },
    /// A program that must succeed did not.
    #[error("`{program}` on {origin} {status}{}", Tail(stderr))]
    Failed {
        /// The remote.
        origin: String,
        /// The program.
        program: String,
        /// How it ended.
        status: crate::Status,
        /// The end of what it printed on standard error.
        stderr: String,
    },
    /// All systems are taken; there may be some later.
    #[error("no free system in {origin}")]
    Capacity {
        /// The pool or service.
        origin: String,
        /// When to ask again.
        retry_after: Duration,
    },
    /// A step took longer than it may.
    #[error("{what} took longer than {}", crate::millis::Shown(*limit))]
    Timeout {
        /// The step, with the remote or test it was for.
        what: String,
        /// Its limit.
        limit: Duration,
    },
    /// The caller gave up, by its token.
    #[error("cancelled")]
    Cancelled,
    /// This backend cannot do that.
    #[error("{origin} does not support {what}")]
    Unsupported {
        /// The backend or remote.
        origin: String,
        /// The thing it cannot do.
        what: &'static str,
    },
    /// The caller asked for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// A file of this machine.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, as a verb: "cannot read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else; whoever makes it says whose fault it is and what to try.
    #[error("{origin}: {what}")]
    Other {
        /// The remote, backend or test.
        origin: String,
        /// What happened.
        what: String,
        /// Whose fault it is.
        fault: Fault,
        /// What may be tried.
        retry: Retry,
        /// The cause, if there is one.
        source: Option<BoxError>,
    },
}

impl Error {
    /// A failure of infrastructure that no other variant describes; another remote may do better.
    pub fn infra(origin: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::Other {
            origin: origin.to_string(),
            what: what.to_string(),
            fault: Fault::Infra,
            retry: Retry::NewRemote,
            source: None,
        }
    }

    /// Makes the error of a file operation: `.map_err(Error::io("cannot read", &path))`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotConnected { .. }
            | Self::Connect { .. }
            | Self::Lost { .. }
            | Self::Denied { .. }
            | Self::Spawn { .. }
            | Self::Failed { .. }
            | Self::Capacity { .. }
            | Self::Timeout { .. }
            | Self::Io { .. } => Fault::Infra,
            Self::Unsupported { .. } | Self::Usage(_) => Fault::Usage,
            Self::Cancelled => Fault::Cancelled,
            Self::Other { fault, .. } => *fault,
        }
    }

    /// What may be tried next.
    pub fn retry(&self) -> Retry {
        match self {
            Self::NotConnected { .. }
            | Self::Connect { .. }
            | Self::Lost { .. }
            | Self::Spawn { .. }
            | Self::Failed { .. }
            | Self::Timeout { .. } => Retry::NewRemote,
            Self::Capacity { retry_after, .. } => Retry::SameRemote { after: *retry_after },
            Self::Denied { .. }
            | Self::Cancelled
            | Self::Unsupported { .. }
            | Self::Usage(_)
            | Self::Io { .. } => Retry::Never,
            Self::Other { retry, .. } => *retry,
        }
    }
}

/// An error as plain data, for events and the journal: whose fault, what to try, and the text of the whole chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whose fault it is.
    pub fault: Fault,
    /// What may be tried.
    pub retry: Retry,
    /// The error and its causes, joined by `: `.
    pub message: String,
}

impl Failure {
    /// A failure of infrastructure, with another remote worth a try.
    pub fn infra(message: impl Into<String>) -> Self {
        Self { fault: Fault::Infra, retry: Retry::NewRemote, message: message.into() }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self { fault: error.fault(), retry: error.retry(), message: chain(error) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An error and its causes on one line, joined by `: `.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = error.to_string();
        // Some libraries put their cause into their own text as well; say it once.
        if !text.ends_with(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        cause = error.source();
    }
    text
}

/// The end of a program's standard error, as the end of a sentence.
struct Tail<'a>(&'a str);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.trim();
        if text.is_empty() { Ok(()) } else { write!(f, ": {text}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_the_whole_chain_once() {
        let error =
            Error::Connect { origin: "lab7".into(), source: io::Error::other("refused").into() };
        let failure = Failure::from(&error);
        assert_eq!(failure.message, "cannot connect to lab7: refused");
        assert_eq!((failure.fault, failure.retry), (Fault::Infra, Retry::NewRemote));
        let failed = Error::Failed {
            origin: "h1".into(),
            program: "tar".into(),
            status: crate::Status::Code(2),
            stderr: "no space\n".into(),
        };
        assert_eq!(failed.to_string(), "`tar` on h1 exited with 2: no space");
    }

    #[test]
    fn failures_are_journal_data() {
        let failure = Failure {
            fault: Fault::Infra,
            retry: Retry::SameRemote { after: Duration::from_millis(1500) },
            message: "x".into(),
        };
        let json = serde_json::to_string(&failure).unwrap();
        assert_eq!(
            json,
            r#"{"fault":"infra","retry":{"same_remote":{"after_ms":1500}},"message":"x"}"#
        );
        assert_eq!(serde_json::from_str::<Failure>(&json).unwrap(), failure);
    }
}
