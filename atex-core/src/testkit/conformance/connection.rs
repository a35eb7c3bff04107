//! What a [`Connection`] promises.

use std::ffi::OsString;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::program::Scratch;
use super::{Check, Suite, ensure, lifetime, run_checks, upload};
use crate::{BoxError, Command, Connection, ConnectionExt, Error, Output, Result, Status, Stdio};

/// Runs all checks against connections of this factory, one fresh connection for each.
///
/// # Panics
/// With the list of the promises that are broken.
pub async fn all(connect: impl AsyncFn() -> Result<Arc<dyn Connection>>) {
    let mut suite = Suite::new("Connection");
    run_checks!(
        suite,
        &*connect().await?,
        [
            arguments_arrive_as_they_are,
            variables_arrive_as_they_are,
            programs_with_odd_names_run,
            exit_codes_arrive_as_they_are,
            what_cannot_be_started_is_told,
            a_signal_is_told_from_an_exit,
            streams_are_kept_apart,
            streams_carry_any_bytes_both_ways,
            no_input_is_an_empty_input,
            dropping_the_input_ends_it,
            descriptors_are_read_and_written,
            the_folder_is_the_one_asked_for,
            waiting_may_be_dropped_and_repeated,
            impossible_commands_are_refused,
            files_are_shared_if_it_says_so,
        ]
    );
    lifetime::run(&mut suite, &connect).await;
    upload::run(&mut suite, &connect).await;
    suite.finish();
}

/// Texts that shells, quoting and text encodings stumble over.
fn awkward() -> Vec<OsString> {
    let texts = [
        "",
        " ",
        "-n",
        "--",
        "-",
        "a b",
        "'",
        "''",
        "\"",
        "$HOME",
        "${x}",
        "$(id)",
        "`id`",
        "\\",
        "\\\\n",
        "*",
        "?",
        "~",
        "!x",
        "%s",
        "#",
        ";",
        "&&",
        "|",
        "<",
        ">",
        "(",
        ")",
        "{a,b}",
        "[a-z]",
        "=",
        "a=b",
        "\n",
        "\n\n",
        "a\nb",
        "\r\n",
        "\t",
        "\u{1b}[0m",
        "žluťoučký",
        "🦀",
        "\u{feff}",
    ];
    let mut all: Vec<OsString> = texts.map(OsString::from).into();
    all.push(OsString::from_vec((1..=255).collect()));
    all.push(OsString::from_vec(vec![0xff, 0xfe, 0xc3, 0x28]));
    all.push(OsString::from("x".repeat(60_000)));
    all
}

/// The outputs of a program that must succeed.
async fn output(connection: &dyn Connection, command: Command) -> Result<Output, BoxError> {
    let output = connection.output(command).await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {stderr}", output.status);
    Ok(output)
}

/// Every byte of an argument arrives.
pub async fn arguments_arrive_as_they_are(connection: &dyn Connection) -> Check {
    let arguments = awkward();
    let command = Command::bash("printf '%s\\0' \"$@\"").args(arguments.clone());
    let printed = output(connection, command).await?.stdout;
    let arrived: Vec<&[u8]> = printed.split(|byte| *byte == 0).collect();
    ensure!(arrived.len() == arguments.len() + 1, "{} arguments arrived", arrived.len() - 1);
    for (sent, arrived) in arguments.iter().zip(arrived) {
        let shown = String::from_utf8_lossy(arrived);
        ensure!(sent.as_bytes() == arrived, "{sent:?} arrived as {shown:?}");
    }
    Ok(())
}

/// Every byte of a variable arrives, also of one whose name no shell knows.
pub async fn variables_arrive_as_they_are(connection: &dyn Connection) -> Check {
    let values = awkward();
    // The first begins like an option, for backends that set variables by a program.
    let odd = ["-dash", "with.dot", "with space", "IFS", "TMPDIR", "čeština"];
    let odd = odd.map(|name| (name.into(), "value".into()));
    let numbered = (0..).map(|number| format!("ATEX_CHECK_{number}").into()).zip(values);
    let sent: Vec<(OsString, OsString)> = odd.into_iter().chain(numbered).collect();
    let mut command = Command::new("env").arg("-0");
    for (name, value) in &sent {
        command = command.env(name, value);
    }
    let printed = output(connection, command).await?.stdout;
    let arrived: Vec<&[u8]> = printed.split(|byte| *byte == 0).collect();
    for (name, value) in &sent {
        let variable = [name.as_bytes(), b"=", value.as_bytes()].concat();
        ensure!(arrived.contains(&&variable[..]), "{name:?} did not arrive as {value:?}");
    }
    Ok(())
}

/// A program may have any name, also with variables to set.
pub async fn programs_with_odd_names_run(connection: &dyn Connection) -> Check {
    let scratch = Scratch::new(connection).await?;
    for name in ["a b", "it's", "a=b", "-x", "line\nbreak"] {
        let program = format!("{}/{name}", scratch.path());
        let script = "printf '#!/bin/sh\\necho \"$ATEX_CHECK\"\\n' >\"$1\" && chmod +x -- \"$1\"";
        connection.script(script, &[&program]).await?;
        let command = Command::new(&program).env("ATEX_CHECK", "it ran");
        let printed = output(connection, command).await?.stdout;
        ensure!(printed == b"it ran\n", "{name:?} printed {printed:?}");
    }
    Ok(scratch.remove().await?)
}

/// Exit codes arrive, those that ssh and shells use for themselves included.
pub async fn exit_codes_arrive_as_they_are(connection: &dyn Connection) -> Check {
    for code in [0, 1, 2, 77, 125, 126, 127, 128, 130, 137, 254, 255] {
        let command = Command::bash("exit $1").arg(code.to_string());
        let status = connection.spawn(command).await?.wait().await?;
        ensure!(status == Status::Code(code), "exit code {code} arrived as: {status}");
    }
    Ok(())
}

/// A program that is not there, or cannot be executed, is told by 127 and 126, or [`Error::Spawn`].
pub async fn what_cannot_be_started_is_told(connection: &dyn Connection) -> Check {
    let scratch = Scratch::new(connection).await?;
    let plain = format!("{}/plain", scratch.path());
    connection.script(r#": >"$1""#, &[&plain]).await?;
    for (program, code) in [("atex-no-such-program", 127), (&plain, 126)] {
        let ended = match connection.spawn(Command::new(program)).await {
            Ok(mut child) => child.wait().await,
            Err(error) => Err(error),
        };
        match ended {
            Ok(Status::Code(ended)) if ended == code => {}
            Err(Error::Spawn { .. }) => {}
            other => return Err(format!("{program} gave {other:?}").into()),
        }
    }
    Ok(scratch.remove().await?)
}

/// A program that is killed by a signal did not exit.
pub async fn a_signal_is_told_from_an_exit(connection: &dyn Connection) -> Check {
    let status = connection.spawn(Command::bash("kill -KILL $$")).await?.wait().await?;
    ensure!(matches!(status, Status::Signal(9) | Status::Killed), "SIGKILL arrived as: {status}");
    Ok(())
}

/// Standard output and standard error do not mix.
pub async fn streams_are_kept_apart(connection: &dyn Connection) -> Check {
    let printed = output(connection, Command::bash("echo out; echo err >&2")).await?;
    ensure!(printed.stdout == b"out\n", "standard output was {:?}", printed.stdout);
    ensure!(printed.stderr == b"err\n", "standard error was {:?}", printed.stderr);
    Ok(())
}

/// Four megabytes of every byte go there and come back.
pub async fn streams_carry_any_bytes_both_ways(connection: &dyn Connection) -> Check {
    let sent = noise(4 << 20);
    let printed = connection.output_with_input(Command::new("cat"), &sent).await?;
    ensure!(printed.status.success(), "cat {}", printed.status);
    let length = printed.stdout.len();
    ensure!(printed.stdout == sent, "{} bytes came back as {length} or changed", sent.len());
    Ok(())
}

/// Bytes that are all there, and in no order that something could take for its own.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// Without an input, a program reads the end at once, and never what we could read.
pub async fn no_input_is_an_empty_input(connection: &dyn Connection) -> Check {
    let printed = output(connection, Command::new("cat")).await?.stdout;
    ensure!(printed.is_empty(), "cat read {printed:?}");
    Ok(())
}

/// Bytes arrive when they are written, and the input ends when it is dropped.
pub async fn dropping_the_input_ends_it(connection: &dyn Connection) -> Check {
    let command = Command::new("cat").stdin(Stdio::Piped).stdout(Stdio::Piped);
    let mut child = connection.spawn(command).await?;
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("pipes were asked for, and are not there".into());
    };
    for word in [b"one", b"two"] {
        stdin.write_all(word).await?;
        stdin.flush().await?;
        let mut back = [0; 3];
        stdout.read_exact(&mut back).await?;
        ensure!(back == *word, "{word:?} came back as {back:?}");
    }
    drop(stdin);
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).await?;
    ensure!(rest.is_empty(), "{rest:?} came after the end");
    let status = child.wait().await?;
    ensure!(status.success(), "cat {status}");
    Ok(())
}

/// Descriptors of ours serve as streams, from where they stand, and hold all of the output when the program has ended.
pub async fn descriptors_are_read_and_written(connection: &dyn Connection) -> Check {
    let sent = noise(300_000);
    let temporary = || tempfile::tempfile().map_err(Error::io("cannot create", "a temporary file"));
    for _ in 0..10 {
        let (mut input, mut out, mut err) = (temporary()?, temporary()?, temporary()?);
        input.write_all(b"skipped")?;
        input.write_all(&sent)?;
        input.seek(SeekFrom::Start(7))?;
        out.write_all(b"kept")?;
        let command = Command::bash("cat; echo error >&2")
            .stdin(input)
            .stdout(out.try_clone()?)
            .stderr(err.try_clone()?);
        let status = connection.spawn(command).await?.wait().await?;
        ensure!(status.success(), "cat {status}");
        let read = |file: &mut std::fs::File| -> std::io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let printed = read(&mut out)?;
        let expected = [b"kept", &sent[..]].concat();
        let (length, whole) = (printed.len(), expected.len());
        ensure!(printed == expected, "standard output has {length} bytes of {whole}, or others");
        ensure!(read(&mut err)? == b"error\n", "standard error is not what was printed");
    }
    Ok(())
}

/// A program starts in the folder of its command, whatever the name; one that is not there is an error of some kind.
pub async fn the_folder_is_the_one_asked_for(connection: &dyn Connection) -> Check {
    let scratch = Scratch::new(connection).await?;
    for name in ["plain", "a b", "it's $HOME", "-x", "line\nbreak"] {
        let folder = format!("{}/{name}", scratch.path());
        connection.script(r#"mkdir -- "$1""#, &[&folder]).await?;
        connection.script(r#": >"$1/mark""#, &[&folder]).await?;
        let printed = output(connection, Command::new("ls").current_dir(&folder)).await?.stdout;
        ensure!(printed == b"mark\n", "in {folder:?}, ls printed {printed:?}");
    }
    let missing = format!("{}/missing", scratch.path());
    let ended = match connection.spawn(Command::new("true").current_dir(missing)).await {
        Ok(mut child) => child.wait().await,
        Err(error) => Err(error),
    };
    ensure!(!matches!(ended, Ok(Status::Code(0))), "a program ran in a folder that is not there");
    Ok(scratch.remove().await?)
}

/// Waiting may be given up and taken up again, and repeated after the end.
pub async fn waiting_may_be_dropped_and_repeated(connection: &dyn Connection) -> Check {
    let command = Command::bash("read -r _; exit 7").stdin(Stdio::Piped);
    let mut child = connection.spawn(command).await?;
    for _ in 0..3 {
        let waited = tokio::select! {
            biased;
            status = child.wait() => Some(status),
            () = tokio::task::yield_now() => None,
        };
        ensure!(waited.is_none(), "it ended before its input did: {waited:?}");
    }
    drop(child.stdin.take());
    for _ in 0..3 {
        let status = child.wait().await?;
        ensure!(status == Status::Code(7), "{status}");
    }
    child.start_kill()?;
    Ok(())
}

/// What no system could start is [`Error::Usage`].
pub async fn impossible_commands_are_refused(connection: &dyn Connection) -> Check {
    let mut empty = Command::new("true");
    empty.argv.clear();
    let commands = [
        empty,
        Command::new(""),
        Command::new("true").arg("a\0b"),
        Command::new("tr\0ue"),
        Command::new("true").env("A", "a\0b"),
        Command::new("true").env("A=B", "c"),
        Command::new("true").env("", "c"),
        Command::new("true").current_dir("/\0"),
    ];
    for command in commands {
        let shown = format!("{:?} {:?}", command.argv, command.env);
        match connection.spawn(command).await {
            Err(Error::Usage(_)) => {}
            other => return Err(format!("{shown} gave {other:?}").into()),
        }
    }
    Ok(())
}

/// Where [`shares_files`](Connection::shares_files) says yes, a program finds and writes a file of this machine, and we find what
/// it wrote.
pub async fn files_are_shared_if_it_says_so(connection: &dyn Connection) -> Check {
    if !connection.shares_files() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    std::fs::write(&ours, "shared")?;
    let copy = Command::new("cp").arg(&ours).arg(&theirs);
    let output = connection.output(copy).await?;
    ensure!(output.status.success(), "{output:?}");
    ensure!(std::fs::read(&theirs)? == b"shared", "what was written there is not here");
    Ok(())
}
