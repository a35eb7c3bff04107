//! Packages that tests and plans ask for: what is missing on a remote is installed there, by the package manager that it has.

mod detect;
mod managers;
mod name;

use std::time::Duration;

use atex_core::{
    CancellationToken, Command, Connection, ConnectionExt, Error, Output, Result, Test,
};

use self::detect::{Found, Rights};
use crate::limits::within;

pub use self::managers::{MANAGERS, Manager, PackageManager, Step};
pub use self::name::PackageName;

/// The end of what a tool prints is kept, this much.
const KEEP: &str = "16384";
/// So many of its last lines are shown when it fails.
const LINES: usize = 8;

/// What is wanted on a remote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    require: Vec<String>,
    recommend: Vec<String>,
    /// What is recommended with something that is missing.
    companions: Vec<(String, String)>,
    exclude: Vec<String>,
}

impl Wanted {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// And these, which must be there afterwards. What is wanted already is not wanted twice.
    #[must_use]
    pub fn require<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        add(&mut self.require, names);
        self
    }

    /// And these, which are installed if that can be done.
    #[must_use]
    pub fn recommend<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        add(&mut self.recommend, names);
        self
    }

    /// And this, recommended as well wherever `with`, which is recommended, is missing and has to be installed.
    #[must_use]
    pub fn accompany(mut self, with: impl Into<String>, name: impl Into<String>) -> Self {
        self.companions.push((with.into(), name.into()));
        self
    }

    /// But not these, neither as wanted themselves nor because others want them. What is there already stays.
    #[must_use]
    pub fn exclude<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        add(&mut self.exclude, names);
        self
    }

    /// And what a test asks for by `require` and `recommend`. Items that are no text, as libraries and files, are none of ours.
    #[must_use]
    pub fn of_test(self, test: &Test) -> Self {
        let names = |key: &str| {
            let items = match test.metadata.get(key) {
                Some(serde_json::Value::Array(items)) => items.iter().collect(),
                Some(item) => vec![item],
                None => Vec::new(),
            };
            items.into_iter().filter_map(|item| item.as_str().map(str::to_owned))
        };
        self.require(names("require")).recommend(names("recommend"))
    }

    /// Only what must be there.
    #[must_use]
    pub fn without_recommended(mut self) -> Self {
        self.recommend.clear();
        self.companions.clear();
        self
    }

    /// Whether nothing is wanted at all.
    pub fn is_empty(&self) -> bool {
        self.require.is_empty() && self.recommend.is_empty()
    }
}

fn add<S: Into<String>>(to: &mut Vec<String>, names: impl IntoIterator<Item = S>) {
    for name in names.into_iter().map(Into::into) {
        if !to.contains(&name) {
            to.push(name);
        }
    }
}

/// Sees to it that what is wanted is on a remote: asks which of it is missing, and installs that in one transaction, then what is
/// recommended, as far as that can be had, and also when what is required cannot. Nothing is run when nothing is wanted, and nothing is installed when all is there.
/// A package manager that cannot leave out what is excluded is not started.
///
/// On a remote that is this machine itself ([`LocalConnection`](Connection)s say so by the variable `ATEX_LOCAL_ROOT`), nothing is ever
/// installed: what is required and missing is an error that says so. Programs are run as root, or by `sudo` without a password.
///
/// # Errors
/// [`Error::Failed`] with the last lines of the package manager, [`Error::Other`] when there is none or it may not be used, and what the
/// connection says: all of them infrastructure's fault. [`Error::Timeout`] after `limit`, [`Error::Cancelled`] when `cancel` is: the
/// package manager is killed then, as it is when the future is dropped, and the remote is of no further use.
pub async fn install(
    connection: &dyn Connection,
    wanted: &Wanted,
    limit: Duration,
    cancel: &CancellationToken,
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let what = || format!("installing packages on {}", connection.name());
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::Cancelled),
        installed = within(limit, what, work(connection, wanted)) => installed,
    }
}

async fn work(connection: &dyn Connection, wanted: &Wanted) -> Result<()> {
    let origin = connection.name();
    let named = |names: &[String]| -> Result<Vec<PackageName>> {
        let no_name = |name| Error::infra(origin, format!("{name:?} is no name of a package"));
        names.iter().map(|name| PackageName::new(name).ok_or_else(|| no_name(name))).collect()
    };
    let (mut required, excluded) = (named(&wanted.require)?, named(&wanted.exclude)?);
    let mut recommended: Vec<PackageName> =
        wanted.recommend.iter().filter_map(|name| PackageName::new(name)).collect();
    for names in [&mut required, &mut recommended] {
        names.retain(|name| !excluded.contains(name));
    }
    let all: Vec<PackageName> = required.iter().chain(&recommended).cloned().collect();
    let found = detect::detect(connection, &all).await?;
    let Some(manager) = found.manager else {
        let missing = without(&required, &found.files);
        return match missing.is_empty() {
            true => Ok(()),
            false => Err(Error::infra(origin, no_manager(&missing))),
        };
    };
    let all = without(&all, &found.files);
    let missing = missing(connection, &manager, &all).await?;
    let among = |names: &[PackageName]| -> Vec<PackageName> {
        names.iter().filter(|name| missing.contains(name)).cloned().collect()
    };
    let (required, mut recommended) = (among(&required), among(&recommended));
    recommended.retain(|name| !name.is_file() || manager.knows_files());
    if required.is_empty() && recommended.is_empty() {
        return Ok(());
    }
    let is_new = |with: &str| recommended.iter().any(|name| name.as_str() == with);
    let companions = wanted.companions.iter().filter(|(with, _)| is_new(with));
    let companions = companions.filter_map(|(_, name)| PackageName::new(name));
    let companions: Vec<PackageName> = companions.filter(|name| !excluded.contains(name)).collect();
    recommended.extend(companions);
    let excluding = excluding(connection, &manager, &excluded).await?;
    let remote = Remote { connection, manager, found: &found, excluding };
    let had = match required.is_empty() {
        true => Ok(()),
        false => remote.require(&required).await,
    };
    // Whoever recommends something gets it also when somebody else requires what cannot be had.
    let goes_on = matches!(had, Ok(()) | Err(Error::Failed { .. } | Error::Other { .. }));
    if goes_on && !recommended.is_empty() {
        remote.recommend(&recommended).await?;
    }
    had
}

fn without(names: &[PackageName], files: &[String]) -> Vec<PackageName> {
    names.iter().filter(|name| !files.iter().any(|file| file == name.as_str())).cloned().collect()
}

fn no_manager(missing: &[PackageName]) -> String {
    let known: Vec<&str> = MANAGERS.iter().map(|manager| manager.name()).collect();
    format!("cannot install {}: it has none of {}", listed(missing), known.join(", "))
}

fn listed(names: &[PackageName]) -> String {
    names.iter().map(PackageName::as_str).collect::<Vec<_>>().join(" ")
}

/// Which of these are not there.
async fn missing(
    connection: &dyn Connection,
    manager: &Manager,
    names: &[PackageName],
) -> Result<Vec<PackageName>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let asked = run(connection, &[], &manager.query(names)).await?;
    Ok(manager.missing(names, &asked))
}

/// The words that make an installation leave these out. Those that are there already are not left out: some would remove them.
async fn excluding(
    connection: &dyn Connection,
    manager: &Manager,
    excluded: &[PackageName],
) -> Result<Vec<String>> {
    if excluded.is_empty() {
        return Ok(Vec::new());
    }
    let absent = missing(connection, manager, excluded).await?;
    let words: Option<Vec<String>> = absent.iter().map(|name| manager.excluding(name)).collect();
    words.ok_or_else(|| {
        let (manager, names) = (manager.name(), listed(&absent));
        Error::infra(connection.name(), format!("{manager} cannot leave out {names} (`exclude`)"))
    })
}

/// A remote on which something is missing.
struct Remote<'a> {
    connection: &'a dyn Connection,
    manager: Manager,
    found: &'a Found,
    /// The words that leave out what is excluded, after all others.
    excluding: Vec<String>,
}

impl Remote<'_> {
    async fn require(&self, names: &[PackageName]) -> Result<()> {
        let origin = self.connection.name();
        let rights = self.rights(names)?;
        for step in self.steps(self.manager.install(names)) {
            let output = run(self.connection, rights, &step.argv).await?;
            if !step.optional && !self.manager.succeeded(output.status) {
                return Err(self.failed(&step, &output));
            }
        }
        // Some say that all is well when only a part of it is there.
        if self.manager.must_be_checked() {
            let missing = missing(self.connection, &self.manager, names).await?;
            if !missing.is_empty() {
                let why = format!("{} did not install {}", self.manager.name(), listed(&missing));
                return Err(Error::infra(origin, why));
            }
        }
        Ok(())
    }

    async fn recommend(&self, names: &[PackageName]) -> Result<()> {
        let remote = self.connection.name();
        let rights = match self.rights(names) {
            Ok(rights) => rights,
            Err(why) => {
                tracing::info!(remote, %why, "what is recommended is left out");
                return Ok(());
            }
        };
        for step in self.steps(self.manager.recommend(names)) {
            let output = run(self.connection, rights, &step.argv).await?;
            if !step.optional && !self.manager.succeeded(output.status) {
                let why = self.failed(&step, &output);
                tracing::info!(remote, %why, "something that is recommended is left out");
            }
        }
        Ok(())
    }

    /// These, without what is excluded.
    fn steps(&self, mut steps: Vec<Step>) -> Vec<Step> {
        for step in steps.iter_mut().filter(|step| !step.optional) {
            step.argv.extend(self.excluding.iter().cloned());
        }
        steps
    }

    /// The words before a command that may install.
    fn rights(&self, names: &[PackageName]) -> Result<&'static [&'static str]> {
        let origin = self.connection.name();
        let names = listed(names);
        match self.found.rights {
            _ if self.found.is_this_machine => Err(Error::infra(
                origin,
                format!("{names}: missing, and nothing is installed on this machine itself"),
            )),
            Rights::Root => Ok(&[]),
            Rights::Sudo => Ok(&["sudo", "-n"]),
            Rights::None => Err(Error::infra(
                origin,
                format!("{names}: missing, and can be installed by root alone"),
            )),
        }
    }

    fn failed(&self, step: &Step, output: &Output) -> Error {
        let text = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<&str> =
            text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        Error::Failed {
            origin: self.connection.name().to_owned(),
            program: step.argv.join(" "),
            status: output.status,
            stderr: lines[lines.len().saturating_sub(LINES)..].join("\n"),
        }
    }
}

/// Runs a command with the end of all that it prints as its output, in plain English.
async fn run(connection: &dyn Connection, rights: &[&str], argv: &[String]) -> Result<Output> {
    let script = r#"set -o pipefail; keep=$1; shift; "$@" 2>&1 </dev/null | tail -c "$keep""#;
    let command = Command::bash(script).arg(KEEP).args(rights.iter().copied());
    let command = command.args(["env", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"]);
    connection.output(command.args(argv)).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_packages_are_taken_from_tests_once() {
        let mut test = Test::new("true");
        test.metadata.insert("require".into(), json!(["a", {"type": "library"}, "b", "a"]));
        test.metadata.insert("recommend".into(), json!("c"));
        let wanted = Wanted::new().require(["b"]).of_test(&test);
        assert_eq!(wanted, Wanted::new().require(["b", "a"]).recommend(["c"]));
        assert!(Wanted::new().of_test(&Test::new("true")).is_empty());
    }
}
