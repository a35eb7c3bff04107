//! [`Host`]: a system that exists already, and how it is reached.

use std::fmt;
use std::str::FromStr;

use atex_core::{Error, Facts, Result};

use crate::Ssh;

/// A system that exists already: how ssh reaches it, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    ssh: Ssh,
    facts: Facts,
}

impl Host {
    /// A host that is reached like this, of which no facts are known.
    pub fn new(ssh: Ssh) -> Self {
        Self { ssh, facts: Facts::new() }
    }

    /// Reads `[USER@]HOST[:PORT]`. The host may be a name of the ssh configuration; an IPv6 address with a port has
    /// brackets: `[::1]:22`.
    ///
    /// # Errors
    /// [`Error::Usage`] with the text and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::Usage(format!("{text:?} is no host: {why}"));
        let (user, place) = match text.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, text),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => match rest.split_once(']').ok_or_else(|| wrong("`[` without `]`"))? {
                (host, "") => (host, None),
                (host, rest) => match rest.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None => return Err(wrong("after `]` comes `:PORT` or nothing")),
                },
            },
            // More than one colon is an IPv6 address.
            None => match place.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (place, None),
            },
        };
        let is_odd = |text: &str| {
            text.is_empty()
                || text.starts_with('-')
                || text.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        if is_odd(host) {
            return Err(wrong("expected [USER@]HOST[:PORT]"));
        }
        if user.is_some_and(is_odd) {
            return Err(wrong("the user before `@` is missing or malformed"));
        }
        let destination = user.map_or_else(|| host.to_owned(), |user| format!("{user}@{host}"));
        let mut ssh = Ssh::new(destination);
        if let Some(port) = port {
            let port: Option<u16> = port.parse().ok().filter(|port| *port != 0);
            ssh = ssh.port(port.ok_or_else(|| wrong("a port is a number from 1 to 65535"))?);
        }
        Ok(Self::new(ssh))
    }

    /// With one more value of a fact: `distro`, `arch`, `platform`, …
    #[must_use]
    pub fn fact(mut self, dimension: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts.insert(dimension, value);
        self
    }

    /// With a change of how it is reached: `host.with_ssh(|ssh| ssh.identity("key"))`.
    #[must_use]
    pub fn with_ssh(mut self, change: impl FnOnce(Ssh) -> Ssh) -> Self {
        self.ssh = change(self.ssh);
        self
    }

    /// How it is reached.
    pub fn ssh(&self) -> &Ssh {
        &self.ssh
    }

    /// What it is.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// As people call it: `USER@HOST:PORT`, what of it was given.
    pub fn name(&self) -> String {
        self.ssh.name()
    }
}

impl FromStr for Host {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read() {
        let cases = [
            ("lab1", "lab1", "lab1"),
            ("root@lab1", "root@lab1", "root@lab1"),
            ("root@lab1:2222", "root@lab1", "root@lab1:2222"),
            ("user@realm@lab1:22", "user@realm@lab1", "user@realm@lab1:22"),
            ("::1", "::1", "::1"),
            ("[::1]:22", "::1", "::1:22"),
            ("[fe80::1%eth0]", "fe80::1%eth0", "fe80::1%eth0"),
        ];
        for (text, destination, name) in cases {
            let host = Host::parse(text).unwrap();
            assert_eq!(host.name(), name, "{text}");
            let plain =
                Host::new(Ssh::new(destination)).with_ssh(|ssh| match text.rsplit_once("]:") {
                    Some(_) => ssh.port(22),
                    None => ssh,
                });
            if !text.contains(":22") || text.starts_with('[') {
                assert_eq!(host, plain, "{text}");
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_host_is_said() {
        let texts = [
            "",
            "@lab1",
            "root@",
            "lab1:",
            "lab1:0",
            "lab1:70000",
            "[::1",
            "[::1]22",
            "-oX=y",
            "a b",
        ];
        let errors: Vec<String> =
            texts.iter().map(|text| Host::parse(text).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        "" is no host: expected [USER@]HOST[:PORT]
        "@lab1" is no host: the user before `@` is missing or malformed
        "root@" is no host: expected [USER@]HOST[:PORT]
        "lab1:" is no host: a port is a number from 1 to 65535
        "lab1:0" is no host: a port is a number from 1 to 65535
        "lab1:70000" is no host: a port is a number from 1 to 65535
        "[::1" is no host: `[` without `]`
        "[::1]22" is no host: after `]` comes `:PORT` or nothing
        "-oX=y" is no host: expected [USER@]HOST[:PORT]
        "a b" is no host: expected [USER@]HOST[:PORT]
        "#);
    }
}
