//! What the remote's shell is told, so that a program gets exactly what its [`Command`] says, and dies when it must.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use atex_core::{Command, Stdio};

use super::noise::Word;
use crate::connection::shell::{self, quote};

/// Marks a program that reads our input, so that [`kill`] finds it: `TOKEN.GROUP`.
const MARK: &str = "ATEX_SSH_CHILD";

/// Waits for the word that the program may start, which is not said before its end can be seen.
/// Without it, we are gone.
const START: &str = "read -r ATEX_SSH_START || exit; ";

/// A bash whose level is below 2 takes itself for what sshd has started, and reads `~/.bashrc`: the login shell does, the program
/// must not. One more than that, since an `sh` that is bash counts down before `exec`.
const LEVEL: &str = "SHLVL=2; export SHLVL; ";

/// Ends the program's process group (which sshd gave it) when standard input ends, which it does when we close it and
/// when the connection ends. A grandchild, so that a program that waits for all of its children does not wait for it.
/// `kill` is given no `--`: not every shell's own takes it.
/// The number of an ended leader is not used again while this process is in its group: `kill -0` tells the truth.
const LIFELINE: &str = "exec 3<&0 </dev/null; \
    ( ( read -r _ <&3; kill -0 $$ && { kill -KILL -$$ || kill -KILL $$; } ) >/dev/null 2>&1 & ); \
    exec 3<&-; ";

/// Kills the groups of marked programs, `$1`… being their tokens. A program that is only just being started is waited for,
/// for a second. The group is killed only if the marked process is in it: its number may be somebody else's by now.
const KILL: &str = r#"
tokens= killed= left=$# tries=0
for token; do tokens="$tokens -e ^ATEX_SSH_CHILD=$token[.][0-9]*\$"; done
while [ "$left" -gt 0 ] && [ "$tries" -lt 20 ]; do
    [ "$tries" -eq 0 ] || sleep 0.05
    tries=$((tries + 1))
    for found in $(grep -zaHo $tokens /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n'); do
        group=${found##*.} process=${found%%/environ:*}
        read -r stat <"$process/stat" || continue
        set -- ${stat##*)}
        case "$killed " in *" $group "*) continue;; esac
        [ "$3" = "$group" ] && kill -KILL "-$group" && killed="$killed $group" left=$((left - 1))
    done
done 2>/dev/null
exit 0"#;

/// The command line for the login shell of the remote. With a token if the command's input is used, else with the lifeline.
/// With a word if noise is possible.
pub(super) fn command_line(command: &Command, token: Option<&str>, word: Option<&Word>) -> Vec<u8> {
    let mut script = match (token, &command.stdin) {
        // The input is not ours: no word can come before it.
        (Some(token), Stdio::Fd(_)) => format!("{MARK}={token}.$$; export {MARK}; "),
        (Some(token), _) => format!("{MARK}={token}.$$; export {MARK}; {START}"),
        (None, _) => format!("{START}{LIFELINE}"),
    };
    script.push_str(LEVEL);
    if let Some(word) = word {
        script.push_str(&word.script());
    }
    if let Stdio::Null = command.stdout {
        script.push_str("exec >/dev/null; ");
    }
    if let Stdio::Null = command.stderr {
        script.push_str("exec 2>/dev/null; ");
    }
    let (start, arguments) = shell::start(command);
    script.push_str(&start);
    line(&script, arguments.iter().map(|argument| OsStr::from_bytes(argument)))
}

/// The command line that kills the programs of these tokens.
pub(super) fn kill<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    line(KILL, tokens.into_iter().map(OsStr::new))
}

/// `exec sh -c SCRIPT sh ARGS…`: whatever the login shell is, the script is run by a POSIX shell of the same process.
fn line<'a>(script: &str, arguments: impl IntoIterator<Item = &'a OsStr>) -> Vec<u8> {
    let mut line = b"exec sh -c ".to_vec();
    quote(script.as_bytes(), &mut line);
    line.extend_from_slice(b" sh");
    for argument in arguments {
        line.push(b' ');
        quote(argument.as_bytes(), &mut line);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: Vec<u8>) -> String {
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_command_becomes_one_line_of_shell() {
        let command =
            Command::new("it's").arg("").arg("$x").stdout(Stdio::Piped).stderr(Stdio::Piped);
        insta::assert_snapshot!(
            text(command_line(&command, Some("t1"), None)),
            @r#"exec sh -c 'ATEX_SSH_CHILD=t1.$$; export ATEX_SSH_CHILD; read -r ATEX_SSH_START || exit; SHLVL=2; export SHLVL; exec "$@"' sh 'it'\''s' '' '$x'"#
        );
    }

    #[test]
    fn folder_and_variables_come_before_the_program() {
        let command = Command::new("a=b").current_dir("-x").env("K", "v w").stdout(Stdio::Piped);
        let line = text(command_line(&command, Some("t1"), None));
        let line = line.split_once("ATEX_SSH_START || exit; ").unwrap().1;
        insta::assert_snapshot!(
            line,
            @r#"SHLVL=2; export SHLVL; exec 2>/dev/null; case $1 in -*) set -- "./$@";; esac; CDPATH= cd -- "$1" || exit 126; shift; exec env -- "$@"' sh '-x' 'K=v w' 'sh' '-c' 'exec "$@"' 'sh' 'a=b'"#
        );
    }
}
