//! [`Steps`]: commands one after the other, with a line and a time for each; the first that fails ends it.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Commands that run one after the other.
#[derive(Debug)]
pub(crate) struct Steps {
    began: Instant,
}

impl Steps {
    /// The clock of the whole begins to run.
    pub(crate) fn new() -> Self {
        Self { began: Instant::now() }
    }

    /// Runs a command that must succeed. What it prints is shown.
    ///
    /// # Errors
    /// When it does not, with the command to type to see it again.
    pub(crate) fn command(&self, title: &str, command: &mut Command) -> Result<()> {
        self.task(title, || {
            let again = shown(command);
            let status = command.status().with_context(|| format!("cannot start `{again}`"))?;
            if !status.success() {
                bail!("{title}: {status}; to see it again:\n    {again}");
            }
            Ok(())
        })
    }

    /// Runs a step that is a function.
    ///
    /// # Errors
    /// Its own.
    pub(crate) fn task<T>(&self, title: &str, task: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("==> {title}");
        let began = Instant::now();
        let done = task()?;
        println!("    {title}: ok ({})", seconds(began.elapsed()));
        Ok(done)
    }

    /// Says that all went well, and how long it took.
    pub(crate) fn finish(self, title: &str) {
        println!("\n{title}: all well after {}", seconds(self.began.elapsed()));
    }
}

/// A time as people read it: `7.3 s`, `2 min 05 s`.
pub(crate) fn seconds(time: Duration) -> String {
    let all = time.as_secs();
    match all {
        0..100 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} min {:02} s", all / 60, all % 60),
    }
}

/// A command as it would be typed, with the variables it is given.
fn shown(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy())))
    });
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or_default();
    let arguments = command.get_args().map(|argument| quoted(&argument.to_string_lossy()));
    variables
        .chain([program.to_string_lossy().into_owned()])
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_says_how_to_see_it_again() {
        let mut command = Command::new("bash");
        command.args(["-c", "exit 3"]).env("CHECK", "a b");
        let error = Steps::new().command("check", &mut command).unwrap_err().to_string();
        insta::assert_snapshot!(error, @r"
        check: exit status: 3; to see it again:
            CHECK='a b' bash -c 'exit 3'
        ");
    }

    #[test]
    fn times_are_readable() {
        assert_eq!(seconds(Duration::from_millis(7300)), "7.3 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }
}
