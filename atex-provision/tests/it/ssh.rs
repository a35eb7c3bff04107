//! [`Ssh`]: connecting, what goes wrong, and what becomes of programs when the connection goes.

use std::io::Read;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;

use atex_core::{
    Command, Connection, ConnectionExt, CopyOptions, Error, Failure, PackedTree, Retry, Status,
    Stdio,
};
use atex_provision::testkit::Sshd;
use atex_provision::{Ssh, SshConnection};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

async fn failure(ssh: &Ssh) -> (Error, String) {
    let error = ssh.connect().await.unwrap_err();
    let message = Failure::from(&error).message;
    (error, message)
}

#[tokio::test]
async fn a_refused_connection_says_what_to_try() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ssh = Ssh::new("127.0.0.1").port(free).config_file("/dev/null");
    let (error, message) = failure(&ssh).await;
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    insta::assert_snapshot!(message.replace(&free.to_string(), "PORT"), @r#"cannot connect to 127.0.0.1:PORT: ssh: connect to host 127.0.0.1 port PORT: Connection refused (does sshd run there, on that port?)"#);
}

#[tokio::test]
async fn an_unknown_name_says_what_to_try() {
    let (error, message) =
        failure(&Ssh::new("root@no.such.host.invalid").config_file("/dev/null")).await;
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    let message = message.split_once(": ").unwrap();
    assert_eq!(message.0, "cannot connect to root@no.such.host.invalid");
    assert!(message.1.starts_with("ssh: Could not resolve hostname"), "{message:?}");
    assert!(message.1.ends_with("(is the name right?)"), "{message:?}");
}

#[tokio::test]
async fn a_silent_host_is_given_up_after_the_limit() {
    // It takes the connection, by its queue, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let ssh = Ssh::new("127.0.0.1")
        .port(silent.local_addr().unwrap().port())
        .config_file("/dev/null")
        .connect_limit(std::time::Duration::from_millis(300));
    let (_, message) = failure(&ssh).await;
    assert!(message.ends_with(": no connection within 0.3s"), "{message}");
}

#[tokio::test]
async fn a_wrong_key_is_denied() {
    let Some(sshd) = Sshd::for_test("a_wrong_key_is_denied") else { return };
    let other = Sshd::start().unwrap().unwrap();
    let ssh = Ssh::new(sshd.destination())
        .port(sshd.port())
        .config_file("/dev/null")
        .identity(other.identity())
        .option("IdentityAgent=none")
        .option("StrictHostKeyChecking=no")
        .option("UserKnownHostsFile=/dev/null");
    let (error, message) = failure(&ssh).await;
    assert!(matches!(error, Error::Denied { .. }), "{message}");
    let message =
        message.replace(&sshd.destination(), "USER@HOST").replace(&sshd.port().to_string(), "PORT");
    insta::assert_snapshot!(message, @r#"USER@HOST:PORT denied access: USER@HOST: Permission denied (publickey). (is your key accepted there? try `ssh USER@HOST true`)"#);
}

#[tokio::test]
async fn an_unknown_host_key_is_not_trusted() {
    let Some(sshd) = Sshd::for_test("an_unknown_host_key_is_not_trusted") else { return };
    let (error, message) = failure(&sshd.ssh().option("UserKnownHostsFile=/dev/null")).await;
    assert!(matches!(error, Error::Connect { .. }), "{message}");
    assert!(message.contains("Host key verification failed"), "{message}");
    assert!(message.contains("StrictHostKeyChecking=accept-new"), "{message}");
}

#[tokio::test]
async fn an_odd_destination_is_refused() {
    for odd in ["", "-oProxyCommand=true", "a b"] {
        let error = Ssh::new(odd).connect().await.unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{error:?}");
    }
}

#[tokio::test]
async fn callers_share_one_attempt() {
    let Some(sshd) = Sshd::for_test("callers_share_one_attempt") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    let before = logins(&sshd);
    let (a, b, c) =
        tokio::join!(connection.reconnect(), connection.reconnect(), connection.reconnect());
    a.and(b).and(c).unwrap();
    assert_eq!(logins(&sshd) - before, 1);
    connection.reconnect().await.unwrap();
    assert_eq!(logins(&sshd) - before, 2);
}

/// How often somebody logged in.
fn logins(sshd: &Sshd) -> usize {
    let log = std::fs::read_to_string(sshd.config_file().with_file_name("log")).unwrap();
    log.lines().filter(|line| line.starts_with("Accepted publickey")).count()
}

/// A program that says its process number and then runs on.
async fn running(connection: &SshConnection, stdin: Stdio) -> (atex_core::Child, i32) {
    let command = Command::bash("echo $$; exec sleep 1000").stdin(stdin).stdout(Stdio::Piped);
    let mut child = connection.spawn(command).await.unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).await.unwrap();
    (child, line.trim().parse().unwrap())
}

/// Waits for the end of a process of this machine.
async fn gone(process: i32) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let Ok(handle) = pidfd_open(Pid::from_raw(process).unwrap(), PidfdFlags::empty()) else {
        return;
    };
    let ended = tokio::task::spawn_blocking(move || {
        let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
        poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&limit)).unwrap()
    });
    assert_eq!(ended.await.unwrap(), 1, "process {process} still runs");
}

#[tokio::test]
async fn programs_without_input_die_with_the_connection() {
    let Some(mut sshd) = Sshd::for_test("programs_without_input_die_with_the_connection") else {
        return;
    };
    let connection = sshd.ssh().connect().await.unwrap();
    let (_child, process) = running(&connection, Stdio::Null).await;
    tokio::task::spawn_blocking(move || sshd.cut()).await.unwrap();
    gone(process).await;
}

#[tokio::test]
async fn closing_kills_programs_with_and_without_input() {
    let Some(sshd) = Sshd::for_test("closing_kills_programs") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    let (mut child, with) = running(&connection, Stdio::Piped).await;
    let (_child, without) = running(&connection, Stdio::Null).await;
    connection.close().await.unwrap();
    gone(with).await;
    gone(without).await;
    // Whichever is seen first.
    let ended = child.wait().await;
    assert!(matches!(ended, Ok(Status::Killed) | Err(Error::Lost { .. })), "{ended:?}");
    assert!(matches!(connection.closed().await, Error::NotConnected { .. }));
    assert!(matches!(connection.reconnect().await, Err(Error::NotConnected { .. })));
}

#[tokio::test]
async fn dropping_the_connection_leaves_no_ssh_behind() {
    let Some(sshd) = Sshd::for_test("dropping_the_connection_leaves_no_ssh_behind") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    let (child, process) = running(&connection, Stdio::Null).await;
    let masters = masters(&sshd);
    assert_eq!(masters.len(), 1);
    drop((child, connection));
    gone(masters[0]).await;
    gone(process).await;
}

/// Not a test by itself: what [`ssh_does_not_outlive_us`] runs in a process of its own, to kill it.
#[tokio::test]
async fn holds_a_connection_until_it_is_killed() {
    let Some(config) = std::env::var_os("ATEX_TEST_HOLD") else { return };
    let _connection = Ssh::new("127.0.0.1").config_file(config).connect().await.unwrap();
    std::io::Write::write_all(&mut std::io::stderr(), b"connected\n").unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn ssh_does_not_outlive_us() {
    let Some(sshd) = Sshd::for_test("ssh_does_not_outlive_us") else { return };
    let mut holder = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ssh::holds_a_connection_until_it_is_killed", "--nocapture"])
        .env("ATEX_TEST_HOLD", sshd.config_file())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(holder.stderr.take().unwrap()).lines();
    assert_eq!(said.next_line().await.unwrap().as_deref(), Some("connected"));
    let master = masters(&sshd)[0];
    holder.kill().await.unwrap();
    gone(master).await;
}

/// The ssh processes that hold a connection to this server.
fn masters(sshd: &Sshd) -> Vec<i32> {
    let config = sshd.config_file().display().to_string();
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_master = |id: &i32| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.starts_with("ssh\0") && line.contains(&config)
    };
    numbers.filter(is_master).collect()
}

#[tokio::test]
async fn a_program_killed_by_a_signal_is_told_from_a_lost_connection() {
    let Some(sshd) = Sshd::for_test("a_program_killed_by_a_signal") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    let output = connection.output(Command::bash("kill -TERM $$")).await.unwrap();
    assert_eq!(output.status, Status::Killed);
}

#[tokio::test]
async fn all_of_the_output_is_in_the_file_when_the_program_has_ended() {
    let Some(sshd) = Sshd::for_test("all_of_the_output_is_in_the_file") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    for run in 0..20 {
        let path = dir.path().join("out");
        // The second kind is refused by the kernel's own way to move bytes.
        let mut options = std::fs::File::options();
        let file = options.create(true).write(true).append(run % 2 == 1).open(&path).unwrap();
        let command = Command::new("head").args(["-c", "8000000", "/dev/zero"]).stdout(file);
        let status = connection.spawn(command).await.unwrap().wait().await.unwrap();
        assert_eq!(status, Status::Code(0));
        assert_eq!(path.metadata().unwrap().len(), 8_000_000, "run {run}");
        std::fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn all_of_the_output_can_be_read_after_the_end() {
    let Some(sshd) = Sshd::for_test("all_of_the_output_can_be_read") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    for _ in 0..20 {
        let command = Command::new("head").args(["-c", "60000", "/dev/zero"]).stdout(Stdio::Piped);
        let mut child = connection.spawn(command).await.unwrap();
        assert_eq!(child.wait().await.unwrap(), Status::Code(0));
        let mut bytes = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes.len(), 60_000);
    }
}

/// A file that both outputs share, a pipe, a socket: whatever a descriptor may be, all of it gets there.
#[tokio::test]
async fn outputs_go_to_descriptors_of_any_kind() {
    let Some(sshd) = Sshd::for_test("outputs_go_to_descriptors_of_any_kind") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    let print = || Command::bash("head -c 3000000 /dev/zero; head -c 500000 /dev/zero >&2");
    let shared = tempfile::NamedTempFile::new().unwrap();
    let (one, other) = (shared.reopen().unwrap(), shared.as_file().try_clone().unwrap());
    let both = print().stdout(one.try_clone().unwrap()).stderr(one);
    assert_eq!(connection.spawn(both).await.unwrap().wait().await.unwrap(), Status::Code(0));
    assert_eq!(other.metadata().unwrap().len(), 3_500_000);
    let (reader, writer) = std::io::pipe().unwrap();
    let (socket, end) = std::os::unix::net::UnixStream::pair().unwrap();
    let command = print().stdout(OwnedFd::from(writer)).stderr(OwnedFd::from(end));
    let mut child = connection.spawn(command).await.unwrap();
    let read = |mut from: Box<dyn Read + Send>| {
        tokio::task::spawn_blocking(move || std::io::copy(&mut from, &mut std::io::sink()).unwrap())
    };
    let (out, err) = (read(Box::new(reader)), read(Box::new(socket)));
    assert_eq!(child.wait().await.unwrap(), Status::Code(0));
    drop(child);
    assert_eq!((out.await.unwrap(), err.await.unwrap()), (3_000_000, 500_000));
}

#[tokio::test]
async fn an_output_that_cannot_be_written_ends_the_program_and_is_told() {
    let Some(sshd) = Sshd::for_test("an_output_that_cannot_be_written") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut child = connection.spawn(Command::new("yes").stdout(full)).await.unwrap();
    let error = Failure::from(&child.wait().await.unwrap_err());
    let message = error.message.replace(&sshd.ssh().name(), "HOST");
    insta::assert_snapshot!(message, @"HOST: cannot write the output of `yes`: No space left on device (os error 28)");
    assert_eq!(error.retry, Retry::Never);
    // Nobody wants it: a program that goes on gets a broken pipe, as it would here.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let command = Command::new("yes").stdout(OwnedFd::from(writer));
    let status = connection.spawn(command).await.unwrap().wait().await.unwrap();
    assert_eq!(status, Status::Killed);
}

#[tokio::test]
async fn more_programs_than_the_server_takes_wait_their_turn() {
    let Some(sshd) = Sshd::for_test("more_programs_than_the_server_takes") else { return };
    sshd.configure_server("MaxSessions 3").unwrap();
    let connection = Arc::new(sshd.ssh().connect().await.unwrap());
    let runs: Vec<_> = (0..12)
        .map(|number| {
            let connection = Arc::clone(&connection);
            tokio::spawn(async move { connection.script("echo $1", &[&number.to_string()]).await })
        })
        .collect();
    for (number, run) in runs.into_iter().enumerate() {
        assert_eq!(run.await.unwrap().unwrap(), format!("{number}\n"));
    }
}

#[tokio::test]
async fn something_in_the_background_does_not_hold_the_end_back() {
    let Some(sshd) = Sshd::for_test("something_in_the_background") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    // It holds neither output, since those go nowhere.
    let started = connection.spawn(Command::bash("setsid sleep 1000 & exit 3")).await;
    assert_eq!(started.unwrap().wait().await.unwrap(), Status::Code(3));
    // Here it holds them, which is waited for, but not for long.
    let hold = || Command::bash("setsid sleep 1000 & echo $!");
    let file = tempfile::NamedTempFile::new().unwrap();
    let written = connection.spawn(hold().stdout(file.reopen().unwrap())).await;
    let (mut written, mut child) =
        (written.unwrap(), connection.spawn(hold().stdout(Stdio::Piped)).await.unwrap());
    let (first, second) = tokio::join!(written.wait(), child.wait());
    assert_eq!((first.unwrap(), second.unwrap()), (Status::Code(0), Status::Code(0)));
    assert!(file.as_file().metadata().unwrap().len() > 1);
    let mut number = [0; 64];
    let length = child.stdout.as_mut().unwrap().read(&mut number).await.unwrap();
    assert!(length > 1);
}

#[tokio::test]
async fn the_control_socket_is_private() {
    let Some(sshd) = Sshd::for_test("the_control_socket_is_private") else { return };
    let _connection = sshd.ssh().connect().await.unwrap();
    let line = std::fs::read(format!("/proc/{}/cmdline", masters(&sshd)[0])).unwrap();
    let words: Vec<String> =
        line.split(|b| *b == 0).map(|w| String::from_utf8_lossy(w).into_owned()).collect();
    let socket = &words[words.iter().position(|word| word == "-S").unwrap() + 1];
    let dir = std::path::Path::new(socket).parent().unwrap();
    assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

/// What is kept there of uploaded trees, each with what tells whether it was written anew.
fn kept(sshd: &Sshd) -> Vec<(String, u64)> {
    let cache = std::fs::read_dir(sshd.config_file().with_file_name("cache").join("atex")).unwrap();
    let found = cache.map(|entry| entry.unwrap());
    found.map(|e| (e.file_name().into_string().unwrap(), e.metadata().unwrap().ino())).collect()
}

#[tokio::test]
async fn an_unchanged_tree_is_sent_once_and_one_tree_is_kept() {
    let Some(sshd) = Sshd::for_test("an_unchanged_tree_is_sent_once") else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let to = there.path().to_str().unwrap();
    let tree = async |text: &str, more: usize| {
        std::fs::write(here.path().join("file"), text).unwrap();
        std::fs::write(here.path().join("more"), vec![b'x'; more]).unwrap();
        let parts = vec![(here.path().to_owned(), "sub".to_owned())];
        PackedTree::pack(parts, CopyOptions::default()).await.unwrap()
    };
    // What is small costs less to send than to ask for.
    let small = tree("small", 1000).await;
    connection.upload_packed(&small, to).await.unwrap();
    assert!(!sshd.config_file().with_file_name("cache").join("atex").exists());
    let first = tree("first", 100_000).await;
    let arrived = || std::fs::read_to_string(there.path().join("sub/file")).unwrap();
    connection.upload_packed(&first, to).await.unwrap();
    let once = kept(&sshd);
    assert_eq!(once[0].0, format!("{}.tar", first.digest()));
    connection.upload_packed(&first, to).await.unwrap();
    assert_eq!(kept(&sshd), once, "it was sent again");
    // Somebody meddled with it.
    let file = sshd.config_file().with_file_name("cache").join("atex").join(&once[0].0);
    std::fs::write(&file, "tampered").unwrap();
    connection.upload_packed(&first, to).await.unwrap();
    assert_eq!(arrived(), "first");
    assert_eq!(file.metadata().unwrap().len(), first.bytes());
    let second = tree("second", 100_000).await;
    connection.upload_packed(&second, to).await.unwrap();
    assert_eq!(arrived(), "second");
    let names: Vec<String> = kept(&sshd).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [format!("{}.tar", second.digest())]);
    // A cache that cannot be had does no harm.
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file.parent().unwrap(), "in the way").unwrap();
    connection.upload_packed(&first, to).await.unwrap();
    assert_eq!(arrived(), "first");
}

/// What a startup file may do besides printing; what a program that prints `out` and `err` then gives: its outputs, or the error.
#[tokio::test]
async fn startup_files_are_told_from_programs() {
    let cases = [
        ("", "out err"),
        ("set -x", "out err"),
        ("echo a >&2", "out err"),
        ("head -c 1000000 /dev/zero; trap 'echo bye' EXIT", "out err"),
        ("head -c 1200000 /dev/zero | tr '\\0' z", "it went on printing, having printed \"z…z\""),
        (
            "echo sorry; echo 'no \"entry\"' >&2; exit 0",
            r#"it ended, having printed "sorry; no \"entry\"""#,
        ),
        ("exit", "it ended, having printed nothing"),
        ("exec 2>/dev/null", "it ended, having printed nothing"),
    ];
    for (script, expected) in cases {
        let test = "startup_files_are_told_from_programs";
        let Some(sshd) = Sshd::for_test_with_startup(test, script) else { return };
        let connection = sshd.ssh().connect().await.unwrap();
        // The second one starts when it is known whether the shell is quiet; nobody wants the outputs of the third one.
        for null in [false, false, true] {
            let program = Command::bash("echo out; echo err >&2");
            let found = if null {
                let ran = connection.spawn(program).await;
                ran.map(|_| "out err".to_owned())
            } else {
                let output = connection.output(program).await;
                output.map(|output| {
                    let text = |bytes| String::from_utf8(bytes).unwrap().trim().to_owned();
                    format!("{} {}", text(output.stdout), text(output.stderr))
                })
            };
            let found = found.unwrap_or_else(|error| {
                let message = Failure::from(&error).message;
                let why = message.split_once("its login shell did not start `bash`: ").unwrap().1;
                let zs = "z".repeat(why.matches('z').count());
                if zs.is_empty() { why.to_owned() } else { why.replace(&zs, "z…z") }
            });
            assert_eq!(found, expected, "{script}");
        }
    }
}

/// One that prints only sometimes is listened to for good after the first time.
#[tokio::test]
async fn a_shell_that_was_heard_once_is_not_trusted_any_more() {
    let test = "a_shell_that_was_heard_once_is_not_trusted_any_more";
    let script = r#"[ -e ~/quiet ] || echo "$RANDOM"; : >~/quiet; [ ! -e ~/loud ] || echo loud"#;
    let Some(sshd) = Sshd::for_test_with_startup(test, script) else { return };
    let connection = sshd.ssh().connect().await.unwrap();
    for script in ["echo one", "touch ~/loud; echo one", "echo one"] {
        assert_eq!(connection.script(script, &[]).await.unwrap(), "one\n");
    }
}

#[tokio::test]
async fn a_login_shell_that_hangs_is_given_up() {
    let test = "a_login_shell_that_hangs_is_given_up";
    let Some(sshd) = Sshd::for_test_with_startup(test, "echo hm; read -r _; read -r _") else {
        return;
    };
    let ssh = sshd.ssh().connect_limit(std::time::Duration::from_secs(5));
    let error = ssh.connect().await.unwrap().spawn(Command::new("true")).await.unwrap_err();
    let message = Failure::from(&error).message.replace(&ssh.name(), "HOST");
    insta::assert_snapshot!(message, @r#"HOST: its login shell did not start `true`: it took longer than 5s, having printed "hm""#);
}
