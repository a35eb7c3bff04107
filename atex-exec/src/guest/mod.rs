//! The side of a remote: the scripts that run there, and the texts that they are given.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use atex_core::{Command, Connection, ConnectionExt, Error, Result, Stdio, Test};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::server::Server;

mod conclusion;
mod sweeping;

pub(crate) use conclusion::Conclusion;
pub(crate) use sweeping::{Owner, sweep};

/// The supervisor; its head says what it does. The second part is only read where the first does not do.
const GUEST: &str = include_str!("guest.sh");
const SLOW: &str = include_str!("slow.sh");

/// A script without its comments: it is read by a shell for every test, or sent for every session.
fn stripped(script: &str) -> String {
    let code = script.lines().filter(|line| !line.trim_start().starts_with('#'));
    code.map(|line| format!("{}\n", line.trim_start())).collect()
}

/// Runs a script in a terminal; its head says how.
const TERMINAL: &str = include_str!("terminal.sh");

/// What every test's bash does in its run folder before it becomes the test's: no process is started for it. What an earlier test left in
/// the folder for files goes, what this one left there before a reboot stays.
const BEFORE: &str = r#"set -a
. WORK/plan_env
set +a
export PATH=WORK/bin${PATH:+:$PATH} RSTRNT_REBOOTCOUNT=$TMT_REBOOT_COUNT REBOOTCOUNT=$TMT_REBOOT_COUNT
set -- WORK/test_data/*
[[ $TMT_REBOOT_COUNT != 0 || ! -e $1 ]] || rm -rf -- "$@"
"#;

/// The tools that tests call, and their names.
const TOOLS: &str = include_str!("tools.sh");
const TOOL_NAMES: &str = "tmt-report-result tmt-file-submit tmt-reboot tmt-abort \
    rstrnt-report-result rstrnt-report-log rstrnt-reboot rstrnt-abort rhts-report-result rhts-submit-log \
    rhts_submit_log rhts-reboot rhts-abort atex-report-result atex-file-submit atex-reboot \
    atex-barrier";

/// What the work folder's path follows: a shell may print at login what nobody asked for.
const WORK: &str = "atex: work folder ";

/// Makes the work folder in `$1`, whose name has `$2` in it, puts scripts there from standard input, of which `$4`… are names and lengths, unpacks
/// the `$3` bytes of a tree that follow, prints the folder's path, without symbolic links, and serves; TOOLS is replaced by names. Not every bash brings every byte through `read`; this one is asked.
const START: &str = r#"
start() {
  local LC_ALL=C base=${1:-${TMPDIR:-/var/tmp}} length=$3 names='TOOLS' bytes exact= copy name script
  bytes=$'\001\002\010\n\r\033\177\200\302\240\377 \\'
  IFS= read -r -d '' -n 1024 copy <<<"$bytes"
  [[ $copy = "$bytes"$'\n' ]] && exact=1
  work=$(mktemp -d -p "$base" "atex-$2XXXXXXXXXX") && cd -P "$work" && work=$PWD && mkdir tree run-0 run-1 bin plan_data test_data &&
    mkfifo run-{0,1}/{life,mail,control.pipe,output.pipe} && : >plan_env || return
  shift 3
  while (($#)); do
    IFS= read -r -N "$2" script || return
    [[ $1 != guest.sh ]] || script=exact=$exact$'\n'$script
    printf %s "$script" >"$1" || return
    shift 2
  done
  for name in $names; do
    printf '#!/bin/bash\n. "${0%%/*}/../tools.sh"\n' >"bin/$name" || return
  done
  chmod 755 bin/* || return
  ((length == 0)) || { head -c "$length" | tar -x --no-same-owner -p -f - -C tree; }
}
start "$@" && echo "atex: work folder $work" && exec bash "$work/guest.sh" serve
status=$?
[[ ! $work ]] || rm -rf -- "$work"
exit "$status""#;

/// What the control stream follows, for the same reason.
pub(crate) const ATTACHED: &[u8] = b"atex: attached\n";

/// What the answers of a server follow.
pub(crate) const SERVING: &[u8] = b"atex: serving\n";

/// What is started: which run, for which time after a reboot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) run: u32,
    pub(crate) restart: u32,
    /// When the remote ends the test by itself.
    pub(crate) limit: Duration,
    pub(crate) debug: Debug,
}

/// The work folder on a remote.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Guest {
    work: String,
}

/// Switches for debugging the protocol, known from the Python ATEX.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Debug {
    /// Do not send the exit code of the test.
    pub no_exitcode: bool,
    /// Do not kill what a test leaves running in its process group.
    pub keep_background: bool,
}

impl Start {
    /// Its limit, which is more than any test runs, within what bash can count.
    fn seconds(&self) -> u64 {
        self.limit.as_secs().min(u64::from(u32::MAX))
    }
}

impl Guest {
    /// Makes the work folder in `base` (else in the remote's `TMPDIR`, else in `/var/tmp`), with what serves there, and
    /// with a tree for its tests, if it is small enough to be sent along.
    pub(crate) async fn start(
        connection: &dyn Connection,
        base: Option<&str>,
        owner: Option<&Owner>,
        tree: &[u8],
    ) -> Result<(Self, Server)> {
        let scripts = [
            ("guest.sh", stripped(GUEST)),
            ("slow.sh", stripped(SLOW)),
            ("tools.sh", stripped(TOOLS)),
            ("terminal.sh", TERMINAL.to_owned()),
        ];
        let mut command =
            Command::bash(START.replace("TOOLS", TOOL_NAMES)).arg(base.unwrap_or_default());
        command = command.arg(owner.map(|owner| owner.mark(connection.name())).unwrap_or_default());
        command = command.arg(tree.len().to_string());
        for (name, script) in &scripts {
            command = command.arg(*name).arg(script.len().to_string());
        }
        let mut input = scripts.map(|(_, script)| script).concat().into_bytes();
        input.extend_from_slice(tree);
        let mut server = Server::start(connection, command.stderr(Stdio::Piped)).await?;
        // Who ends before all is read says why.
        server.say(&input).await.ok();
        match server.line_after(WORK).await? {
            Some(work) => Ok((Self { work }, server)),
            None => {
                let (status, stderr) = server.failed().await?;
                let stderr = format!("cannot make a work folder: {}", stderr.trim());
                let origin = connection.name().to_owned();
                Err(Error::Failed { origin, program: "bash".into(), status, stderr })
            }
        }
    }

    /// Whether the work folder is there.
    pub(crate) async fn is_there(&self, connection: &dyn Connection) -> Result<bool> {
        let command = Command::new("test").arg("-f").arg(format!("{}/guest.sh", self.work));
        Ok(connection.output(command).await?.status.success())
    }

    /// Removes the work folder.
    pub(crate) async fn stop(&self, connection: &dyn Connection) -> Result<()> {
        let command = Command::new("bash").arg(format!("{}/guest.sh", self.work)).arg("leave");
        let output = connection.output(command).await?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Failed {
            origin: connection.name().to_owned(),
            program: "bash".into(),
            status: output.status,
            stderr: format!(
                "cannot remove {}: {}",
                self.work,
                String::from_utf8_lossy(&output.stderr).trim()
            ),
        })
    }

    /// Where the tree of tests lies.
    pub(crate) fn tree(&self) -> String {
        format!("{}/tree", self.work)
    }

    /// The file with variables that the plan's scripts and tests share.
    pub(crate) fn plan_environment(&self) -> String {
        format!("{}/plan_env", self.work)
    }

    /// The folder that the plan's scripts and tests share.
    pub(crate) fn plan_data(&self) -> String {
        format!("{}/plan_data", self.work)
    }

    /// The folder for files of a test, empty when the test starts.
    pub(crate) fn test_data(&self) -> String {
        format!("{}/test_data", self.work)
    }

    /// The folder of beakerlib for a run, which stays over reboots.
    pub(crate) fn beakerlib(&self, run: u32) -> String {
        format!("{}/beakerlib-{run}", self.work)
    }

    /// The folder in which a test finds what came of barriers, which stays over reboots.
    pub(crate) fn barriers(&self, run: u32) -> String {
        format!("{}/barriers-{run}", self.work)
    }

    /// Tells the test of a run what came of barriers: why they are broken, if they are.
    pub(crate) fn answer(
        &self,
        run: u32,
        answers: &BTreeMap<String, Result<(), String>>,
    ) -> Command {
        let words = answers.iter().flat_map(|(name, answer)| {
            [name.clone(), answer.as_ref().err().cloned().unwrap_or_default()]
        });
        self.command("answer", run).args(words)
    }

    /// What tells a run from all others.
    pub(crate) fn identity(&self, run: u32) -> String {
        format!("{}-{run}", self.work.rsplit('/').next().unwrap_or_default())
    }

    /// The folder of a run.
    pub(crate) fn run_folder(&self, run: u32) -> PathBuf {
        PathBuf::from(format!("{}/run-{}", self.work, run % 2))
    }

    /// The metadata of the test of a run.
    pub(crate) fn metadata(&self, run: u32) -> String {
        format!("{}/run-{}/metadata.yaml", self.work, run % 2)
    }

    /// Starts a run, for the `restart`-th time after a reboot, and attaches to it. The control stream comes on standard output,
    /// the output on standard error; the `length` bytes of [`RunScript`] go to standard input, and then what is safe here.
    pub(crate) fn run(&self, start: &Start, length: usize) -> Command {
        let command = self.command("run", start.run).args([
            start.restart.to_string(),
            start.seconds().to_string(),
            length.to_string(),
        ]);
        let switches = [
            ("ATEX_NO_EXITCODE", start.debug.no_exitcode),
            ("ATEX_KEEP_BACKGROUND", start.debug.keep_background),
        ];
        let set = switches.into_iter().filter(|(_, on)| *on);
        set.fold(command, |command, (name, _)| command.env(name, "1"))
            .stdin(Stdio::Piped)
            .stdout(Stdio::Piped)
    }

    /// Starts tests for us, each for a [request](Self::request).
    pub(crate) fn serve(&self) -> Command {
        Command::new("bash").arg(format!("{}/guest.sh", self.work)).arg("serve")
    }

    /// Asks a server to start a run, with its script.
    pub(crate) fn request(start: &Start, script: &str) -> String {
        let Start { run, restart, debug, .. } = start;
        let no_exitcode = if debug.no_exitcode { "e" } else { "" };
        let keep_background = if debug.keep_background { "b" } else { "" };
        let (seconds, length) = (start.seconds(), script.len());
        format!("{run} {restart} {seconds} {length} -{no_exitcode}{keep_background}\n{script}")
    }

    /// Attaches to a run again. Standard input is to say what is here already.
    pub(crate) fn attach(&self, run: u32, restart: u32) -> Command {
        let command = self.command("attach", run).arg(restart.to_string());
        command.stdin(Stdio::Piped).stdout(Stdio::Piped)
    }

    /// Tells the watchdog of a run something; see the head of the script.
    pub(crate) fn tell(&self, run: u32, words: &str) -> Command {
        self.command("tell", run).args(words.split(' '))
    }

    fn command(&self, what: &str, run: u32) -> Command {
        Command::new("bash").arg(format!("{}/guest.sh", self.work)).arg(what).arg(run.to_string())
    }
}

/// What a run needs: written to the remote as a bash script, over standard input, so that no variable of a test ever shows
/// in a list of processes.
pub(crate) struct RunScript<'a> {
    pub(crate) guest: &'a Guest,
    pub(crate) test: &'a Test,
    pub(crate) environment: &'a IndexMap<String, String>,
}

impl RunScript<'_> {
    /// The script that writes the files of the run folder.
    pub(crate) fn text(&self) -> String {
        let files = [
            ("metadata.yaml", metadata_yaml(self.test)),
            ("test.sh", ended_line(&self.test.script)),
            ("env.sh", self.env_sh()),
        ];
        let mut script = String::new();
        for (name, text) in files {
            writeln!(script, "printf %s {} >{name} || return 4", quoted(&text)).ok();
        }
        script + "complete=1\n"
    }

    /// Becomes the test: sets the environment, enters the folder, and replaces itself by the test's bash.
    fn env_sh(&self) -> String {
        let mut script = String::new();
        // Bash cannot hold every variable that a process can have.
        let (own, foreign): (Vec<_>, Vec<_>) =
            self.environment.iter().partition(|(name, _)| is_bash_variable(name));
        for (name, value) in own {
            writeln!(script, "export {name}={}", quoted(value)).ok();
        }
        let dir = format!("{}/{}", self.guest.tree(), self.test.dir);
        writeln!(script, "test_script=$PWD/test.sh").ok();
        script.push_str(&BEFORE.replace("WORK", &quoted(&self.guest.work)));
        let beakerlib = self.environment.get("BEAKERLIB_DIR");
        if let Some(folder) = beakerlib.filter(|folder| folder.starts_with(&self.guest.work)) {
            // There, it looks for what to import.
            let folder = quoted(folder);
            writeln!(script, "mkdir -p {folder} && ln -sfn \"$PWD/metadata.yaml\" {folder}/").ok();
        }
        let barriers = self.environment.get("ATEX_BARRIERS");
        if let Some(folder) = barriers.filter(|folder| folder.starts_with(&self.guest.work)) {
            writeln!(script, "mkdir -p {}", quoted(folder)).ok();
        }
        writeln!(script, "cd -- {} || exit 126", quoted(&dir)).ok();
        let foreign: String = foreign
            .iter()
            .map(|(name, value)| format!(" {}", quoted(&format!("{name}={value}"))))
            .collect();
        let env = if foreign.is_empty() { String::new() } else { format!("env --{foreign} ") };
        let bash = match self.test.tty {
            true => format!("bash -- {}/terminal.sh", quoted(&self.guest.work)),
            false => "bash -e -o pipefail --".into(),
        };
        writeln!(script, "ATEX_TEST_CONTROL=3 exec {env}{bash} \"$test_script\"").ok();
        script
    }
}

/// The metadata as YAML: a line for each key, sorted, with its value in JSON, which is YAML too.
fn metadata_yaml(test: &Test) -> String {
    let mut lines: Vec<String> = test
        .metadata
        .iter()
        .map(|(key, value)| {
            let plain = !key.is_empty()
                && key
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            if plain && !key.starts_with('-') {
                format!("{key}: {value}\n")
            } else {
                format!("{}: {value}\n", serde_json::Value::from(key.as_str()))
            }
        })
        .collect();
    lines.sort();
    if lines.is_empty() { "{}\n".into() } else { lines.concat() }
}

/// A text as one word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn ended_line(script: &str) -> String {
    format!("{}\n", script.trim_end_matches('\n'))
}

/// Whether `export NAME=…` works: a proper name, and none that bash keeps to itself.
pub(crate) fn is_bash_variable(name: &str) -> bool {
    let mut chars = name.bytes();
    let proper = chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && chars.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let kept = name.starts_with("BASH")
        || matches!(
            name,
            "UID"
                | "EUID"
                | "PPID"
                | "SHELLOPTS"
                | "_"
                | "GROUPS"
                | "FUNCNAME"
                | "DIRSTACK"
                | "RANDOM"
                | "SRANDOM"
                | "SECONDS"
                | "LINENO"
                | "HISTCMD"
                | "EPOCHSECONDS"
                | "EPOCHREALTIME"
                | "COMP_WORDBREAKS"
        )
        || name == "test_script";
    proper && !kept
}

#[cfg(test)]
mod tests;
