//! What a POSIX shell is told, so that a program gets exactly what its [`Command`] says.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use atex_core::Command;

/// The end of a script that starts a program in its folder and with its variables, and the arguments `$1`… that it takes.
pub(super) fn start(command: &Command) -> (String, Vec<Vec<u8>>) {
    let mut script = String::new();
    let mut arguments: Vec<Vec<u8>> = Vec::new();
    if let Some(dir) = &command.cwd {
        script.push_str(
            "case $1 in -*) set -- \"./$@\";; esac; CDPATH= cd -- \"$1\" || exit 126; shift; ",
        );
        arguments.push(dir.as_bytes().to_owned());
    }
    script.push_str("exec ");
    if !command.env.is_empty() {
        // Not `export`: a shell knows no variables but those with a plain name, and keeps some to itself.
        script.push_str("env -- ");
        let variable = |(name, value): &(_, _)| assignment(name, value);
        arguments.extend(command.env.iter().map(variable));
        if command.program().contains('=') {
            // To `env`, it would be one more variable.
            arguments
                .extend(["sh", "-c", "exec \"$@\"", "sh"].map(|word| word.as_bytes().to_owned()));
        }
    }
    script.push_str("\"$@\"");
    arguments.extend(command.argv.iter().map(|argument| argument.as_bytes().to_owned()));
    (script, arguments)
}

fn assignment(name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Vec<u8> {
    [name.as_ref().as_bytes(), b"=", value.as_ref().as_bytes()].concat()
}

/// Quotes for a shell: any byte but NUL stands for itself.
pub(super) fn quote(text: &[u8], line: &mut Vec<u8>) {
    line.push(b'\'');
    for byte in text {
        match byte {
            b'\'' => line.extend_from_slice(b"'\\''"),
            byte => line.push(*byte),
        }
    }
    line.push(b'\'');
}
