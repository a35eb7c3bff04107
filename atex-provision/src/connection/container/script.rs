//! What is run in a container: the guard, and around each program a shell that tells how it ended.
//!
//! `podman exec` and `docker exec` pass no signals on, let programs run on when they are killed themselves, and have one exit
//! code for what the program said, for the signal that killed it, and for what went wrong with them. So each program
//! notes in a folder of the container which process group it is, and how it ended; the guard reads that, and kills.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use atex_core::{Command, Stdio};

use crate::connection::shell::{self, quote};

/// Says its folder, which is where a system that boots removes nothing, then answers. When its input ends (we are gone), all programs are killed.
/// Its last word is [`GONE`]. In the folder: `TOKEN.run`, the process group; `TOKEN.end`, how it ended; `TOKEN.dead`, that it must not start any more.
pub(super) const GUARD: &str = r#"
d=$(mktemp -d /dev/shm/atex-XXXXXXXX 2>/dev/null || mktemp -d "${TMPDIR:-/tmp}/atex-XXXXXXXX") || exit
exec 2>/dev/null
echo "$d"
dead() {
    [ -e "$d/$1.end" ] || { : >"$d/$1.dead"; read -r p <"$d/$1.run" && kill -KILL "-$p"; }
}
while read -r verb token; do
    case $verb in
    kill) dead "$token";;
    end)
        if read -r code <"$d/$token.end"; then :
        elif read -r p <"$d/$token.run"; then
            if kill -0 "$p"; then code=running; dead "$token"; else code=killed; fi
        else code=none; fi
        rm -f "$d/$token".*
        echo "$code";;
    ping) echo pong;;
    esac
done
for run in "$d"/*.run; do token=${run##*/}; dead "${token%.run}"; done
rm -rf "$d"
echo gone
"#;

/// What the guard says last.
pub(super) const GONE: &str = "gone";

/// The main program of a container that is made for us: a guard, and when that is gone, something that lasts, so that the container
/// can be taken over. The shell waits for a child all the time, and buries with it what tests leave behind.
pub(crate) fn main_program() -> String {
    format!("( {GUARD}) || exit\nexec </dev/null >/dev/null 2>&1\nwhile :; do sleep 100000; done")
}

/// `$1` is the guard's folder, `$2` the token. A shell says on standard error that a program was killed by a signal; that is
/// how it is told from an exit code above 128. (It keeps SIGINT and SIGPIPE to itself.)
///
/// `DRAIN` reads what is left of the input: the tools throw away what the program printed if they are stopped in the
/// middle of writing to it.
const AROUND: &str = r#"d=$1 t=$2; shift 2
echo $$ >"$d/$t.run" || exit
[ ! -e "$d/$t.dead" ] || exit
exec 3>&2 2>"$d/$t.said"
( exec 2>&3 3>&-; START )
code=$?
[ ! -s "$d/$t.said" ] || code=killed
echo "$code" >"$d/$t.end"
DRAIN"#;

/// The end of a file comes; that of a pipe is in the hands of who writes to it.
fn drain(input: &Stdio) -> &'static str {
    let is_file = |fd: &OwnedFd| {
        fd.try_clone().is_ok_and(|fd| File::from(fd).metadata().is_ok_and(|m| m.is_file()))
    };
    match input {
        Stdio::Null => "",
        Stdio::Fd(fd) if is_file(fd) => "exec cat >/dev/null 2>&1",
        Stdio::Fd(_) | Stdio::Piped => "exec timeout 0.2 cat >/dev/null 2>&1",
    }
}

/// What is given to `exec`: a program with its shell around it.
pub(super) fn around(command: &Command, dir: &str, token: &str) -> Vec<OsString> {
    let (start, arguments) = shell::start(command);
    let script = AROUND.replace("START", &start).replace("DRAIN", drain(&command.stdin));
    let words = ["sh", "-c", &script, "sh", dir, token].map(|word| word.as_bytes().to_owned());
    let words: Vec<Vec<u8>> = words.into_iter().chain(arguments).collect();
    if words.iter().all(|word| std::str::from_utf8(word).is_ok()) {
        return words.into_iter().map(OsString::from_vec).collect();
    }
    // The tools keep arguments as JSON, where only text comes through.
    ["sh".into(), "-c".into(), as_text(&words)].into()
}

/// A script that runs these words, in plain text.
fn as_text(words: &[Vec<u8>]) -> OsString {
    let (mut script, mut line) = (Vec::new(), b"exec".to_vec());
    for (number, word) in words.iter().enumerate() {
        line.push(b' ');
        if std::str::from_utf8(word).is_ok() {
            quote(word, &mut line);
            continue;
        }
        let octal: String = word.iter().map(|byte| format!("\\{byte:03o}")).collect();
        // `$(…)` cuts newlines off the end.
        script.extend_from_slice(format!("w{number}=$(printf '{octal}_'); ").as_bytes());
        line.extend_from_slice(format!("\"${{w{number}%_}}\"").as_bytes());
    }
    OsStr::from_bytes(&[script, line].concat()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_as_it_is_and_other_bytes_by_their_numbers() {
        let text = Command::new("it's").arg("a\nb");
        let words = around(&text, "/tmp/d", "7");
        assert_eq!(&words[4..], ["/tmp/d", "7", "it's", "a\nb"]);
        let bytes = Command::new("it's").arg(OsString::from_vec(vec![b'x', 0xff, b'\n']));
        let words = around(&bytes, "/tmp/d", "7");
        assert_eq!(words.len(), 3);
        let line = words[2].to_str().unwrap();
        assert!(line.starts_with(r"w7=$(printf '\170\377\012_'); exec 'sh' '-c' "), "{line}");
        assert!(line.ends_with(r#" '/tmp/d' '7' 'it'\''s' "${w7%_}""#), "{line}");
    }
}
