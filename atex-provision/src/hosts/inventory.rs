//! [`Inventory`]: a file that lists hosts.

use std::path::Path;

use atex_core::{Error, Result};

use super::Host;

/// A list of hosts, one per line:
///
/// ```text
/// # host               what it is                       how it is reached
/// root@lab1:2222       distro=fedora-42 arch=x86_64
/// root@lab2            distro=rhel-9.6  arch=aarch64    identity=/etc/lab/key ssh_option=ProxyJump=gate
/// ```
///
/// After the host come settings, `KEY=VALUE`, separated by blanks; a value with blanks or `#` stands in double quotes. Reserved
/// are `identity` (a private key), `ssh_config` (a configuration instead of the user's) and `ssh_option` (an option as in
/// the ssh configuration; may come several times). Any other key is a fact, whose values are separated by commas. From a `#`
/// after a blank to the end of the line is a comment. Empty lines do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The hosts, in the order of the lines.
    pub hosts: Vec<Host>,
}

impl Inventory {
    /// Reads a list; `origin` names it in errors.
    ///
    /// # Errors
    /// [`Error::Usage`] with origin, line and column (in characters) of the first mistake, as `ORIGIN:LINE:COLUMN: …`.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let mut hosts: Vec<Host> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let at = |(column, why): (usize, String)| {
                Error::Usage(format!("{origin}:{}:{column}: {why}", index + 1))
            };
            let words = split(line).map_err(at)?;
            let Some((first, settings)) = words.split_first() else { continue };
            let host = read_host(first, settings).map_err(at)?;
            if hosts.iter().any(|other| other.name() == host.name()) {
                return Err(at((first.column, format!("{host} is listed twice"))));
            }
            hosts.push(host);
        }
        Ok(Self { hosts })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, else as [`parse`](Self::parse).
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("cannot read", path))?;
        Self::parse(&text, &path.display().to_string())
    }
}

#[derive(Debug)]
struct Word {
    column: usize,
    text: String,
}

type Mistake = (usize, String);

fn read_host(first: &Word, settings: &[Word]) -> Result<Host, Mistake> {
    let mut host = Host::parse(&first.text).map_err(|error| (first.column, error.to_string()))?;
    for word in settings {
        let mistake = |why: &str| (word.column, format!("{:?} {why}", word.text));
        let (key, value) = word
            .text
            .split_once('=')
            .ok_or_else(|| mistake("is no setting: expected KEY=VALUE"))?;
        let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if key.is_empty() || !key.chars().all(is_key) {
            return Err(mistake("has no proper key before `=`"));
        }
        if value.is_empty() {
            return Err(mistake("has no value"));
        }
        host = match key {
            "identity" => host.with_ssh(|ssh| ssh.identity(value)),
            "ssh_config" => host.with_ssh(|ssh| ssh.config_file(value)),
            "ssh_option" => host.with_ssh(|ssh| ssh.option(value)),
            _ => value.split(',').fold(host, |host, value| host.fact(key, value)),
        };
    }
    Ok(host)
}

/// The words of a line. Blanks and `#` within double quotes count as text; the quotes do not.
fn split(line: &str) -> Result<Vec<Word>, Mistake> {
    let mut words: Vec<Word> = Vec::new();
    let mut quote = None;
    let mut in_word = false;
    for (column, c) in (1..).zip(line.chars()) {
        match c {
            '#' if !in_word => break,
            '"' => {
                quote = if quote.is_some() { None } else { Some(column) };
                if !in_word {
                    words.push(Word { column, text: String::new() });
                    in_word = true;
                }
            }
            c if c.is_whitespace() && quote.is_none() => in_word = false,
            c => {
                if !in_word {
                    words.push(Word { column, text: String::new() });
                    in_word = true;
                }
                if let Some(word) = words.last_mut() {
                    word.text.push(c);
                }
            }
        }
    }
    match quote {
        Some(column) => Err((column, "a `\"` without its end".to_owned())),
        None => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_lists_hosts_with_facts_and_settings() {
        let text = "# the lab\n\nroot@lab1:2222 distro=fedora-42 tag=a,b # new\n  \
                    lab2\tidentity=/k ssh_option=\"ProxyCommand=nc -x p # %h\" ssh_option=User=x\n";
        let inventory = Inventory::parse(text, "lab.txt").unwrap();
        let expected = [
            Host::parse("root@lab1:2222")
                .unwrap()
                .fact("distro", "fedora-42")
                .fact("tag", "a")
                .fact("tag", "b"),
            Host::parse("lab2").unwrap().with_ssh(|ssh| {
                ssh.identity("/k").option("ProxyCommand=nc -x p # %h").option("User=x")
            }),
        ];
        assert_eq!(inventory.hosts, expected);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let texts = [
            "lab1\nlab2 arch",
            "lab1 =x",
            "lab1 a/b=x",
            "lab1  arch=",
            "žluť arch=x \"open",
            "lab1\n # c\nlab1 arch=x",
            "lab1:x",
        ];
        let errors: Vec<String> = texts
            .iter()
            .map(|text| Inventory::parse(text, "lab.txt").unwrap_err().to_string())
            .collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        lab.txt:2:6: "arch" is no setting: expected KEY=VALUE
        lab.txt:1:6: "=x" has no proper key before `=`
        lab.txt:1:6: "a/b=x" has no proper key before `=`
        lab.txt:1:7: "arch=" has no value
        lab.txt:1:13: a `"` without its end
        lab.txt:3:1: lab1 is listed twice
        lab.txt:1:1: "lab1:x" is no host: a port is a number from 1 to 65535
        "#);
    }
}
