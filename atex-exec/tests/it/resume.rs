//! A test outlives its controller: killed with no time for a last word, another one goes on, and nothing is lost or doubled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use atex_core::{
    Artifacts, CancellationToken, Connection, Executor, Outcome, Result, Session, Test, TestName,
    TestSuite,
};
use atex_exec::FmfExecutor;
use atex_provision::testkit::{Machine, Sshd};
use atex_provision::{LocalConnection, Ssh};

/// Names the folder of a controller that is to be killed.
const FOLDER: &str = "ATEX_IT_CONTROLLER";
/// And how its system is reached, if over ssh: `DESTINATION PORT CONFIG`.
const SSH: &str = "ATEX_IT_SSH";

/// Reports, prints and attaches its output; one result in ten has a file, and another is open all the time. In the middle there is
/// a file that is long, and comes slowly.
const SCRIPT: &str = r#"
report() { printf 'result %d\n%s' "${#1}" "$1" >&$ATEX_TEST_CONTROL; }
report '{"name": "early", "status": "pass", "testout": "log"}'
for i in {1..1500}; do
    case $i in
        *0)
            report "{\"name\": \"r$i\", \"files\": [{\"name\": \"f\", \"length\": 4}]}"
            printf %04d "$i" >&$ATEX_TEST_CONTROL
            report "{\"name\": \"open\", \"partial\": true, \"n\": [$i], \"files\": [{\"name\": \"all\", \"length\": 4}]}"
            printf %04d "$i" >&$ATEX_TEST_CONTROL
            sleep 0.01
            ;;
        755)
            report '{"name": "slow", "files": [{"name": "data", "length": 4000000}]}'
            for j in {1..40}; do head -c 100000 /dev/zero | tr '\0' a >&$ATEX_TEST_CONTROL; sleep 0.02; done
            ;;
        *) report "{\"name\": \"r$i\", \"note\": \"$i\"}" ;;
    esac
    echo "line $i"
done
report "{\"name\": \"all/late\", \"note\": \"$(ls "${TMT_TEST_METADATA%/*}" | wc -l)\", \"testout\": \"log\"}"
exit 7"#;

fn name() -> TestName {
    TestName::new("/t").unwrap()
}

async fn connect(folder: &Path) -> Arc<dyn Connection> {
    let Ok(ssh) = std::env::var(SSH) else {
        return Arc::new(LocalConnection::new("system", folder.join("system")));
    };
    let mut words = ssh.split(' ');
    let ssh = Ssh::new(words.next().unwrap());
    let ssh = ssh.port(words.next().unwrap().parse().unwrap()).config_file(words.next().unwrap());
    Arc::new(ssh.connect().await.unwrap())
}

fn executor(folder: &Path) -> FmfExecutor {
    let script = fs::read_to_string(folder.join("script")).unwrap();
    FmfExecutor::new(TestSuite::new([(name(), Test::new(script))]))
        .work_base(fs::read_to_string(folder.join("base")).unwrap())
}

/// Goes on with the run of the folder, or begins it; `None` if there was nothing left to do.
async fn control(folder: &Path) -> Option<(Box<dyn Session>, Result<Outcome>)> {
    let (executor, cancel) = (executor(folder), CancellationToken::new());
    let connection = connect(folder).await;
    let out = folder.join("out");
    let artifacts = Artifacts::open(&out);
    let resumed = executor.resume(Arc::clone(&connection), &artifacts, &cancel).await.unwrap();
    let (mut session, artifacts) = match resumed {
        Some(session) => (session, artifacts),
        None if artifacts.results_file().exists() => return None,
        None => (executor.start(connection, &cancel).await.unwrap(), Artifacts::at(out).unwrap()),
    };
    let outcome = session.run(&name(), &artifacts, &cancel).await;
    Some((session, outcome))
}

/// No test: the controller that tests of this file start, in a process of its own.
#[tokio::test]
async fn controller() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let outcome = match control(&folder).await {
        Some((session, outcome)) => {
            session.stop().await.unwrap();
            outcome.map(|outcome| outcome.exit_code.unwrap())
        }
        // The one before was killed when it had all, but before it removed the work folder.
        None => {
            let base = fs::read_to_string(folder.join("base")).unwrap();
            fs::remove_dir_all(&base).and_then(|()| fs::create_dir(base)).unwrap();
            Ok(7)
        }
    };
    fs::write(folder.join("ending"), format!("{outcome:?}")).unwrap();
    fs::rename(folder.join("ending"), folder.join("ended")).unwrap();
}

pub(crate) struct Runs {
    pub(crate) folder: tempfile::TempDir,
    ssh: Option<String>,
}

impl Runs {
    pub(crate) fn new(script: &str, ssh: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("system/tmp");
        fs::create_dir_all(&base).unwrap();
        fs::write(folder.path().join("script"), script).unwrap();
        fs::write(folder.path().join("base"), base.to_str().unwrap()).unwrap();
        Self { folder, ssh }
    }

    pub(crate) fn start(&self) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "resume::controller", "--nocapture"]);
        command.env(FOLDER, self.folder.path()).stdout(Stdio::null());
        command.envs(self.ssh.iter().map(|ssh| (SSH, ssh)));
        command.spawn().unwrap()
    }

    /// How much is there of the results, the output, and the slow file.
    fn size(&self) -> u64 {
        let names = ["out/results", "out/testout.temp", "out/files/slow/data"];
        names
            .map(|name| fs::metadata(self.folder.path().join(name)).map_or(0, |file| file.len()))
            .iter()
            .sum()
    }

    /// Lets controllers live for so many more bytes each, and kills them; the last one comes to the end.
    fn run(&self, lives: impl IntoIterator<Item = u64>) {
        let ended = self.folder.path().join("ended");
        for life in lives {
            let mut controller = self.start();
            let end = self.size() + life;
            while self.size() < end && !ended.exists() && controller.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            if !ended.exists() {
                controller.kill().unwrap();
            }
            controller.wait().unwrap();
        }
        if !ended.exists() {
            assert!(self.start().wait().unwrap().success());
        }
        assert_eq!(fs::read_to_string(ended).unwrap(), "Ok(7)");
    }
}

fn check(runs: &Runs) {
    let artifacts = Artifacts::open(runs.folder.path().join("out"));
    let mut expected =
        String::from("{\"name\": \"early\", \"status\": \"pass\", \"files\": [\"log\"]}\n");
    let (mut output, mut all) = (String::new(), String::new());
    let mut numbers = Vec::new();
    for i in 1..=1500 {
        if i % 10 == 0 {
            expected += &format!("{{\"name\": \"r{i}\", \"files\": [\"f\"]}}\n");
            let file = artifacts.files_of(Some(&format!("r{i}"))).join("f");
            assert_eq!(fs::read_to_string(file).unwrap(), format!("{i:04}"));
            all += &format!("{i:04}");
            numbers.push(i.to_string());
        } else if i == 755 {
            expected += "{\"name\": \"slow\", \"files\": [\"data\"]}\n";
        } else {
            expected += &format!("{{\"name\": \"r{i}\", \"note\": \"{i}\"}}\n");
        }
        output += &format!("line {i}\n");
    }
    let results = fs::read_to_string(artifacts.results_file()).unwrap();
    let (body, last) = results.split_at(results.find("{\"name\": \"all/late\"").unwrap());
    assert!(body == expected, "{}", difference(body, &expected));
    let own = "{\"status\": \"fail\", \"files\": [\"output.txt\"]}\n";
    let open =
        format!("{{\"name\": \"open\", \"n\": [{}], \"files\": [\"all\"]}}\n", numbers.join(", "));
    assert!(last.ends_with(&(open + own)), "{last}");
    assert_eq!(last.lines().count(), 3);
    let text = |name: &str| fs::read_to_string(artifacts.files_dir().join(name)).unwrap();
    assert!(text("output.txt") == output, "{}", difference(&text("output.txt"), &output));
    assert!(text("early/log") == output && text("all/late/log") == output);
    assert_eq!(text("open/all"), all);
    assert!(text("slow/data") == "a".repeat(4_000_000));
    let mut left: Vec<_> =
        fs::read_dir(artifacts.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["files", "results"]);
    assert_eq!(fs::read_dir(runs.folder.path().join("system/tmp")).unwrap().count(), 0);
}

/// Where two texts part.
fn difference(one: &str, other: &str) -> String {
    let mut lines = one.lines().zip(other.lines()).enumerate();
    let parted = lines.find(|(_, (one, other))| one != other);
    format!("{} and {} bytes; {parted:?}", one.len(), other.len())
}

/// Together less than there is: the last of them is killed before the end.
const LIVES: [u64; 9] = [1, 200, 5000, 1, 9000, 200_000, 700_000, 2_500_000, 500_000];

#[test]
fn killed_controllers_lose_nothing_and_double_nothing_on_this_machine() {
    let runs = Runs::new(SCRIPT, None);
    runs.run(LIVES);
    check(&runs);
}

#[test]
fn killed_controllers_lose_nothing_and_double_nothing_over_ssh() {
    let Some(sshd) = Sshd::for_test("killed controllers over ssh") else { return };
    let ssh = format!("{} {} {}", sshd.destination(), sshd.port(), sshd.config_file().display());
    let runs = Runs::new(SCRIPT, Some(ssh));
    runs.run(LIVES);
    check(&runs);
}

/// Reboots once, by the rules; before each step it waits for a file.
const REBOOTS: &str = r#"
wait_for() { touch "/root/at-$1"; until [ -e "/root/$1" ]; do sleep 0.02; done; }
echo "start $TMT_REBOOT_COUNT"
if ((TMT_REBOOT_COUNT == 0)); then
    json='{"name": "early"}'; printf 'result %d\n%s' "${#json}" "$json" >&$ATEX_TEST_CONTROL
    wait_for leave
    trap '' PIPE
    echo disconnect >&$ATEX_TEST_CONTROL
    while echo noop >&$ATEX_TEST_CONTROL; do sleep 0.02; done 2>/dev/null
    wait_for reboot
    sync
    setsid reboot
    sleep 1000
fi
wait_for end
rm -f /root/at-* /root/leave /root/reboot /root/end
exit 7"#;

/// Kills the controller while the test waits before this step, and starts another: where the step is a reboot, once the machine is
/// up again.
fn reboot_with_another_controller(machine: &Machine, kill_before: &str) {
    let ssh = format!("{} 22 {}", machine.destination(), machine.config_file().display());
    let runs = Runs::new(REBOOTS, Some(ssh));
    fs::write(runs.folder.path().join("base"), "/root").unwrap();
    let mut controller = runs.start();
    for step in ["leave", "reboot", "end"] {
        let arrived = format!("/root/at-{step}");
        while machine.inside(&["test", "-e", &arrived]).is_err() {
            std::thread::yield_now();
        }
        let is_killed = step == kill_before;
        if is_killed {
            controller.kill().unwrap();
            controller.wait().unwrap();
        }
        machine.inside(&["touch", &format!("/root/{step}")]).unwrap();
        if is_killed {
            if step == "reboot" {
                machine.wait_for_boot(2).unwrap();
            }
            controller = runs.start();
        }
    }
    assert!(controller.wait().unwrap().success());
    let text = |name: &str| fs::read_to_string(runs.folder.path().join(name)).unwrap();
    assert_eq!(text("ended"), "Ok(7)", "{kill_before}");
    assert_eq!(text("out/files/output.txt"), "start 0\nstart 1\n", "{kill_before}");
    let results = "{\"name\": \"early\"}\n{\"status\": \"fail\", \"files\": [\"output.txt\"]}\n";
    assert_eq!(text("out/results"), results, "{kill_before}");
    assert_eq!((machine.boots(), machine.inside(&["ls", "/root"]).unwrap().as_str()), (2, ""));
}

#[test]
fn killed_controllers_do_not_miss_a_reboot() {
    for kill_before in ["leave", "reboot", "end"] {
        let Some(machine) = Machine::for_test("killed controllers and reboots") else { return };
        reboot_with_another_controller(&machine, kill_before);
    }
}
