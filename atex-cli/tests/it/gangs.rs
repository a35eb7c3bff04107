//! Tests that run at once: how they find each other, and wait for each other.

use std::fs;
use std::process::Child;

use atex_provision::testkit::{Machine, Podman, Sshd, TestImage};

use crate::bench::Bench;

/// Each writes down where all of them are, waits for a file, and passes the second time.
const TREE: &[(&str, &str)] = &[(
    "main.fmf",
    r#"
extra-together: net
duration: 2m
test: |
    echo "$ATEX_PEERS" >>"$FOLDER/$ATEX_ROLE"
    until [ -e "$FOLDER/go" ]; do sleep 0.05; done
    [ $(wc -l <"$FOLDER/$ATEX_ROLE") = 2 ]
/client:
    summary: Calls
/server:
    summary: Is called
"#,
)];

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is() {
        assert!(began.elapsed().as_secs() < 60, "never: {what}");
        std::thread::yield_now();
    }
}

/// What the roles were told of each other, a line for each time.
fn told(bench: &Bench) -> String {
    ["client", "server"].map(|role| fs::read_to_string(bench.path(role)).unwrap()).concat()
}

#[test]
fn hosts_are_told_by_what_ssh_connects_to() {
    let test = "hosts_are_told_by_what_ssh_connects_to";
    let (Some(one), Some(two)) = (Sshd::for_test(test), Sshd::for_test(test)) else { return };
    let bench = Bench::new(TREE);
    bench.write("go", "");
    let pool = |sshd: &Sshd| {
        let (port, config) = (sshd.port(), sshd.config_file());
        format!(
            "--pool ssh:{}:{port},ssh_config={},platform=x",
            sshd.destination(),
            config.display()
        )
    };
    let folder = bench.path("").display().to_string();
    let pools = format!("{} {}", pool(&one), pool(&two));
    let run = format!("run {pools} --reruns 1 -e FOLDER={folder} --progress none --out ../out");
    let output = bench.command(&run).output().unwrap();
    assert!(output.status.success(), "{}", bench.transcript(&run, &output));
    assert_eq!(told(&bench), "client=127.0.0.1 server=127.0.0.1\n".repeat(4));
}

/// Another controller knows it as well, when it runs them once more on the systems that it took over.
#[test]
fn a_resumed_run_knows_where_they_are() {
    let bench = Bench::new(TREE);
    let folder = bench.path("").display().to_string();
    let run = format!(
        "run --pool local,max=2 --reruns 1 -e FOLDER={folder} --progress none --out ../out"
    );
    let mut child = bench.spawn(&run);
    let begun = |role| fs::read(bench.path(role)).is_ok_and(|told| told.ends_with(b"\n"));
    until("both begin", || begun("client") && begun("server"));
    child.kill().unwrap();
    child.wait().unwrap();
    bench.write("go", "");
    let output = bench.command("run --resume ../out --progress none").output().unwrap();
    assert!(output.status.success(), "{}", bench.transcript("run --resume", &output));
    assert_eq!(told(&bench), "client=localhost server=localhost\n".repeat(4));
    let journal = fs::read_to_string(bench.path("out/journal.jsonl")).unwrap();
    let provisioned = journal.matches("\"remote_provisioned\"").count();
    // One has to be replaced, because a test that failed is rather run elsewhere.
    assert!(provisioned < 4, "nothing was taken over: {journal}");
    bench.assert_clean();
}

/// The client is there first, and the server only comes once that is known.
const MEETING: &str = r#"
extra-together: net
duration: 2m
/client:
    test: |
        atex-barrier up
        [ -e "$FOLDER/served" ]
        atex-barrier -t 100 done
/server:
    test: |
        until grep -q '"/client".*"barrier":"up"' "$FOLDER/out/journal.jsonl"; do sleep 0.05; done
        until [ -e "$FOLDER/go" ]; do sleep 0.05; done
        touch "$FOLDER/served"
        atex-barrier up
        atex-barrier done
"#;

fn ssh_pool(sshd: &Sshd) -> String {
    let (port, config) = (sshd.port(), sshd.config_file());
    format!("--pool ssh:{}:{port},ssh_config={},platform=x", sshd.destination(), config.display())
}

/// Begins a run whose tests know the folder of the bench.
fn begin(bench: &Bench, arguments: &str) -> Child {
    let folder = bench.path("").display().to_string();
    bench.spawn(&format!("run {arguments} -e FOLDER={folder} --progress none --out ../out"))
}

fn journal(bench: &Bench) -> String {
    fs::read_to_string(bench.path("out/journal.jsonl")).unwrap_or_default()
}

/// Waits until the client waits at a barrier.
fn client_waits(bench: &Bench) {
    let waits = |line: &str| line.contains("barrier_reached") && line.contains("\"/client\"");
    until("the client waits", || journal(bench).lines().any(waits));
}

fn assert_passed(bench: &Bench, run: Child) {
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", bench.transcript("run", &output));
    let started = journal(bench).matches("test_started").count();
    assert_eq!(started, 2, "not at the first attempt: {}", journal(bench));
}

#[test]
fn tests_wait_for_each_other() {
    let bench = Bench::new(&[("main.fmf", MEETING)]);
    bench.write("go", "");
    let run = begin(&bench, "--pool local,max=2");
    assert_passed(&bench, run);
    bench.assert_clean();
}

/// The server comes when the connection of the client, which waits, is gone.
#[test]
fn whoever_waits_is_told_when_its_connection_is_back() {
    let test = "whoever_waits_is_told_when_its_connection_is_back";
    let (Some(mut one), Some(mut two)) = (Sshd::for_test(test), Sshd::for_test(test)) else {
        return;
    };
    let bench = Bench::new(&[("main.fmf", MEETING)]);
    let run = begin(&bench, &format!("{} {}", ssh_pool(&one), ssh_pool(&two)));
    client_waits(&bench);
    one.cut();
    two.cut();
    bench.write("go", "");
    assert_passed(&bench, run);
}

/// The controller is killed while the client waits; another one hears of the server, and tells both.
#[test]
fn a_resumed_run_knows_who_waits() {
    let bench = Bench::new(&[("main.fmf", MEETING)]);
    let mut run = begin(&bench, "--pool local,max=2");
    client_waits(&bench);
    run.kill().unwrap();
    run.wait().unwrap();
    bench.write("go", "");
    assert_passed(&bench, bench.spawn("run --resume ../out --progress none"));
    bench.assert_clean();
}

/// One that ends by itself, and one that takes too long: the others are told at once, and why.
#[test]
fn nobody_waits_for_one_that_has_ended() {
    let tree = r#"
duration: 2m
/ends:
    extra-together: ends
    /client:
        test: atex-barrier up
    /server:
        test: "true"
/late:
    extra-together: late
    /client:
        test: atex-barrier up
    /server:
        duration: 1s
        test: sleep 1000
/slow:
    extra-together: slow
    /client:
        test: atex-barrier -t 1 up || { touch "$FOLDER/gone"; exit 1; }
    /server:
        test: until [ -e "$FOLDER/gone" ]; do sleep 0.05; done
"#;
    let bench = Bench::new(&[("main.fmf", tree)]);
    let run = begin(&bench, "--pool local,max=2,platform=x");
    let output = run.wait_with_output().unwrap();
    let transcript = bench.transcript("run", &output);
    let said = |test: &str| {
        let path = bench.path(&format!("out/files/x/{test}/client/output.txt"));
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{test}: {error}\n{transcript}"))
    };
    insta::assert_snapshot!(said("ends") + &said("late") + &said("slow"), @r"
    atex-barrier: 'up' never opens: /ends/server ended before it came there
    atex-barrier: 'up' never opens: /late/server ended before it came there
    atex-barrier: not all came to 'up' within 1 seconds
    ");
    let results = bench.results(&bench.path("out")).join("\n");
    assert!(results.contains(r#""fail", "/ends/client""#), "{results}");
    bench.assert_clean();
}

/// For those that run with nobody there is no barrier, and no word for one.
#[test]
fn who_runs_alone_has_nobody_to_wait_for() {
    let tree = r#"
/tool:
    test: atex-barrier up
/word:
    test: echo barrier up >&"$ATEX_TEST_CONTROL"; sleep 1000
/odd:
    extra-together: odd
    test: atex-barrier ../up
    /a:
        summary: Cannot go there
    /b:
        summary: Cannot go there either
"#;
    let bench = Bench::new(&[("main.fmf", tree)]);
    let run = begin(&bench, "--pool local,max=2,platform=x --infra-retries 0");
    let output = run.wait_with_output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        report.contains("there is no barrier up: the test runs together with no other"),
        "{report}"
    );
    let said = |test: &str| {
        fs::read_to_string(bench.path(&format!("out/files/x/{test}/output.txt"))).unwrap()
    };
    insta::assert_snapshot!(said("tool") + &said("odd/a"), @r"
    atex-barrier: this test runs together with no other
    atex-barrier: '../up' cannot be the name of a barrier
    ");
    bench.assert_clean();
}

/// A client connects to a server at the address that it was told, once that listens.
#[test]
fn containers_find_each_other_and_wait_for_each_other() {
    let test = "containers_find_each_other_and_wait_for_each_other";
    let Some(words) = Podman::many_for_test(test, TestImage::Plain) else { return };
    if words.connected(test).is_none() {
        return;
    }
    let tree = include_str!("../../../samples/together/main.fmf");
    let bench = Bench::new(&[("main.fmf", tree)]);
    let tool: Vec<String> = words.tool.iter().map(|word| format!("'{word}'")).collect();
    crate::podman::put(&bench, &tool.join(" "));
    let options = words.options.iter().filter(|option| !option.starts_with("--network="));
    let options: String = options.map(|option| format!(",option={option}")).collect();
    let pool = format!("podman:{},max=2,platform=x,option=--network=bridge{options}", words.image);
    let mut run = bench.command(&format!("run --pool {pool} --progress none --out ../out"));
    let path = std::env::var("PATH").unwrap();
    run.env("PATH", format!("{}:{path}", bench.path("bin").display()));
    assert_passed(&bench, run.spawn().unwrap());
}

/// One of them reboots: what it came to before counts, and it is told of what opened meanwhile once it is back.
#[test]
fn barriers_outlive_a_reboot() {
    let Some(machine) = Machine::for_test("barriers_outlive_a_reboot") else { return };
    let tree = r#"
extra-together: net
duration: 5m
/client:
    extra-needs: kind == machine
    test: |
        if [ "$TMT_REBOOT_COUNT" = 0 ]; then
            atex-barrier first
            echo barrier meanwhile >&"$ATEX_TEST_CONTROL"
            tmt-reboot
        fi
        [ "$ATEX_ROLE" = client ]
        atex-barrier first
        atex-barrier meanwhile
        atex-barrier last
/server:
    extra-needs: kind == here
    test: |
        atex-barrier first
        until grep -q '"/client".*"barrier":"meanwhile"' "$FOLDER/out/journal.jsonl"; do sleep 0.05; done
        atex-barrier meanwhile
        atex-barrier last
"#;
    let bench = Bench::new(&[("main.fmf", tree)]);
    let (host, config) = (machine.destination(), machine.config_file());
    let host = format!("ssh:{host},ssh_config={},fact.kind=machine,platform=x", config.display());
    let run = begin(&bench, &format!("--pool {host} --pool local,fact.kind=here,platform=x"));
    assert_passed(&bench, run);
    assert_eq!(machine.boots(), 2);
    bench.assert_clean();
}
