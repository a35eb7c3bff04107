//! [`Container`]: connecting, what goes wrong, and what becomes of programs when the connection or the container goes.

use atex_core::{Command, Connection, ConnectionExt, Error, Failure, Status, Stdio};
use atex_provision::Container;
use atex_provision::testkit::Podman;
use tokio::io::{AsyncBufReadExt, BufReader};

async fn refusal(container: &Container) -> String {
    let error = container.connect().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    Failure::from(&error).message
}

#[tokio::test]
async fn a_container_that_is_not_there_is_told_with_what_the_tool_says() {
    let Some(podman) = Podman::for_test("a_container_that_is_not_there") else { return };
    let words = podman.container();
    let missing = Container::podman("atex-no-such-container");
    let tool = Container::podman(words.name()).tool(["atex-no-such-tool"]);
    let message = refusal(&tool).await;
    assert_eq!(
        message.replace(words.name().as_str(), "NAME"),
        "cannot connect to NAME: cannot run atex-no-such-tool: No such file or directory (os error 2) (is it installed?)"
    );
    let message = refusal(&missing.tool(podman.tool())).await;
    assert!(message.contains("no container with name or ID"), "{message}");
    for odd in ["", "-l", "a b"] {
        let error = Container::podman(odd).connect().await.unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_container_that_dies_is_noticed_and_told() {
    let Some(podman) = Podman::for_test("a_container_that_dies_is_noticed") else { return };
    let connection = podman.container().connect().await.unwrap();
    let command = Command::bash("echo on; exec sleep 1000").stdout(Stdio::Piped);
    let mut child = connection.spawn(command).await.unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).await.unwrap();
    let (closed, killed) =
        tokio::join!(connection.closed(), async { podman.podman(&["kill", podman.name()]) });
    killed.unwrap();
    assert!(matches!(closed, Error::Lost { .. }), "{closed:?}");
    let waited = child.wait().await.unwrap_err();
    assert!(matches!(waited, Error::Lost { .. }), "{waited:?}");
    let spawned = connection.spawn(Command::new("true")).await.unwrap_err();
    assert!(matches!(spawned, Error::Lost { .. }), "{spawned:?}");
    let refused = connection.reconnect().await.unwrap_err();
    assert!(matches!(refused, Error::Connect { .. }), "{refused:?}");
}

#[tokio::test]
async fn all_programs_die_with_the_connection_and_another_one_works() {
    let Some(podman) = Podman::for_test("all_programs_die_with_the_connection") else { return };
    let connection = podman.container().connect().await.unwrap();
    let other = podman.container().connect().await.unwrap();
    let alive = "exec 9>/tmp/alive; echo on; exec sleep 1000";
    other.script("mkfifo /tmp/alive", &[]).await.unwrap();
    let mut reader = other.spawn(Command::new("cat").arg("/tmp/alive")).await.unwrap();
    let command = Command::bash(alive).stdout(Stdio::Piped).stdin(Stdio::Piped);
    let mut child = connection.spawn(command).await.unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).await.unwrap();
    // The guard sees the end of its input, as when we are killed.
    connection.reconnect().await.unwrap();
    assert_eq!(reader.wait().await.unwrap(), Status::Code(0));
    let left = connection.script("ls -d /dev/shm/atex-*/ | wc -l", &[]).await.unwrap();
    assert_eq!(left, "2\n", "a folder of a guard that is gone is left");
}

/// What a shell cannot tell from an exit code, and what it can.
#[tokio::test]
async fn signals_are_told_as_far_as_a_shell_tells_them() {
    let Some(podman) = Podman::for_test("signals_are_told") else { return };
    let connection = podman.container().connect().await.unwrap();
    for (signal, expected) in
        [("TERM", Status::Killed), ("SEGV", Status::Killed), ("PIPE", Status::Code(141))]
    {
        let output = connection.output(Command::bash("kill -$1 $$").arg(signal)).await.unwrap();
        assert_eq!(output.status, expected, "{signal}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{signal}");
    }
}
