//! [`Ssh`]: how a system is reached by ssh.

mod cipher;
mod configured;
mod connection;
mod control_dir;
mod ending;
mod link;
mod master;
mod noise;
mod output;
mod process;
mod relay;
mod script;

use std::path::PathBuf;
use std::time::Duration;

use atex_core::{Connection, Error, Result};

pub use self::connection::SshConnection;
#[cfg(feature = "hosts")]
pub(crate) use self::control_dir::sweep;

/// How a system is reached by ssh: what would be typed after `ssh`.
///
/// The user's own ssh configuration applies, host keys included, unless [`config_file`](Self::config_file) names another.
/// These defaults differ from ssh's own, and come before the configuration: `BatchMode=yes` (nothing is ever asked),
/// `LogLevel=ERROR`, `ConnectTimeout=20`, `TCPKeepAlive=no`, and a dead network is noticed after 60 s at most
/// ([`notice_limit`](Self::notice_limit)). Where no configuration names ciphers, and the processor has instructions for AES, AES-GCM
/// comes first among those of ssh. [`option`](Self::option) comes before these. `ClearAllForwardings=yes` and
/// what sharing the connection needs cannot be changed.
///
/// A program goes to the remote as one line for its login shell. Linux takes 128 KiB of that, quotes and variables included; a
/// longer one is not run, and ends with 1 and a word about it on standard error. What is long belongs into the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    destination: String,
    port: Option<u16>,
    config_file: Option<PathBuf>,
    identity: Option<PathBuf>,
    options: Vec<String>,
    connect_limit: Duration,
    notice_limit: Duration,
}

impl Ssh {
    /// `HOST` or `USER@HOST`, where the host may be a name in the ssh configuration.
    pub fn new(destination: impl Into<String>) -> Self {
        Self {
            destination: destination.into(),
            port: None,
            config_file: None,
            identity: None,
            options: Vec::new(),
            connect_limit: Duration::from_secs(60),
            notice_limit: Duration::from_secs(60),
        }
    }

    /// On this port (`ssh -p`).
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// With this configuration instead of the user's (`ssh -F`).
    #[must_use]
    pub fn config_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.config_file = Some(file.into());
        self
    }

    /// With this private key (`ssh -i`).
    #[must_use]
    pub fn identity(mut self, file: impl Into<PathBuf>) -> Self {
        self.identity = Some(file.into());
        self
    }

    /// With one more option, `KEY=VALUE` as in the ssh configuration (`ssh -o`). Of several with the same key, ssh takes the
    /// first.
    #[must_use]
    pub fn option(mut self, option: impl Into<String>) -> Self {
        self.options.push(option.into());
        self
    }

    /// How long connecting may take in all, logging in included; 60 seconds by default.
    #[must_use]
    pub fn connect_limit(mut self, limit: Duration) -> Self {
        self.connect_limit = limit;
        self
    }

    /// A system of which nothing is heard for this long is taken for lost; 60 seconds by default, 4 at least. While nothing else is
    /// heard, it is asked four times within it (ssh's `ServerAliveInterval`, which counts in whole seconds, with a
    /// `ServerAliveCountMax` of 3).
    #[must_use]
    pub fn notice_limit(mut self, limit: Duration) -> Self {
        self.notice_limit = limit;
        self
    }

    /// The system, for messages: `USER@HOST`, with the port if one is set.
    pub fn name(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.destination),
            None => self.destination.clone(),
        }
    }

    /// The destination without its user.
    fn host(&self) -> &str {
        self.destination.rsplit_once('@').map_or(&self.destination, |(_, host)| host)
    }

    /// Connects. Dropping the future gives up.
    ///
    /// # Errors
    /// [`Error::Denied`] when the system does not let us in, [`Error::Connect`] when it is not reached, with what ssh said and
    /// what to try; [`Error::Usage`] for a destination that ssh would take for something else.
    pub async fn connect(&self) -> Result<SshConnection> {
        self.validate()?;
        let connection = SshConnection::new(self.clone());
        connection.reconnect().await?;
        Ok(connection)
    }

    fn validate(&self) -> Result<()> {
        let destination = &self.destination;
        let is_odd = |c: char| c.is_whitespace() || c.is_control();
        if destination.is_empty() || destination.starts_with('-') || destination.contains(is_odd) {
            return Err(Error::Usage(format!("{destination:?} is no host that ssh can reach")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_what_follows_the_user() {
        for (destination, host) in [
            ("lab1", "lab1"),
            ("root@lab1", "lab1"),
            ("user@realm@10.0.0.7", "10.0.0.7"),
            ("root@fe80::1%eth0", "fe80::1%eth0"),
        ] {
            assert_eq!(Ssh::new(destination).port(2222).host(), host, "{destination}");
        }
    }
}
