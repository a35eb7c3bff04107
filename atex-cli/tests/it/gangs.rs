//! Tests that run at once: how they find each other.

use std::fs;

use atex_provision::testkit::Sshd;

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
