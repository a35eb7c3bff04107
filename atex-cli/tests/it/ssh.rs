//! `atex run` over real ssh.

use std::path::Path;

use atex_provision::testkit::Sshd;

use crate::bench::{Bench, kill_marked};

/// The tree of the project's sample, and a run of it with the waiting left out.
///
/// The flaky test of the sample fails on a system on which nothing ran yet. There are at most three of these: both that there
/// are at the start, and the one that comes after `/upgrade` used one up. So a fourth try passes, however slow systems start.
fn run_sample(bench: &Bench, out: &str, pools: &[String]) -> Vec<String> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/shop");
    let arguments = format!(
        "run --plan /plans/quick --reruns 3 --progress none --out ../{out} -c distro=fedora-42 -c arch=x86_64"
    );
    let mut command = bench.command(&arguments);
    command.arg("--root").arg(sample);
    for pool in pools {
        command.args(["--pool", pool]);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", bench.transcript(&arguments, &output));
    bench.results(&bench.path(out))
}

/// A pool of one host.
fn pool(sshd: &Sshd) -> String {
    let (port, config) = (sshd.port(), sshd.config_file());
    format!("ssh:{}:{port},ssh_config={},platform=x", sshd.destination(), config.display())
}

#[test]
fn the_sample_gives_the_same_results_over_ssh_as_locally() {
    let Some(first) = Sshd::for_test("the sample over ssh") else { return };
    let second = Sshd::start().unwrap().unwrap();
    let bench = Bench::new(&[]);
    let local = run_sample(&bench, "local", &["local,max=2,platform=x".to_owned()]);
    let ssh = run_sample(&bench, "ssh", &[pool(&first), pool(&second)]);
    assert_eq!(local, ssh);
    bench.assert_clean();
}

#[test]
fn an_inventory_lists_hosts() {
    let Some(sshd) = Sshd::for_test("an inventory of hosts") else { return };
    let bench = Bench::new(&[("main.fmf", "test: echo hello\n")]);
    let line = format!(
        "{}:{} distro=lab-1 ssh_config={}\n",
        sshd.destination(),
        sshd.port(),
        sshd.config_file().display()
    );
    bench.write("hosts", &line);
    let output = bench
        .command("run --pool ssh,inventory=../hosts --out ../out --progress none")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", bench.transcript("run", &output));
    assert_eq!(
        bench.results(&bench.path("out")),
        [r#"["lab-1", "pass", "/", null, ["output.txt"], null]"#]
    );
}

#[test]
fn a_host_that_dies_under_a_test_is_to_blame() {
    let Some(mut sshd) = Sshd::for_test("a host that dies") else { return };
    let left = tempfile::tempdir().unwrap();
    // What a dead host keeps is found here, and goes with the folder.
    let mark = format!("TMPDIR={}", left.path().display());
    sshd.configure_server(&format!("SetEnv {mark}")).unwrap();
    let bench = Bench::new(&[(
        "main.fmf",
        "/wait:\n    test: echo begun; touch $MARK; sleep 1000\n/other:\n    test: \"true\"\n    duration: 1m\n",
    )]);
    let begun = bench.path("mark");
    let arguments = format!(
        "run --pool {} --out ../out --progress plain --reconnect 0s -t /wait -e MARK={}",
        pool(&sshd),
        begun.display()
    );
    let child = bench.spawn(&arguments);
    while !begun.exists() {
        std::thread::yield_now();
    }
    sshd.go_down();
    let output = child.wait_with_output().unwrap();
    kill_marked(&mark);
    let transcript = bench.transcript("run …", &output);
    assert_eq!(output.status.code(), Some(3), "{transcript}");
    let results = bench.results(&bench.path("out")).join("\n");
    assert!(
        results.contains(r#""infra", "/wait", null, ["output.txt"], "connection to "#),
        "{results}\n{transcript}"
    );
}
