//! What goes into an [`Attempt`](super::Attempt), and what comes out.

use std::time::Duration;

use crate::control::Word;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The attachment that was asked for has begun.
    Attached,
    /// The test said this (a result is of no concern here).
    Word(Word),
    /// Something came of what the test says or prints.
    Heard,
    /// The test broke the protocol.
    Malformed(String),
    /// The test cannot be told that it may go on, for a reason of its system.
    Untold(String),
    /// The remote says that the test had ended when it was told to stop.
    Over,
    /// What started the test says that it goes on: it has to be attached to.
    Goes,
    /// The attachment came to its end.
    Ended(Ended),
    /// The connection broke, or something took so long that it counts as broken.
    Cut,
    /// The connection is open again.
    Connected,
    /// The connection could not be opened; for good, if there is no use in trying again.
    Refused { for_good: bool },
    /// This machine is in trouble (a full disk).
    Broken,
    /// Whoever started the run wants it to end.
    Cancelled,
    /// Time passed.
    Time,
}

/// How an attachment came to its end, as the remote tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All that the test said is here, and it is over, with this exit code.
    Over(Option<i32>),
    /// The same, but what it said ended where it must not.
    Torn(String),
    /// The remote ended the test, because its time was up.
    Late,
    /// The supervisor of the test is gone without a word.
    Killed,
    /// The system rebooted since the test was started.
    Rebooted,
    /// The test was never started, or not since the last reboot.
    Missing,
    /// Something went wrong there.
    Trouble(&'static str),
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Start the test, and attach to it.
    Start { restart: u32 },
    /// Attach to the test, which runs.
    Attach { restart: u32 },
    /// Open the connection again; if `anew`, also if it seems to be there.
    Connect { anew: bool },
    /// Have the remote close the control channel.
    Close,
    /// Tell the remote how long the test may run from now on if nobody says more.
    Limit(Duration),
    /// Tell the remote to end the test.
    Stop,
    /// It is over.
    Conclude(End),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// The test came to its own end.
    Exited(i32),
    /// The test broke the protocol.
    Test(String),
    /// The test took too long.
    Late(String),
    /// Somebody wanted it to end.
    Cancelled,
    /// The connection broke and did not come back.
    Lost,
    /// This machine was in trouble.
    Broken,
    /// The remote is to blame.
    Infra(String),
}
