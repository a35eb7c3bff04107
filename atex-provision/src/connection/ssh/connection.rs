//! [`SshConnection`]: programs on a system that is reached by ssh.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atex_core::{Child, Command, Connection, Error, Result, async_trait};

use super::Ssh;
use super::link::Link;
use super::master::{Master, Refusal};
use crate::connection::attempt::Attempts;

/// Runs programs on a system that is reached by ssh.
///
/// One ssh process (`ssh -N -M`, which must be installed) logs in once; programs share its connection and cost a
/// round trip or two each. It is a child of ours in a process group of its own, is never given our terminal, and does not
/// outlive us, even if we are killed. The remote needs an `sh`, `env` and, for killing, `grep`, `tr` and `/proc`; the login shell
/// may be any that understands `exec` and single quotes.
///
/// * A program starts in the home of the user.
/// * What it prints to a descriptor of the caller's is moved there within the kernel where that can be: not to a file that is
///   only appended to, nor to what is no file. A file that several programs write to at once must be one that is only
///   appended to. When the descriptor cannot be written, the program gets a broken pipe, and [`Child::wait`] gives the error once
///   it has ended.
/// * [`Child::wait`] resolves when the program has ended and all of its output is where it belongs: in the descriptor, or in the pipe
///   that the caller reads. Something in the background that keeps an output open holds the end back for at most 5 seconds in
///   which it prints nothing, 30 in all; what it prints later is lost, and it gets a broken pipe.
/// * What the login shell prints before the program starts (a `~/.bashrc` that greets, warns or is slow) is no output of the
///   program, and is dropped, up to a mebibyte on each output. [`spawn`](Connection::spawn) resolves when the program starts, and
///   fails with what was printed if it does not: the shell ended, or took longer than
///   [`connect_limit`](Ssh::connect_limit). A shell from which the first program of a connection heard nothing is
///   taken for quiet, and those after it start without waiting: what such a shell prints later counts as theirs. What a
///   startup file left running in the background prints is not told from the program's output either, and what it
///   reads from standard input is taken from the program's.
/// * A program that is killed by a signal ends with [`Status::Killed`](atex_core::Status::Killed): ssh tells no number.
/// * A program that is not there ends with 127, a folder that is not there with 126, and the shell says so on standard error.
/// * **Dropping a [`Child`]** kills the program's process group, as far as we may:
///   - one whose standard input is nothing has a lifeline: it is killed as soon as the remote sees it cut. That is when the
///     child is dropped, and also when the connection ends or we die;
///   - one that reads from us is marked by the variable `ATEX_SSH_CHILD` in its environment, and killed by another command over
///     the same connection, which finds it in `/proc`. A program that cleared its environment is not found. When the connection
///     breaks, or we die, such a program sees the end of its input and a broken pipe behind its outputs, nothing more.
///
///   What left the process group (`setsid`) goes on running, and what the program started in the background, once it has
///   ended itself.
/// * Dropping the connection hangs up, like [`close`](Connection::close), but does not wait for anything to be killed.
/// * A server that allows few sessions at once (`MaxSessions`, 10 by default) makes further programs wait, for at most 60 seconds.
#[derive(Debug)]
pub struct SshConnection {
    ssh: Ssh,
    name: String,
    state: Mutex<State>,
    attempts: Attempts<Refusal>,
}

#[derive(Debug, Default)]
struct State {
    link: Option<Arc<Link>>,
    closed: bool,
}

impl SshConnection {
    /// Not connected yet: [`reconnect`](Connection::reconnect) does that.
    pub(super) fn new(ssh: Ssh) -> Self {
        let name = ssh.name();
        Self { ssh, name, state: Mutex::default(), attempts: Attempts::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self) -> Result<Arc<Link>> {
        self.state().link.clone().ok_or_else(|| self.not_connected())
    }

    fn not_connected(&self) -> Error {
        Error::NotConnected { origin: self.name.clone() }
    }

    /// The name or address of the system in the network: what the configuration of ssh makes of the destination, without user and
    /// port. Not necessarily one by which others reach it, as behind a tunnel.
    pub fn host(&self) -> String {
        let configured = self.link().ok().and_then(|link| link.master.host().map(str::to_owned));
        configured.unwrap_or_else(|| self.ssh.host().to_owned())
    }

    /// Takes the new link in, unless the connection was closed in the meantime.
    fn accept(&self, link: Link) {
        let mut state = self.state();
        if !state.closed {
            state.link = Some(Arc::new(link));
        }
    }
}

impl Drop for SshConnection {
    fn drop(&mut self) {
        if let Some(link) = self.state().link.take() {
            link.master.hang_up();
        }
    }
}

#[async_trait]
impl Connection for SshConnection {
    fn name(&self) -> &str {
        &self.name
    }

    async fn spawn(&self, command: Command) -> Result<Child> {
        command.validate()?;
        let link = self.link()?;
        link.spawn(command).await
    }

    /// Asks the ssh process that holds the connection: that it is there, not that the network still is. A dead network is
    /// noticed by ssh itself, after the time that its options say, and ends that process.
    async fn check(&self) -> Result<()> {
        self.link()?.check().await
    }

    async fn reconnect(&self) -> Result<()> {
        let attempt = async {
            let old = self.state().link.take();
            if let Some(old) = old {
                old.master.end().await;
            }
            let master = Master::connect(&self.ssh).await?;
            self.accept(Link::new(self.name.clone(), master, self.ssh.connect_limit));
            Ok(())
        };
        if !self.state().closed {
            self.attempts
                .share(attempt)
                .await
                .map_err(|refusal: Refusal| refusal.error(&self.name))?;
        }
        // It may have been closed meanwhile.
        if self.state().closed { Err(self.not_connected()) } else { Ok(()) }
    }

    async fn closed(&self) -> Error {
        let Ok(link) = self.link() else { return self.not_connected() };
        let ended = link.master.ended().await;
        if ended.wanted { self.not_connected() } else { link.ended(ended) }
    }

    /// Programs that read from us are killed; those with a lifeline see it cut.
    async fn close(&self) -> Result<()> {
        let link = {
            let mut state = self.state();
            state.closed = true;
            state.link.take()
        };
        if let Some(link) = link {
            link.close().await;
        }
        Ok(())
    }
}
