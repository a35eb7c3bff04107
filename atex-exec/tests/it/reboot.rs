//! Tests that reboot their system, on machines that really do.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, CancellationToken, Connection, ConnectionExt, Executor, Outcome, Provisioner,
    Request, Result, Test, TestName, TestSuite, Verdict,
};
use atex_exec::{FmfExecutor, Limits};
use atex_provision::testkit::{Machine, Podman, TestImage};
use tempfile::TempDir;

/// How a test of this file went, and what it left.
struct Done {
    outcome: Result<Outcome>,
    folder: TempDir,
}

impl Done {
    fn artifacts(&self) -> Artifacts {
        Artifacts::open(self.folder.path().join("out"))
    }

    fn results(&self) -> String {
        fs::read_to_string(self.artifacts().results_file()).unwrap()
    }

    fn output(&self) -> String {
        fs::read_to_string(self.artifacts().files_dir().join("output.txt")).unwrap()
    }

    /// The note of the test's verdict, or the error.
    fn why(&self) -> String {
        match &self.outcome {
            Ok(outcome) => outcome.note.clone().unwrap_or_default(),
            Err(error) => error.to_string(),
        }
    }
}

/// Runs a test on a machine; `meanwhile` happens once it has reported something.
async fn run_while(
    machine: &Machine,
    script: &str,
    duration: u64,
    meanwhile: impl AsyncFnOnce(),
) -> Done {
    let mut test = Test::new(format!("{REPORT}{script}"));
    test.duration = Some(Duration::from_secs(duration));
    run_test(machine, test, meanwhile).await
}

async fn run_test(machine: &Machine, test: Test, meanwhile: impl AsyncFnOnce()) -> Done {
    let connection: Arc<dyn Connection> = Arc::new(machine.ssh().connect().await.unwrap());
    let limits = reboot_within(Duration::from_secs(8));
    let done = run_over(&connection, test, limits, meanwhile).await;
    if done.outcome.is_ok() {
        assert_eq!(machine.inside(&["ls", "/root"]).unwrap(), "");
    }
    done
}

fn reboot_within(reboot: Duration) -> Limits {
    let mut limits = Limits::default();
    limits.reboot = reboot;
    limits
}

async fn run_over(
    connection: &Arc<dyn Connection>,
    test: Test,
    limits: Limits,
    meanwhile: impl AsyncFnOnce(),
) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let name = TestName::new("/t").unwrap();
    let executor =
        FmfExecutor::new(TestSuite::new([(name.clone(), test)])).work_base("/root").limits(limits);
    let cancel = CancellationToken::new();
    let mut session = executor.start(Arc::clone(connection), &cancel).await.unwrap();
    let artifacts = Artifacts::at(folder.path().join("out")).unwrap();
    let trouble = async {
        while fs::metadata(artifacts.results_file()).map_or(0, |file| file.len()) == 0 {
            tokio::task::yield_now().await;
        }
        meanwhile().await;
    };
    let (outcome, ()) = tokio::join!(session.run(&name, &artifacts, &cancel), trouble);
    if outcome.is_ok() {
        session.stop().await.unwrap();
    }
    Done { outcome, folder }
}

async fn run(machine: &Machine, script: &str, duration: u64) -> Done {
    run_while(machine, script, duration, async || {}).await
}

/// Reports; and reboots as a test should.
const REPORT: &str = r#"
report() { printf 'result %d\n%s' "${#1}" "$1" >&$ATEX_TEST_CONTROL; }
leave() {
    trap '' PIPE
    echo disconnect >&$ATEX_TEST_CONTROL
    while echo noop >&$ATEX_TEST_CONTROL; do sleep 0.02; done 2>/dev/null
}
boot=$(cat /proc/sys/kernel/random/boot_id)
report '{"name": "begun"}'
"#;

#[tokio::test]
async fn a_test_is_started_again_after_each_reboot() {
    let Some(machine) = Machine::for_test("a test is started again after each reboot") else {
        return;
    };
    let script = r#"
echo "start $TMT_REBOOT_COUNT $TMT_TEST_RESTART_COUNT"
echo "$boot" >>"$TMT_PLAN_ENVIRONMENT_FILE.boots"
report "{\"name\": \"open\", \"partial\": true, \"seen\": [$TMT_REBOOT_COUNT]}"
if ((TMT_REBOOT_COUNT < 2)); then
    echo exitcode 9 >&$ATEX_TEST_CONTROL
    leave
    sync
    setsid reboot
    sleep 1000
fi
echo "boots: $(sort -u "$TMT_PLAN_ENVIRONMENT_FILE.boots" | wc -l)"
exit 5"#;
    let done = run(&machine, script, 300).await;
    let outcome = done.outcome.as_ref().unwrap();
    assert_eq!((outcome.exit_code, outcome.verdict), (Some(5), Verdict::Failed));
    assert_eq!(machine.boots(), 3);
    assert_eq!(done.output(), "start 0 0\nstart 1 1\nstart 2 2\nboots: 3\n");
    let results = "{\"name\": \"begun\"}\n".repeat(3)
        + "{\"name\": \"open\", \"seen\": [0, 1, 2]}\n"
        + "{\"status\": \"fail\", \"files\": [\"output.txt\"]}\n";
    assert_eq!(done.results(), results);
}

/// The commands of tmt and rhts: a phase that a reboot cuts short leaves no result, as with the Python ATEX.
#[tokio::test]
async fn commands_reboot_the_system_in_the_middle_of_a_beakerlib_test() {
    let Some(machine) = Machine::for_test("reboots by tmt-reboot and rhts-reboot") else { return };
    let body = r#"eval "$STAND_IN"
rlJournalStart
echo file >>"$TMT_TEST_DATA/file"
case $TMT_REBOOT_COUNT in
    0) rlPhaseStartTest first; rlRun true; rlPhaseEnd; rlPhaseStartTest cut; rlRun false; rlRun rhts-reboot; echo not reached ;;
    1) echo 0003 >/root/EFI_BOOT_ENTRY.TXT
       printf '#!/bin/sh\necho "asked $*" >>/root/asked; echo BootCurrent: 0007\n' >/usr/sbin/efibootmgr; chmod 755 /usr/sbin/efibootmgr
       tmt-reboot -t 60 -c 'echo by another command; setsid reboot'; echo not reached ;;
    2) rlRun "[ \"$(tail -n 1 /root/asked)\" = 'asked -n 0007' ]"; rm /root/asked /root/EFI*; rlPhaseStartTest last; rlRun "[ $RSTRNT_REBOOTCOUNT = 2 ]"; rlPhaseEnd; rlRun '[ $(wc -l <"$TMT_TEST_DATA/file") = 3 ]' ;;
esac
rlJournalEnd"#;
    let mut test = Test::new("exec bash -c \"$BODY\"");
    test.duration = Some(Duration::from_secs(300));
    test.environment.insert("BODY".into(), body.into());
    let stand_in = include_str!("behaviours/beakerlib.sh");
    test.environment.insert("STAND_IN".into(), stand_in.into());
    test.metadata.insert("framework".into(), "beakerlib".into());
    let done = run_test(&machine, test, async || {}).await;
    assert_eq!(machine.boots(), 3, "{}", done.output());
    insta::assert_snapshot!(format!("{}{}", done.output(), done.results()));
}

/// A soft reboot of a systemd keeps the kernel, and process 1, but no other process.
#[tokio::test]
async fn a_soft_reboot_is_one() {
    let test = "a soft reboot is one";
    let Some(words) = Podman::many_for_test(test, TestImage::Systemd) else { return };
    let containers = words.containers().systemd();
    let request = Request::new("soft-reboot");
    let remote = containers.provision(&request).await.unwrap();
    let connection = remote.connection();
    let load = "systemctl show --property=LoadState soft-reboot.target";
    // Where the image could not be given one that knows soft reboots, its recipe said so.
    if connection.script(load, &[]).await.unwrap() == "LoadState=loaded\n" {
        let script = r##"
echo "start $TMT_REBOOT_COUNT $(cat /proc/sys/kernel/random/boot_id)" >>"$TMT_TEST_DATA/starts"
report "{\"name\": \"open\", \"partial\": true, \"seen\": [$TMT_REBOOT_COUNT]}"
case $TMT_REBOOT_COUNT in
    0) touch /run/kept; tmt-reboot -s; echo not reached ;;
    # As far as systemd is concerned, that one is soft, too.
    1) tmt-reboot -t 100 -c 'systemctl --no-block soft-reboot'; echo not reached ;;
esac
cut -d ' ' -f 3 "$TMT_TEST_DATA/starts" | sort -u | wc -l; wc -l <"$TMT_TEST_DATA/starts""##;
        let mut test = Test::new(format!("{REPORT}{script}"));
        test.duration = Some(Duration::from_secs(300));
        let done = run_over(connection, test, Limits::default(), async || {}).await;
        assert_eq!((done.why(), done.output()), (String::new(), "1\n3\n".to_owned()));
        let results = "{\"name\": \"begun\"}\n".repeat(3)
            + "{\"name\": \"open\", \"seen\": [0, 1, 2]}\n"
            + "{\"status\": \"pass\", \"files\": [\"output.txt\"]}\n";
        assert_eq!(done.results(), results);
    }
    // This is none, though process 1 is another program than before.
    let script = "leave; systemctl daemon-reexec; kill -TERM $$; sleep 1000";
    let limits = reboot_within(Duration::from_secs(2));
    let test = Test::new(format!("{REPORT}{script}"));
    let done = run_over(connection, test, limits, async || {}).await;
    assert!(done.why().ends_with("ended with exit code 143, and no reboot came"), "{}", done.why());
    containers.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_reboot_that_nobody_announced_is_the_fault_of_the_system() {
    let Some(machine) = Machine::for_test("a reboot that nobody announced") else { return };
    let done = run_while(&machine, "echo before; sleep 1000", 300, async || {
        machine.power_off();
        machine.power_on().unwrap();
    })
    .await;
    assert_eq!(
        done.why(),
        format!("{}: the system rebooted while the test ran", machine.destination())
    );
    assert!(done.results().contains(r#""status": "infra", "note": "#), "{}", done.results());
    assert_eq!(done.output(), "before\n");
}

#[tokio::test]
async fn a_test_that_announces_a_reboot_and_dies_of_it_is_told_what_to_do() {
    let Some(machine) = Machine::for_test("a test that dies of the closed channel") else { return };
    let script = r#"echo disconnect >&$ATEX_TEST_CONTROL
while echo noop >&$ATEX_TEST_CONTROL; do sleep 0.02; done
reboot"#;
    let done = run(&machine, script, 300).await;
    assert_eq!(machine.boots(), 1);
    assert!(done.why().contains("use `trap '' PIPE`"), "{}", done.why());
    assert_eq!(done.outcome.unwrap().verdict, Verdict::Infra);
}

/// Its connection is cut, and the machine is as it was: it is waited for. Then its time is up.
#[tokio::test]
async fn a_reboot_that_does_not_come_ends_with_the_time() {
    let Some(machine) = Machine::for_test("a reboot that does not come") else { return };
    let done = run_while(&machine, "leave; echo waiting; sleep 1000", 30, async || {
        machine.inside(&["pkill", "-f", "^sshd: root"]).ok();
    })
    .await;
    let note =
        "time limit of 30s reached; the reboot that the test announced (`disconnect`) did not come";
    assert_eq!(done.why(), note);
    assert_eq!(done.output(), "waiting\n");
}

/// It is killed as if the machine went down, which does not.
#[tokio::test]
async fn a_test_that_is_killed_instead_of_rebooted_is_waited_for_for_a_while() {
    let Some(machine) = Machine::for_test("a test that is killed instead of rebooted") else {
        return;
    };
    let done = run(&machine, "leave; kill -TERM $$; sleep 1000", 300).await;
    assert!(done.why().ends_with("ended with exit code 143, and no reboot came"), "{}", done.why());
}

#[tokio::test]
async fn a_machine_that_does_not_come_back_is_to_blame() {
    let Some(machine) = Machine::for_test("a machine that does not come back") else { return };
    let done = run_while(&machine, "leave; echo off; sleep 1000", 10, async || {
        machine.power_off();
    })
    .await;
    assert!(done.outcome.is_err());
    assert!(done.results().contains(r#""status": "infra""#), "{}", done.results());
}
