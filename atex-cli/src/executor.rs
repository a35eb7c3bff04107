//! The executor of a run: which one, with all that was asked for.

use std::collections::HashSet;
use std::env::VarError;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use atex_core::{Executor, TestName, TestSuite};
use atex_exec::{CommandExecutor, Debug, FmfExecutor, Limits};

use crate::args::{ExecutorHow, RunOptions};
use crate::follow::Follow;
use crate::selection;

/// What is run.
pub(crate) enum Work {
    /// The tests of a tree.
    Tests(Arc<TestSuite>),
    /// Commands of a file.
    Commands(Box<CommandExecutor>),
}

impl Work {
    /// What was asked for, as it is on systems of which this is known; of this, only some tests.
    pub(crate) fn selected(
        options: &RunOptions,
        facts: &[(String, String)],
        only: Option<&HashSet<TestName>>,
    ) -> Result<Self> {
        let wanted = |name: &TestName| only.is_none_or(|only| only.contains(name));
        let Some(file) = &options.commands else {
            let mut suite = selection::suite(&options.selection, facts)?;
            suite.tests.retain(|name, _| wanted(name));
            return Ok(Self::Tests(Arc::new(suite)));
        };
        // A file that cannot be read is a wrong use, whatever the reason: somebody named it.
        let text = std::fs::read_to_string(file)
            .map_err(|error| anyhow!("cannot read {}: {error}", file.display()))?;
        let commands =
            commands(&text).with_context(|| format!("cannot understand {}", file.display()))?;
        let commands = commands.into_iter().filter(|(name, _)| wanted(name));
        Ok(Self::Commands(Box::new(CommandExecutor::new(commands))))
    }

    /// Its tests.
    pub(crate) fn suite(&self) -> &TestSuite {
        match self {
            Self::Tests(suite) => suite,
            Self::Commands(commands) => commands.suite(),
        }
    }

    /// The executor, which keeps logs of sessions in a folder, and does not upload another one, where runs are recorded. What it puts on
    /// remotes is marked as the run's.
    pub(crate) fn executor(
        self,
        options: &RunOptions,
        (logs, runs, owner): (&Path, &Path, &str),
        follow: Option<Arc<Follow>>,
    ) -> Result<Arc<dyn Executor>> {
        let mut limits = Limits::default();
        limits.reconnect = options.reconnect;
        let secrets = secrets(&options.secrets)?;
        let set = |executor: FmfExecutor| {
            let executor = executor.debug(debug_switches()).limits(limits);
            let executor = executor.session_logs(logs).exclude(runs).owner(owner);
            let executor = follow.into_iter().fold(executor, |executor, follow| {
                executor.follow(move |test, output| follow.begin(test, output))
            });
            let variables = options.environment.iter();
            let executor = if options.no_install { executor.without_packages() } else { executor };
            let executor =
                variables.fold(executor, |executor, (name, value)| executor.env(name, value));
            secrets
                .into_iter()
                .fold(executor, |executor, (name, value)| executor.secret(name, value))
        };
        Ok(match (self, options.executor) {
            (Self::Commands(commands), _) => Arc::new(commands.with(set)),
            (Self::Tests(suite), ExecutorHow::Fmf) => Arc::new(set(FmfExecutor::new(suite))),
            (Self::Tests(suite), ExecutorHow::Beakerlib) => {
                Arc::new(set(FmfExecutor::new(suite)).beakerlib())
            }
        })
    }
}

/// What the environment says of these variables.
fn secrets(names: &[String]) -> Result<Vec<(&str, String)>> {
    let mut secrets = Vec::new();
    for name in names {
        match std::env::var(name) {
            Ok(value) => secrets.push((name.as_str(), value)),
            Err(VarError::NotPresent) => {
                bail!("--secret {name}: there is no such variable in the environment of atex")
            }
            Err(VarError::NotUnicode(_)) => bail!("--secret {name}: its value is no text"),
        }
    }
    Ok(secrets)
}

/// The commands in a text, a line each: a name, and what bash is to run.
fn commands(text: &str) -> Result<Vec<(TestName, [String; 3])>> {
    let mut names = HashSet::new();
    let mut commands = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = || format!("line {}", number + 1);
        let Some((name, command)) = line.split_once(char::is_whitespace) else {
            bail!("{}: expected NAME COMMAND, found {line:?}", place());
        };
        let name = TestName::new(name).with_context(place)?;
        if !names.insert(name.clone()) {
            bail!("{}: a second command is named {name}", place());
        }
        commands.push((name, ["bash".to_owned(), "-c".to_owned(), command.trim().to_owned()]));
    }
    Ok(commands)
}

/// How the output of tests is shown while they run, if it is to be.
pub(crate) fn follow(options: &RunOptions) -> Result<Option<Follow>> {
    const VARIABLE: &str = "ATEX_DEBUG_TEST_OUTPUT_FD";
    let follow = match std::env::var_os(VARIABLE) {
        None if !options.follow => return Ok(None),
        None => Follow::lines(),
        Some(number) => {
            let number = number.to_str().and_then(|text| text.parse::<u32>().ok());
            let number =
                number.with_context(|| format!("{VARIABLE} is not the number of an open file"))?;
            let open = OpenOptions::new().append(true).open(format!("/dev/fd/{number}"));
            Follow::raw(
                open.with_context(|| format!("{VARIABLE}={number} is not open for writing"))?,
            )
        }
    };
    let secrets = secrets(&options.secrets)?.into_iter().map(|(_, value)| value);
    Ok(Some(follow.hiding(secrets.filter(|value| !value.is_empty()).collect())))
}

/// The switches for debugging that users of the Python ATEX know.
fn debug_switches() -> Debug {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| value == "1");
    Debug {
        no_exitcode: is_set("ATEX_DEBUG_NO_EXITCODE"),
        keep_background: is_set("ATEX_DEBUG_NO_BG_KILL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_lines() {
        let read = commands("# checks\n/a  uname -r | grep 6\n\n  b\ttrue \n").unwrap();
        let shown: Vec<_> =
            read.iter().map(|(name, argv)| format!("{name}: {}", argv[2])).collect();
        assert_eq!(shown, ["/a: uname -r | grep 6", "b: true"]);
        let wrong = |text| format!("{:#}", commands(text).unwrap_err());
        assert_eq!(wrong("/a true\n/b"), "line 2: expected NAME COMMAND, found \"/b\"");
        assert_eq!(wrong("/a true\n/a false"), "line 2: a second command is named /a");
    }
}
